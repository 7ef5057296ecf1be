"""An evaluation from its submission to its results, safe among many workers at once.

An idea that is submitted has one evaluation under way, with a task for each agent that
is enabled. Workers claim tasks under a lease, and complete them or fail; who brings the
last one finishes the evaluation. What a dead worker held is claimed by another when its
lease has ended.

Each function is one transaction, or a part of the one that it is called in, and locks
an idea before what is below it. To run it again when it loses against another one, hand
it to ``drystone.database.transactions``::

    in_transaction(pool, lambda connection: submit(connection, [idea_id]))
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from psycopg import AsyncConnection, Connection
from pydantic import JsonValue

from drystone.database.pool import Pool
from drystone.database.transactions import in_transaction
from drystone.errors import BadInput
from drystone.queries.runtime import JsonInput
from drystone.systems.ideas import agents as agent_types
from drystone.systems.ideas import evaluations, tasks
from drystone.systems.ideas.agents import ListAgentTypesRow
from drystone.systems.ideas.evaluations import FinishEvaluationRow, SubmitIdeasRow
from drystone.systems.ideas.tasks import ClaimAgentTasksRow, FailAgentTaskRow
from drystone.systems.ideas.types import EvaluationPriority

logger = logging.getLogger(__name__)

T = TypeVar("T")

# How long an evaluation may take in all.
TIME_LIMIT: Final = timedelta(minutes=30)

_NORMAL: Final = EvaluationPriority.NORMAL


class LeaseLost(BadInput):
    """The task is not, or no longer, the worker's; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker holds: one attempt of one agent at one idea."""

    id: UUID
    evaluation_id: UUID
    agent_type: str
    worker: str
    attempt: int
    input_data: JsonValue
    idea_id: UUID
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent makes of an idea: a score from 0 to 100, and why."""

    score: float
    output: JsonInput
    insights: JsonInput | None = None


# --- Submission -----------------------------------------------------------------


def submit(
    connection: Connection[Any],
    idea_ids: Sequence[UUID],
    *,
    priority: EvaluationPriority = _NORMAL,
    input_data: JsonInput | None = None,
) -> list[SubmitIdeasRow]:
    """Submit ideas and return the evaluation of each that is under way.

    Submitting again changes nothing until that one has ended. ``input_data`` is for the
    agents. Raises BadInput, and submits none, if an idea does not exist or is deleted.
    """
    with connection.transaction():
        evaluations.lock_ideas(connection, idea_ids=idea_ids)
        rows = evaluations.submit_ideas(
            connection, idea_ids=idea_ids, priority=priority, input_data=input_data
        )
        _check_submitted(idea_ids, rows)
    return rows


async def submit_async(
    connection: AsyncConnection[Any],
    idea_ids: Sequence[UUID],
    *,
    priority: EvaluationPriority = _NORMAL,
    input_data: JsonInput | None = None,
) -> list[SubmitIdeasRow]:
    """Do for an asynchronous connection what :func:`submit` does."""
    async with connection.transaction():
        await evaluations.lock_ideas(connection, idea_ids=idea_ids)
        rows = await evaluations.submit_ideas(
            connection, idea_ids=idea_ids, priority=priority, input_data=input_data
        )
        _check_submitted(idea_ids, rows)
    return rows


def _check_submitted(idea_ids: Iterable[UUID], rows: Iterable[SubmitIdeasRow]) -> None:
    missing = set(idea_ids) - {row.business_idea_id for row in rows}
    if missing:
        raise BadInput(
            f"{len(missing)} of the ideas cannot be submitted",
            hint="Each must exist and not be deleted, and an agent must be enabled.",
        )


# --- Tasks ----------------------------------------------------------------------


def claim(
    connection: Connection[Any],
    agents: Sequence[str],
    *,
    worker: str,
    limit: int = 1,
    lease_s: float | None = None,
) -> list[Task]:
    """Claim tasks of some agent types, up to ``limit``, longest wait first.

    Evaluations that wait are started only when those under way have too few tasks left.
    Without ``lease_s`` a lease is as long as the agent type says. Raises BadInput if
    there are no tasks, and an agent type that does not exist.
    """
    with connection.transaction():
        rows = tasks.claim_agent_tasks(
            connection,
            agent_types=agents,
            worker=worker,
            lease_s=lease_s,
            limit_rows=limit,
        )
        missing = limit - len(rows)
        if missing and evaluations.start_evaluations(connection, limit_rows=missing):
            rows += tasks.claim_agent_tasks(
                connection,
                agent_types=agents,
                worker=worker,
                lease_s=lease_s,
                limit_rows=missing,
            )
    if not rows:
        _check_agents(agents, agent_types.list_agent_types(connection))
    return [_task(row, worker) for row in rows]


async def claim_async(
    connection: AsyncConnection[Any],
    agents: Sequence[str],
    *,
    worker: str,
    limit: int = 1,
    lease_s: float | None = None,
) -> list[Task]:
    """Do for an asynchronous connection what :func:`claim` does."""
    async with connection.transaction():
        rows = await tasks.claim_agent_tasks(
            connection,
            agent_types=agents,
            worker=worker,
            lease_s=lease_s,
            limit_rows=limit,
        )
        missing = limit - len(rows)
        if missing and await evaluations.start_evaluations(
            connection, limit_rows=missing
        ):
            rows += await tasks.claim_agent_tasks(
                connection,
                agent_types=agents,
                worker=worker,
                lease_s=lease_s,
                limit_rows=missing,
            )
    if not rows:
        _check_agents(agents, await agent_types.list_agent_types(connection))
    return [_task(row, worker) for row in rows]


def complete(
    connection: Connection[Any], task: Task, answer: Answer
) -> FinishEvaluationRow | None:
    """Complete a task; return the evaluation if that was its last one.

    Raises LeaseLost if another worker has the task by now, and ConstraintViolation for
    a score that is none.
    """
    with connection.transaction():
        evaluations.lock_idea_of(connection, evaluation_id=task.evaluation_id)
        _held(
            tasks.complete_agent_task(
                connection,
                task_id=task.id,
                worker=task.worker,
                attempt=task.attempt,
                output_data=answer.output,
                score=answer.score,
                insights=answer.insights,
            )
        )
        return evaluations.finish_evaluation(
            connection, evaluation_id=task.evaluation_id
        )


async def complete_async(
    connection: AsyncConnection[Any], task: Task, answer: Answer
) -> FinishEvaluationRow | None:
    """Do for an asynchronous connection what :func:`complete` does."""
    async with connection.transaction():
        await evaluations.lock_idea_of(connection, evaluation_id=task.evaluation_id)
        _held(
            await tasks.complete_agent_task(
                connection,
                task_id=task.id,
                worker=task.worker,
                attempt=task.attempt,
                output_data=answer.output,
                score=answer.score,
                insights=answer.insights,
            )
        )
        return await evaluations.finish_evaluation(
            connection, evaluation_id=task.evaluation_id
        )


def fail(connection: Connection[Any], task: Task, *, error: str) -> FailAgentTaskRow:
    """Give a task back after an attempt that failed; the last one fails it for good.

    Then the evaluation may be finished, too. Raises LeaseLost as :func:`complete` does.
    """
    with connection.transaction():
        evaluations.lock_idea_of(connection, evaluation_id=task.evaluation_id)
        failed = _held(
            tasks.fail_agent_task(
                connection,
                task_id=task.id,
                worker=task.worker,
                attempt=task.attempt,
                error=error,
            )
        )
        evaluations.finish_evaluation(connection, evaluation_id=task.evaluation_id)
    return failed


async def fail_async(
    connection: AsyncConnection[Any], task: Task, *, error: str
) -> FailAgentTaskRow:
    """Do for an asynchronous connection what :func:`fail` does."""
    async with connection.transaction():
        await evaluations.lock_idea_of(connection, evaluation_id=task.evaluation_id)
        failed = _held(
            await tasks.fail_agent_task(
                connection,
                task_id=task.id,
                worker=task.worker,
                attempt=task.attempt,
                error=error,
            )
        )
        await evaluations.finish_evaluation(
            connection, evaluation_id=task.evaluation_id
        )
    return failed


def work(
    pool: Pool, agents: Mapping[str, Callable[[Task], Answer]], *, worker: str
) -> int:
    """Do tasks, one after the other, until none can be claimed; return how many.

    No connection is held while an agent is at work. An agent that raises, or answers
    what the database refuses, has failed an attempt; an answer that comes too late is
    dropped.
    """
    done = 0
    while claimed := in_transaction(
        pool, lambda connection: claim(connection, list(agents), worker=worker)
    ):
        for task in claimed:
            _do(pool, task, agents[task.agent_type])
            done += 1
    return done


def _do(pool: Pool, task: Task, agent: Callable[[Task], Answer]) -> None:
    try:
        error = _attempt(pool, task, agent)
        if error is not None:
            in_transaction(pool, lambda c: fail(c, task, error=error))
    except LeaseLost:
        logger.warning("lease lost, agent=%s task=%s", task.agent_type, task.id)


def _attempt(pool: Pool, task: Task, agent: Callable[[Task], Answer]) -> str | None:
    """Do a task; return what is wrong with the agent's answer, if anything."""
    try:
        answer = agent(task)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the agent's
        return repr(error)  # which escapes what a text cannot hold
    try:
        in_transaction(pool, lambda c: complete(c, task, answer))
    except LeaseLost:
        raise
    except BadInput as refused:
        return refused.message
    return None


