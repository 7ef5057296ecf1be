"""Pools of prepared connections, for threads and for asyncio.

A connection is checked when it is handed out, so that a restarted server costs no
caller an error, and reset when it comes back, so that nobody inherits a setting.
Each ``with pool.connection()`` block is one transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from drystone.database.session import (
    connect,
    connect_async,
    prepare,
    prepare_async,
    reset,
    reset_async,
    session_options,
)
from drystone.database.sqlstates import translated
from drystone.settings import Settings


class Pool(ConnectionPool[Connection[Any]]):
    """A pool for threads; its errors are Drystone's."""

    def getconn(self, timeout: float | None = None) -> Connection[Any]:
        """Lend a connection; raises PoolTimeout when none becomes free."""
        with translated():
            return super().getconn(timeout)


class AsyncPool(AsyncConnectionPool[AsyncConnection[Any]]):
    """A pool for asyncio; its errors are Drystone's."""

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:
        """Lend a connection; raises PoolTimeout when none becomes free."""
        with translated():
            return await super().getconn(timeout)


@contextmanager
def open_pool(conninfo: str, settings: Settings) -> Iterator[Pool]:
    """Open a pool and close it after the block.

    Raises DatabaseUnavailable, with the reason, when no connection can be had.
    """
    pool = Pool(
        conninfo,
        configure=prepare,
        check=Pool.check_connection,
        reset=reset,
        **_arguments(conninfo, settings),
    )
    with pool:
        try:
            pool.wait(timeout=settings.connect_timeout)
        except PoolTimeout:
            connect(conninfo, settings).close()  # raises, and knows why
        yield pool


@asynccontextmanager
async def open_async_pool(
    conninfo: str, settings: Settings
) -> AsyncIterator[AsyncPool]:
    """Open a pool for asyncio, as :func:`open_pool` does."""
    pool = AsyncPool(
        conninfo,
        configure=prepare_async,
        check=AsyncPool.check_connection,
        reset=reset_async,
        **_arguments(conninfo, settings),
    )
    async with pool:
        try:
            await pool.wait(timeout=settings.connect_timeout)
        except PoolTimeout:
            await (await connect_async(conninfo, settings)).close()
        yield pool


def _arguments(conninfo: str, settings: Settings) -> dict[str, Any]:
    return {
        "kwargs": session_options(conninfo, settings),
        "min_size": min(settings.pool_min_size, settings.pool_max_size),
        "max_size": settings.pool_max_size,
        "timeout": settings.pool_timeout,
        "name": settings.application_name,
        "open": False,
    }
