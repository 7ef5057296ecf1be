"""Transactions that run again when they lose against another one.

Only serialization failures (40001) and deadlocks (40P01) are tried again: there
PostgreSQL has rolled the whole transaction back, so a second run cannot double a
change. The waits follow "full jitter": uniform between zero and a bound that doubles
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

from drystone.database.pool import AsyncPool, Pool
from drystone.database.sqlstates import translate
from drystone.errors import DrystoneError, Retryable

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
) -> Result:
    """Run ``work(connection)`` in one transaction and return its result.

    ``work`` may run up to ``attempts`` times, so it must change nothing but the
    database. Raises what ``work`` raises, the driver's errors as typed ones.
    """
    for attempt in range(1, attempts + 1):
        try:
            with pool.connection() as connection:
                connection.isolation_level = isolation  # until the pool resets it
                with _noting(connection) as noted, connection.transaction():
                    result = work(connection)
        except (psycopg.Error, DrystoneError) as error:
            time.sleep(_wait_before_next(error, attempt, attempts))
        else:
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
) -> Result:
    """Do for an asynchronous pool what :func:`in_transaction` does."""
    for attempt in range(1, attempts + 1):
        try:
            async with pool.connection() as connection:
                await connection.set_isolation_level(isolation)
                with _noting(connection) as noted:
                    async with connection.transaction():
                        result = await work(connection)
        except (psycopg.Error, DrystoneError) as error:
            await asyncio.sleep(_wait_before_next(error, attempt, attempts))
        else:
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
