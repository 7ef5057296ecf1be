"""Billing in `promo`: events count once and in order, plans are never exceeded."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest

from drystone.database.session import connect, connect_async
from drystone.errors import BadInput, NotNullViolation
from drystone.settings import Settings
from drystone.systems.promo import (
    content,
    limits,
    organizations,
    plans,
    subscriptions,
    users,
)
from drystone.systems.promo.billing import Outcome, receive, retry_pending
from drystone.systems.promo.limits import (
    PlanLimitReached,
    consume,
    consume_async,
    create_content,
    propose_strategy,
)
from drystone.systems.promo.types import UsageMetric
from drystone.systems.stripe import (
    ForgedSignature,
    StaleSignature,
    StripeEvent,
    sign,
    verify,
)
from tests.systems.promo_factories import (
    DOCUMENT,
    add_content,
    add_organization,
    add_user,
)
from tests.systems.rows import found, value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]

SECRET = "whsec_test"
T0 = datetime(2026, 3, 1, tzinfo=UTC)


def event(kind: str, thing: dict[str, Any], *, at: int, key: str = "") -> StripeEvent:
    """An event as Stripe sends it, through the check of its signature."""
    whole = {
        "id": key or f"evt_{uuid4().hex}",
        "type": kind,
        "created": int((T0 + timedelta(minutes=at)).timestamp()),
        "data": {"object": thing},
    }
    body = json.dumps(whole).encode()
    return verify(body, sign(body, SECRET), SECRET)


def subscription(
    user: UUID | None, status: str = "active", *, price: str = "price_pro", **given: Any
) -> dict[str, Any]:
    begin = int(T0.timestamp())
    return {
        "id": "sub_1",
        "customer": "cus_1",
        "status": status,
        "metadata": {} if user is None else {"userId": str(user)},
        "items": {
            "data": [
                {
                    "price": {"id": price},
                    "current_period_start": begin,
                    "current_period_end": begin + 2_592_000,
                }
            ]
        },
        **given,
    }


def changed(
    user: UUID | None, status: str = "active", *, at: int, key: str = "", **given: Any
) -> StripeEvent:
    kind = "deleted" if status == "canceled" else "updated"
    thing = subscription(user, status, **given)
    return event(f"customer.subscription.{kind}", thing, at=at, key=key)


def invoice(*, paid: bool, at: int, of: str = "sub_1") -> StripeEvent:
    kind = "invoice.paid" if paid else "invoice.payment_failed"
    return event(kind, {"id": "in_1", "subscription": of}, at=at)


def state(connection: Connection, user: UUID) -> tuple[str, str]:
    """What the latest subscription says, and which plan the user has."""
    (row, *_) = subscriptions.list_subscriptions(connection, user_id=user)
    return row.status.value, found(users.get_user(connection, user_id=user)).plan


@pytest.fixture
def buyer(connection: Connection) -> UUID:
    """A user on the free plan, and prices for two others."""
    return add_buyer(connection)


def add_buyer(connection: Connection) -> UUID:
    for plan in ("pro", "scale"):
        plans.set_plan_price(connection, plan=plan, stripe_price_id=f"price_{plan}")
    return add_user(connection, plan="free", email="buyer@example.org")


# --- Events ---------------------------------------------------------------------


def test_a_subscription_follows_its_events(connection: Connection, buyer: UUID) -> None:
    """003-01, 003-09"""
    created = event(
        "customer.subscription.created", subscription(buyer, "incomplete"), at=0
    )
    assert receive(connection, created) is Outcome.APPLIED
    assert state(connection, buyer) == ("INCOMPLETE", "free")
    assert receive(connection, invoice(paid=True, at=1)) is Outcome.APPLIED
    assert state(connection, buyer) == ("ACTIVE", "pro")
    receive(connection, changed(buyer, at=2, price="price_scale"))
    assert state(connection, buyer) == ("ACTIVE", "scale")
    receive(connection, invoice(paid=False, at=3))
    assert state(connection, buyer) == ("PAST_DUE", "scale")
    mail = value(connection, "SELECT payload FROM core.outbox WHERE queue = 'email'")
    assert (mail["to"], mail["template"]) == ("buyer@example.org", "payment-failed")
    receive(connection, changed(None, "unpaid", at=4))  # known by the customer
    assert state(connection, buyer) == ("UNPAID", "free")
    receive(connection, changed(buyer, "canceled", at=5))
    (row,) = subscriptions.list_subscriptions(connection, user_id=buyer)
    assert row.cancelled_at == T0 + timedelta(minutes=5)
    assert row.current_period_start == T0
    assert state(connection, buyer) == ("CANCELLED", "free")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("active", "ACTIVE"),
        ("trialing", "TRIALING"),
        ("past_due", "PAST_DUE"),
        ("canceled", "CANCELLED"),
        ("incomplete", "INCOMPLETE"),
        ("incomplete_expired", "CANCELLED"),
        ("unpaid", "UNPAID"),
        ("paused", "UNPAID"),
    ],
)
def test_every_status_of_stripes_has_one_here(
    connection: Connection, buyer: UUID, told: str, kept: str
) -> None:
    """003-04, 003-08"""
    assert receive(connection, changed(buyer, told, at=0)) is Outcome.APPLIED
    live = kept in {"ACTIVE", "TRIALING", "PAST_DUE"}
    assert state(connection, buyer) == (kept, "pro" if live else "free")


def test_the_same_event_twenty_times_at_once_counts_once(
    own: Connection, database_url: str
) -> None:
    """003-07, 003-11"""
    buyer = add_buyer(own)
    receive(own, changed(buyer, at=0))
    failed = invoice(paid=False, at=1)
    outcomes = Counter(at_once(database_url, [lambda c: receive(c, failed)] * 20))
    assert outcomes == {Outcome.APPLIED: 1, Outcome.DUPLICATE: 19}
    assert value(own, "SELECT count(*) FROM core.outbox") == 1
    assert state(own, buyer) == ("PAST_DUE", "pro")
    ledger = own.execute(
        "SELECT processed_at IS NOT NULL, error FROM core.webhook_events"
    ).fetchall()
    assert ledger == [(True, None)] * 2


def test_a_late_event_does_not_bring_a_cancelled_subscription_back(
    connection: Connection, buyer: UUID
) -> None:
    """003-01, 003-08"""
    assert receive(connection, changed(buyer, "canceled", at=9)) is Outcome.APPLIED
    created = event("customer.subscription.created", subscription(buyer), at=0)
    for late in (
        created,
        changed(buyer, at=5),
        changed(buyer, at=10),
        invoice(paid=True, at=11),
    ):
        assert receive(connection, late) is Outcome.UNCHANGED
    assert state(connection, buyer) == ("CANCELLED", "free")


def test_events_count_in_the_order_they_happened_not_came(
    connection: Connection, buyer: UUID
) -> None:
    """003-01, 003-08"""
    receive(connection, changed(buyer, "active", at=5, price="price_scale"))
    assert receive(connection, changed(buyer, "trialing", at=4)) is Outcome.UNCHANGED
    created = event("customer.subscription.created", subscription(buyer), at=5)
    assert receive(connection, created) is Outcome.UNCHANGED
    assert state(connection, buyer) == ("ACTIVE", "scale")
    # Paid at 8, as heard first; that it failed at 7 is an old story.
    assert receive(connection, invoice(paid=True, at=8)) is Outcome.APPLIED
    assert receive(connection, invoice(paid=False, at=7)) is Outcome.UNCHANGED
    assert state(connection, buyer) == ("ACTIVE", "scale")
    # What else changed at 6 counts, though its status is older than the invoice.
    receive(connection, changed(buyer, "past_due", at=6, price="price_pro"))
    assert state(connection, buyer) == ("ACTIVE", "pro")
    assert value(connection, "SELECT count(*) FROM core.outbox") == 0


def test_an_event_that_cannot_be_applied_yet_is_kept_and_tried_again(
    connection: Connection,
) -> None:
    """003-08"""
    user = add_user(connection, plan="free")
    assert receive(connection, invoice(paid=False, at=2)) is Outcome.PENDING
    assert receive(connection, changed(user, at=1)) is Outcome.PENDING
    nobody = changed(None, at=1, id="sub_2", customer="cus_2")
    assert receive(connection, nobody) is Outcome.PENDING
    strange = changed(user, "on_the_moon", at=1)
    assert receive(connection, strange) is Outcome.PENDING
    errors = connection.execute(
        "SELECT error FROM core.webhook_events WHERE processed_at IS NULL"
    )
    told = {error for (error,) in errors}
    assert told == {
        "the invoice is of a subscription that is not known",
        "no plan has the price of the subscription",
        "the object of customer.subscription.updated is not understood: see status",
    }
    assert receive(connection, nobody) is Outcome.DUPLICATE
    plans.set_plan_price(connection, plan="pro", stripe_price_id="price_pro")
    first = Counter(retry_pending(connection))
    assert first[Outcome.APPLIED] >= 1
    retry_pending(connection)
    assert state(connection, user) == ("PAST_DUE", "pro")
    left = Counter(retry_pending(connection))
    assert left == {Outcome.PENDING: 2}


def test_a_second_live_subscription_waits_for_the_first_to_end(
    connection: Connection, buyer: UUID
) -> None:
    """003-07"""
    receive(connection, changed(buyer, at=1))
    second = changed(buyer, at=2, id="sub_2", price="price_scale")
    assert receive(connection, second) is Outcome.PENDING
    assert state(connection, buyer) == ("ACTIVE", "pro")
    receive(connection, changed(buyer, "canceled", at=3))
    assert retry_pending(connection) == [Outcome.APPLIED]
    assert found(users.get_user(connection, user_id=buyer)).plan == "scale"
    # The end of the old one, told again, does not take the new one's plan.
    receive(connection, changed(buyer, "canceled", at=4))
    assert found(users.get_user(connection, user_id=buyer)).plan == "scale"


def test_other_events_and_other_shapes_are_passed_by_or_understood(
    connection: Connection, buyer: UUID
) -> None:
    """003-08"""
    assert receive(connection, event("charge.refunded", {}, at=0)) is Outcome.IGNORED
    assert receive(connection, event("invoice.paid", {}, at=0)) is Outcome.IGNORED
    assert receive(connection, changed(UUID(int=0), at=0)) is Outcome.PENDING
    strange = {**subscription(buyer), "metadata": {"userId": "me"}}
    kind = "customer.subscription.updated"
    assert receive(connection, event(kind, strange, at=0)) is Outcome.PENDING
    receive(connection, changed(buyer, "past_due", at=1))
    parent = {"parent": {"subscription_details": {"subscription": "sub_1"}}}
    assert receive(connection, event("invoice.paid", parent, at=2)) is Outcome.APPLIED
    assert state(connection, buyer) == ("ACTIVE", "pro")


def test_what_is_forged_or_stale_changes_nothing(
    connection: Connection, buyer: UUID
) -> None:
    """003-11"""
    body = json.dumps(changed(buyer, at=0).payload).encode()
    with pytest.raises(ForgedSignature):
        receive(connection, verify(body, sign(body, "whsec_other"), SECRET))
    with pytest.raises(StaleSignature):
        receive(connection, verify(body, sign(body, SECRET, at=0), SECRET))
    assert value(connection, "SELECT count(*) FROM core.webhook_events") == 0
    assert subscriptions.list_subscriptions(connection, user_id=buyer) == []


# --- Plans ----------------------------------------------------------------------


def test_the_plans_are_those_of_the_price_list(connection: Connection) -> None:
    """003-01"""
    rows = plans.list_plans(connection)
    assert [
        (
            row.plan,
            row.price_monthly_cents,
            row.max_organizations,
            row.max_posts_per_month,
            row.max_strategies_per_month,
            row.analytics_days,
            len(row.platforms),
        )
        for row in rows
    ] == [
        ("free", 0, 1, 20, 1, 14, 2),
        ("starter", 2900, 1, 50, 2, 30, 8),
        ("growth", 7900, 3, 200, 5, 90, 8),
        ("pro", 7900, 3, 200, 5, 90, 8),
        ("scale", 19900, 10, 1000, 20, 365, 8),
    ]
    assert plans.set_plan_price(connection, plan="growth", is_active=False) == 1
    assert "growth" not in {row.plan for row in plans.list_plans(connection)}


def test_usage_warns_and_then_stops(connection: Connection) -> None:
    """003-01"""
    user = add_user(connection, plan="free", email="frugal@example.org")
    row = consume(connection, user, UsageMetric.POSTS, 15)
    assert (row.current, row.limit, row.remaining, row.warning) == (15, 20, 5, False)
    row = consume(connection, user, UsageMetric.POSTS, 1)
    assert (row.remaining, row.warning) == (4, True)
    consume(connection, user, UsageMetric.POSTS, 1)
    mails = connection.execute("SELECT payload, priority FROM core.outbox").fetchall()
    assert len(mails) == 1  # once, where 80 % are reached
    assert (mails[0][0]["template"], mails[0][1]) == ("usage-warning", 3)
    with pytest.raises(PlanLimitReached, match="limit of 20 a month, of which 17"):
        consume(connection, user, UsageMetric.POSTS, 4)
    consume(connection, user, UsageMetric.POSTS, 3)
    check = found(
        plans.usage_check(connection, user_id=user, metric=UsageMetric.POSTS, amount=1)
    )
    assert (check.allowed, check.current, check.remaining) == (False, 20, 0)
    assert check.warning
    assert check.resets_at == value(
        connection,
        "SELECT (promo.current_month() + INTERVAL '1 month') AT TIME ZONE 'UTC'",
    )
    consume(connection, user, UsageMetric.STRATEGIES)
    with pytest.raises(PlanLimitReached, match="strategies"):
        consume(connection, user, UsageMetric.STRATEGIES)
    # Another plan has room at once, another month begins at nothing.
    users.set_user_plan(connection, user_id=user, plan="pro")
    assert consume(connection, user, UsageMetric.POSTS).current == 21
    connection.execute("UPDATE promo.usage SET month = month - INTERVAL '1 month'")
    assert consume(connection, user, UsageMetric.POSTS).current == 1
    months = plans.usage_history(connection, user_id=user)
    assert [row.posts_generated for row in months] == [1, 21]


def test_more_than_a_plan_has_is_refused_from_the_beginning(
    connection: Connection,
) -> None:
    """003-01"""
    user = add_user(connection, plan="free")
    with pytest.raises(PlanLimitReached):
        consume(connection, user, UsageMetric.POSTS, 21)
    assert plans.usage_history(connection, user_id=user) == []
    for amount in (0, -1):
        with pytest.raises(BadInput):
            consume(connection, user, UsageMetric.POSTS, amount)
    with pytest.raises(BadInput, match="no such user"):
        consume(connection, uuid4(), UsageMetric.POSTS)


def test_a_limit_is_never_exceeded_by_many_at_once(
    own: Connection, database_url: str
) -> None:
    """003-01"""
    user = add_user(own, plan="free")

    def run(session: Connection) -> int:
        used = 0
        for _ in range(5):
            try:
                consume(session, user, UsageMetric.POSTS)
            except PlanLimitReached:
                continue
            used += 1
        return used

    assert sum(at_once(database_url, [run] * 8)) == 20
    (row,) = plans.usage_history(own, user_id=user)
    assert row.posts_generated == 20
    assert value(own, "SELECT count(*) FROM core.outbox") == 1


def test_drafts_count_as_they_are_written_and_all_or_none(
    connection: Connection,
) -> None:
    """003-01"""
    own = add_organization(connection, user_id=add_user(connection, plan="free"))
    piece = {"platform": "TWITTER", "body": "x"}
    assert len(create_content(connection, own, [piece] * 18)) == 18
    with pytest.raises(PlanLimitReached), connection.transaction():
        create_content(connection, own, [piece] * 3)
    assert content.count_content(connection, organization_id=own) == 18
    with pytest.raises(BadInput, match="no organisation"):
        create_content(connection, uuid4(), [piece])


def test_a_strategy_counts_and_must_be_whole(connection: Connection) -> None:
    """003-01, 003-05"""
    own = add_organization(connection, user_id=add_user(connection, plan="starter"))
    with pytest.raises(NotNullViolation), connection.transaction():
        propose_strategy(connection, own, {**DOCUMENT, "cadence": None})
    for version in (1, 2):
        row = propose_strategy(connection, own, DOCUMENT, confidence=0.5)
        assert row.version == version
    with pytest.raises(PlanLimitReached):
        propose_strategy(connection, own, DOCUMENT)


def test_a_restored_organisation_must_fit_the_plan(connection: Connection) -> None:
    """003-01"""
    user = add_user(connection, plan="free")
    first = add_organization(connection, user_id=user)
    with pytest.raises(PlanLimitReached):
        add_organization(connection, user_id=user)
    organizations.soft_delete_organization(connection, organization_id=first)
    second = add_organization(connection, user_id=user)
    restore = organizations.restore_organization
    assert restore(connection, organization_id=first) == 0
    organizations.soft_delete_organization(connection, organization_id=second)
    assert restore(connection, organization_id=first) == 1
    add_content(connection, first)
    with pytest.raises(PlanLimitReached):
        limits.create_organization(connection, user, name="X")


async def test_usage_is_counted_asynchronously(database_url: str) -> None:
    """003-01"""
    with connect(database_url, Settings()) as session:
        user = add_user(session, plan="free")
    async with await connect_async(database_url, Settings()) as connection:
        row = await consume_async(connection, user, UsageMetric.POSTS, 20)
        assert row.remaining == 0
        with pytest.raises(PlanLimitReached):
            await consume_async(connection, user, UsageMetric.POSTS)
