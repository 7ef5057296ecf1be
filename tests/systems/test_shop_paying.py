"""Payments in `shop`: Stripe's events take effect once, in whatever order they come."""

from __future__ import annotations

import email
import json
from decimal import Decimal
from email import policy
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import psycopg
import pytest

from drystone.errors import BadInput, UniqueViolation
from drystone.systems import stripe
from drystone.systems.shop import orders, paying, payments, site, stock
from drystone.systems.shop.mailing import (
    EmlFiles,
    OrderEmail,
    OrderEmails,
    Template,
    compose,
)
from drystone.systems.shop.ordering import cancel, confirm, process, refund, ship
from drystone.systems.shop.refusals import OrderNotFound
from drystone.systems.shop.types import EventOutcome, PaymentMethod
from tests.systems.rows import found, value
from tests.systems.sessions import at_once
from tests.systems.shop_factories import (
    SECRET,
    add_product,
    add_user,
    event,
    is_well,
    order,
    outbox,
    pay,
    tell,
)

Connection: TypeAlias = psycopg.Connection[Any]

SUCCEEDED = "payment_intent.succeeded"
FAILED = "payment_intent.payment_failed"
CANCELED = "payment_intent.canceled"
DISPUTED = "charge.dispute.created"


def states(connection: Connection, order_id: Any) -> tuple[str, str, list[str]]:
    """The states of an order: its own, its payments' in sum, and each payment's."""
    row = found(orders.get_order(connection, order_id=order_id))
    each = [payment.status.value for payment in row.payments]
    return row.status.value, row.payment_status.value, each


# --- Events ---------------------------------------------------------------------


def test_success_completes_the_payment_and_confirms_the_order(
    connection: Connection,
) -> None:
    """004-03"""
    user, product = add_user(connection), add_product(connection)
    placed = order(connection, user=user, product=product)
    intent = pay(connection, placed)
    cents = int(placed.total * 100)
    about = {"amount_received": cents, "currency": "usd"}
    payload, header = event(SUCCEEDED, intent, data={"object": {"id": intent} | about})
    applied = paying.receive(connection, payload, header, SECRET)
    assert applied == paying.Applied(EventOutcome.APPLIED, placed.id)
    assert states(connection, placed.id) == ("CONFIRMED", "COMPLETED", ["COMPLETED"])
    left = found(stock.product_stock(connection, product_id=product))
    assert (left.quantity, left.reserved) == (8, 0)
    told = site.unread_notifications(connection, user_id=user)
    assert "PAYMENT_SUCCESS" in {each.type for each in told}
    assert is_well(connection)


def test_failure_leaves_the_order_waiting_for_another_try(
    connection: Connection,
) -> None:
    """004-03"""
    user = add_user(connection)
    placed = order(connection, user=user)
    intent = pay(connection, placed)
    assert tell(connection, FAILED, intent) == "APPLIED"
    assert states(connection, placed.id) == ("PENDING", "FAILED", ["FAILED"])
    told = site.unread_notifications(connection, user_id=user)
    assert "PAYMENT_FAILED" in {each.type for each in told}
    assert outbox(connection)[-1][2]["template"] == "payment-failed"
    second = found(
        payments.add_payment(
            connection, order_id=placed.id, method=PaymentMethod.PAYPAL
        )
    )
    paying.attach(connection, second.id, provider_id="pi_second")
    assert tell(connection, SUCCEEDED, "pi_second") == "APPLIED"
    assert states(connection, placed.id)[:2] == ("CONFIRMED", "COMPLETED")
    late = payments.add_payment(
        connection, order_id=placed.id, method=PaymentMethod.PAYPAL
    )
    assert late is None


