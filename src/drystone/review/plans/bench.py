"""How fast queries are while several clients ask them at once, on data like real."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from statistics import quantiles
from threading import Barrier, BrokenBarrierError

import psycopg
from psycopg.conninfo import make_conninfo

from drystone.database.session import connect
from drystone.errors import Location
from drystone.queries.runtime.binding import BoundCursor
from drystone.review.plans.explaining import Asked, Planned, reason, writes
from drystone.review.plans.representative import Representative
from drystone.settings import Settings

_PERCENTILES = (50, 95, 99)
_WRITES = "it writes, and is not timed"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the calls of a query took, each with its rows, in milliseconds.

    ``missing`` says why there are none.
    """

    name: str
    location: Location
    calls: int = 0
    per_second: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    missing: str | None = None


def bench(
    database: Representative,
    conninfo: str,
    settings: Settings,
    *,
    clients: int,
    seconds: float,
    told: Callable[[Timing], None] = lambda _: None,
) -> list[Timing]:
    """Time each query that only reads, for so many seconds, and return what was found.

    ``conninfo`` leads to the database's server. A client is a thread with a session of
    its own, which asks again as soon as it is answered; ``told`` hears of each query
    when it is done. The statements are prepared, as those of generated functions are.
    """
    there = make_conninfo(conninfo, dbname=database.connection.info.dbname)
    session = {**settings.session, "default_transaction_read_only": "on"}
    read_only = settings.model_copy(update={"session": session})
    timings = []
    for query in database.queries:
        planned = database.explainer.plan(query)
        timing = Timing(query.name, query.query.location, missing=_why_not(planned))
        if timing.missing is None and planned.asked is not None:
            try:
                taken = _time(there, read_only, planned.asked, clients, seconds)
                timing = _summary(timing, taken, clients)
            except psycopg.errors.ReadOnlySqlTransaction:
                timing = replace(timing, missing=_WRITES)
            except psycopg.Error as error:
                timing = replace(timing, missing=reason(error))
        timings.append(timing)
        told(timing)
    return timings


def _why_not(planned: Planned) -> str | None:
    if planned.missing or planned.refused:
        return planned.missing or planned.refused
    return _WRITES if writes(planned.query) else None


def _time(
    conninfo: str, settings: Settings, asked: Asked, clients: int, seconds: float
) -> list[float]:
    """Return the seconds of each call; raises what the database does."""
    ready = Barrier(clients)

    def calls() -> Iterator[float]:
        statement = asked.sql.encode()
        with connect(conninfo, settings) as connection:
            BoundCursor(connection).execute(statement, asked.bound, prepare=True)
            ready.wait()
            end = time.perf_counter() + seconds
            while (begin := time.perf_counter()) < end:
                cursor = BoundCursor(connection)
                cursor.execute(statement, asked.bound, prepare=True).fetchall()
                yield time.perf_counter() - begin

    def client() -> list[float]:
        try:
            return list(calls())
        except psycopg.Error:
            ready.abort()
            raise
        except BrokenBarrierError:
            return []

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client) for _ in range(clients)]
    return list(chain.from_iterable(each.result() for each in running))


def _summary(timing: Timing, taken: list[float], clients: int) -> Timing:
    # One call has no quantiles; it is all of them.
    spread = quantiles(
        taken * 2 if len(taken) == 1 else taken, n=100, method="inclusive"
    )
    p50, p95, p99 = (1000 * spread[percent - 1] for percent in _PERCENTILES)
    return replace(
        timing,
        calls=len(taken),
        per_second=clients * len(taken) / sum(taken),
        p50=p50,
        p95=p95,
        p99=p99,
    )
