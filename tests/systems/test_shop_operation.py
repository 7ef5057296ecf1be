"""How `shop` is run: seeded, shared by two apps, asked by strangers, documented."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString, TypeAlias

import msgspec
import psycopg
import pytest

from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction
from drystone.errors import BadInput, StatementTimeout
from drystone.settings import Settings
from drystone.systems import seeding, shipped
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
from drystone.systems.shop.browsing import Filters, browse
from drystone.systems.shop.ordering import expire, place
from drystone.systems.shop.types import OrderStatus
from tests.conftest import PROJECT
from tests.systems.catalogs import without_comment
from tests.systems.named_queries import NamedQueries
from tests.systems.plans import explained, explained_without_indexes
from tests.systems.rows import found, seed_id, value
from tests.systems.shop_factories import (
    add_product,
    add_user,
    is_well,
    order,
    put,
    wish,
)

Connection: TypeAlias = psycopg.Connection[Any]

NAMED = NamedQueries("shop")


# --- Seed -----------------------------------------------------------------------


def test_the_seed_has_what_was_asked_for(shop: Connection) -> None:
    """004-07"""
    assert reports.seed_check(shop) == []
    assert is_well(shop)
    page = found(catalogue.get_product(shop, slug="wireless-headphones"))
    assert (page.name, str(page.price), page.sku, page.images) == (
        *("Wireless Headphones", "99.99", "WH-001"),
        ["/images/headphones.jpg"],
    )
    assert found(page.category).name == "Electronics"
    left = found(stock.product_stock(shop, product_id=page.id))
    assert (left.quantity, left.available) == (50, 50)
    category = shop.execute(
        "SELECT name, description FROM shop.categories WHERE slug = 'electronics'"
    ).fetchone()
    assert category == ("Electronics", "Electronic devices and accessories")
    admin = found(users.find_login(shop, email="admin@example.org"))
    assert admin.role == "ADMIN"
    states = {row.payment_status.value for row in orders.list_orders(shop)}
    assert states == {"COMPLETED", "PENDING"}


def test_loading_twice_is_loading_once_and_a_reset_leaves_nothing_else(
    shop: Connection,
) -> None:
    """004-07"""
    (seed,) = seeding.find_seeds([shipped("sql")], stage="dev", systems=["shop"])
    seeding.load(shop, seed)
    assert reports.seed_check(shop) == []
    order(shop)
    assert {row.table_name for row in reports.seed_check(shop)} > {"orders", "users"}
    seeding.load(shop, seed, reset=True)
    assert reports.seed_check(shop) == []
    assert is_well(shop)


def test_the_seeds_waiting_order_can_be_paid_or_expires(shop: Connection) -> None:
    """004-07"""
    assert expire(shop) == 0
    shop.execute("UPDATE shop.inventory_reservations SET expires_at = created_at")
    assert expire(shop) == 1
    row = found(orders.get_order(shop, order_id=seed_id("f", 2)))
    assert row.status == OrderStatus.CANCELLED
    assert is_well(shop)


# --- Two apps -------------------------------------------------------------------


def test_ten_queries_at_once_are_answered(
    own_shop: Connection, database_url: str
) -> None:
    """004-05, 004-08"""
    with (
        open_pool(database_url, Settings(pool_max_size=10)) as pool,
        ThreadPoolExecutor(10) as threads,
    ):
        counts = list(
            threads.map(lambda _: in_transaction(pool, users.count_users), range(10))
        )
    assert counts == [2] * 10


def test_the_client_and_the_admin_app_see_one_shop(
    own_shop: Connection, database_url: str
) -> None:
    """004-05, 004-08"""
    client = Settings(application_name="client", pool_max_size=4)
    admin = Settings(application_name="admin", pool_max_size=2)
    user = seed_id("a", 2)
    with (
        open_pool(database_url, client) as shoppers,
        open_pool(database_url, admin) as keepers,
    ):
        placed = in_transaction(shoppers, lambda c: place(c, wish(user)))
        waiting = in_transaction(
            keepers, lambda c: orders.list_orders(c, status=OrderStatus.PENDING)
        )
        assert placed.id in {row.id for row in waiting}
        in_transaction(keepers, lambda c: site.settings_set(c, key="tax.rate", value=0))
        rate = in_transaction(shoppers, lambda c: site.settings_get(c, key="tax.rate"))
        assert rate == 0
        with pytest.raises(BadInput), shoppers.connection() as connection:
            place(connection, wish(user))  # the cart is empty; the pool lives on
        assert in_transaction(shoppers, users.count_users) == 2


def test_the_server_is_new_enough(connection: Connection) -> None:
    """004-01"""
    assert value(connection, "SELECT current_setting('server_version_num')::int") >= (
        160_000
    )
    contrib = value(
        connection,
        "SELECT count(*) FROM pg_extension WHERE extname NOT IN ('vector', 'age', "
        "'plpgsql')",
    )
    assert contrib == 0


def test_who_waits_too_long_for_stock_is_told_and_changes_nothing(
    own: Connection, database_url: str
) -> None:
    """004-05"""
    user, product = add_user(own), add_product(own)
    put(own, user, product)
    with connect(database_url, Settings(statement_timeout=0.2)) as hurried:
        with own.transaction():
            own.execute("SELECT FROM shop.inventory FOR UPDATE")
            with pytest.raises(StatementTimeout):
                place(hurried, wish(user))
        assert place(hurried, wish(user)).is_new
    assert is_well(own)


def test_a_products_page_survives_a_cache(shop: Connection) -> None:
    """004-06, 004-08: as bytes in Redis or elsewhere, and back."""
    page = found(catalogue.get_product(shop, slug="smart-watch"))
    packed = msgspec.json.encode(page)
    assert msgspec.json.decode(packed) == msgspec.to_builtins(page)
    assert b'"attributes":{"color":"black"}' in packed


# --- Strangers ------------------------------------------------------------------

HOSTILE = (
    "'; DROP TABLE shop.users; --",
    "' OR '1'='1",
    "$1 $$ :q %s %(x)s {0} ${jndi:ldap://x}",
    "/* */ -- \n ; COMMIT; \r\n",
    "\u202egnp.exe \ufeff \u0301",
    "%_\\%",
    "((((",
)


def test_hostile_text_is_text(shop: Connection) -> None:
    """004-04, 004-08"""
    for number, text in enumerate(HOSTILE):
        product = add_product(shop, name=f"T {text} T", description=text, sku=text)
        page = found(
            shop.execute(
                "SELECT name FROM shop.products WHERE id = %s", [product]
            ).fetchone()
        )
        assert page[0] == f"T {text} T"
        suggested = search.suggest(shop, prefix=f"t {text.lower()}")
        assert product in {row.id for row in suggested}
        browse(shop, Filters(q=text, category=text))
        search.search_facets(shop, q=text, category=text)
        search.did_you_mean(shop, q=text)
        assert catalogue.category_tree(shop, root=text) == []
        assert orders.preview_discount(shop, code=text, subtotal=1) is None
        user = add_user(shop, name=text)
        put(shop, user, product)
        placed = place(shop, wish(user, notes=text, idempotency_key=text))
        assert found(orders.get_order(shop, order_id=placed.id)).notes == text
        assert number < len(HOSTILE)
    assert is_well(shop)
    for text in ("nul \x00", "lone \ud800"):
        with pytest.raises(BadInput):
            browse(shop, Filters(q=text))


# --- Replicas -------------------------------------------------------------------


def test_reads_that_may_be_a_moment_old_are_marked_and_lock_nothing(
    shop: Connection,
) -> None:
    """004-05"""
    marked = NAMED.for_replicas()
    assert {"get_product", "newest", "search_facets", "sales_series"} <= marked
    # What somebody acts upon must be as it is now.
    assert not marked & {"find_login", "session_user", "cart_view", "get_order"}
    assert NAMED.locking_for_replicas(shop) == set()


# --- Plans ----------------------------------------------------------------------

MANY: LiteralString = """
SET session_replication_role = replica;

