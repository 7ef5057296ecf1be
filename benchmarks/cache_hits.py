"""A page from the cache beside the same page from the database; and that none is stale.

The page is that of a product with its stock, its rating and twelve variants, three
colours of four sizes. What it costs without a cache is what a service pays: a
connection of the pool, and the query.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from benchmarks.timing import milliseconds, percentile
from drystone.cache import (
    Cache,
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
from drystone.systems.shop.catalogue import get_product
from drystone.systems.shop.pages import PRODUCT

_CALLS = 2000
_TRIALS = 10_000
_READERS = 4
_WRITERS = 2
_LARGEST_SHARE = 1 / 5

_PAGES = b"SELECT slug FROM shop.products WHERE is_active ORDER BY slug"
_VARIANTS = b"""
INSERT INTO shop.product_variants (product_id, name, sku, price, attributes)
SELECT
    product.id,
    colour || ', ' || size,
    concat_ws('-', product.sku, colour, size),
    product.price,
    jsonb_build_object('colour', colour, 'size', size)
FROM shop.products AS product
CROSS JOIN unnest(ARRAY['black', 'blue', 'red']) AS colour
CROSS JOIN unnest(ARRAY['S', 'M', 'L', 'XL']) AS size
"""
_SHELVES = b"""
INSERT INTO shop.inventory (product_id, variant_id)
SELECT variant.product_id, variant.id
FROM shop.product_variants AS variant
ON CONFLICT DO NOTHING
"""
# A text that can be counted in.
_COUNT = b"""
UPDATE shop.products
SET short_description = short_description::integer + 1
WHERE slug = %s
RETURNING id, short_description
"""
_BEGIN = b"UPDATE shop.products SET short_description = '1'"


def run(connection: Connection[Any]) -> None:
    """Print what a page costs with and without the cache, and count stale reads."""
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=["shop"]):
        seeding.load(connection, seed)
    connection.execute(_VARIANTS)
    connection.execute(_SHELVES)
    connection.execute("VACUUM ANALYZE shop.product_variants, shop.inventory")
    slugs = [row[0] for row in connection.execute(_PAGES)]
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    redis = EmbeddedRedis(Path(__file__).parents[1] / ".drystone" / "bench")
    try:
        settings = Settings(redis_url=SecretStr(redis.start()))
        with open_pool(conninfo, settings) as pool, open_cache(pool, settings) as cache:
            _costs(pool, cache, slugs)
            asyncio.run(_async_costs(conninfo, settings, slugs))
            _stale_reads(connection, pool, cache, slugs)
    finally:
        redis.reset()


def _costs(pool: Pool, cache: Cache, slugs: list[str]) -> None:
    def ask(slug: str) -> None:
        with pool.connection() as connection:
            get_product(connection, slug=slug)

    def read(slug: str) -> None:
        cache.read(PRODUCT, slug=slug)

    with pool.connection() as connection:

        def query(slug: str) -> None:
            get_product(connection, slug=slug)

        _show("threads", [("query alone", query), ("pool, query", ask)], read, slugs)


def _show(
    world: str,
    uncached: list[tuple[str, Callable[[Any], Any]]],
    read: Callable[[Any], Any],
    slugs: list[str],
) -> None:
    chance = random.Random(1)
    rows = []
    taken: dict[str, float] = {}
    for name, call in [*uncached, ("cache, hit", read)]:
        asked = [chance.choice(slugs) for _ in range(_CALLS)]
        for each in slugs:
            call(each)
        found = milliseconds(call, asked)
        taken[name] = percentile(found, 50)
        rows.append((name, f"{taken[name]:.3f}", f"{percentile(found, 95):.3f}"))
    table((world, "p50 ms", "p95 ms"), rows)
    share = taken["cache, hit"] / taken["pool, query"]
    line(f"a hit costs {share:.2f} of the page; {_LARGEST_SHARE:.2f} is the most")


async def _async_costs(conninfo: str, settings: Settings, slugs: list[str]) -> None:
    chance = random.Random(1)
    async with (
        open_async_pool(conninfo, settings) as pool,
        open_async_cache(pool, settings) as cache,
    ):

        async def ask(slug: str) -> None:
            async with pool.connection() as connection:
                await get_product(connection, slug=slug)

        async def read(slug: str) -> None:
            await cache.read(PRODUCT, slug=slug)

        rows = []
        for name, call in (("pool, query", ask), ("cache, hit", read)):
            for each in slugs:
                await call(each)
            found = []
            for _ in range(_CALLS):
                begin = time.perf_counter()
                await call(chance.choice(slugs))
                found.append((time.perf_counter() - begin) * 1000)
            cells = (f"{percentile(found, percent):.3f}" for percent in (50, 95))
            rows.append((name, *cells))
        table(("asyncio", "p50 ms", "p95 ms"), rows)


def _stale_reads(
    connection: Connection[Any], pool: Pool, cache: Cache, slugs: list[str]
) -> None:
    """Change products while others read them; count reads of what was before."""
    connection.execute(_BEGIN)
    cache.clear()
    committed = dict.fromkeys(slugs, 1)
    lock = threading.Lock()
    over = threading.Event()
    trials = iter(range(_TRIALS))
    reads, stale = [0] * _READERS, [0] * _READERS

    def write() -> None:
        for _ in trials:
            slug = random.choice(slugs)

            def work(connection: Connection[Any], slug: str = slug) -> int:
                row = connection.execute(_COUNT, [slug]).fetchone()
                assert row is not None
                invalidate(connection, f"product:{row[0]}")
                return int(row[1])

            number = in_transaction(pool, work)
            with lock:
                committed[slug] = max(committed[slug], number)

    def read(reader: int) -> None:
        while not over.is_set():
            slug = random.choice(slugs)
            least = committed[slug]
            page = cache.read(PRODUCT, slug=slug)
            assert page is not None
            assert page.short_description is not None
            reads[reader] += 1
            stale[reader] += int(page.short_description) < least

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
