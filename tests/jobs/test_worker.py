"""Workers: each job takes effect once, or is given up for a reason that is kept."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import pytest
from bullmq.backends import RedisBackend
from psycopg import AsyncConnection, Connection

from drystone.errors import BadInput, DatabaseUnavailable
from drystone.jobs import Job, Registry
from drystone.systems.core import outbox
from tests.redis_faults import MortalRedis

from .conftest import Note, Shop

RECEIPTS = "SELECT state::text, error FROM core.job_receipts"


async def test_jobs_take_effect_once_in_the_order_of_their_queue(
    shop: Shop, notes: Registry
) -> None:
    """003-14: with one worker, one job at a time and none that fails."""
    shop.rows("UPDATE core.queues SET max_active = 1")
    shop.enqueue(40, priority=5)
    shop.enqueue(40, priority=1)
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.settled()
    assert shop.done() == [*range(1, 41), *range(1, 41)]
    assert shop.rows(RECEIPTS) == [("completed", None)] * 80
    assert shop.rows("SELECT count(DISTINCT job_id) FROM effects") == [(80,)]
    # Redis hears of the last one only after it is committed.
    counts = await shop.count()
    assert counts.completed + counts.active == 10


async def test_a_handler_without_async_has_a_thread_and_a_transaction(
    shop: Shop,
) -> None:
    registry = Registry()
    threads = set()

    @registry.handler("email", "note")
    def note(connection: Connection[Any], payload: Note) -> None:
        threads.add(threading.get_ident())
        connection.execute("INSERT INTO effects VALUES (DEFAULT, %s)", [payload.number])
        if payload.number == 3:
            raise ValueError

    shop.rows("UPDATE core.queues SET max_attempts = 1")
    shop.enqueue(5)
    await shop.relay().drain()
    async with shop.working(registry):
        await shop.settled()
    assert sorted(shop.done()) == [1, 2, 4, 5]
    assert threading.get_ident() not in threads


async def test_an_attempt_that_fails_leaves_nothing_and_is_repeated(
    shop: Shop, notes: Registry
) -> None:
    """003-14: five attempts for e-mail, with exponential backoff."""
    shop.rows(
        "INSERT INTO core.outbox (queue, name, payload) VALUES"
        """ ('email', 'note', '{"number": 1, "fail": 4}'),"""
        """ ('email', 'note', '{"number": 2, "fail": 5}')"""
    )
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.settled()
        await shop.until_counted(lambda counts: counts.failed == 1)
    assert shop.rows("SELECT number, attempt FROM effects") == [(1, 5)]
    completed, (state, error) = sorted(shop.rows(RECEIPTS))
    assert completed == ("completed", None)
    assert state == "dead"
    # The text of a foreign error may hold values; what it was, and where, does not.
    assert re.fullmatch(r"ValueError at \S+/conftest\.py:\d+", error)
    jobs = await shop.jobs_in_redis()
    (failed,) = (
        job for job in jobs.values() if "failedReason" in job and "5" in job["data"]
    )
    assert failed["failedReason"] == error
    assert failed["atm"] == "5"


async def test_the_waits_double_up_to_the_longest_one(
    shop: Shop, notes: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """003-14"""
    waits = []
    move = RedisBackend.moveToDelayed

    async def noted(self: Any, job: str, now: int, delay: int, *rest: Any) -> Any:
        waits.append(delay)
        return await move(self, job, now, delay, *rest)

    monkeypatch.setattr(RedisBackend, "moveToDelayed", noted)
    shop.rows("UPDATE core.queues SET backoff_ms = 20, backoff_max_ms = 100")
    shop.rows(
        "INSERT INTO core.outbox (queue, name, payload)"
        """ VALUES ('email', 'note', '{"fail": 5}')"""
    )
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.settled()
    assert waits == [20, 40, 80, 100]


async def test_a_payload_that_does_not_fit_is_given_up_at_once(
    shop: Shop, notes: Registry
) -> None:
    shop.rows(
        "INSERT INTO core.outbox (queue, name, payload)"
        """ VALUES ('email', 'note', '{"number": "s3cret"}')"""
    )
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.settled()
        await shop.until_counted(lambda counts: counts.failed == 1)
    assert shop.rows(RECEIPTS) == [
        ("failed", "the payload of note in email is not a Note: number: int_parsing")
    ]
    (job,) = (await shop.jobs_in_redis()).values()
    assert job["atm"] == "1"
    assert "s3cret" not in job["failedReason"] + job["stacktrace"]


async def test_a_job_that_is_handed_out_again_does_nothing(
    shop: Shop, notes: Registry
) -> None:
    """As by a Redis that forgot, or a worker that was killed after its commit."""
    shop.rows("UPDATE core.queues SET keep_completed = 0")
    shop.enqueue(10)
    rows = shop.rows("SELECT * FROM core.outbox")
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.settled()
        shop.rows(
            "INSERT INTO core.outbox (id, queue, name, payload)"
            " SELECT r.id, 'email', 'note', '{}' FROM unnest(%s::uuid[]) AS r (id)",
            [row[1] for row in rows],
        )
        await shop.relay().drain()
        await shop.until_counted(lambda counts: counts.prioritized + counts.active == 0)
    assert sorted(shop.done()) == list(range(1, 11))


async def test_two_workers_that_have_the_same_job_do_it_once(shop: Shop) -> None:
    """The second waits at the receipt; the first one's lease was taken from it."""
    registry = Registry()
    begun = asyncio.Event()
    release = asyncio.Event()

    @registry.handler("email", "note")
    async def note(connection: AsyncConnection[Any], payload: Note, job: Job) -> None:
        await connection.execute("INSERT INTO effects VALUES (DEFAULT, 1)")
        begun.set()
        await release.wait()

    shop.enqueue()
    await shop.relay().drain()
    waiting = (
        "SELECT 1 FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE '%begin_job%'"
    )
    async with shop.client() as client, shop.working(registry), shop.working(registry):
        await begun.wait()
        ((job,),) = shop.rows("SELECT id FROM core.outbox")
        await client.delete(f"bull:email:{job}:lock")
        await shop.until(lambda: shop.rows(waiting) != [], "the second worker")
        release.set()
        await shop.settled()
    assert shop.done() == [1]


