"""What a generated query function costs over psycopg itself, and others beside it."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import aiosql
import psycopg
import sqlalchemy
from psycopg import Connection, RawCursor
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row, tuple_row
from sqlalchemy import orm

from benchmarks.timing import milliseconds
from drystone.cli.output import line, table
from drystone.queries.runtime.statement import Statement
from drystone.queries.runtime.values import Row

_ROWS = 20_000
_ROUNDS = 31
_CALLS = 100

CREATE_READINGS = """
CREATE TABLE public.readings (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    note text,
    taken_at timestamptz NOT NULL,
    sensor uuid NOT NULL,
    value double precision NOT NULL
);
INSERT INTO public.readings (id, name, note, taken_at, sensor, value)
SELECT
    n,
    'reading ' || n,
    CASE WHEN n % 3 > 0 THEN 'note ' || n END,
    pg_catalog.now() + n * interval '1 second',
    pg_catalog.gen_random_uuid(),
    n / 2.0
FROM pg_catalog.generate_series(1, 20000) AS n;
ANALYZE public.readings;
"""
_ALL = "SELECT id, name, note, taken_at, sensor, value FROM public.readings"
_ONE = (
    "SELECT id, name, note, taken_at, sensor, value FROM public.readings WHERE id = $1"
)


class Reading(Row):
    """A row as a generated module declares it."""

    id: int
    name: str
    note: str | None
    taken_at: datetime
    sensor: UUID
    value: float


_READINGS = Statement("readings.all", _ALL, row=Reading, binary=True)
READING = Statement(
    "readings.one", _ONE, parameters=(("id", "int8"),), row=Reading, binary=True
)


def run(connection: Connection[Any]) -> None:
    """Print µs a row of a large result, and µs that a point query takes longer."""
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    connection.execute(CREATE_READINGS)
    try:
        with psycopg.connect(conninfo, row_factory=dict_row) as dicts:
            _print_rows(
                {
                    "psycopg, tuples": lambda: _tuples(connection, _ALL, ()).fetchall(),
                    "generated function": lambda: _READINGS.rows(connection),
                    "aiosql, dicts": _aiosql(dicts),
                    "SQLAlchemy 2 ORM": _sqlalchemy(conninfo),
                }
            )
        _print_point_query(connection)
    finally:
        connection.execute("DROP TABLE public.readings")


def _print_rows(sides: dict[str, Callable[[], Any]]) -> None:
    taken = _interleaved(sides, calls=1)
    own = taken["psycopg, tuples"]
    rows = [
        (name, f"{1000 * each / _ROWS:.2f}", f"{each / own:.2f}")
        for name, each in taken.items()
    ]
    headers = (f"{_ROWS:,} rows of 6 columns", "µs a row", "times psycopg")
    table(headers, rows, right=headers[1:])


def _print_point_query(connection: Connection[Any]) -> None:
    taken = _interleaved(
        {
            "psycopg": lambda: _tuples(connection, _ONE, (77,)).fetchone(),
            "generated": lambda: READING.row(connection, (77,)),
        },
        calls=_CALLS,
    )
    own, generated = 1000 * taken["psycopg"], 1000 * taken["generated"]
    line(f"point query: {own:.1f} µs, {generated - own:+.1f} when generated (budget 5)")


def _interleaved(
    sides: dict[str, Callable[[], Any]], *, calls: int
) -> dict[str, float]:
    """Return the median milliseconds of each side's call, over interleaved rounds."""
    chance = random.Random(1)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(_ROUNDS):
        for name in chance.sample(list(sides), len(sides)):
            gc.collect()
            taken[name].append(_mean(sides[name], calls))
    return {name: statistics.median(each) for name, each in taken.items()}


def _mean(call: Callable[[], Any], calls: int) -> float:
    return statistics.mean(milliseconds(lambda _: call(), range(calls)))


def _tuples(connection: Connection[Any], sql: str, values: Any) -> RawCursor[Any]:
    cursor = RawCursor(connection, row_factory=tuple_row)
    return cursor.execute(sql, values, prepare=True, binary=True)


def _aiosql(connection: Connection[Any]) -> Callable[[], Any]:
    queries: Any = aiosql.from_str(f"-- name: readings()\n{_ALL};", "psycopg")
    return lambda: list(queries.readings(connection))


def _sqlalchemy(conninfo: str) -> Callable[[], Any]:
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo)
    )
    mapped = sqlalchemy.Table(
        "readings",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("id", sqlalchemy.BigInteger, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.Text),
        sqlalchemy.Column("note", sqlalchemy.Text),
        sqlalchemy.Column("taken_at", sqlalchemy.DateTime(timezone=True)),
        sqlalchemy.Column("sensor", sqlalchemy.Uuid),
        sqlalchemy.Column("value", sqlalchemy.Double),
        schema="public",
    )
    entity = type("MappedReading", (), {})
    orm.registry().map_imperatively(entity, mapped)

    def call() -> list[Any]:
        with orm.Session(engine) as session:
            return list(session.scalars(sqlalchemy.select(entity)).all())

    return call
