"""An outbox, a Redis, relays and workers that a test can run in its own loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from pydantic import BaseModel

from drystone.database.session import connect
from drystone.jobs import Job, Registry
from drystone.jobs.broker import Broker, Counts, open_client
from drystone.jobs.relay import Relay
from drystone.jobs.worker import WorkerProcess
from drystone.settings import Settings
from tests.redis_faults import MortalRedis

DEADLINE = 30.0

FAST = Settings(relay_interval=0.01, worker_grace=10.0, pool_max_size=12)


class Note(BaseModel):
    """What the jobs of these tests carry."""

    number: int = 0
    fail: int = 0


@dataclass
class Shop:
    """One database and one Redis, with what runs between them."""

    database_url: str
    redis_url: str
    connection: Connection[Any]
    settings: Settings = FAST
    reports: list[str] = field(default_factory=list)

    def rows(self, statement: str, *parameters: object) -> list[Any]:
        cursor = self.connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def enqueue(self, count: int = 1, **columns: object) -> None:
        """Write jobs with numbers, from 1, in one statement."""
        usual = {"queue": "email", "name": "note", "priority": None, "run_at": None}
        given: dict[str, object] = {**usual, **columns}
        self.rows(
            """
            INSERT INTO core.outbox (queue, name, payload, priority, run_at)
            SELECT %s, %s, jsonb_build_object('number', n), %s, %s
            FROM generate_series(1, %s) AS n
            """,
            *given.values(),
            count,
        )

    def relay(self) -> Relay:
        return Relay(
            self.database_url,
            self.redis_url,
            self.settings,
            report=self.reports.append,
        )

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        """Run a relay for a block."""
        async with self._running(self.relay().run):
            yield

    def working(
        self, registry: Registry, **settings: object
    ) -> AbstractAsyncContextManager[asyncio.Event]:
        """Run a worker for a block, or until the event is set; then it ends."""
        process = WorkerProcess(
            self.database_url,
            self.redis_url,
            self.settings.model_copy(update=settings),
            registry,
            report=self.reports.append,
        )
        return self._running(process.run)

    @asynccontextmanager
    async def _running(
        self, run: Callable[[asyncio.Event], Awaitable[None]]
    ) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        task = asyncio.ensure_future(run(stop))
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(task, DEADLINE)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something that must come about."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            await asyncio.sleep(0.01)

    async def until_counted(self, condition: Callable[[Counts], bool]) -> None:
        """Wait until the e-mail queue in Redis is as it must come to be."""
        deadline = time.monotonic() + DEADLINE
        while not condition(counts := await self.count()):
            assert time.monotonic() < deadline, f"waited in vain; there are {counts}"
            await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Wait until no job is unfinished."""
        await self.until(
            lambda: self.rows("SELECT count(*) FROM core.outbox") == [(0,)],
            "the last job",
        )

    async def count(self, queue: str = "email") -> Counts:
        async with self.client() as client:
            return await Broker(client, self.settings.redis_prefix).count(queue)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        client = open_client(self.redis_url)
        try:
            yield client
        finally:
            await client.aclose()

    async def jobs_in_redis(self, queue: str = "email") -> dict[str, dict[str, str]]:
        """Return every job of a queue by its id."""
        jobs = {}
        async with self.client() as client:
            prefix = f"{self.settings.redis_prefix}:{queue}:"
            async for key in client.scan_iter(f"{prefix}*-*-*-*-*", count=1000):
                if ":" not in key.removeprefix(prefix):
                    jobs[key.removeprefix(prefix)] = await client.hgetall(key)
        return jobs

    async def in_order(self, queue: str = "email") -> list[str]:
        """Return the ids of the prioritized jobs, first one first."""
        async with self.client() as client:
            prefix = self.settings.redis_prefix
            return list(await client.zrange(f"{prefix}:{queue}:prioritized", 0, -1))

    def done(self) -> list[int]:
        """Return the numbers of the effects, in the order in which they took place."""
        return [row[0] for row in self.rows("SELECT number FROM effects ORDER BY at")]


@pytest.fixture
def shop(database_url: str, redis_url: str, settings: Settings) -> Iterator[Shop]:
    """A database and a Redis, both empty, with a table for what jobs do."""
    with connect(database_url, settings) as connection:
        connection.execute(
            "CREATE TABLE effects (at bigint GENERATED ALWAYS AS IDENTITY,"
            " number integer NOT NULL, job_id text, attempt integer)"
        )
        connection.execute("UPDATE core.queues SET backoff_ms = 10, lease_s = 2")
        yield Shop(database_url, redis_url, connection)


@pytest.fixture
def notes() -> Registry:
    """A handler for the jobs of this shop; it fails as often as the payload says."""
    registry = Registry()

    @registry.handler("email", "note")
    async def note(connection: Any, payload: Note, job: Job) -> None:
        await connection.execute(
            "INSERT INTO effects (number, job_id, attempt) VALUES (%s, %s, %s)",
            [payload.number, job.id, job.attempt],
        )
        if job.attempt <= payload.fail:
            raise ValueError(payload.number)

    return registry


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[MortalRedis]:
    redis = MortalRedis(tmp_path / "redis")
    yield redis
    redis.forget()
