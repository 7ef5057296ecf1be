"""Pools of prepared connections, for threads and for asyncio.

A connection is checked when it is handed out, so that a restarted server costs no
caller an error, and reset when it comes back, so that nobody inherits a setting.
Each ``with pool.connection()`` block is one transaction.

A check that fails speaks against every connection that is as old: all are replaced,
rather than found dead one by one. While the server is away a pool tries to connect
about once in two seconds, so that it is back soon after the server is, whether or not
somebody waits. What it asks for itself has to be answered within ``connect_timeout``,
for it has few threads to ask with.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from time import monotonic
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from drystone.database.commits import is_unknown, unknown
from drystone.database.connections import (
    AsyncGuardedConnection,
    GuardedConnection,
    refuse_after_fork,
)
from drystone.database.session import (
    answer_timeout,
    connect,
    connect_async,
    prepare,
    prepare_async,
    refuse_turned,
    reset,
    reset_async,
    session_options,
    wanted_of,
)
from drystone.database.sqlstates import translated
from drystone.errors import DatabaseUnavailable
from drystone.settings import Settings

# psycopg_pool doubles its pauses, from one second, until so many seconds have passed;
# then it gives up, and we begin again. So no pause is longer than two.
_ROUND_OF_ATTEMPTS = 5.0


class Pool(ConnectionPool[GuardedConnection[Any]]):
    """A pool for threads; its errors are Drystone's.

    Without ``prepared`` its sessions know nothing of vectors and graphs, so that they
    are to be had even where the extensions are broken.
    """

    def __init__(
        self,
        conninfo: str,
        settings: Settings,
        *,
        checked: bool = True,
        prepared: bool = True,
    ) -> None:
        self._settings = settings
        self._prepared = prepared
        self._wanted = wanted_of(conninfo)
        self._process = os.getpid()
        self._renewed_at = 0.0
        super().__init__(
            conninfo,
            connection_class=GuardedConnection,
            configure=self._prepare,
            check=self._check_or_renew if checked else None,
            reset=self._reset_in_time,
            # Asks for a connection more, unless one is being asked for.
            reconnect_failed=ConnectionPool.check,
            **_arguments(session_options, conninfo, settings),
        )

    def getconn(self, timeout: float | None = None) -> GuardedConnection[Any]:
        """Lend a connection.

        Raises PoolTimeout when none becomes free, PoolOverloaded when too many wait.
        """
        refuse_after_fork(self._process, "pool")
        with translated():
            return super().getconn(timeout)

    @contextmanager
    def connection(
        self, timeout: float | None = None
    ) -> Iterator[GuardedConnection[Any]]:
        """Lend a connection for a block, which is a transaction.

        Raises CommitUnknown if the answer to its COMMIT is lost.
        """
        done = False
        try:
            with super().connection(timeout) as connection:
                yield connection
                done = True
        except psycopg.Error as error:
            if done and is_unknown(error, connection):
                raise unknown(error) from error
            raise

    def close(self, timeout: float = 5.0) -> None:
        """Close the pool; in a forked process, leave it to the one that opened it."""
        if self._process == os.getpid():
            super().close(timeout)

    def _prepare(self, connection: GuardedConnection[Any]) -> None:
        connection.answer_timeout = answer_timeout(self._settings)
        with connection.answering_within(self._settings.connect_timeout):
            if self._prepared:
                prepare(connection)

    def _reset_in_time(self, connection: GuardedConnection[Any]) -> None:
        with connection.answering_within(self._settings.connect_timeout):
            reset(connection)

    def _check_or_renew(self, connection: GuardedConnection[Any]) -> None:
        try:
            with connection.answering_within(self._settings.connect_timeout):
                self.check_connection(connection)
            refuse_turned(connection, self._wanted)
        except psycopg.Error:
            if connection.opened_at > self._renewed_at:
                self._renewed_at = monotonic()
                self.drain()
            raise


class AsyncPool(AsyncConnectionPool[AsyncGuardedConnection[Any]]):
    """A pool for asyncio; its errors are Drystone's."""

    def __init__(
        self, conninfo: str, settings: Settings, *, checked: bool = True
    ) -> None:
        self._settings = settings
        self._wanted = wanted_of(conninfo)
        self._process = os.getpid()
        self._renewed_at = 0.0
        super().__init__(
            conninfo,
            connection_class=AsyncGuardedConnection,
            configure=self._prepare,
            check=self._check_or_renew if checked else None,
            reset=self._reset_in_time,
            reconnect_failed=AsyncConnectionPool.check,
            **_arguments(_options_beside_the_loop, conninfo, settings),
        )

    async def getconn(
        self, timeout: float | None = None
    ) -> AsyncGuardedConnection[Any]:
        """Lend a connection.

        Raises PoolTimeout when none becomes free, PoolOverloaded when too many wait.
        """
        refuse_after_fork(self._process, "pool")
        with translated():
            return await super().getconn(timeout)

    @asynccontextmanager
    async def connection(
        self, timeout: float | None = None
    ) -> AsyncIterator[AsyncGuardedConnection[Any]]:
        """Lend a connection for a block, which is a transaction.

        Raises CommitUnknown if the answer to its COMMIT is lost.
        """
        done = False
        try:
            async with super().connection(timeout) as connection:
                yield connection
                done = True
        except psycopg.Error as error:
            if done and is_unknown(error, connection):
                raise unknown(error) from error
            raise

    async def close(self, timeout: float = 5.0) -> None:
        """Close the pool; in a forked process, leave it to the one that opened it."""
        if self._process == os.getpid():
            await super().close(timeout)

    async def _prepare(self, connection: AsyncGuardedConnection[Any]) -> None:
        connection.answer_timeout = answer_timeout(self._settings)
        with connection.answering_within(self._settings.connect_timeout):
            await prepare_async(connection)

    async def _reset_in_time(self, connection: AsyncGuardedConnection[Any]) -> None:
        with connection.answering_within(self._settings.connect_timeout):
            await reset_async(connection)

    async def _check_or_renew(self, connection: AsyncGuardedConnection[Any]) -> None:
        try:
            with connection.answering_within(self._settings.connect_timeout):
                await self.check_connection(connection)
            refuse_turned(connection, self._wanted)
        except psycopg.Error:
            if connection.opened_at > self._renewed_at:
                self._renewed_at = monotonic()
                await self.drain()
            raise


