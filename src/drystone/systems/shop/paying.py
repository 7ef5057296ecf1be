"""What Stripe tells about payments: each event takes effect once, in whatever order.

A payment has the id of its PaymentIntent from :func:`attach` on. Events that came
before wait for it in the webhook ledger, under the provider ``shop.stripe``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from pydantic import JsonValue

from drystone.errors import BadInput
from drystone.systems import stripe
from drystone.systems.shop import payments
from drystone.systems.shop.refusals import refusals
from drystone.systems.shop.types import EventOutcome
from drystone.systems.stripe import StripeEvent

_PROVIDER: Final = "stripe"
_DISPUTE: Final = "charge.dispute.created"
_SUCCEEDED: Final = "payment_intent.succeeded"

# Currencies without a smaller unit (docs.stripe.com/currencies, "Zero-decimal").
_WHOLE: Final = frozenset(
    {
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    }
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an event, and the order that it is about, if any."""

    outcome: EventOutcome
    order_id: UUID | None


def receive(
    connection: Connection[Any],
    payload: bytes,
    header: str,
    secret: str | Sequence[str],
    *,
    now: float | None = None,
) -> Applied:
    """Take a webhook's body in, if Stripe signed it, and do what follows from it.

    Any outcome is to be answered with 200: what has to wait is in the ledger. Raises
    what :func:`drystone.systems.stripe.verify` raises; nothing is stored then.
    """
    return apply(connection, stripe.verify(payload, header, secret, now=now))


def apply(connection: Connection[Any], event: StripeEvent) -> Applied:
    """Do what follows from an event, once, however often it is delivered."""
    return _apply(connection, event.id, event.type, event.payload, event.object)


def attach(
    connection: Connection[Any], payment_id: UUID, *, provider_id: str
) -> list[Applied]:
    """Tell which PaymentIntent a payment is; apply the events that waited for it.

    Raises BadInput if the payment does not exist or is another one's, and
    UniqueViolation if another payment has the id.
    """
    with connection.transaction():
        if not payments.attach_payment(
            connection, payment_id=payment_id, provider_id=provider_id
        ):
            raise BadInput(
                "there is no such payment, or it has its provider's id already",
                hint="Make another payment with payments.add_payment.",
            )
        return replay(connection, provider_id=provider_id)


def replay(
    connection: Connection[Any], *, provider_id: str | None = None, limit: int = 100
) -> list[Applied]:
    """Apply events that wait, oldest first: all of them, or those of one payment."""
    return [
        _apply(connection, row.event_id, row.event_type, row.payload, _object(row))
        for row in payments.waiting_events(
            connection,
            provider=_PROVIDER,
            provider_id=provider_id,
            limit_rows=limit,
        )
    ]


def _object(row: payments.WaitingEventsRow) -> dict[str, JsonValue]:
    payload: Any = row.payload
    found: dict[str, JsonValue] = payload["data"]["object"]
    return found


def _apply(
    connection: Connection[Any],
    event_id: str,
    event_type: str,
    payload: JsonValue,
    about: dict[str, JsonValue],
) -> Applied:
    succeeded = event_type == _SUCCEEDED
    with refusals():
        row = payments.apply_payment_event(
            connection,
            provider=_PROVIDER,
            event_id=event_id,
            event_type=event_type,
            provider_id=_payment_intent(event_type, about),
            data=payload,
            amount=_amount(about) if succeeded else None,
            currency=_currency(about) if succeeded else None,
        )
    if row is None or row.outcome is None:
        raise AssertionError("shop.apply_payment_event returns one row")
    return Applied(row.outcome, row.order_id)


def _payment_intent(event_type: str, about: dict[str, JsonValue]) -> str | None:
    """Return the PaymentIntent that an object is, or is about."""
    intent = about.get("payment_intent" if event_type == _DISPUTE else "id")
    if isinstance(intent, dict):  # expanded
        intent = intent.get("id")
    return intent if isinstance(intent, str) else None


def _amount(about: dict[str, JsonValue]) -> Decimal | None:
    """Return what was paid, which Stripe gives in the currency's smallest unit."""
    amount = about.get("amount_received", about.get("amount"))
    if not isinstance(amount, int):
        return None
    return Decimal(amount).scaleb(0 if _currency(about) in _WHOLE else -2)


def _currency(about: dict[str, JsonValue]) -> str | None:
    currency = about.get("currency")
    return currency.upper() if isinstance(currency, str) else None
