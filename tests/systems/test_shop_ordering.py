"""Orders in `shop`: placed once, never more than there is, moved on and given up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import IsolationLevel

from drystone.database.pool import open_pool
from drystone.database.session import connect, connect_async
from drystone.database.transactions import in_transaction
from drystone.errors import BadInput, CheckViolation, DatabaseError, ForeignKeyViolation
from drystone.settings import Settings
from drystone.systems.shop import carts, catalogue, orders, payments, site, stock
from drystone.systems.shop.ordering import (
    PlacedOrder,
    Wish,
    cancel,
    cancel_async,
    confirm,
    deliver,
    expire,
    move,
    move_async,
    place,
    place_async,
    process,
    refund,
    refund_async,
    ship,
)
from drystone.systems.shop.refusals import (
    CartEmpty,
    DiscountExhausted,
    DiscountRefused,
    IllegalTransition,
    NotForSale,
    OrderNotFound,
    OutOfStock,
    refusals,
)
from drystone.systems.shop.types import DiscountType, OrderStatus
from tests.systems.rows import found, value
from tests.systems.sessions import at_once
from tests.systems.shop_factories import (
    ADDRESS,
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

AT_ONCE = 12
HOUR = timedelta(hours=1)


def available(connection: Connection, product: UUID) -> tuple[int, int]:
    """How many of a product there are, and how many of them are reserved."""
    row = found(stock.product_stock(connection, product_id=product))
    return row.quantity, row.reserved


def status_of(connection: Connection, order_id: UUID) -> OrderStatus:
    return found(orders.get_order(connection, order_id=order_id)).status


def discount(connection: Connection, **given: Any) -> str:
    row: dict[str, Any] = {
        "code": "SAVE",
        "type": DiscountType.PERCENTAGE,
        "value": Decimal(10),
    }
    return found(
        orders.create_discount(connection, **({"name": "Sale"} | row | given))
    ).code


def placed_or_refused(session: Connection, wanted: Wish) -> PlacedOrder | BadInput:
    try:
        return place(session, wanted)
    except BadInput as refused:
        return refused


# --- Placing --------------------------------------------------------------------


def test_an_order_keeps_prices_and_addresses_and_empties_the_cart(
    connection: Connection,
) -> None:
    """004-03"""
    user, product = add_user(connection), add_product(connection)
    put(connection, user, product, 3)
    placed = place(connection, wish(user))
    assert (placed.subtotal, placed.tax, placed.shipping, placed.total) == (
        Decimal("30.00"),
        Decimal("2.40"),
        Decimal("9.99"),
        Decimal("42.39"),
    )
    assert carts.cart_view(connection, user_id=user) == []
    assert available(connection, product) == (10, 3)
    catalogue.update_product(connection, product_id=product, price=99, name="Dearer")
    kept = found(orders.get_order(connection, order_id=placed.id))
    (item,) = kept.items
    (payment,) = kept.payments
    assert (item.unit_price, item.line_total) == (Decimal(10), Decimal(30))
    assert item.product_name != "Dearer"
    assert kept.shipping_address == kept.billing_address == ADDRESS
    assert (payment.amount, payment.status) == (placed.total, "PENDING")
    assert kept.order_number.startswith("ORD-")
    assert is_well(connection)


def test_an_order_and_its_e_mail_are_one_transaction(connection: Connection) -> None:
    """004-03"""
    with connection.transaction(force_rollback=True):
        order(connection)
        assert len(outbox(connection)) == 1
    assert outbox(connection) == []
    placed = order(connection)
    (job,) = outbox(connection)
    payload = {"order_id": str(placed.id), "template": "order-placed"}
    assert job == ("email", "shop.order-email", payload)


@pytest.mark.parametrize(
    ("price", "method", "shipping"),
    [
        ("49.99", "standard", "9.99"),
        ("50.00", "standard", "0.00"),
        ("50.00", "express", "15.99"),
    ],
)
def test_tax_and_shipping_follow_the_settings(
    connection: Connection, price: str, method: str, shipping: str
) -> None:
    """004-03"""
    product = add_product(connection, price=Decimal(price))
    placed = order(connection, product=product, n=1, shipping_method=method)
    assert placed.shipping == Decimal(shipping)
    assert placed.tax == round(Decimal(price) * Decimal("0.08"), 2)
    site.settings_set(connection, key="tax.rate", value=0.2)
    site.settings_set(connection, key="shipping.free_from", value=1)
    placed = order(connection, product=product, n=1)
    assert (placed.shipping, placed.tax) == (Decimal(0), round(Decimal(price) / 5, 2))


def test_a_setting_that_is_missing_is_told(connection: Connection) -> None:
    """004-03"""
    connection.execute("DELETE FROM shop.settings WHERE key = 'tax.rate'")
    with pytest.raises(DatabaseError, match="setting that orders need") as caught:
        order(connection)
    assert "tax.rate" in (caught.value.hint or "")


def test_the_same_key_is_the_same_order(connection: Connection) -> None:
    """004-03, 004-05"""
    user, product = add_user(connection), add_product(connection)
    put(connection, user, product)
    wanted = wish(user)
    first = place(connection, wanted)
    put(connection, user, product)
    again = place(connection, wanted)
    assert (again.id, again.payment_id) == (first.id, first.payment_id)
    assert (first.is_new, again.is_new) == (True, False)
    assert len(carts.cart_view(connection, user_id=user)) == 1
    assert place(connection, wish(user)).id != first.id
    assert len(orders.list_orders(connection, user_id=user)) == 2


def test_of_many_who_send_one_key_at_once_one_makes_the_order(
    own: Connection, database_url: str
) -> None:
    """004-03, 004-05"""
    user, product = add_user(own), add_product(own)
    put(own, user, product)
    wanted = wish(user)
    placed = at_once(database_url, [lambda c: place(c, wanted)] * AT_ONCE)
    assert len({each.id for each in placed}) == 1
    assert Counter(each.is_new for each in placed)[True] == 1
    assert available(own, product) == (10, 1)


def test_what_cannot_be_ordered_is_named_and_nothing_is_changed(
    own: Connection,
) -> None:
    """004-03"""
    user = add_user(own)
    with pytest.raises(CartEmpty):
        place(own, wish(user))
    with pytest.raises(ForeignKeyViolation):
        place(own, wish(uuid4()))
    scarce, gone = add_product(own, name="Lamp"), add_product(own)
    plenty = add_product(own)
    for product, quantity in ((plenty, 2), (scarce, 11)):
        put(own, user, product, quantity)
    with pytest.raises(OutOfStock, match="10 of 11 Lamp") as caught:
        place(own, wish(user))
    (line,) = caught.value.lacking
    assert (line.product_id, line.wanted, line.available) == (scarce, 11, 10)
    put(own, user, gone)
    catalogue.soft_delete_product(own, product_id=gone)
    with pytest.raises(NotForSale) as refused:
        place(own, wish(user))
    assert [each.product_id for each in refused.value.lacking] == [gone]
    assert len(carts.cart_view(own, user_id=user)) == 3
    assert available(own, plenty) == (10, 0)
    assert outbox(own) == []
    assert orders.list_orders(own) == []


@pytest.mark.parametrize(
    "given",
    [
        {"shipping_method": "pigeon"},
        {"shipping_address": {"street": "nowhere"}},
        {"idempotency_key": ""},
    ],
)
def test_a_wish_that_is_none_breaks_a_rule(
    own: Connection, given: dict[str, Any]
) -> None:
    """004-04"""
    with pytest.raises(CheckViolation):
        order(own, **given)
    assert orders.list_orders(own) == []


def test_what_is_digital_is_neither_counted_nor_sent(connection: Connection) -> None:
    """004-03"""
    book = add_product(connection, is_digital=True)
    placed = order(connection, product=book, n=500, shipping_method="express")
    assert placed.shipping == 0
    assert found(stock.product_stock(connection, product_id=book)).in_stock


def test_what_costs_nothing_is_confirmed_at_once(connection: Connection) -> None:
    """004-03"""
    product = add_product(connection, price=0, is_digital=True)
    placed = order(connection, product=product)
    assert (placed.status.value, placed.payment_id) == ("CONFIRMED", None)
    assert placed.total == 0
    assert [job[2]["template"] for job in outbox(connection)] == [
        "order-placed",
        "order-confirmed",
    ]


def test_a_variant_has_its_own_price_and_stock(own_shop: Connection) -> None:
    """004-03"""
    silver = value(
        own_shop, "SELECT id FROM shop.product_variants WHERE name = 'silver'"
    )
    watch = value(own_shop, "SELECT id FROM shop.products WHERE slug = 'smart-watch'")
    user = add_user(own_shop)
    carts.cart_add(
        own_shop, user_id=user, product_id=watch, variant_id=silver, quantity=5
    )
    (line,) = carts.cart_view(own_shop, user_id=user)
    assert (line.unit_price, line.available) == (Decimal(269), 4)
    assert not line.can_be_bought
    with pytest.raises(OutOfStock, match="4 of 5 Smart Watch, silver"):
        place(own_shop, wish(user))
    assert carts.cart_set(own_shop, user_id=user, item_id=line.id, quantity=4) == 1
    placed = place(own_shop, wish(user))
    (item,) = found(orders.get_order(own_shop, order_id=placed.id)).items
    assert (item.sku, item.unit_price) == ("SW-001-SILVER", Decimal(269))
    assert is_well(own_shop)


def test_an_order_is_filled_from_several_warehouses(connection: Connection) -> None:
    """004-03"""
    product = add_product(connection, quantity=2)
    other = found(
        stock.create_inventory(connection, product_id=product, warehouse="west")
    )
    stock.receive_stock(connection, inventory_id=other, quantity=3, reason="delivery")
    placed = order(connection, product=product, n=4)
    held = {
        row.warehouse: (row.quantity, row.reserved)
        for row in stock.inventory_of(connection, product_id=product)
    }
    assert held == {"main": (2, 2), "west": (3, 2)}
    confirm(connection, placed.id)
    assert available(connection, product) == (1, 0)
    assert is_well(connection)


async def test_an_asynchronous_connection_does_the_same(
    own: Connection, database_url: str
) -> None:
    """004-05"""
    first, second = order(own), order(own)
    user, product = add_user(own), add_product(own)
    put(own, user, product)
    async with await connect_async(database_url, Settings()) as session:
        placed = await place_async(session, wish(user))
        assert placed.is_new
        with pytest.raises(CartEmpty):
            await place_async(session, wish(user))
        await move_async(session, placed.id, OrderStatus.CONFIRMED)
        assert await refund_async(session, await paid(own, first.id)) == 1
        cancelled = await cancel_async(session, second.id)
        assert cancelled.status == OrderStatus.CANCELLED
        with pytest.raises(OrderNotFound):
            await cancel_async(session, placed.id, user_id=uuid4())
    assert is_well(own)


async def paid(connection: Connection, order_id: UUID) -> UUID:
    """Pay an order that is placed; return its id."""
    row = found(orders.get_order(connection, order_id=order_id))
    connection.execute(
        "UPDATE shop.payments SET provider_id = 'pi_x' WHERE order_id = %s", [row.id]
    )
    assert tell(connection, "payment_intent.succeeded", "pi_x") == "APPLIED"
    return order_id


# --- Discounts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "taken", "shipping"),
    [
        ({"value": Decimal(15)}, "3.00", "9.99"),
        ({"type": DiscountType.FIXED_AMOUNT, "value": Decimal(5)}, "5.00", "9.99"),
        ({"type": DiscountType.FIXED_AMOUNT, "value": Decimal(50)}, "20.00", "9.99"),
        ({"value": Decimal(50), "max_amount": Decimal("2.5")}, "2.50", "9.99"),
        ({"type": DiscountType.FREE_SHIPPING}, "0.00", "0.00"),
    ],
)
def test_a_discount_takes_off_what_it_says(
    connection: Connection, given: dict[str, Any], taken: str, shipping: str
) -> None:
    """004-03"""
    code = discount(connection, **given)
    placed = order(connection, discount_code=f" {code.lower()} ")
    assert (placed.discount, placed.shipping) == (Decimal(taken), Decimal(shipping))
    assert placed.tax == round((20 - placed.discount) * Decimal("0.08"), 2)
    assert is_well(connection)


def test_a_discount_that_does_not_apply_is_refused(own: Connection) -> None:
    """004-03"""
    discount(own, code="BIG", min_amount=Decimal(100))
    discount(own, code="OFF")
    off = next(each.id for each in orders.list_discounts(own) if each.code == "OFF")
    orders.set_discount_active(own, discount_id=off, is_active=False)
    own.execute(
        """
        INSERT INTO shop.discounts (code, name, type, value, starts_at, expires_at)
        VALUES
            ('LATER', 'x', 'PERCENTAGE', 1, now() + INTERVAL '1 day', NULL),
            ('OVER', 'x', 'PERCENTAGE', 1, '2001-01-01', '2001-01-02')
        """
    )
    for code in ("NONE", "BIG", "OFF", "LATER", "OVER"):
        with pytest.raises(DiscountRefused) as caught:
            order(own, discount_code=code)
        assert not isinstance(caught.value, DiscountExhausted)
        preview = orders.preview_discount(own, code=code, subtotal=Decimal(20))
        assert preview is None
    assert orders.list_orders(own) == []


def test_a_discount_is_not_used_more_often_than_it_may_be_at_once(
    own: Connection, database_url: str
) -> None:
    """004-03, 004-04"""
    code = discount(own, usage_limit=5)
    product = add_product(own, quantity=100)
    people = [add_user(own) for _ in range(AT_ONCE)]
    for user in people:
        put(own, user, product)
    wishes = [wish(user, discount_code=code) for user in people]
    outcomes = at_once(
        database_url, [partial(placed_or_refused, wanted=each) for each in wishes]
    )
    kinds = Counter(type(each).__name__ for each in outcomes)
    assert kinds == {"PlacedOrder": 5, "DiscountExhausted": AT_ONCE - 5}
    (row,) = orders.list_discounts(own)
    assert (row.used_count, row.usage_limit) == (5, 5)
    assert available(own, product) == (100, 5)
    assert is_well(own)


def test_a_user_uses_a_discount_once_unless_the_order_is_given_up(
    own: Connection,
) -> None:
    """004-03"""
    code, user = discount(own), add_user(own)
    first = order(own, user=user, discount_code=code)
    with pytest.raises(DiscountExhausted, match="as one user may"):
        order(own, user=user, discount_code=code)
    cancel(own, first.id)
    carts.cart_clear(own, user_id=user)
    assert order(own, user=user, discount_code=code).discount == 2
    with refusals(), pytest.raises(DatabaseError, match="as one user may"):
        orders.redeem_discount(own, code=code, user_id=user, subtotal=10)
    other = add_user(own)
    used = orders.redeem_discount(own, code=code, user_id=other, subtotal=10)
    assert found(used).amount == 1
    assert is_well(own)


# --- Steps ----------------------------------------------------------------------


def test_an_order_goes_its_way_and_the_customer_is_told(connection: Connection) -> None:
    """004-03"""
    user, product = add_user(connection), add_product(connection)
    placed = order(connection, user=user, product=product, n=3)
    intent = pay(connection, placed)
    assert tell(connection, "payment_intent.succeeded", intent) == "APPLIED"
    assert available(connection, product) == (7, 0)
    process(connection, placed.id)
    shipped = ship(connection, placed.id, tracking_number="T1")
    assert (shipped.status, shipped.tracking_number) == ("SHIPPED", "T1")
    delivered = deliver(connection, placed.id)
    assert found(delivered.delivered_at) >= found(delivered.shipped_at)
    told = site.unread_notifications(connection, user_id=user)
    assert Counter(each.type.value for each in told) == {
        "ORDER_UPDATE": 4,
        "PAYMENT_SUCCESS": 1,
        "SHIPMENT_UPDATE": 1,
    }
    assert [job[2]["template"] for job in outbox(connection)] == [
        *("order-placed", "order-confirmed", "order-processing", "order-shipped"),
        "order-delivered",
    ]
    assert is_well(connection)


def test_a_step_that_does_not_exist_is_refused(connection: Connection) -> None:
    """004-04"""
    allowed = {
        *(("PENDING", "CONFIRMED"), ("PENDING", "CANCELLED")),
        *(("CONFIRMED", "PROCESSING"), ("CONFIRMED", "CANCELLED")),
        *(("CONFIRMED", "REFUNDED"), ("PROCESSING", "SHIPPED")),
        *(("PROCESSING", "CANCELLED"), ("PROCESSING", "REFUNDED")),
        *(("SHIPPED", "DELIVERED"), ("SHIPPED", "REFUNDED")),
        ("DELIVERED", "REFUNDED"),
    }
    placed = order(connection)
    for before in OrderStatus:
        for after in OrderStatus:
            with connection.transaction(force_rollback=True):
                connection.execute(
                    """
                    SET LOCAL session_replication_role = replica;
                    UPDATE shop.product_stats SET sold = 10;
                    UPDATE shop.orders
                    SET
                        status = '{}',
                        shipped_at = now() - INTERVAL '1 day',
                        delivered_at = CASE '{}' WHEN 'DELIVERED' THEN now() END;
                    SET LOCAL session_replication_role = origin
                    """.replace("{}", before).encode()
                )
                try:
                    move(connection, placed.id, after)
                except IllegalTransition:
                    assert (before, after) not in allowed
                else:
                    assert (before, after) in allowed
    with pytest.raises(OrderNotFound):
        move(connection, uuid4(), OrderStatus.CONFIRMED)
    stale = orders.transition_order(
        connection,
        order_id=placed.id,
        from_status=OrderStatus.CONFIRMED,
        to_status=OrderStatus.PROCESSING,
    )
    assert stale is None
    assert orders.annotate_order(connection, order_id=placed.id, admin_notes="!") == 1


def test_what_is_cancelled_or_refunded_is_back_in_stock(connection: Connection) -> None:
    """004-03"""
    product = add_product(connection)
    waiting = order(connection, product=product, n=1)
    ours = order(connection, product=product, n=2)
    theirs = order(connection, product=product, n=3)
    assert available(connection, product) == (10, 6)
    with pytest.raises(OrderNotFound):
        cancel(connection, waiting.id, user_id=uuid4())
    cancel(connection, waiting.id)
    for each in (ours, theirs):
        tell(connection, "payment_intent.succeeded", pay(connection, each))
    assert available(connection, product) == (5, 0)
    with pytest.raises(IllegalTransition, match="nothing was paid"):
        refund(connection, waiting.id)
    assert refund(connection, ours.id) == 1
    cancel(connection, theirs.id)
    assert available(connection, product) == (10, 0)
    (due,) = payments.refunds_due(connection)
    assert due.order_id == theirs.id
    assert refund(connection, theirs.id) == 1
    assert payments.refunds_due(connection) == []
    assert status_of(connection, theirs.id) == OrderStatus.CANCELLED
    assert status_of(connection, ours.id) == OrderStatus.REFUNDED
    sold = value(
        connection, "SELECT sold FROM shop.product_stats WHERE product_id = %s", product
    )
    assert sold == 0
    assert is_well(connection)


def test_an_order_that_nobody_pays_for_gives_its_stock_back(
    own: Connection, database_url: str
) -> None:
    """004-03"""
    code, product = discount(own), add_product(own)
    late = [order(own, product=product, discount_code=code) for _ in range(2)]
    fresh = order(own, product=product)
    lines: list[dict[str, Any]] = [{"product_id": str(product), "quantity": 1}]
    stock.reserve_stock(own, lines=lines, hold=-HOUR)
    own.execute(
        "UPDATE shop.inventory_reservations SET expires_at = now() - INTERVAL '1 s'"
        " WHERE order_id = ANY (%s)",
        [[each.id for each in late]],
    )
    with connect(database_url, Settings()) as payer, payer.transaction():
        orders.lock_order(payer, order_id=late[0].id)
        assert expire(own) == 2  # without the one that is being paid
    assert expire(own) == 1
    assert expire(own) == 0
    assert [status_of(own, each.id) for each in late] == ["CANCELLED"] * 2
    assert status_of(own, fresh.id) == OrderStatus.PENDING
    assert available(own, product) == (10, 2)
    assert found(orders.list_discounts(own)[0]).used_count == 0
    assert is_well(own)


# --- Stock ----------------------------------------------------------------------


def test_all_lines_are_reserved_or_none(connection: Connection) -> None:
    """004-03, 004-04"""
    one, other = add_product(connection), add_product(connection)

    def lines(*wanted: tuple[UUID, int]) -> Any:
        return [{"product_id": str(id_), "quantity": n} for id_, n in wanted]

    refused: list[Any] = [
        lines((one, 5), (other, 11)),
        lines((one, 6), (one, 5)),
        lines((one, 5), (uuid4(), 1)),
        lines((one, 0)),
        lines((one, -1)),
        lines((one, 3), (other, -1)),
        [],
    ]
    for wanted in refused:
        assert stock.reserve_stock(connection, lines=wanted, hold=HOUR) == []
    lacking = stock.lacking(connection, lines=lines((one, 5), (other, 11)))
    assert isinstance(lacking, list)
    assert len(lacking) == 1
    held = stock.reserve_stock(connection, lines=lines((one, 5), (other, 6)), hold=HOUR)
    assert sorted(row.quantity or 0 for row in held) == [5, 6]
    assert available(connection, one) == (10, 5)
    ids = [found(row.reservation_id) for row in held]
    assert stock.release_reservation(connection, reservation_ids=ids) == 2
    assert stock.release_reservation(connection, reservation_ids=ids) == 0
    assert available(connection, one) == (10, 0)
    placed = order(connection, product=one, n=4)
    assert stock.commit_reservation(connection, order_id=placed.id) == 1
    assert available(connection, one) == (6, 0)
    assert is_well(connection)


def test_stock_is_received_adjusted_and_transferred_by_the_ledger(
    own: Connection,
) -> None:
    """004-03"""
    product, other = add_product(own), add_product(own)
    (main,) = stock.inventory_of(own, product_id=product)
    (foreign,) = stock.inventory_of(own, product_id=other)
    west = found(stock.create_inventory(own, product_id=product, warehouse="west"))
    received = stock.receive_stock(
        own, inventory_id=main.id, quantity=5, reason="delivery", reference="D1"
    )
    assert received == 15
    broken = stock.adjust_stock(own, inventory_id=main.id, delta=-3, reason="broken")
    assert broken == 12
    moved = stock.transfer_stock(own, from_id=main.id, to_id=west, quantity=7)
    assert {row.inventory_id: row.quantity_after for row in moved} == {
        main.id: 5,
        west: 7,
    }
    for target, quantity in ((foreign.id, 1), (main.id, 1), (west, 0), (west, -1)):
        assert not stock.transfer_stock(
            own, from_id=main.id, to_id=target, quantity=quantity
        )
    with refusals(), pytest.raises(CheckViolation):
        stock.transfer_stock(own, from_id=main.id, to_id=west, quantity=6)
    entries = stock.stock_history(own, inventory_id=main.id)
    assert [entry.quantity for entry in entries] == [-7, -3, 5, 10]
    assert [entry.quantity_after for entry in entries] == [5, 12, 15, 10]
    older = stock.stock_history(own, inventory_id=main.id, before_id=entries[1].id)
    assert older == entries[2:]
    assert product not in {row.product_id for row in stock.low_stock(own)}
    stock.adjust_stock(own, inventory_id=west, delta=-7, reason="lost")
    (low,) = [row for row in stock.low_stock(own) if row.product_id == product]
    assert (low.available, low.low_stock_threshold) == (5, 5)
    assert is_well(own)


def test_transfers_to_and_fro_do_not_deadlock(
    own: Connection, database_url: str
) -> None:
    """004-05"""
    product = add_product(own, quantity=100)
    (main,) = stock.inventory_of(own, product_id=product)
    west = found(stock.create_inventory(own, product_id=product, warehouse="west"))
    stock.receive_stock(own, inventory_id=west, quantity=100, reason="first")

    def carry(source: UUID, target: UUID) -> Callable[[Connection], None]:
        def work(session: Connection) -> None:
            for _ in range(20):
                stock.transfer_stock(session, from_id=source, to_id=target, quantity=1)

        return work

    at_once(database_url, [carry(main.id, west), carry(west, main.id)] * (AT_ONCE // 2))
    assert available(own, product) == (200, 0)
    assert is_well(own)


HOT, CLIENTS, PIECES, SECONDS = 10, 32, 60, 3.0


def buy_until(
    url: str, deadline: float, number: int, goods: list[UUID]
) -> Counter[str]:
    """Reserve two of the goods again and again, in an order that differs by client."""
    outcomes: Counter[str] = Counter()
    with open_pool(url, Settings(pool_max_size=1)) as pool:
        while time.monotonic() < deadline:
            number = (number * 7 + 3) % 97
            pair = [goods[number % HOT], goods[(number // HOT + number + 1) % HOT]]
            lines: Any = [{"product_id": str(each), "quantity": 1} for each in pair]
            held = in_transaction(
                pool,
                lambda c, w=lines: stock.reserve_stock(c, lines=w, hold=HOUR),  # type: ignore[misc]
            )
            outcomes["held" if held else "lacking"] += (
                sum(row.quantity or 0 for row in held) or 1
            )
    return outcomes


def buy_naively(url: str, deadline: float, number: int, goods: list[UUID]) -> None:
    """Read what there is and then write what is left, as many a shop does."""
    with connect(url, Settings()) as session:
        while time.monotonic() < deadline:
            number += 1
            product = goods[number % HOT]
            left = found(
                session.execute(
                    "SELECT left_over FROM public.naive WHERE product_id = %s",
                    [product],
                ).fetchone()
            )[0]
            if left > 0:
                session.execute(
                    "UPDATE public.naive SET left_over = %s, sold = sold + 1"
                    " WHERE product_id = %s",
                    [left - 1, product],
                )


def test_32_clients_do_not_oversell_10_hot_products_where_naive_ones_do(
    own: Connection, database_url: str
) -> None:
    """004-03, 004-05, 004-08: none oversold, no deadlock, the ledger is the stock."""
    goods = [add_product(own, quantity=PIECES) for _ in range(HOT)]
    own.execute(
        "CREATE TABLE public.naive (product_id uuid, left_over integer, sold integer)"
    )
    own.execute(
        "INSERT INTO public.naive SELECT unnest(%s::uuid[]), %s, 0", [goods, PIECES]
    )
    with ThreadPoolExecutor(CLIENTS) as threads:
        end = time.monotonic() + SECONDS / 2
        counts = list(
            threads.map(
                lambda number: buy_until(database_url, end, number, goods),
                range(CLIENTS),
            )
        )
        end = time.monotonic() + SECONDS / 2
        list(
            threads.map(
                lambda number: buy_naively(database_url, end, number, goods),
                range(CLIENTS),
            )
        )
    held = sum(count["held"] for count in counts)
    rows = [available(own, each) for each in goods]
    assert sum(reserved for _, reserved in rows) == held > 0
    assert all(reserved <= quantity == PIECES for quantity, reserved in rows)
    assert is_well(own)
    oversold = value(own, "SELECT count(*) FROM public.naive WHERE sold > %s", PIECES)
    assert oversold > 0


def test_orders_under_serializable_run_again_until_they_succeed(
    own: Connection, database_url: str
) -> None:
    """004-05"""
    product = add_product(own, quantity=100)
    people = [add_user(own) for _ in range(6)]
    for user in people:
        put(own, user, product)
    with (
        open_pool(database_url, Settings(pool_max_size=6)) as pool,
        ThreadPoolExecutor(6) as threads,
    ):
        placed = list(
            threads.map(
                lambda user: in_transaction(
                    pool,
                    lambda c: place(c, wish(user)),
                    isolation=IsolationLevel.SERIALIZABLE,
                    attempts=50,
                ),
                people,
            )
        )
    assert len({each.id for each in placed}) == 6
    assert available(own, product) == (100, 6)
    assert is_well(own)
