from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.cli.conftest import Drystone, Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "migrations" / "shop"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def shop(drystone: Drystone, empty_url: str, folder: Path) -> Drystone:
    """Run the command line on a table, an index on it, and its way back."""
    (folder / "shop-0001-create.sql").write_text(
        "CREATE TABLE public.orders (id integer PRIMARY KEY, total integer);\n"
    )
    (folder / "shop-0002-index.sql").write_text(
        "CREATE INDEX orders_total_idx ON public.orders (total);\n\n"
        "ALTER TABLE public.orders\n    ALTER total TYPE bigint;\n"
    )
    (folder / "shop-0002-index.rollback.sql").write_text(
        "DROP INDEX public.orders_total_idx;\n"
    )

    def run(*arguments: str) -> Run:
        named = ["--database-url", empty_url, "--migrations", str(folder.parent)]
        return drystone(*named, "trace", *arguments)

    return run


def untimed(text: str) -> str:
    return re.sub(r"\d+(\.\d)? (ms|s)\b", "…", text)


TOLD = """\
shop-0001-create  1 statement, touching nothing that was there, …
shop-0002-index  2 statements, …
  line 1   CREATE INDEX orders_total_idx ON public.orders (total)  …
           SHARE on public.orders for …: writes and vacuum wait
           builds public.orders_total_idx
           scans public.orders (9 rows)
           then 1 more statement under that lock, the last on line 3
  line 3   ALTER TABLE public.orders  …
           ACCESS EXCLUSIVE on public.orders for …: reads, writes and vacuum wait
           rewrites public.orders
           builds public.orders_pkey, public.orders_total_idx
           scans public.orders (27 rows)
2 traced, 1 touch what was there, 1 go on under a dangerous lock, 0 failed
"""


def test_trace_tells_what_waits_and_for_how_long(shop: Drystone) -> None:
    run = shop("--rows", "9")
    assert (run.code, run.err) == (0, "")
    assert untimed(run.out) == TOLD


def test_the_way_back_is_shown_when_asked_for(shop: Drystone) -> None:
    run = shop("--rollback", "--only", "shop-0002-index")
    assert "shop-0001-create" not in run.out
    back = untimed(run.out).partition("shop-0002-index, rolled back")[2]
    assert "line 1   DROP INDEX public.orders_total_idx" in back
    assert "ACCESS EXCLUSIVE on public.orders for …: reads, writes and" in back


def test_trace_json_is_one_document(shop: Drystone) -> None:
    run = shop("shop", "--json", "--rows", "9")
    created, indexed = run.document["migrations"]
    assert (run.code, created["id"], created["error"]) == (0, "shop-0001-create", None)
    built, rewritten = indexed["statements"]
    (lock,) = (each for each in built["locks"] if each["kind"] == "table")
    assert (lock["object"], lock["mode"]) == ("public.orders", "SHARE")
    assert lock["blocks"] == ["writes", "vacuum"]
    assert lock["seconds"] == pytest.approx(indexed["seconds"])
    assert built["indexes_built"] == ["public.orders_total_idx"]
    assert built["rows_scanned"] == {"public.orders": 9}
    assert (rewritten["line"], rewritten["text"]) == (3, "ALTER TABLE public.orders")
    assert rewritten["rewritten"] == ["public.orders"]
    assert [each["object"] for each in rewritten["under"]] == ["public.orders"]
    assert indexed["rollback"][0]["text"] == "DROP INDEX public.orders_total_idx"
    assert indexed["rows"] == 9


def test_a_migration_that_fails_ends_in_1_and_is_shown_with_its_place(
    shop: Drystone, folder: Path
) -> None:
    (folder / "shop-0003.sql").write_text("ALTER TABLE public.orders DROP nothing;\n")
    run = shop()
    assert run.code == 1
    assert f"at: {folder / 'shop-0003.sql'}:1" in run.err
    assert run.out.endswith("1 failed\n")
    failed = shop("--json", "--only", "shop-0003")
    assert failed.code == 1
    assert "nothing" in failed.document["migrations"][0]["error"]


def test_an_unknown_migration_is_refused(shop: Drystone) -> None:
    run = shop("--only", "shop-0009")
    assert run.code == 1
    assert "no migration called shop-0009" in run.err


@pytest.mark.parametrize("columns", [80, 160])
def test_on_a_terminal_no_line_is_wider_than_it(
    shop: Drystone, folder: Path, empty_url: str, columns: int
) -> None:
    names = ", ".join(f"public.orders_with_a_long_name_{n}" for n in range(9))
    tables = [f"CREATE TABLE {name} ();" for name in names.split(", ")]
    (folder / "shop-0003.sql").write_text("\n".join(tables))
    (folder / "shop-0004.sql").write_text(f"LOCK TABLE {names};")
    shop("--help")  # the fixture writes the first files
    controller, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    command = [sys.executable, "-c", "from drystone.cli import main; main()"]
    options = ["--database-url", empty_url, "--migrations", str(folder.parent)]
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    subprocess.run(
        [*command, *options, "trace"],
        stdin=terminal,
        stdout=terminal,
        check=True,
        env={**environment, "TERM": "dumb"},
        timeout=60,
    )
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(controller, 65536):
            shown += part
    except OSError:
        pass  # Linux tells the end of a terminal that is closed like this
    os.close(controller)
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= columns
    assert any(line.startswith("  line 1   LOCK TABLE") for line in lines)
    assert any("orders_with_a_long_name_8" in line for line in lines)