async def test_a_job_of_an_unknown_name_is_tried_again_elsewhere(
    shop: Shop, notes: Registry
) -> None:
    """Another worker may know it, for example a newer one."""
    shop.rows("UPDATE core.queues SET max_attempts = 2")
    shop.enqueue(name="unknown")
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.settled()
    assert shop.rows(RECEIPTS) == [
        ("dead", "no handler for the job 'unknown' of the queue email")
    ]


async def test_no_attempt_is_counted_while_the_database_is_away(
    shop: Shop, notes: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drystone.jobs.worker._AWAY_PAUSE", 0.05)
    away = [True] * 8

    async def begin_job(*_: object, **__: object) -> bool:
        if away:
            away.pop()
            raise DatabaseUnavailable("the server has gone away")
        return True

    monkeypatch.setattr("drystone.jobs.worker.outbox.begin_job", begin_job)
    shop.enqueue()
    await shop.relay().drain()
    async with shop.working(notes):
        await shop.until(lambda: shop.done() == [1], "the job")
    assert shop.rows("SELECT attempt FROM effects") == [(1,)]


async def test_a_worker_that_is_asked_to_end_finishes_its_jobs(shop: Shop) -> None:
    """003-14: graceful shutdown."""
    registry = Registry()
    begun = asyncio.Event()

    @registry.handler("email", "note")
    async def note(connection: AsyncConnection[Any], payload: Note) -> None:
        begun.set()
        await asyncio.sleep(0.2)
        await connection.execute("INSERT INTO effects VALUES (DEFAULT, 1)")

    shop.rows("UPDATE core.queues SET max_active = 1")
    shop.enqueue(2)
    await shop.relay().drain()
    async with shop.working(registry) as stop:
        await begun.wait()
        stop.set()
    assert shop.done() == [1]
    counts = await shop.count()
    assert (counts.active, counts.completed, counts.prioritized) == (0, 1, 1)
    assert shop.reports == ["working on email", "finishing 1 job, for 10 s at most"]


@pytest.mark.parametrize("kind", ["async", "thread in a query", "thread elsewhere"])
async def test_what_a_worker_cannot_finish_in_time_is_given_back(
    shop: Shop, notes: Registry, kind: str
) -> None:
    """003-14: at once, not when the lease ends; and no attempt is counted."""
    registry = Registry()
    begun = threading.Event()
    release = threading.Event()
    if kind == "async":

        @registry.handler("email", "note")
        async def wait(connection: AsyncConnection[Any], payload: Note) -> None:
            await connection.execute("INSERT INTO effects VALUES (DEFAULT, -1)")
            begun.set()
            await asyncio.sleep(60)

    else:

        @registry.handler("email", "note")
        def block(connection: Connection[Any], payload: Note) -> None:
            connection.execute("INSERT INTO effects VALUES (DEFAULT, -1)")
            begun.set()
            if kind == "thread elsewhere":
                release.wait(60)
            else:
                connection.execute("SELECT pg_sleep(60)")

    shop.rows("UPDATE core.queues SET lease_s = 3600")
    shop.enqueue()
    await shop.relay().drain()
    async with shop.working(registry, worker_grace=0.1) as stop:
        await asyncio.to_thread(begun.wait)
        stop.set()
    assert shop.reports[-1] == "giving back 1 job"
    counts = await shop.count()
    assert (counts.active, counts.failed, counts.completed) == (0, 0, 0)
    release.set()
    async with shop.working(notes):
        await shop.settled()
    assert shop.rows("SELECT number, attempt FROM effects") == [(1, 1)]


async def test_a_job_that_is_taken_while_a_worker_closes_is_given_back(
    shop: Shop, notes: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """003-14"""
    handed_out = asyncio.Event()
    take = RedisBackend.moveToActive

    async def noted(self: Any, *arguments: Any) -> Any:
        taken = await take(self, *arguments)
        if taken and taken[0]:
            handed_out.set()
            await asyncio.sleep(0.2)
        return taken

    monkeypatch.setattr(RedisBackend, "moveToActive", noted)
    shop.rows("UPDATE core.queues SET lease_s = 3600")
    shop.enqueue()
    await shop.relay().drain()
    async with shop.working(notes) as stop:
        await handed_out.wait()
        stop.set()
    assert (await shop.count()).active == 0
    assert shop.done() == []
    async with shop.working(notes):
        await shop.settled()
    assert shop.rows("SELECT number, attempt FROM effects") == [(1, 1)]


async def test_the_jobs_of_a_worker_that_vanished_are_taken_by_another(
    shop: Shop, notes: Registry
) -> None:
    """003-14"""
    registry = Registry()
    begun = asyncio.Event()

    @registry.handler("email", "note")
    async def hang(connection: AsyncConnection[Any], payload: Note) -> None:
        begun.set()
        await asyncio.sleep(60)

    shop.rows("UPDATE core.queues SET lease_s = 1")
    shop.enqueue()
    await shop.relay().drain()
    async with shop.client() as client:
        async with shop.working(registry, worker_grace=0.0) as stop:
            await begun.wait()
            # What a killed worker leaves: an active job, and a lock that runs out.
            active = await client.lrange("bull:email:active", 0, -1)
            stop.set()
        async with client.pipeline() as pipe:
            pipe.delete("bull:email:delayed")
            pipe.lpush("bull:email:active", *active)
            await pipe.execute()
        async with shop.working(notes):
            await shop.settled()
    assert shop.rows("SELECT number, attempt FROM effects") == [(1, 1)]


async def test_a_job_that_takes_its_workers_down_is_given_up(
    shop: Shop, notes: Registry
) -> None:
    shop.enqueue()
    await shop.relay().drain()
    ((job,),) = shop.rows("SELECT id FROM core.outbox")
    async with shop.client() as client:
        await client.hset(f"bull:email:{job}", "defa", "job stalled too often")
    async with shop.working(notes):
        await shop.settled()
    assert shop.done() == []
    assert shop.rows(RECEIPTS) == [
        ("failed", "its workers ended again and again while they were at it")
    ]


async def test_a_worker_waits_for_a_redis_that_is_away(
    shop: Shop, notes: Registry, mortal: MortalRedis
) -> None:
    shop.redis_url = mortal.url
    mortal.kill()
    async with shop.relaying(), shop.working(notes):
        shop.enqueue(3)
        await shop.until(
            lambda: any("; waiting for it" in report for report in shop.reports),
            "the report",
        )
        mortal.start()
        await shop.settled()
        mortal.kill()
        shop.enqueue(3)
        mortal.forget()
        mortal.start()
        await shop.settled()
        await shop.until(lambda: "Redis is back" in shop.reports, "the report")
    assert sorted(shop.done()) == [1, 1, 2, 2, 3, 3]
    told = [report for report in shop.reports if report.endswith("; waiting for it")]
    assert len(told) <= 2


async def test_a_redis_that_is_emptied_under_the_workers_loses_no_job(
    shop: Shop, notes: Registry
) -> None:
    shop.enqueue(300)
    async with shop.relaying(), shop.working(notes), shop.client() as client:
        for share in (50, 120, 200):
            await shop.until(lambda n=share: len(shop.done()) >= n, "some jobs")  # type: ignore[misc]
            await client.flushdb()
        await shop.settled()
    assert sorted(shop.done()) == list(range(1, 301))


async def test_a_worker_needs_a_handler_and_a_queue_that_exists(
    shop: Shop, notes: Registry
) -> None:
    with pytest.raises(BadInput, match="no handler is declared"):
        shop.working(Registry())
    stranger = Registry()

    @stranger.handler("no-such-queue", "note")
    async def note(connection: AsyncConnection[Any], payload: Note) -> None: ...

    with pytest.raises(BadInput, match="no such queue: no-such-queue"):
        async with shop.working(stranger):
            pass


@pytest.mark.parametrize("with_async", [True, False])
async def test_waiting_for_somebody_who_is_long_at_a_job_is_no_failure(
    shop: Shop, with_async: bool
) -> None:
    registry = Registry()
    if with_async:

        @registry.handler("email", "note")
        async def note(connection: AsyncConnection[Any], payload: Note) -> None: ...

    else:

        @registry.handler("email", "note")
        def note_in_thread(connection: Connection[Any], payload: Note) -> None: ...

    shop.enqueue()
    await shop.relay().drain()
    ((job,),) = shop.rows("SELECT id::text FROM core.outbox")
    with shop.connection.transaction(force_rollback=True):
        assert outbox.begin_job(shop.connection, queue="email", job_id=job)
        async with shop.working(registry, statement_timeout=0.05):
            await shop.until_counted(lambda counts: counts.delayed == 1)
    assert (await shop.jobs_in_redis())[job].get("atm") is None


async def test_a_handler_that_idles_for_too_long_fails_and_is_not_repeated_for_ever(
    shop: Shop,
) -> None:
    registry = Registry()

    @registry.handler("email", "note")
    async def dream(connection: AsyncConnection[Any], payload: Note) -> None:
        await asyncio.sleep(0.3)

    shop.rows("UPDATE core.queues SET max_attempts = 2")
    shop.enqueue()
    await shop.relay().drain()
    async with shop.working(registry, idle_in_transaction_timeout=0.05):
        await shop.settled()
    ((state, error),) = shop.rows(RECEIPTS)
    assert (state, "idle-in-transaction timeout" in error) == ("dead", True)


async def test_a_worker_ends_also_while_redis_is_away(
    shop: Shop, notes: Registry, mortal: MortalRedis
) -> None:
    shop.redis_url = mortal.url
    mortal.kill()
    async with shop.working(notes):
        await shop.until(lambda: len(shop.reports) == 2, "the reports")
    assert shop.reports[0] == "working on email"
    assert shop.reports[1].endswith("; waiting for it")
