"""Subscriptions follow Stripe: each event counts once, and a late one changes nothing.

    event = stripe.verify(request.body, request.headers["Stripe-Signature"], secret)
    receive(connection, event)

An event that cannot be applied yet, such as one of a user who is not there, stays in
``core.webhook_events`` with the reason; :func:`retry_pending` tries it again.
"""

from __future__ import annotations

import datetime as dt
import logging
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar
from uuid import UUID

from psycopg import Connection
from pydantic import BaseModel, Field, ValidationError

from drystone.errors import BadInput
from drystone.systems.core import webhooks
from drystone.systems.promo import jobs, subscriptions
from drystone.systems.promo.jobs import EmailJob
from drystone.systems.promo.types import SubscriptionStatus
from drystone.systems.stripe import StripeEvent

logger = logging.getLogger(__name__)

# In the ledger; another system's endpoint gets the same events under its own name.
PROVIDER: Final = "stripe/promo"

_STATUSES: Final = {
    "active": SubscriptionStatus.ACTIVE,
    "trialing": SubscriptionStatus.TRIALING,
    "past_due": SubscriptionStatus.PAST_DUE,
    "canceled": SubscriptionStatus.CANCELLED,
    "incomplete": SubscriptionStatus.INCOMPLETE,
    "incomplete_expired": SubscriptionStatus.CANCELLED,
    "unpaid": SubscriptionStatus.UNPAID,
    "paused": SubscriptionStatus.UNPAID,
}


class NotApplicable(BadInput):
    """An event cannot be applied as things are; it stays pending."""


