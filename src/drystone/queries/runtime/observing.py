"""Who is told of each query: a plain function, or nobody.

Without one, a call costs nothing but two looks at the clock. What is told has no
parameter, and no text of a statement.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Self, TypeAlias

import psycopg

from drystone.database.sqlstates import translate
from drystone.errors import DatabaseError

# Called after a query with its name, the seconds it took, how many rows it returned or
# changed (None: it failed), and PostgreSQL's SQLSTATE of a failure, if it gave one. It
# runs in the caller's thread or task, before the caller has its rows; what it raises,
# the caller gets.
Observer: TypeAlias = Callable[[str, float, int | None, str | None], None]

# Read by every query; only the functions below change it.
current: Observer | None = None

_observers: tuple[Observer, ...] = ()


def observe(observer: Observer) -> None:
    """Have a function called after each query, in this process, from now on."""
    _set((*_observers, observer))


def forget(observer: Observer) -> None:
    """Do not call a function any more; it does not matter whether it was."""
    _set(tuple(each for each in _observers if each != observer))


def _set(observers: tuple[Observer, ...]) -> None:
    global _observers, current
    _observers = observers
    if len(observers) < 2:
        current = observers[0] if observers else None
        return

    def tell_all(
        name: str, seconds: float, rows: int | None, sqlstate: str | None
    ) -> None:
        for each in observers:
            each(name, seconds, rows, sqlstate)

    current = tell_all


def failed(name: str, begin: float, error: psycopg.Error) -> DatabaseError:
    """Tell of a query that began then and failed; return the error to raise."""
    if (observer := current) is not None:
        observer(name, perf_counter() - begin, None, error.sqlstate)
    return translate(error, query=name)


class Observed:
    """A query that has begun: blocks of it, and its end.

    The driver's errors leave a block as Drystone's.
    """

    __slots__ = ("_begin", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._begin = perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, psycopg.Error):
            raise failed(self._name, self._begin, error) from error

    def done(self, rows: int) -> int:
        """Tell that it has ended well, and return the rows."""
        if (observer := current) is not None:
            observer(self._name, perf_counter() - self._begin, rows, None)
        return rows
