"""After a committed change nobody reads what was before it, however they race."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection
from pydantic import SecretStr
from redis import Redis

from drystone.cache import CachedQuery, invalidate, open_async_cache, open_cache
from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.transactions import in_transaction_async
from drystone.embedded import EmbeddedRedis
from drystone.redis import links
from drystone.settings import Settings

from .conftest import THINGS, change
from .things import CHANGE, ThingRow, get_thing

THINGS_CHANGED = 3


def dawdling(
    connection: Connection[Any], *, slug: str
) -> ThingRow | Awaitable[ThingRow | None] | None:
    """Ask, and take one's time before storing what may be old by then."""
    thing = get_thing(connection, slug=slug)
    if isinstance(connection, Connection) and random.random() < 0.3:
        time.sleep(random.random() / 200)
    return thing


THING = CachedQuery(
    dawdling,
    ttl=300,
    tags=["slug:{slug}"],
    tags_of=lambda thing: [f"thing:{thing.id}"],
)


def race(
    settings: Settings, url: str, *, trials: int, pause: float = 0
) -> tuple[int, int]:
    """Change things from two threads while four read; return reads and stale ones."""
    committed = [0] * (THINGS_CHANGED + 1)
    left = iter(range(trials))
    reads: list[int] = []
    stale: list[tuple[int, int]] = []
    over = threading.Event()

    def write(pool: Pool) -> None:
        for _ in left:
            number = random.randint(1, THINGS_CHANGED)
            version = change(pool, number)
            # Another writer may have been faster.
            with lock:
                committed[number] = max(committed[number], version)
            time.sleep(pause)

    def read(pool: Pool) -> None:
        count = 0
        while not over.is_set():
            number = random.randint(1, THINGS_CHANGED)
            least = committed[number]
            if count % 3:
                thing: Any = cache.read(THING, slug=f"thing-{number}")
            else:
                thing = cache.read(THINGS, limit_rows=THINGS_CHANGED)[number - 1]
            count += 1
            if thing.version < least:
                stale.append((thing.version, least))
        reads.append(count)

    lock = threading.Lock()
    with (
        open_pool(url, settings) as pool,
        open_cache(pool, settings) as cache,
        ThreadPoolExecutor(6) as threads,
    ):
        readers = [threads.submit(read, pool) for _ in range(4)]
        writers = [threads.submit(write, pool) for _ in range(2)]
        try:
            for writer in writers:
                writer.result()
        finally:
            over.set()
        for reader in readers:
            reader.result()
        assert cache.counts.hits > 0
    return sum(reads), len(stale)


def test_no_read_is_stale_after_a_committed_change(
    things_url: str, cached: Settings
) -> None:
    """004-06"""
    reads, stale = race(cached, things_url, trials=1500)

    assert stale == 0
    assert reads > 1000


def test_no_read_is_stale_while_redis_comes_and_goes(
    things_url: str,
    own_redis: EmbeddedRedis,
    short_leases: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(links, "PATIENCE", 0.02)
    settings = Settings(redis_url=SecretStr(own_redis.start()), redis_timeout=0.1)
    over = threading.Event()

    def disturb() -> None:
        while not over.is_set():
            if random.random() < 0.5:
                with Redis.from_url(own_redis.start()) as client:
                    client.flushall()
            else:
                own_redis.stop()
                time.sleep(random.random() / 10)
                own_redis.start()
            over.wait(1.5)

    with ThreadPoolExecutor(1) as threads:
        disturbance = threads.submit(disturb)
        try:
            reads, stale = race(settings, things_url, trials=500, pause=0.02)
        finally:
            over.set()
        disturbance.result()

    assert stale == 0
    assert reads > 100


async def test_no_task_reads_what_is_stale(things_url: str, cached: Settings) -> None:
    committed = [0] * (THINGS_CHANGED + 1)
    stale: list[tuple[int, int]] = []

    async with (
        open_async_pool(things_url, cached) as pool,
        open_async_cache(pool, cached) as cache,
    ):

        async def write() -> None:
            for _ in range(100):
                number = random.randint(1, THINGS_CHANGED)

                async def work(connection: Any, number: int = number) -> int:
                    await invalidate(connection, f"thing:{number}")
                    cursor = await connection.execute(CHANGE, [number])
                    return int((await cursor.fetchone())[0])

                version = await in_transaction_async(pool, work)
                committed[number] = max(committed[number], version)

        async def read(writers: asyncio.Future[Any]) -> None:
            while not writers.done():
                number = random.randint(1, THINGS_CHANGED)
                least = committed[number]
                thing = await cache.read(THING, slug=f"thing-{number}")
                assert isinstance(thing, ThingRow)
                if thing.version < least:
                    stale.append((thing.version, least))

        writers = asyncio.gather(*(write() for _ in range(3)))
        await asyncio.gather(writers, *(read(writers) for _ in range(8)))
        assert cache.counts.hits > 0

    assert stale == []