def test_a_payment_that_is_called_off_cancels_the_order(connection: Connection) -> None:
    """004-03"""
    product = add_product(connection)
    placed = order(connection, product=product)
    assert tell(connection, CANCELED, pay(connection, placed)) == "APPLIED"
    assert states(connection, placed.id) == ("CANCELLED", "CANCELLED", ["CANCELLED"])
    assert found(stock.product_stock(connection, product_id=product)).available == 10
    assert is_well(connection)


def test_a_dispute_is_told_to_those_who_run_the_shop(connection: Connection) -> None:
    """004-03"""
    placed = order(connection)
    intent = pay(connection, placed)
    tell(connection, SUCCEEDED, intent)
    for about in (intent, {"id": intent, "object": "payment_intent"}):
        data = {"object": {"id": "dp_1", "payment_intent": about}}
        payload, header = event(DISPUTED, intent, data=data)
        outcome = paying.receive(connection, payload, header, SECRET).outcome
        assert outcome == "APPLIED"
    (payment,) = found(orders.get_order(connection, order_id=placed.id)).payments
    assert payment.disputed_at is not None
    told = site.admin_notifications(connection)
    assert [each.title for each in told] == ["A payment is disputed"] * 2
    assert site.mark_read(connection, user_id=None) == 2
    assert site.admin_notifications(connection) == []
    assert states(connection, placed.id)[1] == "COMPLETED"


def test_the_same_event_twenty_times_at_once_is_applied_once(
    own: Connection, database_url: str
) -> None:
    """004-03, 004-05, 004-08"""
    product = add_product(own)
    placed = order(own, product=product)
    payload, header = event(SUCCEEDED, pay(own, placed))

    def receive(session: Connection) -> str:
        return paying.receive(session, payload, header, SECRET).outcome

    outcomes = sorted(at_once(database_url, [receive] * 20))
    assert outcomes == ["APPLIED"] + ["DUPLICATE"] * 19
    left = found(stock.product_stock(own, product_id=product))
    assert (left.quantity, left.reserved) == (8, 0)
    assert value(own, "SELECT count(*) FROM shop.notifications") == 3
    assert is_well(own)


@pytest.mark.parametrize(
    ("kinds", "outcomes", "end"),
    [
        ((SUCCEEDED, FAILED), "APPLIED STALE", ("CONFIRMED", "COMPLETED")),
        ((SUCCEEDED, CANCELED), "APPLIED STALE", ("CONFIRMED", "COMPLETED")),
        ((SUCCEEDED, SUCCEEDED), "APPLIED STALE", ("CONFIRMED", "COMPLETED")),
        ((FAILED, SUCCEEDED), "APPLIED APPLIED", ("CONFIRMED", "COMPLETED")),
        ((FAILED, FAILED), "APPLIED APPLIED", ("PENDING", "FAILED")),
        ((CANCELED, FAILED), "APPLIED STALE", ("CANCELLED", "CANCELLED")),
        ((CANCELED, SUCCEEDED), "APPLIED REFUND_DUE", ("CANCELLED", "COMPLETED")),
        (("customer.created",), "IGNORED", ("PENDING", "PENDING")),
    ],
)
def test_events_may_come_in_any_order(
    connection: Connection, kinds: tuple[str, ...], outcomes: str, end: tuple[str, str]
) -> None:
    """004-03"""
    placed = order(connection)
    intent = pay(connection, placed)
    told = [tell(connection, kind, intent) for kind in kinds]
    assert told == outcomes.split()
    assert states(connection, placed.id)[:2] == end
    assert is_well(connection)


def test_an_event_that_comes_before_its_payment_waits_for_it(
    connection: Connection,
) -> None:
    """004-03"""
    assert tell(connection, SUCCEEDED, "pi_early") == "UNKNOWN_PAYMENT"
    assert [each.outcome for each in paying.replay(connection)] == ["UNKNOWN_PAYMENT"]
    placed = order(connection)
    applied = paying.attach(
        connection, found(placed.payment_id), provider_id="pi_early"
    )
    assert applied == [paying.Applied(EventOutcome.APPLIED, placed.id)]
    assert states(connection, placed.id)[0] == "CONFIRMED"
    assert paying.replay(connection) == []
    with pytest.raises(BadInput, match="already"):
        paying.attach(connection, found(placed.payment_id), provider_id="pi_other")
    with pytest.raises(UniqueViolation):
        paying.attach(
            connection, found(order(connection).payment_id), provider_id="pi_early"
        )


