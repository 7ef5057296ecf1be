"""Fill tables with thousands of rows that their rules allow.

Candidates are made by the column's types and by the constants in the CHECKs, and the
CHECKs themselves choose among them; foreign keys are drawn from the tables that they
refer to, a few rows of which get most. What a unique key refuses is left out. Where a
table has some rows, the new ones are like these.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import Connection, sql

from drystone.migrations.samples import fill_empty_tables
from drystone.review.plans.candidates import (
    HEAVY_SHARE,
    Hints,
    candidate,
    drawn,
    from_template,
    is_heavy,
    read_hints,
)
from drystone.review.plans.tables import (
    Column,
    Named,
    Reference,
    Table,
    find_tables,
    read_table,
)

ROWS = 3000

ENOUGH = 200  # a table with fewer rows has but examples

_TRIED = 40  # candidates for each row, where rules refuse most of them
_PATIENCE = "10s"

# A merge would go by the order of the parents, and only the first ones get rows.
_SETTINGS = """
SELECT
    pg_catalog.set_config('statement_timeout', %s, true),
    pg_catalog.set_config('enable_mergejoin', 'off', true)
"""
# Rows as they became in time, where a trigger takes new ones only as they begin.
_WITHOUT_TRIGGERS = (
    _SETTINGS.rstrip()
    + """,
    pg_catalog.set_config('session_replication_role', 'replica', true)
"""
)
_COUNT = "SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS row"

_INSERT = """
INSERT INTO {table} ({names})
SELECT {distinct} {names}
FROM (
    SELECT {values}
    FROM pg_catalog.generate_series(1::bigint, {tried}) AS candidate (n)
    {template}
    {parents}
    OFFSET 0
) AS candidate
WHERE {rules}
{order}
LIMIT {rows}
ON CONFLICT DO NOTHING
"""

_TEMPLATE = """
LEFT JOIN (
    SELECT
        *,
        row_number() OVER (ORDER BY row.tableoid, row.ctid) - 1 AS drystone_place
    FROM {table} AS row
) AS template
    ON template.drystone_place = {drawn} % (SELECT count(*) FROM {table} AS row)
"""
# The square makes some of the rows far more frequent than others.
_PARENT = """
LEFT JOIN (
    SELECT
        {columns},
        row_number() OVER (ORDER BY {referred}) - 1 AS drystone_place
    FROM {table} AS parent
    WHERE {known}
) AS {alias}
    ON {alias}.drystone_place = pg_catalog.floor(
        (SELECT count(*) FROM {table} AS parent WHERE {known})
        * ({drawn} / 2147483648.0) ^ 2
    )::bigint
"""
_SAME_PARENT = """
LEFT JOIN LATERAL (
    SELECT {columns}
    FROM {table} AS parent
    WHERE {shared}
    OFFSET {drawn} % 3
    LIMIT 1
) AS {alias}
    ON true
