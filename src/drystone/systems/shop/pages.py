"""What of the shop is cached, for how long, and which tags make it stale.

Whoever changes something names the tags, in the same transaction::

    def work(connection: Connection[Any]) -> PlacedOrder:
        placed = place(connection, wish)
        order = get_order(connection, order_id=placed.id)
        invalidate(connection, *of_order(order))
        return placed

A page shows what is committed, but for two that may lag by as long as they are kept: a
list does not notice that a product which it does not show has become more popular, and
the overview is a report that nothing makes stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from drystone.cache import LONG, MEDIUM, SHORT, CachedQuery
from drystone.systems.shop import carts, catalogue, orders, reports, search
from drystone.systems.shop.browsing import Order
from drystone.systems.shop.orders import GetOrderRow

CATEGORIES: Final = "categories"
OVERVIEW: Final = "overview"
PRODUCTS: Final = "products"


# --- Tags -----------------------------------------------------------------------


def of_product(product_id: UUID, slug: str) -> list[str]:
    """Tags of a product that is new, or has another text, price, rating or stock."""
    return [PRODUCTS, f"product:{product_id}", f"slug:{slug}"]


def of_cart(user_id: UUID) -> list[str]:
    """Tags of a cart that something was put into, or taken out of."""
    return [f"cart:{user_id}"]


def of_order(order: GetOrderRow) -> list[str]:
    """Tags of an order that was placed, moved on, paid or given up."""
    bought = (f"product:{item.product_id}" for item in order.items)
    return [f"orders:{order.user_id}", *of_cart(order.user_id), *sorted(set(bought))]


def _shown(rows: Iterable[Any]) -> list[str]:
    return [f"product:{row.id}" for row in rows]


# --- Pages ----------------------------------------------------------------------

PRODUCT: Final = CachedQuery(
    catalogue.get_product,
    ttl=SHORT,
    tags=["slug:{slug}", CATEGORIES],
    tags_of=lambda page: [f"product:{page.id}"],
)

CATEGORY_TREE: Final = CachedQuery(
    catalogue.category_tree, ttl=LONG, tags=[CATEGORIES, PRODUCTS]
)

CART: Final = CachedQuery(
    carts.cart_view,
    ttl=MEDIUM,
    tags=["cart:{user_id}"],
    tags_of=lambda lines: [f"product:{line.product_id}" for line in lines],
)

ORDERS: Final = CachedQuery(orders.list_orders, ttl=MEDIUM, tags=["orders:{user_id}"])

SUGGESTIONS: Final = CachedQuery(search.suggest, ttl=SHORT, tags=[PRODUCTS])

DASHBOARD: Final = CachedQuery(reports.dashboard_overview, ttl=MEDIUM, tags=[OVERVIEW])


def _list(query: Callable[..., Any]) -> CachedQuery[..., Any]:
    return CachedQuery(query, ttl=SHORT, tags=[CATEGORIES, PRODUCTS], tags_of=_shown)


LISTS: Final = {
    Order.NEWEST: _list(search.newest),
    Order.CHEAPEST: _list(search.cheapest),
    Order.DEAREST: _list(search.dearest),
    Order.NAME: _list(search.by_name),
    Order.RATING: _list(search.best_rated),
    Order.POPULARITY: _list(search.best_selling),
}
