"""Posts are scheduled: once however often they are asked for, and not too close."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection, Connection

from drystone.errors import BadInput, UniqueViolation
from drystone.systems.promo import posts
from drystone.systems.promo.posts import SchedulePostRow
from drystone.systems.promo.types import PostStatus

_LIVE_TEXT: Final = "content_pieces_live_key"


class NotSchedulable(BadInput):
    """The post cannot be scheduled; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A post that is scheduled, by this request or by the same one before."""

    id: UUID
    scheduled_at: datetime
    status: PostStatus
    is_new: bool


def schedule(
    connection: Connection[Any],
    content_id: UUID,
    social_account_id: UUID,
    *,
    at: datetime,
    idempotency_key: str,
    gap: timedelta | None = None,
) -> Scheduled:
    """Schedule approved content by an account of the same organisation.

    The same request again, by its idempotency key, returns the post that is there. With
    ``gap`` the post moves to the first time from ``at`` on that is so far away from the
    account's other posts. Raises NotSchedulable, and ConstraintViolation for another
    organisation's account, an account or content that is not usable, or an identical
    text on its way.
    """
    known = _known(
        posts.find_post_by_key(
            connection, content_id=content_id, idempotency_key=idempotency_key
        ),
        content_id,
        social_account_id,
    )
    if known is not None:
        return known
    with connection.transaction():
        if gap is not None:
            posts.lock_account(connection, social_account_id=social_account_id)
            at = (
                posts.next_free_slot(
                    connection,
                    social_account_id=social_account_id,
                    from_time=at,
                    gap=gap,
                )
                or at
            )
        try:
            row = posts.schedule_post(
                connection,
                content_id=content_id,
                social_account_id=social_account_id,
                scheduled_at=at,
                idempotency_key=idempotency_key,
            )
        except UniqueViolation as error:
            raise _same_text(error) from error
        if row is not None:
            return _new(row)
    # Somebody scheduled it by the same key at the same time.
    return _scheduled_by_another(
        posts.find_post_by_key(
            connection, content_id=content_id, idempotency_key=idempotency_key
        ),
        content_id,
        social_account_id,
    )


async def schedule_async(
    connection: AsyncConnection[Any],
    content_id: UUID,
    social_account_id: UUID,
    *,
    at: datetime,
    idempotency_key: str,
    gap: timedelta | None = None,
) -> Scheduled:
    """Do for an asynchronous connection what :func:`schedule` does."""
    known = _known(
        await posts.find_post_by_key(
            connection, content_id=content_id, idempotency_key=idempotency_key
        ),
        content_id,
        social_account_id,
    )
    if known is not None:
        return known
    async with connection.transaction():
        if gap is not None:
            await posts.lock_account(connection, social_account_id=social_account_id)
            slot = await posts.next_free_slot(
                connection, social_account_id=social_account_id, from_time=at, gap=gap
            )
            at = slot or at
        try:
            row = await posts.schedule_post(
                connection,
                content_id=content_id,
                social_account_id=social_account_id,
                scheduled_at=at,
                idempotency_key=idempotency_key,
            )
        except UniqueViolation as error:
            raise _same_text(error) from error
        if row is not None:
            return _new(row)
    return _scheduled_by_another(
        await posts.find_post_by_key(
            connection, content_id=content_id, idempotency_key=idempotency_key
        ),
        content_id,
        social_account_id,
    )


def _new(row: SchedulePostRow) -> Scheduled:
    return Scheduled(row.id, row.scheduled_at, row.status, is_new=True)


def _known(
    row: SchedulePostRow | None, content_id: UUID, social_account_id: UUID
) -> Scheduled | None:
    if row is None:
        return None
    if (row.content_piece_id, row.social_account_id) != (content_id, social_account_id):
        raise NotSchedulable(
            "the idempotency key was used for another post",
            hint="Make a new key for each post; use it again for the same one only.",
        )
    return Scheduled(row.id, row.scheduled_at, row.status, is_new=False)


def _scheduled_by_another(
    row: SchedulePostRow | None, content_id: UUID, social_account_id: UUID
) -> Scheduled:
    known = _known(row, content_id, social_account_id)
    if known is None:
        raise NotSchedulable(
            f"there is no content {content_id}", hint="It may be deleted."
        )
    return known


def _same_text(error: UniqueViolation) -> Exception:
    if error.constraint != _LIVE_TEXT:
        return error
    return NotSchedulable(
        "the same text is scheduled or published on this platform already",
        hint="Change the text, or archive the other content.",
        sqlstate=error.sqlstate,
        query=error.query,
    )
