"""Queries that are marked for replicas: what becomes of the mark, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from psycopg import Connection

from drystone.errors import QueryError
from drystone.queries.generation.project import Generated
from drystone.queries.reading.annotations import read_annotations
from drystone.queries.reading.lexer import parse_queries
from drystone.queries.runtime.statement import Caught, Probe
from tests.queries.conftest import Build

ITEMS = """
-- name: all_items()
-- Every item.
-- replica: ok
SELECT item.id FROM shop.items AS item;

-- name: list_items(name)
-- Items, or one of them.
-- replica: ok
-- order id: item.id
-- order name: item.name
SELECT item.id
FROM shop.items AS item
WHERE (:name::text IS NULL OR item.name = :name)
ORDER BY item.id;

-- name: fresh_items()
-- Every item, as it is at this moment.
SELECT item.id FROM shop.items AS item;
"""


def test_the_mark_is_on_the_statement_and_in_the_manifest(
    build: Build, generated: Callable[[str], Generated]
) -> None:
    """002-26"""
    items = build(ITEMS)
    marks = {}
    for name in ("all_items", "list_items", "fresh_items"):
        with pytest.raises(Caught) as caught:
            getattr(items, name)(Probe())
        marks[name] = caught.value.statement.replica
    assert marks == {"all_items": True, "list_items": True, "fresh_items": False}
    manifests = [
        json.loads(text)["queries"]
        for path, text in generated(ITEMS).files.items()
        if path.name == "items.json"
    ]
    assert {name: each.get("replica") for name, each in manifests[0].items()} == {
        "all_items": True,
        "list_items": True,
        "fresh_items": None,
    }


def test_the_mark_is_no_documentation(build: Build, shop: Connection[Any]) -> None:
    """002-26"""
    items = build(ITEMS)
    assert items.all_items.__doc__.startswith("Every item.\n\n    sql/")
    assert items.all_items(shop) == [1, 2, 3]
    assert items.list_items(shop, name="cog", order="name") == [3]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t RETURNING a",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT a FROM gone",
        "SELECT a FROM t FOR SHARE",
        "SELECT b FROM (SELECT b FROM t FOR UPDATE SKIP LOCKED) AS s",
        "SELECT a INTO u FROM t",
        "CREATE TABLE t (a integer)",
        "CALL p()",
    ],
)
def test_a_statement_that_writes_or_locks_cannot_be_marked(
    statement: str, tmp_path: Any
) -> None:
    """002-26"""
    text = f"-- name: change()\n-- replica: ok\n{statement};"
    (query,) = parse_queries(text, path=tmp_path / "q.sql")
    with pytest.raises(QueryError, match="change writes or locks rows") as caught:
        read_annotations(query)
    assert caught.value.location is not None
    assert "-- replica: ok" in (caught.value.hint or "")


def test_a_mark_that_means_nothing_is_refused(
    generated: Callable[[str], Generated],
) -> None:
    """002-26"""
    (refused,) = generated(ITEMS.replace("ok", "yes", 1)).failed
    assert "replica: yes" in str(refused.error)


@pytest.mark.parametrize(
    "statement",
    [
        "VALUES (1)",
        "SELECT 'FOR UPDATE', 'INSERT INTO t'",
        "WITH t AS MATERIALIZED (SELECT 1 AS a) SELECT a FROM t UNION SELECT 2",
    ],
)
def test_what_only_reads_can_be_marked(statement: str, tmp_path: Any) -> None:
    """002-26"""
    text = f"-- name: read()\n-- replica: ok\n{statement};"
    (query,) = parse_queries(text, path=tmp_path / "q.sql")
    assert read_annotations(query).replica is True
