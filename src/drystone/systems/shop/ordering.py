"""An order from the cart to the door, and back: placed, moved on, given up.

Placing an order is one statement: what many want at once is locked only while the
server is at it. Each function is one transaction, or a part of the one that it is
called in. To run it again when it loses against another one, hand it to
``drystone.database.transactions``::

    in_transaction(pool, lambda connection: place(connection, wish))

A client names its wish to order by ``idempotency_key``: whatever fails on the way, it
sends the same wish again and gets the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID

from psycopg import AsyncConnection, Connection
from pydantic import JsonValue

from drystone.systems.shop import orders, stock
from drystone.systems.shop.orders import (
    LockOrderRow,
    PlaceOrderRow,
    TransitionOrderRow,
)
from drystone.systems.shop.refusals import IllegalTransition, OrderNotFound, refusals
from drystone.systems.shop.types import OrderStatus, PaymentMethod, PaymentStatus

Address = Mapping[str, JsonValue]

Row = TypeVar("Row")

_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """A user's wish to order what is in the cart.

    Addresses have ``street``, ``city``, ``zip_code`` and ``country``, and what else a
    carrier needs; without ``billing_address`` the bill goes where the goods go.
    """

    user_id: UUID
    idempotency_key: str
    shipping_address: Address
    billing_address: Address | None = None
    shipping_method: str = "standard"
    payment_method: PaymentMethod = PaymentMethod.CREDIT_CARD
    discount_code: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order as it was placed; ``is_new`` is false if it was there before.

    ``payment_id`` is the payment that is awaited, None if there is nothing to pay.
    """

    id: UUID
    order_number: str
    status: OrderStatus
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    total: Decimal
    currency: str
    payment_id: UUID | None
    is_new: bool


# --- Placing --------------------------------------------------------------------


def place(connection: Connection[Any], wish: Wish) -> PlacedOrder:
    """Make an order of a user's cart, all of it or nothing.

    Its stock is held, a discount is used, a payment is awaited, an e-mail is on its
    way, and the cart is empty. Raises OutOfStock, NotForSale, CartEmpty,
    DiscountRefused, DiscountExhausted, and ForeignKeyViolation without such a user.
    """
    with refusals():
        return _placed(orders.place_order(connection, **_parameters(wish)))


async def place_async(connection: AsyncConnection[Any], wish: Wish) -> PlacedOrder:
    """Do for an asynchronous connection what :func:`place` does."""
    with refusals():
        return _placed(await orders.place_order(connection, **_parameters(wish)))


def _parameters(wish: Wish) -> dict[str, Any]:
    return {
        "user_id": wish.user_id,
        "idempotency_key": wish.idempotency_key,
        "shipping_address": dict(wish.shipping_address),
        "billing_address": dict(wish.billing_address or wish.shipping_address),
        "shipping_method": wish.shipping_method,
        "payment_method": wish.payment_method,
        "discount_code": wish.discount_code,
        "notes": wish.notes,
    }


def _placed(row: PlaceOrderRow | None) -> PlacedOrder:
    """Name what the function returns, whose columns PostgreSQL promises nothing of."""
    if row is None:
        raise AssertionError("shop.place_order returns one row")
    values: dict[str, Any] = {
        name: getattr(row, name) for name in row.__struct_fields__
    }
    return PlacedOrder(id=values.pop("order_id"), **values)


# --- Moving on ------------------------------------------------------------------


def move(
    connection: Connection[Any],
    order_id: UUID,
    to: OrderStatus,
    *,
    tracking_number: str | None = None,
) -> TransitionOrderRow:
    """Move an order to its next state, with all that follows from it.

    Raises OrderNotFound, and IllegalTransition if there is no such step.
    """
    with refusals(), connection.transaction():
        held = _found(orders.lock_order(connection, order_id=order_id))
        moved = orders.transition_order(
            connection,
            order_id=order_id,
            from_status=_other_than(to, held),
            to_status=to,
            tracking_number=tracking_number,
        )
    return _found(moved)


async def move_async(
    connection: AsyncConnection[Any],
    order_id: UUID,
    to: OrderStatus,
    *,
    tracking_number: str | None = None,
) -> TransitionOrderRow:
    """Do for an asynchronous connection what :func:`move` does."""
    with refusals():
        async with connection.transaction():
            held = _found(await orders.lock_order(connection, order_id=order_id))
            moved = await orders.transition_order(
                connection,
                order_id=order_id,
                from_status=_other_than(to, held),
                to_status=to,
                tracking_number=tracking_number,
            )
    return _found(moved)