INSERT INTO shop.products (
    category_id, name, slug, sku, price, description, created_at, embedding
)
SELECT
    category.id,
    CASE WHEN n % 500 = 0 THEN 'Zeppelin ' ELSE 'Product ' END || n,
    'product-' || n,
    'P-' || n,
    n % 1000,
    repeat('A description of some length. ', 5),
    now() - make_interval(mins => n),
    (SELECT array_agg(random()) FROM generate_series(1, 384) WHERE n > 0)::public.vector
FROM generate_series(1, 4000) AS n
CROSS JOIN LATERAL (
    SELECT id FROM shop.categories ORDER BY id LIMIT 1 OFFSET n % 3
) AS category;

INSERT INTO shop.product_stats (product_id, rating_count, rating_sum, sold)
SELECT id, 10, 10 + (price::integer % 41), price
FROM shop.products WHERE sku LIKE 'P-%';

INSERT INTO shop.inventory (product_id, quantity)
SELECT id, 5 FROM shop.products WHERE sku LIKE 'P-%';

INSERT INTO shop.orders (
    user_id, order_number, subtotal, tax, shipping, total, payment_status,
    shipping_address, billing_address, created_at, status
)
SELECT
    account.id, 'N-' || n, 10, 1, 0, 11,
    CASE WHEN n % 50 = 0 THEN 'COMPLETED' ELSE 'FAILED' END::shop.payment_status,
    entry.shipping_address, entry.shipping_address, now() - make_interval(mins => n),
    CASE WHEN n % 100 = 0 THEN 'PENDING' ELSE 'CANCELLED' END::shop.order_status
