"""The schema of `shop`: what its rules refuse, and what its triggers keep in step."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString, TypeAlias

import psycopg
import pytest
from psycopg import IsolationLevel, sql

from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction
from drystone.errors import CheckViolation, UniqueViolation
from drystone.settings import Settings
from drystone.systems.core import audit
from drystone.systems.shop import carts, catalogue, users
from drystone.systems.shop.inputs import OrdersInsert, ProductsInsert, ReviewsInsert
from drystone.systems.shop.types import UserRole
from tests.systems.catalogs import broken_rule, keys_without_index
from tests.systems.rows import seed_id, value
from tests.systems.shop_factories import (
    HASH,
    add_category,
    add_product,
    add_user,
)

Connection: TypeAlias = psycopg.Connection[Any]

# What the development seed lacks, so that there is a row to break in every table.
MORE: LiteralString = """
INSERT INTO shop.accounts (user_id, type, provider, provider_account_id)
SELECT id, 'oauth', 'github', email FROM shop.users;

INSERT INTO shop.sessions (user_id, expires, session_token)
SELECT id, now() + INTERVAL '1 day', email FROM shop.users;

INSERT INTO shop.verification_tokens VALUES ('a@example.org', 'token', now());

INSERT INTO shop.discount_redemptions (discount_id, user_id, order_id, amount)
SELECT discount.id, entry.user_id, entry.id, 1
FROM shop.discounts AS discount CROSS JOIN shop.orders AS entry;

