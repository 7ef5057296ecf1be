"""Transactions that run again when they were lost.

Serialization failures (40001), deadlocks (40P01) and connections that go away before
COMMIT are tried again: there the whole transaction is rolled back, so a second run
cannot double a change. After COMMIT that is unknown, unless its outcome is asked for.
The waits follow "full jitter": uniform between zero and a bound that doubles
(M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, Connection, IsolationLevel

from drystone.database.commits import Commit, is_unknown, unknown
from drystone.database.outcomes import was_committed, was_committed_async
from drystone.database.pool import AsyncPool, Pool
from drystone.database.sqlstates import translate
from drystone.errors import CommitUnknown, ConnectionLost, DrystoneError, Retryable

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

Afterwards = Callable[[Any, set[str]], Any]

_FIRST_WAIT = 0.01
_LONGEST_WAIT = 1.0


def in_transaction(
    pool: Pool,
    work: Callable[[Connection[Any]], Result],
    *,
    attempts: int = 5,
    isolation: IsolationLevel | None = None,
    resolve_commit: bool = False,
) -> Result:
    """Run ``work(connection)`` in one transaction and return its result.

    ``work`` may run up to ``attempts`` times, so it must change nothing but the
    database. Raises what ``work`` raises, the driver's errors as typed ones, and
    CommitUnknown if the connection is lost during COMMIT. With ``resolve_commit`` it
    finds out then, and returns or tries again: for one question before each COMMIT.
    """
    for attempt in range(1, attempts + 1):
        commit = Commit()
        try:
            with pool.connection() as connection:
                connection.isolation_level = isolation  # until the pool resets it
                with (
                    _noting(connection) as noted,
                    _watching(connection, commit),
                    connection.transaction(),
                ):
                    result = work(connection)
                    commit.begin(connection, noted=resolve_commit)
        except CommitUnknown as lost:
            if not (commit.begun and resolve_commit):
                raise
            if not was_committed(pool, commit, lost):
                time.sleep(_wait_before_next(_undone(lost), attempt, attempts))
                continue
        except (psycopg.Error, DrystoneError) as error:
            time.sleep(_wait_before_next(error, attempt, attempts))
            continue
        if not commit.begun:
            raise psycopg.Rollback  # the transaction took it for its own
        for action, items in noted.items():
            action(pool, items)
        return result
    raise AssertionError("unreachable: the last attempt returns or raises")


async def in_transaction_async(
    pool: AsyncPool,
    work: Callable[[AsyncConnection[Any]], Awaitable[Result]],
    *,
    attempts: int = 5,
    isolation: IsolationLevel | None = None,
    resolve_commit: bool = False,
) -> Result:
    """Do for an asynchronous pool what :func:`in_transaction` does."""
    for attempt in range(1, attempts + 1):
        commit = Commit()
        try:
            async with pool.connection() as connection:
                await connection.set_isolation_level(isolation)
                with _noting(connection) as noted, _watching(connection, commit):
                    async with connection.transaction():
                        result = await work(connection)
                        await commit.begin_async(connection, noted=resolve_commit)
        except CommitUnknown as lost:
            if not (commit.begun and resolve_commit):
                raise
            if not await was_committed_async(pool, commit, lost):
                wait = _wait_before_next(_undone(lost), attempt, attempts)
                await asyncio.sleep(wait)
                continue
        except (psycopg.Error, DrystoneError) as error:
            await asyncio.sleep(_wait_before_next(error, attempt, attempts))
            continue
        if not commit.begun:
            raise psycopg.Rollback  # the transaction took it for its own
        for action, items in noted.items():
            await action(pool, items)
        return result
    raise AssertionError("unreachable: the last attempt returns or raises")


def after_commit(
    connection: Connection[Any] | AsyncConnection[Any],
    action: Afterwards,
    items: Iterable[str],
) -> bool:
    """Have ``action(pool, items)`` run after the transaction's commit; once, with all.

    It is not run after a rollback. For an asynchronous connection it is awaited.
    Returns False, and does nothing, outside of :func:`in_transaction`.
    """
    noted = _noted.get(connection)
    if noted is None:
        return False
    noted.setdefault(action, set()).update(items)
    return True


_noted: WeakKeyDictionary[
    Connection[Any] | AsyncConnection[Any], dict[Afterwards, set[str]]
] = WeakKeyDictionary()


@contextmanager
def _noting(
    connection: Connection[Any] | AsyncConnection[Any],
) -> Iterator[dict[Afterwards, set[str]]]:
    """Collect what shall be done after the commit of one attempt."""
    noted: dict[Afterwards, set[str]] = {}
    _noted[connection] = noted
    try:
        yield noted
    finally:
        del _noted[connection]


@contextmanager
def _watching(
    connection: Connection[Any] | AsyncConnection[Any], commit: Commit
) -> Iterator[None]:
    """Raise CommitUnknown for an error that leaves the outcome of COMMIT open."""
    try:
        yield
    except psycopg.Error as error:
        if commit.begun and is_unknown(error, connection):
            raise unknown(error) from error
        raise


def _undone(lost: CommitUnknown) -> ConnectionLost:
    return ConnectionLost(
        "the connection was lost during COMMIT, and the transaction rolled back",
        sqlstate=lost.sqlstate,
    )


def _wait_before_next(
    error: psycopg.Error | DrystoneError, attempt: int, attempts: int
) -> float:
    """Return the seconds to wait before another attempt, or raise the error."""
    typed = translate(error) if isinstance(error, psycopg.Error) else error
    if not isinstance(typed, Retryable) or attempt == attempts:
        if typed is error:
            raise error
        raise typed from error
    logger.info("transaction lost, sqlstate=%s attempt=%d", typed.sqlstate, attempt)
    bound = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1))
    return random.uniform(0, bound)  # noqa: S311 -- spreads load, guards nothing
