"""Workers: do jobs, each with its receipt in one transaction.

The receipt comes first. Whoever is given a job that somebody else is doing waits at it,
and then finds it done, or does it; so a job takes effect once, however often a queue
hands it out.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import psycopg
from redis.asyncio import Redis

from drystone.database.pool import AsyncPool, Pool, open_async_pool, open_pool
from drystone.database.sqlstates import translate
from drystone.errors import (
    BadInput,
    DatabaseUnavailable,
    DrystoneError,
    RedisUnavailable,
)
from drystone.jobs.broker import Broker, open_client, redis_errors
from drystone.jobs.consumer import Consumer, Delivery, GivenUp, NotNow
from drystone.jobs.handlers import BadPayload, Job, Registry
from drystone.jobs.threads import Busy, ThreadRun, in_thread, patient
from drystone.settings import Settings
from drystone.systems.core import outbox
from drystone.systems.core.outbox import QueueSettingsRow
from drystone.systems.core.types import JobState

# While the database is away, or somebody else has begun the job, it goes back for so
# long, without an attempt counted.
_AWAY_PAUSE = 5.0
_WATCH_INTERVAL = 1.0
_FORCE_TIMEOUT = 5.0

logger = logging.getLogger(__name__)


class AttemptFailed(DrystoneError):
    """A handler raised; the queue tries again, or has no attempts left."""


class WorkerProcess:
    """The workers of some queues in one process.

    ``report`` is told, once each, what whoever runs it should know.
    """

    def __init__(
        self,
        conninfo: str,
        redis_url: str,
        settings: Settings,
        registry: Registry,
        *,
        queues: Sequence[str] = (),
        report: Callable[[str], None],
    ) -> None:
        self._conninfo = conninfo
        self._redis_url = redis_url
        self._settings = settings
        self._registry = registry
        self._names = _chosen(registry, queues)
        self._report = report
        self._at_hand: set[asyncio.Task[None]] = set()
        self._notes: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Do jobs until ``stop`` is set; then finish those at hand, or give them back.

        Raises DatabaseUnavailable if the database cannot be reached to begin with.
        While Redis is away the workers wait for it.
        """
        async with AsyncExitStack() as stack:
            self._pool: AsyncPool = await stack.enter_async_context(
                open_async_pool(self._conninfo, self._settings)
            )
            # One of its own for threads, which cannot use the other.
            self._threads: Pool | None = None
            if any(not handler.is_async for handler in self._registry):
                self._threads = stack.enter_context(
                    open_pool(self._conninfo, self._settings)
                )
            consumers = [
                await stack.enter_async_context(self._consumer(row))
                for row in await self._queue_settings()
            ]
            watch = asyncio.create_task(self._watch())
            running = [asyncio.create_task(each.run()) for each in consumers]
            stopped = asyncio.create_task(stop.wait())
            self._report(f"working on {', '.join(self._names)}")
            try:
                await asyncio.wait(
                    [stopped, *running], return_when=asyncio.FIRST_COMPLETED
                )
                await self._close(consumers)
                for each in running:
                    if each.done():
                        each.result()
            finally:
                await _cancel([watch, stopped, *running, *self._at_hand])
                await asyncio.gather(*self._notes, return_exceptions=True)

    async def _queue_settings(self) -> list[QueueSettingsRow]:
        async with self._pool.connection() as connection:
            found = await outbox.queue_settings(connection)
        unknown = set(self._names) - {row.queue for row in found}
        if unknown:
            raise BadInput(
                f"no such queue: {', '.join(sorted(unknown))}",
                hint=f"core.queues has {', '.join(row.queue for row in found)}.",
            )
        return [row for row in found if row.queue in self._names]

    @asynccontextmanager
    async def _consumer(self, row: QueueSettingsRow) -> AsyncIterator[Consumer]:
        client = open_client(self._redis_url, blocking=True)
        try:
            yield Consumer(
                row,
                client,
                self._settings.redis_prefix,
                work=self._work,
                stalled_out=self._stalled_out,
            )
        finally:
            await client.aclose()

    async def _watch(self) -> None:
        """Tell when Redis goes and comes; bring it the queues' limits when it does."""
        client = open_client(self._redis_url)
        here: bool | None = None
        try:
            while True:
                here = await self._look(client, here)
                await asyncio.sleep(_WATCH_INTERVAL)
        finally:
            await client.aclose()

    async def _look(self, client: Redis, here: bool | None) -> bool:
        try:
            with redis_errors():
                await client.ping()
            if not here:
                async with self._pool.connection() as connection:
                    settings = await outbox.queue_settings(connection)
                await Broker(client, self._settings.redis_prefix).apply(settings)
        except RedisUnavailable as error:
            if here is not False:
                self._report(f"{error.message}; waiting for it")
            return False
        except (DrystoneError, psycopg.Error) as error:
            logger.info("the queues' limits are not known: %s", _words(error))
            return here is True
        if here is False:
            self._report("Redis is back")
        return True

    async def _close(self, consumers: Sequence[Consumer]) -> None:
        """Take no more jobs; give back what is not done when the grace is over."""
        if self._at_hand:
            self._report(
                f"finishing {_jobs(len(self._at_hand))}, for"
                f" {self._settings.worker_grace:g} s at most"
            )
        closing = [asyncio.create_task(each.close()) for each in consumers]
        _, late = await asyncio.wait(closing, timeout=self._settings.worker_grace)
        if late:
            if self._at_hand:
                self._report(f"giving back {_jobs(len(self._at_hand))}")
            for task in self._at_hand:
                task.cancel()
            _, late = await asyncio.wait(late, timeout=_FORCE_TIMEOUT)
        if late:
            # Redis is away, most likely: the leases of the jobs end by themselves.
            await asyncio.gather(
                *(each.close(force=True) for each in consumers), return_exceptions=True
            )
        await asyncio.gather(*closing, return_exceptions=True)

    # --- One job ----------------------------------------------------------------

    async def _work(self, delivery: Delivery) -> None:
        """Do a job in a task of its own, which can be taken back."""
        task = asyncio.create_task(self._attempt(delivery))
        self._at_hand.add(task)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            self._at_hand.discard(task)
        if task.cancelled():
            raise NotNow(0)
        error = task.exception()
        if isinstance(error, psycopg.Error):
            error = translate(error)
        if isinstance(error, DatabaseUnavailable | Busy):
            logger.info("%s given back: %s", _told(delivery), error.message)
            raise NotNow(_AWAY_PAUSE)
        if error is not None:
            await self._fail(delivery, error)

    async def _attempt(self, delivery: Delivery) -> None:
        job = Job(
            id=delivery.id,
            queue=delivery.queue,
            name=delivery.name,
            attempt=delivery.attempt,
            created_at=delivery.created_at,
        )
        handler = self._registry.find(delivery.queue, delivery.name)
        arguments = handler.arguments(delivery.data, job)
        if handler.is_async:
            async with (
                self._pool.connection() as connection,
                connection.transaction(),
            ):
                with patient(delivery):
                    begun = await outbox.begin_job(
                        connection, queue=delivery.queue, job_id=delivery.receipt
                    )
                if begun:
                    await handler.function(connection, *arguments)
        else:
            assert self._threads is not None  # noqa: S101 -- opened for such a handler
            await in_thread(ThreadRun(self._threads, delivery, handler, arguments))

    async def _fail(self, delivery: Delivery, error: BaseException) -> None:
        """Raise for the queue what has happened, and note it if it is the end."""
        final = isinstance(error, BadPayload)
        if not isinstance(error, DrystoneError):
            logger.info("%s raised", _told(delivery), exc_info=error)
        message = _words(error)
        logger.warning(
            "%s failed in attempt %d of %d: %s",
            _told(delivery),
            delivery.attempt,
            delivery.attempts,
            message,
        )
        if final:
            await self._give_up(delivery, JobState.FAILED, message)
            raise GivenUp(message)
        if delivery.attempt >= delivery.attempts:
            await self._give_up(delivery, JobState.DEAD, message)
        raise AttemptFailed(message)

    async def _give_up(self, delivery: Delivery, state: JobState, message: str) -> None:
        """Write how the job ended; a database that is away is not waited for.

        Then its row stays in the outbox: should Redis lose the job, it is sent again.
        """
        try:
            async with self._pool.connection() as connection:
                await outbox.give_job_up(
                    connection,
                    queue=delivery.queue,
                    job_id=delivery.receipt,
                    state=state,
                    error=message,
                )
        except (DrystoneError, psycopg.Error):
            logger.warning("%s: its end could not be noted", _told(delivery))

    def _stalled_out(self, delivery: Delivery) -> None:
        message = "its workers ended again and again while they were at it"
        logger.warning("%s given up: %s", _told(delivery), message)
        note = asyncio.create_task(self._give_up(delivery, JobState.FAILED, message))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)


def _chosen(registry: Registry, queues: Sequence[str]) -> list[str]:
    known = registry.queues()
    if not known:
        raise BadInput(
            "no handler is declared, so there is nothing to do",
            hint='Declare one: @registry.handler("email", "send-email").',
        )
    without = set(queues) - set(known)
    if without:
        raise BadInput(
            f"no handler for the queue {', '.join(sorted(without))}",
            hint=f"There are handlers for {', '.join(known)}.",
        )
    return sorted(queues) or known


def _words(error: BaseException) -> str:
    """Say what was raised, without values: a foreign error's text may hold some."""
    if isinstance(error, DrystoneError):
        return error.message
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _told(delivery: Delivery) -> str:
    return f"{delivery.queue}: job {delivery.id} ({delivery.name})"


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
