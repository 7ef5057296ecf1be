"""Jobs for the five queues, with the payloads that their workers read.

A job is written into ``core.outbox`` in the caller's transaction: it is sent on if, and
only if, what asked for it is committed. Keys are in camel case outside of Python.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from psycopg import AsyncConnection, Connection
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from drystone.jobs import EmailPriority
from drystone.systems.core import outbox
from drystone.systems.promo.types import ContentType, Platform


class _Payload(BaseModel):
    """What a job says; unknown keys are passed by, for a release may add some."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True
    )

    queue: ClassVar[str]
    name: ClassVar[str]

    def priority_in_queue(self) -> int | None:
        """Return the job's own priority; None is the queue's."""
        return None


class ContentJob(_Payload):
    """Write content for a platform."""

    queue = "content-generation"
    name = "generate-content"

    organization_id: UUID
    user_id: UUID
    platform: Platform
    content_type: ContentType
    pillar_id: UUID | None = None
    count: Annotated[int, Field(ge=1, le=100)] = 1
    scheduled_for: dt.datetime | None = None


class PublishJob(_Payload):
    """Publish a post; the database enqueues it whenever a post gets another time."""

    queue = "publishing"
    name = "publish-post"

    scheduled_post_id: UUID
    organization_id: UUID
    content_piece_id: UUID
    social_account_id: UUID
    retry_count: Annotated[int, Field(ge=0)] = 0


class TimeRange(BaseModel):
    """A period, without its end."""

    model_config = ConfigDict(frozen=True)

    start: dt.datetime
    end: dt.datetime


class AnalyticsJob(_Payload):
    """Collect the figures of a post, or of an account as a whole, of a period."""

    queue = "analytics"
    name = "collect-analytics"

    organization_id: UUID
    social_account_id: UUID
    time_range: TimeRange
    scheduled_post_id: UUID | None = None
    content_piece_id: UUID | None = None


class StrategyJob(_Payload):
    """Propose a strategy."""

    queue = "strategy-generation"
    name = "generate-strategy"

    organization_id: UUID
    user_id: UUID
    previous_strategy_id: UUID | None = None
    regenerate: bool = False


class EmailJob(_Payload):
    """Send an e-mail made from a template."""

    queue = "email"
    name = "send-email"

    to: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    subject: Annotated[str, Field(min_length=1, max_length=998)]
    template: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    data: dict[str, JsonValue] = Field(default_factory=dict, repr=False)
    priority: Literal["high", "normal", "low"] | None = None

    def priority_in_queue(self) -> int | None:
        """Return 1, 3 or 5 for high, normal and low; without one, the queue's 4."""
        return None if self.priority is None else EmailPriority[self.priority.upper()]


Job = ContentJob | PublishJob | AnalyticsJob | StrategyJob | EmailJob


def enqueue(
    connection: Connection[Any], job: Job, *, run_at: dt.datetime | None = None
) -> UUID:
    """Write a job into the outbox, in the connection's transaction; return its id.

    It is not begun before ``run_at``.
    """
    return _only(outbox.enqueue_outbox(connection, **_row(job), run_at=run_at))


async def enqueue_async(
    connection: AsyncConnection[Any], job: Job, *, run_at: dt.datetime | None = None
) -> UUID:
    """Do for an asynchronous connection what :func:`enqueue` does."""
    return _only(await outbox.enqueue_outbox(connection, **_row(job), run_at=run_at))


def _row(job: Job) -> dict[str, Any]:
    return {
        "queue": job.queue,
        "name": job.name,
        "payload": job.model_dump(mode="json", by_alias=True, exclude_none=True),
        "priority": job.priority_in_queue(),
    }


def _only(job_id: UUID | None) -> UUID:
    if job_id is None:
        raise AssertionError("unreachable: INSERT ... RETURNING gives a row")
    return job_id
