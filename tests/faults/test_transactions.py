"""COMMITs whose answer is lost, transactions that are, and those that lose."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, Connection, IsolationLevel

from drystone.database import outcomes
from drystone.database.pool import open_async_pool, open_pool
from drystone.database.session import connect
from drystone.database.transactions import (
    after_commit,
    in_transaction,
    in_transaction_async,
)
from drystone.errors import (
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    TransactionTimeout,
)
from drystone.settings import Settings
from tests.clusters import Cluster
from tests.proxy import Loss, Proxy

LOSSES: list[Loss] = ["before", "after", "unnoticed"]
INSERT = "INSERT INTO public.entries DEFAULT VALUES"
SETTINGS = Settings(pool_timeout=10.0)


@pytest.fixture
def entries(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connection[Any]]:
    """A table that counts what took effect, asked past the proxy."""
    monkeypatch.setattr(outcomes, "_GRACE", 0.1)
    with connect(cluster.url(), Settings()) as connection:
        connection.execute("DROP TABLE IF EXISTS public.entries")
        connection.execute(
            "CREATE TABLE public.entries (id bigint GENERATED ALWAYS AS IDENTITY)"
        )
        yield connection


def count(connection: Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM public.entries").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("loss", LOSSES)
def test_a_commit_whose_answer_is_lost_is_unknown(
    proxy: Proxy, entries: Connection[Any], loss: Loss
) -> None:
    runs: list[int] = []

    def work(connection: Connection[Any]) -> None:
        runs.append(1)
        connection.execute(INSERT)

    with open_pool(proxy.url, SETTINGS) as pool:
        proxy.lose_commit(loss)
        with pytest.raises(CommitUnknown, match="may have taken effect") as caught:
            in_transaction(pool, work)
        assert "resolve_commit" in (caught.value.hint or "")
        assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    assert runs == [1]
    assert count(entries) == (1 if loss == "after" else 0)


@pytest.mark.parametrize("loss", LOSSES)
def test_it_can_be_resolved_and_doubles_nothing(
    proxy: Proxy, entries: Connection[Any], loss: Loss
) -> None:
    told: list[set[str]] = []
    runs: list[int] = []

    def work(connection: Connection[Any]) -> int:
        runs.append(1)
        connection.execute(INSERT)
        assert after_commit(connection, lambda _, items: told.append(items), ["it"])
        return len(runs)

    with open_pool(proxy.url, SETTINGS) as pool:
        proxy.lose_commit(loss)
        result = in_transaction(pool, work, resolve_commit=True)
    assert proxy.lost == 1
    assert result == len(runs) == (1 if loss == "after" else 2)
    assert count(entries) == 1
    assert told == [{"it"}]


@pytest.mark.parametrize("loss", LOSSES)
async def test_it_is_so_for_asynchronous_pools(
    proxy: Proxy, entries: Connection[Any], loss: Loss
) -> None:
    async def work(connection: AsyncConnection[Any]) -> None:
        await connection.execute(INSERT)

    async with open_async_pool(proxy.url, SETTINGS) as pool:
        proxy.lose_commit(loss)
        with pytest.raises(CommitUnknown):
            await in_transaction_async(pool, work)
        before = count(entries)
        proxy.lose_commit(loss)
        await in_transaction_async(pool, work, resolve_commit=True)
    assert proxy.lost == 2
    assert count(entries) == before + 1


def test_what_cannot_be_resolved_in_time_stays_unknown(
    proxy: Proxy, entries: Connection[Any]
) -> None:
    def work(connection: Connection[Any]) -> None:
        connection.execute(INSERT)
        proxy.refuse()

    with open_pool(proxy.url, Settings(pool_timeout=0.5)) as pool:
        proxy.lose_commit("after")
        with pytest.raises(CommitUnknown):
            in_transaction(pool, work, resolve_commit=True)
    assert count(entries) == 1


def test_a_transaction_that_only_read_runs_again(
    proxy: Proxy, entries: Connection[Any]
) -> None:
    with open_pool(proxy.url, SETTINGS) as pool:
        proxy.lose_commit("after")
        assert in_transaction(pool, count, resolve_commit=True) == 0


def test_a_block_of_the_pool_tells_it_too(
    proxy: Proxy, entries: Connection[Any]
) -> None:
    with open_pool(proxy.url, SETTINGS) as pool:
        proxy.lose_commit("after")
        with pytest.raises(CommitUnknown), pool.connection() as connection:
            connection.execute(INSERT)
    assert count(entries) == 1


def test_a_connection_that_is_lost_before_commit_costs_another_run(
    proxy: Proxy, entries: Connection[Any]
) -> None:
    runs: list[int] = []

    def work(connection: Connection[Any]) -> None:
        connection.execute(INSERT)
        if not runs:
            proxy.cut()
        runs.append(1)
        connection.execute(INSERT)

    with open_pool(proxy.url, SETTINGS) as pool:
        in_transaction(pool, work)
    assert runs == [1, 1]
    assert count(entries) == 2


def test_a_session_that_is_ended_is_lost_for_good(
    cluster: Cluster, entries: Connection[Any]
) -> None:
    with open_pool(cluster.url(), Settings(pool_max_size=1)) as pool:

        def work(connection: Connection[Any]) -> None:
            connection.execute(INSERT)
            pid = connection.info.backend_pid
            entries.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            connection.execute(INSERT)

        with pytest.raises(ConnectionLost) as caught:
            in_transaction(pool, work, attempts=1)
        assert caught.value.sqlstate == "57P01"
        assert count(entries) == 0
        with pool.connection() as connection:
            connection.execute(INSERT)
        assert pool.get_stats()["returns_bad"] == 1


@pytest.mark.parametrize("ended", [False, True], ids=["statement", "connection"])
def test_work_that_hides_an_error_is_not_taken_for_done(
    cluster: Cluster, entries: Connection[Any], ended: bool
) -> None:
    """PostgreSQL answers its COMMIT with ROLLBACK, without an error."""

    def work(connection: Connection[Any]) -> None:
        connection.execute(INSERT)
        if ended:
            pid = connection.info.backend_pid
            entries.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with suppress(psycopg.Error):
            connection.execute("SELECT 1 / 0")

    with (
        open_pool(cluster.url(), SETTINGS) as pool,
        pytest.raises(ConnectionLost if ended else DatabaseError) as caught,
    ):
        in_transaction(pool, work, attempts=1)
    assert ended or caught.value.sqlstate == "25P02"
    assert count(entries) == 0


def test_a_transaction_that_stands_idle_is_ended_with_a_typed_error(
    cluster: Cluster, entries: Connection[Any]
) -> None:
    def work(connection: Connection[Any]) -> None:
        connection.execute(INSERT)
        time.sleep(0.5)
        connection.execute(INSERT)

    settings = Settings(idle_in_transaction_timeout=0.1)
    with open_pool(cluster.url(), settings) as pool, pytest.raises(TransactionTimeout):
        in_transaction(pool, work)
    assert count(entries) == 0


@pytest.mark.long
def test_write_skew_is_prevented_among_16_workers(
    database_url: str, own: Connection[Any]
) -> None:
    """Each withdraws from one of two accounts if both together hold enough."""
    own.execute("CREATE TABLE public.accounts (pair int, side int, amount int)")
    own.execute(
        "INSERT INTO public.accounts"
        " SELECT pair, side, 100 FROM generate_series(1, 8) AS pair,"
        " generate_series(1, 2) AS side"
    )

    def withdraw(number: int, connection: Connection[Any]) -> bool:
        row = connection.execute(
            "SELECT sum(amount) FROM public.accounts WHERE pair = %s", [number % 8 + 1]
        ).fetchone()
        assert row is not None
        if row[0] < 10:
            return False
        connection.execute(
            "UPDATE public.accounts SET amount = amount - 10"
            " WHERE pair = %s AND side = %s",
            [number % 8 + 1, number // 8 % 2 + 1],
        )
        return True

    def worker(number: int) -> bool | None:
        try:
            return in_transaction(
                pool, partial(withdraw, number), isolation=IsolationLevel.SERIALIZABLE
            )
        except DatabaseError:
            return None

    with open_pool(database_url, SETTINGS) as pool, ThreadPoolExecutor(16) as threads:
        done = list(threads.map(worker, range(1600)))
    sums = own.execute(
        "SELECT min(total) >= 0 FROM (SELECT sum(amount) AS total"
        " FROM public.accounts GROUP BY pair) AS sums"
    ).fetchone()
    left = own.execute("SELECT sum(amount) FROM public.accounts").fetchone()
    assert sums == (True,)
    assert left == (1600 - 10 * done.count(True),)
    assert done.count(None) <= 16
