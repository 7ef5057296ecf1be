"""Posts on their way to the platform, safe among many workers at once.

A post that is due is claimed under a lease, published, and ended as published or
failed; what a dead worker held is taken from it when its lease has ended. Whoever lost
a lease cannot end the post any more. All attempts of a post have one idempotency key
for the platform: what an attempt published whose end nobody heard of is not published
twice, where the platform knows such keys.

There are two ways to have posts published: :func:`work`, which looks for what is due,
and :class:`PublishPost`, for the jobs that the database writes into ``core.outbox``.
Both may run at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from psycopg import AsyncConnection, Connection
from pydantic import JsonValue

from drystone.database.pool import Pool
from drystone.database.transactions import in_transaction
from drystone.errors import BadInput
from drystone.systems.promo import jobs, posts
from drystone.systems.promo.jobs import PublishJob
from drystone.systems.promo.posts import (
    ClaimDuePostsRow,
    PostFailedRow,
    PostPublishedRow,
)
from drystone.systems.promo.types import ContentType, Platform, PostStatus

logger = logging.getLogger(__name__)

T = TypeVar("T")

_A_MINUTE: Final = timedelta(minutes=1)
_YET_TO_COME: Final = (PostStatus.SCHEDULED, PostStatus.RETRYING)


class LeaseLost(BadInput):
    """The post is not, or no longer, the worker's; nothing was changed."""


class PublishingFailed(Exception):
    """What a publisher raises: the platform did not take the post, and why.

    The reason is stored and sent to the owner: it must have no token in it. ``retry``
    is false if the platform will never take it.
    """

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker holds: one attempt to publish one piece by one account.

    ``sealed_token`` is the account's access token, to be opened by
    ``KeyRing.open(post.sealed_token, Owner(...), key_id=post.token_key_id)``.
    """

    id: UUID
    worker: str
    attempt: int
    lease_until: datetime | None
    organization_id: UUID
    content_piece_id: UUID
    social_account_id: UUID
    platform: Platform
    type: ContentType
    title: str | None
    body: str = field(repr=False)
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    media_refs: JsonValue
    handle: str
    is_active: bool
    sealed_token: bytes = field(repr=False)
    token_key_id: str

    @property
    def idempotency_key(self) -> str:
        """The same for all attempts of the post."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Published:
    """How the platform calls the post."""

    platform_post_id: str
    url: str | None = None


class Publisher(Protocol):
    """Takes posts to platforms."""

    def publish(self, post: Post) -> Published:
        """Publish a post; raise PublishingFailed if the platform does not take it."""
        ...


# --- Attempts -------------------------------------------------------------------


def claim(
    connection: Connection[Any],
    worker: str,
    *,
    limit: int = 1,
    lease_s: float | None = None,
    post_id: UUID | None = None,
) -> list[Post]:
    """Claim posts that are due, longest due first, or one of them by its id.

    A lease is as long as the queue publishing says, unless ``lease_s`` does.
    """
    rows = posts.claim_due_posts(
        connection, worker=worker, limit_rows=limit, lease_s=lease_s, post_id=post_id
    )
    return [_post(row, worker) for row in rows]


async def claim_async(
    connection: AsyncConnection[Any],
    worker: str,
    *,
    limit: int = 1,
    lease_s: float | None = None,
    post_id: UUID | None = None,
) -> list[Post]:
    """Do for an asynchronous connection what :func:`claim` does."""
    rows = await posts.claim_due_posts(
        connection, worker=worker, limit_rows=limit, lease_s=lease_s, post_id=post_id
    )
    return [_post(row, worker) for row in rows]


def succeed(
    connection: Connection[Any], post: Post, published: Published
) -> PostPublishedRow:
    """End an attempt: the post is out; its analytics are collected one hour later.

    Raises LeaseLost if the worker does not hold the post any more.
    """
    return _held(
        posts.post_published(
            connection,
            post_id=post.id,
            worker=post.worker,
            attempt=post.attempt,
            platform_post_id=published.platform_post_id,
            platform_url=published.url,
        )
    )


async def succeed_async(
    connection: AsyncConnection[Any], post: Post, published: Published
) -> PostPublishedRow:
    """Do for an asynchronous connection what :func:`succeed` does."""
    return _held(
        await posts.post_published(
            connection,
            post_id=post.id,
            worker=post.worker,
            attempt=post.attempt,
            platform_post_id=published.platform_post_id,
            platform_url=published.url,
        )
    )


def fail(
    connection: Connection[Any], post: Post, *, error: str, retry: bool = True
) -> PostFailedRow:
    """End an attempt that failed: the next comes 2, 4, 8 … seconds later.

    After the last one, or without ``retry``, the post has failed, and its owner is told
    by e-mail. Raises LeaseLost as :func:`succeed` does.
    """
    return _held(
        posts.post_failed(
            connection,
            post_id=post.id,
            worker=post.worker,
            attempt=post.attempt,
            error=error,
            retry=retry,
        )
    )


