"""A point query sent by a router to a replica, beside one by a pool to the primary."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection
from pydantic import SecretStr
from tests.clusters import opened_cluster
from tests.replicas.things import CREATE, get_thing

from benchmarks.timing import milliseconds
from drystone.cli.output import line, table
from drystone.database.pool import Pool, open_pool
from drystone.replicas import open_router
from drystone.settings import Settings

_ROUNDS = 31
_CALLS = 100
_LARGEST_RATIO = 1.1


def run(_: Connection[Any]) -> None:
    """Print what routing costs, on servers of its own: a primary and a standby."""
    with opened_cluster() as primary:
        with open_pool(primary.url(), Settings()) as pool, pool.connection() as opened:
            opened.execute(CREATE.encode())
        standby = primary.follow("standby")
        settings = Settings(
            replica_urls=(SecretStr(standby.url()),), replica_max_lag=60
        )
        with (
            open_pool(primary.url(), settings) as pool,
            open_pool(standby.url(), settings) as direct,
            open_router(pool, settings) as router,
        ):
            session = router.session(router.written())
            _wait_until_read(
                lambda: router.run(get_thing, thing_id=1).port, standby.port
            )
            _print(
                {
                    "pool of the primary": lambda: _ask(pool),
                    "pool of the replica": lambda: _ask(direct),
                    "router": lambda: router.run(get_thing, thing_id=1),
                    "router, with a token": lambda: session.run(get_thing, thing_id=1),
                }
            )
            (seen,) = router.stats().replicas
            assert router.stats().primary_reads <= 100, "the replica did not answer"
            assert seen.faults == 0


def _ask(pool: Pool) -> None:
    with pool.connection() as connection:
        get_thing(connection, thing_id=1)


def _wait_until_read(port: Callable[[], int], wanted: int) -> None:
    deadline = time.monotonic() + 30
    while port() != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _print(sides: dict[str, Callable[[], Any]]) -> None:
    chance = random.Random(1)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(_ROUNDS):
        for name in chance.sample(list(sides), len(sides)):
            gc.collect()
            calls = milliseconds(lambda _, name=name: sides[name](), range(_CALLS))
            taken[name].append(statistics.mean(calls))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    own = medians["pool of the primary"]
    rows = [
        (name, f"{1000 * each:.0f}", f"{each / own:.2f}")
        for name, each in medians.items()
    ]
    headers = ("a point query by the", "µs", "times the primary's")
    table(headers, rows, right=headers[1:])
    line(f"routing must not take more than {_LARGEST_RATIO} times as long")
    assert medians["router"] <= _LARGEST_RATIO * own
