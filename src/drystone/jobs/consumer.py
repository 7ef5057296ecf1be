"""BullMQ's workers: take jobs, and tell the queue how each has ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import bullmq
from bullmq.custom_errors import DelayedError, UnrecoverableError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from drystone.errors import DrystoneError
from drystone.jobs.broker import is_away
from drystone.systems.core.outbox import QueueSettingsRow

# How often a job may take its worker down before it is given up.
MAX_STALLED = 10

_RETRY_MS = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A job as a queue hands it out; ``attempt`` counts from 1.

    ``receipt`` is what its receipt is found by: the id of a job of the outbox, and of
    another job its time too, since queues may use an id again.
    """

    id: str
    receipt: str
    queue: str
    name: str
    data: object
    attempt: int
    attempts: int
    created_at: datetime


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


class WorkerBroke(DrystoneError):
    """A worker of BullMQ ended though nobody closed it."""


class GivenUp(Exception):
    """Tell the queue that no further attempt would help."""


class NotNow(Exception):
    """Give the job back, to be taken again after a while; no attempt is counted."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _Worker(bullmq.Worker):  # type: ignore[misc]
    """BullMQ's, but when it closes it takes no job any more, and leaves none behind.

    Its own may be handed one just then, which stays active until its lease ends.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._at_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def moveToActive(self, token: str) -> Any:  # noqa: N802
        """Return the next job, if there is one and somebody to do it."""
        job = None if self.closing else await super().moveToActive(token)
        if job is not None and self.closing:
            await give_back(job, token)
            return None
        if job is not None:
            self._at_hand += 1
            self._idle.clear()
        return job

    async def processJob(self, job: Any, token: str) -> None:  # noqa: N802
        """Do a job to its end."""
        try:
            await super().processJob(job, token)
        finally:
            self._at_hand -= 1
            if self._at_hand == 0:
                self._idle.set()

    async def close(self, force: bool = False) -> None:
        """Return when the jobs at hand are done, or at once if forced."""
        self.closing = True
        if not force:
            await self._idle.wait()
        await super().close(force=force)


class Consumer:
    """Takes the jobs of one queue, as many at a time as the queue allows.

    ``work`` does a job: returning is success; GivenUp, NotNow and any other exception
    mean what they say, and their texts are kept with the job. ``stalled_out`` hears of
    a job that the queue itself has given up.
    """

    def __init__(
        self,
        settings: QueueSettingsRow,
        client: Redis,
        prefix: str,
        *,
        work: Callable[[Delivery], Awaitable[None]],
        stalled_out: Callable[[Delivery], None],
    ) -> None:
        lease = settings.lease_s * 1000
        self._settings = settings
        self._work = work
        self._worker = _Worker(
            settings.queue,
            self._process,
            {
                "connection": client,
                "prefix": prefix,
                "autorun": False,
                "concurrency": settings.max_active,
                "lockDuration": lease,
                "stalledInterval": max(500, lease // 2),
                "maxStalledCount": MAX_STALLED,
                "runRetryDelay": _RETRY_MS,
            },
        )
        self._worker.on("error", self._note)
        self._worker.on("failed", self._failed)
        self._stalled_out = stalled_out

    async def run(self) -> None:
        """Take jobs until :meth:`close`; Redis may come and go meanwhile."""
        connection = self._worker.backend.blocking_connection
        while not self._worker.closing:
            try:
                # What the server can do decides how it is waited for.
                await connection.getRedisVersion()
                await self._worker._ensure_client_names()
                break
            except (RedisError, OSError) as error:
                self._note(error)
                await asyncio.sleep(_RETRY_MS / 1000)
        if self._worker.closing:
            return
        await self._worker.run()
        if not self._worker.closing:
            raise WorkerBroke(
                f"BullMQ's worker of the queue {self._settings.queue} has ended by"
                " itself",
                hint="Start it again; the jobs at hand are handed out again.",
            )

    async def close(self, *, force: bool = False) -> None:
        """Take no more jobs, and return when those at hand are done or given back."""
        await self._worker.close(force=force)

    async def _process(self, job: Any, token: str) -> None:
        delivery = self._delivery(job)
        try:
            await self._work(delivery)
        except NotNow as given_back:
            await give_back(job, token, given_back.seconds)
            raise DelayedError from None
        except GivenUp as error:
            raise UnrecoverableError(str(error)) from None
        except Exception:
            self._cap_backoff(job)
            raise

    def _cap_backoff(self, job: Any) -> None:
        """Keep to backoff_max_ms, which BullMQ's exponential backoff does not know."""
        backoff = job.opts.get("backoff")
        if backoff and backoff.get("type") == "exponential":
            wait = backoff.get("delay", 0) * 2**job.attemptsMade
            if wait > self._settings.backoff_max_ms:
                limit = self._settings.backoff_max_ms
                job.opts["backoff"] = {"type": "fixed", "delay": limit}

    def _failed(self, job: Any, error: Exception) -> None:
        if job.deferredFailure:
            self._stalled_out(self._delivery(job))

    def _delivery(self, job: Any) -> Delivery:
        return Delivery(
            id=job.id,
            receipt=job.id if _is_uuid(job.id) else f"{job.id}@{job.timestamp}",
            queue=self._settings.queue,
            name=job.name,
            data=job.data,
            attempt=job.attemptsMade + 1,
            attempts=max(1, job.opts.get("attempts") or 1),
            created_at=datetime.fromtimestamp(job.timestamp / 1000, tz=UTC),
        )

    def _note(self, error: Exception, *_: object) -> None:
        # A lost Redis is told of once, by whoever runs the worker.
        if not is_away(error):
            logger.info("queue %s: %s", self._settings.queue, error)


async def give_back(job: Any, token: str, seconds: float = 0) -> None:
    """Return a job to its queue, to be taken again after so many seconds."""
    await job.moveToDelayed(round((time.time() + seconds) * 1000), token)
