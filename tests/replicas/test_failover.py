"""Servers that die, are promoted and come back, while others read and write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from drystone.database.pool import open_pool
from drystone.errors import DatabaseUnavailable, ReadOnly
from drystone.replicas import Router, open_router
from tests.clusters import Cluster
from tests.replicas.conftest import Pair, state_of, until

from .things import get_thing, touch_thing

# What docs/replicas.md promises of writes after a promotion, in seconds.
_BACK_WITHIN = 10

pytestmark = pytest.mark.xdist_group("replicas")


@contextmanager
def repeated(
    calls: Callable[[], object], failures: list[BaseException], *, threads: int = 3
) -> Iterator[None]:
    """Make calls, again and again, by threads, while the block runs."""
    over = Event()

    def repeat() -> None:
        while not over.is_set():
            try:
                calls()
            except Exception as error:  # noqa: BLE001 -- whatever a caller would see
                failures.append(error)
            time.sleep(0.01)

    running = [Thread(target=repeat) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in running:
            thread.join()


def test_no_read_fails_when_the_replica_dies_or_comes_back(pair: Pair) -> None:
    """002-26"""
    failures: list[BaseException] = []
    with (
        pair.router() as router,
        repeated(lambda: router.run(get_thing, thing_id=1), failures),
    ):
        for mode in ("immediate", "fast"):
            pair.standby.stop(mode)
            until(lambda: state_of(router) == "down")
            goes_on(lambda: router.stats().primary_reads)
            pair.standby.start()
            until(lambda: state_of(router) == "ready")
            goes_on(lambda: router.stats().replicas[0].reads)
    assert failures == []


@pytest.mark.long
def test_a_replica_that_hangs_is_left(own_pair: Pair) -> None:
    with own_pair.router(answer_timeout=2) as router:
        assert router.run(get_thing, thing_id=1).port == own_pair.standby.port
        with frozen(own_pair.standby):
            begun = time.monotonic()
            assert router.run(get_thing, thing_id=1).port == own_pair.primary.port
            assert time.monotonic() - begun < 5
            until(lambda: state_of(router) == "down")
            begun = time.monotonic()
            assert router.run(get_thing, thing_id=1).port == own_pair.primary.port
            assert time.monotonic() - begun < 1
        until(lambda: state_of(router) == "ready")
        assert router.run(get_thing, thing_id=1).port == own_pair.standby.port


@pytest.mark.parametrize("outage", [0, pytest.param(20, marks=pytest.mark.long)])
def test_reads_go_on_without_a_primary_and_writes_return_after_a_promotion(
    own_pair: Pair, outage: int
) -> None:
    """002-26: a second standby follows the one that is promoted.

    Whatever was written before the primary died is seen by its session afterwards.
    """
    other = own_pair.primary.follow("other", recovery_target_timeline="latest")
    settings = own_pair.settings(
        replica_urls=(SecretStr(own_pair.standby.url()), SecretStr(other.url())),
        pool_timeout=1,
    )
    failures: list[BaseException] = []
    with (
        open_pool(either(own_pair), settings) as pool,
        open_router(pool, settings) as router,
    ):
        until(lambda: states(router) == ["ready", "ready"])
        session = router.session()
        written = session.run(touch_thing, thing_id=1)
        for each in (own_pair.standby, other):
            until(partial(shows, each.url(), written))
        with repeated(lambda: router.run(get_thing, thing_id=1), failures, threads=2):
            own_pair.primary.stop("immediate")
            with pytest.raises(DatabaseUnavailable):
                router.run(touch_thing, thing_id=1)
            until(lambda: not router.stats().primary_up)
            assert session.run(get_thing, thing_id=1).version == written
            time.sleep(outage)
            promoted = time.monotonic()
            promote(own_pair)
            again = write_again(router, before=promoted + _BACK_WITHIN)
            taken = time.monotonic() - promoted
            assert again == written + 1
            other.stop()
            other.parameters["primary_conninfo"] = own_pair.standby.url()
            other.start()
            until(lambda: states(router) == ["promoted", "ready"])
            later = router.session(session.token)
            until(lambda: later.run(get_thing, thing_id=1).port == other.port)
            assert later.run(get_thing, thing_id=1).version == written + 1
    assert failures == []
    print(f"written again {taken:.1f} s after the promotion")  # noqa: T201


def test_a_planned_switchover_costs_one_write_at_most(own_pair: Pair) -> None:
    """The replica is promoted first, then the old primary turns read-only."""
    refused = 0
    settings = own_pair.settings()
    with (
        open_pool(either(own_pair), settings) as pool,
        open_router(pool, settings) as router,
    ):

        def written_at() -> int:
            with pool.connection() as connection:
                touch_thing(connection, thing_id=1)
                return connection.info.port

        def is_written_elsewhere() -> bool:
            nonlocal refused
            try:
                return written_at() == own_pair.standby.port
            except ReadOnly:
                refused += 1
                return False

        assert written_at() == own_pair.primary.port
        until(lambda: shows(own_pair.standby.url(), 1))
        assert router.run(get_thing, thing_id=1).port == own_pair.standby.port
        promote(own_pair)
        # At once: a connection tells with its answer that the server was promoted.
        assert router.run(get_thing, thing_id=1).port == own_pair.primary.port
        until(lambda: state_of(router) == "promoted")
        with psycopg.connect(own_pair.primary.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            connection.execute("SELECT pg_reload_conf()")
        until(is_written_elsewhere)
        assert router.run(get_thing, thing_id=1).port == own_pair.standby.port
    assert refused <= 1


@contextmanager
def frozen(server: Cluster) -> Iterator[None]:
    """Stop a server's processes for a block, without ending them."""
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    postmaster = psutil.Process(pid)
    processes = [postmaster, *postmaster.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def either(pair: Pair) -> str:
    """Return conninfo of whichever of the two can be written to."""
    return make_conninfo(
        host="127.0.0.1,127.0.0.1",
        port=f"{pair.primary.port},{pair.standby.port}",
        user="postgres",
        dbname="postgres",
        target_session_attrs="read-write",
    )


def promote(pair: Pair) -> None:
    with psycopg.connect(pair.standby.url(), autocommit=True) as connection:
        assert connection.execute("SELECT pg_promote()").fetchone() == (True,)


def states(router: Router) -> list[str]:
    return [replica.state for replica in router.stats().replicas]


def goes_on(count: Callable[[], int]) -> None:
    """Wait until a count has grown by some."""
    before = count()
    until(lambda: count() > before + 20)


def shows(url: str, version: int) -> bool:
    """Tell whether a server shows a version of the first thing."""
    with psycopg.connect(url) as connection:
        return get_thing(connection, thing_id=1).version == version


def write_again(router: Router, *, before: float) -> int:
    """Write until it is done, and return what was written."""
    while True:
        try:
            return router.run(touch_thing, thing_id=1)
        except (DatabaseUnavailable, ReadOnly):
            assert time.monotonic() < before
            time.sleep(0.05)
