from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from drystone.database.session import connect
from drystone.settings import Settings
from tests.cli.conftest import Drystone, Run

TABLE = "CREATE TABLE shop.items (id bigint PRIMARY KEY, name text);\n"
INDEX = "CREATE INDEX items_name_idx ON shop.items (name);\n"
KEYS = ["rule", "aliases", "file", "line", "severity", "message", "help"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two migrations, of which the second makes writers wait."""
    path = tmp_path / "migrations" / "shop"
    path.mkdir(parents=True)
    (path / "shop-0001-create-items.sql").write_text(TABLE)
    (path / "shop-0002-create-index.sql").write_text(INDEX)
    return path.parent


@pytest.fixture
def shop(drystone: Drystone, folder: Path) -> Drystone:
    """Run the command line on that folder, without a database or queries."""
    empty = folder.parent / "sql"
    empty.mkdir()

    def run(*arguments: str) -> Run:
        named = ["--migrations", str(folder), "--queries", str(empty)]
        return drystone(*named, *arguments)

    return run


def test_findings_name_file_line_and_what_to_do(shop: Drystone) -> None:
    run = shop("lint")
    assert run.code == 1
    assert "migrations/shop/shop-0002-create-index.sql" in run.out
    assert "index-blocks-writes" in run.out
    assert "CREATE INDEX CONCURRENTLY" in run.out
    assert run.err == ""


def test_json_has_exactly_the_keys_that_scripts_rely_on(shop: Drystone) -> None:
    run = shop("lint", "--format", "json")
    assert run.code == 1
    assert list(run.document) == ["findings"]
    finding = run.document["findings"][0]
    assert list(finding) == KEYS
    assert finding["rule"] == "index-blocks-writes"
    assert "eugene:E6" in finding["aliases"]
    assert finding["file"] == "migrations/shop/shop-0002-create-index.sql"
    assert (finding["line"], finding["severity"]) == (1, "error")
    assert shop("lint", "--json").out == run.out


@pytest.mark.parametrize("form", ["text", "sarif", "github", "gitlab", "junit"])
def test_each_format_is_written_to_stdout(shop: Drystone, form: str) -> None:
    run = shop("lint", "--format", form)
    assert (run.code, run.err) == (1, "")
    assert "index-blocks-writes" in run.out


def test_notices_alone_are_no_failure(shop: Drystone, folder: Path) -> None:
    path = folder / "shop" / "shop-0002-create-index.sql"
    path.write_text("CREATE TABLE shop.old (id integer PRIMARY KEY);")
    run = shop("lint", "--json")
    assert [each["severity"] for each in run.document["findings"]] == ["notice"]
    assert run.code == 0


def test_nothing_found_is_an_empty_document(shop: Drystone, folder: Path) -> None:
    first = folder / "shop" / "shop-0001-create-items.sql"
    run = shop("lint", str(first), "--json")
    assert (run.code, run.document) == (0, {"findings": []})


def test_a_path_that_does_not_exist_is_a_mistake_of_usage(shop: Drystone) -> None:
    run = shop("lint", "no/such/file.sql")
    assert run.code == 2
    assert "no/such/file.sql" in run.err


def test_sizes_come_from_a_file(shop: Drystone, tmp_path: Path) -> None:
    path = tmp_path / "sizes.json"
    path.write_text(json.dumps({"tables": {"shop.items": {"rows": 20, "bytes": 99}}}))
    (finding, *_) = shop("lint", "--statistics", str(path), "--json").document[
        "findings"
    ]
    assert finding["severity"] == "warning"
    assert "about 20 rows" in finding["message"]
    path.write_text("{")
    assert shop("lint", "--statistics", str(path)).code == 2


def test_sizes_come_from_the_configured_database(
    shop: Drystone, empty_url: str, settings: Settings, tmp_path: Path
) -> None:
    with connect(empty_url, settings) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute("CREATE TABLE shop.items AS SELECT 1 AS id")
        connection.execute("ANALYZE shop.items")
    at = ["--database-url", empty_url]
    run = shop(*at, "lint", "--json")
    assert "has about 1 row)" in run.document["findings"][0]["message"]
    written = shop(*at, "statistics")
    assert written.document["tables"]["shop.items"]["rows"] == 1
    out = tmp_path / "sizes.json"
    assert shop(*at, "statistics", "--out", str(out)).code == 0
    assert json.loads(out.read_text()) == written.document


def test_a_database_that_does_not_answer_leaves_sizes_unknown(shop: Drystone) -> None:
    run = shop("--database-url", "postgresql://localhost:1/none", "lint", "--json")
    assert run.code == 1
    assert run.document["findings"]
    assert "the sizes of tables are not known" in run.err


def test_nothing_is_started_to_lint(shop: Drystone, tmp_path: Path) -> None:
    shop("lint")
    assert not (tmp_path / ".drystone").exists()


def test_a_service_role_needs_its_privileges(
    shop: Drystone, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "-- name: items()\nSELECT id FROM shop.items;\n"
    (folder.parent / "sql" / "items.sql").write_text(query)
    path = folder.parent / "sql"
    assert shop("lint", str(path)).code == 0
    run = shop("lint", str(path), "--service-role", "shop_app", "--json")
    assert "missing-grant" in [each["rule"] for each in run.document["findings"]]
    monkeypatch.setenv("DRYSTONE_SERVICE_ROLE", "shop_app")
    assert shop("lint", str(path), "--json").out == run.out


def test_only_what_came_since_a_revision_is_reported(
    shop: Drystone, folder: Path
) -> None:
    def git(*arguments: str) -> None:
        author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        command = ["git", "-C", str(folder), *author, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    (folder.parent / "sql" / "keep").touch()
    git("init", "--quiet", "..")
    git("add", "..")
    git("commit", "--quiet", "--message", "first")
    assert shop("lint", "--since", "HEAD").code == 0
    (folder / "shop" / "shop-0003-again.sql").write_text(INDEX.replace("_idx", "_2"))
    run = shop("lint", "--since", "HEAD", "--json")
    files = {each["file"] for each in run.document["findings"]}
    assert files == {"migrations/shop/shop-0003-again.sql"}
    unknown = shop("lint", "--since", "no-such-branch")
    assert unknown.code == 2
    assert "git knows no revision no-such-branch" in unknown.err
