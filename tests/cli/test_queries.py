from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Drystone, Run

QUERIES = """\
-- name: find_item(id)^
-- The item of a number.
SELECT item.id, item.name
FROM shop.items AS item
WHERE item.id = :id;

-- name: rename(id, name)!
UPDATE shop.items AS item SET name = :name WHERE item.id = :id;
"""
CREATE = """\
CREATE SCHEMA shop;
CREATE TABLE shop.items (id integer PRIMARY KEY, name text NOT NULL, note text);
"""


@pytest.fixture
def project(drystone: Drystone, empty_url: str, tmp_path: Path) -> Drystone:
    """Run the command line in a project with a migration, queries and a package."""
    migrations, queries = tmp_path / "migrations" / "shop", tmp_path / "sql" / "shop"
    migrations.mkdir(parents=True)
    queries.mkdir(parents=True)
    (migrations / "shop-0001-create.sql").write_text(CREATE)
    (migrations / "shop-0001-create.rollback.sql").write_text("DROP SCHEMA shop;")
    (queries / "items.sql").write_text(QUERIES)
    (tmp_path / "drystone.toml").write_text(
        'migrations = "migrations"\nqueries = "sql"\n'
        'package = "shop_queries"\npackage_folder = "src/shop_queries"\n'
    )

    def run(*arguments: str) -> Run:
        return drystone("--database-url", empty_url, *arguments)

    return run


def test_describe_shows_what_a_query_takes_and_gives(project: Drystone) -> None:
    run = project("describe")
    assert run.code == 0
    assert "shop.items.find_item(id integer)^" in run.out
    assert "id integer, name text" in run.out
    assert run.out.endswith("2 queries, 0 refused\n")


def test_describe_prints_the_document_of_the_contract(
    project: Drystone, tmp_path: Path
) -> None:
    find, rename = project("describe", "--json").document["queries"]
    assert find == {
        "name": "shop.items.find_item",
        "file": str(tmp_path / "sql" / "shop" / "items.sql"),
        "line": 1,
        "operation": "select_one",
        "parameters": [{"name": "id", "type": "integer", "nullable": False}],
        "columns": [
            {"name": "id", "type": "integer", "nullable": False},
            {"name": "name", "type": "text", "nullable": False},
        ],
        "error": None,
    }
    assert [each["name"] for each in rename["parameters"]] == ["name", "id"]
    assert rename["columns"] == []


def test_a_query_that_postgresql_refuses_is_shown_with_a_caret(
    project: Drystone, tmp_path: Path
) -> None:
    path = tmp_path / "sql" / "shop" / "items.sql"
    path.write_text(QUERIES.replace("item.name\n", "item.nmae\n"))
    run = project("describe")
    assert run.code == 1
    assert "items.sql:3:17" in run.err
    assert "    3 | SELECT item.id, item.nmae\n                        ^" in run.err
    assert 'Perhaps you meant to reference the column "item.name"' in run.err
    found = project("describe", "--json")
    assert found.code == 1
    error = found.document["queries"][0]["error"]
    assert (error["line"], error["column"], error["sqlstate"]) == (3, 17, "42703")


def test_generate_writes_modules_and_check_tells_what_is_stale(
    project: Drystone, tmp_path: Path
) -> None:
    assert project("generate", "--check").code == 1
    first = project("generate")
    assert "wrote src/shop_queries/shop/items.py" in first.out
    assert project("generate").out == "nothing has changed\n"
    assert project("generate", "--check").out == "the generated modules are fresh\n"
    path = tmp_path / "sql" / "shop" / "items.sql"
    path.write_text(QUERIES.replace("rename", "call_it"))
    stale = project("generate", "--check")
    assert stale.code == 1
    assert "stale: src/shop_queries/shop/items.py" in stale.out
    path.unlink()
    (path.parent / "things.sql").write_text(QUERIES)
    assert "deleted src/shop_queries/shop/items.py" in project("generate").out


def test_a_fresh_check_needs_no_database(project: Drystone, drystone: Drystone) -> None:
    project("generate")
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    assert drystone("--database-url", nowhere, "generate", "--check").code == 0


def test_a_changed_view_is_noticed(project: Drystone, tmp_path: Path) -> None:
    folder = tmp_path / "migrations" / "shop" / "repeatable"
    folder.mkdir()
    view = "CREATE OR REPLACE VIEW shop.goods AS SELECT id, {} FROM shop.items;"
    (folder / "goods.sql").write_text(view.format("name AS title"))
    query = "-- name: goods()\nSELECT good.id, good.title FROM shop.goods AS good;\n"
    (tmp_path / "sql" / "shop" / "goods.sql").write_text(query)
    assert project("generate").code == 0
    assert project("generate", "--check").code == 0
    (folder / "goods.sql").write_text(view.format("note AS title"))
    assert project("generate", "--check").code == 1
    assert "column title: text becomes text or NULL" in project("impact").out


def test_nothing_is_written_while_a_query_is_refused(
    project: Drystone, tmp_path: Path
) -> None:
    (tmp_path / "sql" / "shop" / "bad.sql").write_text("-- name: bad()\nSELECT nope;\n")
    run = project("generate")
    assert run.code == 1
    assert "1 query refused; nothing was written" in run.out
    assert not (tmp_path / "src").exists()


def test_a_package_must_be_named(project: Drystone, tmp_path: Path) -> None:
    (tmp_path / "drystone.toml").write_text('queries = "sql"\n')
    run = project("generate")
    assert run.code == 2
    assert "package_folder" in run.err


def test_queries_without_migrations_are_described_on_the_database_itself(
    project: Drystone, drystone: Drystone, tmp_path: Path, empty_url: str
) -> None:
    assert project("migrate").code == 0
    (tmp_path / "drystone.toml").write_text('queries = "sql"\n')
    assert drystone("--database-url", empty_url, "describe").code == 0


def test_impact_names_the_queries_that_a_migration_breaks_or_changes(
    project: Drystone, tmp_path: Path
) -> None:
    """002-19"""
    project("generate")
    assert project("impact").out == "0 queries affected\n"
    folder = tmp_path / "migrations" / "shop"
    (folder / "shop-0002-widen.sql").write_text(
        "ALTER TABLE shop.items ALTER id TYPE bigint;"
    )
    run = project("impact")
    assert run.code == 1
    assert "column id: integer becomes bigint" in run.out
    (folder / "shop-0002-widen.sql").write_text(
        "ALTER TABLE shop.items RENAME name TO title;"
    )
    found = project("impact", "--json").document["queries"]
    assert [each["name"] for each in found] == [
        "shop.items.find_item",
        "shop.items.rename",
    ]
    assert "name" in found[0]["error"]


def test_an_unknown_system_is_told(project: Drystone) -> None:
    run = project("describe", "shops")
    assert run.code == 1
    assert "there are no queries of shops" in run.err
