"""Pages of the catalogue: one function for all orders, with a cursor that clients keep.

A cursor is the place behind the last product of a page, in the order that the page was
in; to clients it is a word without meaning.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import Connection

from drystone.errors import BadInput
from drystone.systems.shop import search
from drystone.systems.shop.search import NewestRow
from drystone.systems.shop.types import NamePosition, NumberPosition, TimePosition

MOST: Final = 100


class Order(StrEnum):
    """The orders in which products can be listed."""

    NEWEST = "newest"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"
    NAME = "name"
    RATING = "rating"
    POPULARITY = "popularity"


@dataclass(frozen=True, slots=True)
class Filters:
    """What products must have; what is None is not asked for.

    ``q`` is a web-style search, ``category`` a slug that stands for all below it.
    """

    q: str | None = None
    category: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool | None = None
    featured: bool | None = None
    min_rating: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some products, and the cursor of those behind them; None on the last page."""

    products: list[NewestRow]
    next: str | None


class _Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    order: Order
    key: str
    id: UUID


# The query of each order, the column that it goes by, and how to say a place in it.
_LISTS: Final[
    dict[Order, tuple[Callable[..., list[Any]], str, Callable[[str, UUID], object]]]
] = {
    Order.NEWEST: (
        search.newest,
        "created_at",
        lambda key, id_: TimePosition(dt.datetime.fromisoformat(key), id_),
    ),
    Order.CHEAPEST: (
        search.cheapest,
        "price",
        lambda key, id_: NumberPosition(Decimal(key), id_),
    ),
    Order.DEAREST: (
        search.dearest,
        "price",
        lambda key, id_: NumberPosition(Decimal(key), id_),
    ),
    Order.NAME: (search.by_name, "sort_name", NamePosition),
    Order.RATING: (
        search.best_rated,
        "rating",
        lambda key, id_: NumberPosition(Decimal(key), id_),
    ),
    Order.POPULARITY: (
        search.best_selling,
        "sold",
        lambda key, id_: NumberPosition(Decimal(key), id_),
    ),
}


def browse(
    connection: Connection[Any],
    filters: Filters | None = None,
    *,
    order: Order = Order.NEWEST,
    cursor: str | None = None,
    limit: int = 20,
) -> Page:
    """List products for sale, ``limit`` to a page, from 1 to 100.

    Raises BadInput for another limit, and for a cursor that is not of this order.
    """
    if not 1 <= limit <= MOST:
        raise BadInput(
            f"a page cannot have {limit} products",
            hint=f"Ask for 1 to {MOST}, and for the next page.",
        )
    query, column, position = _LISTS[order]
    after = None if cursor is None else _read(cursor, order, position)
    rows = query(
        connection, **asdict(filters or Filters()), after=after, limit_rows=limit
    )
    last = rows[-1] if len(rows) == limit else None
    return Page(rows, None if last is None else _write(order, column, last))


def _write(order: Order, column: str, row: NewestRow) -> str:
    key = getattr(row, column)
    text = key.isoformat() if isinstance(key, dt.datetime) else str(key)
    packed = msgspec.json.encode(_Cursor(order, text, row.id))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _read(cursor: str, order: Order, position: Callable[[str, UUID], object]) -> object:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        read = msgspec.json.decode(packed, type=_Cursor)
        if read.order is not order:
            raise ValueError("of another order")
        return position(read.key, read.id)
    except (ValueError, ArithmeticError, binascii.Error) as error:
        raise BadInput(
            "the cursor is not one of this list",
            hint="Begin with the first page, or keep the order that it came with.",
        ) from error
