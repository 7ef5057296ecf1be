"""What tests of `shop` are made of: rows that are valid unless told otherwise."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import count
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from drystone.systems import stripe
from drystone.systems.shop import carts, catalogue, paying, reports, stock, users
from drystone.systems.shop.ordering import PlacedOrder, Wish, place
from tests.systems.rows import found

ADDRESS: Final = {
    "street": "123 Main St",
    "city": "New York",
    "state": "NY",
    "zip_code": "10001",
    "country": "US",
}
HASH: Final = "$argon2id$v=19$test"
SECRET: Final = "whsec_test"

_numbers = count(1)


def add_user(connection: Connection[Any], **given: Any) -> UUID:
    number = next(_numbers)
    row = {"email": f"user{number}@example.org", "name": f"User {number}"} | given
    return found(users.create_user(connection, **row)).id


def add_category(connection: Connection[Any], **given: Any) -> UUID:
    number = next(_numbers)
    row = {"name": f"Category {number}", "slug": f"category-{number}"} | given
    return found(catalogue.create_category(connection, **row)).id


def add_product(connection: Connection[Any], **given: Any) -> UUID:
    """A product of 10.00, 10 of it in stock."""
    number = next(_numbers)
    row: dict[str, Any] = {
        "name": f"Product {number}",
        "slug": f"product-{number}",
        "sku": f"SKU-{number}",
        "price": Decimal(10),
        "description": "Something to buy.",
        "quantity": 10,
    }
    category = given.pop("category_id", None) or add_category(connection)
    return found(
        catalogue.create_product(connection, category_id=category, **(row | given))
    ).id


def put(connection: Connection[Any], user: UUID, product: UUID, n: int = 1) -> None:
    """Put something into a cart."""
    found(carts.cart_add(connection, user_id=user, product_id=product, quantity=n))


def wish(user: UUID, **given: Any) -> Wish:
    row = {"idempotency_key": f"key-{next(_numbers)}", "shipping_address": ADDRESS}
    return Wish(user_id=user, **(row | given))


def order(connection: Connection[Any], **given: Any) -> PlacedOrder:
    """An order of two pieces of 10.00 by a user of its own, waiting for its payment."""
    user = given.pop("user", None) or add_user(connection)
    product = given.pop("product", None) or add_product(connection)
    put(connection, user, product, given.pop("n", 2))
    return place(connection, wish(user, **given))


def pay(connection: Connection[Any], placed: PlacedOrder) -> str:
    """Attach a PaymentIntent to an order's payment; return its id."""
    intent = f"pi_{next(_numbers)}"
    paying.attach(connection, found(placed.payment_id), provider_id=intent)
    return intent


def event(kind: str, intent: str, **given: Any) -> tuple[bytes, str]:
    """A webhook's body and its signature, as Stripe would send them."""
    about = given.pop("about", {})
    payload = json.dumps(
        {
            "id": f"evt_{next(_numbers)}",
            "type": kind,
            "created": 1_700_000_000,
            "data": {"object": {"id": intent, "object": "payment_intent"} | about},
        }
        | given
    ).encode()
    return payload, stripe.sign(payload, SECRET)


def tell(connection: Connection[Any], kind: str, intent: str, **given: Any) -> str:
    """Receive an event; return what became of it."""
    payload, header = event(kind, intent, **given)
    return paying.receive(connection, payload, header, SECRET).outcome


def is_well(connection: Connection[Any]) -> bool:
    """Whether stock equals its ledger, and nothing contradicts anything else."""
    return not stock.ledger_check(connection) and not reports.violations(connection)


def outbox(connection: Connection[Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Queue, name and payload of the jobs on their way, in order."""
    return connection.execute(
        "SELECT queue, name, payload FROM core.outbox ORDER BY position"
    ).fetchall()
