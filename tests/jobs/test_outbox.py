"""The outbox: jobs enqueued with a change, and receipts committed with an effect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import ForeignKeyViolation
from drystone.settings import Settings
from drystone.systems.core import outbox
from drystone.systems.core.types import JobState

LATER = datetime(2040, 1, 1, tzinfo=UTC)


def rows(connection: Connection[Any], statement: str) -> list[Any]:
    return connection.execute(statement.encode()).fetchall()


def test_a_job_is_enqueued_with_the_change_that_asks_for_it_or_not_at_all(
    connection: Connection[Any],
) -> None:
    """003-14"""
    with connection.transaction():
        kept = outbox.enqueue_outbox(
            connection,
            queue="email",
            name="send-email",
            payload={"to": "ada"},
            priority=1,
            run_at=LATER,
        )
    with connection.transaction(force_rollback=True):
        outbox.enqueue_outbox(connection, queue="email", name="send-email")
    assert rows(
        connection, "SELECT id, queue, name, payload, priority, run_at FROM core.outbox"
    ) == [(kept, "email", "send-email", {"to": "ada"}, 1, LATER)]


def test_many_jobs_are_enqueued_at_once_in_their_order(
    connection: Connection[Any],
) -> None:
    jobs: list[dict[str, Any]] = [{"queue": "email", "name": f"{n}"} for n in range(30)]
    jobs[7] |= {"payload": {"a": 1}, "priority": 2, "run_at": LATER.isoformat()}
    found = outbox.enqueue_outbox_many(connection, jobs=jobs)
    assert [row.id for row in found] == [
        row[0]
        for row in rows(connection, "SELECT id FROM core.outbox ORDER BY name::int")
    ]
    assert [row.position for row in found] == sorted(row.position for row in found)
    to_send = outbox.jobs_to_send(connection, limit_rows=8)
    assert [job.name for job in to_send] == [str(n) for n in range(8)]
    assert (to_send[0].payload, to_send[0].priority, to_send[0].run_at) == ({}, 4, None)
    assert (to_send[7].payload, to_send[7].priority) == ({"a": 1}, 2)
    assert to_send[7].run_at == LATER


def test_a_queue_that_does_not_exist_is_refused(connection: Connection[Any]) -> None:
    with pytest.raises(ForeignKeyViolation) as refused:
        outbox.enqueue_outbox(connection, queue="no-such-queue", name="x")
    assert refused.value.constraint == "outbox_queue_fkey"


def begin(connection: Connection[Any], job_id: str, queue: str = "email") -> bool:
    return bool(outbox.begin_job(connection, queue=queue, job_id=job_id))


def test_a_job_is_begun_once_and_leaves_the_outbox_when_it_is_committed(
    own: Connection[Any],
) -> None:
    job = outbox.enqueue_outbox(own, queue="email", name="x")
    with own.transaction(force_rollback=True):
        assert begin(own, str(job))
    with own.transaction():
        assert begin(own, str(job))
        assert rows(own, "SELECT count(*) FROM core.outbox") == [(1,)]
    assert rows(own, "SELECT count(*) FROM core.outbox") == [(0,)]
    assert not begin(own, str(job))
    assert begin(own, "7")
    assert not begin(own, "7")
    assert begin(own, "7", queue="analytics")


def test_who_begins_a_job_waits_for_who_is_at_it(
    own: Connection[Any], database_url: str, settings: Settings
) -> None:
    def second(job_id: str) -> bool:
        with connect(database_url, settings, application_name="second") as other:
            return begin(other, job_id)

    def waits() -> bool:
        found = rows(
            own,
            "SELECT wait_event_type FROM pg_stat_activity"
            " WHERE application_name = 'second'",
        )
        return found == [("Lock",)]

    with ThreadPoolExecutor(1) as threads, connect(database_url, settings) as first:
        for job_id, force_rollback in (("undone", True), ("done", False)):
            with first.transaction(force_rollback=force_rollback):
                assert begin(first, job_id)
                waiting = threads.submit(second, job_id)
                while not waits():
                    assert not waiting.done()
            assert waiting.result() is force_rollback


def test_a_job_that_failed_may_be_begun_again_and_one_that_is_done_cannot_fail(
    own: Connection[Any],
) -> None:
    job = outbox.enqueue_outbox(own, queue="email", name="x")

    def give_up(state: JobState) -> int:
        return outbox.give_job_up(
            own, queue="email", job_id=str(job), state=state, error="no"
        )

    def receipt() -> Any:
        return outbox.find_receipt(own, queue="email", job_id=str(job))

    assert receipt() is None
    assert give_up(JobState.DEAD) == 1
    assert rows(own, "SELECT count(*) FROM core.outbox") == [(0,)]
    assert give_up(JobState.FAILED) == 1
    assert (receipt().state, receipt().error) == (JobState.FAILED, "no")
    assert begin(own, str(job))
    assert (receipt().state, receipt().error) == (JobState.COMPLETED, None)
    assert give_up(JobState.DEAD) == 0
    assert receipt().state is JobState.COMPLETED


def test_receipts_are_kept_for_so_many_days(connection: Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO core.job_receipts (queue, job_id, finished_at)"
        " SELECT 'email', n::text, now() - make_interval(days => n)"
        " FROM generate_series(0, 9) AS n"
    )
    assert outbox.prune_receipts(connection, days=5) == 5
    left = rows(connection, "SELECT job_id::int FROM core.job_receipts ORDER BY 1")
    assert left == [(n,) for n in range(5)]


def test_one_transaction_at_a_time_sends(
    own: Connection[Any], database_url: str, settings: Settings
) -> None:
    with connect(database_url, settings) as other:
        with own.transaction():
            assert outbox.lock_outbox(own)
            assert not outbox.lock_outbox(other)
        assert outbox.lock_outbox(other)


def test_sent_jobs_of_queues_without_receipts_are_forgotten(
    connection: Connection[Any],
) -> None:
    connection.execute("UPDATE core.queues SET receipts = false WHERE queue = 'email'")
    outbox.enqueue_outbox(connection, queue="email", name="x")
    outbox.enqueue_outbox(connection, queue="analytics", name="y")
    positions = [job.position for job in outbox.jobs_to_send(connection, limit_rows=9)]
    assert outbox.mark_sent(connection, batch=3, positions=positions) == 1
    assert rows(connection, "SELECT name, batch FROM core.outbox") == [("y", 3)]


def test_health_tells_what_waits_for_how_long(connection: Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO core.outbox (queue, name, run_at, created_at, batch) VALUES"
        " ('email', 'a', NULL, now() - interval '9 s', NULL),"
        " ('email', 'b', NULL, now() - interval '99 s', 1),"
        " ('email', 'c', now() + interval '9 s', now() - interval '999 s', 1)"
    )
    (email,) = (row for row in outbox.outbox_health(connection) if row.queue == "email")
    assert (email.unsent, email.sent) == (1, 2)
    assert 9 <= email.oldest_unsent_s < 60
    assert 99 <= email.oldest_sent_s < 900


def test_the_driver_refuses_a_handler_that_commits(
    connection: Connection[Any],
) -> None:
    """What handlers are told not to do, psycopg does not let them do."""
    with pytest.raises(psycopg.ProgrammingError), connection.transaction():
        connection.commit()
