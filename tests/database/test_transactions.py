from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import AsyncConnection, Connection, IsolationLevel, Rollback

from drystone.database.pool import open_async_pool, open_pool
from drystone.database.transactions import in_transaction, in_transaction_async
from drystone.errors import CheckViolation, DeadlockDetected, SerializationFailure
from drystone.settings import Settings

ON_CALL = "SELECT count(*) FROM public.doctors WHERE on_call"
LEAVE = "UPDATE public.doctors SET on_call = false WHERE name = %s"


@pytest.fixture
def doctors(own: Connection[Any]) -> Connection[Any]:
    """Two doctors on call; the rule that one must stay spans two rows."""
    own.execute("CREATE TABLE public.doctors (name text, on_call boolean)")
    own.execute("INSERT INTO public.doctors VALUES ('a', true), ('b', true)")
    return own


def test_write_skew_is_prevented_by_running_the_loser_again(
    doctors: Connection[Any], database_url: str, settings: Settings
) -> None:
    """001-13, 002-36"""
    both_have_read = threading.Barrier(2)
    runs: list[str] = []

    def leave(name: str) -> None:
        def work(own: Connection[Any]) -> None:
            runs.append(name)
            row = own.execute(ON_CALL).fetchone()
            if len(runs) <= 2:
                both_have_read.wait(timeout=30)
            if row is not None and row[0] > 1:
                own.execute(LEAVE, [name])

        in_transaction(pool, work, isolation=IsolationLevel.SERIALIZABLE)

    with open_pool(database_url, settings) as pool, ThreadPoolExecutor(2) as threads:
        list(threads.map(leave, ["a", "b"]))
    assert doctors.execute(ON_CALL).fetchone() == (1,)
    assert len(runs) == 3


def test_both_sides_of_a_deadlock_finish(
    doctors: Connection[Any], database_url: str, settings: Settings
) -> None:
    """002-36"""
    both_hold_one = threading.Barrier(2)
    runs: list[str] = []

    def swap(first: str, second: str) -> None:
        def work(own: Connection[Any]) -> None:
            runs.append(first)
            own.execute(LEAVE, [first])
            if len(runs) <= 2:
                both_hold_one.wait(timeout=30)
            own.execute(LEAVE, [second])

        # The victim may be back before the other one has noticed, and meet it again.
        in_transaction(pool, work, attempts=50)

    with open_pool(database_url, settings) as pool, ThreadPoolExecutor(2) as threads:
        list(threads.map(swap, ["a", "b"], ["b", "a"]))
    assert doctors.execute(ON_CALL).fetchone() == (0,)
    assert len(runs) >= 3


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("40001", SerializationFailure), ("40P01", DeadlockDetected)],
)
def test_the_number_of_attempts_is_bounded(
    database_url: str, settings: Settings, sqlstate: str, kind: type[Exception]
) -> None:
    runs = []

    def lose(own: Connection[Any]) -> None:
        runs.append(1)
        own.execute(
            "DO $$ BEGIN RAISE SQLSTATE '"
            + sqlstate
            + "' USING MESSAGE = 'lost'; END $$"
        )

    with open_pool(database_url, settings) as pool, pytest.raises(kind):
        in_transaction(pool, lose, attempts=3)
    assert len(runs) == 3


def test_nothing_else_is_tried_again(
    own: Connection[Any], database_url: str, settings: Settings
) -> None:
    runs = []

    def violate(own: Connection[Any]) -> None:
        runs.append(1)
        own.execute("INSERT INTO events.events (name) VALUES (' ')")

    with open_pool(database_url, settings) as pool, pytest.raises(CheckViolation):
        in_transaction(pool, violate)
    assert len(runs) == 1


def test_a_rollback_on_purpose_is_passed_on(
    doctors: Connection[Any], database_url: str, settings: Settings
) -> None:
    def regret(own: Connection[Any]) -> None:
        own.execute(LEAVE, ["a"])
        raise Rollback

    with open_pool(database_url, settings) as pool, pytest.raises(Rollback):
        in_transaction(pool, regret)
    assert doctors.execute(ON_CALL).fetchone() == (2,)


def test_the_isolation_level_does_not_outlive_the_transaction(
    database_url: str,
) -> None:
    def level(own: Connection[Any]) -> Any:
        return own.execute("SHOW transaction_isolation").fetchone()

    with open_pool(database_url, Settings(pool_max_size=1)) as pool:
        strict = in_transaction(pool, level, isolation=IsolationLevel.SERIALIZABLE)
        assert strict == ("serializable",)
        assert in_transaction(pool, level) == ("read committed",)


async def test_asynchronous_transactions_run_again_too(
    doctors: Connection[Any], database_url: str, settings: Settings
) -> None:
    both_have_read = asyncio.Barrier(2)
    runs: list[str] = []

    async def leave(pool: Any, name: str) -> None:
        async def work(connection: AsyncConnection[Any]) -> None:
            runs.append(name)
            row = await (await connection.execute(ON_CALL)).fetchone()
            if len(runs) <= 2:
                await both_have_read.wait()
            if row is not None and row[0] > 1:
                await connection.execute(LEAVE, [name])

        await in_transaction_async(pool, work, isolation=IsolationLevel.SERIALIZABLE)

    async with open_async_pool(database_url, settings) as pool:
        await asyncio.gather(leave(pool, "a"), leave(pool, "b"))
    assert doctors.execute(ON_CALL).fetchone() == (1,)
    assert len(runs) == 3
