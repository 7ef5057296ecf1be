"""A row for every empty table, so that a proof also meets data.

A table with an enum gets one for each label: others may refer to rows of one kind.
Values are made from the columns' types alone; a table whose rules refuse all of them
stays empty. Nothing here is meant to look real.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import Connection, sql

# The tables, without those known to hold rows; those first that others refer to.
_TABLES = """
WITH RECURSIVE own AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r'
        AND c.relpersistence <> 't'
        AND c.oid <> ALL (%s::oid[])
        AND n.nspname !~ '^(pg_|information_schema$|ag_catalog$)'
        AND c.relname !~ '^_(yoyo|drystone)_|^yoyo_lock$'
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_depend AS d
            WHERE d.objid = c.oid
                AND d.deptype = 'e'
        )
),
depth AS (
    SELECT own.oid, 0 AS level
    FROM own
    UNION
    SELECT k.conrelid, depth.level + 1
    FROM depth
    JOIN pg_catalog.pg_constraint AS k
        ON k.confrelid = depth.oid
        AND k.contype = 'f'
        AND k.conrelid <> depth.oid
    WHERE depth.level < 20
)
SELECT own.oid, own.nspname, own.relname
FROM own
JOIN depth USING (oid)
GROUP BY own.oid, own.nspname, own.relname
ORDER BY max(depth.level), own.nspname, own.relname
"""

# What each column is given: a value by its type, or one that a foreign key allows, of
# a row that has what a generated column of the key generates. A row that is marked as
# deleted would be none that others can belong to.
_COLUMNS = """
SELECT
    a.attname,
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    b.typname,
    b.typcategory,
    a.atttypmod,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS required,
    (
        SELECT pg_catalog.format(
            '(SELECT t.%%I FROM %%s AS t%%s LIMIT 1)',
            r.attname,
            k.confrelid::regclass,
            (
                SELECT ' WHERE ' || pg_catalog.string_agg(
                    pg_catalog.format(
                        't.%%I = %%s',
                        theirs.attname,
                        pg_catalog.pg_get_expr(constant.adbin, constant.adrelid)
                    ),
                    ' AND '
                )
                FROM ROWS FROM (
                    pg_catalog.unnest(k.conkey),
                    pg_catalog.unnest(k.confkey)
                ) AS pair (own, other)
                JOIN pg_catalog.pg_attribute AS mine
                    ON mine.attrelid = k.conrelid
                    AND mine.attnum = pair.own
                    AND mine.attgenerated <> ''
                JOIN pg_catalog.pg_attrdef AS constant
                    ON constant.adrelid = mine.attrelid
                    AND constant.adnum = mine.attnum
                JOIN pg_catalog.pg_attribute AS theirs
                    ON theirs.attrelid = k.confrelid
                    AND theirs.attnum = pair.other
            )
        )
        FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_attribute AS r
            ON r.attrelid = k.confrelid
            AND r.attnum = k.confkey[pg_catalog.array_position(k.conkey, a.attnum)]
        WHERE k.conrelid = a.attrelid
            AND k.contype = 'f'
            AND a.attnum = ANY (k.conkey)
            AND k.confrelid <> k.conrelid
        ORDER BY k.conname
        LIMIT 1
    ) AS referred,
    ARRAY(
        SELECT e.enumlabel::text
        FROM pg_catalog.pg_enum AS e
        WHERE e.enumtypid = b.oid
        ORDER BY e.enumsortorder
    ) AS labels
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type AS b
    ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attrelid = pg_catalog.to_regclass(%s)
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attgenerated = ''
    AND a.attidentity <> 'a'
    AND a.attname <> 'deleted_at'
ORDER BY a.attnum
"""

# Tried in turn for the columns of text: rules want them short, long, or of a form.
_TEXTS = (
    "sample",
    "a sample text of some length, for rules that ask for more than a word " * 2,
    "sample@example.org",
    "https://example.org/sample",
    "example.org",
    "EUR",
    "$sample$@example.org",  # an address and a password's hash at once
)

_BY_TYPE = {
    "bool": "true",
    "bytea": r"\x00",
    "date": "2026-01-01",
    "inet": "127.0.0.1",
    "cidr": "127.0.0.0/8",
    "interval": "1 hour",
    "json": "{}",
    "jsonb": "{}",
    "macaddr": "00:00:00:00:00:01",
    "point": "(0,0)",
    "time": "12:00",
    "timestamp": "2026-01-01 12:00",
    "timestamptz": "2026-01-01 12:00+00",
    "timetz": "12:00+00",
    "tsvector": "sample",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "xml": "<a/>",
}
_BY_CATEGORY = {"A": "{}", "N": "1", "R": "empty", "B": "true", "V": "1"}


def fill_empty_tables(
    connection: Connection[Any], *, filled: set[int] | None = None
) -> None:
    """Put a row into each table that holds none, where its rules allow.

    Tables in ``filled``, by oid, are passed over; those that are seen are added to it.
    """
    known = set() if filled is None else filled
    tables = connection.execute(_TABLES, [list(known)], prepare=True).fetchall()
    for oid, schema, table in tables:
        name = sql.Identifier(schema, table)
        found = connection.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)
        )
        if found.fetchone() == (False,):
            _fill(connection, name)
        known.add(oid)


def _fill(connection: Connection[Any], table: sql.Identifier) -> None:
    columns = connection.execute(_COLUMNS, [table.as_string()]).fetchall()
    for number in range(max([1, *(len(column[-1]) for column in columns)])):
        for statement in _statements(table, columns, number):
            try:
                with connection.transaction():
                    connection.execute(statement)
            except psycopg.Error:
                continue  # a rule refuses it: the next one, or none
            break


def _statements(
    table: sql.Identifier, columns: list[Any], number: int
) -> Iterator[sql.Composed]:
    """Write inserts: with every column, then with those alone that need a value.

    Of an enum's labels, ``number`` says which.
    """
    for chosen in (columns, [column for column in columns if column[5]]):
        for text in _TEXTS if chosen else ():
            yield sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                table,
                sql.SQL(", ").join(sql.Identifier(column[0]) for column in chosen),
                sql.SQL(", ").join(_value(column, text, number) for column in chosen),
            )
    yield sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table)


def _value(column: Any, text: str, number: int) -> sql.Composable:
    _, written_type, type_name, category, modifier, _, referred, labels = column
    if referred is not None:
        return sql.SQL(referred)
    if type_name == "vector":
        dimensions = max(modifier, 1)
        value = f"[{','.join(['1'] * dimensions)}]"
    elif labels:
        value = labels[number % len(labels)]
    elif category == "S":
        limit = modifier - 4 if modifier > 0 else None
        value = text[:limit]
    else:
        value = _BY_TYPE.get(type_name) or _BY_CATEGORY.get(category, text)
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(written_type))
