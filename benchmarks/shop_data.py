"""The rows of a shop of any size, made by the server.

Products sell by Zipf's law, orders come and go with the week, visitors look more than
they buy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, LiteralString

from psycopg import Connection

ADDRESS: Final = {"street": "1 Way", "city": "X", "zip_code": "1", "country": "US"}

_CLEAR: Final[LiteralString] = """
TRUNCATE shop.users, shop.categories, shop.products, shop.inventory, shop.orders,
    shop.discounts, shop.analytics CASCADE
"""

# Deterministic, so that the sizes differ by their rows alone.
_ROWS: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO shop.users (id, email, name, created_at)
    SELECT
        md5('user' || n)::uuid, 'user' || n || '@example.org', 'User ' || n,
        now() - make_interval(mins => n)
    FROM generate_series(1, %(users)s) AS n
    """,
    """
    INSERT INTO shop.categories (id, name, slug, parent_id)
    SELECT
        md5('category' || n)::uuid, 'Category ' || n, 'category-' || n,
        CASE WHEN n > 10 THEN md5('category' || n %% 10 + 1)::uuid END
    FROM generate_series(1, 100) AS n
    ORDER BY n
    """,
    """
    INSERT INTO shop.products (
        id, category_id, name, slug, sku, price, description, is_featured, created_at
    )
    SELECT
        md5('product' || n)::uuid,
        md5('category' || n %% 100 + 1)::uuid,
        initcap(word.adjective || ' ' || word.noun) || ' ' || n,
        'product-' || n,
        'P-' || n,
        1 + n * 7919 %% 50000 / 100.0,
        repeat('A ' || word.adjective || ' ' || word.noun || ' for everybody. ', 8)
            || CASE WHEN n %% (%(products)s / 40) = 0 THEN 'A zeppelin.' ELSE '' END,
        n %% 50 = 0,
        now() - make_interval(mins => n)
    FROM generate_series(1, %(products)s) AS n
    CROSS JOIN LATERAL (
        SELECT
            ('{red,blue,small,large,warm,quiet,bright,old}'::text[])[1 + n %% 8]
                AS adjective,
            ('{lamp,chair,table,kettle,jacket,phone,watch,bottle,bag}'::text[])
                [1 + n %% 9] AS noun
    ) AS word
    """,
    """
    INSERT INTO shop.product_variants (id, product_id, name, sku, attributes)
    SELECT
        md5('variant' || n || '-' || choice)::uuid, md5('product' || n)::uuid,
        'choice ' || choice, 'P-' || n || '-' || choice,
        jsonb_build_object('choice', choice)
    FROM generate_series(1, %(products)s) AS n
    CROSS JOIN generate_series(1, 3) AS choice
    """,
    """
    INSERT INTO shop.inventory (product_id, variant_id, quantity)
    SELECT product_id, id, 1000000 FROM shop.product_variants
    """,
    """
    INSERT INTO shop.inventory (product_id, quantity)
    SELECT id, 1000000 FROM shop.products
    """,
    """
    INSERT INTO shop.inventory_transactions (
        inventory_id, type, quantity, reason, quantity_after, reserved_after
    )
    SELECT id, 'IN', quantity, 'first stock', quantity, 0 FROM shop.inventory
    """,
    """
    INSERT INTO shop.product_stats (product_id, rating_count, rating_sum, sold)
    SELECT
        md5('product' || n)::uuid, 10, 10 + n * 31 %% 41, %(orders)s / n
    FROM generate_series(1, %(products)s) AS n
    """,
    """
    INSERT INTO shop.orders (
        id, order_number, user_id, subtotal, tax, shipping, total, status,
        payment_status, shipping_address, billing_address, created_at
    )
    SELECT
        md5('order' || n)::uuid, 'N-' || n, md5('user' || n %% %(users)s + 1)::uuid,
        20, 1.6, 9.99, 31.59,
        CASE WHEN n %% 100 = 0 THEN 'PENDING' ELSE 'CONFIRMED' END::shop.order_status,
        CASE WHEN n %% 100 = 0 THEN 'PENDING' ELSE 'COMPLETED' END
            ::shop.payment_status,
        '{"street": "", "city": "", "zip_code": "", "country": ""}',
        '{"street": "", "city": "", "zip_code": "", "country": ""}',
        now() - make_interval(mins => n) - CASE
            WHEN extract(isodow FROM now() - make_interval(mins => n)) >= 6
            THEN INTERVAL '2 days' ELSE INTERVAL '0'
        END
    FROM generate_series(1, %(orders)s) AS n
    """,
    """
    INSERT INTO shop.order_items (
        order_id, product_id, sku, product_name, quantity, unit_price
    )
    SELECT DISTINCT ON (n, product.number)
        md5('order' || n)::uuid, md5('product' || product.number)::uuid, 'P', 'Product',
        1, 10
    FROM generate_series(1, %(orders)s) AS n
    CROSS JOIN generate_series(1, 2) AS line
    CROSS JOIN LATERAL (
        SELECT floor(
            power(%(products)s, (hashint8(n * 2 + line) & 1048575) / 1048576.0)
        )::integer AS number
    ) AS product
    """,
    """
    INSERT INTO shop.analytics (event, session_id, created_at)
    SELECT
        (ARRAY['product_view', 'product_view', 'product_view', 'cart_add',
            'order_placed'])[1 + n %% 5],
        'session-' || n / 12,
        now() - make_interval(secs => n)
    FROM generate_series(1, %(events)s) AS n
    """,
)

_VACUUM: Final[LiteralString] = """
VACUUM (ANALYZE) shop.users, shop.categories, shop.products, shop.product_variants,
    shop.product_stats, shop.inventory, shop.inventory_transactions, shop.orders,
    shop.order_items, shop.analytics, shop.cart_items
"""


@dataclass(frozen=True)
class Size:
    """How many rows there are; three variants to a product."""

    products: int
    users: int
    orders: int
    events: int


def load(connection: Connection[Any], size: Size) -> None:
    """Replace all rows of the system by generated ones, without its triggers."""
    values = {
        "products": size.products,
        "users": size.users,
        "orders": size.orders,
        "events": size.events,
    }
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(_CLEAR)
        for statement in _ROWS:
            connection.execute(statement, values)
    connection.execute(_VACUUM)
    connection.execute("REFRESH MATERIALIZED VIEW shop.bought_together")
    connection.execute("ANALYZE shop.bought_together")
