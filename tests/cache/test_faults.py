"""Redis away, hung, flushed, back with what it had; writers that die half-way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from pydantic import SecretStr
from redis import Redis

from drystone.cache import Cache, invalidate, leases, open_async_cache, open_cache
from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.transactions import in_transaction_async
from drystone.embedded import EmbeddedRedis
from drystone.redis import links
from drystone.settings import Settings

from .conftest import THING, change
from .things import CHANGE


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "PATIENCE", 0.05)


def version(cache: Cache, thing_id: int = 1) -> int:
    thing = cache.read(THING, slug=f"thing-{thing_id}")
    assert thing is not None
    return thing.version


def warm(cache: Cache) -> None:
    """Read until a hit: after a fault it may take a lease's time."""
    deadline = time.monotonic() + 20
    hits = cache.counts.hits
    while cache.counts.hits == hits:
        assert time.monotonic() < deadline, cache.counts
        version(cache)
        time.sleep(0.01)


def kill(server: EmbeddedRedis, number: signal.Signals) -> None:
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, number)
    while number == signal.SIGKILL and server.status().running:
        time.sleep(0.005)


def test_without_redis_reads_and_writes_go_on(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    """004-06"""
    warm(own_cache)
    own_redis.stop()

    for number in range(1, 4):
        assert change(pool, 1) == number == version(own_cache)


def test_a_cache_may_be_opened_before_its_redis(
    pool: Pool, own_redis: EmbeddedRedis, short_leases: float
) -> None:
    url = own_redis.start()
    own_redis.stop()
    with open_cache(pool, Settings(redis_url=SecretStr(url))) as cache:
        assert version(cache) == 0
        own_redis.start()
        warm(cache)


def test_a_change_while_redis_is_away_is_seen_when_it_is_back(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    warm(own_cache)
    own_redis.stop()
    change(pool, 1)
    own_redis.start()

    for _ in range(50):
        assert version(own_cache) == 1
        time.sleep(0.01)
    warm(own_cache)
    assert version(own_cache) == 1


def test_a_killed_redis_that_comes_back_at_once_serves_nothing_stale(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    for number in range(1, 4):
        warm(own_cache)
        kill(own_redis, signal.SIGKILL)
        own_redis.start()
        assert change(pool, 1) == number == version(own_cache)


def test_a_redis_that_comes_back_with_older_data_serves_nothing_of_it(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    """As after a failover to a replica that lagged, or with snapshots only."""
    warm(own_cache)
    data = own_redis.status().data
    kept = data.with_name("kept")
    shutil.copytree(data, kept)
    assert change(pool, 1) == version(own_cache) == 1
    kill(own_redis, signal.SIGKILL)
    for file in kept.iterdir():
        if file.name != "redis.pid":
            (data / file.name).write_bytes(file.read_bytes())
    shutil.rmtree(kept)
    with Redis.from_url(own_redis.start()) as client:
        assert client.keys("*value:*"), "the old value is there"

    for _ in range(50):
        assert version(own_cache) == 1
        time.sleep(0.01)
    warm(own_cache)
    assert version(own_cache) == 1


def test_a_redis_that_hangs_makes_nothing_stale(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    warm(own_cache)
    kill(own_redis, signal.SIGSTOP)
    try:
        assert change(pool, 1) == version(own_cache) == 1
    finally:
        kill(own_redis, signal.SIGCONT)

    for _ in range(50):
        assert version(own_cache) == 1
        time.sleep(0.01)
    warm(own_cache)


def test_a_flushed_redis_is_filled_again(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    with Redis.from_url(own_redis.start()) as client:
        for number in range(1, 4):
            warm(own_cache)
            client.flushall()
            assert change(pool, 1) == number == version(own_cache)
    warm(own_cache)


def test_keys_that_are_evicted_make_nothing_stale(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    with Redis.from_url(own_redis.start()) as client:
        for pattern in ("*tag:*", "*lease", "*generation", "*value:*"):
            warm(own_cache)
            expected = change(pool, 1)
            for key in client.keys(pattern):
                client.delete(key)
            assert version(own_cache) == expected
            expected = change(pool, 1)
            assert version(own_cache) == expected


def test_a_redis_that_refuses_to_store_is_read_past(
    own_cache: Cache, own_redis: EmbeddedRedis, pool: Pool
) -> None:
    warm(own_cache)
    with Redis.from_url(own_redis.start()) as client:
        client.config_set("maxmemory", 1)
        assert change(pool, 1) == version(own_cache) == 1
        client.config_set("maxmemory", 0)
    warm(own_cache)


def test_a_login_that_is_refused_is_read_past_and_not_shown(
    own_redis: EmbeddedRedis, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    url = own_redis.start().replace("unix://", "unix://app:hunter2@")
    caplog.set_level("DEBUG")
    with open_cache(pool, Settings(redis_url=SecretStr(url))) as cache:
        assert version(cache) == 0
        assert change(pool, 1) == version(cache) == 1
    assert "hunter2" not in caplog.text
    assert "refuses the login" in caplog.text


# --- Writers --------------------------------------------------------------------------


def change_elsewhere(pool: Pool, thing_id: int) -> None:
    """Change a thing by a transaction that no cache is told of: as its writer died."""

    def work(connection: Connection[Any]) -> None:
        connection.execute(CHANGE.encode(), [thing_id])
        invalidate(connection, f"thing:{thing_id}")

    with pool.connection() as connection, connection.transaction():
        work(connection)


def test_a_writer_that_dies_after_its_commit_is_made_up_for_within_the_lease(
    own_cache: Cache, pool: Pool, short_leases: float
) -> None:
    warm(own_cache)
    change_elsewhere(pool, 1)
    time.sleep(short_leases)

    assert version(own_cache) == 1
    with pool.connection() as connection:
        noted = connection.execute("SELECT FROM core.cache_invalidations").fetchall()
    assert noted == []


KILLED = """
import os, sys
from drystone.cache import caches, invalidate, open_cache
from drystone.database.pool import open_pool
from drystone.database.transactions import in_transaction
from drystone.settings import Settings

settings = Settings(redis_url=sys.argv[2])
caches.Cache.tell = lambda self, tags: os.kill(os.getpid(), 9)
with open_pool(sys.argv[1], settings) as pool, open_cache(pool, settings):
    def work(connection):
        connection.execute(sys.argv[3].encode(), [1])
        invalidate(connection, "thing:1")
    in_transaction(pool, work)
"""


def test_a_writer_killed_between_commit_and_invalidation_is_made_up_for(
    own_cache: Cache,
    own_redis: EmbeddedRedis,
    things_url: str,
    short_leases: float,
) -> None:
    warm(own_cache)

    done = subprocess.run(
        [sys.executable, "-c", KILLED, things_url, own_redis.start(), CHANGE],
        check=False,
    )

    assert done.returncode == -signal.SIGKILL
    time.sleep(short_leases)
    version(own_cache)
    assert version(own_cache) == 1


def test_a_writer_that_cannot_reach_redis_waits_for_the_end_of_the_lease(
    own_cache: Cache, pool: Pool, things_url: str, settings: Settings
) -> None:
    """Readers reach Redis all the while."""
    warm(own_cache)
    nowhere = Settings(redis_url=SecretStr("unix:///nowhere/redis.sock"))
    with open_pool(things_url, settings) as other, open_cache(other, nowhere):
        change(other, 1)
        assert version(own_cache) == 1
        change(other, 1)
        assert version(own_cache) == 2


async def test_an_asynchronous_writer_waits_alike(
    own_cache: Cache, things_url: str, settings: Settings
) -> None:
    warm(own_cache)
    nowhere = Settings(redis_url=SecretStr("unix:///nowhere/redis.sock"))
    async with (
        open_async_pool(things_url, settings) as other,
        open_async_cache(other, nowhere) as cache,
    ):

        async def work(connection: Any) -> None:
            await connection.execute(CHANGE, [1])
            await invalidate(connection, "thing:1")

        await in_transaction_async(other, work)
        thing = await cache.read(THING, slug="thing-1")
        assert thing is not None
        assert thing.version == version(own_cache) == 1


def test_a_tag_from_sql_that_is_none_makes_everything_stale(
    own_cache: Cache, pool: Pool, short_leases: float
) -> None:
    warm(own_cache)
    with pool.connection() as connection:
        connection.execute(CHANGE.encode(), [1])
        connection.execute(
            "INSERT INTO core.cache_invalidations (tags) VALUES ('{\"\"}')"
        )
    time.sleep(short_leases)
    version(own_cache)

    assert version(own_cache) == 1


def test_more_changes_than_one_batch_are_caught_up_with(
    own_cache: Cache, pool: Pool, short_leases: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BATCH", 3)
    warm(own_cache)
    for _ in range(10):
        change_elsewhere(pool, 2)
    change_elsewhere(pool, 1)
    time.sleep(short_leases)
    version(own_cache)

    assert version(own_cache) == 1
    with pool.connection() as connection:
        noted = connection.execute("SELECT FROM core.cache_invalidations").fetchall()
    assert noted == []


# --- Two Redis ------------------------------------------------------------------------


@pytest.fixture
def second_cache(
    own_cache: Cache, things_url: str, settings: Settings, redis_url: str
) -> Iterator[Cache]:
    """A cache of the same database on another Redis: a mistake, or a split brain."""
    other = Settings(redis_url=SecretStr(redis_url))
    with open_pool(things_url, settings) as pool, open_cache(pool, other) as cache:
        yield cache


def test_one_redis_at_a_time_serves_values(
    own_cache: Cache, second_cache: Cache
) -> None:
    warm(own_cache)
    for _ in range(20):
        version(second_cache)
        version(own_cache)
        time.sleep(0.02)

    assert second_cache.counts.hits == 0
    assert own_cache.counts.hits > 10


def test_a_redis_that_takes_over_again_serves_nothing_of_its_former_term(
    own_cache: Cache, second_cache: Cache, pool: Pool, short_leases: float
) -> None:
    warm(own_cache)
    time.sleep(short_leases)
    warm(second_cache)
    change_elsewhere(pool, 1)
    time.sleep(short_leases)
    warm(second_cache)
    time.sleep(short_leases)

    warm(own_cache)

    assert version(own_cache) == 1
