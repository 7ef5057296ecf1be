"""The tables of a schema as far as they say what may be written into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

# Under an empty path, names are printed with their schemas, but for PostgreSQL's own.
_EMPTY_PATH = """
SELECT
    pg_catalog.set_config('search_path', 'pg_catalog', true),
    pg_catalog.set_config('datestyle', 'ISO, YMD', true)
"""

_TABLES = """
SELECT
    c.oid,
    c.relname AS name,
    pg_catalog.obj_description(c.oid, 'pg_class') AS comment
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s
    AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
ORDER BY c.relname COLLATE "C"
"""

# Under another collation, texts with different letters may be equal.
_COLUMNS = """
SELECT
    a.attrelid AS relation,
    a.attname AS name,
    a.atttypid AS type,
    a.atttypmod AS typmod,
    a.attnotnull AS not_null,
    a.atthasdef OR a.attidentity = 'd' AS has_default,
    coalesce(
        l.collname IN ('default', 'C', 'POSIX')
            AND l.collnamespace = 'pg_catalog'::pg_catalog.regnamespace,
        true
    ) AS plain_collation,
    pg_catalog.col_description(a.attrelid, a.attnum) AS comment
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
WHERE a.attrelid = ANY (%s::oid[])
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND a.attgenerated = ''
    AND a.attidentity <> 'a'
ORDER BY a.attrelid, a.attnum
"""

# A domain may rest on another one.
_DOMAINS = """
WITH RECURSIVE domain AS (
    SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault
    FROM pg_catalog.pg_type AS t
    WHERE t.oid = ANY (%s::oid[])
        AND t.typtype = 'd'
    UNION
    SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault
    FROM domain
    JOIN pg_catalog.pg_type AS t ON t.oid = domain.typbasetype
    WHERE t.typtype = 'd'
)
SELECT
    domain.oid,
    domain.typbasetype AS base,
    domain.typtypmod AS typmod,
    domain.typnotnull AS not_null,
    domain.typdefault IS NOT NULL AS has_default
FROM domain
"""

_CHECKS = """
SELECT
    CASE WHEN c.contypid = 0 THEN c.conrelid ELSE c.contypid END AS owner,
    c.conname AS name,
    pg_catalog.pg_get_constraintdef(c.oid) AS definition
FROM pg_catalog.pg_constraint AS c
WHERE c.contype = 'c'
    AND (c.conrelid = ANY (%(tables)s::oid[]) OR c.contypid = ANY (%(domains)s::oid[]))
ORDER BY c.conname COLLATE "C", c.oid
"""


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK, as PostgreSQL prints it back."""

    name: str
    definition: str


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that can be written.

    ``type`` is never a domain: what its domain says is said here, with ``checks`` that
    are the domain's. ``plain_collation`` is false where equal texts may differ.
    """

    name: str
    type: int
    typmod: int
    nullable: bool
    has_default: bool
    plain_collation: bool
    comment: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class InputTable:
    """A table; ``columns`` are those that can be written, in the table's order."""

    name: str
    comment: str | None
    columns: tuple[InputColumn, ...]
    checks: tuple[Check, ...]


def read_tables(connection: Connection[Any], schema: str) -> list[InputTable]:
    """Read the tables of a schema by name; partitions are not among them."""
    with connection.transaction():
        connection.execute(_EMPTY_PATH)
        return _Reader(connection).read(schema)


@dataclass(frozen=True, slots=True)
class _Table:
    oid: int
    name: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class _Column:
    relation: int
    name: str
    type: int
    typmod: int
    not_null: bool
    has_default: bool
    plain_collation: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class _Domain:
    oid: int
    base: int
    typmod: int
    not_null: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class _Check:
    owner: int
    name: str
    definition: str


class _Reader:
    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._domains: dict[int, _Domain] = {}
        self._checks: dict[int, list[Check]] = {}

    def read(self, schema: str) -> list[InputTable]:
        tables = self._rows(_Table, _TABLES, [schema])
        oids = [table.oid for table in tables]
        columns = self._rows(_Column, _COLUMNS, [oids])
        types = [column.type for column in columns]
        for domain in self._rows(_Domain, _DOMAINS, [types]):
            self._domains[domain.oid] = domain
        owners = {"tables": oids, "domains": list(self._domains)}
        for check in self._rows(_Check, _CHECKS, owners):
            found = self._checks.setdefault(check.owner, [])
            found.append(Check(check.name, check.definition))
        return [
            InputTable(
                table.name,
                table.comment,
                tuple(self._column(c) for c in columns if c.relation == table.oid),
                tuple(self._checks.get(table.oid, [])),
            )
            for table in tables
        ]

    def _column(self, column: _Column) -> InputColumn:
        type_, typmod = column.type, column.typmod
        nullable, has_default = not column.not_null, column.has_default
        checks: list[Check] = []
        while domain := self._domains.get(type_):
            checks += self._checks.get(type_, [])
            type_, typmod = domain.base, domain.typmod
            nullable = nullable and not domain.not_null
            has_default = has_default or domain.has_default
        return InputColumn(
            column.name,
            type_,
            typmod,
            nullable,
            has_default,
            column.plain_collation,
            column.comment,
            tuple(checks),
        )

    def _rows(
        self, kind: type[Any], query: str, values: Sequence[Any] | dict[str, Any]
    ) -> list[Any]:
        with self._connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(query.encode(), values).fetchall()
