"""The columns that values are taken from, and the questions that are asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.rows import class_row

from drystone.review.plans.tables import IN_KEY

_TYPES = """
SELECT
    t.oid,
    b.oid AS based_on,
    b.typname AS kind,
    b.typcategory AS category,
    e.typcategory AS element,
    (
        SELECT l.enumlabel
        FROM pg_catalog.pg_enum AS l
        WHERE l.enumtypid = b.oid
        ORDER BY l.enumsortorder
        LIMIT 1
    ) AS label
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_type AS b
    ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_catalog.pg_type AS e
    ON e.oid = b.typelem
    AND b.typcategory = 'A'
WHERE t.oid = %s
"""

_ATTRIBUTES = """
SELECT a.attnum, a.attname, a.atttypid
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.typrelid = a.attrelid
WHERE t.oid = %s
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum
"""

_COLUMN = """
SELECT
    n.nspname AS schema,
    c.relname AS table,
    a.attname AS name,
    a.atttypid AS type,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_constraint AS k
        WHERE k.conrelid = c.oid
            AND k.contype = 'f'
            AND a.attnum = ANY (k.conkey)
    ) AS refers,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = c.oid
            AND i.indisunique
            AND i.indnkeyatts = 1
            AND (
                i.indkey[0] = a.attnum
                OR i.indkey[0] = 0
                AND pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
                    = pg_catalog.format('lower(%%I)', a.attname)
            )
    ) AS is_key,
    {in_key} AS in_key
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.attrelid = %s
    AND a.attnum = %s
""".replace("{in_key}", IN_KEY)

# By a parameter's name: a column called so, or the key of a table that it begins with.
_BY_NAME = """
SELECT a.attrelid, a.attnum
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND a.attnum > 0
    AND n.nspname !~ '^(pg_|information_schema$|ag_catalog$)'
    AND (
        a.attname = %(name)s
        OR (
            %(name)s LIKE '%%\\_id'
            AND a.attname = 'id'
            AND c.relname IN (
                pg_catalog.left(%(name)s, -3),
                pg_catalog.left(%(name)s, -3) || 's',
                pg_catalog.left(%(name)s, -4) || 'ies'
            )
        )
    )
ORDER BY
    c.oid = ANY (%(tables)s::oid[]) DESC,
    n.nspname = %(schema)s DESC,
    c.relname,
    a.attnum
LIMIT 20
"""

# The column of the largest table that refers to a column, alone.
_CHILD = """
SELECT
    k.conrelid,
    k.conkey[1]
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
WHERE k.contype = 'f'
    AND k.conparentid = 0
    AND k.confrelid = %s
    AND k.confkey = ARRAY[%s]::int2[]
    AND k.conrelid <> k.confrelid
ORDER BY
    c.reltuples DESC,
    k.conname
