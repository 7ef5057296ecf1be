"""What tests of `promo` are made of: rows that are valid unless told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from pydantic import SecretStr

from drystone.systems.promo import content, limits, tokens, users
from drystone.systems.promo.publishing import Post, Published, PublishingFailed, claim
from drystone.systems.promo.scheduling import schedule
from drystone.systems.promo.tokens import KeyRing, Tokens
from drystone.systems.promo.types import Platform
from tests.systems.rows import found

ALICE_TOKEN: Final = "tok-alice-3f9c"
KEYS: Final = KeyRing({"k1": b"1" * 32}, current="k1")

# Ids of the development seed.
USER: Final = UUID("01900000-0000-7000-8000-a00000000001")
ADMIN: Final = UUID("01900000-0000-7000-8000-a00000000002")
ORGANIZATION: Final = UUID("01900000-0000-7000-8000-c00000000001")
STRATEGY: Final = UUID("01900000-0000-7000-8000-e00000000001")
PILLAR: Final = UUID("01900000-0000-7000-8000-f00000000001")
SERIES: Final = UUID("01900000-0000-7000-8000-f10000000001")
PUBLISHED_PIECE: Final = UUID("01900000-0000-7000-8000-f20000000001")
SCHEDULED_PIECE: Final = UUID("01900000-0000-7000-8000-f20000000002")
ASSET: Final = UUID("01900000-0000-7000-8000-f30000000001")
LINKEDIN: Final = UUID("01900000-0000-7000-8000-f40000000001")
TWITTER: Final = UUID("01900000-0000-7000-8000-f40000000002")
OLD_POST: Final = UUID("01900000-0000-7000-8000-f50000000001")
NEXT_POST: Final = UUID("01900000-0000-7000-8000-f50000000002")

DOCUMENT: Final[dict[str, Any]] = {
    "positioning": {"statement": "first"},
    "audience_segments": [],
    "content_pillars": [],
    "channel_plan": {},
    "cadence": {},
    "calendar_skeleton": {},
}

_numbers = count(1)


def ago(**parts: float) -> datetime:
    return datetime.now(UTC) - timedelta(**parts)


def add_user(connection: Connection[Any], *, plan: str = "scale", **given: Any) -> UUID:
    row = {"email": f"user{next(_numbers)}@example.org", **given}
    user = found(users.create_user(connection, **row)).id
    users.set_user_plan(connection, user_id=user, plan=plan)
    return user


def add_organization(connection: Connection[Any], **given: Any) -> UUID:
    owner = given.pop("user_id", None) or add_user(connection)
    row = {"name": f"Organisation {next(_numbers)}", **given}
    return limits.create_organization(connection, owner, **row).id


def add_account(
    connection: Connection[Any],
    organization_id: UUID,
    platform: Platform = Platform.TWITTER,
    *,
    keys: KeyRing = KEYS,
    refresh: bool = True,
    **given: Any,
) -> UUID:
    row = {"handle": f"handle{next(_numbers)}", **given}
    opened = Tokens(
        SecretStr(ALICE_TOKEN),
        SecretStr(f"re-{ALICE_TOKEN}") if refresh else None,
        row.pop("expires_at", None),
    )
    return tokens.connect(
        connection, keys, organization_id, platform, tokens=opened, **row
    ).id


def add_content(
    connection: Connection[Any],
    organization_id: UUID,
    *,
    approved: bool = True,
    **g: Any,
) -> UUID:
    piece = {"platform": "TWITTER", "body": f"Text {next(_numbers)}", **g}
    (row,) = content.bulk_create_content(
        connection, organization_id=organization_id, pieces=[piece]
    )
    if approved:
        content.approve_content(connection, content_ids=[row.id])
    return row.id


def add_post(connection: Connection[Any], **given: Any) -> UUID:
    """A post that is due, of approved content by an account of its organisation."""
    organization = given.pop("organization_id", None) or add_organization(connection)
    account = given.pop("account_id", None) or add_account(connection, organization)
    piece = given.pop("content_id", None) or add_content(connection, organization)
    row = {"at": ago(seconds=5), "idempotency_key": f"key-{next(_numbers)}", **given}
    return schedule(connection, piece, account, **row).id


def take(connection: Connection[Any], worker: str = "w1", **given: Any) -> Post:
    """Claim one post, which must be there."""
    (post,) = claim(connection, worker, **given)
    return post


class Platforms:
    """A publisher that remembers what it was given, and fails as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.posts: list[Post] = []
        self.failures = list(failures)

    def publish(self, post: Post) -> Published:
        self.posts.append(post)
        if self.failures:
            raise self.failures.pop(0)
        return Published(f"p-{post.id}", f"https://social.example.org/{post.id}")


def refused(**given: Any) -> PublishingFailed:
    return PublishingFailed("rate limit", **given)
