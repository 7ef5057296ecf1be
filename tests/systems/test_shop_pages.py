"""The shop's cached pages: each is fresh after a change that names its tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from pydantic import SecretStr

from drystone.cache import Cache, CachedQuery, invalidate, open_cache
from drystone.database.pool import Pool, open_pool
from drystone.database.transactions import in_transaction
from drystone.settings import Settings
from drystone.systems.shop import carts, catalogue, orders, pages
from drystone.systems.shop.browsing import Order
from drystone.systems.shop.ordering import cancel, place
from tests.systems.rows import found, seed_id
from tests.systems.shop_factories import wish

Connection: TypeAlias = psycopg.Connection[Any]

PAGE = Path(__file__).parents[2] / "docs" / "shop.md"
USER = seed_id("a", 2)


@pytest.fixture
def pool(own_shop: Connection, database_url: str) -> Iterator[Pool]:
    with open_pool(database_url, Settings()) as opened:
        yield opened


@pytest.fixture
def cache(pool: Pool, redis_url: str) -> Iterator[Cache]:
    with open_cache(pool, Settings(redis_url=SecretStr(redis_url))) as opened:
        yield opened


def test_every_page_is_served_from_the_cache(cache: Cache) -> None:
    """004-06"""
    reads: list[tuple[CachedQuery[..., Any], dict[str, Any]]] = [
        (pages.PRODUCT, {"slug": "wireless-headphones"}),
        (pages.CATEGORY_TREE, {}),
        (pages.CART, {"user_id": USER}),
        (pages.ORDERS, {"user_id": USER}),
        (pages.SUGGESTIONS, {"prefix": "wi"}),
        (pages.DASHBOARD, {}),
        *((pages.LISTS[order], {}) for order in Order),
    ]
    for page, parameters in reads:
        first = cache.read(page, **parameters)
        assert first
        assert cache.read(page, **parameters) == first
    assert cache.counts.hits == len(reads)


def test_a_product_that_changes_changes_its_pages(pool: Pool, cache: Cache) -> None:
    """004-06"""
    before = found(cache.read(pages.PRODUCT, slug="wireless-headphones"))
    assert cache.read(pages.PRODUCT, slug="new-name") is None
    cache.read(pages.LISTS[Order.CHEAPEST])

    def work(connection: Connection) -> None:
        catalogue.update_product(
            connection, product_id=before.id, slug="new-name", price=Decimal("1.00")
        )
        invalidate(connection, *pages.of_product(before.id, "new-name"))

    in_transaction(pool, work)
    assert cache.read(pages.PRODUCT, slug="wireless-headphones") is None
    assert found(cache.read(pages.PRODUCT, slug="new-name")).price == 1
    assert cache.read(pages.LISTS[Order.CHEAPEST])[0].id == before.id


def test_an_order_changes_the_stock_the_cart_and_the_orders_that_are_shown(
    pool: Pool, cache: Cache
) -> None:
    """004-06"""
    in_transaction(pool, lambda c: carts.cart_clear(c, user_id=USER))
    page = found(cache.read(pages.PRODUCT, slug="wireless-headphones"))

    def fill(connection: Connection) -> None:
        carts.cart_add(
            connection,
            user_id=USER,
            product_id=page.id,
            variant_id=page.variants[0].id if page.variants else None,
            quantity=2,
        )
        invalidate(connection, *pages.of_cart(USER))

    in_transaction(pool, fill)
    assert len(cache.read(pages.CART, user_id=USER)) == 1
    earlier = cache.read(pages.ORDERS, user_id=USER)

    def buy(connection: Connection) -> Any:
        placed = place(connection, wish(USER))
        order = found(orders.get_order(connection, order_id=placed.id))
        invalidate(connection, *pages.of_order(order))
        return order

    order = in_transaction(pool, buy)
    after = found(cache.read(pages.PRODUCT, slug="wireless-headphones"))
    assert after.available == page.available - 2
    assert cache.read(pages.CART, user_id=USER) == []
    assert len(cache.read(pages.ORDERS, user_id=USER)) == len(earlier) + 1

    def give_up(connection: Connection) -> None:
        cancel(connection, order.id)
        invalidate(connection, *pages.of_order(order))

    in_transaction(pool, give_up)
    again = found(cache.read(pages.PRODUCT, slug="wireless-headphones"))
    assert again.available == page.available


def test_the_programs_of_the_page_run(
    own_shop: Connection,
    pool: Pool,
    redis_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """004-09"""
    headphones = found(catalogue.get_product(own_shop, slug="wireless-headphones"))
    carts.cart_clear(own_shop, user_id=USER)
    carts.cart_add(
        own_shop,
        user_id=USER,
        product_id=headphones.id,
        variant_id=None,
        quantity=3,
    )
    names: dict[str, Any] = {
        "pool": pool,
        "settings": Settings(redis_url=SecretStr(redis_url)),
        "user_id": USER,
        "address": wish(USER).shipping_address,
    }
    text = PAGE.read_text(encoding="utf-8")
    for program in re.findall(
        r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102
    assert capsys.readouterr().out == "3\n"
