"""BullMQ's queues in Redis: add jobs, set limits, count.

The keys are the ones that BullMQ's Node package uses, so workers and queues of both
take each other's jobs. Its Python package has no type hints; this module and
:mod:`drystone.jobs.consumer` are all that knows it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bullmq
from bullmq.backends import RedisBackend
from bullmq.redis_connection import RedisConnection
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

from drystone.errors import RedisUnavailable
from drystone.systems.core.outbox import JobsToSendRow, QueueSettingsRow

KEEP_COMPLETED_S = 24 * 3600
KEEP_FAILED_S = 7 * 24 * 3600

_CONNECT_TIMEOUT = 2.0
_COMMAND_TIMEOUT = 5.0
# A worker waits up to 10 s in one command for the next job.
_BLOCKING_TIMEOUT = 15.0
# BullMQ keeps priority and arrival in one score, 32 bits for the arrival.
_PRIORITY_STEP = 2**32
_MANY_PRIORITIES = 100
_STATES = (
    "wait",
    "paused",
    "prioritized",
    "delayed",
    "active",
    "completed",
    "failed",
)


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise RedisUnavailable where Redis is away, hangs, or refuses to take more."""
    try:
        yield
    except (RedisError, OSError) as error:
        # What these say names a place and a cause, never a password. redis-py puts the
        # command before it, with what it was to store, and writes some as tuples.
        verb = "is away" if is_away(error) else "refuses"
        reason = str(error).rpartition("caused error: ")[2].strip('()",. ')
        raise RedisUnavailable(
            f"Redis {verb}: {reason}",
            hint="Check that it runs and that REDIS_URL points to it; see its log.",
        ) from error


