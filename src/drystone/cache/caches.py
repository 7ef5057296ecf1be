"""The cache of one database, for threads and for asyncio."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar, overload
from weakref import WeakKeyDictionary, WeakSet

from psycopg import AsyncConnection, Connection

from drystone.cache import leases
from drystone.cache.flows import Counts, Flows
from drystone.cache.queries import EVERYTHING, CachedQuery, written_tag
from drystone.cache.steps import (
    Ask,
    Change,
    Fetched,
    Rows,
    Sleep,
    Step,
    run,
    run_async,
)
from drystone.cache.words import Vocabulary
from drystone.database.pool import AsyncPool, Pool
from drystone.database.sqlstates import translated
from drystone.database.transactions import (
    after_commit,
    in_transaction,
    in_transaction_async,
)
from drystone.redis.links import AsyncLink, Link, open_async_link, open_link
from drystone.redis.target import locate_redis
from drystone.settings import Settings

P = ParamSpec("P")
Result = TypeVar("Result")

LARGEST = 1_000_000
PATIENCE = 1.0

_IN_RECOVERY = b"in_hot_standby"

# The open caches by their pools: whoever commits by a pool tells them.
_open: WeakKeyDictionary[Pool | AsyncPool, WeakSet[Any]] = WeakKeyDictionary()


class Cache:
    """Results of queries in Redis, for threads; made by :func:`open_cache`.

    Where Redis is away, or slow, the database is asked: no method raises
    RedisUnavailable.
    """

    def __init__(self, pool: Pool, link: Link, flows: Flows) -> None:
        self._pool = pool
        self._link = link
        self._flows = flows
        _open.setdefault(pool, WeakSet()).add(self)

    @property
    def counts(self) -> Counts:
        """What became of the reads."""
        return self._flows.counts

    def read(
        self, query: CachedQuery[P, Result], *values: P.args, **parameters: P.kwargs
    ) -> Result:
        """Return a query's result, from Redis or the database.

        A hit takes no connection from the pool. Inside of a transaction that has
        changed something, call the function itself: what is not committed is not here.
        """
        call = query.call(values, parameters)

        def fetch() -> Fetched:
            with self._pool.connection() as connection:
                connection.read_only = True  # until the pool resets it
                result = query.function(connection, *values, **parameters)
                return Fetched(result, _is_primary(connection))

        result: Result = run(
            self._flows.read(query, call), lambda step: self._do(step, fetch)
        )
        return result

    def invalidate(self, *tags: str) -> None:
        """Make what has one of the tags stale, by a transaction of its own."""
        in_transaction(self._pool, lambda connection: invalidate(connection, *tags))

    def clear(self) -> None:
        """Make everything stale, as after a change that nobody invalidated for."""
        self.invalidate(EVERYTHING)

    def tell(self, tags: set[str]) -> None:
        """Make tags stale that a committed transaction has noted."""
        written = {written_tag(tag) for tag in tags}
        run(self._flows.invalidate(written), self._do)

    def _do(self, step: Step, fetch: Callable[[], Fetched] | None = None) -> Any:
        if isinstance(step, Ask):
            return self._link.ask(*step.commands)
        if isinstance(step, Sleep):
            return time.sleep(step.seconds)
        if isinstance(step, Rows | Change):
            with translated(), self._pool.connection() as connection:
                if isinstance(step, Rows):
                    return step.statement.rows(connection, step.values)
                return step.statement.count(connection, step.values)
        assert fetch is not None, "only a read fetches"  # noqa: S101
        return fetch()


class AsyncCache:
    """The same for asyncio; made by :func:`open_async_cache`."""

    def __init__(self, pool: AsyncPool, link: AsyncLink, flows: Flows) -> None:
        self._pool = pool
        self._link = link
        self._flows = flows
        _open.setdefault(pool, WeakSet()).add(self)

    @property
    def counts(self) -> Counts:
        """What became of the reads."""
        return self._flows.counts

    async def read(
        self, query: CachedQuery[P, Result], *values: P.args, **parameters: P.kwargs
    ) -> Result:
        """Do what :meth:`Cache.read` does."""
        call = query.call(values, parameters)
        function: Callable[..., Awaitable[Any]] = query.function  # type: ignore[assignment]

        async def fetch() -> Fetched:
            async with self._pool.connection() as connection:
                await connection.set_read_only(True)
                result = await function(connection, *values, **parameters)
                return Fetched(result, _is_primary(connection))

        result: Result = await run_async(
            self._flows.read(query, call), lambda step: self._do(step, fetch)
        )
        return result

    async def invalidate(self, *tags: str) -> None:
        """Make what has one of the tags stale, by a transaction of its own."""
        await in_transaction_async(
            self._pool, lambda connection: invalidate(connection, *tags)
        )

    async def clear(self) -> None:
        """Make everything stale, as after a change that nobody invalidated for."""
        await self.invalidate(EVERYTHING)

    async def tell(self, tags: set[str]) -> None:
        """Make tags stale that a committed transaction has noted."""
        written = {written_tag(tag) for tag in tags}
        await run_async(self._flows.invalidate(written), self._do)

    async def _do(
        self, step: Step, fetch: Callable[[], Awaitable[Fetched]] | None = None
    ) -> Any:
        if isinstance(step, Ask):
            return await self._link.ask(*step.commands)
        if isinstance(step, Sleep):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, Rows | Change):
            with translated():
                async with self._pool.connection() as connection:
                    if isinstance(step, Rows):
                        return await step.statement.rows(connection, step.values)
                    return await step.statement.count(connection, step.values)
        assert fetch is not None, "only a read fetches"  # noqa: S101
        return await fetch()


@contextmanager
def open_cache(
    pool: Pool,
    settings: Settings,
    *,
    largest: int = LARGEST,
    patience: float = PATIENCE,
) -> Iterator[Cache]:
    """Open the cache of a pool's database for a block.

    From then on what :func:`invalidate` notes in transactions of this pool is stale as
    soon as they are committed. ``largest`` is the most bytes of one value, ``patience``
    how many seconds a reader waits for another one that runs the same query. Raises
    what the database raises; without Redis the cache is open, and of no use.
    """
    with pool.connection() as connection:
        flows = _flows(leases.IDENTIFY.one(connection), largest, patience)
    url, timeout = locate_redis(settings).url, settings.redis_timeout
    with open_link(url, timeout=timeout) as link:
        cache = Cache(pool, link, flows)
        try:
            yield cache
        finally:
            _open[pool].discard(cache)


@asynccontextmanager
async def open_async_cache(
    pool: AsyncPool,
    settings: Settings,
    *,
    largest: int = LARGEST,
    patience: float = PATIENCE,
) -> AsyncIterator[AsyncCache]:
    """Do for asyncio what :func:`open_cache` does."""
    async with pool.connection() as connection:
        flows = _flows(await leases.IDENTIFY.one(connection), largest, patience)
    target = await asyncio.to_thread(locate_redis, settings)
    async with open_async_link(target.url, timeout=settings.redis_timeout) as link:
        cache = AsyncCache(pool, link, flows)
        try:
            yield cache
        finally:
            _open[pool].discard(cache)


@overload
def invalidate(connection: Connection[Any], *tags: str) -> None: ...
@overload
def invalidate(connection: AsyncConnection[Any], *tags: str) -> Awaitable[None]: ...
def invalidate(
    connection: Connection[Any] | AsyncConnection[Any], *tags: str
) -> Awaitable[None] | None:
    """Make what has one of the tags stale when the transaction is committed.

    At once, if ``in_transaction`` runs it with the pool of an open cache; else within
    the lease's seconds. A transaction that is rolled back makes nothing stale.
    """
    for tag in tags:
        written_tag(tag)
    if isinstance(connection, AsyncConnection):
        return _invalidate_async(connection, tags)
    if tags:
        leases.NOTE.count(connection, [list(tags)])
        after_commit(connection, _tell, tags)
    return None


async def _invalidate_async(
    connection: AsyncConnection[Any], tags: tuple[str, ...]
) -> None:
    if tags:
        await leases.NOTE.count(connection, [list(tags)])
        after_commit(connection, _tell_async, tags)


def _tell(pool: Pool, tags: set[str]) -> None:
    for cache in tuple(_open.get(pool, ())):
        cache.tell(tags)


async def _tell_async(pool: AsyncPool, tags: set[str]) -> None:
    for cache in tuple(_open.get(pool, ())):
        await cache.tell(tags)


def _flows(database: str, largest: int, patience: float) -> Flows:
    digest = hashlib.blake2b(database.encode(), digest_size=6).hexdigest()
    words = Vocabulary(f"drystone:{digest}:cache:")
    return Flows(words, largest=largest, patience=patience)


def _is_primary(connection: Connection[Any] | AsyncConnection[Any]) -> bool:
    """Tell whether the server is the one that is written to, as it reports itself."""
    return connection.pgconn.parameter_status(_IN_RECOVERY) != b"on"