"""


def tables_with_rows(connection: Connection[Any]) -> set[int]:
    """Return the tables that hold rows, by oid."""
    return {n.oid for n in find_tables(connection) if _count(connection, n)}


def fill(
    connection: Connection[Any],
    *,
    rows: int = ROWS,
    sparse: Collection[str] = (),
    whole: Collection[int] = (),
) -> list[str]:
    """Fill each table that is empty; return the names of those that stay so.

    In the schemas that are ``sparse``, tables with a handful of rows are filled too;
    those rows stay. Tables that are ``whole``, by oid, are left alone. The connection
    must be in autocommit.
    """
    tables = find_tables(connection)
    before = {named.oid: _count(connection, named) for named in tables}
    for named in tables:
        count = _count(connection, named)
        enough = ENOUGH if named.schema in sparse else 1
        # What has grown meanwhile is filled by triggers of the others.
        grown = count != before[named.oid]
        if count < enough and not grown and named.oid not in whole:
            _fill(connection, read_table(connection, named), rows, like=count > 0)
    fill_empty_tables(connection)
    return [
        f"{named.schema}.{named.name}"
        for named in tables
        if not _count(connection, named)
    ]


def _count(connection: Connection[Any], named: Named) -> int:
    """Count the rows of a table, up to those that are enough."""
    query = sql.SQL(_COUNT).format(named.identifier, sql.Literal(ENOUGH))
    (count,) = connection.execute(query).fetchone() or (0,)
    return int(count)


def _fill(connection: Connection[Any], table: Table, rows: int, *, like: bool) -> None:
    """Try to fill a table, with fewer rows and columns each time that it is refused."""
    if any(is_heavy(column) and not column.nullable for column in table.columns):
        rows //= HEAVY_SHARE
    attempts = [(statement, _SETTINGS) for statement in _statements(table, rows)]
    if like:
        statement = _insert(table, table.columns, rows, rows * _TRIED, like=True)
        attempts = [(statement, _SETTINGS), (statement, _WITHOUT_TRIGGERS)]
    for statement, settings in attempts:
        try:
            with connection.transaction():
                connection.execute(settings, [_PATIENCE])
                if connection.execute(statement).rowcount > 0:
                    return
        except psycopg.Error:
            continue  # a trigger, or a rule that is not written as a CHECK


def _statements(table: Table, rows: int) -> Iterator[sql.Composed]:
    needed = [column for column in table.columns if not _can_wait(table, column)]
    for number, tried, columns in (
        (rows, rows * _TRIED if table.checks or table.partitions else rows * 2, None),
        (rows // 10, rows * _TRIED, None),
        (rows // 10, rows * _TRIED, needed),
        (1, rows * _TRIED, None),
        (1, rows * _TRIED, needed),
    ):
        chosen = table.columns if columns is None else columns
        if chosen:
            yield _insert(table, chosen, number, tried, like=False)


def _can_wait(table: Table, column: Column) -> bool:
    ruled = any(column.number in (check.columns or ()) for check in table.checks)
    return (column.nullable or column.has_default) and not ruled


def _insert(
    table: Table, columns: Sequence[Column], rows: int, tried: int, *, like: bool
) -> sql.Composed:
    hints = read_hints(table)
    joins: list[sql.Composable] = []
    drawn_from: dict[int, sql.Composable] = {}
    by_number = {column.number: column for column in columns}
    for place, reference in enumerate(table.references):
        _join_parent(table, reference, place, by_number, drawn_from, joins, like=like)
    values = [
        sql.SQL("{} AS {}").format(
            _value(column, hints.get(column.number), drawn_from, like=like),
            column.identifier,
        )
        for column in columns
    ]
    names = sql.SQL(", ").join(column.identifier for column in columns)
    return sql.SQL(_INSERT).format(
        table=table.named.identifier,
        names=names,
        values=sql.SQL(", ").join(values),
        template=_template(table) if like else sql.SQL(""),
        parents=sql.SQL(" ").join(joins),
        rules=_rules(table, by_number),
        **_once(
            column.identifier
            for column in columns
            if not like and _repeats(column, hints)
        ),
        tried=sql.Literal(tried),
        rows=sql.Literal(rows),
    )


def _repeats(column: Column, hints: Mapping[int, Hints]) -> bool:
    """Tell whether a key's candidates are few, so that most would be refused."""
    return column.is_key and bool(column.number in hints)


def _once(keys: Iterable[sql.Composable]) -> dict[str, sql.Composable]:
    """Write what takes each value of a key once, before the rows are counted."""
    key = next(iter(keys), None)
    if key is None:
        return {"distinct": sql.SQL(""), "order": sql.SQL("")}
    return {
        "distinct": sql.SQL("DISTINCT ON ({})").format(key),
        "order": sql.SQL("ORDER BY {}").format(key),
    }


def _template(table: Table) -> sql.Composable:
    return sql.SQL(_TEMPLATE).format(table=table.named.identifier, drawn=drawn(200))