@contextmanager
def open_pool(conninfo: str, settings: Settings) -> Iterator[Pool]:
    """Open a pool and close it after the block.

    Raises DatabaseUnavailable, with the reason, when no connection can be had.
    """
    with Pool(conninfo, settings) as pool:
        try:
            pool.wait(timeout=settings.connect_timeout)
        except PoolTimeout as error:
            connect(conninfo, settings).close()  # raises, and knows why
            raise _too_slow(settings) from error
        yield pool


@asynccontextmanager
async def open_async_pool(
    conninfo: str, settings: Settings
) -> AsyncIterator[AsyncPool]:
    """Open a pool for asyncio, as :func:`open_pool` does."""
    async with AsyncPool(conninfo, settings) as pool:
        try:
            await pool.wait(timeout=settings.connect_timeout)
        except PoolTimeout as error:
            await (await connect_async(conninfo, settings)).close()
            raise _too_slow(settings) from error
        yield pool


async def _options_beside_the_loop(conninfo: str, settings: Settings) -> dict[str, Any]:
    return await asyncio.to_thread(session_options, conninfo, settings)


def _arguments(
    options: Callable[[str, Settings], object], conninfo: str, settings: Settings
) -> dict[str, Any]:
    return {
        # Asked for each connection: a password may have changed.
        "kwargs": partial(options, conninfo, settings),
        "min_size": min(settings.pool_min_size, settings.pool_max_size),
        "max_size": settings.pool_max_size,
        "max_waiting": settings.pool_max_waiting,
        "timeout": settings.pool_timeout,
        "reconnect_timeout": _ROUND_OF_ATTEMPTS,
        "name": settings.application_name,
        "open": False,
    }


def _too_slow(settings: Settings) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the pool was not filled within {settings.connect_timeout} s",
        hint="Lower pool_min_size, or raise connect_timeout.",
    )
