"""The promo system at full size and at a tenth of it: what grows, and what does not.

At full size there are 2,000 organisations with 100 pieces and 200 posts each, and
1,000,000 rows of analytics, of which one organisation has a share like any other. One
post in a hundred is due. 40 pieces of the first organisation hold the words that are
searched for, at either size; its vectors are random.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from psycopg import Connection

from benchmarks.growth import Question, show_growth, show_plan
from drystone.systems.promo import (
    analytics,
    content,
    organizations,
    plans,
    posts,
    users,
)
from drystone.systems.promo.types import ContentStatus, Platform, UsageMetric

_NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Size:
    """How many organisations there are; all else follows."""

    organizations: int

    @property
    def pieces(self) -> int:
        """100 for each."""
        return self.organizations * 100

    @property
    def posts(self) -> int:
        """200 for each."""
        return self.organizations * 200

    @property
    def figures(self) -> int:
        """500 for each."""
        return self.organizations * 500


FULL: Final = Size(organizations=2_000)
TENTH: Final = Size(organizations=200)

_EMPTY = "TRUNCATE promo.users CASCADE"

_USERS = """
INSERT INTO promo.users (id, email, plan)
SELECT md5('u' || n)::uuid, 'user' || n || '@example.org', 'scale'
FROM generate_series(0, %(organizations)s - 1) AS n
"""

_ORGANIZATIONS = """
INSERT INTO promo.organizations (id, user_id, name, category, markets)
SELECT
    md5('o' || n)::uuid,
    md5('u' || n)::uuid,
    CASE
        WHEN n %% (%(organizations)s / 20) = 0 THEN 'Zeppelin Logistics ' || n
        ELSE initcap(translate(left(md5(n::text), 14), '0123456789', ' aeioustrn'))
            || ' of ' || n
    END,
    'category ' || n %% 20,
    ARRAY['US', 'M' || n %% 50]
FROM generate_series(0, %(organizations)s - 1) AS n
"""

_PIECES = """
INSERT INTO promo.content_pieces (
    id, organization_id, platform, status, type, title, body, confidence, embedding,
    published_at, created_at
)
SELECT
    md5('c' || n)::uuid,
    md5('o' || n %% %(organizations)s)::uuid,
    (enum_range(NULL::promo.platform))[1 + n %% 8],
    CASE WHEN n %% 5 = 0 THEN 'DRAFT' ELSE 'PUBLISHED' END::promo.content_status,
    (enum_range(NULL::promo.content_type))[1 + n %% 7],
    'Piece ' || n,
    md5(n::text) || ' ' || repeat('some words about the trade ', 8)
        || CASE
            WHEN n %% %(organizations)s = 0 AND n / %(organizations)s < 40
            THEN ' zeppelin logistics'
            ELSE ''
        END,
    0.8,
    CASE
        WHEN n %% %(organizations)s < 20
        THEN (
            SELECT array_agg(random() - 0.5 + 0 * (n + axis))::real[]::public.vector
            FROM generate_series(1, 384) AS axis
        )
    END,
    CASE WHEN n %% 5 > 0 THEN now() - make_interval(mins => n) END,
    now() - make_interval(mins => n)
FROM generate_series(0, %(pieces)s - 1) AS n
"""

_ACCOUNTS = """
INSERT INTO promo.social_accounts (
    id, organization_id, platform, handle, access_token_encrypted, token_key_id
)
SELECT
    md5('a' || n)::uuid,
    md5('o' || n)::uuid,
    'TWITTER',
    'handle' || n,
    decode(repeat('00', 40), 'hex'),
    'k'
FROM generate_series(0, %(organizations)s - 1) AS n
"""

_POSTS = """
INSERT INTO promo.scheduled_posts (
    id, organization_id, content_piece_id, social_account_id, scheduled_at, status,
    published_at, idempotency_key
)
SELECT
    md5('p' || n)::uuid,
    md5('o' || n %% %(organizations)s)::uuid,
    md5('c' || n %% %(pieces)s)::uuid,
    md5('a' || n %% %(organizations)s)::uuid,
    now() - make_interval(secs => 60.0 * 43200 * n / %(posts)s),
    CASE WHEN n %% 100 = 0 THEN 'SCHEDULED' ELSE 'PUBLISHED' END::promo.post_status,
    CASE
        WHEN n %% 100 > 0
        THEN now() - make_interval(secs => 60.0 * 43200 * n / %(posts)s)
    END,
    'key-' || n
