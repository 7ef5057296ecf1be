"""The shop at full size and at a tenth of it: what grows, and what does not.

At full size there are 20,000 products with 60,000 variants, 50,000 users, 500,000
orders of about a million lines, and a million of visitors' steps. 40 products hold the
word that is searched for, at either size.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from benchmarks.shop_data import ADDRESS, Size, load
from benchmarks.timing import milliseconds
from drystone.cli.output import line, table
from drystone.systems.shop import (
    carts,
    catalogue,
    orders,
    reports,
    search,
    site,
    stock,
    users,
)
from drystone.systems.shop.ordering import Wish, place
from drystone.systems.shop.types import NumberPosition, OrderStatus

_CALLS = 20

FULL: Final = Size(products=20_000, users=50_000, orders=500_000, events=1_000_000)
TENTH: Final = Size(products=2_000, users=5_000, orders=50_000, events=100_000)

# Without an index these read the whole table; the others would take minutes to time.
_TIMED_WITHOUT: Final = ("product page", "search", "cheapest", "suggest", "list orders")

Question = Callable[[Connection[Any]], Any]


def run(connection: Connection[Any]) -> None:
    """Print the median of each query at both sizes, and of some without indexes."""
    medians: dict[str, list[float]] = {}
    for size in (TENTH, FULL):
        load(connection, size)
        for name, question in _questions(connection).items():
            medians.setdefault(name, []).append(_median(connection, question))
    without = {}
    with _no_indexes(connection):
        for name in _TIMED_WITHOUT:
            question = _questions(connection)[name]
            without[name] = _median(connection, question, calls=3)
    rows = [
        (
            name,
            f"{small:.2f}",
            f"{large:.2f}",
            f"{large / small:.1f}",
            f"{without[name]:.0f}" if name in without else "",
            f"{without[name] / large:.0f}" if name in without else "",
        )
        for name, (small, large) in medians.items()
    ]
    headers = ("query", "tenth ms", "full ms", "times", "full, no index ms", "times")
    table(headers, rows, right=headers[1:])
    line(f"{FULL.products:,} products, {FULL.orders:,} orders at full size")


def _questions(connection: Connection[Any]) -> dict[str, Question]:
    """Return the queries of pages and checkouts, by what they are called here."""
    user, product = _id(connection, "user1"), _id(connection, "product7")
    now = datetime.now(UTC)
    month = {"sold_from": now - timedelta(days=30), "sold_before": now}
    lines = [{"product_id": str(_id(connection, f"product{n}"))} for n in (3, 5, 9)]
    return {
        "product page": partial(catalogue.get_product, slug="product-77"),
        "search": partial(search.newest, q="zeppelin"),
        "search, a common word": partial(search.newest, q="lamp"),
        "newest": search.newest,
        "cheapest": search.cheapest,
        "cheapest, a later page": partial(
            search.cheapest, after=NumberPosition(250, product)
        ),
        "best selling, in stock": partial(search.best_selling, in_stock=True),
        "category, cheapest": partial(search.cheapest, category="category-3"),
        "facets": partial(search.search_facets, q="lamp"),
        "suggest": partial(search.suggest, prefix="red la"),
        "did you mean": partial(search.did_you_mean, q="zeplin lmap"),
        "bought together": partial(search.bought_together, product_id=product),
        "category tree": catalogue.category_tree,
        "session, login": partial(users.find_login, email="user7@example.org"),
        "add to cart": partial(
            carts.cart_add, user_id=user, product_id=product, quantity=1
        ),
        "reserve 3 lines": partial(
            stock.reserve_stock,
            lines=[each | {"quantity": 1} for each in lines],
            hold=timedelta(hours=1),
        ),
        "place an order": partial(_order, user=user, product=product),
        "list orders": partial(orders.list_orders, user_id=user),
        "pending orders": partial(orders.list_orders, status=OrderStatus.PENDING),
        "sales, a month by day": partial(
            reports.sales_series, bucket="day", tz="Europe/Berlin", **month
        ),
        "top products, a month": partial(reports.top_products, **month),
        "low stock": stock.low_stock,
        "funnel, a day": partial(
            site.funnel, seen_from=now - timedelta(days=1), seen_before=now
        ),
        "dashboard": reports.dashboard_overview,
    }


def _order(connection: Connection[Any], *, user: UUID, product: UUID) -> object:
    carts.cart_add(connection, user_id=user, product_id=product, quantity=1)
    return place(connection, Wish(user, "bench", ADDRESS))


def _id(connection: Connection[Any], name: str) -> UUID:
    row = connection.execute("SELECT md5(%s)::uuid", [name]).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def _median(
    connection: Connection[Any], question: Question, *, calls: int = _CALLS
) -> float:
    def once(connection: Connection[Any]) -> None:
        with connection.transaction(force_rollback=True):
            question(connection)

    once(connection)
    return statistics.median(milliseconds(once, [connection] * calls))


@contextmanager
def _no_indexes(connection: Connection[Any]) -> Iterator[None]:
    """Let the planner use no index."""
    kinds = ("indexscan", "indexonlyscan", "bitmapscan")
    for kind in kinds:
        connection.execute(f"SET enable_{kind} = off".encode())
    try:
        yield
    finally:
        for kind in kinds:
            connection.execute(f"RESET enable_{kind}".encode())
