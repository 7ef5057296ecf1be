"""Posts in `promo`: scheduled once, published once, whatever workers do."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest

from drystone.database.pool import open_pool
from drystone.database.session import connect, connect_async
from drystone.errors import BadInput, ForeignKeyViolation
from drystone.settings import Settings
from drystone.systems.promo import (
    accounts,
    analytics,
    content,
    limits,
    plans,
    posts,
    users,
)
from drystone.systems.promo.collecting import CollectAnalytics, Figures, Subject
from drystone.systems.promo.jobs import (
    AnalyticsJob,
    ContentJob,
    EmailJob,
    Job,
    PublishJob,
    StrategyJob,
    enqueue,
    enqueue_async,
)
from drystone.systems.promo.publishing import (
    LeaseLost,
    Post,
    Published,
    PublishPost,
    claim,
    claim_async,
    fail,
    fail_async,
    reap,
    release,
    succeed,
    succeed_async,
    work,
)
from drystone.systems.promo.scheduling import (
    NotSchedulable,
    Scheduled,
    schedule,
    schedule_async,
)
from drystone.systems.promo.tokens import Owner
from drystone.systems.promo.types import ContentType, MetricType, Platform
from tests.systems.promo_factories import (
    ALICE_TOKEN,
    KEYS,
    Platforms,
    add_account,
    add_content,
    add_organization,
    add_post,
    add_user,
    ago,
    refused,
    take,
)
from tests.systems.rows import found, value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]

OUT = Published("p1", "https://social.example.org/p1")


def post_of(connection: Connection, post_id: UUID) -> posts.GetPostRow:
    return found(posts.get_post(connection, post_id=post_id))


def status_of(connection: Connection, content_id: UUID) -> str:
    return found(content.get_content(connection, content_id=content_id)).status


def outbox(connection: Connection, queue: str) -> list[tuple[Any, ...]]:
    """Payload, priority and time of the jobs that a queue is to get."""
    return connection.execute(
        "SELECT payload, priority, run_at FROM core.outbox WHERE queue = %s"
        " ORDER BY position",
        [queue],
    ).fetchall()


def lapse(connection: Connection, post: Post) -> None:
    """Let the lease of a post end."""
    connection.execute(
        "UPDATE promo.scheduled_posts SET lease_until = now() - INTERVAL '1 second'"
        " WHERE id = %s",
        [post.id],
    )


def make_due(connection: Connection) -> None:
    """Let the pauses between attempts be over."""
    connection.execute(
        "UPDATE promo.scheduled_posts SET next_attempt_at = now() - INTERVAL '1 second'"
        " WHERE status = 'RETRYING'"
    )


# --- Scheduling -----------------------------------------------------------------


def test_scheduling_twice_is_scheduling_once(connection: Connection) -> None:
    """003-01, 003-07"""
    own = add_organization(connection)
    piece, account = add_content(connection, own), add_account(connection, own)
    at = ago(hours=-1)
    first = schedule(connection, piece, account, at=at, idempotency_key="k")
    again = schedule(connection, piece, account, at=ago(hours=-9), idempotency_key="k")
    assert (first.is_new, again.is_new) == (True, False)
    assert (again.id, again.scheduled_at) == (first.id, at)
    assert status_of(connection, piece) == "SCHEDULED"
    other = add_content(connection, own)
    with pytest.raises(NotSchedulable, match="another post"):
        schedule(connection, other, account, at=at, idempotency_key="k")
    with pytest.raises(NotSchedulable, match="no content"):
        schedule(connection, uuid4(), account, at=at, idempotency_key="k2")
    with pytest.raises(ForeignKeyViolation), connection.transaction():
        schedule(connection, piece, uuid4(), at=at, idempotency_key="k3")


def test_the_same_text_is_not_scheduled_twice_on_a_platform(
    connection: Connection,
) -> None:
    """003-07"""
    own = add_organization(connection)
    account = add_account(connection, own)
    texts = ("Hello there", "  hello THERE ")
    first, second = (add_content(connection, own, body=text) for text in texts)
    add_post(connection, organization_id=own, account_id=account, content_id=first)
    with pytest.raises(NotSchedulable, match="same text"):
        add_post(connection, organization_id=own, account_id=account, content_id=second)
    assert status_of(connection, second) == "APPROVED"
    reddit = add_account(connection, own, Platform.REDDIT)
    elsewhere = add_content(connection, own, body=texts[0], platform="REDDIT")
    add_post(connection, organization_id=own, account_id=reddit, content_id=elsewhere)


def test_of_many_who_schedule_one_post_at_once_one_succeeds(
    own: Connection, database_url: str
) -> None:
    """003-07"""
    organization = add_organization(own)
    piece, account = add_content(own, organization), add_account(own, organization)

    def run(session: Connection) -> Scheduled:
        return schedule(session, piece, account, at=ago(hours=-1), idempotency_key="k")

    done = at_once(database_url, [run] * 8)
    assert len({each.id for each in done}) == 1
    assert Counter(each.is_new for each in done) == {True: 1, False: 7}


def test_a_post_too_near_to_others_is_shifted_to_the_next_free_time(
    connection: Connection,
) -> None:
    """003-01"""
    own = add_organization(connection)
    account = add_account(connection, own)
    at = datetime(2027, 1, 4, 9, tzinfo=UTC)
    minute = timedelta(minutes=1)

    def put(offset: int, gap: int | None = None) -> datetime:
        return schedule(
            connection,
            add_content(connection, own),
            account,
            at=at + offset * minute,
            idempotency_key=str(uuid4()),
            gap=None if gap is None else gap * minute,
        ).scheduled_at

    put(0), put(20), put(50)
    assert put(0, 15) == at + 35 * minute
    assert put(0, 15) == at + 65 * minute
    assert put(-60, 15) == at - 60 * minute
    near = posts.schedule_conflicts(
        connection,
        organization_id=own,
        social_account_id=account,
        scheduled_at=at + 21 * minute,
        window=15 * minute,
    )
    offsets = [(row.scheduled_at - at) // minute for row in near]
    assert offsets == [20, 35]
    posts.cancel_post(connection, post_id=near[0].id)
    slot = posts.next_free_slot(
        connection,
        social_account_id=account,
        from_time=at + 17 * minute,
        gap=15 * minute,
    )
    assert slot == at + 17 * minute


def test_of_many_who_want_one_time_each_gets_another(
    own: Connection, database_url: str
) -> None:
    """003-01"""
    organization = add_organization(own)
    account = add_account(own, organization)
    pieces = [add_content(own, organization) for _ in range(6)]
    at, gap = datetime(2027, 1, 4, 9, tzinfo=UTC), timedelta(minutes=10)

    def run(piece: UUID) -> datetime:
        with connect(database_url, Settings()) as session:
            done = schedule(
                session, piece, account, at=at, idempotency_key=str(piece), gap=gap
            )
            return done.scheduled_at

    with ThreadPoolExecutor(6) as threads:
        times = sorted(threads.map(run, pieces))
    assert times == [at + n * gap for n in range(6)]


def test_a_post_is_cancelled_and_scheduled_again(connection: Connection) -> None:
    """003-01"""
    post = add_post(connection)
    piece = post_of(connection, post).content_piece_id
    assert posts.cancel_post(connection, post_id=post) == 1
    assert posts.cancel_post(connection, post_id=post) == 0
    assert status_of(connection, piece) == "APPROVED"
    assert claim(connection, "w1") == []
    again = found(
        posts.reschedule_post(connection, post_id=post, scheduled_at=ago(seconds=1))
    )
    assert again.status == "SCHEDULED"
    assert status_of(connection, piece) == "SCHEDULED"
    succeed(connection, take(connection), OUT)
    assert posts.reschedule_post(connection, post_id=post, scheduled_at=ago()) is None
    assert posts.cancel_post(connection, post_id=post) == 0


def test_a_piece_that_was_out_can_go_out_again(connection: Connection) -> None:
    """003-01"""
    own = add_organization(connection)
    account, other = add_account(connection, own), add_account(connection, own)
    piece = add_content(connection, own)
    posts_of: dict[str, Any] = {"organization_id": own, "content_id": piece}
    add_post(connection, **posts_of, account_id=account)
    succeed(connection, take(connection), OUT)
    assert content.archive_content(connection, content_id=piece) == 1
    content.return_content(connection, content_id=piece)
    content.approve_content(connection, content_ids=[piece])
    again = add_post(connection, **posts_of, account_id=other, at=ago(hours=-1))
    assert status_of(connection, piece) == "SCHEDULED"
    posts.cancel_post(connection, post_id=again)
    assert status_of(connection, piece) == "APPROVED"
    # What failed long ago says nothing of a piece that was approved since.
    add_post(connection, **posts_of, account_id=account)
    fail(connection, take(connection), error="x", retry=False)
    assert status_of(connection, piece) == "FAILED"
    content.return_content(connection, content_id=piece)
    content.approve_content(connection, content_ids=[piece])
    connection.execute("DELETE FROM promo.social_accounts WHERE id = %s", [other])
    assert status_of(connection, piece) == "APPROVED"


# --- Attempts -------------------------------------------------------------------


def test_a_post_that_is_out_takes_its_piece_series_and_usage_along(
    connection: Connection,
) -> None:
    """003-01, 003-06, 003-14"""
    owner = add_user(connection)
    own = add_organization(connection, user_id=owner)
    series = found(
        content.create_series(
            connection,
            organization_id=own,
            name="S",
            platform=Platform.TWITTER,
            cadence="daily",
            total_posts=1,
        )
    ).id
    piece = add_content(connection, own, series_id=str(series), sequence_no=1)
    post = add_post(connection, organization_id=own, content_id=piece)
    ended = succeed(connection, take(connection), OUT)
    row = post_of(connection, post)
    assert (row.status, row.platform_post_id) == ("PUBLISHED", "p1")
    assert status_of(connection, piece) == "PUBLISHED"
    (kept,) = content.list_series(connection, organization_id=own)
    assert (kept.published_posts, kept.status) == (1, "COMPLETED")
    (used,) = plans.usage_history(connection, user_id=owner)
    assert used.posts_published == 1
    ((payload, priority, run_at),) = outbox(connection, "analytics")
    job = AnalyticsJob.model_validate(payload)
    assert (job.scheduled_post_id, job.content_piece_id) == (post, piece)
    assert run_at == found(ended.published_at) + timedelta(hours=1)
    assert priority is None
    assert job.time_range.end == run_at
    # A second account's post of the same piece counts as a post, not as a piece.
    account = add_account(connection, own)
    add_post(connection, organization_id=own, content_id=piece, account_id=account)
    succeed(connection, take(connection), OUT)
    (kept,) = content.list_series(connection, organization_id=own)
    assert kept.published_posts == 1
    (used,) = plans.usage_history(connection, user_id=owner)
    assert used.posts_published == 2


def test_an_attempt_that_failed_is_made_again_after_2_4_8_seconds(
    connection: Connection,
) -> None:
    """003-01, 003-14"""
    owner = add_user(connection, email="owner@example.org")
    own = add_organization(connection, user_id=owner)
    post = add_post(connection, organization_id=own)
    piece = post_of(connection, post).content_piece_id
    for attempt, pause in ((1, 2), (2, 4)):
        held = take(connection)
        row = fail(connection, held, error="rate limit")
        assert (row.status, row.attempt_count) == ("RETRYING", attempt)
        assert claim(connection, "w1") == []
        waits = found(row.next_attempt_at) - datetime.now(UTC)
        assert timedelta(seconds=pause - 1) < waits <= timedelta(seconds=pause)
        assert status_of(connection, piece) == "SCHEDULED"
        make_due(connection)
    assert outbox(connection, "email") == []
    row = fail(connection, take(connection), error="rate limit")
    assert (row.status, row.next_attempt_at) == ("FAILED", None)
    assert status_of(connection, piece) == "FAILED"
    assert post_of(connection, post).error_message == "rate limit"
    ((payload, priority, _),) = outbox(connection, "email")
    mail = EmailJob.model_validate(payload)
    assert (mail.to, mail.template, priority) == ("owner@example.org", "post-failed", 1)
    assert mail.data["error"] == "rate limit"
    assert claim(connection, "w1") == []
    # By hand it has all its attempts again.
    posts.reschedule_post(connection, post_id=post, scheduled_at=ago(seconds=1))
    assert take(connection).attempt == 1


def test_what_no_retry_helps_fails_at_once(connection: Connection) -> None:
    """003-01"""
    post = add_post(connection)
    assert (
        fail(connection, take(connection), error="banned", retry=False).status
        == "FAILED"
    )
    assert post_of(connection, post).attempt_count == 1


def test_a_worker_whose_lease_has_ended_cannot_end_the_post(
    connection: Connection,
) -> None:
    """003-01, 003-14"""
    post = add_post(connection)
    late = take(connection, "w1", lease_s=30)
    lapse(connection, late)
    for end in (
        lambda: succeed(connection, late, OUT),
        lambda: fail(connection, late, error="x"),
    ):
        with pytest.raises(LeaseLost):
            end()
    assert not release(connection, late)
    assert (
        posts.extend_lease(connection, post_id=post, worker="w1", attempt=1, lease_s=30)
        is None
    )
    assert claim(connection, "w2") == []
    assert reap(connection) == 1
    assert reap(connection) == 0
    row = post_of(connection, post)
    assert (row.status, row.error_message) == (
        "RETRYING",
        "the worker did not finish before its lease ended",
    )
    make_due(connection)
    second = take(connection, "w2")
    assert (second.attempt, second.idempotency_key) == (2, late.idempotency_key)
    with pytest.raises(LeaseLost):
        succeed(connection, late, OUT)
    assert succeed(connection, second, OUT).status == "PUBLISHED"
    with pytest.raises(LeaseLost):
        succeed(connection, second, OUT)


def test_a_lease_is_extended_while_it_is_held(connection: Connection) -> None:
    """003-14"""
    add_post(connection)
    held = take(connection)
    until = posts.extend_lease(
        connection, post_id=held.id, worker="w1", attempt=1, lease_s=600
    )
    assert found(until) > found(held.lease_until)
    for worker, attempt in (("w2", 1), ("w1", 2)):
        assert not posts.extend_lease(
            connection, post_id=held.id, worker=worker, attempt=attempt, lease_s=600
        )


def test_who_dies_too_often_fails_the_post(connection: Connection) -> None:
    """003-01, 003-14"""
    post = add_post(connection)
    for _ in range(3):
        lapse(connection, take(connection))
        assert reap(connection) == 1
        make_due(connection)
    assert post_of(connection, post).status == "FAILED"
    assert len(outbox(connection, "email")) == 1


def test_a_post_given_back_at_shutdown_has_lost_no_attempt(
    connection: Connection,
) -> None:
    """003-14"""
    post = add_post(connection)
    assert release(connection, take(connection))
    row = post_of(connection, post)
    assert (row.status, row.attempt_count, row.lease_until) == ("SCHEDULED", 0, None)
    assert take(connection, "w2").attempt == 1


def test_claims_take_what_is_longest_due_and_nothing_while_paused(
    connection: Connection,
) -> None:
    """003-14"""
    own = add_organization(connection)
    account = add_account(connection, own)
    late, early, future = (
        add_post(connection, organization_id=own, account_id=account, at=ago(seconds=s))
        for s in (10, 20, -60)
    )
    connection.execute(
        "UPDATE core.queues SET paused = true WHERE queue = 'publishing'"
    )
    assert claim(connection, "w1", limit=5) == []
    connection.execute(
        "UPDATE core.queues SET paused = false WHERE queue = 'publishing'"
    )
    health = found(posts.publishing_health(connection))
    assert (health.due_posts, health.held_posts) == (2, 0)
    assert found(health.oldest_wait_s) >= 20
    assert claim(connection, "w1", post_id=future) == []
    assert [post.id for post in claim(connection, "w1", limit=5)] == [early, late]
    health = found(posts.publishing_health(connection))
    assert (health.due_posts, health.held_posts, health.expired_posts) == (0, 2, 0)


def test_many_workers_publish_every_post_exactly_once(
    own: Connection, database_url: str
) -> None:
    """003-01, 003-14"""
    organization = add_organization(own)
    account = add_account(own, organization)
    ids = {
        add_post(own, organization_id=organization, account_id=account)
        for _ in range(40)
    }
    platforms = Platforms()
    with open_pool(database_url, Settings(pool_max_size=6)) as pool:

        def run(number: int) -> int:
            return work(pool, platforms, worker=f"w{number}")

        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(run, range(6))) == 40
    assert Counter(post.id for post in platforms.posts) == dict.fromkeys(ids, 1)
    rows = own.execute("SELECT DISTINCT status FROM promo.scheduled_posts")
    assert rows.fetchall() == [("PUBLISHED",)]


def test_two_posts_of_a_piece_that_fail_at_once_fail_the_piece(
    own: Connection, database_url: str
) -> None:
    """003-01"""
    organization = add_organization(own)
    piece = add_content(own, organization)
    for _ in range(2):
        account = add_account(own, organization)
        add_post(
            own, organization_id=organization, content_id=piece, account_id=account
        )
    held = claim(own, "w1", limit=2)
    with connect(database_url, Settings()) as other, ThreadPoolExecutor(1) as threads:
        with own.transaction():
            fail(own, held[0], error="x", retry=False)
            second = threads.submit(fail, other, held[1], error="x", retry=False)
            while not value(own, "SELECT count(*) FROM pg_locks WHERE NOT granted"):
                time.sleep(0.01)
        assert second.result(timeout=20).status == "FAILED"
    assert status_of(own, piece) == "FAILED"


def test_a_worker_survives_what_its_publisher_does(
    own: Connection, database_url: str
) -> None:
    """003-11, 003-14"""
    post = add_post(own)
    secret = f"https://api.example.org/?access_token={ALICE_TOKEN}"
    platforms = Platforms(RuntimeError(secret), refused())
    with open_pool(database_url, Settings(pool_max_size=2)) as pool:
        for _ in range(3):
            assert work(pool, platforms, worker="w1") == 1
            make_due(own)
    assert post_of(own, post).status == "PUBLISHED"
    assert {each.idempotency_key for each in platforms.posts} == {str(post)}
    trail = value(own, "SELECT string_agg(new_row::text, '') FROM core.audit_log")
    assert "the publisher raised RuntimeError" in trail
    assert ALICE_TOKEN not in trail
    assert ALICE_TOKEN not in repr(platforms.posts)


def test_an_end_that_comes_too_late_is_dropped(
    own: Connection, database_url: str
) -> None:
    """003-14"""
    post = add_post(own)

    class Slow(Platforms):
        def publish(self, post: Post) -> Published:
            lapse(own, post)
            return super().publish(post)

    with open_pool(database_url, Settings(pool_max_size=2)) as pool:
        assert work(pool, Slow(), worker="w1") == 1
    assert post_of(own, post).status == "PUBLISHING"
    assert reap(own) == 1


async def test_all_of_it_can_be_done_asynchronously(database_url: str) -> None:
    """003-01, 003-14"""
    with connect(database_url, Settings()) as session:
        own = add_organization(session)
        account = add_account(session, own)
        pieces = [add_content(session, own) for _ in range(2)]
    async with await connect_async(database_url, Settings()) as connection:
        for piece in pieces:
            for is_new in (True, False):
                done = await schedule_async(
                    connection,
                    piece,
                    account,
                    at=ago(seconds=1),
                    idempotency_key=str(piece),
                    gap=timedelta(0),
                )
                assert done.is_new is is_new
        with pytest.raises(NotSchedulable):
            await schedule_async(
                connection, uuid4(), account, at=ago(), idempotency_key="x"
            )
        first, second = await claim_async(connection, "w1", limit=2)
        assert (await succeed_async(connection, first, OUT)).status == "PUBLISHED"
        failed = await fail_async(connection, second, error="x")
        assert failed.status == "RETRYING"
        with pytest.raises(LeaseLost):
            await succeed_async(connection, second, OUT)
        job = EmailJob(to="a@example.org", subject="S", template="t", priority="low")
        assert await enqueue_async(connection, job)


# --- Jobs -----------------------------------------------------------------------


def test_a_jobs_payload_has_the_keys_of_the_repository(connection: Connection) -> None:
    """003-06, 003-14"""
    ids = [uuid4() for _ in range(4)]
    at = datetime(2027, 1, 4, 9, tzinfo=UTC)
    window = {"start": at, "end": at + timedelta(hours=1)}
    given: list[Job] = [
        ContentJob(
            organization_id=ids[0],
            user_id=ids[1],
            platform=Platform.TWITTER,
            content_type=ContentType.THREAD,
            pillar_id=ids[2],
            count=3,
            scheduled_for=at,
        ),
        PublishJob(
            scheduled_post_id=ids[0],
            organization_id=ids[1],
            content_piece_id=ids[2],
            social_account_id=ids[3],
        ),
        AnalyticsJob.model_validate(
            {"organizationId": ids[0], "socialAccountId": ids[3], "timeRange": window}
        ),
        StrategyJob(organization_id=ids[0], user_id=ids[1], regenerate=True),
        EmailJob(to="a@example.org", subject="S", template="welcome", priority="low"),
    ]
    for job in given:
        assert enqueue(connection, job, run_at=at) is not None
    rows = connection.execute(
        "SELECT queue, name, payload, priority, run_at FROM core.outbox"
        " ORDER BY position"
    ).fetchall()
    assert [row[:2] for row in rows] == [
        ("content-generation", "generate-content"),
        ("publishing", "publish-post"),
        ("analytics", "collect-analytics"),
        ("strategy-generation", "generate-strategy"),
        ("email", "send-email"),
    ]
    assert [set(row[2]) for row in rows] == [
        {
            *("organizationId", "userId", "platform", "contentType", "pillarId"),
            *("count", "scheduledFor"),
        },
        {
            *("scheduledPostId", "organizationId", "contentPieceId"),
            *("socialAccountId", "retryCount"),
        },
        {"organizationId", "socialAccountId", "timeRange"},
        {"organizationId", "userId", "regenerate"},
        {"to", "subject", "template", "data", "priority"},
    ]
    assert {row[4] for row in rows} == {at}
    for job, row in zip(given, rows, strict=True):
        assert type(job).model_validate(row[2]) == job


@pytest.mark.parametrize(
    ("name", "priority"), [("high", 1), ("normal", 3), ("low", 5), (None, None)]
)
def test_an_emails_priority_is_1_3_or_5(
    connection: Connection, name: Any, priority: int | None
) -> None:
    """003-14"""
    mail = EmailJob(to="a@example.org", subject="S", template="t", priority=name)
    enqueue(connection, mail)
    assert outbox(connection, "email")[0][1] == priority
    with pytest.raises(ValueError, match="template"):
        EmailJob(to="a@example.org", subject="S", template="../etc/passwd")


def test_a_job_is_enqueued_only_with_what_asked_for_it(connection: Connection) -> None:
    """003-14"""
    with connection.transaction(force_rollback=True):
        add_post(connection)
    assert outbox(connection, "publishing") == []
    add_post(connection)
    assert len(outbox(connection, "publishing")) == 1


def test_every_change_of_a_posts_time_asks_for_it_to_be_published_then(
    connection: Connection,
) -> None:
    """003-14"""
    at = ago(hours=-1)
    post = add_post(connection, at=at)
    later = at + timedelta(hours=1)
    posts.reschedule_post(connection, post_id=post, scheduled_at=later)
    posts.reschedule_post(connection, post_id=post, scheduled_at=ago(seconds=9))
    row = fail(connection, take(connection), error="x")
    times = [run_at for _, _, run_at in outbox(connection, "publishing")]
    assert times[:2] == [at, later]
    assert times[3] == row.next_attempt_at
    jobs = [
        PublishJob.model_validate(each)
        for each, _, _ in outbox(connection, "publishing")
    ]
    assert [job.retry_count for job in jobs] == [0, 0, 0, 1]
    assert {job.scheduled_post_id for job in jobs} == {post}


def publish_job(connection: Connection) -> PublishJob:
    return PublishJob.model_validate(outbox(connection, "publishing")[-1][0])


def test_the_handler_publishes_once_however_often_the_job_comes(
    connection: Connection,
) -> None:
    """003-06, 003-14"""
    post = add_post(connection)
    platforms = Platforms()
    handler = PublishPost(platforms)
    for _ in range(3):
        handler.handle(connection, publish_job(connection))
    assert [each.id for each in platforms.posts] == [post]
    assert len(outbox(connection, "publishing")) == 1
    assert post_of(connection, post).status == "PUBLISHED"


def test_a_failed_attempt_is_no_failed_job_but_has_the_next_one(
    connection: Connection,
) -> None:
    """003-14"""
    post = add_post(connection)
    handler = PublishPost(Platforms(refused(), refused(retry=False)))
    handler.handle(connection, publish_job(connection))
    assert post_of(connection, post).status == "RETRYING"
    assert len(outbox(connection, "publishing")) == 2
    handler.handle(connection, publish_job(connection))  # the pause is not over
    assert len(outbox(connection, "publishing")) == 3
    make_due(connection)
    handler.handle(connection, publish_job(connection))
    assert post_of(connection, post).status == "FAILED"


def test_a_job_that_comes_too_early_comes_again(connection: Connection) -> None:
    """003-14"""
    at = ago(minutes=-10)
    add_post(connection, at=at)
    platforms = Platforms()
    PublishPost(platforms).handle(connection, publish_job(connection))
    assert platforms.posts == []
    assert [run_at for _, _, run_at in outbox(connection, "publishing")] == [at, at]


def test_a_post_by_an_account_that_is_not_connected_fails(
    connection: Connection,
) -> None:
    """003-11, 003-14"""
    post = add_post(connection)
    account = post_of(connection, post).social_account_id
    accounts.deactivate_account(connection, account_id=account, error="revoked")
    platforms = Platforms()
    PublishPost(platforms).handle(connection, publish_job(connection))
    assert (platforms.posts, post_of(connection, post).status) == ([], "FAILED")
    gone = publish_job(connection).model_copy(update={"scheduled_post_id": uuid4()})
    PublishPost(platforms).handle(connection, gone)


def test_a_publisher_can_open_the_token_of_its_post(connection: Connection) -> None:
    """003-11"""
    add_post(connection)
    post = take(connection)
    owner = Owner(post.social_account_id, post.organization_id, "access")
    token = KEYS.open(post.sealed_token, owner, key_id=post.token_key_id)
    assert token.get_secret_value() == ALICE_TOKEN


class Counts:
    """A collector with figures at hand."""

    def __init__(self, *figures: Figures) -> None:
        self.figures, self.subjects = figures, list[Subject]()

    def collect(self, subject: Subject) -> tuple[Figures, ...]:
        self.subjects.append(subject)
        return self.figures


def test_the_handler_stores_figures_once_however_often_the_job_comes(
    connection: Connection,
) -> None:
    """003-01, 003-06, 003-14"""
    post = add_post(connection)
    succeed(connection, take(connection), OUT)
    ((payload, _, _),) = outbox(connection, "analytics")
    job = AnalyticsJob.model_validate(payload)
    reach = Figures(metric_type=MetricType.REACH, reach=70)
    for likes in (3, 5):
        counts = Counts(
            Figures(impressions=100, likes=likes, followers_delta=-2), reach
        )
        CollectAnalytics(counts).handle(connection, job)
    assert counts.subjects[0].platform_post_id == "p1"
    rows = connection.execute(
        "SELECT scheduled_post_id, metric_type, likes, reach, engagement_rate"
        " FROM promo.analytics ORDER BY metric_type"
    ).fetchall()
    assert rows == [(post, "ENGAGEMENT", 5, 0, 0.05), (post, "REACH", 0, 70, None)]
    account_only = job.model_copy(
        update={"scheduled_post_id": None, "content_piece_id": None}
    )
    CollectAnalytics(Counts(Figures(followers_delta=4))).handle(
        connection, account_only
    )
    assert value(connection, "SELECT count(*) FROM promo.analytics") == 3
    for gone in (
        job.model_copy(update={"organization_id": uuid4()}),
        job.model_copy(update={"scheduled_post_id": uuid4()}),
    ):
        CollectAnalytics(Counts(reach)).handle(connection, gone)
    assert value(connection, "SELECT count(*) FROM promo.analytics") == 3


def test_published_posts_are_collected_until_their_figures_are_new(
    connection: Connection,
) -> None:
    """003-06"""
    post = add_post(connection)
    succeed(connection, take(connection), OUT)

    def due() -> list[UUID]:
        rows = analytics.posts_to_collect(
            connection, published_from=ago(days=14), collected_before=ago(hours=6)
        )
        return [row.id for row in rows]

    assert due() == [post]
    job = AnalyticsJob.model_validate(outbox(connection, "analytics")[0][0])
    CollectAnalytics(Counts(Figures())).handle(connection, job)
    assert due() == []


# --- Limits ---------------------------------------------------------------------


def test_organisations_are_limited_by_the_plan_also_at_once(
    own: Connection, database_url: str
) -> None:
    """003-01"""
    owner = add_user(own, plan="growth")

    def run(session: Connection, *, name: str) -> bool:
        try:
            limits.create_organization(session, owner, name=name)
        except limits.PlanLimitReached:
            return False
        return True

    done = at_once(database_url, [partial(run, name=f"O{n}") for n in range(6)])
    assert Counter(done) == {True: 3, False: 3}
    (used,) = plans.usage_history(own, user_id=owner)
    assert used.organizations_created == 3
    with pytest.raises(BadInput):
        limits.create_organization(own, uuid4(), name="X")
    users.soft_delete_user(own, user_id=owner)
    with pytest.raises(limits.PlanLimitReached):
        limits.create_organization(own, owner, name="X")
