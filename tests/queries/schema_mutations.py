"""Changes of a schema, each with the queries that PostgreSQL says must break.

What a query uses is read from pg_depend, in which PostgreSQL itself notes it for a
function with the query as its body. A query must break if an object that it uses is no
longer there, or is called otherwise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection, sql

from tests.queries.mutations import (
    Written,
    conflict_targets,
    inserts_of,
    read_catalog,
)

# Kinds, and the statements that PostgreSQL writes for the objects of three schemas.
_CHANGES = """
WITH relation AS (
    SELECT c.oid, c.oid::regclass AS named, c.relname, c.relkind
    FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace::regnamespace::text IN ('core', 'events', 'market')
        AND c.relkind IN ('r', 'v')
),
attribute AS (
    SELECT relation.named, relation.relkind, a.attname, a.atttypid::regtype AS type
    FROM relation
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = relation.oid
    WHERE a.attnum > 0
),
function AS (
    SELECT p.oid::regprocedure AS named, p.proname
    FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace::regnamespace::text IN ('core', 'events')
        AND p.prorettype <> 'trigger'::regtype
),
type AS (
    SELECT t.oid, t.oid::regtype AS named, t.typname, t.typtype
    FROM pg_catalog.pg_type AS t
    WHERE t.typnamespace::regnamespace::text IN ('core', 'events', 'market')
        AND t.typtype IN ('d', 'e')
)
SELECT 'table dropped', format('DROP TABLE %s CASCADE', named)
FROM relation WHERE relkind = 'r'
UNION ALL
SELECT 'table renamed', format('ALTER TABLE %s RENAME TO %I', named, relname || '_old')
FROM relation WHERE relkind = 'r'
UNION ALL
SELECT 'view dropped', format('DROP VIEW %s CASCADE', named)
FROM relation WHERE relkind = 'v'
UNION ALL
SELECT 'view renamed', format('ALTER VIEW %s RENAME TO %I', named, relname || '_old')
FROM relation WHERE relkind = 'v'
UNION ALL
SELECT 'column dropped', format('ALTER TABLE %s DROP COLUMN %I CASCADE', named, attname)
FROM attribute WHERE relkind = 'r'
UNION ALL
SELECT
    'column renamed',
    format('ALTER TABLE %s RENAME COLUMN %I TO %I', named, attname, attname || '_old')
FROM attribute
UNION ALL
SELECT
    'column retyped',
    format(
        'ALTER TABLE %1$s ALTER COLUMN %2$I DROP DEFAULT, '
        'ALTER COLUMN %2$I TYPE %3$s USING NULL',
        named,
        attname,
        CASE type::text WHEN 'uuid' THEN 'bigint' ELSE 'uuid' END
    )
FROM attribute WHERE relkind = 'r'
UNION ALL
SELECT 'function dropped', format('DROP FUNCTION %s CASCADE', named)
FROM function
UNION ALL
SELECT
    'function renamed',
    format('ALTER FUNCTION %s RENAME TO %I', named, proname || '_old')
FROM function
UNION ALL
SELECT
    CASE typtype WHEN 'd' THEN 'domain' ELSE 'enum' END || ' dropped',
    format('DROP TYPE %s CASCADE', named)
FROM type
UNION ALL
SELECT
    CASE typtype WHEN 'd' THEN 'domain' ELSE 'enum' END || ' renamed',
    format('ALTER TYPE %s RENAME TO %I', named, typname || '_old')
FROM type
UNION ALL
SELECT
    'label renamed',
    format(
        'ALTER TYPE %s RENAME VALUE %L TO %L',
        type.named,
        e.enumlabel,
        e.enumlabel || '_old'
    )
FROM type
JOIN pg_catalog.pg_enum AS e ON e.enumtypid = type.oid
UNION ALL
SELECT 'schema renamed', format('ALTER SCHEMA %s RENAME TO %s_old', named, named)
FROM unnest(ARRAY['core', 'events', 'market']) AS named
UNION ALL
SELECT
    'key dropped',
    format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', relation.named, k.conname)
FROM relation
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = relation.oid
WHERE k.contype IN ('p', 'u')
ORDER BY 1, 2
"""

KINDS = (
    "table dropped",
    "table renamed",
    "view dropped",
    "view renamed",
    "column dropped",
    "column renamed",
    "column retyped",
    "function dropped",
    "function renamed",
    "enum dropped",
    "enum renamed",
    "domain dropped",
    "domain renamed",
    "label renamed",
    "schema renamed",
    "key dropped",
)

_USED = """
SELECT DISTINCT
    d.refclassid,
    d.refobjid,
    d.refobjsubid,
    o.type,
    o.identity
FROM pg_catalog.pg_depend AS d
CROSS JOIN LATERAL
    pg_catalog.pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) AS o
JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_proc'::regclass
    AND p.pronamespace = pg_catalog.pg_my_temp_schema()
    AND d.refclassid <> 'pg_catalog.pg_namespace'::regclass
"""
_GONE = """
SELECT u.identity
FROM unnest(%s::oid[], %s::oid[], %s::integer[], %s::text[])
    AS u (class, object, part, identity)
CROSS JOIN LATERAL
    pg_catalog.pg_identify_object(u.class, u.object, u.part) AS o
WHERE o.identity IS DISTINCT FROM u.identity
"""
_PREPARED = """
SELECT
    p.parameter_types::text[],
    p.result_types::text[]
