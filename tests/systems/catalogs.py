"""What the server's catalog says of a system's schema, and which rule refuses what."""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import Connection, errors
from psycopg.abc import Query

_RULES: LiteralString = """
SELECT rule.conname
FROM pg_catalog.pg_constraint AS rule
WHERE
    rule.connamespace = %(schema)s::regnamespace
    AND rule.contype IN ('c', 'f', 'p', 'u')
UNION
SELECT index.relname
FROM pg_catalog.pg_index AS entry
INNER JOIN pg_catalog.pg_class AS index
    ON index.oid = entry.indexrelid
WHERE
    entry.indisunique
    AND index.relnamespace = %(schema)s::regnamespace
"""

_KEYS_WITHOUT_INDEX: LiteralString = """
SELECT rule.conname
FROM pg_catalog.pg_constraint AS rule
WHERE
    rule.connamespace = %(schema)s::regnamespace
    AND rule.contype = 'f'
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS entry
        WHERE
            entry.indrelid = rule.conrelid
            AND entry.indkey[0] = rule.conkey[1]
    )
"""

_WITHOUT_COMMENT: LiteralString = """
SELECT relation.oid::regclass::text
FROM pg_catalog.pg_class AS relation
WHERE
    relation.relnamespace = %(schema)s::regnamespace
    AND relation.relkind IN ('r', 'p', 'v', 'm', 'S')
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS owner
        WHERE owner.objid = relation.oid AND owner.deptype = 'i'
    )
    AND obj_description(relation.oid, 'pg_class') IS NULL
UNION ALL
SELECT type.oid::regtype::text
FROM pg_catalog.pg_type AS type
LEFT JOIN pg_catalog.pg_class AS row_of
    ON row_of.oid = type.typrelid
WHERE
    type.typnamespace = %(schema)s::regnamespace
    AND (type.typtype = 'e' OR row_of.relkind = 'c')
    AND obj_description(type.oid, 'pg_type') IS NULL
UNION ALL
SELECT function.oid::regprocedure::text
FROM pg_catalog.pg_proc AS function
WHERE
    function.pronamespace = %(schema)s::regnamespace
    AND obj_description(function.oid, 'pg_proc') IS NULL
"""


def rules(connection: Connection[Any], schema: str) -> set[str]:
    """The names of all constraints and unique indexes."""
    return set(_names(connection, _RULES, schema))


def keys_without_index(connection: Connection[Any], schema: str) -> list[str]:
    """The foreign keys whose first column begins no index."""
    return _names(connection, _KEYS_WITHOUT_INDEX, schema)


def without_comment(connection: Connection[Any], schema: str) -> list[str]:
    """The relations, types and functions that do not say what they are for."""
    return _names(connection, _WITHOUT_COMMENT, schema)


def broken_rule(connection: Connection[Any], statement: Query) -> str | None:
    """The rule that refuses a statement, which changes nothing in any case."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except errors.IntegrityError as refused:
        return refused.diag.constraint_name
    return None


def _names(
    connection: Connection[Any], statement: LiteralString, schema: str
) -> list[str]:
    return [name for (name,) in connection.execute(statement, {"schema": schema})]