def _task(row: ClaimAgentTasksRow, worker: str) -> Task:
    return Task(
        id=row.id,
        evaluation_id=row.evaluation_id,
        agent_type=row.agent_type,
        worker=worker,
        attempt=row.attempt,
        input_data=row.input_data,
        idea_id=row.idea_id,
        title=row.title,
        description=row.description,
    )


def _check_agents(asked: Iterable[str], known: Iterable[ListAgentTypesRow]) -> None:
    names = [row.agent_type for row in known]
    if set(asked) - set(names):
        raise BadInput(
            "there is no such agent type",
            hint=f"There are: {', '.join(names)}.",
        )


def _held(result: T | None) -> T:
    """Return what a statement did for the holder of a task, unless that was nothing."""
    if not result:
        raise LeaseLost(
            "the worker does not hold this task, or no longer",
            hint="Drop the answer: another worker has the task, or it was given up.",
        )
    return result


# --- What nobody finishes -------------------------------------------------------


def reap(connection: Connection[Any]) -> int:
    """Take tasks from workers whose lease has ended; return how many.

    They can be claimed again, or have failed after their last attempt.
    """
    reaped = 0
    for evaluation_id in tasks.abandoned_evaluations(connection):
        with connection.transaction():
            evaluations.lock_idea_of(connection, evaluation_id=evaluation_id)
            reaped += tasks.reap_expired_leases(connection, evaluation_id=evaluation_id)
            evaluations.finish_evaluation(connection, evaluation_id=evaluation_id)
    return reaped


def expire(connection: Connection[Any], *, older_than: timedelta = TIME_LIMIT) -> int:
    """Fail the evaluations that were started too long ago; return how many."""
    return sum(
        cancel(connection, evaluation_id, reason="It took too long.")
        for evaluation_id in evaluations.overdue_evaluations(
            connection, older_than=older_than
        )
    )


def cancel(connection: Connection[Any], evaluation_id: UUID, *, reason: str) -> bool:
    """Fail an evaluation and all its open tasks; return whether it was under way."""
    with connection.transaction():
        evaluations.lock_idea_of(connection, evaluation_id=evaluation_id)
        failed = evaluations.fail_evaluation(
            connection, evaluation_id=evaluation_id, error=reason
        )
    return failed == 1
