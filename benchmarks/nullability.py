"""What is said of the NULLs in results, against the results of random queries.

Drystone reads PostgreSQL's analysed parse tree. The other way, sqlx's and others', asks
the catalog which columns are NOT NULL and takes back what a plan shows on the inner
side of an outer join. Both are told the same queries, with the same rows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus
from tests.queries.fuzz import schema
from tests.queries.fuzz.trial import Outcome, tally, try_queries

from drystone.cli.output import table
from drystone.database.session import connect
from drystone.embedded import EmbeddedServer
from drystone.queries.describing.description import Describer
from drystone.settings import Settings

PROJECT = Path(__file__).parents[1]

QUERIES = 50_000
_LOT = 250
_SEED = "benchmark"
_DATABASE = "drystone_benchmark_{}"

_REQUIRED = """
SELECT
    a.attrelid::bigint,
    a.attnum
FROM pg_catalog.pg_attribute AS a
WHERE a.attnotnull
"""


class PlanReader:
    """Describes statements by the catalog and their plans, as sqlx does."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._raw = connection.pgconn
        self._required = set(connection.execute(_REQUIRED).fetchall())

    def never_null(self, statement: str) -> list[bool]:
        """Return for each column whether it is held not to be NULL."""
        text = statement.encode()
        self._raw.prepare(b"", text)
        described = self._raw.describe_prepared(b"")
        claims = [
            (described.ftable(column), described.ftablecol(column)) in self._required
            for column in range(described.nfields)
        ]
        explained = self._raw.exec_(
            b"EXPLAIN (VERBOSE, FORMAT JSON, GENERIC_PLAN) " + text
        )
        if explained.status != ExecStatus.TUPLES_OK:
            return [False] * len(claims)
        plan = json.loads(explained.get_value(0, 0) or b"")[0]["Plan"]
        outputs = plan.get("Output", [])
        nullable = set(_inner(plan))
        return [
            claimed and not (number < len(outputs) and outputs[number] in nullable)
            for number, claimed in enumerate(claims)
        ]


def _inner(plan: dict[str, Any]) -> Iterator[str]:
    """Yield what comes from the inner side of an outer join, from the top down."""
    outputs = plan.get("Output", [])
    if plan.get("Node Type") == "ModifyTable":
        yield from (each for each in outputs if each.startswith(("old.", "new.")))
    if plan.get("Join Type") == "Full" or plan.get("Parent Relationship") == "Inner":
        yield from outputs
    if plan.get("Join Type") in ("Left", "Right"):
        for below in plan.get("Plans", []):
            yield from _inner(below)


def run(connection: Connection[Any], queries: int = QUERIES) -> None:
    """Print how much each of the two says, and how much of it is wrong."""
    cores = os.cpu_count() or 1
    lots = [
        range(first, min(first + _LOT, queries)) for first in range(0, queries, _LOT)
    ]
    info = connection.info
    conninfo = make_conninfo("", host=info.host, port=info.port, user=info.user)
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        shares = [(conninfo, core, lots[core::cores]) for core in range(cores)]
        counts = sum(pool.starmap(_measure, shares), Counter[str]())
    print(
        f"{counts['queries']:,} queries, {counts['executed']:,} of them executed, "
        f"{counts['with rows']:,} with rows: {counts['columns']:,} columns, "
        f"{counts['full']:,} of them without NULL"
    )
    table(
        headers := ("from", "never NULL", "wrong", "wrong %", "precision", "ms"),
        [
            _row("parse tree", counts, "claimed", "wrong", "describing"),
            _row("plan", counts, "planned", "planned wrong", "planning"),
        ],
        right=headers[1:],
    )


def _row(name: str, counts: Counter[str], *keys: str) -> tuple[str, ...]:
    claimed, wrong, nanoseconds = (counts[key] for key in keys)
    return (
        name,
        f"{claimed:,}",
        f"{wrong:,}",
        f"{wrong / max(claimed, 1):.1%}",
        f"{(claimed - wrong) / max(counts['full'], 1):.1%}",
        f"{nanoseconds / max(counts['with rows'], 1) / 1e6:.1f}",
    )


def _measure(conninfo: str, core: int, lots: Iterable[range]) -> Counter[str]:
    """Try some lots of queries in a database of their own."""
    counts: Counter[str] = Counter()
    settings = Settings(statement_timeout=0)
    with (
        _database(conninfo, _DATABASE.format(core)) as own,
        connect(own, settings) as connection,
        connect(own, settings) as describing,
    ):
        schema.create(connection)
        describer, reader = Describer(describing), PlanReader(connection)
        for numbers in lots:
            outcomes = try_queries(connection, describer, _SEED, numbers)
            counts += tally(outcomes)
            for outcome in outcomes:
                if outcome.executed and outcome.rows:
                    counts += _planned(reader, outcome)
                    began = time.perf_counter_ns()
                    describer.describe(outcome.query.sql)
                    counts["describing"] += time.perf_counter_ns() - began
    return counts


def _planned(reader: PlanReader, outcome: Outcome) -> Counter[str]:
    began = time.perf_counter_ns()
    claims = reader.never_null(outcome.query.sql)
    taken = time.perf_counter_ns() - began
    wrong = sum(
        claimed and null for claimed, null in zip(claims, outcome.null, strict=True)
    )
    return Counter({"planned": sum(claims), "planned wrong": wrong, "planning": taken})


@contextmanager
def _database(conninfo: str, name: str) -> Iterator[str]:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(name))
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(
        sql.Identifier(name)
    )
    with connect(conninfo, Settings(), dbname="postgres") as connection:
        connection.execute(drop)
        connection.execute(create)
        try:
            yield make_conninfo(conninfo, dbname=name)
        finally:
            connection.execute(drop)


def main() -> None:
    """Measure on an embedded server of its own, with as many queries as one asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=QUERIES)
    queries = parser.parse_args().queries
    server = EmbeddedServer(PROJECT / ".drystone" / "nullability")
    try:
        with connect(server.start(), Settings(statement_timeout=0)) as connection:
            run(connection, queries)
    finally:
        server.reset()


if __name__ == "__main__":
    main()