FROM generate_series(0, %(posts)s - 1) AS n
"""

_FIGURES = """
INSERT INTO promo.analytics (
    organization_id, content_piece_id, scheduled_post_id, social_account_id, platform,
    metric_type, impressions, likes, shares, clicks, period_start, period_end
)
SELECT
    md5('o' || n %% %(organizations)s)::uuid,
    md5('c' || n %% %(pieces)s)::uuid,
    md5('p' || n %% %(posts)s)::uuid,
    md5('a' || n %% %(organizations)s)::uuid,
    'TWITTER',
    (enum_range(NULL::promo.metric_type))[1 + n / %(posts)s],
    1000,
    n %% 40,
    n %% 7,
    n %% 13,
    now() - make_interval(secs => 60.0 * 43200 * n / %(figures)s),
    now() - make_interval(secs => 60.0 * 43200 * n / %(figures)s - 3600)
FROM generate_series(0, %(figures)s - 1) AS n
"""

_STEPS = (_USERS, _ORGANIZATIONS, _PIECES, _ACCOUNTS, _POSTS, _FIGURES)


def load(connection: Connection[Any], size: Size) -> None:
    """Replace all rows of the system by generated ones, without its triggers."""
    numbers = {
        "organizations": size.organizations,
        "pieces": size.pieces,
        "posts": size.posts,
        "figures": size.figures,
    }
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(_EMPTY)
        for step in _STEPS:
            connection.execute(step.encode(), numbers)
    connection.execute("VACUUM (ANALYZE) promo.organizations, promo.content_pieces")
    connection.execute("VACUUM (ANALYZE) promo.scheduled_posts, promo.analytics")


def run(connection: Connection[Any]) -> None:
    """Print the median of each query at both sizes, and without indexes, and plans."""
    show_growth(
        connection,
        _questions,
        load=load,
        sizes=(TENTH, FULL),
        labels=("200 orgs", "2,000 orgs", "2,000, no index"),
        unindexed=("list", "search", "name", "claim", "slot", "dashboard"),
        calls=40,
    )
    for name in ("claim", "name", "dashboard"):
        question = _questions(connection)[name]
        show_plan(connection, question, title=f"{name}, 2,000 organisations")


def _questions(connection: Connection[Any]) -> dict[str, Question]:
    """Return the queries of pages and workers, by what they are called here."""
    row = connection.execute(
        "SELECT md5('o0')::uuid, md5('u0')::uuid, md5('c0')::uuid, md5('a0')::uuid"
    ).fetchone()
    own, user, piece, account = row or (None, None, None, None)
    month: dict[str, Any] = {
        "organization_id": own,
        "period_from": _NOW - timedelta(days=30),
        "period_before": _NOW,
    }
    return {
        "organisation": partial(
            organizations.get_organization_full, organization_id=own
        ),
        "name": partial(organizations.search_organizations, q="zepelin logistik"),
        "users": users.list_users,
        "list": partial(content.list_content, organization_id=own),
        "list by status": partial(
            content.list_content, organization_id=own, status=ContentStatus.DRAFT
        ),
        "count": partial(content.count_content, organization_id=own),
        "search": partial(
            content.search_content, organization_id=own, q="zeppelin logistics"
        ),
        "similar": partial(content.similar_content, content_id=piece),
        "calendar": partial(
            posts.list_posts,
            organization_id=own,
            scheduled_from=_NOW - timedelta(days=7),
            scheduled_before=_NOW,
        ),
        "slot": partial(
            posts.next_free_slot,
            social_account_id=account,
            from_time=_NOW,
            gap=timedelta(minutes=10),
        ),
        "claim": partial(posts.claim_due_posts, worker="w", limit_rows=10),
        "dashboard": partial(analytics.dashboard, **month),
        "daily series": partial(
            analytics.dashboard_series,
            organization_id=own,
            bucket="day",
            time_zone="Europe/Berlin",
            period_from=_NOW - timedelta(days=30),
            period_to=_NOW,
        ),
        "top content": partial(analytics.top_content, **month),
        "best times": partial(
            analytics.best_posting_times,
            organization_id=own,
            platform=Platform.TWITTER,
            time_zone="Europe/Berlin",
        ),
        "consume": partial(
            plans.consume_usage, user_id=user, metric=UsageMetric.POSTS, amount=1
        ),
    }
