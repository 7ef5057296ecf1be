"""Clients that move money while things go wrong, and an account of what they did.

Half of the clients are threads, half are tasks of one event loop. In each half, some
run a transaction with ``resolve_commit`` and go on to the next one whatever happened;
the others repeat one with an idempotency key until it is acknowledged. The books are
right if no money appeared or vanished, each acknowledged transfer is there once, each
refused one is not, and each has its job in the outbox.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from types import TracebackType
from typing import Any, LiteralString, Self

from psycopg import AsyncConnection, Connection

from drystone.database.pool import AsyncPool, Pool, open_async_pool, open_pool
from drystone.database.session import connect
from drystone.database.transactions import in_transaction, in_transaction_async
from drystone.errors import CommitUnknown, DrystoneError
from drystone.settings import Settings

ACCOUNTS = 20
BALANCE = 1_000_000

ACKNOWLEDGED, REFUSED, UNKNOWN = 1, 2, 3

_SCHEMA = """
DROP SCHEMA IF EXISTS ledger CASCADE;
CREATE SCHEMA ledger;
CREATE TABLE ledger.accounts (id integer PRIMARY KEY, balance bigint NOT NULL);
-- Neither has a key of its own: what is done twice shall be seen.
CREATE TABLE ledger.transfers (
    client integer NOT NULL,
    number integer NOT NULL,
    source integer NOT NULL,
    target integer NOT NULL,
    amount bigint NOT NULL
);
CREATE TABLE ledger.outbox (client integer NOT NULL, number integer NOT NULL);
CREATE TABLE ledger.keys (client integer, number integer, PRIMARY KEY (client, number));
"""

_ONCE = "INSERT INTO ledger.keys VALUES (%s, %s) ON CONFLICT DO NOTHING"
_MOVE = "UPDATE ledger.accounts SET balance = balance + %s WHERE id = %s"
_WRITE = "INSERT INTO ledger.transfers VALUES (%s, %s, %s, %s, %s)"
_ASK = "INSERT INTO ledger.outbox VALUES (%s, %s)"

Statement = tuple[LiteralString, list[int]]


class Client:
    """One client's transfers by number, and what it was told of each."""

    def __init__(self, client: int) -> None:
        self.client = client
        self.keyed = client % 4 >= 2
        self.told = bytearray(1)
        self.errors: Counter[str] = Counter()
        self.failure: BaseException | None = None
        self.last_success = 0.0
        self._chance = random.Random(client)
        self._draw()

    def _draw(self) -> None:
        """Decide upon the next transfer; the order of accounts invites deadlocks."""
        source, target = self._chance.sample(range(1, ACCOUNTS + 1), 2)
        amount = self._chance.randint(1, 100)
        key = [self.client, len(self.told)]
        self.once: Statement = _ONCE, key
        self.statements: list[Statement] = [
            (_MOVE, [-amount, source]),
            (_MOVE, [amount, target]),
            (_WRITE, [*key, source, target, amount]),
            (_ASK, key),
        ]

    def work(self, connection: Connection[Any]) -> None:
        if self.keyed and connection.execute(*self.once).rowcount == 0:
            return
        for statement in self.statements:
            connection.execute(*statement)

    async def work_async(self, connection: AsyncConnection[Any]) -> None:
        if self.keyed:
            cursor = await connection.execute(*self.once)
            if cursor.rowcount == 0:
                return
        for statement in self.statements:
            await connection.execute(*statement)

    def note(self, error: DrystoneError | None) -> None:
        """Note how a transfer ended; one with a key is not over until it succeeds."""
        if error is None:
            self.last_success = time.monotonic()
            self.told.append(ACKNOWLEDGED)
        else:
            self.errors[type(error).__name__] += 1
            if self.keyed:
                return
            self.told.append(UNKNOWN if isinstance(error, CommitUnknown) else REFUSED)
        self._draw()


