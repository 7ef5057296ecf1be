"""E-mails about orders: written from the order as it is, and handed to a sender.

``OrderEmails(sender).handle`` is a handler for the jobs ``shop.order-email`` of the
queue ``email``, which the database writes to the outbox with what they tell about. A
job that is done twice sends the same message, with the same Message-ID.
"""

from __future__ import annotations

import uuid
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

from psycopg import Connection
from pydantic import BaseModel, ConfigDict

from drystone.errors import BadInput
from drystone.systems.shop import orders
from drystone.systems.shop.orders import GetOrderRow
from drystone.systems.shop.refusals import OrderNotFound

QUEUE: Final = "email"
JOB: Final = "shop.order-email"


class Template(StrEnum):
    """What an e-mail tells; the names are those that the database writes."""

    PLACED = "order-placed"
    CONFIRMED = "order-confirmed"
    PROCESSING = "order-processing"
    SHIPPED = "order-shipped"
    DELIVERED = "order-delivered"
    CANCELLED = "order-cancelled"
    REFUNDED = "order-refunded"
    PAYMENT_FAILED = "payment-failed"


_WORDS: Final = {
    Template.PLACED: (
        "We have received your order",
        "Thank you! As soon as your payment arrives we get it ready.",
    ),
    Template.CONFIRMED: (
        "Your order is confirmed",
        "Your payment has arrived. We get your order ready.",
    ),
    Template.PROCESSING: ("Your order is being packed", "It will leave us soon."),
    Template.SHIPPED: ("Your order is on its way", "It has just left us."),
    Template.DELIVERED: (
        "Your order has arrived",
        "We hope that you like it. Others would like to read what you think of it.",
    ),
    Template.CANCELLED: (
        "Your order is cancelled",
        "What you have paid for it, if anything, is on its way back to you.",
    ),
    Template.REFUNDED: ("Your order is refunded", "Your money is on its way to you."),
    Template.PAYMENT_FAILED: (
        "Your payment has failed",
        "Your order waits for a while. Please try to pay again.",
    ),
}


class OrderEmail(BaseModel):
    """The payload of a job: what to tell about which order."""

    model_config = ConfigDict(frozen=True)

    order_id: UUID
    template: Template


class Sender(Protocol):
    """Whatever can send a message; it raises if it could not."""

    def send(self, message: EmailMessage) -> None:
        """Send a message."""


class EmlFiles:
    """Writes each message to a folder, as a file that any mail program opens.

    A message that is sent again replaces itself.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        """Write the message as a whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = message["Message-ID"].strip("<>").partition("@")[0]
        part = self._folder / f".{name}.{uuid.uuid4().hex}"
        part.write_bytes(message.as_bytes(policy=SMTP))
        part.replace(self._folder / f"{name}.eml")


class OrderEmails:
    """Handles the jobs that ask for an e-mail about an order."""

    def __init__(
        self, sender: Sender, *, shop: str = "Drystone Shop <shop@example.org>"
    ) -> None:
        self._sender = sender
        self._shop = shop

    def handle(self, connection: Connection[Any], payload: OrderEmail) -> None:
        """Send what a job asks for; raises OrderNotFound if the order is gone."""
        order = orders.get_order(connection, order_id=payload.order_id)
        if order is None:
            raise OrderNotFound(
                "there is no order that an e-mail could be about",
                hint="It was deleted after the job was written; drop the job.",
            )
        self._sender.send(compose(order, payload.template, shop=self._shop))


def compose(order: GetOrderRow, template: Template, *, shop: str) -> EmailMessage:
    """Write an e-mail about an order, from ``shop`` to its customer."""
    subject, opening = _WORDS[template]
    message = EmailMessage()
    message["From"] = shop
    message["To"] = _recipient(order)
    message["Subject"] = f"{subject}: {order.order_number}"
    message["Message-ID"] = (
        f"<{template}.{order.id}@{shop.rpartition('@')[2].strip('>')}>"
    )
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(_paragraphs(order, template, opening)) + "\n")
    return message


def _recipient(order: GetOrderRow) -> Address:
    """Return the customer's address; raises BadInput if no mail can go there."""
    name = " ".join((order.name or "").split())  # a line break would end the header
    try:
        return Address(name, addr_spec=order.email)
    except (ValueError, IndexError, MessageError) as error:
        raise BadInput(
            f"the customer of {order.order_number} has no address for e-mails",
            hint="Correct the user's email, and let the job run again.",
        ) from error


def _paragraphs(order: GetOrderRow, template: Template, opening: str) -> list[str]:
    amounts = [
        ("Goods", order.subtotal),
        ("Discount", -order.discount),
        ("Tax", order.tax),
        ("Shipping", order.shipping),
        ("Total", order.total),
    ]
    paragraphs = [
        f"Dear {order.name or 'customer'},",
        opening,
        "\n".join(
            f"{item.quantity:>3} x {item.product_name:<40.40} {item.line_total:>10}"
            for item in order.items
        ),
        "\n".join(
            f"{label:<46} {amount:>10}"
            for label, amount in amounts
            if amount or label != "Discount"
        )
        + f" {order.currency}",
    ]
    if template is Template.SHIPPED and order.tracking_number:
        paragraphs.insert(2, f"You can follow it by {order.tracking_number}.")
    return paragraphs
