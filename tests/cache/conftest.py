"""A cache of a small table, on a Redis that the tests share, or on one of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from pydantic import SecretStr
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from drystone.cache import Cache, CachedQuery, invalidate, leases, open_cache
from drystone.database.pool import Pool, open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction
from drystone.embedded import EmbeddedRedis
from drystone.settings import Settings
from drystone.testing import as_it_is, url_of_shared

from .things import CHANGE, CREATE, get_thing, list_things

THING = CachedQuery(
    get_thing,
    ttl=300,
    tags=["slug:{slug}"],
    tags_of=lambda thing: [f"thing:{thing.id}"],
)
THINGS = CachedQuery(list_things, ttl=300, tags=["things"])


cache_shared = factories.postgresql_noproc(
    dbname="cache_shared", depends_on="migrated_template", load=[as_it_is]
)


@pytest.fixture
def things_url(cache_shared: NoopExecutor, settings: Settings) -> str:
    """A migrated database with the table, as new: what readers see is committed."""
    url = url_of_shared(cache_shared)
    with connect(url, settings) as connection:
        connection.execute(CREATE.encode())
    return url


@pytest.fixture
def cached(redis_url: str) -> Settings:
    """Settings that name the tests' Redis."""
    return Settings(redis_url=SecretStr(redis_url))


@pytest.fixture
def pool(things_url: str, settings: Settings) -> Iterator[Pool]:
    with open_pool(things_url, settings) as opened:
        yield opened


@pytest.fixture
def cache(pool: Pool, cached: Settings) -> Iterator[Cache]:
    with open_cache(pool, cached) as opened:
        yield opened


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> float:
    """Leases that a test can wait for; returns when one is surely over, in seconds."""
    monkeypatch.setattr(leases, "LEASE", 0.5)
    monkeypatch.setattr(leases, "MARGIN", 0.2)
    return 0.7


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A Redis that the test may stop, kill and change."""
    server = EmbeddedRedis(tmp_path, parameters={"appendfsync": "no"})
    yield server
    server.reset()


@pytest.fixture
def own_cache(
    pool: Pool, own_redis: EmbeddedRedis, short_leases: float
) -> Iterator[Cache]:
    settings = Settings(redis_url=SecretStr(own_redis.start()), redis_timeout=0.2)
    with open_cache(pool, settings) as opened:
        yield opened


def change(pool: Pool, thing_id: int) -> int:
    """Change a thing, and say so; return its new version."""

    def work(connection: Connection[Any]) -> int:
        invalidate(connection, f"thing:{thing_id}", "things")
        row = connection.execute(CHANGE.encode(), [thing_id]).fetchone()
        assert row is not None
        return int(row[0])

    return in_transaction(pool, work)