def _value(
    column: Column,
    hints: Hints | None,
    drawn_from: dict[int, sql.Composable],
    *,
    like: bool,
) -> sql.Composable:
    parent = drawn_from.get(column.number)
    if parent is None and like:
        template = sql.Identifier("template", column.name)
        return from_template(column, template, hints)
    if parent is None:
        return candidate(column, hints, often_null=False)
    if not column.nullable:
        return parent
    return sql.SQL("CASE WHEN {} % {} <> 0 THEN {} END").format(
        drawn(column.number + 500), sql.Literal(2 if hints else 5), parent
    )


def _join_parent(
    table: Table,
    reference: Reference,
    place: int,
    columns: dict[int, Column],
    drawn_from: dict[int, sql.Composable],
    joins: list[sql.Composable],
    *,
    like: bool,
) -> None:
    """Draw a foreign key's columns, but for those that another one has drawn.

    Columns that are the same in each row choose among the rows to refer to.
    """
    constants = {
        number: table.constants[number]
        for number in reference.columns
        if number in table.constants
    }
    new = [
        number
        for number in reference.columns
        if number not in drawn_from and number not in constants
    ]
    if not new or not set(reference.columns) <= columns.keys() | constants.keys():
        return
    parent = sql.Identifier(reference.schema, reference.table)
    if parent == table.named.identifier and not like:  # no row yet to refer to
        drawn_from |= {
            number: sql.SQL("NULL::{}").format(_raw(columns[number].type))
            for number in new
        }
        return
    alias = sql.Identifier(f"parent_{place}")
    pairs = list(zip(reference.columns, reference.referred, strict=True))
    drawn_from_before = dict(drawn_from)
    referred = [sql.Identifier("parent", name) for _, name in pairs]
    shared = [
        sql.SQL("{} = {}").format(sql.Identifier("parent", name), drawn_from[number])
        for number, name in pairs
        if number in drawn_from_before
    ]
    joins.append(
        sql.SQL(_SAME_PARENT if shared else _PARENT).format(
            columns=sql.SQL(", ").join(referred),
            referred=sql.SQL(", ").join(referred),
            known=sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(each, _raw(constants[number]))
                if number in constants
                else sql.SQL("{} IS NOT NULL").format(each)
                for each, (number, _) in zip(referred, pairs, strict=True)
            ),
            shared=sql.SQL(" AND ").join(shared),
            table=parent,
            alias=alias,
            drawn=drawn(place + 300),
        )
    )
    drawn_from |= {
        number: sql.SQL("{}.{}").format(alias, sql.Identifier(name))
        for number, name in pairs
        if number in new
    }


def _rules(table: Table, columns: dict[int, Column]) -> sql.Composable:
    """Write what the rows have to pass: the CHECKs, and a partition to go into."""
    rules: list[sql.Composable] = [sql.SQL("true")]
    for check in table.checks:
        if set(check.columns or ()) <= columns.keys():
            condition = check.condition
            if check.value is not None:
                condition = _with_value(condition, check.value)
            rules.append(sql.SQL("({}) IS NOT FALSE").format(_raw(condition)))
    conditions = [each.condition for each in table.partitions]
    if conditions and all(conditions):
        alternatives = [_raw(f"({each})") for each in conditions]
        rules.append(sql.SQL("({})").format(sql.SQL(" OR ").join(alternatives)))
    rules += [
        sql.SQL("{} IS NOT NULL").format(column.identifier)
        for column in columns.values()
        if not column.nullable
    ]
    return sql.SQL(" AND ").join(rules)


def _with_value(condition: str, name: str) -> str:
    """Put a column's name in the place of a domain's VALUE."""
    return re.sub(r"\bVALUE\b", lambda _: name, condition)


def _raw(condition: str) -> sql.Composable:
    """Take over what PostgreSQL itself has printed."""
    return sql.SQL(condition)