def open_client(url: str, *, blocking: bool = False) -> Redis:
    """Return a client that reports a lost Redis at once; it connects when first used.

    ``blocking`` is for a worker, whose commands wait for jobs.
    """
    return Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=_CONNECT_TIMEOUT,
        socket_timeout=_BLOCKING_TIMEOUT if blocking else _COMMAND_TIMEOUT,
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs of a queue are in each state in Redis.

    ``waiting`` are those without a priority; ``oldest_wait_s`` is how long the oldest
    one that could be taken has waited, in seconds.
    """

    waiting: int
    prioritized: int
    delayed: int
    active: int
    completed: int
    failed: int
    paused: bool
    oldest_wait_s: float


class Broker:
    """The queues in one Redis: jobs are added, queues are set and counted."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client: Any = client  # its type hints do not know decode_responses
        self._prefix = prefix
        self._marker = f"{prefix}:drystone:batch"
        self._settings = f"{prefix}:drystone:queues"
        self._connection = RedisConnection(client, skipVersionCheck=True)
        self._queues: dict[str, Any] = {}

    async def last_batch(self) -> int:
        """Return the number of the last batch that Redis remembers, or 0."""
        with redis_errors():
            return int(await self._client.get(self._marker) or 0)

    async def send(
        self, jobs: Sequence[JobsToSendRow], *, batch: int, after: int
    ) -> bool:
        """Add the jobs in their order, and remember the batch: all of it, or nothing.

        A job whose id is there is not changed. Returns False, and does nothing, if the
        last batch is not ``after`` any more: then Redis was emptied, or another relay
        was faster. Raises RedisUnavailable; Redis may have taken the batch even so.
        """
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipe:
                try:
                    await pipe.watch(self._marker)
                    if int(await pipe.get(self._marker) or 0) != after:
                        return False
                    pipe.multi()
                    pipe.set(self._marker, batch)
                    for job in jobs:
                        queue = self._queue(job.queue)
                        added = bullmq.Job(
                            queue, job.name, job.payload, _options(job), str(job.id)
                        )
                        await queue.backend.scripts.addJob(added, pipe)
                    await pipe.execute()
                except WatchError as error:
                    # redis-py says the same of a connection that broke.
                    if isinstance(error.__context__, RedisError | OSError):
                        raise error.__context__ from error
                    return False
        return True

    async def apply(self, settings: Sequence[QueueSettingsRow]) -> None:
        """Let every worker, also one in Node, keep to max_active and to a pause.

        Redis remembers what was applied, so that is done when either is new.
        """
        known = repr([(each.queue, each.max_active, each.paused) for each in settings])
        with redis_errors():
            if await self._client.get(self._settings) == known:
                return
            for each in settings:
                queue = self._queue(each.queue)
                await queue.setGlobalConcurrency(each.max_active)
                if bool(await queue.isPaused()) != each.paused:
                    await queue.backend.pause(each.paused)
            await self._client.set(self._settings, known)

    async def count(self, queue: str) -> Counts:
        """Count the jobs of a queue by state."""
        with redis_errors():
            found = self._queue(queue)
            counts = dict(
                zip(_STATES, await found.backend.getCounts(_STATES), strict=True)
            )
            oldest = await self._oldest_waiting(found.backend)
            return Counts(
                waiting=counts["wait"] + counts["paused"],
                prioritized=counts["prioritized"],
                delayed=counts["delayed"],
                active=counts["active"],
                completed=counts["completed"],
                failed=counts["failed"],
                paused=bool(await found.isPaused()),
                oldest_wait_s=0.0 if oldest is None else max(0.0, time.time() - oldest),
            )

    async def _oldest_waiting(self, backend: Any) -> float | None:
        """Return when the oldest job that could be taken became so, if there is one.

        Within a priority the first one has waited longest, so one of each is looked at.
        """
        heads = await self._client.lrange(backend.keys["wait"], -1, -1)
        score = 0.0
        while len(heads) < _MANY_PRIORITIES and (
            first := await self._client.zrangebyscore(
                backend.keys["prioritized"], score, "+inf", 0, 1, withscores=True
            )
        ):
            (head, found), *_ = first
            heads.append(head)
            score = (found // _PRIORITY_STEP + 1) * _PRIORITY_STEP
        since = []
        for head in heads:
            timestamp, delay = await self._client.hmget(
                backend.toKey(head), ["timestamp", "delay"]
            )
            if timestamp is not None:
                since.append((int(timestamp) + int(delay or 0)) / 1000)
        return min(since, default=None)

    def _queue(self, name: str) -> Any:
        if name not in self._queues:
            self._queues[name] = _Queue(
                name, RedisBackend(name, self._connection, prefix=self._prefix)
            )
        return self._queues[name]


class _Queue(bullmq.Queue):  # type: ignore[misc]
    """BullMQ's queue on a connection that many queues share."""

    def __init__(self, name: str, backend: Any) -> None:
        self.name = name
        self.opts: dict[str, Any] = {}
        self.backend = backend
        self.client = backend.conn
        self.keys = backend.keys
        self.qualifiedName = backend.qualifiedName


def _options(job: JobsToSendRow) -> dict[str, Any]:
    created = _milliseconds(job.created_at)
    due = created if job.run_at is None else _milliseconds(job.run_at)
    options: dict[str, Any] = {
        "timestamp": created,
        "attempts": job.max_attempts,
        "backoff": {"type": job.backoff_kind, "delay": job.backoff_ms},
        "removeOnComplete": {"count": job.keep_completed, "age": KEEP_COMPLETED_S},
        "removeOnFail": {"count": job.keep_failed, "age": KEEP_FAILED_S},
    }
    if job.priority:
        options["priority"] = job.priority
    # BullMQ counts the delay from the timestamp. One that is over is none: such a job
    # keeps its place among the others.
    if due > created and due > time.time() * 1000:
        options["delay"] = due - created
    return options


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def is_away(error: Exception) -> bool:
    """Tell a Redis that cannot be reached from one that refuses a command."""
    return isinstance(error, RedisConnectionError | RedisTimeoutError | OSError)