async def fail_async(
    connection: AsyncConnection[Any], post: Post, *, error: str, retry: bool = True
) -> PostFailedRow:
    """Do for an asynchronous connection what :func:`fail` does."""
    return _held(
        await posts.post_failed(
            connection,
            post_id=post.id,
            worker=post.worker,
            attempt=post.attempt,
            error=error,
            retry=retry,
        )
    )


def release(connection: Connection[Any], post: Post) -> bool:
    """Give a post back that was not tried, at shutdown; tell whether it was held."""
    released = posts.release_post(
        connection, post_id=post.id, worker=post.worker, attempt=post.attempt
    )
    return released == 1


def work(pool: Pool, publisher: Publisher, *, worker: str) -> int:
    """Publish what is due, one post after the other; return how many attempts it took.

    No connection is held while the publisher is at work. What it raises fails the
    attempt; an end that comes after the lease is dropped.
    """
    done = 0
    while claimed := in_transaction(pool, lambda connection: claim(connection, worker)):
        for post in claimed:
            outcome = _attempt(publisher, post)
            try:
                in_transaction(pool, partial(_end, post=post, outcome=outcome))
            except LeaseLost:
                logger.warning("lease lost, post=%s attempt=%d", post.id, post.attempt)
            done += 1
    return done


@dataclass(frozen=True, slots=True)
class PublishPost:
    """The handler of publish-post jobs, by a publisher.

    A failed attempt is no failed job: the post has its own attempts and pauses, and the
    next attempt a job of its own. The publisher must be done before the session's limit
    of idle transactions, 60 seconds unless configured.
    """

    publisher: Publisher
    worker: str = "publish-post"

    def handle(self, connection: Connection[Any], payload: PublishJob) -> None:
        """Publish a post if it is due and nobody holds it, in the open transaction."""
        post_id = payload.scheduled_post_id
        claimed = claim(connection, self.worker, post_id=post_id)
        for post in claimed:
            _end(connection, post, _attempt(self.publisher, post))
        if not claimed:
            self._come_again(connection, payload)

    def _come_again(self, connection: Connection[Any], payload: PublishJob) -> None:
        """Ask for the job again if the post is yet to come.

        Either the job came too early, by another clock or for a time that was changed;
        or the post is locked, or the queue paused, and a minute is time enough.
        """
        post = posts.get_post(connection, post_id=payload.scheduled_post_id)
        if post is not None and post.status in _YET_TO_COME:
            now = datetime.now(UTC)
            later = post.due_at if post.due_at > now else now + _A_MINUTE
            jobs.enqueue(connection, payload, run_at=later)


def _attempt(publisher: Publisher, post: Post) -> Published | PublishingFailed:
    if not post.is_active:
        return PublishingFailed("the account is not connected", retry=False)
    try:
        return publisher.publish(post)
    except PublishingFailed as failed:
        return failed
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the publisher's
        # Its words may hold what was sent to the platform, the token among it.
        return PublishingFailed(f"the publisher raised {type(error).__name__}")


def _end(
    connection: Connection[Any], post: Post, outcome: Published | PublishingFailed
) -> PostPublishedRow | PostFailedRow:
    if isinstance(outcome, Published):
        return succeed(connection, post, outcome)
    return fail(connection, post, error=outcome.reason, retry=outcome.retry)


def _post(row: ClaimDuePostsRow, worker: str) -> Post:
    return Post(
        id=row.id,
        worker=worker,
        attempt=row.attempt_count,
        lease_until=row.lease_until,
        organization_id=row.organization_id,
        content_piece_id=row.content_piece_id,
        social_account_id=row.social_account_id,
        platform=row.platform,
        type=row.type,
        title=row.title,
        body=row.body,
        hashtags=tuple(tag for tag in row.hashtags if tag),
        mentions=tuple(name for name in row.mentions if name),
        media_refs=row.media_refs,
        handle=row.handle,
        is_active=row.is_active,
        sealed_token=row.access_token_encrypted,
        token_key_id=row.token_key_id,
    )


def _held(result: T | None) -> T:
    """Return what a statement did for the holder of a post, unless that was nothing."""
    if result is None:
        raise LeaseLost(
            "the worker does not hold this post, or no longer",
            hint="Drop the outcome: the next attempt has the same idempotency key.",
        )
    return result


# --- What nobody finishes -------------------------------------------------------


def reap(connection: Connection[Any]) -> int:
    """Take posts from workers whose lease has ended; return how many.

    They are due again after a pause, or have failed after their last attempt.
    """
    return len(posts.reap_publishing(connection))
