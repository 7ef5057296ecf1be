"""Placing orders by 50 clients at once, against the same call in pgbench.

Every client orders again and again, each time a cart of three lines of 2,000 products:
any of them, or by Zipf's law, where one order in four has the same product and waits
for its row of stock. Clients wait for nothing but the answer, so that on two cores most
of a latency is queueing, in pgbench as in Python: its ratio says more than the figure.

What a service does is the last line: 50 clients share eight connections, and queue
before the database instead of in it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import Connection

from benchmarks.shop_data import ADDRESS, Size, load
from benchmarks.timing import milliseconds, percentile
from drystone.cli.output import line, table
from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction
from drystone.embedded.wheel import find_wheel
from drystone.settings import Settings
from drystone.systems.shop import stock
from drystone.systems.shop.ordering import Wish, place

CLIENTS: Final = 50
ORDERS: Final = 40
SIZE: Final = Size(products=2_000, users=CLIENTS * ORDERS, orders=1_000, events=0)

POOL: Final = 8

_FILL: Final[LiteralString] = """
INSERT INTO shop.cart_items (user_id, product_id)
SELECT DISTINCT customer.id, md5('product' || product.number)::uuid
FROM shop.users AS customer
CROSS JOIN generate_series(1, 3) AS line
CROSS JOIN LATERAL (
    SELECT (hashtext(customer.id::text || line) & 1048575) / 1048576.0 AS share
) AS random
CROSS JOIN LATERAL (
    SELECT floor(
        CASE
            WHEN %s THEN power(2000, random.share)
            ELSE 1 + 1999 * random.share
        END
    )::integer AS number
) AS product
"""

_SCRIPT: Final = """\
\\set n :n + 1
SELECT order_id FROM shop.place_order(
    md5('user' || (:client_id * {orders} + :n))::uuid,
    '{address}', '{address}', 'standard', 'CREDIT_CARD', NULL, '{key}' || :n, NULL
);
"""


def run(connection: Connection[Any]) -> None:
    """Print latencies and throughput of all ways, for any products and for hot ones."""
    load(connection, SIZE)
    rows = []
    for hot in (False, True):
        for clients in (1, CLIENTS):
            _clear(connection, hot=hot)
            ways = {"pgbench": _pgbench(connection, clients)}
            _clear(connection, hot=hot)
            ways["place()"] = _direct(connection, clients)
            _clear(connection, hot=hot)
            ways["place(), pool"] = _pooled(connection, clients)
            base = percentile(ways["pgbench"][0], 95)
            rows += [
                (
                    "hot" if hot else "any",
                    f"{clients}",
                    name,
                    f"{percentile(taken, 50):.1f}",
                    f"{percentile(taken, 95):.1f}",
                    f"{rate:.0f}",
                    f"{percentile(taken, 95) / base:.2f}",
                )
                for name, (taken, rate) in ways.items()
            ]
    headers = ("products", "clients", "way", "median ms", "p95 ms", "orders/s")
    headers += ("p95 to pgbench",)
    table(headers, rows, right=("clients", *headers[3:]))
    assert stock.ledger_check(connection) == []
    line("ledger_check: no rows")


def _clear(connection: Connection[Any], *, hot: bool) -> None:
    """Take back the orders of a run, and fill the carts again."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("TRUNCATE shop.inventory_reservations, shop.cart_items")
        connection.execute("TRUNCATE shop.payments, shop.notifications, core.outbox")
        connection.execute("DELETE FROM shop.orders WHERE idempotency_key IS NOT NULL")
        connection.execute("DELETE FROM shop.inventory_transactions WHERE type <> 'IN'")
        connection.execute("UPDATE shop.inventory SET reserved = 0 WHERE reserved > 0")
        connection.execute(_FILL, [hot])
    connection.execute("VACUUM (ANALYZE) shop.inventory, shop.orders, shop.cart_items")
    connection.execute("CHECKPOINT")


Taken = tuple[list[float], float]


def _direct(connection: Connection[Any], clients: int) -> Taken:
    """Give each client a connection of its own."""
    dsn = connection.info.dsn

    def work(mine: Sequence[UUID], ready: Callable[[], object]) -> list[float]:
        with connect(dsn, Settings()) as session:
            ready()
            return milliseconds(lambda user: place(session, _wish(user)), mine)

    return _all(connection, clients, work)


def _pooled(connection: Connection[Any], clients: int) -> Taken:
    """Let all clients share a pool, and run again what loses."""
    size = min(clients, POOL)
    settings = Settings(pool_min_size=size, pool_max_size=size)
    with open_pool(connection.info.dsn, settings) as pool:

        def work(mine: Sequence[UUID], ready: Callable[[], object]) -> list[float]:
            ready()
            return milliseconds(
                lambda user: in_transaction(pool, lambda c: place(c, _wish(user))), mine
            )

        return _all(connection, clients, work)


def _all(
    connection: Connection[Any],
    clients: int,
    work: Callable[[Sequence[UUID], Callable[[], object]], list[float]],
) -> Taken:
    """Return each call's milliseconds, and orders in a second, of clients at once."""
    found = connection.execute(
        "SELECT md5('user' || n)::uuid FROM generate_series(1, %s) AS n",
        [clients * ORDERS],
    ).fetchall()
    users = [user for (user,) in found]
    barrier = threading.Barrier(clients + 1)
    with ThreadPoolExecutor(clients) as threads:
        done = [
            threads.submit(work, users[n::clients], barrier.wait)
            for n in range(clients)
        ]
        barrier.wait()
        begin = time.perf_counter()
        taken = [each for future in done for each in future.result()]
        return taken, len(taken) / (time.perf_counter() - begin)


def _wish(user: UUID) -> Wish:
    return Wish(user, idempotency_key="once", shipping_address=ADDRESS)


def _pgbench(connection: Connection[Any], clients: int) -> Taken:
    """Do the same in pgbench, which comes with the embedded server."""
    info = connection.info
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "place.sql")
        script.write_text(
            _SCRIPT.format(orders=ORDERS, address=json.dumps(ADDRESS), key="once-")
        )
        subprocess.run(
            [
                *(find_wheel().binary("pgbench"), "--no-vacuum", "--protocol=prepared"),
                *("--client", str(clients), "--jobs", str(min(clients, 2))),
                *("--transactions", str(ORDERS), "--define", "n=0"),
                *("--file", script, "--log", "--log-prefix", Path(folder, "log")),
                *("--host", info.host, "--port", str(info.port)),
                *("--username", info.user, info.dbname),
            ],
            check=True,
            capture_output=True,
        )
        # client, transaction, microseconds, script, seconds and their microseconds
        fields = [
            [int(each) for each in entry.split()[:6]]
            for log in Path(folder).glob("log*")
            for entry in log.read_text().splitlines()
        ]
    taken = [each[2] / 1000 for each in fields]
    ends = [each[4] + each[5] / 1e6 for each in fields]
    begins = [end - ms / 1000 for end, ms in zip(ends, taken, strict=True)]
    return taken, len(taken) / (max(ends) - min(begins))
