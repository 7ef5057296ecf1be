"""The relay: sends the jobs of the outbox to Redis, in order, again if need be.

A round is one transaction that holds an advisory lock, so of many relays one sends at a
time, and the others take over when it is gone. In it, jobs are added to Redis first and
marked as sent then: killed in between, the relay sends them again, and Redis, which
knows them by their ids, changes nothing.

Redis remembers the number of the last batch it took, in the same transaction as the
jobs. If it remembers an older one than the outbox does, or none, it has lost what came
after; if it remembers one that was never given, the database was restored. Either way,
the jobs that are not done and may be missing are sent again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from psycopg import AsyncConnection

from drystone.database.session import connect_async
from drystone.database.sqlstates import translated
from drystone.errors import (
    DatabaseUnavailable,
    DrystoneError,
    RedisUnavailable,
    Retryable,
)
from drystone.jobs.broker import Broker, open_client
from drystone.settings import Settings
from drystone.systems.core import outbox

_LONGEST_PAUSE = 5.0
_SETTINGS_INTERVAL = 1.0
_PRUNE_INTERVAL = 3600.0

logger = logging.getLogger(__name__)


class Relay:
    """Sends jobs; ``report`` is told, once each, what whoever runs it should know."""

    def __init__(
        self,
        conninfo: str,
        redis_url: str,
        settings: Settings,
        *,
        report: Callable[[str], None],
    ) -> None:
        self._conninfo = conninfo
        self._redis_url = redis_url
        self._settings = settings
        self._report = report
        self._apply_at = 0.0
        self._prune_at = 0.0

    async def drain(self) -> int:
        """Send what there is to send, and return how many jobs that were.

        Raises RedisUnavailable and DatabaseUnavailable; nothing is lost by that.
        """
        sent = 0
        async with self._broker() as broker, self._session() as connection:
            while (number := await self._round(connection, broker)) != 0:
                sent += number or 0
                if number is None:
                    await asyncio.sleep(self._settings.relay_interval)
        return sent

    async def rewind(self) -> None:
        """Let all jobs that are not done be sent again, by whichever relay is next."""
        async with self._session() as connection:
            await self._send_again(connection, after=0)

    async def run(self, stop: asyncio.Event) -> None:
        """Send jobs as they come, until ``stop`` is set.

        While Redis or the database is away, it tries again, ever more slowly.
        """
        pause, trouble = 0.0, False
        async with self._broker() as broker:
            while not stop.is_set():
                try:
                    async with self._session() as connection:
                        while not stop.is_set():
                            sent = await self._round(connection, broker)
                            if trouble:
                                self._report("jobs get through again")
                            pause, trouble = 0.0, False
                            if not sent or sent < self._settings.relay_batch_size:
                                await _wait(stop, self._settings.relay_interval)
                except (RedisUnavailable, DatabaseUnavailable, Retryable) as error:
                    if not trouble:
                        self._report(
                            f"{error.message}; jobs wait in the outbox meanwhile"
                        )
                    logger.info("round failed: %s", error.message)
                    trouble = True
                    pause = min(_LONGEST_PAUSE, pause * 2 or 0.1)
                    jitter = random.uniform(0.5, 1)  # noqa: S311 -- spreads load only
                    await _wait(stop, pause * jitter)

    async def _round(
        self, connection: AsyncConnection[Any], broker: Broker
    ) -> int | None:
        """Send one batch; returns its size, or None if another relay is at it."""
        with translated():
            async with connection.transaction():
                if not await outbox.lock_outbox(connection):
                    return None
                marker = await self._send_lost_again(connection, broker)
                await self._keep_settings(connection, broker)
                sent = await self._send(connection, broker, marker)
            await self._prune(connection)
        return sent

    async def _send_lost_again(
        self, connection: AsyncConnection[Any], broker: Broker
    ) -> int:
        """Return the last batch that Redis remembers; take back what it has lost."""
        marker = await broker.last_batch()
        batches = await outbox.last_batches(connection)
        if batches is not None and batches.unfinished:
            restored = marker > (batches.numbered or 0)
            if restored or marker < batches.unfinished:
                await self._send_again(connection, after=0 if restored else marker)
        return marker

    async def _send_again(
        self, connection: AsyncConnection[Any], *, after: int
    ) -> None:
        number = await outbox.send_again(connection, after_batch=after)
        self._report(f"sending again what Redis may have lost: {number} jobs")

    async def _keep_settings(
        self, connection: AsyncConnection[Any], broker: Broker
    ) -> None:
        if time.monotonic() >= self._apply_at:
            await broker.apply(await outbox.queue_settings(connection))
            self._apply_at = time.monotonic() + _SETTINGS_INTERVAL

    async def _send(
        self, connection: AsyncConnection[Any], broker: Broker, marker: int
    ) -> int | None:
        jobs = await outbox.jobs_to_send(
            connection, limit_rows=self._settings.relay_batch_size
        )
        if not jobs:
            return 0
        batch = await outbox.next_batch(connection)
        assert batch is not None  # noqa: S101 -- nextval() has no NULL
        if not await broker.send(jobs, batch=batch, after=marker):
            return None
        positions = [job.position for job in jobs]
        await outbox.mark_sent(connection, batch=batch, positions=positions)
        logger.info("sent batch %d with %d jobs", batch, len(jobs))
        return len(jobs)

    async def _prune(self, connection: AsyncConnection[Any]) -> None:
        if time.monotonic() < self._prune_at:
            return
        days = self._settings.receipt_days
        pruned = await outbox.prune_receipts(connection, days=days)
        logger.info("deleted %d receipts older than %d days", pruned, days)
        self._prune_at = time.monotonic() + _PRUNE_INTERVAL

    @asynccontextmanager
    async def _broker(self) -> AsyncIterator[Broker]:
        client = open_client(self._redis_url)
        try:
            yield Broker(client, self._settings.redis_prefix)
        finally:
            await client.aclose()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Lend a session without a limit on statements: to send again may be much."""
        unhurried = self._settings.model_copy(update={"statement_timeout": 0.0})
        connection = await connect_async(self._conninfo, unhurried)
        try:
            yield connection
        finally:
            with suppress(DrystoneError):
                await connection.close()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
