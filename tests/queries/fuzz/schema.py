"""The schema ``fuzz``: make it, fill it with random rows, say what is in it."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection, sql

_SCHEMA = Path(__file__).with_name("schema.sql")

# How the random queries call a type: PostgreSQL's name for it, and values. Among them
# are those for which functions give NULL although no argument is: '{}', infinity, …
TYPES = {
    "int": "integer",
    "big": "bigint",
    "num": "numeric",
    "text": "text",
    "bool": "boolean",
    "date": "date",
    "time": "timestamptz",
    "ints": "integer[]",
    "json": "jsonb",
    "mood": "fuzz.mood",
    "pair": "fuzz.pair",
}
VALUES = {
    "int": ["0", "1", "2", "3", "4", "5"],
    "big": ["0", "1", "2", "3", "4"],
    "num": ["0", "1", "1.5", "-2", "10"],
    "text": ["", "a", "b", "abc", "Bob", "1", "x,y"],
    "bool": ["true", "false"],
    "date": ["2024-02-29", "2025-01-01", "1999-12-31", "infinity"],
    "time": ["2024-02-29 12:00+00", "2025-06-01 00:00+00", "-infinity"],
    "ints": ["{}", "{1}", "{1,2,3}", "{NULL}", "{2,NULL}"],
    "json": ["{}", '{"a": 1}', '{"a": null}', "[1, 2]", "null", '{"a": {"b": [1]}}'],
    "mood": ["sad", "ok", "glad"],
    "pair": ["(1,x)", "(,)", "(2,)"],
}
_DOMAINS = {"fuzz.code": "int", "fuzz.label": "text", "fuzz.small": "int"}
_NAMES = {name: key for key, name in TYPES.items()} | _DOMAINS
_NAMES["timestamp with time zone"] = "time"

_MOST_ROWS = 6

_RELATIONS = """
SELECT
    c.relname,
    c.relkind::text,
    a.attname,
    format_type(a.atttypid, a.atttypmod),
    a.attnotnull,
    a.attgenerated <> '' OR a.attidentity <> ''
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'fuzz'::regnamespace
  AND c.relkind IN ('r', 'p', 'v', 'm')
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY
    c.oid,
    a.attnum
"""

_BEFORE = """
TRUNCATE fuzz.people, fuzz.orders, fuzz.lines, fuzz.codes, fuzz.parts, fuzz.parents,
    fuzz.doubtful, fuzz.fresh, fuzz.touched RESTART IDENTITY CASCADE;
ALTER TABLE fuzz.doubtful DROP CONSTRAINT IF EXISTS doubtful_word_not_null;
ALTER TABLE fuzz.fresh ALTER COLUMN word DROP NOT NULL;
"""
_AFTER = """
REFRESH MATERIALIZED VIEW fuzz.stale;
DELETE FROM fuzz.fresh WHERE word IS NULL;
ALTER TABLE fuzz.fresh ALTER COLUMN word SET NOT NULL;
ALTER TABLE fuzz.doubtful
    ADD CONSTRAINT doubtful_word_not_null NOT NULL word NOT VALID;
"""


class Column(NamedTuple):
    name: str
    type: str
    required: bool
    generated: bool


class Relation(NamedTuple):
    name: str
    kind: str
    columns: tuple[Column, ...]


def create(connection: Connection[Any]) -> None:
    """Make the schema, and fill it, which also makes its last constraints."""
    connection.execute(_SCHEMA.read_bytes())
    fill(connection, "")


def relations(connection: Connection[Any]) -> tuple[Relation, ...]:
    """Return the tables and views, in the order in which schema.sql makes them."""
    found: dict[tuple[str, str], list[Column]] = {}
    for name, kind, column, type_, required, generated in connection.execute(
        _RELATIONS
    ):
        found.setdefault((name, kind), []).append(
            Column(column, _NAMES[type_], required, generated)
        )
    return tuple(
        Relation(name, kind, tuple(columns)) for (name, kind), columns in found.items()
    )


def fill(connection: Connection[Any], seed: str) -> None:
    """Replace all rows by random ones: few, with NULLs, sometimes none in a table."""
    chance = random.Random(seed)
    share_of_nulls = chance.choice([0.1, 0.3, 0.7])
    connection.execute(_BEFORE)
    for relation in relations(connection):
        empty = relation.name == "never" or chance.random() < 0.08
        if relation.kind in "rp" and not empty:
            for number in range(chance.randint(1, _MOST_ROWS)):
                _insert(connection, relation, chance, number, share_of_nulls)
    connection.execute(_AFTER)


def _insert(
    connection: Connection[Any],
    relation: Relation,
    chance: random.Random,
    number: int,
    share_of_nulls: float,
) -> None:
    columns = [column for column in relation.columns if not column.generated]
    values = [
        str(number)
        if column.name == "id"
        else None
        if not column.required and chance.random() < share_of_nulls
        else chance.choice(VALUES[column.type])
        for column in columns
    ]
    insert = sql.SQL("INSERT INTO fuzz.{} ({}) VALUES ({})").format(
        sql.Identifier(relation.name),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in columns),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
    # A row that a constraint refuses is one row less.
    with suppress(psycopg.IntegrityError):
        connection.execute(insert, values)
