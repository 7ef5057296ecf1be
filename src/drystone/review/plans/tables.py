"""The tables that could be filled, and what a row of each has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

# Of a graph, AGE alone knows what belongs into the tables.
_TABLES = """
WITH RECURSIVE own AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p')
        AND NOT c.relispartition
        AND c.relpersistence <> 't'
        AND n.nspname !~ '^(pg_|information_schema$|ag_catalog$)'
        AND c.relname !~ '^_(yoyo|drystone)_|^yoyo_lock$'
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_depend AS d
            WHERE d.objid = c.oid
                AND d.deptype = 'e'
        )
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_attribute AS a
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
            WHERE a.attrelid = c.oid
                AND t.typname = 'graphid'
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
SELECT own.oid, own.nspname AS schema, own.relname AS name
FROM own
JOIN depth USING (oid)
GROUP BY own.oid, own.nspname, own.relname
ORDER BY max(depth.level), own.nspname, own.relname
"""

# Without what the table makes itself: generated columns, identities, sequences.
_COLUMNS = """
SELECT
    a.attnum AS number,
    a.attname AS name,
    pg_catalog.format_type(b.oid, m.typmod) AS type,
    b.typname AS kind,
    b.typcategory AS category,
    e.typname AS element,
    pg_catalog.format_type(e.oid, NULL) AS element_type,
    m.typmod,
    NOT (a.attnotnull OR t.typnotnull) AS nullable,
    a.atthasdef AS has_default,
    EXISTS (
        SELECT
        FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = a.attrelid
            AND i.indisunique
            AND i.indnkeyatts = 1
            AND i.indkey[0] = a.attnum
    ) AS is_key,
    ARRAY(
        SELECT l.enumlabel::text
        FROM pg_catalog.pg_enum AS l
        WHERE l.enumtypid = b.oid
        ORDER BY l.enumsortorder
    ) AS labels
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type AS b
    ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
CROSS JOIN LATERAL (
    SELECT CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod
) AS m
LEFT JOIN pg_catalog.pg_type AS e
    ON e.oid = b.typelem
    AND b.typcategory = 'A'
LEFT JOIN pg_catalog.pg_attrdef AS d
    ON d.adrelid = a.attrelid
    AND d.adnum = a.attnum
WHERE a.attrelid = %s
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attgenerated = ''
    AND a.attidentity = ''
    AND coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') !~ '^nextval\\('
ORDER BY a.attnum
"""

# A domain's CHECK speaks of VALUE.
_CHECKS = """
SELECT
    pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS condition,
    k.conkey AS columns,
    NULL AS value
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = %(table)s
    AND k.contype = 'c'
UNION ALL
SELECT
    pg_catalog.pg_get_expr(k.conbin, 0),
    ARRAY[a.attnum],
    pg_catalog.quote_ident(a.attname)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_constraint AS k ON k.contypid = a.atttypid
WHERE a.attrelid = %(table)s
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND k.contype = 'c'
"""

_REFERENCES = """
SELECT
    k.conkey AS columns,
    n.nspname AS schema,
    c.relname AS table,
    ARRAY(
        SELECT r.attname::text
        FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_catalog.pg_attribute AS r
            ON r.attrelid = k.confrelid
            AND r.attnum = key.number
        ORDER BY key.place
    ) AS referred
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.conrelid = %s
    AND k.contype = 'f'
ORDER BY pg_catalog.cardinality(k.conkey) DESC, k.conname
"""

_PARTITIONS = """
SELECT
    k.partattrs::int2[] AS columns,
    pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bounds,
    pg_catalog.pg_get_partition_constraintdef(c.oid) AS condition
FROM pg_catalog.pg_partitioned_table AS k
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(k.partrelid) AS tree
JOIN pg_catalog.pg_class AS c ON c.oid = tree.relid
WHERE k.partrelid = %s
    AND tree.level = 1
ORDER BY tree.relid::pg_catalog.regclass::text
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be written; of a domain's, the type that it rests on."""

    number: int
    name: str
    type: str
    kind: str
    category: str
    element: str | None
    element_type: str | None
    typmod: int
    nullable: bool
    has_default: bool
    is_key: bool
    labels: Sequence[str]

    @property
    def identifier(self) -> sql.Identifier:
        """The name as SQL writes it."""
        return sql.Identifier(self.name)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on columns; ``value`` is the column that VALUE means."""

    condition: str
    columns: Sequence[int] | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: columns, and those of the other table in the same order."""

    columns: Sequence[int]
    schema: str
    table: str
    referred: Sequence[str]


@dataclass(frozen=True, slots=True)
class Partition:
    """What rows go into a partition."""

    columns: Sequence[int]
    bounds: str | None
    condition: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """A table by its number and its name."""

    oid: int
    schema: str
    name: str

    @property
    def identifier(self) -> sql.Identifier:
        """The qualified name as SQL writes it."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with what its rows have to be."""

    named: Named
    columns: Sequence[Column]
    checks: Sequence[Check]
    references: Sequence[Reference]
    partitions: Sequence[Partition]


def find_tables(connection: Connection[Any]) -> list[Named]:
    """Return the tables of a database, those first that others refer to."""
    with connection.cursor(row_factory=class_row(Named)) as cursor:
        return cursor.execute(_TABLES).fetchall()


def read_table(connection: Connection[Any], named: Named) -> Table:
    """Read from the catalog what a table's rows have to be."""

    def rows(kind: Any, query: str, key: Any) -> list[Any]:
        with connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query.encode(), key).fetchall()

    return Table(
        named,
        columns=rows(Column, _COLUMNS, [named.oid]),
        checks=rows(Check, _CHECKS, {"table": named.oid}),
        references=rows(Reference, _REFERENCES, [named.oid]),
        partitions=rows(Partition, _PARTITIONS, [named.oid]),
    )