LIMIT 1
"""

# Of what is as frequent, the row that was stored first: keys are others in each run.
ROW = """
SELECT {texts}
FROM {table}
WHERE {known}
GROUP BY {texts}
ORDER BY count(*) DESC, min(ctid)
LIMIT 1
"""
ANY_ROW = """
SELECT {texts}
FROM {table}
WHERE {known}
OFFSET (SELECT count(*) / 2 FROM {table} WHERE {known})
LIMIT 1
"""
# The row in the middle of a list.
MIDDLE = """
SELECT {texts}
FROM {table}
WHERE {known}
ORDER BY {columns}
OFFSET (SELECT count(*) / 2 FROM {table} WHERE {known})
LIMIT 1
"""
AT = """
SELECT (pg_catalog.percentile_disc({part}) WITHIN GROUP (ORDER BY {column}))::text
FROM {table}
WHERE {given}
"""
SEVERAL = """
SELECT pg_catalog.array_agg(often.value)::text
FROM (
    SELECT {column} AS value
    FROM {table}
    WHERE {column} IS NOT NULL
    GROUP BY {column}
    ORDER BY count(*) DESC, min(ctid)
    LIMIT 3
) AS often
"""
ELEMENT = """
SELECT part.value::text
FROM {table}
CROSS JOIN LATERAL pg_catalog.unnest({column}) AS part (value)
WHERE part.value IS NOT NULL
GROUP BY part.value
ORDER BY count(*) DESC, part.value
LIMIT 1
"""
ELEMENTS = """
SELECT ARRAY[part.value]::text
FROM {table}
CROSS JOIN LATERAL pg_catalog.unnest({column}) AS part (value)
WHERE part.value IS NOT NULL
GROUP BY part.value
ORDER BY count(*) DESC, part.value
LIMIT 1
"""
MEMBER = """
SELECT pg_catalog.jsonb_build_object(part.key, part.value)::text
FROM {table}
CROSS JOIN LATERAL pg_catalog.jsonb_each(
    CASE pg_catalog.jsonb_typeof({column}) WHEN 'object' THEN {column} END
) AS part (key, value)
GROUP BY part.key, part.value
ORDER BY count(*) DESC, part.key, part.value
LIMIT 1
"""
NEXT = "SELECT (max({column}) + 1)::text FROM {table}"
UNKNOWN = """
SELECT tried.value
FROM pg_catalog.unnest({tried}::text[]) WITH ORDINALITY AS tried (value, place)
WHERE NOT EXISTS (SELECT FROM {table} WHERE {column}::text = tried.value)
ORDER BY tried.place
LIMIT 1
"""
# The word that is in about one row of fifty.
WORD = """
SELECT word.word
FROM pg_catalog.ts_stat({query}) AS word
WHERE word.word ~ '^[[:alpha:]]+$'
ORDER BY
    pg_catalog.abs(word.ndoc - (SELECT count(*) / 50 FROM {table})),
    word.word
LIMIT 1
"""
WORDS = "SELECT {column} FROM {table}"
WORDS_OF_TEXT = "SELECT to_tsvector('simple', {column}) FROM {table}"


@dataclass(frozen=True, slots=True)
class Type:
    """A type, what a domain rests on, and the category of an array's elements."""

    oid: int
    based_on: int
    kind: str
    category: str
    element: str | None
    label: str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    schema: str
    table: str
    name: str
    type: int
    refers: bool
    is_key: bool
    in_key: bool

    @property
    def identifier(self) -> sql.Identifier:
        """The name as SQL writes it."""
        return sql.Identifier(self.name)

    @property
    def of(self) -> sql.Identifier:
        """The table's name as SQL writes it."""
        return sql.Identifier(self.schema, self.table)


class Source:
    """One database, whose schema and rows must not change meanwhile."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self.type = cache(self._type)
        self.column = cache(self._column)
        self.attributes = cache(self._attributes)

    def by_name(
        self, name: str, tables: Sequence[int], schema: str
    ) -> list[tuple[int, int]]:
        """Return the columns that a parameter's name leads to, likeliest first."""
        keys = {"name": name, "tables": list(tables), "schema": schema}
        return self._connection.execute(_BY_NAME, keys).fetchall()

    def referring(self, relation: int, number: int) -> tuple[int, int] | None:
        """Return the column that refers to a column from most rows."""
        return self._connection.execute(_CHILD, [relation, number]).fetchone()

    def ask(self, query: str, column: Column, /, **parts: Any) -> str | None:
        """Ask one of the questions; None where the column cannot answer it."""
        written = sql.SQL(query).format(
            column=column.identifier, table=column.of, **parts
        )
        row = self.one(written)
        return row[0] if row else None

    def one(self, query: sql.Composed) -> Any:
        """Return the first row; None too where a type has no order or equality."""
        try:
            return self._connection.execute(query).fetchone()
        except psycopg.Error:
            return None

    def _type(self, oid: int) -> Type:
        with self._connection.cursor(row_factory=class_row(Type)) as cursor:
            found = cursor.execute(_TYPES, [oid]).fetchone()
        return found or Type(oid, oid, "text", "S", None, None)

    def _attributes(self, oid: int) -> Sequence[tuple[int, str, int]]:
        """Return number, name and type of each attribute of a composite type."""
        return self._connection.execute(_ATTRIBUTES, [oid]).fetchall()

    def _column(self, relation: int, number: int) -> Column:
        with self._connection.cursor(row_factory=class_row(Column)) as cursor:
            found = cursor.execute(_COLUMN, [relation, number]).fetchone()
        return found or Column("", "", "", 25, refers=False, is_key=False, in_key=False)
