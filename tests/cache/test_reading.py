"""Reading through the cache: what is served, from where, and until when."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from redis import Redis

from drystone.cache import (
    Cache,
    CachedQuery,
    invalidate,
    open_async_cache,
    open_cache,
)
from drystone.cache import caches as caches_module
from drystone.cache import flows as flows_module
from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction, in_transaction_async
from drystone.errors import (
    BadInput,
    InvalidValue,
    PoolTimeout,
    ReadOnly,
    SerializationFailure,
)
from drystone.queries.runtime import Row, Statement
from drystone.settings import Settings

from .conftest import THING, THINGS, change
from .things import CHANGE, ThingRow, get_thing, list_things, touch_thing


def counts(cache: Cache) -> tuple[int, int, int, int]:
    found = cache.counts
    return (found.hits, found.fills, found.waits, found.bypasses)


def change_silently(pool: Pool, thing_id: int) -> None:
    """Change a thing and tell nobody: a hit can be told from a query by that."""
    with pool.connection() as connection:
        connection.execute(CHANGE.encode(), [thing_id])


def test_a_result_is_asked_once_and_comes_back_exactly(
    cache: Cache, pool: Pool
) -> None:
    """004-06"""
    first = cache.read(THING, slug="thing-1")
    change_silently(pool, 1)
    second = cache.read(THING, slug="thing-1")

    assert first == second
    assert first is not None
    assert second is not None
    assert type(second) is type(first)
    assert second.changed_at.tzinfo is first.changed_at.tzinfo
    assert repr(second.price) == repr(first.price) == "Decimal('1.10')"
    assert counts(cache) == (1, 1, 0, 0)


def test_a_hit_takes_no_connection(things_url: str, cached: Settings) -> None:
    lone = Settings(pool_max_size=1, pool_timeout=0.1)
    with open_pool(things_url, lone) as pool, open_cache(pool, cached) as cache:
        first = cache.read(THING, slug="thing-1")
        with pool.connection():
            assert cache.read(THING, slug="thing-1") == first
            with pytest.raises(PoolTimeout):
                cache.read(THING, slug="thing-2")


def test_a_hit_does_not_wait_for_a_connection_to_extend_the_lease(
    things_url: str,
    cached: Settings,
    short_leases: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flows_module, "_LENT", 0.01)
    lone = Settings(pool_max_size=1)
    with open_pool(things_url, lone) as pool, open_cache(pool, cached) as cache:
        first = cache.read(THING, slug="thing-1")
        assert cache.read(THING, slug="thing-1") == first
        with pool.connection():
            time.sleep(0.35)
            assert cache.read(THING, slug="thing-1") == first
    assert cache.counts.hits == 2


def test_results_are_told_apart_by_query_and_parameters(cache: Cache) -> None:
    one, two = (cache.read(THING, slug=f"thing-{number}") for number in (1, 2))
    few, more = (cache.read(THINGS, limit_rows=number) for number in (2, 3))

    assert one is not None
    assert two is not None
    assert (one.id, two.id, len(few), len(more)) == (1, 2, 2, 3)
    assert counts(cache) == (0, 4, 0, 0)


def test_that_there_is_nothing_is_a_result(cache: Cache, pool: Pool) -> None:
    assert cache.read(THING, slug="later") is None
    assert cache.read(THING, slug="later") is None
    assert counts(cache) == (1, 1, 0, 0)

    def create(connection: Connection[Any]) -> None:
        connection.execute("INSERT INTO public.things (id, slug) VALUES (99, 'later')")
        invalidate(connection, "slug:later")

    in_transaction(pool, create)

    assert cache.read(THING, slug="later") is not None


def test_a_result_lives_no_longer_than_its_ttl(cache: Cache, pool: Pool) -> None:
    brief = CachedQuery(get_thing, ttl=0.05, tags=["slug:{slug}"])
    before = cache.read(brief, slug="thing-1")
    change_silently(pool, 1)
    time.sleep(0.1)

    after = cache.read(brief, slug="thing-1")

    assert before is not None
    assert after is not None
    assert after.version == before.version + 1


# --- Invalidation ---------------------------------------------------------------------


def test_a_committed_change_is_seen_by_the_next_read(cache: Cache, pool: Pool) -> None:
    cache.read(THING, slug="thing-1")
    cache.read(THINGS, limit_rows=5)
    other = cache.read(THING, slug="thing-2")
    change_silently(pool, 2)

    version = change(pool, 1)

    one = cache.read(THING, slug="thing-1")
    assert one is not None
    assert one.version == version == cache.read(THINGS, limit_rows=5)[0].version
    assert cache.read(THING, slug="thing-2") == other


def test_a_change_that_is_rolled_back_makes_nothing_stale(
    cache: Cache, pool: Pool
) -> None:
    before = cache.read(THING, slug="thing-1")
    change_silently(pool, 1)

    def work(connection: Connection[Any]) -> None:
        invalidate(connection, "thing:1")
        connection.execute("SELECT 1 / 0")

    with pytest.raises(InvalidValue):
        in_transaction(pool, work)

    assert cache.read(THING, slug="thing-1") == before
    with pool.connection() as connection:
        noted = connection.execute("SELECT FROM core.cache_invalidations").fetchall()
    assert noted == []


def test_only_the_attempt_that_was_committed_makes_anything_stale(
    cache: Cache, pool: Pool
) -> None:
    one, two = (cache.read(THING, slug=f"thing-{number}") for number in (1, 2))
    change_silently(pool, 1)
    change_silently(pool, 2)
    attempts = iter(["thing:1", "thing:2"])

    def work(connection: Connection[Any]) -> None:
        tag = next(attempts)
        invalidate(connection, tag)
        if tag == "thing:1":
            raise SerializationFailure("lost")

    in_transaction(pool, work)

    assert cache.read(THING, slug="thing-1") == one
    assert cache.read(THING, slug="thing-2") != two


def test_nothing_is_stale_before_the_commit(cache: Cache, pool: Pool) -> None:
    before = cache.read(THING, slug="thing-1")

    def work(connection: Connection[Any]) -> None:
        connection.execute(CHANGE.encode(), [1])
        invalidate(connection, "thing:1")
        assert cache.read(THING, slug="thing-1") == before

    in_transaction(pool, work)

    assert cache.read(THING, slug="thing-1") != before


def test_clear_makes_everything_stale(cache: Cache, pool: Pool) -> None:
    one, two = (cache.read(THING, slug=f"thing-{number}") for number in (1, 2))
    change_silently(pool, 1)
    change_silently(pool, 2)

    cache.clear()

    assert cache.read(THING, slug="thing-1") != one
    assert cache.read(THING, slug="thing-2") != two


def test_tags_may_hold_whatever_a_parameter_holds(cache: Cache, pool: Pool) -> None:
    search = CachedQuery(get_thing, ttl=300, tags=["search:{slug}"])
    odd = "two words\t\n\0 ü {x} %41 '\\"[:30].replace("\0", "")
    assert cache.read(search, slug=odd) is None
    with pool.connection() as connection:
        connection.execute("UPDATE public.things SET slug = %s WHERE id = 1", [odd])
    assert cache.read(search, slug=odd) is None

    cache.invalidate(f"search:{odd}")

    assert cache.read(search, slug=odd) is not None


def test_a_tag_of_the_result_counts_from_before_the_query(
    cache: Cache, pool: Pool
) -> None:
    """The thing changes after the query has run, before its id is known."""
    changed = threading.Event()

    def changing(thing: Any) -> list[str]:
        if not changed.is_set():
            changed.set()
            change(pool, thing.id)
        return [f"thing:{thing.id}"]

    query = CachedQuery(get_thing, ttl=300, tags_of=changing)
    cache.read(query, slug="thing-1")

    seen = cache.read(query, slug="thing-1")

    assert seen is not None
    assert seen.version == 1


# --- What is not stored ---------------------------------------------------------------


def test_another_shape_of_the_result_is_another_result(
    cache: Cache, pool: Pool
) -> None:
    """A deployment with another query or another row never reads what was stored."""

    class WiderRow(Row):
        id: int
        slug: str

    class NarrowRow(Row):
        id: int

    def function(row: type[Row], text: str) -> Any:
        statement = Statement(
            "things.get_thing", text, parameters=(("slug", "text"),), row=row
        )

        def get(connection: Connection[Any], *, slug: str) -> Any:
            return statement.one(connection, (slug,))

        get.__annotations__["return"] = row
        return CachedQuery(get, ttl=300, tags=["x"])

    wide = "SELECT id, slug FROM public.things WHERE slug = $1"
    for query in (
        function(WiderRow, wide),
        function(NarrowRow, "SELECT id FROM public.things WHERE slug = $1"),
        function(WiderRow, f"{wide} -- again"),
    ):
        assert cache.read(query, slug="thing-1").id == 1
    assert counts(cache) == (0, 3, 0, 0)


def test_a_result_that_is_too_large_is_asked_for_every_time(
    pool: Pool, cached: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with open_cache(pool, cached, largest=100) as cache:
        with caplog.at_level(logging.WARNING):
            assert len(cache.read(THINGS, limit_rows=20)) == 20
        assert "bytes" in caplog.text
        change_silently(pool, 1)
        assert cache.read(THINGS, limit_rows=20)[0].version == 1
        assert cache.counts.hits == 0


def test_a_query_that_writes_is_refused(cache: Cache, pool: Pool) -> None:
    query = CachedQuery(touch_thing, ttl=300, tags=["things"])

    with pytest.raises(ReadOnly):
        cache.read(query, thing_id=1)

    with pool.connection() as connection:  # and connections can be written with after
        assert touch_thing(connection, thing_id=1) == 1


def test_what_a_replica_says_is_not_stored(
    cache: Cache, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches_module, "_is_primary", lambda connection: False)

    cache.read(THING, slug="thing-1")
    change_silently(pool, 1)

    seen = cache.read(THING, slug="thing-1")
    assert seen is not None
    assert seen.version == 1
    assert cache.counts.hits == 0


def test_an_error_of_the_query_is_the_readers_and_is_not_stored(
    cache: Cache, redis_url: str
) -> None:
    with pytest.raises(InvalidValue):
        cache.read(THINGS, limit_rows=-1)

    with Redis.from_url(redis_url) as client:
        assert client.keys("*tag:things")
        assert client.keys("*value:*") == client.keys("*lock:*") == []


def test_bytes_that_are_no_value_are_asked_for_again(
    cache: Cache, pool: Pool, redis_url: str
) -> None:
    cache.read(THING, slug="thing-1")
    change_silently(pool, 1)
    with Redis.from_url(redis_url) as client:
        (key,) = client.keys("*value:*")
        header = client.get(key).split(b"\n")[0]
        for garbage in (b"V\xc1", b"V\x90", b"V", b"", b"\n", b"Vabc"):
            client.set(key, header + b"\n" + garbage)
            seen = cache.read(THING, slug="thing-1")
            assert seen is not None
            assert seen.version == 1
        client.set(key, b"no value at all")
        seen = cache.read(THING, slug="thing-1")
        assert seen is not None
        assert seen.version == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ttl": 0, "tags": ["x"]}, "for 0 seconds"),
        ({"ttl": 10**7, "tags": ["x"]}, "seconds"),
        ({"ttl": 5}, "needs a tag"),
        ({"ttl": 5, "tags": "x"}, "a list of tags"),
    ],
)
def test_a_query_that_cannot_be_cached_so_is_refused_at_once(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        CachedQuery(get_thing, **arguments)


def test_a_tag_needs_its_parameter(cache: Cache) -> None:
    query = CachedQuery(get_thing, ttl=5, tags=["thing:{id}"])

    with pytest.raises(BadInput, match=r"not given by name: id"):
        cache.read(query, slug="thing-1")
    with pytest.raises(BadInput, match="characters"):
        cache.invalidate("x" * 401)


# --- Many readers ---------------------------------------------------------------------


def test_fifty_readers_at_once_cost_one_query(cache: Cache, pool: Pool) -> None:
    cache.read(THINGS, limit_rows=1)
    queries: list[int] = []

    def slowly(connection: Connection[Any], *, limit_rows: int) -> list[ThingRow]:
        result = list_things(connection, limit_rows=limit_rows)
        queries.append(limit_rows)
        time.sleep(0.1)
        return result

    slow = CachedQuery(slowly, ttl=300, tags=["things"])
    start = threading.Barrier(50)

    def read(_: int) -> int:
        start.wait()
        return len(cache.read(slow, limit_rows=7))

    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(read, range(50))) == {7}
    assert queries == [7]


async def test_fifty_tasks_at_once_cost_one_query(
    things_url: str, cached: Settings, settings: Settings
) -> None:
    async with (
        open_async_pool(things_url, settings) as pool,
        open_async_cache(pool, cached) as cache,
    ):
        results = await asyncio.gather(
            *(cache.read(THING, slug="thing-1") for _ in range(50))
        )
        assert len({repr(result) for result in results}) == 1
        assert cache.counts.fills == 1
        assert cache.counts.bypasses == 0


def test_a_reader_waits_no_longer_than_its_patience(
    pool: Pool, cached: Settings, redis_url: str
) -> None:
    with open_cache(pool, cached, patience=0.05) as cache:
        cache.read(THING, slug="thing-1")
        with Redis.from_url(redis_url) as client:
            (key,) = client.keys("*value:*")
            client.delete(key)
            client.set(key.replace(b":value:", b":lock:"), "somebody else's")
            assert cache.read(THING, slug="thing-1") is not None
        assert cache.counts.bypasses == 1


# --- asyncio --------------------------------------------------------------------------


async def test_asyncio_reads_and_invalidates_alike(
    things_url: str, cached: Settings, settings: Settings
) -> None:
    async with (
        open_async_pool(things_url, settings) as pool,
        open_async_cache(pool, cached) as cache,
    ):
        before = await cache.read(THING, slug="thing-1")
        assert await cache.read(THING, slug="thing-1") == before
        assert cache.counts.hits == 1

        async def work(connection: Any) -> None:
            await connection.execute(CHANGE, [1])
            await invalidate(connection, "thing:1")

        await in_transaction_async(pool, work)

        after = await cache.read(THING, slug="thing-1")
        assert before is not None
        assert after is not None
        assert after.version == before.version + 1
        await cache.clear()
        assert await cache.read(THING, slug="thing-1") == after
        assert cache.counts.hits == 1


async def test_threads_and_asyncio_share_what_is_cached(
    cache: Cache, pool: Pool, things_url: str, cached: Settings, settings: Settings
) -> None:
    before = await asyncio.to_thread(cache.read, THING, slug="thing-1")
    change_silently(pool, 1)
    async with (
        open_async_pool(things_url, settings) as async_pool,
        open_async_cache(async_pool, cached) as async_cache,
    ):
        assert await async_cache.read(THING, slug="thing-1") == before


def test_a_service_needs_no_more_than_the_grants_that_are_documented(
    things_url: str, cached: Settings
) -> None:
    grants = """
        DROP ROLE IF EXISTS cache_service;
        CREATE ROLE cache_service LOGIN;
        GRANT USAGE ON SCHEMA core TO cache_service;
        GRANT SELECT, INSERT, UPDATE ON core.cache_lease TO cache_service;
        GRANT SELECT, INSERT, DELETE ON core.cache_invalidations TO cache_service;
        GRANT SELECT, UPDATE ON public.things TO cache_service;
    """
    with connect(things_url, cached) as connection:
        connection.execute(grants.encode())
    try:
        service = make_conninfo(things_url, user="cache_service")
        with open_pool(service, cached) as pool, open_cache(pool, cached) as cache:
            cache.read(THING, slug="thing-1")
            cache.read(THING, slug="thing-1")
            assert change(pool, 1) == 1
            seen = cache.read(THING, slug="thing-1")
            assert seen is not None
            assert (seen.version, cache.counts.hits) == (1, 1)
    finally:
        with connect(things_url, cached) as connection:
            connection.execute("DROP OWNED BY cache_service")
            connection.execute("DROP ROLE cache_service")