def test_money_for_a_cancelled_order_is_due_to_be_refunded(
    connection: Connection,
) -> None:
    """004-03"""
    placed = order(connection)
    intent = pay(connection, placed)
    cancel(connection, placed.id)
    assert tell(connection, SUCCEEDED, intent) == "REFUND_DUE"
    (due,) = payments.refunds_due(connection)
    assert (due.order_id, due.amount) == (placed.id, placed.total)
    (told,) = site.admin_notifications(connection)
    assert told.title == "A payment is to be refunded"
    assert refund(connection, placed.id) == 1
    assert states(connection, placed.id)[:2] == ("CANCELLED", "REFUNDED")
    assert is_well(connection)


def test_an_order_that_is_paid_twice_gets_one_payment_back(
    connection: Connection,
) -> None:
    """004-03"""
    placed = order(connection)
    first = pay(connection, placed)
    second = found(
        payments.add_payment(
            connection,
            order_id=placed.id,
            method=PaymentMethod.APPLE_PAY,
            provider_id="pi_again",
        )
    )
    assert tell(connection, SUCCEEDED, first) == "APPLIED"
    assert tell(connection, SUCCEEDED, "pi_again") == "REFUND_DUE"
    (due,) = payments.refunds_due(connection)
    assert due.id == second.id
    assert payments.refund_payment(connection, payment_id=second.id) == 1
    assert payments.refunds_due(connection) == []
    assert states(connection, placed.id)[:2] == ("CONFIRMED", "COMPLETED")


@pytest.mark.parametrize(
    "about", [{"amount_received": 1, "currency": "usd"}, {"currency": "eur"}]
)
def test_another_amount_than_the_orders_confirms_nothing(
    connection: Connection, about: dict[str, Any]
) -> None:
    """004-03"""
    placed = order(connection)
    intent = pay(connection, placed)
    received = {"amount_received": int(placed.total * 100)} | about
    data = {"object": {"id": intent} | received}
    assert tell(connection, SUCCEEDED, intent, data=data) == "AMOUNT_DIFFERS"
    assert states(connection, placed.id)[:2] == ("PENDING", "PENDING")
    assert len(paying.replay(connection)) == 1


def test_amounts_in_currencies_without_cents_are_whole(connection: Connection) -> None:
    """004-03"""
    placed = order(connection)
    intent = pay(connection, placed)
    connection.execute("UPDATE shop.payments SET currency = 'JPY', amount = 500")
    data = {"object": {"id": intent, "amount_received": 500, "currency": "jpy"}}
    assert tell(connection, SUCCEEDED, intent, data=data) == "APPLIED"


def test_what_stripe_did_not_sign_is_not_stored(connection: Connection) -> None:
    """004-03"""
    placed = order(connection)
    payload, header = event(SUCCEEDED, pay(connection, placed))
    for body, signature, refused in (
        (payload.replace(b"succeeded", b"canceled"), header, stripe.ForgedSignature),
        (payload, stripe.sign(payload, "whsec_other"), stripe.ForgedSignature),
        (payload, stripe.sign(payload, SECRET, at=1), stripe.StaleSignature),
        (b"[]", stripe.sign(b"[]", SECRET), stripe.MalformedEvent),
    ):
        with pytest.raises(refused):
            paying.receive(connection, body, signature, SECRET)
    assert states(connection, placed.id)[:2] == ("PENDING", "PENDING")
    assert value(connection, "SELECT count(*) FROM core.webhook_events") == 0


