"""The same for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, assert_type

import pytest
from psycopg import AsyncConnection

from drystone.database.pool import open_async_pool
from drystone.replicas import AsyncRouter, open_async_router
from tests.replicas.conftest import PATIENCE, Pair

from .things import Thing, get_fresh_thing, get_thing, touch_thing

pytestmark = pytest.mark.xdist_group("replicas")


@asynccontextmanager
async def opened(pair: Pair, **changes: Any) -> AsyncIterator[AsyncRouter]:
    settings = pair.settings(**changes)
    async with (
        open_async_pool(pair.primary.url(), settings) as pool,
        open_async_router(pool, settings) as router,
    ):
        await until(lambda: state_of(router) == "ready")
        yield router


async def test_queries_are_routed_and_sessions_see_what_they_write(pair: Pair) -> None:
    def touch(connection: AsyncConnection[Any]) -> Any:
        return touch_thing(connection, thing_id=5)

    async with opened(pair, replica_wait=5, replica_max_lag=60) as router:
        read = await router.run(get_thing, thing_id=5)
        assert_type(read, Thing)
        fresh = await router.run(get_fresh_thing, thing_id=5)
        assert (read.port, fresh.port) == (pair.standby.port, pair.primary.port)
        async with router.connection() as connection:
            assert connection.info.port == pair.primary.port
        session = router.session()
        for _ in range(20):
            written = await session.run(touch_thing, thing_id=5)
            seen = await session.run(get_thing, thing_id=5)
            assert (seen.version, seen.port) == (written, pair.standby.port)
        written = await session.in_transaction(touch)
        later = router.session(session.token)
        assert (await later.run(get_thing, thing_id=5)).version == written
        again = router.session(await router.written())
        assert (await again.run(get_thing, thing_id=5)).version == written
        stats = router.stats()
    assert (stats.late, stats.primary_reads) == (0, 0)


async def test_a_late_replica_is_not_waited_for_longer_than_agreed(pair: Pair) -> None:
    async with opened(pair, replica_wait=0.1, replica_max_lag=60) as router:
        session = router.session()
        with pair.paused():
            written = await session.run(touch_thing, thing_id=5)
            read = await session.run(get_thing, thing_id=5)
            assert (read.version, read.port) == (written, pair.primary.port)
            assert router.stats().late == 1


async def test_no_read_fails_when_the_replica_dies_and_comes_back(pair: Pair) -> None:
    async with opened(pair) as router:

        async def read_on() -> int:
            reads = 0
            while not over.is_set():
                await router.run(get_thing, thing_id=1)
                await asyncio.sleep(0.01)
                reads += 1
            return reads

        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(read_on()) for _ in range(3)]
            await asyncio.to_thread(pair.standby.stop, "immediate")
            await until(lambda: state_of(router) == "down")
            await asyncio.to_thread(pair.standby.start)
            await until(lambda: state_of(router) == "ready")
            reads = router.stats().replicas[0].reads
            await until(lambda: router.stats().replicas[0].reads > reads + 20)
            over.set()
        assert all(reader.result() > 0 for reader in readers)


def state_of(router: AsyncRouter) -> str:
    (replica,) = router.stats().replicas
    return replica.state


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what will be."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- nobody sets an event for us
            await asyncio.sleep(0.005)