INSERT INTO shop.inventory (product_id, warehouse)
SELECT id, 'empty' FROM shop.products LIMIT 1;
"""

# Each breaks one rule on that, and no other that is looked at before.
VIOLATIONS: dict[str, LiteralString] = {
    "users_email_check": "UPDATE shop.users SET email = 'nobody@ example.org'",
    "users_name_check": "UPDATE shop.users SET name = '   '",
    "users_password_hash_check": "UPDATE shop.users SET password_hash = 'hunter2'",
    "users_phone_check": "UPDATE shop.users SET phone = 'call me'",
    "users_lower_email_key": """
        INSERT INTO shop.users (email) VALUES ('ADMIN@example.org')
    """,
    "accounts_provider_provider_account_id_key": """
        UPDATE shop.accounts SET provider_account_id = 'same'
    """,
    "accounts_user_id_fkey": "UPDATE shop.accounts SET user_id = gen_random_uuid()",
    "sessions_session_token_key": "UPDATE shop.sessions SET session_token = 'same'",
    "sessions_user_id_fkey": "UPDATE shop.sessions SET user_id = gen_random_uuid()",
    "addresses_user_id_fkey": "UPDATE shop.addresses SET user_id = gen_random_uuid()",
    "addresses_street_check": "UPDATE shop.addresses SET street = ' '",
    "addresses_city_check": "UPDATE shop.addresses SET city = ''",
    "addresses_state_check": "UPDATE shop.addresses SET state = repeat('x', 101)",
    "addresses_zip_code_check": "UPDATE shop.addresses SET zip_code = ''",
    "addresses_country_check": "UPDATE shop.addresses SET country = 'usa'",
    "addresses_user_id_default_key": """
        INSERT INTO shop.addresses (user_id, street, city, state, zip_code, is_default)
        SELECT user_id, street, city, state, zip_code, true FROM shop.addresses
    """,
    "categories_name_key": "UPDATE shop.categories SET name = 'Same'",
    "categories_slug_key": "UPDATE shop.categories SET slug = 'same'",
    "categories_name_check": "UPDATE shop.categories SET name = ' '",
    "categories_slug_check": "UPDATE shop.categories SET slug = 'Not A Slug'",
    "categories_parent_id_check": "UPDATE shop.categories SET parent_id = id",
    "categories_parent_id_fkey": """
        UPDATE shop.categories SET parent_id = gen_random_uuid()
    """,
    "products_category_id_fkey": """
        UPDATE shop.products SET category_id = gen_random_uuid()
    """,
    "products_slug_key": "UPDATE shop.products SET slug = 'same'",
    "products_sku_key": "UPDATE shop.products SET sku = 'same'",
    "products_name_check": "UPDATE shop.products SET name = ''",
    "products_slug_check": "UPDATE shop.products SET slug = 'under_score'",
    "products_sku_check": "UPDATE shop.products SET sku = ' '",
    "products_price_check": """
        UPDATE shop.products SET price = -0.01, compare_price = NULL
    """,
    "products_compare_price_check": "UPDATE shop.products SET compare_price = 0.01",
    "products_cost_price_check": "UPDATE shop.products SET cost_price = -1",
    "products_low_stock_threshold_check": """
        UPDATE shop.products SET low_stock_threshold = -1
    """,
    "products_weight_check": "UPDATE shop.products SET weight = -1",
    "products_length_check": "UPDATE shop.products SET length = -1",
    "products_width_check": "UPDATE shop.products SET width = -1",
    "products_height_check": "UPDATE shop.products SET height = -1",
    "products_embedding_check": """
        UPDATE shop.products SET embedding = array_fill(0, ARRAY[384])::public.vector
    """,
    "product_variants_sku_key": "UPDATE shop.product_variants SET sku = 'same'",
    "product_variants_product_id_id_key": """
        ALTER TABLE shop.product_variants DROP CONSTRAINT product_variants_pkey;
        INSERT INTO shop.product_variants (id, product_id, name, sku, attributes)
        SELECT id, product_id, name, sku || 'x', '{"new": 1}' FROM shop.product_variants
    """,
    "product_variants_product_id_attributes_key": """
        UPDATE shop.product_variants SET attributes = '{}'
    """,
    "product_variants_product_id_fkey": """
        DELETE FROM shop.cart_items;
        UPDATE shop.product_variants SET product_id = gen_random_uuid()
        WHERE sku = 'TS-001-L'
    """,
    "product_variants_name_check": "UPDATE shop.product_variants SET name = ''",
    "product_variants_sku_check": "UPDATE shop.product_variants SET sku = ''",
    "product_variants_price_check": "UPDATE shop.product_variants SET price = -1",
    "product_variants_attributes_check": """
        UPDATE shop.product_variants SET attributes = '[]'
    """,
    "product_stats_product_id_fkey": """
        INSERT INTO shop.product_stats (product_id) VALUES (gen_random_uuid())
    """,
    "product_stats_rating_count_check": """
        UPDATE shop.product_stats SET rating_count = -1
    """,
    "product_stats_rating_sum_check": """
        UPDATE shop.product_stats SET rating_count = 1, rating_sum = 6
    """,
    "product_stats_sold_check": "UPDATE shop.product_stats SET sold = -1",
    "inventory_product_id_variant_id_warehouse_key": """
        INSERT INTO shop.inventory (product_id)
        SELECT product_id FROM shop.inventory WHERE variant_id IS NULL
    """,
    "inventory_product_id_fkey": """
        INSERT INTO shop.inventory (product_id) VALUES (gen_random_uuid())
    """,
    "inventory_product_id_variant_id_fkey": """
        INSERT INTO shop.inventory (product_id, variant_id)
        SELECT product_id, gen_random_uuid() FROM shop.inventory
    """,
    "inventory_warehouse_check": "UPDATE shop.inventory SET warehouse = ' '",
    "inventory_quantity_check": """
        SET LOCAL session_replication_role = replica;
        UPDATE shop.inventory SET quantity = -1, reserved = -1
    """,
    "inventory_reserved_check": """
        SET LOCAL session_replication_role = replica;
        UPDATE shop.inventory SET reserved = -1
    """,
    "inventory_no_oversell": """
        INSERT INTO shop.inventory_transactions (inventory_id, type, quantity, reason)
        SELECT id, 'OUT', -quantity, 'all of it' FROM shop.inventory WHERE reserved > 0
    """,
    "inventory_transactions_inventory_id_fkey": """
        INSERT INTO shop.inventory_transactions (inventory_id, type, quantity, reason)
        VALUES (gen_random_uuid(), 'IN', 1, 'x')
    """,
    "inventory_transactions_quantity_check": """
        INSERT INTO shop.inventory_transactions (inventory_id, type, quantity, reason)
        SELECT id, 'OUT', 1, 'x' FROM shop.inventory
    """,
    "inventory_transactions_reason_check": """
        INSERT INTO shop.inventory_transactions (inventory_id, type, quantity, reason)
        SELECT id, 'IN', 1, ' ' FROM shop.inventory
    """,
    "inventory_reservations_inventory_id_fkey": """
        INSERT INTO shop.inventory_reservations (inventory_id, quantity, expires_at)
        VALUES (gen_random_uuid(), 1, now())
    """,
    "inventory_reservations_order_id_fkey": """
        INSERT INTO shop.inventory_reservations
            (inventory_id, order_id, quantity, expires_at)
        SELECT id, gen_random_uuid(), 1, now() FROM shop.inventory WHERE available > 0
    """,
    "inventory_reservations_order_id_inventory_id_key": """
        INSERT INTO shop.inventory_reservations
            (inventory_id, order_id, quantity, expires_at)
        SELECT inventory_id, order_id, 1, now() FROM shop.inventory_reservations
    """,
    "inventory_reservations_quantity_check": """
        INSERT INTO shop.inventory_reservations (inventory_id, quantity, expires_at)
        SELECT id, 0, now() FROM shop.inventory
    """,
    "inventory_reservations_settled_at_check": """
        INSERT INTO shop.inventory_reservations
            (inventory_id, quantity, expires_at, settled_at)
        SELECT id, 1, now(), now() FROM shop.inventory
    """,
    "cart_items_user_id_product_id_variant_id_key": """
        INSERT INTO shop.cart_items (user_id, product_id)
        SELECT user_id, product_id FROM shop.cart_items
        CROSS JOIN generate_series(1, 2)
    """,
    "cart_items_user_id_fkey": "UPDATE shop.cart_items SET user_id = gen_random_uuid()",
    "cart_items_product_id_fkey": """
        UPDATE shop.cart_items SET product_id = gen_random_uuid(), variant_id = NULL
    """,
    "cart_items_product_id_variant_id_fkey": """
        UPDATE shop.cart_items SET variant_id = gen_random_uuid()
    """,
    "cart_items_quantity_check": "UPDATE shop.cart_items SET quantity = 1000",
    "wishlist_items_user_id_fkey": """
        UPDATE shop.wishlist_items SET user_id = gen_random_uuid()
    """,
    "wishlist_items_product_id_fkey": """
        UPDATE shop.wishlist_items SET product_id = gen_random_uuid()
    """,
    "settings_key_check": "INSERT INTO shop.settings VALUES ('No Key', '1')",
    "settings_value_check": """
        UPDATE shop.settings SET value = '"a lot"' WHERE key = 'tax.rate'
    """,
    "discounts_code_check": "UPDATE shop.discounts SET code = 'no code'",
    "discounts_upper_code_key": """
        INSERT INTO shop.discounts (code, name, type, value)
        VALUES ('welcome10', 'The same', 'FIXED_AMOUNT', 1)
    """,
    "discounts_name_check": "UPDATE shop.discounts SET name = ''",
    "discounts_value_check": "UPDATE shop.discounts SET value = 101",
    "discounts_min_amount_check": "UPDATE shop.discounts SET min_amount = -1",
    "discounts_max_amount_check": "UPDATE shop.discounts SET max_amount = -1",
    "discounts_usage_limit_check": """
        UPDATE shop.discounts SET usage_limit = -1, used_count = -1
    """,
    "discounts_used_count_check": "UPDATE shop.discounts SET used_count = 1001",
    "discounts_per_user_check": "UPDATE shop.discounts SET per_user = 0",
    "discounts_expires_at_check": "UPDATE shop.discounts SET expires_at = starts_at",
    "orders_order_number_key": "UPDATE shop.orders SET order_number = 'same'",
    "orders_user_id_idempotency_key_key": """
        UPDATE shop.orders SET idempotency_key = 'same'
    """,
    "orders_user_id_fkey": "UPDATE shop.orders SET user_id = gen_random_uuid()",
    "orders_discount_id_fkey": "UPDATE shop.orders SET discount_id = gen_random_uuid()",
    "orders_idempotency_key_check": "UPDATE shop.orders SET idempotency_key = ''",
    "orders_currency_check": "UPDATE shop.orders SET currency = 'dollars'",
    "orders_discount_check": """
        UPDATE shop.orders
        SET discount = subtotal + 1, total = tax + shipping - 1
    """,
    "orders_tax_check": """
        UPDATE shop.orders SET tax = -1, total = subtotal + shipping - 1
    """,
    "orders_shipping_check": """
        UPDATE shop.orders SET shipping = -1, total = subtotal + tax - 1
    """,
    "orders_total_check": "UPDATE shop.orders SET total = total + 0.01",
    "orders_shipping_address_check": "UPDATE shop.orders SET shipping_address = '{}'",
    "orders_billing_address_check": "UPDATE shop.orders SET billing_address = '[]'",
    "orders_shipping_method_check": "UPDATE shop.orders SET shipping_method = 'pigeon'",
    "orders_shipped_at_check": "UPDATE shop.orders SET shipped_at = NULL",
    "orders_delivered_at_check": "UPDATE shop.orders SET delivered_at = NULL",
    "order_items_order_id_product_id_variant_id_key": """
        INSERT INTO shop.order_items
            (order_id, product_id, sku, product_name, quantity, unit_price)
        SELECT order_id, product_id, sku, product_name, quantity, unit_price
        FROM shop.order_items
    """,
    "order_items_order_id_fkey": """
        UPDATE shop.order_items SET order_id = gen_random_uuid()
    """,
    "order_items_product_id_fkey": """
        UPDATE shop.order_items SET product_id = gen_random_uuid(), variant_id = NULL
    """,
    "order_items_product_id_variant_id_fkey": """
        UPDATE shop.order_items SET variant_id = gen_random_uuid()
    """,
    "order_items_quantity_check": "UPDATE shop.order_items SET quantity = 0",
    "order_items_unit_price_check": "UPDATE shop.order_items SET unit_price = -1",
    "payments_provider_provider_id_key": """
        UPDATE shop.payments SET provider_id = 'same'
    """,
    "payments_order_id_fkey": "UPDATE shop.payments SET order_id = gen_random_uuid()",
    "payments_amount_check": "UPDATE shop.payments SET amount = 0",
    "payments_currency_check": "UPDATE shop.payments SET currency = '$'",
    "payments_provider_check": "UPDATE shop.payments SET provider = ''",
    "payments_provider_id_check": "UPDATE shop.payments SET provider_id = ' '",
    "payments_processed_at_check": "UPDATE shop.payments SET processed_at = NULL",
    "discount_redemptions_order_id_key": """
        INSERT INTO shop.discount_redemptions (discount_id, user_id, order_id, amount)
        SELECT discount_id, user_id, order_id, 1 FROM shop.discount_redemptions
    """,
    "discount_redemptions_discount_id_fkey": """
        UPDATE shop.discount_redemptions SET discount_id = gen_random_uuid()
    """,
    "discount_redemptions_user_id_fkey": """
        UPDATE shop.discount_redemptions SET user_id = gen_random_uuid()
    """,
    "discount_redemptions_order_id_fkey": """
        UPDATE shop.discount_redemptions SET order_id = gen_random_uuid();
        SET CONSTRAINTS ALL IMMEDIATE
    """,
    "discount_redemptions_amount_check": """
        UPDATE shop.discount_redemptions SET amount = -1
    """,
    "reviews_user_id_product_id_key": """
        INSERT INTO shop.reviews (user_id, product_id, rating, content)
        SELECT user_id, product_id, 1, 'again' FROM shop.reviews
    """,
    "reviews_user_id_fkey": "UPDATE shop.reviews SET user_id = gen_random_uuid()",
    "reviews_product_id_fkey": "UPDATE shop.reviews SET product_id = gen_random_uuid()",
    "reviews_order_id_fkey": "UPDATE shop.reviews SET order_id = gen_random_uuid()",
    "reviews_rating_check": "UPDATE shop.reviews SET rating = 6",
    "reviews_title_check": "UPDATE shop.reviews SET title = repeat('x', 256)",
    "reviews_content_check": "UPDATE shop.reviews SET content = ' '",
    "notifications_user_id_fkey": """
        UPDATE shop.notifications SET user_id = gen_random_uuid()
    """,
    "notifications_title_check": "UPDATE shop.notifications SET title = ''",
    "notifications_message_check": "UPDATE shop.notifications SET message = ' '",
    "analytics_user_id_fkey": "UPDATE shop.analytics SET user_id = gen_random_uuid()",
    "analytics_event_check": "UPDATE shop.analytics SET event = ''",
    "analytics_data_check": "UPDATE shop.analytics SET data = '[]'",
}


@pytest.fixture
def filled(shop: Connection) -> Connection:
    shop.execute(MORE)
    return shop


def declared(connection: Connection, kinds: str) -> set[str]:
    """The constraints of the schema of some kinds, and its unique indexes."""
    rows = connection.execute(
        """
        SELECT rule.conname
        FROM pg_catalog.pg_constraint AS rule
        WHERE rule.connamespace = 'shop'::regnamespace
            AND rule.contype = ANY (string_to_array(%s, NULL))
            AND rule.conparentid = 0
            AND NOT (
                SELECT relation.relispartition
                FROM pg_catalog.pg_class AS relation
                WHERE relation.oid = rule.conrelid
            )
        UNION
        SELECT index.relname
        FROM pg_catalog.pg_index AS entry
        INNER JOIN pg_catalog.pg_class AS index
            ON index.oid = entry.indexrelid
            AND NOT index.relispartition
        INNER JOIN pg_catalog.pg_class AS relation
            ON relation.oid = entry.indrelid
            AND relation.relkind IN ('r', 'p')
        WHERE entry.indisunique
            AND NOT entry.indisprimary
            AND index.relnamespace = 'shop'::regnamespace
        """,
        [kinds],
    )
    return {name for (name,) in rows}


def test_a_row_that_breaks_a_rule_is_refused_by_its_name(filled: Connection) -> None:
    """004-04, 004-08"""
    broken = {
        rule: broken_rule(filled, statement) for rule, statement in VIOLATIONS.items()
    }
    assert broken == {rule: rule for rule in VIOLATIONS}
    assert declared(filled, "cfu") == set(VIOLATIONS)


def test_a_row_cannot_be_there_twice(filled: Connection) -> None:
    """004-04"""
    tables = filled.execute(
        """
        SELECT
            relation.relname,
            array_agg(attribute.attname) FILTER (
                WHERE attribute.attgenerated = ''
                AND attribute.attname NOT IN ('quantity', 'reserved')
                OR relation.relname <> 'inventory' AND attribute.attgenerated = ''
            )
        FROM pg_catalog.pg_class AS relation
        INNER JOIN pg_catalog.pg_attribute AS attribute
            ON attribute.attrelid = relation.oid
            AND attribute.attnum > 0
        WHERE relation.relnamespace = 'shop'::regnamespace
            AND relation.relkind IN ('r', 'p')
            AND NOT relation.relispartition
            AND relation.relname NOT IN (
                'inventory_transactions', 'inventory_reservations'
            )
        GROUP BY relation.relname
        """
    ).fetchall()
    assert len(tables) >= 20
    twice = (
        "INSERT INTO shop.{0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM shop.{0}"
    )
    for table, columns in tables:
        statement = sql.SQL(twice).format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        rule = broken_rule(filled, statement)
        assert (rule or "").replace("_default", "") == f"{table}_pkey"


# --- Structure ------------------------------------------------------------------

MODELS = (
    *("users", "addresses", "products", "categories", "product_variants"),
    *("cart_items", "wishlist_items", "orders", "order_items", "payments", "reviews"),
    *("inventory", "inventory_transactions", "analytics", "settings", "notifications"),
)


def test_every_model_has_its_table_and_its_roles(connection: Connection) -> None:
    """004-02, 004-03"""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop'"
    )
    assert {name for (name,) in rows} >= {*MODELS, "accounts", "sessions"}
    assert [*UserRole] == ["ADMIN", "USER", "GUEST"]
    assert len(MODELS) + 1 == 17  # the role of a user is an enum


def test_every_foreign_key_has_an_index_that_begins_with_it(
    connection: Connection,
) -> None:
    """004-04"""
    assert keys_without_index(connection, "shop") == []


@pytest.mark.parametrize(
    ("model", "row", "column"),
    [
        (ProductsInsert, {"name": " ", "slug": "a", "sku": "s"}, "name"),
        (ReviewsInsert, {"rating": 6, "content": "x"}, "rating"),
        (OrdersInsert, {"shipping_method": "pigeon"}, "shipping_method"),
    ],
)
def test_the_input_models_refuse_what_the_tables_would(
    model: Any, row: dict[str, Any], column: str
) -> None:
    """004-04, 004-08"""
    with pytest.raises(Exception, match=column):
        model.parse(row)


def test_what_is_sensitive_leaves_a_trail_without_its_value(
    connection: Connection,
) -> None:
    """004-04"""
    user = add_user(connection, password_hash=HASH)
    connection.execute(
        """
        INSERT INTO shop.accounts
            (user_id, type, provider, provider_account_id, access_token, id_token)
        VALUES (%s, 'oauth', 'github', '1', 'secret-1', 'secret-2')
        """,
        [user],
    )
    entries = connection.execute("SELECT new_row::text FROM core.audit_log").fetchall()
    text = str(entries)
    assert "[redacted]" in text
    assert HASH not in text
    assert "secret-" not in text
    users.update_user(connection, user_id=user, name="New")
    (change, _) = audit.audit_history(
        connection,
        schema_name="shop",
        table_name="users",
        row_pk=str(user),
        limit_rows=10,
    )
    assert (change.op, change.changed) == ("UPDATE", ["name"])


# --- Categories -----------------------------------------------------------------


def test_a_category_cannot_stand_in_what_stands_in_it(own: Connection) -> None:
    """004-04"""
    top = add_category(own)
    middle = add_category(own, parent_id=top)
    low = add_category(own, parent_id=middle)
    for child, parent in ((top, low), (top, middle), (middle, low)):
        with pytest.raises(CheckViolation) as caught:
            catalogue.move_category(own, category_id=child, parent_id=parent)
        assert caught.value.constraint == "categories_parent_id_acyclic"
    assert catalogue.move_category(own, category_id=low, parent_id=top) == 1
    assert catalogue.move_category(own, category_id=middle, parent_id=low) == 1


@pytest.mark.parametrize(
    "isolation", [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ]
)
def test_two_who_move_categories_at_once_make_no_circle(
    own: Connection, database_url: str, isolation: IsolationLevel
) -> None:
    """004-04"""
    one, other = add_category(own), add_category(own)
    both_have_begun = threading.Barrier(2, timeout=30)
    tries: list[int] = []

    def move(child: Any, parent: Any) -> str | None:
        def work(session: Connection) -> None:
            session.execute("SELECT count(*) FROM shop.categories")  # the snapshot
            tries.append(1)
            if len(tries) <= 2:
                both_have_begun.wait()
            catalogue.move_category(session, category_id=child, parent_id=parent)

        try:
            in_transaction(pool, work, isolation=isolation)
        except CheckViolation as refused:
            return refused.constraint
        return None

    with open_pool(database_url, Settings()) as pool, ThreadPoolExecutor(2) as threads:
        first = threads.submit(move, one, other)
        second = threads.submit(move, other, one)
        outcomes = {first.result(), second.result()}
    assert outcomes == {None, "categories_parent_id_acyclic"}
    assert value(own, "SELECT count(parent_id) FROM shop.categories") == 1


# --- Stock ----------------------------------------------------------------------

BY_HAND: dict[str, LiteralString] = {
    "inventory_starts_empty": """
        INSERT INTO shop.inventory (product_id, warehouse, quantity)
        SELECT product_id, 'new', 5 FROM shop.inventory
    """,
    "inventory_quantity_by_ledger": "UPDATE shop.inventory SET quantity = 1000",
    "inventory_transactions_by_reservation": """
        INSERT INTO shop.inventory_transactions (inventory_id, type, quantity, reason)
        SELECT id, 'RESERVE', 1, 'x' FROM shop.inventory
    """,
    "inventory_transactions_final": """
        UPDATE shop.inventory_transactions SET quantity = quantity + 1
    """,
    "inventory_reservations_begin_held": """
        INSERT INTO shop.inventory_reservations
            (inventory_id, quantity, status, expires_at, settled_at)
        SELECT id, 1, 'COMMITTED', now(), now() FROM shop.inventory
    """,
    "inventory_reservations_fixed": """
        UPDATE shop.inventory_reservations SET quantity = quantity + 1
    """,
    "inventory_reservations_held_stay": "DELETE FROM shop.inventory_reservations",
    "inventory_reservations_status_step": """
        UPDATE shop.inventory_reservations SET status = 'HELD', settled_at = NULL
    """,
}


def test_stock_cannot_be_changed_but_by_its_ledger(shop: Connection) -> None:
    """004-04"""
    broken = {rule: broken_rule(shop, statement) for rule, statement in BY_HAND.items()}
    assert broken == {rule: rule for rule in BY_HAND}
    assert broken_rule(shop, "DELETE FROM shop.inventory_transactions") == (
        "inventory_transactions_final"
    )


def test_history_keeps_what_it_is_about(shop: Connection) -> None:
    """004-04"""
    for statement in (
        "DELETE FROM shop.users WHERE email = 'user@example.org'",
        "DELETE FROM shop.products WHERE sku = 'WH-001'",
        "DELETE FROM shop.product_variants WHERE sku = 'TS-001-M'",
        "DELETE FROM shop.categories WHERE slug = 'electronics'",
    ):
        assert broken_rule(shop, statement) is not None
    # What nobody ordered goes, with what only belongs to it.
    shop.execute("DELETE FROM shop.users WHERE email = 'admin@example.org'")
    assert value(shop, "SELECT count(*) FROM shop.reviews") == 1


def test_a_line_of_a_cart_without_a_variant_is_there_once(
    connection: Connection,
) -> None:
    """004-04"""
    user, product = add_user(connection), add_product(connection)
    for quantity in (2, 3):
        carts.cart_add(connection, user_id=user, product_id=product, quantity=quantity)
    (line,) = carts.cart_view(connection, user_id=user)
    assert (line.variant_id, line.quantity) == (None, 5)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            "INSERT INTO shop.cart_items (user_id, product_id) VALUES (%s, %s)",
            [user, product],
        )


# --- NextAuth -------------------------------------------------------------------


def test_the_adapter_of_nextauth_finds_its_tables(
    own: Connection, database_url: str
) -> None:
    """004-01, 004-03"""
    with connect(database_url, Settings()) as adapter:
        adapter.execute("SET search_path = nextauth")
        row = adapter.execute(
            """
            INSERT INTO users (name, email, "emailVerified", image)
            VALUES ('Ada', 'ada@example.org', NULL, NULL)
            RETURNING id, name, email, "emailVerified", image
            """
        ).fetchone()
        assert row is not None
        user = row[0]
        adapter.execute(
            """
            INSERT INTO accounts (
                "userId", provider, type, "providerAccountId", access_token, expires_at,
                refresh_token, id_token, scope, session_state, token_type
            )
            VALUES (%s, 'github', 'oauth', '7', 'a', 1, 'r', 'i', 's', 't', 'bearer')
            """,
            [user],
        )
        adapter.execute(
            """
            INSERT INTO sessions ("userId", expires, "sessionToken")
            VALUES (%s, now() + INTERVAL '1 day', 'token')
            RETURNING id, "sessionToken", "userId", expires
            """,
            [user],
        )
        adapter.execute(
            "INSERT INTO verification_token VALUES ('ada@example.org', 'link', now())"
        )
        found = adapter.execute(
            """
            SELECT u.* FROM users AS u
            INNER JOIN accounts AS a ON u.id = a."userId"
            WHERE a.provider = 'github' AND a."providerAccountId" = '7'
            """
        ).fetchone()
        assert found == row
        adapter.execute(
            'UPDATE users SET "emailVerified" = now() WHERE id = %s', [user]
        )
        adapter.execute(
            """
            DELETE FROM verification_token
            WHERE identifier = 'ada@example.org' AND token = 'link'
            RETURNING identifier, expires, token
            """
        )
    session = users.session_user(own, session_token="token")
    assert session is not None
    assert (session.id, session.role) == (user, UserRole.USER)
    users.soft_delete_user(own, user_id=user)
    assert users.session_user(own, session_token="token") is None
    assert value(own, "SELECT count(*) FROM nextauth.users") == 0
    assert value(own, "SELECT count(*) FROM shop.verification_tokens") == 0


def test_an_address_of_e_mail_is_taken_once_in_any_case(own: Connection) -> None:
    """004-03"""
    first = add_user(own, email="ada@example.org")
    with pytest.raises(UniqueViolation):
        add_user(own, email="Ada@Example.org")
    users.soft_delete_user(own, user_id=first)
    add_user(own, email="Ada@Example.org")
    with pytest.raises(UniqueViolation):
        users.restore_user(own, user_id=first)


def test_the_seed_has_the_ids_that_tests_name(shop: Connection) -> None:
    """004-07"""
    product = value(
        shop, "SELECT name FROM shop.products WHERE id = %s", seed_id("c", 1)
    )
    assert product == "Wireless Headphones"
