"""Figures of posts and accounts, brought by a collector and stored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

from psycopg import Connection
from pydantic import BaseModel, ConfigDict, Field

from drystone.systems.promo import accounts, analytics, posts
from drystone.systems.promo.jobs import AnalyticsJob, TimeRange
from drystone.systems.promo.types import MetricType, Platform

_Count = Annotated[int, Field(ge=0)]


class Figures(BaseModel):
    """What a platform counted in a period; a period that is not given is the asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric_type: MetricType = MetricType.ENGAGEMENT
    period: TimeRange | None = None
    impressions: _Count = 0
    likes: _Count = 0
    comments: _Count = 0
    shares: _Count = 0
    saves: _Count = 0
    clicks: _Count = 0
    reach: _Count = 0
    followers_delta: int = 0
    website_clicks: _Count = 0
    signups: _Count = 0
    demos: _Count = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """What figures are asked of: a post, or an account as a whole."""

    social_account_id: UUID
    platform: Platform
    handle: str
    platform_post_id: str | None
    time_range: TimeRange


class Collector(Protocol):
    """Asks platforms how a post or an account did."""

    def collect(self, subject: Subject) -> Sequence[Figures]:
        """Return the figures of a period; what it raises fails the job."""
        ...


@dataclass(frozen=True, slots=True)
class CollectAnalytics:
    """The handler of collect-analytics jobs, by a collector.

    Doing a job again replaces its figures: nothing is counted twice.
    """

    collector: Collector

    def handle(self, connection: Connection[Any], payload: AnalyticsJob) -> None:
        """Store the figures of a post or account, unless the account is deleted."""
        account = accounts.get_account(connection, account_id=payload.social_account_id)
        if account is None or account.organization_id != payload.organization_id:
            return
        post = None
        if payload.scheduled_post_id is not None:
            post = posts.get_post(connection, post_id=payload.scheduled_post_id)
            if post is None:
                return
        subject = Subject(
            account.id,
            account.platform,
            account.handle,
            post.platform_post_id if post else None,
            payload.time_range,
        )
        known = {
            "organization_id": account.organization_id,
            "social_account_id": account.id,
            "platform": account.platform,
            "scheduled_post_id": post.id if post else None,
            "content_piece_id": post.content_piece_id if post else None,
        }
        store(connection, subject, known, self.collector.collect(subject))


def store(
    connection: Connection[Any],
    subject: Subject,
    known: dict[str, Any],
    figures: Sequence[Figures],
) -> int:
    """Store figures of a subject, in place of earlier ones; return how many rows."""
    rows = []
    for each in figures:
        period = each.period or subject.time_range
        counts = each.model_dump(mode="json", exclude={"period"})
        places = {
            key: str(value)
            for key, value in known.items()
            if value is not None and key != "organization_id"
        }
        times = {
            "period_start": period.start.isoformat(),
            "period_end": period.end.isoformat(),
        }
        rows.append({**counts, **places, **times})
    return analytics.upsert_analytics(
        connection, organization_id=known["organization_id"], figures=rows
    )
