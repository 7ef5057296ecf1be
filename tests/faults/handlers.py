"""What the workers of test_jobs.py do: note an effect, and fail now and then."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection, Connection
from pydantic import BaseModel

from drystone.jobs import Job, Registry

registry = Registry()


class Task(BaseModel):
    """A job of one writer, by its number; ``fail``: its first attempt does."""

    writer: int
    number: int
    fail: bool = False


INSERT = "INSERT INTO effects (job_id) VALUES (%s)"


@registry.handler("email", "task")
async def task(connection: AsyncConnection[Any], payload: Task, job: Job) -> None:
    await connection.execute(INSERT, [job.id])
    if payload.fail and job.attempt == 1:
        raise ValueError


@registry.handler("analytics", "task")
def task_in_thread(connection: Connection[Any], payload: Task, job: Job) -> None:
    connection.execute(INSERT, [job.id])
    if payload.fail and job.attempt == 1:
        raise ValueError
