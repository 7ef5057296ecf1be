"""Bulk loading by COPY in binary form, with the types that the table has."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sequence
from typing import Any

from psycopg import AsyncConnection, Connection, sql
from psycopg.rows import tuple_row

from drystone.database.identifiers import identifier
from drystone.database.sqlstates import translated
from drystone.errors import BadInput

# An enum's binary form is its label's, a domain's is that of its base type.
_COLUMN_TYPES = """
SELECT
    a.attname,
    CASE t.typtype
        WHEN 'e' THEN 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
        WHEN 'd' THEN t.typbasetype
        ELSE t.oid
    END
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = pg_catalog.to_regclass(%s)
    AND a.attnum > 0
    AND NOT a.attisdropped
"""

_SCHEMA_AND_TABLE = 2


def copy_rows(
    connection: Connection[Any],
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> int:
    """Load rows into ``schema.table`` and return how many there were.

    Each row holds the values of ``columns`` in order. Raises BadInput for a table or
    column that does not exist, and typed errors for rows that the table refuses;
    nothing is loaded then.
    """
    count = 0
    name = _qualified(table)
    statement = _statement(name, columns)
    with translated(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(_COLUMN_TYPES, [name.as_string()])
        types = _ordered(table, columns, dict(cursor.fetchall()))
        with cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
                count += 1
    return count


async def copy_rows_async(
    connection: AsyncConnection[Any],
    table: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]] | AsyncIterable[Sequence[Any]],
) -> int:
    """Do for an asynchronous connection what :func:`copy_rows` does."""
    count = 0
    name = _qualified(table)
    statement = _statement(name, columns)
    with translated():
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(_COLUMN_TYPES, [name.as_string()])
            types = _ordered(table, columns, dict(await cursor.fetchall()))
            async with cursor.copy(statement) as copy:
                copy.set_types(types)
                if isinstance(rows, AsyncIterable):
                    async for row in rows:
                        await copy.write_row(row)
                        count += 1
                else:
                    for row in rows:
                        await copy.write_row(row)
                        count += 1
    return count


def _qualified(table: str) -> sql.Identifier:
    parts = table.split(".")
    if len(parts) > _SCHEMA_AND_TABLE:
        raise BadInput(f"there is no table {table}", hint="Write it as schema.table.")
    return identifier(*parts)


def _ordered(table: str, columns: Sequence[str], types: dict[str, int]) -> list[int]:
    if not types:
        raise BadInput(
            f"there is no table {table}", hint="Write it as schema.table, and migrate."
        )
    unknown = [column for column in columns if column not in types]
    if unknown:
        raise BadInput(f"table {table} has no column {', '.join(unknown)}")
    return [types[column] for column in columns]


def _statement(table: sql.Identifier, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        table,
        sql.SQL(", ").join(identifier(column) for column in columns),
    )
