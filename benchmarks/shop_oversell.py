"""32 clients reserve 10 hot products for 30 seconds, and nobody gets what is not there.

Each takes two products at a time, in an order of its own, while others give back what
they took. Nothing is run again: a deadlock would surface. The control reads what is
left and then writes it, as many a shop does, with a tenth of the pieces for a tenth of
the time: it must oversell.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from benchmarks.shop_data import Size, load
from drystone.cli.output import line, table
from drystone.database.session import connect
from drystone.errors import DatabaseError
from drystone.settings import Settings
from drystone.systems.shop import stock

CLIENTS: Final = 32
PRODUCTS: Final = 10
PIECES: Final = 1400
SECONDS: Final = 30.0
_HOLD: Final = timedelta(hours=1)
_SIZE: Final = Size(products=100, users=10, orders=10, events=0)

Client = Callable[[Connection[Any], random.Random, list[UUID]], str]


def run(connection: Connection[Any], seconds: float = SECONDS) -> None:
    """Print what was reserved and what was oversold, of the queries and the control."""
    load(connection, _SIZE)
    goods = [
        product
        for (product,) in connection.execute(
            "SELECT md5('product' || n)::uuid FROM generate_series(1, %s) AS n",
            [PRODUCTS],
        )
    ]
    connection.execute(
        "INSERT INTO shop.inventory_transactions (inventory_id, type, quantity, reason)"
        " SELECT id, 'ADJUSTMENT', %s - quantity, 'count' FROM shop.inventory"
        " WHERE product_id = ANY (%s) AND variant_id IS NULL ORDER BY id",
        [PIECES, goods],
    )
    connection.execute(
        "CREATE TABLE IF NOT EXISTS public.naive"
        " (product_id uuid PRIMARY KEY, left_over integer, sold integer)"
    )
    connection.execute("TRUNCATE public.naive")
    connection.execute(
        "INSERT INTO public.naive SELECT unnest(%s::uuid[]), %s, 0",
        [goods, PIECES // 10],
    )
    outcomes = _all(connection, _reserve, goods, seconds)
    naive = _all(connection, _naively, goods, seconds / 10)
    (oversold, reserved) = connection.execute(
        "SELECT count(*) FILTER (WHERE reserved > quantity), sum(reserved)"
        " FROM shop.inventory WHERE product_id = ANY (%s) AND variant_id IS NULL",
        [goods],
    ).fetchone() or (None, None)
    (naive_oversold,) = connection.execute(
        "SELECT count(*) FROM public.naive WHERE sold > %s", [PIECES // 10]
    ).fetchone() or (None,)
    connection.execute("DROP TABLE public.naive")
    headers = ("way", "calls", "held", "lacking", "errors", "products oversold")
    rows = [
        (
            name,
            f"{counts.total():,}",
            f"{counts['held']:,}",
            f"{counts['lacking']:,}",
            f"{sum(n for key, n in counts.items() if key not in _EXPECTED):,}",
            f"{sold_out} of {PRODUCTS}",
        )
        for name, counts, sold_out in (
            ("reserve_stock", outcomes, oversold),
            ("read, then write", naive, naive_oversold),
        )
    ]
    table(headers, rows, right=headers[1:])
    assert stock.ledger_check(connection) == []
    line(f"{reserved:,} reserved in the end; ledger_check: no rows")


_EXPECTED: Final = {"held", "lacking", "released"}


def _all(
    connection: Connection[Any], client: Client, goods: list[UUID], seconds: float
) -> Counter[str]:
    """Let all clients work until the time is over; return what their calls came to."""
    barrier = threading.Barrier(CLIENTS)
    dsn = connection.info.dsn

    def work(number: int) -> Counter[str]:
        chance = random.Random(number)
        counts: Counter[str] = Counter()
        with connect(dsn, Settings()) as session:
            barrier.wait()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    counts[client(session, chance, goods)] += 1
                except DatabaseError as error:
                    counts[error.sqlstate or "lost"] += 1
        return counts

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(work, range(CLIENTS)), Counter())


def _reserve(
    connection: Connection[Any], chance: random.Random, goods: list[UUID]
) -> str:
    """Hold two products; one call in ten gives them back at once."""
    lines = [
        {"product_id": str(product), "quantity": 1}
        for product in chance.sample(goods, 2)
    ]
    held = stock.reserve_stock(connection, lines=lines, hold=_HOLD)
    if held and chance.random() < 0.1:
        ids = [row.reservation_id for row in held if row.reservation_id]
        stock.release_reservation(connection, reservation_ids=ids)
        return "released"
    return "held" if held else "lacking"


def _naively(
    connection: Connection[Any], chance: random.Random, goods: list[UUID]
) -> str:
    product = chance.choice(goods)
    row = connection.execute(
        "SELECT left_over FROM public.naive WHERE product_id = %s", [product]
    ).fetchone()
    if row is None or row[0] <= 0:
        return "lacking"
    connection.execute(
        "UPDATE public.naive SET left_over = %s, sold = sold + 1 WHERE product_id = %s",
        [row[0] - 1, product],
    )
    return "held"
