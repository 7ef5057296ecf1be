"""Pools that are exhausted, whose server was restarted, or that were forked."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import (
    DatabaseUnavailable,
    PoolOverloaded,
    PoolTimeout,
    UsedAfterFork,
)
from drystone.settings import Settings
from tests.clusters import Cluster
from tests.proxy import Proxy


def lend_all(pool: Pool) -> None:
    """Have the pool open as many connections as it may, and give them back."""
    with ExitStack() as lent:
        for _ in range(pool.max_size):
            lent.enter_context(pool.connection())
    deadline = time.monotonic() + 10
    while pool.get_stats()["pool_available"] < pool.max_size:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_no_call_fails_after_a_restart_while_the_pool_was_idle(
    cluster: Cluster,
) -> None:
    """Found dead one by one, each would cost a pause twice as long as the last."""
    with open_pool(cluster.url(), Settings(pool_max_size=8)) as pool:
        lend_all(pool)
        cluster.stop("immediate")
        cluster.start()
        began = time.monotonic()
        for _ in range(16):
            with pool.connection() as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert time.monotonic() - began < 5
        assert pool.get_stats()["connections_lost"] == 1


async def test_nor_does_one_of_an_asynchronous_pool(cluster: Cluster) -> None:
    async with open_async_pool(cluster.url(), Settings(pool_max_size=4)) as pool:
        lent = [await pool.getconn() for _ in range(4)]
        for connection in lent:
            await pool.putconn(connection)
        await asyncio.to_thread(cluster.stop, "immediate")
        await asyncio.to_thread(cluster.start)
        began = time.monotonic()
        for _ in range(8):
            async with pool.connection() as connection:
                await connection.execute("SELECT 1")
        assert time.monotonic() - began < 5


def test_an_exhausted_pool_says_so_in_time_and_recovers(cluster: Cluster) -> None:
    """Ten times the load that it can bear, for a second."""
    settings = Settings(pool_max_size=2, pool_timeout=0.5)
    waits: list[float] = []
    served: list[float] = []
    ends = time.monotonic() + 1

    def caller(_: int) -> None:
        while (began := time.monotonic()) < ends:
            try:
                with pool.connection() as connection:
                    connection.execute("SELECT pg_sleep(0.2)")
            except PoolTimeout:
                waits.append(time.monotonic() - began)

    with open_pool(cluster.url(), settings) as pool:
        with ThreadPoolExecutor(20) as threads:
            list(threads.map(caller, range(20)))
        for _ in range(50):
            began = time.monotonic()
            with pool.connection() as connection:
                connection.execute("SELECT 1")
            served.append(time.monotonic() - began)
        stats = pool.get_stats()
    assert len(waits) >= 10
    assert min(waits) >= 0.5
    assert sorted(waits)[len(waits) // 2] <= 0.55
    assert max(served) < 0.5
    assert stats["pool_size"] == 2
    assert stats["requests_waiting"] == 0


def test_when_enough_wait_the_next_is_turned_away_at_once(cluster: Cluster) -> None:
    settings = Settings(pool_max_size=1, pool_max_waiting=1)
    with open_pool(cluster.url(), settings) as pool, ThreadPoolExecutor(1) as threads:
        with pool.connection():
            waiting = threads.submit(pool.getconn)
            while not pool.get_stats()["requests_waiting"]:
                time.sleep(0.001)
            with pytest.raises(PoolOverloaded, match="too many wait"):
                pool.getconn(30)
        pool.putconn(waiting.result(10))


@pytest.mark.long
def test_while_the_server_is_away_the_pool_asks_for_it_once_in_two_seconds(
    proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(pool_min_size=4, pool_max_size=12)
    with open_pool(proxy.url, settings) as pool, caplog.at_level(logging.WARNING):
        lend_all(pool)
        caplog.clear()
        proxy.stop()
        stopped = time.time()
        with pytest.raises(PoolTimeout):
            pool.getconn(75)
        attempts = [
            record.created - stopped
            for record in caplog.records
            if record.getMessage().startswith("error connecting")
        ]
        proxy.start()
        began = time.monotonic()
        with pool.connection() as connection:
            connection.execute("SELECT 1")
        assert time.monotonic() - began < 5
    assert 3 <= len([at for at in attempts if at > 60]) <= 15


def test_a_server_without_a_free_connection_is_a_clear_error(
    cluster: Cluster,
) -> None:
    def take_all() -> None:
        with ExitStack() as taken:
            for _ in range(100):
                taken.enter_context(connect(cluster.url(), Settings()))

    with pytest.raises(DatabaseUnavailable, match="too many clients") as caught:
        take_all()
    assert "pool_max_size" in (caught.value.hint or "")


def test_a_server_without_room_for_locks_is_a_clear_error(cluster: Cluster) -> None:
    with connect(cluster.url(), Settings(), autocommit=False) as connection:
        with pytest.raises(DatabaseUnavailable) as caught, translated():
            connection.execute(
                "SELECT pg_advisory_xact_lock(n) FROM generate_series(1, 100000) AS n"
            )
        assert caught.value.sqlstate == "53200"
        assert "max_locks_per_transaction" in (caught.value.hint or "")
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def notes(cluster: Cluster) -> Iterator[Connection[Any]]:
    """A table to write to."""
    with connect(cluster.url(), Settings()) as connection:
        connection.execute("DROP TABLE IF EXISTS public.notes")
        connection.execute("CREATE TABLE public.notes (id int)")
        yield connection


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_a_caller_raises_is_rolled_back_and_the_connection_lent_again(
    notes: Connection[Any], cluster: Cluster, error: type[BaseException]
) -> None:
    def fail() -> None:
        with pool.connection() as connection:
            connection.execute("INSERT INTO public.notes VALUES (1)")
            raise error

    with open_pool(cluster.url(), Settings(pool_max_size=1)) as pool:
        with pytest.raises(error):
            fail()
        with pool.connection() as connection:
            found = connection.execute("SELECT count(*) FROM public.notes").fetchone()
    assert found == (0,)


async def test_a_task_that_is_cancelled_gives_its_connection_back(
    notes: Connection[Any], cluster: Cluster
) -> None:

    async def hold() -> None:
        async with pool.connection() as connection:
            await connection.execute("INSERT INTO public.notes VALUES (1)")
            holding.set()
            await connection.execute("SELECT pg_sleep(30)")

    holding = asyncio.Event()
    async with open_async_pool(cluster.url(), Settings(pool_max_size=1)) as pool:
        task = asyncio.create_task(hold())
        await holding.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with pool.connection() as connection:
            cursor: Any = await connection.execute("SELECT count(*) FROM public.notes")
            assert await cursor.fetchone() == (0,)


@pytest.fixture
def opened(cluster: Cluster) -> Iterator[Pool]:
    with open_pool(cluster.url(), Settings(pool_min_size=2, pool_max_size=2)) as pool:
        yield pool


def test_a_pool_that_was_forked_is_refused_and_left_alone(opened: Pool) -> None:
    with opened.connection() as connection:
        child = os.fork()
        if child == 0:
            os._exit(_tried_in_child(opened, connection))
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with opened.connection() as idle:
            assert idle.execute("SELECT 1").fetchone() == (1,)
    assert "connections_lost" not in opened.get_stats()


def _tried_in_child(pool: Pool, connection: Connection[Any]) -> int:
    """Return 0 if both are refused; close the pool, as the end of its block would."""
    refused = 0
    for attempt in (pool.getconn, lambda: connection.execute("SELECT 1")):
        try:
            attempt()
        except UsedAfterFork:
            refused += 1
    pool.close()
    return 2 - refused


def test_timeouts_do_not_go_by_the_clock_on_the_wall(
    opened: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour passes with every look at it, and no wait ends for that."""
    clock = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    with ExitStack() as lent:
        for _ in range(opened.max_size):
            lent.enter_context(opened.connection())
        began = time.monotonic()
        with pytest.raises(PoolTimeout):
            opened.getconn(0.3)
        assert 0.3 <= time.monotonic() - began < 3
    with opened.connection() as connection:
        connection.answer_timeout = 1.0
        connection.execute("SELECT pg_sleep(0.3)")