class Outcome(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"  # something later is known, or it changes nothing
    DUPLICATE = "duplicate"  # it was received before
    IGNORED = "ignored"  # it is about something else
    PENDING = "pending"  # it cannot be applied yet


class _Price(BaseModel):
    id: str


class _Item(BaseModel):
    price: _Price
    current_period_start: dt.datetime | None = None
    current_period_end: dt.datetime | None = None


class _Items(BaseModel):
    data: Annotated[list[_Item], Field(min_length=1)]


class _Subscription(BaseModel):
    """What counts of Stripe's subscription; its period moved to the items in 2025."""

    id: str
    customer: str
    status: Literal[
        "active",
        "trialing",
        "past_due",
        "canceled",
        "incomplete",
        "incomplete_expired",
        "unpaid",
        "paused",
    ]
    items: _Items
    metadata: dict[str, str] = Field(default_factory=dict)
    current_period_start: dt.datetime | None = None
    current_period_end: dt.datetime | None = None
    cancel_at_period_end: bool = False
    canceled_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    trial_end: dt.datetime | None = None


class _Details(BaseModel):
    subscription: str | None = None


class _Parent(BaseModel):
    subscription_details: _Details | None = None


class _Invoice(BaseModel):
    """What counts of Stripe's invoice; its subscription moved to the parent in 2025."""

    subscription: str | None = None
    parent: _Parent | None = None

    def subscription_id(self) -> str | None:
        if self.subscription is not None or self.parent is None:
            return self.subscription
        details = self.parent.subscription_details
        return None if details is None else details.subscription


def receive(connection: Connection[Any], event: StripeEvent) -> Outcome:
    """Take an event in, once however often it is delivered, and apply it.

    Both is one transaction. What is returned tells Stripe nothing: answer 200 to all.
    """
    with connection.transaction():
        is_new = webhooks.record_webhook(
            connection,
            provider=PROVIDER,
            event_id=event.id,
            event_type=event.type,
            payload=event.payload,
        )
        return _process(connection, event) if is_new else Outcome.DUPLICATE


def retry_pending(connection: Connection[Any], *, limit: int = 100) -> list[Outcome]:
    """Apply the events that could not be applied before, oldest first."""
    with connection.transaction():
        rows = webhooks.pending_webhooks(
            connection, provider=PROVIDER, limit_rows=limit
        )
        return [_process(connection, _stored(row.payload)) for row in rows]


def _stored(payload: Any) -> StripeEvent:
    return StripeEvent.model_validate({**payload, "payload": payload})


def _process(connection: Connection[Any], event: StripeEvent) -> Outcome:
    error = None
    try:
        with connection.transaction():
            outcome = _apply(connection, event)
    except BadInput as refused:
        logger.warning("event pending, id=%s type=%s", event.id, event.type)
        outcome, error = Outcome.PENDING, refused.message
    webhooks.mark_webhook_processed(
        connection, provider=PROVIDER, event_id=event.id, error=error
    )
    return outcome


def _apply(connection: Connection[Any], event: StripeEvent) -> Outcome:
    if event.type.startswith("customer.subscription."):
        return _apply_subscription(connection, event)
    if event.type in {"invoice.paid", "invoice.payment_succeeded"}:
        return _apply_invoice(connection, event, is_paid=True)
    if event.type == "invoice.payment_failed":
        return _apply_invoice(connection, event, is_paid=False)
    return Outcome.IGNORED


def _apply_subscription(connection: Connection[Any], event: StripeEvent) -> Outcome:
    told = _read(_Subscription, event)
    status = _STATUSES[told.status]
    item = told.items.data[0]
    plan = subscriptions.find_plan_of_price(connection, stripe_price_id=item.price.id)
    if plan is None:
        raise NotApplicable(
            "no plan has the price of the subscription",
            hint="Set it by set_plan_price, then retry what is pending.",
        )
    user_id = subscriptions.find_subscriber(
        connection,
        user_id=_uuid(told.metadata.get("userId")),
        stripe_customer_id=told.customer,
    )
    if user_id is None:
        raise NotApplicable(
            "the subscription is of no known user",
            hint="Give the subscription the metadata userId when it is created.",
        )
    ended = told.ended_at or told.canceled_at
    if status is SubscriptionStatus.CANCELLED:
        ended = ended or event.created
    row = subscriptions.store_subscription(
        connection,
        user_id=user_id,
        plan=plan,
        status=status,
        stripe_subscription_id=told.id,
        stripe_customer_id=told.customer,
        happened_at=event.created,
        is_first=event.type == "customer.subscription.created",
        current_period_start=told.current_period_start or item.current_period_start,
        current_period_end=told.current_period_end or item.current_period_end,
        cancel_at_period_end=told.cancel_at_period_end,
        cancelled_at=ended,
        trial_end=told.trial_end,
    )
    return Outcome.UNCHANGED if row is None else Outcome.APPLIED


def _apply_invoice(
    connection: Connection[Any], event: StripeEvent, *, is_paid: bool
) -> Outcome:
    subscription_id = _read(_Invoice, event).subscription_id()
    if subscription_id is None:
        return Outcome.IGNORED
    row = subscriptions.store_invoice(
        connection,
        stripe_subscription_id=subscription_id,
        is_paid=is_paid,
        happened_at=event.created,
    )
    if row is None:
        if not subscriptions.subscription_known(
            connection, stripe_subscription_id=subscription_id
        ):
            raise NotApplicable("the invoice is of a subscription that is not known")
        return Outcome.UNCHANGED
    if row.status is SubscriptionStatus.PAST_DUE:
        _announce(connection, row.user_id, row.plan)
    return Outcome.APPLIED


def _announce(connection: Connection[Any], user_id: UUID, plan: str) -> None:
    address = subscriptions.find_contact(connection, user_id=user_id)
    if address is not None:
        mail = EmailJob(
            to=address,
            subject="A payment failed",
            template="payment-failed",
            data={"plan": plan},
            priority="high",
        )
        jobs.enqueue(connection, mail)


_Object = TypeVar("_Object", bound=BaseModel)


def _read(model: type[_Object], event: StripeEvent) -> _Object:
    try:
        return model.model_validate(event.object)
    except ValidationError as error:
        wrong = sorted({str(part["loc"][0]) for part in error.errors()})
        raise NotApplicable(
            f"the object of {event.type} is not understood: see {', '.join(wrong)}",
            hint="The endpoint may have a version of Stripe's API that is not known.",
        ) from None


def _uuid(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None
