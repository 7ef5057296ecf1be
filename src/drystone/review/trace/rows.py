"""Rows for the tables of a scratch database, so that scans and rewrites are real.

A table gets its sample row, and that one is multiplied: each column counts up as far as
its type can, and a foreign key as far as the other table does. A table whose rules
refuse that keeps its one row.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection, sql

from drystone.migrations.samples import fill_empty_tables

_COLUMNS = """
SELECT
    a.attname,
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    b.typname,
    b.typcategory,
    (
        SELECT
            CASE pg_catalog.cardinality(k.conkey)
                WHEN 1 THEN pg_catalog.format(
                    '(SELECT o.%%1$I FROM %%2$s AS o WHERE o.%%1$I = {counted})',
                    r.attname,
                    k.confrelid::regclass
                )
                ELSE 'NULL'
            END
        FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_attribute AS r
            ON r.attrelid = k.confrelid
            AND r.attnum = k.confkey[1]
        WHERE k.conrelid = a.attrelid
            AND k.contype = 'f'
            AND a.attnum = ANY (k.conkey)
        ORDER BY pg_catalog.cardinality(k.conkey) DESC, k.conname
        LIMIT 1
    ) AS referred,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = a.attrelid
            AND i.indisunique
            AND a.attnum = ANY (i.indkey)
    ) AS is_key
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type AS b
    ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attrelid = %s
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attgenerated = ''
ORDER BY a.attnum
"""

# How a value counts up, by type or by category of types; others stay as they are.
_COUNTING = {
    "date": "{column} + more.number",
    "timestamp": "{column} + more.number * interval '1 minute'",
    "timestamptz": "{column} + more.number * interval '1 minute'",
    "uuid": "pg_catalog.md5(more.number::text)::uuid",
    "N": "{column} + more.number",
    "S": "{column} || more.number",
}

_MULTIPLY = """
INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE
SELECT {values}
FROM (
    SELECT *
    FROM {table}
    LIMIT 1
) AS sample
CROSS JOIN pg_catalog.generate_series(1, %(more)s) AS more (number)
ON CONFLICT DO NOTHING
"""

_ONE_ROW = "SELECT (SELECT count(*) FROM (SELECT FROM {} LIMIT 2) AS few) = 1"
_TABLE = "SELECT %s::oid::regclass::text"

# Triggers would do their work for every row; only superusers can leave them out.
_WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = replica"
# What a refused attempt left would be scanned too.
_TIDY = "VACUUM (ANALYZE) {}"
_IS_SUPERUSER = "SELECT pg_catalog.current_setting('is_superuser')::boolean"


def fill(connection: Connection[Any], *, filled: set[int], rows: int) -> None:
    """Put rows into the tables that are not in ``filled``, and note these there."""
    known = set(filled)
    fill_empty_tables(connection, filled=filled)
    new = sorted(filled - known) if rows > 1 else []
    for oid in [*new, *new]:  # a table may refer to one that was created after it
        _multiply(connection, oid, rows)


def _multiply(connection: Connection[Any], oid: int, rows: int) -> None:
    (name,) = _one(connection, _TABLE, oid)
    table = sql.SQL(name)
    if _one(connection, sql.SQL(_ONE_ROW).format(table)) != (True,):
        return
    columns = connection.execute(_COLUMNS, [oid], prepare=True).fetchall()
    for keys_alone in (False, True):
        query = sql.SQL(_MULTIPLY).format(
            table=table,
            columns=sql.SQL(", ").join(sql.Identifier(column[0]) for column in columns),
            values=sql.SQL(", ").join(_value(column, keys_alone) for column in columns),
        )
        with suppress(psycopg.Error), connection.transaction():
            if _one(connection, _IS_SUPERUSER) == (True,):
                connection.execute(_WITHOUT_TRIGGERS)
            connection.execute(query, {"more": rows - 1})
            break
    connection.execute(sql.SQL(_TIDY).format(table))


def _value(column: Any, keys_alone: bool) -> sql.Composable:
    name, written_type, type_name, category, referred, is_key = column
    own = sql.SQL("sample.") + sql.Identifier(name)
    form = _COUNTING.get(type_name) or _COUNTING.get(category)
    if form is None or (keys_alone and not is_key):
        return own
    counted = sql.SQL("({})::{}").format(
        sql.SQL(form).format(column=own), sql.SQL(written_type)
    )
    if referred is None:
        return counted
    found = sql.SQL(referred).format(counted=counted)
    return sql.SQL("coalesce({}, {})").format(found, own)


def _one(connection: Connection[Any], query: Any, *parameters: object) -> Any:
    return connection.execute(query, parameters or None).fetchone()
