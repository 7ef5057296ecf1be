"""The named queries of `shop`: data access for each model, search, reports."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest

from drystone.database.session import connect_async
from drystone.errors import (
    BadInput,
    CheckViolation,
    ForeignKeyViolation,
    InvalidValue,
    NotNullViolation,
    UniqueViolation,
)
from drystone.settings import Settings
from drystone.systems.shop import (
    carts,
    catalogue,
    orders,
    reports,
    reviews,
    search,
    site,
    stock,
    tracking,
    users,
)
from drystone.systems.shop.browsing import Filters, Order, browse
from drystone.systems.shop.ordering import confirm, deliver, process, refund, ship
from drystone.systems.shop.tracking import Event
from drystone.systems.shop.types import (
    NotificationType,
    OrderStatus,
    TimePosition,
    UserRole,
)
from tests.systems.rows import found, seed_id, value
from tests.systems.shop_factories import (
    ADDRESS,
    HASH,
    add_category,
    add_product,
    add_user,
    is_well,
    order,
    pay,
    tell,
)

Connection: TypeAlias = psycopg.Connection[Any]

UTC = dt.UTC


def direction(*numbers: float) -> list[float]:
    return [*numbers, *[0.0] * (384 - len(numbers))]


# --- Users ----------------------------------------------------------------------


def test_a_user_comes_with_an_address_in_one_call(own: Connection) -> None:
    """004-03, 004-08"""
    created = found(
        users.create_user_with_address(
            own,
            email="test@example.com",
            name="Test User",
            password_hash=HASH,
            address={
                "street": "123 Main St",
                "city": "New York",
                "state": "NY",
                "zip_code": "10001",
            },
        )
    )
    assert (created.role, found(created.address).country) == ("USER", "US")
    read = found(users.get_user(own, user_id=created.id))
    (address,) = read.addresses
    assert (address.street, address.city, address.state, address.zip_code) == (
        "123 Main St",
        "New York",
        "NY",
        "10001",
    )
    assert address.is_default
    with pytest.raises(NotNullViolation):
        users.create_user_with_address(
            own, email="b@example.com", name="B", address={"city": "Nowhere"}
        )
    assert users.count_users(own) == 1


def test_a_user_is_changed_found_listed_and_deleted(connection: Connection) -> None:
    """004-03, 004-08"""
    admin = add_user(connection, role=UserRole.ADMIN, password_hash=HASH)
    people = [add_user(connection) for _ in range(3)]
    email = found(users.get_user(connection, user_id=admin)).email
    login = found(users.find_login(connection, email=f" {email.upper()} "))
    assert (login.id, login.role, login.password_hash) == (admin, "ADMIN", HASH)
    assert users.record_login(connection, user_id=admin) == 1
    changed = found(
        users.update_user(connection, user_id=admin, phone="+49 30 1234567")
    )
    assert (changed.phone, changed.email) == ("+49 30 1234567", email)
    (first,) = users.list_users(connection, limit_rows=1)
    after = TimePosition(first.created_at, first.id)
    rest = users.list_users(connection, after=after)
    assert [first.id, *[row.id for row in rest]] == [*people[::-1], admin]
    (only,) = users.list_users(connection, role=UserRole.ADMIN)
    assert only.id == admin
    assert users.soft_delete_user(connection, user_id=people[0]) == 1
    assert users.get_user(connection, user_id=people[0]) is None
    assert users.count_users(connection) == 3
    assert users.restore_user(connection, user_id=people[0]) == 1
    connection.execute("INSERT INTO shop.verification_tokens VALUES ('a', 'b', now())")
    assert users.delete_expired_tokens(connection) == 1
    assert users.delete_expired_sessions(connection) == 0


def test_one_address_of_a_user_is_the_default(connection: Connection) -> None:
    """004-03, 004-08"""
    user = add_user(connection)
    given = {key: ADDRESS[key] for key in ("street", "city", "state", "zip_code")}
    first = found(users.add_address(connection, user_id=user, **given))
    second = found(
        users.add_address(connection, user_id=user, **given | {"street": "Elsewhere 1"})
    )
    assert (first.is_default, second.is_default) == (True, False)
    with connection.transaction():
        users.clear_default_address(connection, user_id=user, except_id=second.id)
        users.make_default_address(connection, user_id=user, address_id=second.id)
    rows = found(users.get_user(connection, user_id=user)).addresses
    assert [row.street for row in rows] == ["Elsewhere 1", "123 Main St"]
    stranger = add_user(connection)
    for owner, count in ((stranger, 0), (user, 1)):
        changed = users.update_address(
            connection, address_id=first.id, user_id=owner, city="Boston"
        )
        assert changed == count
    assert users.delete_address(connection, address_id=first.id, user_id=stranger) == 0
    assert users.delete_address(connection, address_id=first.id, user_id=user) == 1


# --- Catalogue ------------------------------------------------------------------


def test_categories_come_as_a_tree(own_shop: Connection) -> None:
    """004-03, 004-08"""
    tree = catalogue.category_tree(own_shop)
    assert [(row.slug, row.depth, row.products) for row in tree] == [
        ("electronics", 0, 1),
        ("wearables", 1, 1),
        ("clothing", 0, 2),
    ]
    below = catalogue.category_tree(own_shop, root="electronics")
    assert [row.slug for row in below] == ["electronics", "wearables"]
    ids = catalogue.category_subtree_ids(own_shop, slug="electronics")
    assert set(ids) == {row.id for row in below}
    with pytest.raises(ForeignKeyViolation):
        catalogue.delete_category(own_shop, category_id=below[0].id)
    empty = add_category(own_shop, parent_id=below[1].id)
    hidden = catalogue.update_category(own_shop, category_id=empty, is_active=False)
    assert not found(hidden).is_active
    assert len(catalogue.category_tree(own_shop)) == 3
    assert catalogue.delete_category(own_shop, category_id=empty) == 1


def test_a_product_has_all_that_its_page_shows(shop: Connection) -> None:
    """004-03, 004-08"""
    page = found(catalogue.get_product(shop, slug="smart-watch"))
    assert [(row.name, row.price, row.available) for row in page.variants] == [
        ("black", Decimal(249), 20),
        ("silver", Decimal(269), 4),
    ]
    assert (page.available, page.in_stock) == (24, True)
    assert (page.rating, page.rating_count) == (Decimal(4), 1)
    assert page.category_path == [
        {"name": "Electronics", "slug": "electronics"},
        {"name": "Wearables", "slug": "wearables"},
    ]
    assert found(page.category).slug == "wearables"
    assert found(catalogue.get_product(shop, slug="wireless-headphones")).variants == []
    assert catalogue.get_product(shop, slug="nothing") is None


def test_a_product_is_created_with_its_stock_changed_and_deleted(
    own: Connection,
) -> None:
    """004-03, 004-08"""
    category = add_category(own)
    created = found(
        catalogue.create_product(
            own,
            category_id=category,
            name=" Lamp ",
            slug="lamp",
            sku="L-1",
            price=Decimal("19.90"),
            description="It shines.",
            images=["/a.jpg", "/b.jpg"],
            quantity=7,
        )
    )
    assert (created.name, created.quantity) == ("Lamp", 7)
    (entry,) = stock.stock_history(own, inventory_id=found(created.inventory_id))
    assert (entry.type, entry.quantity, entry.quantity_after) == ("IN", 7, 7)
    empty = add_product(own, category_id=category, quantity=None)
    assert found(stock.product_stock(own, product_id=empty)).quantity == 0
    with pytest.raises(CheckViolation):
        add_product(own, quantity=-1)
    changed = found(
        catalogue.update_product(
            own, product_id=created.id, price=Decimal(25), compare_price=30
        )
    )
    assert (changed.price, changed.compare_price) == (Decimal(25), Decimal(30))
    assert changed.name == "Lamp"
    assert catalogue.soft_delete_product(own, product_id=created.id) == 1
    assert catalogue.get_product(own, slug="lamp") is None
    admin = found(catalogue.get_product_for_admin(own, product_id=created.id))
    assert (admin.deleted_at is not None, admin.available) == (True, 7)
    assert catalogue.restore_product(own, product_id=created.id) == 1
    assert found(catalogue.get_product(own, slug="lamp")).thumbnail == "/a.jpg"


def test_variants_are_told_apart_by_their_attributes(own: Connection) -> None:
    """004-03, 004-08"""
    product = add_product(own)
    red = {"color": "red", "size": "M"}
    variant = found(
        catalogue.create_variant(
            own, product_id=product, name="red", sku="R", attributes=red
        )
    )
    with pytest.raises(UniqueViolation) as caught:
        catalogue.create_variant(
            own, product_id=product, name="red too", sku="R2", attributes=red
        )
    assert caught.value.constraint == "product_variants_product_id_attributes_key"
    (match,) = catalogue.variants_with(own, attributes={"color": "red"})
    assert match.id == variant.id
    assert catalogue.update_variant(own, variant_id=variant.id, price=12) == 1
    user = add_user(own)
    carts.cart_add(
        own, user_id=user, product_id=product, variant_id=variant.id, quantity=1
    )
    foreign = add_product(own)
    with pytest.raises(ForeignKeyViolation):
        carts.cart_add(own, user_id=user, product_id=foreign, variant_id=variant.id)
    assert catalogue.delete_variant(own, variant_id=variant.id) == 1
    assert carts.cart_view(own, user_id=user) == []


# --- Search ---------------------------------------------------------------------


@pytest.fixture
def shelves(connection: Connection) -> Connection:
    """A category with one below it, and 30 products that differ in what is sorted."""
    top = add_category(connection, slug="top")
    low = add_category(connection, slug="low", parent_id=top)
    for number in range(30):
        product = add_product(
            connection,
            category_id=low if number % 3 else top,
            name=f"{'Lamp' if number % 2 else 'chair'} {number:02}",
            price=Decimal(number % 7 * 10),
            quantity=number % 5,
            is_featured=number % 10 == 0,
        )
        connection.execute(
            """
            UPDATE shop.product_stats
            SET rating_count = %s, rating_sum = %s, sold = %s
            WHERE product_id = %s
            """,
            [number % 3, number % 3 * (1 + number % 5), number % 4, product],
        )
    return connection


KEYS: dict[Order, tuple[str, bool]] = {
    Order.NEWEST: ("created_at", True),
    Order.CHEAPEST: ("price", False),
    Order.DEAREST: ("price", True),
    Order.NAME: ("sort_name", False),
    Order.RATING: ("rating", True),
    Order.POPULARITY: ("sold", True),
}


@pytest.mark.parametrize("order_by", Order)
def test_pages_have_every_product_once_in_order(
    shelves: Connection, order_by: Order
) -> None:
    """004-03"""
    rows, cursor = [], None
    while True:
        page = browse(shelves, order=order_by, cursor=cursor, limit=7)
        rows += page.products
        cursor = page.next
        if cursor is None:
            break
    column, descending = KEYS[order_by]
    keys = [(getattr(row, column), row.id) for row in rows]
    assert keys == sorted(keys, reverse=descending)
    assert len({row.id for row in rows}) == len(rows) == 30


def test_filters_narrow_the_list(shelves: Connection) -> None:
    """004-03"""

    def numbers(**given: Any) -> set[int]:
        page = browse(shelves, Filters(**given), limit=100)
        return {int(row.name[-2:]) for row in page.products}

    every = set(range(30))
    assert numbers() == every
    assert numbers(q="lamp") == {n for n in every if n % 2}
    assert numbers(q="lamps -chair") == {n for n in every if n % 2}
    assert numbers(category="top") == every
    assert numbers(category="low") == {n for n in every if n % 3}
    assert numbers(category="none") == set()
    assert numbers(min_price=20, max_price=Decimal(40)) == {
        n for n in every if 2 <= n % 7 <= 4
    }
    assert numbers(in_stock=True) == {n for n in every if n % 5}
    assert numbers(in_stock=False) == every
    assert numbers(featured=True) == {0, 10, 20}
    assert numbers(min_rating=4) == {n for n in every if n % 3 and n % 5 >= 3}
    assert numbers(q="lamp", category="low", in_stock=True) == {
        n for n in every if n % 2 and n % 3 and n % 5
    }


def test_a_page_that_cannot_be_is_refused(shelves: Connection) -> None:
    """004-03"""
    cursor = browse(shelves, order=Order.CHEAPEST, limit=1).next
    wrong: tuple[dict[str, Any], ...] = (
        {"limit": 0},
        {"limit": 101},
        {"cursor": "no cursor!"},
        {"cursor": ""},
        {"cursor": cursor, "order": Order.DEAREST},
        {"cursor": found(cursor)[:-6]},
    )
    for given in wrong:
        with pytest.raises(BadInput):
            browse(shelves, **given)
    assert len(search.newest(shelves, limit_rows=1000)) == 30
    with pytest.raises(InvalidValue):
        search.newest(shelves, limit_rows=-1)


def test_facets_tell_what_a_search_has(shelves: Connection) -> None:
    """004-03"""
    facets = found(search.search_facets(shelves, q="lamp"))
    assert (facets.min_price, facets.max_price) == (Decimal(0), Decimal(60))
    assert facets.products == 15
    counts = {row.slug: row.products for row in facets.categories}
    assert counts == {"low": 10, "top": 5}
    nothing = found(search.search_facets(shelves, q="zeppelin"))
    assert (nothing.products, nothing.min_price, nothing.categories) == (0, None, [])


def test_a_prefix_suggests_names_and_a_typo_those_alike(shelves: Connection) -> None:
    """004-03"""
    names = [row.name for row in search.suggest(shelves, prefix="LAMP 0")]
    assert names == ["Lamp 01", "Lamp 03", "Lamp 05", "Lamp 07", "Lamp 09"]
    assert search.suggest(shelves, prefix="%") == []
    assert len(search.suggest(shelves, prefix="")) == 10
    odd = add_product(shelves, name="100% Cotton_Shirt")
    assert [row.id for row in search.suggest(shelves, prefix="100% c")] == [odd]
    (alike,) = search.did_you_mean(shelves, q="coton shirt")
    assert alike.id == odd


def test_products_nearest_in_meaning_are_similar(connection: Connection) -> None:
    """004-03"""
    a, b, c = (
        add_product(connection, embedding=direction(*numbers))
        for numbers in ((1, 0), (0.9, 0.1), (0, 1))
    )
    add_product(connection)  # without an embedding
    rows = search.similar_products(connection, product_id=a)
    assert [row.id for row in rows] == [b, c]
    assert rows[0].similarity > 0.9
    catalogue.update_product(connection, product_id=b, is_active=False)
    assert [r.id for r in search.similar_products(connection, product_id=a)] == [c]


def test_what_paid_orders_hold_together_is_bought_together(
    connection: Connection,
) -> None:
    """004-03"""
    lamp, bulb, chair = (add_product(connection) for _ in range(3))
    for others, is_paid in (((bulb,), True), ((bulb, chair), True), ((chair,), False)):
        user = add_user(connection)
        for other in others:
            carts.cart_add(connection, user_id=user, product_id=other, quantity=1)
        placed = order(connection, user=user, product=lamp, n=1)
        if is_paid:
            tell(connection, "payment_intent.succeeded", pay(connection, placed))
    assert search.bought_together(connection, product_id=lamp) == []
    search.refresh_bought_together(connection)
    rows = search.bought_together(connection, product_id=lamp)
    assert [(row.id, row.orders) for row in rows] == [(bulb, 2), (chair, 1)]
    assert [row.id for row in search.bought_together(connection, product_id=chair)] == (
        sorted([lamp, bulb])
    )


# --- Carts and wishlists --------------------------------------------------------


def test_a_cart_is_filled_changed_and_emptied(own: Connection) -> None:
    """004-03, 004-08"""
    user, stranger = add_user(own), add_user(own)
    lamp, chair = add_product(own), add_product(own, price=Decimal(5))
    for product, quantity in ((lamp, 2), (chair, 3)):
        carts.cart_add(own, user_id=user, product_id=product, quantity=quantity)
    lines = carts.cart_view(own, user_id=user)
    assert [row.line_total for row in lines] == [20, 15]
    assert {row.subtotal for row in lines} == {35}
    first = lines[0].id
    assert carts.cart_set(own, user_id=stranger, item_id=first, quantity=9) == 0
    assert carts.cart_set(own, user_id=user, item_id=first, quantity=11) == 1
    assert not carts.cart_view(own, user_id=user)[0].can_be_bought
    with pytest.raises(CheckViolation):
        carts.cart_set(own, user_id=user, item_id=first, quantity=0)
    with pytest.raises(CheckViolation):
        carts.cart_add(own, user_id=user, product_id=lamp, quantity=999)
    assert carts.cart_remove(own, user_id=user, item_id=first) == 1
    catalogue.soft_delete_product(own, product_id=lamp)
    gone = carts.cart_add(own, user_id=user, product_id=lamp, quantity=1)
    assert gone is None
    assert carts.cart_clear(own, user_id=user) == 1


def test_a_wish_is_there_or_not(connection: Connection) -> None:
    """004-03, 004-08"""
    user, product = add_user(connection), add_product(connection)
    for wished in (True, False, True):
        now = carts.wishlist_toggle(connection, user_id=user, product_id=product)
        assert now is wished
    (row,) = carts.wishlist(connection, user_id=user)
    assert (row.id, row.in_stock) == (product, True)


# --- Reviews --------------------------------------------------------------------


def delivered(connection: Connection, user: UUID, product: UUID) -> UUID:
    placed = order(connection, user=user, product=product)
    for step in (confirm, process, ship, deliver):
        step(connection, placed.id)
    return placed.id


def test_a_review_is_verified_by_a_delivered_order(own: Connection) -> None:
    """004-03, 004-08"""
    product = add_product(own)
    buyer, other, waiting = (add_user(own) for _ in range(3))
    delivered(own, buyer, product)
    order(own, user=waiting, product=product)
    made = {
        user: found(
            reviews.add_review(
                own, user_id=user, product_id=product, rating=n, content="Good."
            )
        )
        for user, n in ((buyer, 5), (other, 2), (waiting, 3))
    }
    assert [row.is_verified for row in made.values()] == [True, False, False]
    with pytest.raises(UniqueViolation):
        reviews.add_review(
            own, user_id=buyer, product_id=product, rating=1, content="Bad."
        )
    summary = found(reviews.rating_summary(own, product_id=product))
    assert (summary.reviews, summary.verified, summary.five_stars) == (3, 1, 1)
    assert round(summary.rating or 0, 2) == Decimal("3.33")
    reviews.approve_review(own, review_id=made[other].id, is_approved=False)
    (hidden,) = reviews.reviews_to_moderate(own)
    assert hidden.user_id == other
    (newest,) = reviews.list_reviews(own, product_id=product, limit_rows=1)
    after = TimePosition(newest.created_at, newest.id)
    (older,) = reviews.list_reviews(own, product_id=product, after=after)
    assert (newest.rating, older.rating) == (3, 5)
    page = found(browse(own).products[0])
    assert (page.rating, page.rating_count) == (Decimal(4), 2)
    assert is_well(own)


def test_a_products_figures_follow_its_reviews(connection: Connection) -> None:
    """004-03"""
    one, other, user = add_product(connection), add_product(connection), None
    user = add_user(connection)
    review = found(
        reviews.add_review(
            connection, user_id=user, product_id=one, rating=4, content="Good."
        )
    )
    changed = reviews.update_review(
        connection, review_id=review.id, user_id=user, rating=2
    )
    assert changed == 1
    assert reviews.update_review(connection, review_id=review.id, user_id=uuid4()) == 0
    connection.execute("UPDATE shop.reviews SET product_id = %s", [other])
    assert is_well(connection)
    rows = {row.id: row.rating for row in browse(connection).products}
    assert rows == {one: 0, other: 2}
    assert reviews.delete_review(connection, review_id=review.id, user_id=user) == 1
    assert is_well(connection)


# --- Orders ---------------------------------------------------------------------


def test_orders_come_in_pages_by_user_and_state(connection: Connection) -> None:
    """004-03, 004-08"""
    user, product = add_user(connection), add_product(connection)
    ours = [order(connection, user=user, product=product, n=1) for _ in range(3)]
    theirs = order(connection)
    confirm(connection, ours[0].id)
    (newest,) = orders.list_orders(connection, user_id=user, limit_rows=1)
    after = TimePosition(newest.created_at, newest.id)
    rest = orders.list_orders(connection, user_id=user, after=after)
    assert [newest.id, *[row.id for row in rest]] == [row.id for row in ours[::-1]]
    waiting = orders.list_orders(connection, status=OrderStatus.PENDING)
    assert {row.id for row in waiting} == {theirs.id, ours[1].id, ours[2].id}
    assert newest.pieces == 1
    found(orders.get_order(connection, order_id=theirs.id))
    assert orders.get_order(connection, order_id=theirs.id, user_id=user) is None


# --- Site -----------------------------------------------------------------------


def test_settings_are_got_and_set(connection: Connection) -> None:
    """004-03, 004-08"""
    assert site.settings_get(connection, key="tax.rate") == 0.08
    assert site.settings_get(connection, key="nothing") is None
    assert site.settings_set(connection, key="store.name", value={"en": "Shop"}) == 1
    assert site.settings_set(connection, key="store.name", value={"en": "Shop"}) == 0
    assert len(site.list_settings(connection)) == 6
    with pytest.raises(CheckViolation):
        site.settings_set(connection, key="tax.rate", value=-1)


def test_notifications_are_unread_until_they_are_read(connection: Connection) -> None:
    """004-03, 004-08"""
    user = add_user(connection)
    ids = [
        found(
            site.notify(
                connection,
                user_id=user,
                type=NotificationType.PROMOTION,
                title=f"Offer {n}",
                message="Cheap!",
            )
        )
        for n in range(3)
    ]
    assert len(site.unread_notifications(connection, user_id=user)) == 3
    one = site.mark_read(connection, user_id=user, notification_ids=ids[:1])
    assert one == 1
    assert site.mark_read(connection, user_id=uuid4()) == 0
    assert site.mark_read(connection, user_id=user) == 2
    assert site.unread_notifications(connection, user_id=user) == []


def test_a_funnel_counts_who_went_on(own: Connection) -> None:
    """004-03, 004-08"""
    user = add_user(own)
    at = dt.datetime(2030, 5, 1, 12, tzinfo=UTC)

    def went(session: str, *names: str, **given: Any) -> list[Event]:
        return [
            Event(name, session_id=session, at=at + dt.timedelta(minutes=n), **given)
            for n, name in enumerate(names)
        ]

    events = [
        *went("a", "product_view", "cart_add", "order_placed", user_id=user),
        *went("b", "product_view", "product_view", "cart_add"),
        *went("c", "product_view"),
        *went("d", "cart_add", "product_view"),  # not in this order
        *went("e", "order_placed", "cart_add"),
        *went("f", "search", data={"q": "lamp"}, ip="192.0.2.1", page="/"),
    ]
    assert tracking.track(own, events) == len(events)
    rows = site.funnel(own, seen_from=at, seen_before=at + dt.timedelta(days=1))
    assert [(row.stage, row.visitors) for row in rows] == [
        *(("view", 4), ("cart", 2), ("order", 1))
    ]
    assert rows[-1].percent_of_all == 25
    site.track_event(own, event="search", data={"q": "x"}, ip=ip_address("192.0.2.7"))
    with pytest.raises(ForeignKeyViolation):
        tracking.track(own, [Event("view", user_id=uuid4())])
    with pytest.raises(BadInput, match="ip of an event"):
        tracking.track(own, [Event("view", ip="localhost:80")])
    with pytest.raises(CheckViolation):
        tracking.track(own, [Event("view"), Event("x" * 101)])
    assert value(own, "SELECT count(*) FROM shop.analytics") == len(events) + 1


async def test_events_are_written_from_asynchronous_code_too(
    own: Connection, database_url: str
) -> None:
    """004-05"""
    async with await connect_async(database_url, Settings()) as session:
        assert await tracking.track_async(session, [Event("search")] * 3) == 3


def test_partitions_are_made_ahead_and_take_their_rows(connection: Connection) -> None:
    """004-03"""
    now = dt.datetime.now(UTC)
    last_month = now.replace(day=1) - dt.timedelta(days=1)
    tracking.track(connection, [Event("now", at=now), Event("then", at=last_month)])
    assert site.ensure_partitions(connection, months=3) == 3
    assert site.ensure_partitions(connection, months=3) == 0
    assert site.ensure_partitions(connection, months=4) == 1
    tracking.track(connection, [Event("later", at=now)])
    places = connection.execute(
        "SELECT tableoid::regclass::text, event FROM shop.analytics ORDER BY event"
    ).fetchall()
    this_month = f"shop.analytics_{now:%Y_%m}"
    assert places == [
        (this_month, "later"),
        (this_month, "now"),
        ("shop.analytics_default", "then"),
    ]
    rules = connection.execute(
        "SELECT count(*) FROM pg_indexes WHERE tablename = %s",
        [this_month.partition(".")[2]],
    )
    assert found(rules.fetchone())[0] == 4


# --- Reports --------------------------------------------------------------------


def sale(connection: Connection, at: str, *, user: UUID, product: UUID) -> UUID:
    """An order of 20.00 and 31.59 in all, paid at some time."""
    placed = order(connection, user=user, product=product)
    tell(connection, "payment_intent.succeeded", pay(connection, placed))
    connection.execute(
        "UPDATE shop.orders SET created_at = %s::timestamptz WHERE id = %s",
        [at, placed.id],
    )
    return placed.id


def test_sales_are_counted_by_the_days_of_a_time_zone(own: Connection) -> None:
    """004-03"""
    user, product = add_user(own), add_product(own, quantity=99)
    sale(own, "2030-03-30 12:00+00", user=user, product=product)
    sale(own, "2030-03-30 23:30+00", user=user, product=product)
    order(own, user=user, product=product)  # nobody has paid for it
    back = sale(own, "2030-03-30 12:00+00", user=user, product=product)
    refund(own, back)

    def days(tz: str) -> list[tuple[str, int]]:
        rows = reports.sales_series(
            own,
            bucket="day",
            sold_from=dt.datetime(2030, 3, 30, tzinfo=UTC),
            sold_before=dt.datetime(2030, 4, 1, tzinfo=UTC),
            tz=tz,
        )
        return [
            (f"{found(row.bucket_start).astimezone(UTC):%d %H:%M}", row.orders)
            for row in rows
        ]

    assert days("UTC") == [("30 00:00", 2), ("31 00:00", 0)]
    # The clocks go forward in the night to the 31st, whose day has 23 hours.
    assert days("Europe/Berlin") == [
        ("29 23:00", 1),
        ("30 23:00", 1),
        ("31 22:00", 0),
    ]
    (month,) = reports.sales_series(
        own,
        bucket="month",
        sold_from=dt.datetime(2030, 3, 1, tzinfo=UTC),
        sold_before=dt.datetime(2030, 4, 1, tzinfo=UTC),
        tz="UTC",
    )
    assert (month.orders, month.revenue, month.mean_order_value) == (
        *(2, Decimal("63.18")),
        Decimal("31.59"),
    )
    for bucket, tz in (("eon", "UTC"), ("day", "Mars/Base")):
        with pytest.raises(InvalidValue):
            reports.sales_series(
                own,
                bucket=bucket,
                sold_from=dt.datetime(2030, 1, 1, tzinfo=UTC),
                sold_before=dt.datetime(2030, 2, 1, tzinfo=UTC),
                tz=tz,
            )


def test_reports_tell_what_was_sold_to_whom(connection: Connection) -> None:
    """004-03"""
    shelf = add_category(connection)
    lamp = add_product(connection, category_id=shelf, quantity=99)
    chair = add_product(connection, quantity=99)
    ada, ben = add_user(connection), add_user(connection)
    for at, user, product in (
        ("2030-01-05", ada, lamp),
        ("2030-01-20", ada, lamp),
        ("2030-02-01", ben, lamp),
        ("2030-03-05", ada, chair),
    ):
        sale(connection, at, user=user, product=product)
    period: dict[str, Any] = {
        "sold_from": dt.datetime(2030, 1, 1, tzinfo=UTC),
        "sold_before": dt.datetime(2031, 1, 1, tzinfo=UTC),
    }
    top = reports.top_products(connection, **period)
    assert [(row.id, row.pieces) for row in top] == [(lamp, 6), (chair, 2)]
    assert [row.revenue for row in top] == [60, 20]
    by_category = reports.revenue_by_category(connection, **period)
    assert [(row.id == shelf, row.percent) for row in by_category] == [
        *((True, 75), (False, 25))
    ]
    cohorts = reports.customer_cohorts(
        connection,
        first_from=period["sold_from"],
        first_before=period["sold_before"],
        tz="UTC",
    )
    assert [
        (f"{row.cohort:%m}", row.months_later, row.customers) for row in cohorts
    ] == [*(("01", 0, 1), ("01", 2, 1), ("02", 0, 1))]
    today = dt.datetime.now(UTC)
    (day,) = reports.new_users_series(
        connection,
        bucket="day",
        created_from=today.replace(hour=0, minute=0, second=0, microsecond=0),
        created_before=today,
        tz="UTC",
    )
    assert day.users == 2


def test_the_dashboard_adds_up(shop: Connection) -> None:
    """004-03"""
    whole = found(reports.dashboard_overview(shop))
    assert (whole.users, whole.products, whole.pending_orders, whole.open_orders) == (
        *(2, 4),
        *(1, 0),
    )
    assert (whole.orders_30_days, whole.revenue_30_days) == (1, Decimal("107.99"))
    assert (whole.reviews_to_moderate, whole.disputed_payments) == (0, 0)


def test_rows_that_contradict_each_other_are_found(shop: Connection) -> None:
    """004-04"""
    assert is_well(shop)
    # What only somebody who switches the triggers off can do.
    shop.execute(
        """
        SET session_replication_role = replica;
        UPDATE shop.order_items SET quantity = 2;
        UPDATE shop.orders SET payment_status = 'FAILED', status = 'CANCELLED';
        UPDATE shop.discounts SET used_count = 3;
        UPDATE shop.product_stats SET rating_count = 9, rating_sum = 9;
        UPDATE shop.reviews SET user_id = (
            SELECT id FROM shop.users WHERE role = 'ADMIN'
        ) WHERE order_id IS NOT NULL;
        UPDATE shop.inventory SET quantity = quantity + 1, reserved = 0;
        RESET session_replication_role;
        """
    )
    assert {row.rule for row in reports.violations(shop)} == {
        "an order costs another amount than its items",
        "an order has another payment status than its payments make",
        "an order that is not pending holds stock",
        "an order that was given up keeps stock",
        "a discount counts other redemptions than there are",
        "a product counts other reviews than there are",
        "a product counts other sales than there are",
        "a review names an order of somebody else",
    }
    assert len(stock.ledger_check(shop)) == 4
    assert seed_id("e", 4) in {row.inventory_id for row in stock.ledger_check(shop)}