FROM generate_series(1, 4000) AS n
CROSS JOIN LATERAL (
    SELECT id FROM shop.users ORDER BY id LIMIT 1 OFFSET (n % 40 = 0)::integer
) AS account
CROSS JOIN LATERAL (SELECT shipping_address FROM shop.orders LIMIT 1) AS entry;

RESET session_replication_role;
"""

# Until a vacuum, what is new in a GIN index lies in a list that is read as a whole.
VACUUM: LiteralString = """
VACUUM (ANALYZE) shop.products, shop.product_stats, shop.inventory, shop.orders
"""

USER, PRODUCT = seed_id("a", 2), seed_id("c", 1)

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "products_fts_idx": lambda c: search.newest(c, q="zeppelin"),
    "products_created_at_id_idx": lambda c: search.newest(c),
    "products_price_id_idx": lambda c: search.cheapest(c),
    "products_lower_name_id_idx": lambda c: search.suggest(c, prefix="zep"),
    "product_stats_rating_product_id_idx": lambda c: search.best_rated(c),
    "product_stats_sold_product_id_idx": lambda c: search.best_selling(c),
    "products_embedding_idx": lambda c: search.similar_products(
        c, product_id=PRODUCT, limit_rows=5
    ),
    "products_slug_key": lambda c: catalogue.get_product(c, slug="product-7"),
    "orders_user_id_created_at_id_idx": lambda c: orders.list_orders(c, user_id=USER),
    "orders_status_created_at_id_idx": lambda c: orders.list_orders(
        c, status=OrderStatus.PENDING
    ),
    "orders_created_at_id_idx": lambda c: orders.list_orders(c),
    "inventory_product_id_variant_id_warehouse_key": lambda c: stock.inventory_of(
        c, product_id=PRODUCT
    ),
}


def test_pages_read_by_index_a_fraction_of_what_they_would_without(
    own_shop: Connection,
) -> None:
    """004-04, 004-09"""
    own_shop.execute(MANY)
    own_shop.execute(
        "UPDATE shop.products SET embedding = (SELECT embedding FROM shop.products"
        " WHERE sku = 'P-1') WHERE sku = 'WH-001'"
    )
    own_shop.execute(VACUUM)
    for index, ask in QUESTIONS.items():
        plan = explained(own_shop, ask)
        without = explained_without_indexes(own_shop, ask)
        assert index in plan.indexes - without.indexes, index
        assert 2 * plan.blocks < without.blocks, index


def test_an_order_costs_as_many_locks_as_it_has_lines(
    own: Connection, database_url: str
) -> None:
    """004-09: who buys something else does not wait."""
    one, other = add_product(own), add_product(own)
    ada, ben = add_user(own), add_user(own)
    put(own, ada, one)
    put(own, ben, other)
    with (
        connect(database_url, Settings(statement_timeout=5)) as second,
        own.transaction(),
    ):
        place(own, wish(ada))
        assert place(second, wish(ben)).is_new
    assert math.isclose(len(orders.list_orders(own)), 2)


# --- Tests and documents --------------------------------------------------------


def test_every_query_is_run_by_a_test() -> None:
    """004-08"""
    assert len(NAMED.queries) > 80
    assert NAMED.never_run(flows=["ordering", "paying", "browsing"]) == set()


def test_every_table_type_function_and_query_says_what_it_is_for(
    connection: Connection,
) -> None:
    """004-09"""
    assert without_comment(connection, "shop") == []
    assert without_comment(connection, "nextauth") == []
    assert NAMED.without_documentation() == []


def test_files_say_what_they_cost() -> None:
    """004-04, 004-09"""
    files = sorted((shipped("migrations") / "shop").glob("*.sql"))
    assert len(files) == 30
    for file in files:
        text = file.read_text(encoding="utf-8")
        other = "Loses: " if ".rollback" in file.name else "Rollback: "
        for word in ("Lock: ", "Rewrites: ", other):
            assert word in text, file.name


def test_what_is_said_of_the_shop_is_in_the_documents() -> None:
    """004-09"""
    pages = "\n".join(
        page.read_text(encoding="utf-8") for page in PROJECT.glob("docs/**/*.md")
    )
    for word in ("004-01", "shop.ordering", "place_order", "ledger_check", "nextauth"):
        assert word in pages
    assert carts.__doc__
