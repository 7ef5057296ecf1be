"""`shop`: what the client app and the admin app may do, done by their roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, LiteralString, TypeAlias

import psycopg
import pytest

from drystone.errors import PermissionDenied
from drystone.systems.shop import (
    catalogue,
    ordering,
    orders,
    reviews,
    search,
    site,
    stock,
    users,
)
from drystone.systems.shop.types import UserRole
from tests.systems.rows import found, value
from tests.systems.shop_factories import (
    ADDRESS,
    HASH,
    add_product,
    add_user,
    is_well,
    order,
    outbox,
    pay,
    put,
    tell,
    wish,
)

Connection: TypeAlias = psycopg.Connection[Any]

CLIENT: LiteralString = "drystone_shop_client"
ADMIN: LiteralString = "drystone_shop_admin"


@contextmanager
def acting(connection: Connection, role: LiteralString) -> Iterator[None]:
    connection.execute(f"SET LOCAL ROLE {role}")
    yield
    connection.execute("RESET ROLE")


def test_a_customer_registers_browses_orders_and_reviews(
    connection: Connection,
) -> None:
    """004-03, 004-05"""
    product = add_product(connection, slug="lamp", cost_price=Decimal(4))
    with acting(connection, CLIENT):
        user = found(
            users.create_user_with_address(
                connection,
                email="ann@example.org",
                password_hash=HASH,
                address=ADDRESS,
            )
        ).id
        assert found(users.find_login(connection, email="ann@example.org")).id == user
        assert users.record_login(connection, user_id=user) == 1
        assert [each.id for each in search.newest(connection)] == [product]
        assert found(catalogue.get_product(connection, slug="lamp")).id == product
        put(connection, user, product, 2)
        placed = ordering.place(connection, wish(user))
        assert placed.subtotal == 20
        assert found(orders.get_order(connection, order_id=placed.id))
        review = reviews.add_review(
            connection, user_id=user, product_id=product, rating=5, content="Bright."
        )
        assert found(review).is_approved
        mine = found(review).id
        assert reviews.update_review(connection, review_id=mine, user_id=user, rating=4)
        site.track_event(connection, event="order_placed", user_id=user)
        assert len(site.unread_notifications(connection, user_id=user)) == 1
        assert site.mark_read(connection, user_id=user) == 1
    assert found(reviews.rating_summary(connection, product_id=product)).reviews == 1
    assert [name for _, name, _ in outbox(connection)] == ["shop.order-email"]
    assert is_well(connection)


def test_a_session_is_kept_by_nextauths_views(connection: Connection) -> None:
    user = add_user(connection)
    with acting(connection, CLIENT):
        connection.execute(
            'INSERT INTO nextauth.sessions ("userId", expires, "sessionToken") '
            "VALUES (%s, now() + INTERVAL '1 day', 'token')",
            [user],
        )
        assert found(users.session_user(connection, session_token="token")).id == user
        connection.execute("INSERT INTO nextauth.users (email) VALUES ('bo@x.org')")
    role = value(connection, "SELECT role FROM shop.users WHERE email = 'bo@x.org'")
    assert role == "USER"


BEYOND_A_CUSTOMER: dict[str, Callable[[Connection, Any], object]] = {
    "make somebody an admin": lambda connection, user: users.update_user(
        connection, user_id=user, role=UserRole.ADMIN
    ),
    "create an admin": lambda connection, _: users.create_user(
        connection, email="eve@example.org", role=UserRole.ADMIN
    ),
    "set a price": lambda connection, _: connection.execute(
        "UPDATE shop.products SET price = 0"
    ),
    "see what the shop pays": lambda connection, _: connection.execute(
        "SELECT cost_price FROM shop.products"
    ),
    "write an order": lambda connection, _: connection.execute(
        "UPDATE shop.orders SET status = 'CONFIRMED'"
    ),
    "say that it is paid": lambda connection, _: connection.execute(
        "UPDATE shop.payments SET status = 'COMPLETED'"
    ),
    "tell of a payment": lambda connection, _: tell(
        connection, "payment_intent.succeeded", "pi_none"
    ),
    "put stock": lambda connection, _: connection.execute(
        "INSERT INTO shop.inventory_transactions (inventory_id) SELECT NULL WHERE false"
    ),
    "redeem a discount": lambda connection, _: connection.execute(
        "INSERT INTO shop.discount_redemptions (order_id) SELECT NULL WHERE false"
    ),
    "approve a review": lambda connection, _: connection.execute(
        "UPDATE shop.reviews SET is_approved = true"
    ),
    "see where visitors go": lambda connection, _: connection.execute(
        "SELECT ip FROM shop.analytics"
    ),
    "delete a user": lambda connection, _: connection.execute("DELETE FROM shop.users"),
    "send jobs": lambda connection, _: connection.execute(
        "INSERT INTO core.outbox (queue, name) VALUES ('email', 'spam')"
    ),
}


@pytest.mark.parametrize("deed", BEYOND_A_CUSTOMER)
def test_the_client_app_cannot(connection: Connection, deed: str) -> None:
    """004-05"""
    user = add_user(connection)
    order(connection)
    with (
        acting(connection, CLIENT),
        pytest.raises((PermissionDenied, psycopg.errors.InsufficientPrivilege)),
        connection.transaction(),
    ):
        BEYOND_A_CUSTOMER[deed](connection, user)


def test_the_admin_app_runs_the_shop(connection: Connection) -> None:
    """004-03, 004-05"""
    with acting(connection, ADMIN):
        product = add_product(connection, cost_price=Decimal(4))
        placed = order(connection, product=product)
        assert tell(connection, "payment_intent.succeeded", pay(connection, placed))
        ordering.process(connection, placed.id)
        ordering.ship(connection, placed.id, tracking_number="T1")
        ordering.deliver(connection, placed.id)
        other = order(connection, product=product)
        ordering.cancel(connection, other.id)
        kept = stock.inventory_of(connection, product_id=product)[0].id
        stock.receive_stock(
            connection, inventory_id=kept, quantity=5, reason="found", reference="R1"
        )
        assert site.ensure_partitions(connection, months=2) is not None
    assert is_well(connection)


@pytest.mark.parametrize("role", [CLIENT, ADMIN])
@pytest.mark.parametrize("schema", ["core", "ideas", "promo", "events", "dining"])
def test_neither_app_reads_what_is_not_the_shops(
    connection: Connection, role: LiteralString, schema: str
) -> None:
    tables = connection.execute(
        """
        SELECT c.oid::regclass::text
        FROM pg_catalog.pg_class AS c
        WHERE
            c.relnamespace = %s::regnamespace
            AND c.relkind = 'r'
            AND has_table_privilege(%s, c.oid, 'SELECT')
        ORDER BY 1
        """,
        [schema, role],
    ).fetchall()
    cache = ["core.cache_invalidations", "core.cache_lease"]
    shared = {CLIENT: cache, ADMIN: [*cache, "core.webhook_events"]}
    assert [name for (name,) in tables] == (shared[role] if schema == "core" else [])
