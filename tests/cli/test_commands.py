from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from drystone.cli import cli
from drystone.errors import SettingsError
from tests.cli.conftest import Drystone, Run

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one migration of the system ``shop``."""
    path = tmp_path / "migrations" / "shop"
    path.mkdir(parents=True)
    (path / "shop-0001-create.sql").write_text("CREATE TABLE public.t1 ();\n")
    (path / "shop-0001-create.rollback.sql").write_text("DROP TABLE public.t1;\n")
    return path.parent


@pytest.fixture
def shop(drystone: Drystone, empty_url: str, folder: Path) -> Drystone:
    """Run the command line on a database of its own and that folder."""

    def run(*arguments: str) -> Run:
        return drystone(
            "--database-url", empty_url, "--migrations", str(folder), *arguments
        )

    return run


def test_migrate_status_and_rollback_tell_what_they_did(shop: Drystone) -> None:
    assert "shop-0001-create  pending" in shop("status").out
    assert shop("migrate").out.startswith("applied shop-0001-create (")
    assert shop("migrate").out == "nothing is pending\n"
    shown = shop("status").out
    assert "shop-0001-create  applied" in shown
    assert shown.endswith("1 applied\n")
    assert shop("rollback").out.startswith("rolled back shop-0001-create (")
    assert shop("rollback").out == "nothing is applied\n"


def test_json_is_one_document(shop: Drystone) -> None:
    (done,) = shop("migrate", "--json").document["migrations"]
    assert done["id"] == "shop-0001-create"
    assert done["seconds"] >= 0
    (entry,) = shop("status", "--json").document["migrations"]
    assert (entry["system"], entry["state"]) == ("shop", "applied")
    assert entry["applied_at"].endswith("+00:00")
    assert len(shop("rollback", "--json").document["migrations"]) == 1
    assert shop("migrate", "--json", "--to", "shop-0001-create").code == 0


def test_the_structure_is_kept_for_the_projects_own_folders_alone(
    drystone: Drystone, empty_url: str, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "drystone.toml").write_text(
        'migrations = ["migrations"]\nstructure = "structure.sql"\n'
    )
    other = tmp_path / "other" / "blog"
    other.mkdir(parents=True)
    (other / "blog-1.sql").write_text("CREATE TABLE public.posts ();")
    named = ["--migrations", str(other.parent)]
    assert drystone("--database-url", empty_url, *named, "migrate").code == 0
    assert not (tmp_path / "structure.sql").exists()
    assert drystone("--database-url", empty_url, "migrate").code == 0
    assert "CREATE TABLE public.t1" in (tmp_path / "structure.sql").read_text()
    assert drystone("--database-url", empty_url, "rollback").code == 0
    assert "public.t1" not in (tmp_path / "structure.sql").read_text()


def test_new_writes_a_pair_of_files_that_apply(shop: Drystone, folder: Path) -> None:
    created = shop("new", "shop", "add-orders")
    up = folder / "shop" / "shop-0002-add-orders.sql"
    down = folder / "shop" / "shop-0002-add-orders.rollback.sql"
    assert created.out == f"created {up}\ncreated {down}\n"
    assert up.read_text().startswith("-- depends: shop-0001-create\n")
    assert "shop-0002-add-orders" in down.read_text()
    assert "applied shop-0002-add-orders" in shop("migrate").out
    assert shop("rollback", "--steps", "2").code == 0


def test_new_begins_a_system(shop: Drystone, folder: Path) -> None:
    assert shop("new", "blog", "create-posts").code == 0
    text = (folder / "blog" / "blog-0001-create-posts.sql").read_text()
    assert "depends" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["new", "shop", "Add Orders"], 2, "'Add Orders' cannot be part"),
        (["new", "../shop", "x"], 2, "'../shop' cannot be part"),
        (["migrate", "nothing"], 1, "system called nothing"),
        (["migrate", "--to", "nothing"], 1, "no migration called nothing"),
        (["rollback", "--steps", "1", "--to", "x"], 2, "exclude each other"),
        (["rollback", "--steps", "0"], 2, "0 is not in the range"),
        (["seed", "nothing"], 2, "nothing has no seed data"),
        (["frobnicate"], 2, "No such command"),
        (["db", "stop"], 2, "a database is configured"),
    ],
)
def test_a_users_mistake_gets_a_sentence_and_its_exit_code(
    shop: Drystone, arguments: list[str], code: int, message: str
) -> None:
    run = shop(*arguments)
    assert run.code == code
    assert message in run.err
    assert "Traceback" not in run.err
    assert run.out == ""


def test_a_failing_statement_is_shown_in_its_file(shop: Drystone, folder: Path) -> None:
    broken = folder / "shop" / "shop-0002-break.sql"
    broken.write_text("CREATE TABLE public.t2 (\n    id integr\n);\n")
    run = shop("migrate")
    assert run.code == 1
    assert run.err.splitlines() == [
        'error: type "integr" does not exist',
        f"  at: {broken}:2:8",
        "  sqlstate: 42704",
        "    2 |     id integr",
        "               ^",
        "  next: Nothing of the file was applied. Correct it and run again.",
    ]


def test_an_edited_file_is_refused_with_3(shop: Drystone, folder: Path) -> None:
    shop("migrate")
    (folder / "shop" / "shop-0001-create.sql").write_text("CREATE TABLE public.t9 ();")
    assert shop("status", "--json").document["migrations"][0]["state"] == "edited"
    assert shop("migrate").code == 3


def test_rows_are_not_lost_unasked(shop: Drystone, folder: Path) -> None:
    up = folder / "shop" / "shop-0001-create.sql"
    up.write_text("CREATE TABLE public.t1 AS SELECT 1 AS id;\n")
    shop("migrate")
    run = shop("rollback")
    assert run.code == 3
    assert "would lose rows. shop-0001-create: 1 rows of public.t1" in run.err
    assert shop("rollback", "--yes").code == 0


def test_an_unreachable_database_is_4_and_no_password_is_told(
    drystone: Drystone,
) -> None:
    url = "postgresql://app:hunter2@127.0.0.1:1/events"
    run = drystone("--database-url", url, "status")
    assert run.code == 4
    assert "127.0.0.1" in run.err
    assert "hunter2" not in run.out + run.err
    shown = drystone("--database-url", url, "db", "url").out
    assert "hunter2" not in shown
    assert "dbname=events" in shown


def test_a_plan_is_written_signed_and_held_to(
    shop: Drystone, folder: Path, tmp_path: Path
) -> None:
    plan = str(tmp_path / "plan.json")
    told = shop("migrate", "--dry-run", "--plan", plan)
    assert "shop-0001-create           1  in one transaction  yes" in told.out
    assert "everything ran, and was undone" in told.out
    assert "shop-0001-create  pending" in shop("status").out
    (folder / "shop" / "shop-0002-more.sql").write_text("SELECT 1;")
    assert shop("migrate", "--plan", plan).code == 3
    (folder / "shop" / "shop-0002-more.sql").unlink()
    assert shop("migrate", "--plan", plan).code == 0
    again = shop("migrate", "--dry-run", "--json").document
    assert again == {"migrations": [], "fingerprint": None}


def test_the_history_is_set_right_by_hand(shop: Drystone, folder: Path) -> None:
    assert shop("baseline").out == "recorded shop-0001-create\n"
    assert shop("adopt").out == "there is nothing to do\n"
    assert "CREATE TABLE public.t1 ();" in shop("show", "shop-0001-create").out
    (folder / "shop" / "shop-0001-create.sql").write_text("SELECT 1;")
    assert shop("migrate").code == 3
    assert shop("repair", "shop-0001-create").code == 2
    done = shop("repair", "shop-0001-create", "--reason", "by hand", "--json")
    assert done.document == {"migrations": ["shop-0001-create"]}
    assert shop("migrate").out == "nothing is pending\n"


def test_seed_loads_the_stage(drystone: Drystone, database_url: str) -> None:
    run = drystone("--database-url", database_url, "seed", "events", "--json")
    (seed,) = run.document["seeds"]
    assert seed["system"] == "events"
    again = drystone("--database-url", database_url, "seed")
    assert "loaded events dev (" in again.out


@pytest.mark.parametrize(
    ("command", "step"),
    [("seed", "drystone migrate"), ("queues", "drystone status")],
)
def test_what_needs_tables_says_how_to_get_them(
    drystone: Drystone, empty_url: str, command: str, step: str
) -> None:
    run = drystone("--database-url", empty_url, command)
    assert run.code == 1
    assert "does not exist" in run.err
    assert step in run.err.splitlines()[-1]


def test_psql_is_ready_for_graphs(drystone: Drystone, database_url: str) -> None:
    cypher = (
        "SELECT value FROM ag_catalog.cypher('event_network', $$ RETURN 42 $$)"
        " AS (value ag_catalog.agtype)"
    )
    load = "SELECT ag_catalog.agtype_build_map() IS NOT NULL"
    run = drystone(
        "--database-url", database_url, "db", "psql", "-At", "-c", load, "-c", cypher
    )
    assert run.out.splitlines()[-1] == "42"


def test_help_names_the_exit_codes(drystone: Drystone) -> None:
    shown = drystone("--help").out
    for command in ("adopt", "db", "demo", "migrate", "repair", "rollback", "show"):
        assert f"  {command} " in shown
    assert "3 refused" in shown
    assert drystone("--version").out.startswith("drystone ")


def test_only_the_demo_needs_the_demos_packages(
    shop: Drystone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if "events" in name or "demo" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert shop("status").code == 0
    run = shop("demo")
    assert run.code == 2
    assert "drystone demo needs numpy" in run.err
    assert "pip install" in run.err


@pytest.mark.parametrize("columns", [40, 200])
def test_a_terminal_gets_colour_and_lines_that_fit(
    empty_url: str, folder: Path, columns: int
) -> None:
    controller, terminal = pty.openpty()
    os.environ["COLUMNS"] = str(columns)
    try:
        subprocess.run(
            [
                Path(sys.executable).with_name("drystone"),
                *("--database-url", empty_url),
                *("--migrations", str(folder), "status"),
            ],
            env={**os.environ, "TERM": "xterm-256color"},
            stdout=terminal,
            check=True,
        )
    finally:
        del os.environ["COLUMNS"]
        os.close(terminal)
    shown = os.read(controller, 65536).decode()
    os.close(controller)
    assert "\x1b[33mpending\x1b[0m" in shown
    plain = re.sub("\x1b\\[[0-9;]*m", "", shown)
    assert all(len(line) <= columns for line in plain.splitlines())


def test_a_command_whose_library_is_missing_keeps_no_other_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "drystone.cli.review", None)
    listed = CliRunner().invoke(cli, ["--help"])
    assert "Needs drystone.cli.review, which is not installed." in listed.output
    assert "migrate" in listed.output
    refused = CliRunner().invoke(cli, ["review", "--since", "main"])
    assert isinstance(refused.exception, SettingsError)
    assert "review" in (refused.exception.hint or "")
