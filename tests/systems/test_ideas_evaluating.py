"""Evaluations in `ideas`: submitted once, worked on by many, finished in any case."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest

from drystone.database.pool import open_pool
from drystone.database.session import connect, connect_async
from drystone.database.transactions import in_transaction
from drystone.errors import BadInput, CheckViolation, DatabaseUnavailable, DrystoneError
from drystone.settings import Settings
from drystone.systems.ideas import agents, business_ideas, evaluations, stats, tasks
from drystone.systems.ideas.evaluating import (
    Answer,
    LeaseLost,
    Task,
    cancel,
    claim,
    claim_async,
    complete,
    complete_async,
    expire,
    fail,
    fail_async,
    reap,
    submit,
    submit_async,
    work,
)
from drystone.systems.ideas.evaluations import GetEvaluationRow
from drystone.systems.ideas.types import EvaluationPriority
from tests.systems.ideas_factories import (
    AGENTS,
    ANSWER,
    add_evaluation,
    add_idea,
    add_user,
    complete_all,
    take,
)
from tests.systems.rows import found, value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]

AT_ONCE = 12
IDEAS, WORKERS = 120, 16


def evaluation_of(connection: Connection, evaluation_id: UUID) -> GetEvaluationRow:
    return found(evaluations.get_evaluation(connection, evaluation_id=evaluation_id))


def states(connection: Connection, evaluation_id: UUID) -> Counter[str]:
    rows = evaluations.evaluation_progress(connection, evaluation_id=evaluation_id)
    return Counter(row.status.value for row in rows)


def tune(connection: Connection, **columns: Any) -> None:
    """Set a column of every agent type."""
    for agent in AGENTS:
        agents.set_agent_type(connection, agent_type=agent, **columns)


def lapse(connection: Connection, task: Task) -> None:
    """Let the lease of a task end."""
    connection.execute(
        "UPDATE ideas.agent_results SET lease_until = now() - INTERVAL '1 second'"
        " WHERE id = %s",
        [task.id],
    )


# --- Submission -----------------------------------------------------------------


def test_submitting_twice_is_submitting_once(connection: Connection) -> None:
    """002-10, 002-11, 002-33, 002-36"""
    idea = add_idea(connection)
    (first,) = submit(connection, [idea], priority=EvaluationPriority.HIGH)
    (again,) = submit(connection, [idea])
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.id, again.revision, again.priority) == (first.id, 1, "high")
    assert states(connection, first.id) == {"pending": 5}
    complete_all(connection)
    (next_one,) = submit(connection, [idea])
    assert (next_one.is_new, next_one.revision) == (True, 2)


def test_of_many_who_submit_one_idea_at_once_one_succeeds(
    own: Connection, database_url: str
) -> None:
    """002-36, 002-45, 002-50"""
    ids = [add_idea(own), add_idea(own)]
    # In either order: nobody waits for another who waits.
    ways = [partial(submit, idea_ids=each) for each in (ids, ids[::-1])]
    done = at_once(database_url, ways * (AT_ONCE // 2))
    rows = [row for each in done for row in each]
    assert Counter(row.is_new for row in rows) == {True: 2, False: 2 * (AT_ONCE - 1)}
    assert len({row.id for row in rows}) == 2
    assert value(own, "SELECT count(*) FROM ideas.agent_results") == 10


def test_all_ideas_are_submitted_or_none(connection: Connection) -> None:
    """002-36, 002-45"""
    ids = [add_idea(connection) for _ in range(3)]
    assert len(submit(connection, ids)) == 3
    fresh, deleted = add_idea(connection), add_idea(connection)
    business_ideas.soft_delete_idea(connection, idea_id=deleted)
    for missing in (deleted, uuid4()):
        with pytest.raises(BadInput, match="1 of the ideas"):
            submit(connection, [fresh, missing])
    for agent in AGENTS:
        agents.set_agent_type(connection, agent_type=agent, enabled=False)
    with pytest.raises(BadInput, match="1 of the ideas"):
        submit(connection, [fresh])
    assert value(connection, "SELECT count(*) FROM ideas.evaluations") == 3


# --- Claims ---------------------------------------------------------------------


def test_what_is_begun_goes_first_then_priority_then_age(
    connection: Connection,
) -> None:
    """002-10"""
    low = add_evaluation(connection, priority=EvaluationPriority.LOW)
    old = add_evaluation(connection)
    high = add_evaluation(connection, priority=EvaluationPriority.HIGH)
    first, second, third = (take(connection).evaluation_id for _ in range(3))
    assert [first, second, third] == [high, old, low]
    assert take(connection, AGENTS[1]).evaluation_id == high
    assert evaluation_of(connection, high).status == "analyzing"


def test_no_agent_type_has_more_tasks_running_than_it_may(
    connection: Connection,
) -> None:
    """002-11, 002-50"""
    for _ in range(4):
        add_evaluation(connection)
    agents.set_agent_type(connection, agent_type=AGENTS[0], max_running=2)
    held = claim(connection, AGENTS[:1], worker="w1", limit=9)
    assert len(held) == 2
    assert claim(connection, AGENTS[:1], worker="w2", limit=9) == []
    assert len(claim(connection, AGENTS[1:2], worker="w2", limit=9)) == 3
    complete(connection, held[0], ANSWER)
    assert len(claim(connection, AGENTS[:1], worker="w2", limit=9)) == 1


def test_an_agent_type_that_does_not_exist_is_told(connection: Connection) -> None:
    """002-45"""
    with pytest.raises(BadInput, match="no such agent type") as caught:
        claim(connection, ["astrology"], worker="w1")
    assert "market-research" in (caught.value.hint or "")
    assert claim(connection, AGENTS, worker="w1") == []


def test_nobody_claims_in_a_snapshot_that_may_be_stale(own: Connection) -> None:
    """002-45"""
    add_evaluation(own)
    with own.transaction():
        own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with pytest.raises(DrystoneError) as caught:
            claim(own, AGENTS, worker="w1")
    assert caught.value.sqlstate == "0A000"


# --- Results --------------------------------------------------------------------


def test_results_weigh_the_agents_scores(connection: Connection) -> None:
    """002-10, 002-11, 002-46"""
    evaluation = add_evaluation(connection)
    scores = dict(zip(AGENTS, (68, 85, 71, 82, 74), strict=True))
    finished = None
    for agent, score in scores.items():
        assert finished is None
        insights = {"next_steps": [f"ask {agent}"]} if score > 80 else {"other": 1}
        answer = Answer(score=score, output={"n": score}, insights=insights)
        finished = complete(connection, take(connection, agent), answer)
    row = found(finished)
    assert row.id == evaluation
    assert row.results == {
        "overall_score": 77.25,  # (1.5 * 82 + 68 + 1.5 * 85 + 74 + 71) / 6
        "recommendation": "GO",
        "confidence_level": 1,
        "scores": scores,
        "next_steps": ["ask customer-research", "ask market-research"],
    }
    stored = evaluation_of(connection, evaluation)
    assert stored.completed_at is not None
    assert stored.started_at is not None
    assert stored.completed_at >= stored.started_at


def test_a_score_advises_what_it_reaches(connection: Connection) -> None:
    """002-10"""
    rows = connection.execute(
        """
        SELECT score, ideas.recommendation(score)
        FROM unnest(ARRAY[0, 49.99, 50, 69.99, 70, 100]) AS given (score)
        """
    )
    assert [advice for _, advice in rows] == [
        *("NO-GO", "NO-GO", "PIVOT", "PIVOT", "GO", "GO")
    ]


def test_a_score_that_is_none_is_refused_and_the_task_stays_held(
    connection: Connection,
) -> None:
    """002-11, 002-35, 002-45"""
    add_evaluation(connection)
    task = take(connection)
    for score in (float("nan"), -1, 101, float("inf")):
        with pytest.raises(CheckViolation) as caught:
            complete(connection, task, Answer(score=score, output={}))
        assert caught.value.constraint == "agent_results_score_check"
    held = found(tasks.get_agent_result(connection, result_id=task.id))
    assert (held.status, held.score, held.output_data) == ("running", None, None)
    complete(connection, task, Answer(score=0, output={}))
    complete(connection, take(connection, AGENTS[1]), Answer(score=100, output={}))


def test_an_attempt_that_failed_is_made_again_after_a_growing_pause(
    own: Connection,
) -> None:
    """002-11, 002-45"""
    evaluation = add_evaluation(own)
    pauses = []
    for attempt in (1, 2, 3):
        task = take(own)
        assert task.attempt == attempt
        failed = fail(own, task, error="no answer")
        if failed.run_at is not None:
            pauses.append(failed.run_at - value(own, "SELECT now()"))
            assert claim(own, AGENTS[:1], worker="w1") == []
            own.execute("UPDATE ideas.agent_results SET run_at = now()")
    assert failed.status == "failed"
    assert timedelta(seconds=1.9) < pauses[0] <= timedelta(seconds=2)
    assert timedelta(seconds=3.9) < pauses[1] <= timedelta(seconds=4)
    assert states(own, evaluation) == {"pending": 4, "failed": 1}


def test_an_evaluation_can_do_without_an_agent_but_not_without_most(
    connection: Connection,
) -> None:
    """002-10, 002-45"""
    tune(connection, max_attempts=1)
    good = add_evaluation(connection)
    fail(connection, take(connection, "market-research"), error="no answer")
    complete_all(connection, Answer(score=60, output={}))
    row = evaluation_of(connection, good)
    assert isinstance(row.results, dict)
    assert row.results["recommendation"] == "PIVOT"
    assert row.results["confidence_level"] == 0.75
    assert row.results["next_steps"] == []
    bad = add_evaluation(connection)
    complete(connection, take(connection, AGENTS[0]), ANSWER)
    for agent in AGENTS[1:]:
        fail(connection, take(connection, agent), error="no answer")
    row = evaluation_of(connection, bad)
    assert (row.status, row.results) == ("failed", None)
    assert row.error_message == f"Too many agents failed: {', '.join(AGENTS[1:])}"


# --- Leases ---------------------------------------------------------------------


def test_a_lease_that_ended_in_mid_work_is_somebody_elses(
    connection: Connection,
) -> None:
    """002-11, 002-45"""
    evaluation = add_evaluation(connection)
    slow = take(connection, worker="slow")
    lapse(connection, slow)
    assert reap(connection) == 1
    quick = take(connection, worker="quick")
    assert (quick.id, quick.attempt) == (slow.id, 2)
    before = states(connection, evaluation)
    with pytest.raises(LeaseLost):
        complete(connection, slow, Answer(score=1, output={}))
    with pytest.raises(LeaseLost):
        fail(connection, slow, error="too late")
    assert states(connection, evaluation) == before
    complete(connection, quick, Answer(score=99, output={}))
    row = found(tasks.get_agent_result(connection, result_id=quick.id))
    assert (row.score, row.error_message) == (99, "The lease of worker slow ended.")


def test_a_late_answer_counts_while_nobody_else_has_the_task(
    connection: Connection,
) -> None:
    """002-11, 002-45"""
    add_evaluation(connection)
    task = take(connection)
    lapse(connection, task)
    complete(connection, task, ANSWER)
    assert reap(connection) == 0


def test_a_task_is_its_holders_alone(connection: Connection) -> None:
    """002-11, 002-45"""
    add_evaluation(connection)
    mine = take(connection, worker="same-name")
    stranger = Task(**{**as_dict(mine), "worker": "stranger"})
    unheld = Task(**{**as_dict(mine), "id": uuid4()})
    for other in (stranger, unheld):
        with pytest.raises(LeaseLost):
            complete(connection, other, ANSWER)
    lapse(connection, mine)
    reap(connection)
    again = take(connection, worker="same-name")
    # The name is the same, the lease is not.
    with pytest.raises(LeaseLost):
        complete(connection, mine, ANSWER)
    complete(connection, again, ANSWER)
    with pytest.raises(LeaseLost):
        complete(connection, again, ANSWER)


def as_dict(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in Task.__slots__}


def test_a_worker_that_is_alive_can_keep_its_lease(connection: Connection) -> None:
    """002-11"""
    add_evaluation(connection)
    task = take(connection, lease_s=0.001)

    def extend(attempt: int) -> bool:
        return found(
            tasks.extend_lease(
                connection, task_id=task.id, worker="w1", attempt=attempt
            )
        )

    assert extend(attempt=1) is True
    assert reap(connection) == 0
    assert extend(attempt=2) is False
    lapse(connection, task)
    assert reap(connection) == 1
    assert extend(attempt=1) is False


def test_who_dies_too_often_fails_the_task(connection: Connection) -> None:
    """002-45"""
    tune(connection, max_attempts=1)
    evaluation = add_evaluation(connection)
    for task in claim(connection, AGENTS, worker="w1", limit=5):
        lapse(connection, task)
    assert reap(connection) == 5
    assert states(connection, evaluation) == {"failed": 5}
    assert evaluation_of(connection, evaluation).status == "failed"


def test_an_evaluation_that_takes_too_long_fails(connection: Connection) -> None:
    """002-10, 002-45"""
    late, fresh = add_evaluation(connection), add_evaluation(connection)
    held, *_ = claim(connection, AGENTS, worker="w1", limit=7)
    connection.execute(
        "UPDATE ideas.evaluations SET started_at = now() - INTERVAL '31 minutes'"
        " WHERE id = %s",
        [late],
    )
    assert expire(connection) == 1
    assert expire(connection) == 0
    assert states(connection, late) == {"failed": 5}
    assert evaluation_of(connection, late).error_message == "It took too long."
    assert evaluation_of(connection, fresh).status == "analyzing"
    assert held.evaluation_id == late
    with pytest.raises(LeaseLost):
        complete(connection, held, ANSWER)


def test_what_is_cancelled_or_deleted_is_not_worked_on(connection: Connection) -> None:
    """002-37, 002-45"""
    cancelled, deleted = add_evaluation(connection), add_evaluation(connection)
    assert cancel(connection, cancelled, reason="withdrawn") is True
    assert cancel(connection, cancelled, reason="withdrawn") is False
    task = take(connection)
    assert task.evaluation_id == deleted
    business_ideas.soft_delete_idea(connection, idea_id=task.idea_id)
    with pytest.raises(LeaseLost):
        complete(connection, task, ANSWER)
    assert claim(connection, AGENTS, worker="w1", limit=9) == []
    assert reap(connection) == 0


# --- Many at once ---------------------------------------------------------------


async def test_an_asynchronous_connection_does_the_same(
    own: Connection, database_url: str
) -> None:
    """002-33, 002-36"""
    idea = add_idea(own)
    async with await connect_async(database_url, Settings()) as session:
        (submitted,) = await submit_async(session, [idea])
        with pytest.raises(BadInput):
            await submit_async(session, [uuid4()])
        held = await claim_async(session, AGENTS, worker="w1", limit=5)
        assert len(held) == 5
        failed = await fail_async(session, held[0], error="no answer")
        assert failed.status == "pending"
        for task in held[1:]:
            assert await complete_async(session, task, ANSWER) is None
        with pytest.raises(LeaseLost):
            await complete_async(session, held[0], ANSWER)
        with pytest.raises(BadInput, match="no such agent type"):
            await claim_async(session, ["astrology"], worker="w1")
    assert states(own, submitted.id) == {"completed": 4, "pending": 1}


def test_a_worker_survives_what_its_agents_do(
    own: Connection, database_url: str
) -> None:
    """002-23, 002-45"""
    tune(own, backoff_ms=0, max_attempts=2)
    evaluation = add_evaluation(own)

    def raising(task: Task) -> Answer:
        raise OSError("no route to \x00")

    def absurd(task: Task) -> Answer:
        if task.attempt == 1:
            return Answer(score=1, output={"nul": "\x00"})
        return Answer(score=1000, output={})

    def mended(task: Task) -> Answer:
        return ANSWER if task.attempt == 2 else raising(task)

    def robbed(task: Task) -> Answer:
        if task.attempt == 1:
            lapse(own, task)
            reap(own)
        return ANSWER

    doing = dict(zip(AGENTS, (raising, absurd, mended, robbed, mended), strict=True))
    with open_pool(database_url, Settings()) as pool:
        assert work(pool, doing, worker="w1") == 10
    rows = evaluations.evaluation_progress(own, evaluation_id=evaluation)
    assert [row.status for row in rows] == ["failed", "failed", *["completed"] * 3]
    assert rows[0].error_message == r"OSError('no route to \x00')"
    assert "agent_results_score_check" in str(rows[1].error_message)
    assert evaluation_of(own, evaluation).status == "completed"


class Killed(BaseException):
    """What ends a worker without its leave."""


@contextmanager
def executioner(connection: Connection, *, until: threading.Event) -> Iterator[None]:
    """End sessions of the pool, one after another, in whatever they do."""

    def run() -> None:
        while not until.wait(0.15):
            connection.execute(
                """
                SELECT pg_terminate_backend(session.pid)
                FROM pg_stat_activity AS session
                WHERE
                    session.datname = current_database()
                    AND session.application_name = 'workers'
                    AND session.state <> 'idle'
                ORDER BY random()
                LIMIT 1
                """
            )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        until.set()
        thread.join()


@pytest.mark.parametrize("killing", [False, True], ids=["in peace", "under fire"])
def test_120_ideas_at_once_are_evaluated_and_every_task_is_done_exactly_once(
    own: Connection, database_url: str, killing: bool
) -> None:
    """002-20, 002-23, 002-24, 002-36, 002-43, 002-50

    16 workers share a pool of 20. Under fire, one in twelve first attempts dies with
    its worker, the lease still held, and every 150 ms a session is ended in mid-work.
    """
    owner = add_user(own)
    ids = [add_idea(own, user_id=owner) for _ in range(IDEAS)]
    tune(own, lease_s=1, max_attempts=50)
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    watch, over = threading.Lock(), threading.Event()

    def agent(task: Task) -> Answer:
        if killing and task.attempt == 1 and task.id.int % 12 == 0:
            raise Killed
        with watch:
            running[task.agent_type] += 1
            most[task.agent_type] = max(most[task.agent_type], running[task.agent_type])
        time.sleep(0.001)
        with watch:
            running[task.agent_type] -= 1
        return ANSWER

    def submit_one(idea: UUID) -> None:
        while True:  # a session that was ended says nothing of what it did
            with suppress(DatabaseUnavailable):
                in_transaction(pool, lambda c: submit(c, [idea]))
                return

    def employ(number: int) -> None:
        """Work until all is done; what dies is replaced by a new worker."""
        while not over.is_set():
            with suppress(Killed, DatabaseUnavailable):
                work(pool, dict.fromkeys(AGENTS, agent), worker=f"w{number}")
                over.wait(0.05)

    def is_done() -> bool:
        statement = "SELECT count(*) FROM ideas.evaluations WHERE status = 'completed'"
        return bool(value(own, statement) == IDEAS)

    settings = Settings(application_name="workers", pool_min_size=WORKERS)
    with (
        open_pool(database_url, settings) as pool,
        ThreadPoolExecutor(WORKERS) as threads,
        connect(database_url, Settings()) as other,
    ):
        assert pool.max_size == 20
        stop = threading.Event()
        with executioner(other, until=stop) if killing else nullcontext():
            list(threads.map(submit_one, ids))
            employed = [threads.submit(employ, number) for number in range(WORKERS)]
            try:
                deadline = time.monotonic() + 60
                while not is_done() and time.monotonic() < deadline:
                    reap(own)
                    time.sleep(0.05)
            finally:
                over.set()
        for each in employed:
            each.result()
    assert is_done()
    done = value(
        own,
        """
        SELECT array[count(*), count(DISTINCT entry.row_pk)]
        FROM core.audit_log AS entry
        WHERE
            entry.table_name = 'agent_results'
            AND entry.old_row ->> 'status' = 'running'
            AND entry.new_row ->> 'status' = 'completed'
        """,
    )
    assert done == [5 * IDEAS, 5 * IDEAS]
    assert set(most) == set(AGENTS)
    attempts = value(own, "SELECT max(attempts) FROM ideas.agent_results")
    assert (attempts > 1) is killing
    if not killing:  # a worker that lost its session may still be at work
        assert max(most.values()) <= 3
    assert stats.violations(own) == []
