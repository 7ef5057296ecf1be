"""What the shop refuses, as errors that a client can show: nothing was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from drystone.errors import BadInput, CheckViolation, DatabaseError


class Lacking(msgspec.Struct, frozen=True):
    """A line of a cart that cannot be had: so many wanted, so many there."""

    product_id: UUID
    variant_id: UUID | None
    name: str
    wanted: int
    available: int


class OutOfStock(BadInput):
    """There is not enough of something; ``lacking`` has each such line."""

    def __init__(self, lacking: Sequence[Lacking]) -> None:
        each = (f"{line.available} of {line.wanted} {line.name}" for line in lacking)
        super().__init__(
            f"not enough in stock: {', '.join(each) or 'somebody was faster'}",
            hint="Order no more than there is.",
            sqlstate="SH001",
        )
        self.lacking = list(lacking)


class NotForSale(BadInput):
    """Something in the cart is not sold any more; ``lacking`` has each such line."""

    def __init__(self, lacking: Sequence[Lacking]) -> None:
        super().__init__(
            f"not for sale any more: {', '.join(line.name for line in lacking)}",
            hint="Take it out of the cart.",
            sqlstate="SH005",
        )
        self.lacking = list(lacking)


class CartEmpty(BadInput):
    """There is nothing to order."""


class DiscountRefused(BadInput):
    """A discount does not exist, or does not apply to this order or on this day."""


class DiscountExhausted(DiscountRefused):
    """A discount was used as often as it may be, by all or by this user."""


class OrderNotFound(BadInput):
    """There is no such order, or it is another user's."""


class IllegalTransition(BadInput):
    """An order cannot go from the state that it is in to the one that was asked for."""


_BY_STATE: Final[dict[str, type[BadInput]]] = {
    "SH002": DiscountRefused,
    "SH003": DiscountExhausted,
    "SH004": CartEmpty,
}
_LINES: Final[dict[str, type[OutOfStock] | type[NotForSale]]] = {
    "SH001": OutOfStock,
    "SH005": NotForSale,
}
_STEPS: Final = ("orders_status_step", "payments_status_step")
_STOCK: Final = ("inventory_no_oversell", "inventory_quantity_check")


@contextmanager
def refusals() -> Iterator[None]:
    """Raise what the shop's functions and rules refuse as the errors above."""
    try:
        yield
    except DatabaseError as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: DatabaseError) -> BadInput | None:
    state = error.sqlstate or ""
    if state in _LINES:
        return _LINES[state](_lines(error.__cause__))
    if state in _BY_STATE:
        return _BY_STATE[state](error.message, hint=error.hint, sqlstate=state)
    if isinstance(error, CheckViolation):
        if error.constraint in _STEPS:
            return IllegalTransition(error.message, sqlstate=state)
        if error.constraint in _STOCK:
            return OutOfStock([])
    return None


def _lines(cause: BaseException | None) -> list[Lacking]:
    detail = cause.diag.message_detail if isinstance(cause, psycopg.Error) else None
    return msgspec.json.decode(detail or "[]", type=list[Lacking])