FROM pg_catalog.pg_prepared_statements AS p
WHERE p.name = 'told'
"""
_FUNCTION = """
CREATE FUNCTION pg_temp.told({types}) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    {statement};
END
"""
_LABEL = re.compile(r"ALTER TYPE (?P<type>\S+) RENAME VALUE '(?P<label>\w+)'")


class Change(NamedTuple):
    """A statement that changes the schema."""

    kind: str
    ddl: str


class Types(NamedTuple):
    """The types of a statement's parameters and columns."""

    parameters: list[str]
    columns: list[str] | None


class Used(NamedTuple):
    """An object that a query uses, as the catalog knows it and as it is called."""

    catalog: int
    object: int
    part: int
    type: str
    identity: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a query uses, and its types as PostgreSQL tells them for PREPARE."""

    name: str
    query: Written
    statement: str
    used: frozenset[Used]
    types: Types | None


def schema_changes(
    connection: Connection[Any], *, seed: int, most: int
) -> list[Change]:
    """Return changes of every kind, up to so many of each that PostgreSQL allows."""
    found: dict[str, list[Change]] = {kind: [] for kind in KINDS}
    for kind, ddl in connection.execute(_CHANGES).fetchall():
        found[kind].append(Change(kind, ddl))
    chosen: list[Change] = []
    for kind, changes in found.items():
        random.Random(f"{seed}/{kind}").shuffle(changes)
        allowed = (each for each in changes if _allowed(connection, each))
        chosen += islice(allowed, most)
    return chosen


def _allowed(connection: Connection[Any], change: Change) -> bool:
    """Tell whether nothing forbids a change, such as an index on the old type."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(change.ddl)
    except psycopg.Error:
        return False
    return True


def read_usage(connection: Connection[Any], query: Written, statement: str) -> Usage:
    """Note what a query uses, by a function that is rolled back."""
    types = prepared_types(connection, statement)
    assert types is not None, query.name
    create = sql.SQL(_FUNCTION).format(
        types=sql.SQL(", ".join(types.parameters)), statement=sql.SQL(statement)
    )
    with connection.transaction(force_rollback=True):
        connection.execute(create, prepare=False)
        used = frozenset(Used(*row) for row in connection.execute(_USED))
    return Usage(f"{query.area.name}.{query.name}", query, statement, used, types)


def prepared_types(connection: Connection[Any], statement: str) -> Types | None:
    """Return the types of parameters and columns; None if PREPARE is refused."""
    prepare = sql.SQL("PREPARE told AS {}").format(sql.SQL(statement))
    try:
        connection.execute(prepare, prepare=False)
    except psycopg.Error:
        return None
    (row,) = connection.execute(_PREPARED).fetchall()
    connection.execute("DEALLOCATE told")
    return Types(*row)


def broken(
    connection: Connection[Any], change: Change, usages: Iterable[Usage]
) -> dict[str, set[str]]:
    """Return the queries that a change, made already, must break.

    With each are the words of which one stands in the line where it is told; none where
    PostgreSQL gives no place.
    """
    keys = read_catalog(connection).keys
    found: dict[str, set[str]] = {}
    for usage in usages:
        query = usage.query
        gone = _gone(connection, usage)
        words = {
            word for each in gone for word in re.findall(r"\w+", each.identity)[1:]
        }
        if label := _label(change, usage):
            words.add(label)
        if any(each.type == "table constraint" for each in gone):
            words = set()
        if gone or label or _conflicts(query, keys):
            found[usage.name] = words
    return found


def _gone(connection: Connection[Any], usage: Usage) -> list[Used]:
    """Return what a query uses that is gone or has another name.

    Columns and types count only if the query names them: a column's type may change its
    name, and EXCLUDED depends on every column of its table.
    """
    parts = [list(part) for part in zip(*usage.used, strict=True)] or [[]] * 5
    missing = {row[0] for row in connection.execute(_GONE, parts[:3] + parts[4:])}
    return [
        each
        for each in usage.used
        if each.identity in missing and _names(usage.query, each)
    ]


def _names(query: Written, used: Used) -> bool:
    table, _, name = used.identity.removesuffix("[]").rpartition(".")
    if used.type == "type":
        places = range(len(query.tokens))
        return any(query.texts(at, 3) == [table, ".", name] for at in places)
    return "column" not in used.type or name in _texts_about(query, table)


def _texts_about(query: Written, table: str) -> set[str]:
    """Return the tokens; if rows are inserted into a table, no INSERTs into others."""
    inserts = list(inserts_of(query))
    own = any(into == table for into, *_ in inserts)
    others = {
        at
        for into, columns, closing in inserts
        if own and into != table
        for at in range(columns[0], query.clause_end(closing + 1))
    }
    return {token.text for at, token in enumerate(query.tokens) if at not in others}


def _label(change: Change, usage: Usage) -> str | None:
    """Return the label that is renamed, if the query has it as one of its type."""
    match = _LABEL.match(change.ddl)
    if match is None or match["type"] not in {each.identity for each in usage.used}:
        return None
    literals = {token.text for token in usage.query.tokens}
    return match["label"] if f"'{match['label']}'" in literals else None


def _conflicts(query: Written, keys: set[tuple[str, frozenset[str]]]) -> bool:
    """Tell whether a unique index is missing that an ON CONFLICT rests on."""
    return any(
        (table, frozenset(columns)) not in keys
        for table, columns, _, _ in conflict_targets(query)
    )
