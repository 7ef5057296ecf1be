"""The shop at full size and at a tenth of it: what grows, and what does not.

At full size there are 20,000 products with 60,000 variants, 50,000 users, 500,000
orders of about a million lines, and a million of visitors' steps. 40 products hold the
word that is searched for, at either size.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from benchmarks.growth import Question, show_growth
from benchmarks.shop_data import ADDRESS, Size, load
from drystone.cli.output import line
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

FULL: Final = Size(products=20_000, users=50_000, orders=500_000, events=1_000_000)
TENTH: Final = Size(products=2_000, users=5_000, orders=50_000, events=100_000)

# Without an index these read the whole table; the others would take minutes to time.
_TIMED_WITHOUT: Final = ("product page", "search", "cheapest", "suggest", "list orders")


def run(connection: Connection[Any]) -> None:
    """Print the median of each query at both sizes, and of some without indexes."""
    show_growth(
        connection,
        _questions,
        load=load,
        sizes=(TENTH, FULL),
        labels=("tenth", "full", "full, no index"),
        unindexed=_TIMED_WITHOUT,
        calls=20,
    )
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