class Ledger:
    """The clients at work on a database, through ``url``; books are kept by ``direct``.

    ``pause`` is how long a client rests between transfers, in seconds.
    """

    def __init__(
        self,
        url: str,
        direct: str,
        settings: Settings,
        *,
        clients: int = 20,
        pause: float = 0.0,
    ) -> None:
        self._url = url
        self._direct = direct
        self._settings = settings
        self._pause = pause
        self._stack = ExitStack()
        self.async_pool: AsyncPool
        self._stop = threading.Event()
        self._opened = threading.Event()
        self.clients = [Client(number) for number in range(clients)]

    def __enter__(self) -> Self:
        with connect(self._direct, Settings()) as connection:
            connection.execute(_SCHEMA)
            connection.execute(
                "INSERT INTO ledger.accounts SELECT id, %s"
                " FROM generate_series(1, %s) AS id",
                [BALANCE, ACCOUNTS],
            )
        self.pool: Pool = self._stack.enter_context(
            open_pool(self._url, self._settings)
        )
        self._threads = [
            threading.Thread(target=self._run, args=[client])
            for client in self.clients[::2]
        ]
        self._threads.append(threading.Thread(target=asyncio.run, args=[self._loop()]))
        for thread in self._threads:
            thread.start()
        assert self._opened.wait(30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._stack.close()

    @property
    def acknowledged(self) -> int:
        return sum(client.told.count(ACKNOWLEDGED) for client in self.clients)

    @property
    def errors(self) -> Counter[str]:
        """How often which error met a client."""
        return sum((client.errors for client in self.clients), Counter())

    def recovered_within(self, seconds: float, *, since: float) -> float | None:
        """Wait for a success of both halves; returns how long after ``since`` it was.

        None if there was none in time.
        """
        halves = self.clients[::2], self.clients[1::2]
        while time.monotonic() - since < seconds:
            firsts = [max(client.last_success for client in half) for half in halves]
            if min(firsts) > since:
                return time.monotonic() - since
            time.sleep(0.01)
        return None

    def violations(self) -> list[str]:
        """Compare the books with what the clients were told, behind the block."""
        found = [
            f"client {client.client} died of {type(client.failure).__name__}"
            for client in self.clients
            if client.failure is not None
        ]
        with connect(self._direct, Settings()) as connection:
            (total,) = _only(connection, "SELECT sum(balance) FROM ledger.accounts")
            if total != ACCOUNTS * BALANCE:
                found.append(f"the accounts hold {total - ACCOUNTS * BALANCE} more")
            (jobless,) = _only(
                connection,
                "SELECT count(*) FROM (SELECT client, number FROM ledger.transfers"
                " EXCEPT ALL SELECT client, number FROM ledger.outbox) AS jobless",
            )
            (surplus,) = _only(
                connection,
                "SELECT (SELECT count(*) FROM ledger.outbox)"
                " - (SELECT count(*) FROM ledger.transfers)",
            )
            if jobless or surplus:
                found.append(f"{jobless} transfers without a job, {surplus} jobs more")
            for client in self.clients:
                found += _compare(connection, client)
        return found

    def _run(self, client: Client) -> None:
        try:
            while not self._stop.is_set():
                error = None
                try:
                    in_transaction(
                        self.pool, client.work, resolve_commit=not client.keyed
                    )
                except DrystoneError as caught:
                    error = caught
                client.note(error)
                self._stop.wait(self._pause)
        except BaseException as failure:  # noqa: BLE001 -- told by violations()
            client.failure = failure

    async def _loop(self) -> None:
        async with open_async_pool(self._url, self._settings) as self.async_pool:
            self._opened.set()
            await asyncio.gather(
                *(self._run_async(client) for client in self.clients[1::2])
            )

    async def _run_async(self, client: Client) -> None:
        try:
            while not self._stop.is_set():
                error = None
                try:
                    await in_transaction_async(
                        self.async_pool,
                        client.work_async,
                        resolve_commit=not client.keyed,
                    )
                except DrystoneError as caught:
                    error = caught
                client.note(error)
                await asyncio.sleep(self._pause)
        except BaseException as failure:  # noqa: BLE001 -- told by violations()
            client.failure = failure


def _only(connection: Connection[Any], statement: LiteralString) -> Any:
    return connection.execute(statement).fetchone()


def _compare(connection: Connection[Any], client: Client) -> list[str]:
    """Compare what a client was told with the transfers that there are."""
    rows = connection.execute(
        "SELECT number, count(*) FROM ledger.transfers WHERE client = %s"
        " GROUP BY number",
        [client.client],
    ).fetchall()
    there = dict(rows)
    found = []
    for number, told in enumerate(client.told[1:], 1):
        times = there.pop(number, 0)
        allowed = {ACKNOWLEDGED: (1,), REFUSED: (0,), UNKNOWN: (0, 1)}[told]
        if times not in allowed:
            kind = ("", "acknowledged", "refused", "unknown")[told]
            found.append(f"{client.client}-{number}, {kind}, is there {times} times")
    # Of a transfer with a key that was not acknowledged when the client ended.
    allowed_rest = {len(client.told)} if client.keyed else set()
    if there.keys() - allowed_rest or any(times > 1 for times in there.values()):
        found.append(f"client {client.client} has {there}, of which it knows nothing")
    return found
