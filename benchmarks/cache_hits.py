"""A page from the cache beside the same page from the database; and that none is stale.

The page is that of a business idea with all that belongs to it. What it costs without a
cache is what a service pays: a connection of the pool, and the query.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from psycopg import Connection
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from benchmarks.timing import milliseconds, percentile
from drystone.cache import (
    SHORT,
    Cache,
    CachedQuery,
    invalidate,
    open_async_cache,
    open_cache,
)
from drystone.cli.output import line, table
from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.transactions import in_transaction
from drystone.embedded import EmbeddedRedis
from drystone.settings import Settings
from drystone.systems import seeding, shipped
from drystone.systems.ideas.business_ideas import get_idea_complete

_CALLS = 2000
_TRIALS = 10_000
_READERS = 4
_WRITERS = 2
_IDEAS = 5
_LARGEST_SHARE = 1 / 5

_PAGE: Final = CachedQuery(get_idea_complete, ttl=SHORT, tags=["idea:{idea_id}"])

_IDS = b"SELECT id FROM ideas.business_ideas WHERE deleted_at IS NULL ORDER BY id"
# A title that can be counted in.
_RETITLE = b"""
UPDATE ideas.business_ideas
SET title = lpad((ltrim(title, '0')::integer + 1)::text, 5, '0')
WHERE id = %s
RETURNING title
"""
_BEGIN = b"UPDATE ideas.business_ideas SET title = '00001' WHERE id = ANY (%s)"


def run(connection: Connection[Any]) -> None:
    """Print what a page costs with and without the cache, and count stale reads."""
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=["ideas"]):
        seeding.load(connection, seed)
    ids = [row[0] for row in connection.execute(_IDS)]
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    redis = EmbeddedRedis(Path(__file__).parents[1] / ".drystone" / "bench")
    try:
        settings = Settings(redis_url=SecretStr(redis.start()))
        with open_pool(conninfo, settings) as pool, open_cache(pool, settings) as cache:
            _costs(pool, cache, ids)
            asyncio.run(_async_costs(conninfo, settings, ids))
            _stale_reads(connection, pool, cache, ids[:_IDEAS])
    finally:
        redis.reset()


def _costs(pool: Pool, cache: Cache, ids: list[Any]) -> None:
    def ask(idea_id: Any) -> None:
        with pool.connection() as connection:
            get_idea_complete(connection, idea_id=idea_id)

    def read(idea_id: Any) -> None:
        cache.read(_PAGE, idea_id=idea_id)

    with pool.connection() as connection:

        def query(idea_id: Any) -> None:
            get_idea_complete(connection, idea_id=idea_id)

        _show("threads", [("query alone", query), ("pool, query", ask)], read, ids)


def _show(
    world: str,
    uncached: list[tuple[str, Callable[[Any], Any]]],
    read: Callable[[Any], Any],
    ids: list[Any],
) -> None:
    chance = random.Random(1)
    rows = []
    taken: dict[str, float] = {}
    for name, call in [*uncached, ("cache, hit", read)]:
        asked = [chance.choice(ids) for _ in range(_CALLS)]
        for each in ids:
            call(each)
        found = milliseconds(call, asked)
        taken[name] = percentile(found, 50)
        rows.append((name, f"{taken[name]:.3f}", f"{percentile(found, 95):.3f}"))
    table((world, "p50 ms", "p95 ms"), rows)
    share = taken["cache, hit"] / taken["pool, query"]
    line(f"a hit costs {share:.2f} of the page; {_LARGEST_SHARE:.2f} is the most")


async def _async_costs(conninfo: str, settings: Settings, ids: list[Any]) -> None:
    chance = random.Random(1)
    async with (
        open_async_pool(conninfo, settings) as pool,
        open_async_cache(pool, settings) as cache,
    ):

        async def ask(idea_id: Any) -> None:
            async with pool.connection() as connection:
                await get_idea_complete(connection, idea_id=idea_id)

        async def read(idea_id: Any) -> None:
            await cache.read(_PAGE, idea_id=idea_id)

        rows = []
        for name, call in (("pool, query", ask), ("cache, hit", read)):
            for each in ids:
                await call(each)
            found = []
            for _ in range(_CALLS):
                begin = time.perf_counter()
                await call(chance.choice(ids))
                found.append((time.perf_counter() - begin) * 1000)
            cells = (f"{percentile(found, percent):.3f}" for percent in (50, 95))
            rows.append((name, *cells))
        table(("asyncio", "p50 ms", "p95 ms"), rows)


def _stale_reads(
    connection: Connection[Any], pool: Pool, cache: Cache, ids: list[Any]
) -> None:
    """Change ideas while others read them; count reads of what was before a change."""
    connection.execute(_BEGIN, [ids])
    cache.clear()
    committed = dict.fromkeys(ids, 1)
    lock = threading.Lock()
    over = threading.Event()
    trials = iter(range(_TRIALS))
    reads, stale = [0] * _READERS, [0] * _READERS

    def write() -> None:
        for _ in trials:
            idea = random.choice(ids)

            def work(connection: Connection[Any], idea: Any = idea) -> int:
                invalidate(connection, f"idea:{idea}")
                row = connection.execute(_RETITLE, [idea]).fetchone()
                assert row is not None
                return int(row[0])

            number = in_transaction(pool, work)
            with lock:
                committed[idea] = max(committed[idea], number)

    def read(reader: int) -> None:
        while not over.is_set():
            idea = random.choice(ids)
            least = committed[idea]
            page = cache.read(_PAGE, idea_id=idea)
            assert page is not None
            reads[reader] += 1
            stale[reader] += int(page.title) < least

    began = time.perf_counter()
    hits = cache.counts.hits
    with ThreadPoolExecutor(_READERS + _WRITERS) as threads:
        readers = [threads.submit(read, number) for number in range(_READERS)]
        for writer in [threads.submit(write) for _ in range(_WRITERS)]:
            writer.result()
        over.set()
        for each in readers:
            each.result()
    share = (cache.counts.hits - hits) / sum(reads)
    line(
        f"{_TRIALS:,} changes, {sum(reads):,} reads meanwhile ({share:.0%} hits) in"
        f" {time.perf_counter() - began:.0f} s: {sum(stale)} stale"
    )