def test_an_event_that_cannot_be_applied_is_not_recorded_as_done(
    connection: Connection,
) -> None:
    """004-03"""
    placed = order(connection)
    intent = pay(connection, placed)
    payload, header = event(SUCCEEDED, intent)
    with connection.transaction(force_rollback=True):  # as if it had crashed
        assert paying.receive(connection, payload, header, SECRET).outcome == "APPLIED"
    assert states(connection, placed.id)[0] == "PENDING"
    assert paying.receive(connection, payload, header, SECRET).outcome == "APPLIED"
    assert json.loads(payload)["id"] == value(
        connection, "SELECT event_id FROM core.webhook_events WHERE error IS NULL"
    )


# --- E-mails --------------------------------------------------------------------


def test_the_jobs_that_an_order_leaves_become_messages(
    connection: Connection, tmp_path: Path
) -> None:
    """004-03"""
    user = add_user(connection, name='Ümit, the "Great"', email="u@example.org")
    product = add_product(connection, name="Ein Löffel 🥄", price=Decimal("12.50"))
    placed = order(connection, user=user, product=product)
    confirm(connection, placed.id)
    process(connection, placed.id)
    ship(connection, placed.id, tracking_number="TRACK-9")
    emails = OrderEmails(EmlFiles(tmp_path / "sent"))
    for queue, name, payload in outbox(connection) * 2:  # each of them twice
        assert (queue, name) == ("email", "shop.order-email")
        emails.handle(connection, OrderEmail.model_validate(payload))
    files = sorted((tmp_path / "sent").iterdir())
    assert len(files) == 4
    messages = {
        path.name.partition(".")[0]: email.message_from_bytes(
            path.read_bytes(), policy=policy.default
        )
        for path in files
    }
    assert messages.keys() == {
        *("order-placed", "order-confirmed", "order-processing", "order-shipped"),
    }
    shipped = messages["order-shipped"]
    assert shipped["To"].addresses[0].addr_spec == "u@example.org"
    assert placed.order_number in shipped["Subject"]
    text = shipped.get_content()
    for part in ("Ümit", "2 x Ein Löffel 🥄", "TRACK-9", f"{placed.total} USD"):
        assert part in text
    assert "TRACK-9" not in messages["order-placed"].get_content()


def test_every_template_is_written_for_every_order(connection: Connection) -> None:
    """004-03"""
    row = found(orders.get_order(connection, order_id=order(connection).id))
    subjects = {
        compose(row, template, shop="Shop <shop@example.org>")["Subject"]
        for template in Template
    }
    assert len(subjects) == len(Template)


def test_a_name_cannot_add_a_header(connection: Connection) -> None:
    """004-03"""
    user = add_user(connection, name="Eve\r\nBcc: all@example.org")
    row = found(orders.get_order(connection, order_id=order(connection, user=user).id))
    message = compose(row, Template.PLACED, shop="Shop <shop@example.org>")
    assert "Bcc" not in message
    assert b"\nBcc:" not in message.as_bytes().partition(b"\n\n")[0]


def test_an_address_that_no_mail_can_go_to_is_told(connection: Connection) -> None:
    """004-03"""
    for address in ("a,b@example.org", "<@example.org", '"@example.org', "a@b>"):
        user = add_user(connection, email=address)
        placed = order(connection, user=user)
        row = found(orders.get_order(connection, order_id=placed.id))
        with pytest.raises(BadInput, match=placed.order_number) as caught:
            compose(row, Template.PLACED, shop="Shop <shop@example.org>")
        assert address not in str(caught.value)


def test_an_e_mail_about_no_order_is_told(connection: Connection) -> None:
    """004-03"""
    emails = OrderEmails(EmlFiles(Path("nowhere")))
    with pytest.raises(OrderNotFound):
        emails.handle(
            connection, OrderEmail(order_id=uuid4(), template=Template.PLACED)
        )