def confirm(connection: Connection[Any], order_id: UUID) -> TransitionOrderRow:
    """Take an order that is paid in a way of which no provider tells."""
    return move(connection, order_id, OrderStatus.CONFIRMED)


def process(connection: Connection[Any], order_id: UUID) -> TransitionOrderRow:
    """Begin to pack an order."""
    return move(connection, order_id, OrderStatus.PROCESSING)


def ship(
    connection: Connection[Any], order_id: UUID, *, tracking_number: str | None = None
) -> TransitionOrderRow:
    """Send an order off."""
    return move(
        connection, order_id, OrderStatus.SHIPPED, tracking_number=tracking_number
    )


def deliver(connection: Connection[Any], order_id: UUID) -> TransitionOrderRow:
    """Note that an order has arrived."""
    return move(connection, order_id, OrderStatus.DELIVERED)


# --- Giving up ------------------------------------------------------------------


def cancel(
    connection: Connection[Any], order_id: UUID, *, user_id: UUID | None = None
) -> TransitionOrderRow:
    """Give an order up before it is shipped; its stock is free, or back.

    With ``user_id``, only an order of that user. What was paid for it is due to be
    refunded: see ``payments.refunds_due``. Raises as :func:`move` does.
    """
    with refusals(), connection.transaction():
        held = orders.lock_order(connection, order_id=order_id)
        _check_owner(held, user_id)
        return move(connection, order_id, OrderStatus.CANCELLED)


async def cancel_async(
    connection: AsyncConnection[Any], order_id: UUID, *, user_id: UUID | None = None
) -> TransitionOrderRow:
    """Do for an asynchronous connection what :func:`cancel` does."""
    with refusals():
        async with connection.transaction():
            held = await orders.lock_order(connection, order_id=order_id)
            _check_owner(held, user_id)
            return await move_async(connection, order_id, OrderStatus.CANCELLED)


def refund(connection: Connection[Any], order_id: UUID) -> int:
    """Note that an order was paid back; return how many payments that were.

    The goods count as back in stock. An order that was cancelled stays so. Raises
    OrderNotFound, and IllegalTransition if there is nothing to pay back.
    """
    with refusals(), connection.transaction():
        held = _found(orders.lock_order(connection, order_id=order_id))
        if held.status is not OrderStatus.CANCELLED:
            move(connection, order_id, OrderStatus.REFUNDED)
        refunded = orders.refund_payments(connection, order_id=order_id)
        return _check_refunded(held, refunded)


async def refund_async(connection: AsyncConnection[Any], order_id: UUID) -> int:
    """Do for an asynchronous connection what :func:`refund` does."""
    with refusals():
        async with connection.transaction():
            held = _found(await orders.lock_order(connection, order_id=order_id))
            if held.status is not OrderStatus.CANCELLED:
                await move_async(connection, order_id, OrderStatus.REFUNDED)
            refunded = await orders.refund_payments(connection, order_id=order_id)
            return _check_refunded(held, refunded)


def expire(connection: Connection[Any], *, limit: int = _BATCH) -> int:
    """Cancel orders that nobody paid for in time; return what was given back.

    It counts reservations, of up to ``limit`` orders and of up to ``limit`` that have
    none. An order that is being paid at this moment is left for the next time.
    """
    return stock.expire_reservations(connection, limit_rows=limit) or 0


def _found(row: Row | None) -> Row:
    if row is None:
        raise OrderNotFound("there is no such order", hint="Check its id.")
    return row


def _check_owner(held: LockOrderRow | None, user_id: UUID | None) -> None:
    if user_id is not None and _found(held).user_id != user_id:
        _found(None)


def _other_than(to: OrderStatus, held: LockOrderRow) -> OrderStatus:
    """Return the state that an order is in, unless it is the one asked for."""
    if held.status is to:
        raise IllegalTransition(
            f"the order is {to} already", hint="Nothing is left to do."
        )
    return held.status


def _check_refunded(held: LockOrderRow, refunded: int) -> int:
    if not refunded and held.payment_status is not PaymentStatus.COMPLETED:
        raise IllegalTransition(
            "nothing was paid for the order, so nothing can be paid back",
            hint="Cancel it, unless it is cancelled.",
        )
    return refunded
