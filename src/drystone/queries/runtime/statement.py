"""What generated query functions call: a statement, its types, and its results.

One statement serves both worlds: with a Connection a method returns its result, with an
AsyncConnection an awaitable of the same. Errors are those of ``drystone.errors``.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import Any, Generic, TypeVar, overload
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus

from drystone.errors import WrongRowCount
from drystone.queries.runtime import observing
from drystone.queries.runtime.binding import (
    NOTHING,
    AsyncBoundCursor,
    AsyncBoundServerCursor,
    Binder,
    Bound,
    BoundCursor,
    BoundServerCursor,
)
from drystone.queries.runtime.nesting import Nest
from drystone.queries.runtime.observing import Observed, failed
from drystone.queries.runtime.rows import Values, flat, row_maker

Row = TypeVar("Row")
AnyConnection = Connection[Any] | AsyncConnection[Any]

_cursor_numbers = count(1)


class Statement(Generic[Row]):
    """A query as it is sent: its text, its parameters' types, its rows' class.

    ``sql`` has numbered parameters; ``parameters`` gives their names and SQL types in
    that order. ``row`` is called with a row's columns; without it a row is its first
    column, and with ``nest`` rows are folded into objects that hold others.
    ``converters`` turn the values of a column, by its index, unless NULL.
    ``binary`` asks for results in binary form, which types without a binary loader in
    psycopg return as bytes. ``replica`` says that it may be asked of a replica.

    A vector arrives as ``pgvector.Vector``, in text as in binary form: ``to_list()``
    has its numbers, ``to_numpy()`` an array of float32.
    """

    __slots__ = (
        "_binary",
        "_binders",
        "_factory",
        "_name",
        "_nest",
        "_parameters",
        "_sql",
        "replica",
    )

    def __init__(
        self,
        name: str,
        sql: str,
        *,
        parameters: Sequence[tuple[str, str]] = (),
        row: Callable[..., Row] | None = None,
        nest: Nest[Row] | None = None,
        converters: Mapping[int, Callable[[Any], Any]] | None = None,
        binary: bool = False,
        replica: bool = False,
    ) -> None:
        self._name = name
        self.replica = replica
        self._sql = "".join(["/* ", name, " */ ", sql]).encode()
        self._parameters = parameters
        self._binary = binary
        self._nest = nest
        make = row_maker(name, row if nest is None else flat, converters or {})
        self._factory: Callable[[Any], Callable[[Values], Row]] = lambda _: make
        self._binders: WeakKeyDictionary[AnyConnection, Binder] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """The query's name, with its system and area."""
        return self._name

    @property
    def definition(self) -> bytes:
        """What is asked, whatever the values: the text and the parameters' types."""
        return b"\0".join([self._sql, repr(list(self._parameters)).encode()])

    @overload
    def rows(self, connection: Connection[Any], values: Values = ()) -> list[Row]: ...
    @overload
    def rows(
        self, connection: AsyncConnection[Any], values: Values = ()
    ) -> Awaitable[list[Row]]: ...
    @overload
    def rows(
        self, connection: AnyConnection, values: Values = ()
    ) -> list[Row] | Awaitable[list[Row]]: ...
    def rows(
        self, connection: AnyConnection, values: Values = ()
    ) -> list[Row] | Awaitable[list[Row]]:
        """Return all rows."""
        if isinstance(connection, AsyncConnection):
            return self._rows_async(connection, values)
        bound = self._bind(connection, values)
        begin = perf_counter()
        try:  # rather than Observed, which takes longer than all the rest here
            cursor = BoundCursor(connection, row_factory=self._factory)
            rows = cursor.execute(self._sql, bound, binary=self._binary).fetchall()
        except psycopg.Error as error:
            raise failed(self._name, begin, error) from error
        if (observer := observing.current) is not None:
            observer(self._name, perf_counter() - begin, len(rows), None)
        return rows if self._nest is None else self._nest.fold(rows)

    async def _rows_async(
        self, connection: AsyncConnection[Any], values: Values
    ) -> list[Row]:
        bound = self._bind(connection, values)
        begin = perf_counter()
        try:
            cursor = AsyncBoundCursor(connection, row_factory=self._factory)
            await cursor.execute(self._sql, bound, binary=self._binary)
            rows = await cursor.fetchall()
        except psycopg.Error as error:
            raise failed(self._name, begin, error) from error
        if (observer := observing.current) is not None:
            observer(self._name, perf_counter() - begin, len(rows), None)
        return rows if self._nest is None else self._nest.fold(rows)

    @overload
    def row(self, connection: Connection[Any], values: Values = ()) -> Row | None: ...
    @overload
    def row(
        self, connection: AsyncConnection[Any], values: Values = ()
    ) -> Awaitable[Row | None]: ...
    @overload
    def row(
        self, connection: AnyConnection, values: Values = ()
    ) -> Row | Awaitable[Row | None] | None: ...
    def row(
        self, connection: AnyConnection, values: Values = ()
    ) -> Row | Awaitable[Row | None] | None:
        """Return the row, or None; raises WrongRowCount for more than one."""
        if isinstance(connection, AsyncConnection):
            return self._row_async(connection, values)
        return self._single(self.rows(connection, values))

    async def _row_async(
        self, connection: AsyncConnection[Any], values: Values
    ) -> Row | None:
        return self._single(await self._rows_async(connection, values))

    @overload
    def one(self, connection: Connection[Any], values: Values = ()) -> Row: ...
    @overload
    def one(
        self, connection: AsyncConnection[Any], values: Values = ()
    ) -> Awaitable[Row]: ...
    @overload
    def one(
        self, connection: AnyConnection, values: Values = ()
    ) -> Row | Awaitable[Row]: ...
    def one(
        self, connection: AnyConnection, values: Values = ()
    ) -> Row | Awaitable[Row]:
        """Return the only row; raises WrongRowCount for none or more."""
        if isinstance(connection, AsyncConnection):
            return self._one_async(connection, values)
        return self._only(self.rows(connection, values))

    async def _one_async(self, connection: AsyncConnection[Any], values: Values) -> Row:
        return self._only(await self._rows_async(connection, values))

    @overload
    def count(self, connection: Connection[Any], values: Values = ()) -> int: ...
    @overload
    def count(
        self, connection: AsyncConnection[Any], values: Values = ()
    ) -> Awaitable[int]: ...
    @overload
    def count(
        self, connection: AnyConnection, values: Values = ()
    ) -> int | Awaitable[int]: ...
    def count(
        self, connection: AnyConnection, values: Values = ()
    ) -> int | Awaitable[int]:
        """Return how many rows were changed."""
        if isinstance(connection, AsyncConnection):
            return self._count_async(connection, values)
        bound = self._bind(connection, values)
        with Observed(self._name) as call:
            rows = BoundCursor(connection).execute(self._sql, bound).changed()
        return call.done(rows)

    async def _count_async(
        self, connection: AsyncConnection[Any], values: Values
    ) -> int:
        bound = self._bind(connection, values)
        with Observed(self._name) as call:
            cursor = await AsyncBoundCursor(connection).execute(self._sql, bound)
            rows = await cursor.changed()
        return call.done(rows)

    @overload
    def count_many(
        self, connection: Connection[Any], rows: Iterable[Values]
    ) -> int: ...
    @overload
    def count_many(
        self, connection: AsyncConnection[Any], rows: Iterable[Values]
    ) -> Awaitable[int]: ...
    @overload
    def count_many(
        self, connection: AnyConnection, rows: Iterable[Values]
    ) -> int | Awaitable[int]: ...
    def count_many(
        self, connection: AnyConnection, rows: Iterable[Values]
    ) -> int | Awaitable[int]:
        """Run for each set of values; return how many rows were changed in all.

        No set is sent before all were found to fit.
        """
        if isinstance(connection, AsyncConnection):
            return self._count_many_async(connection, rows)
        bound = [self._bind(connection, values) for values in rows]
        with Observed(self._name) as call:
            cursor = BoundCursor(connection)
            with connection.pipeline():  # on leaving it the count is complete
                cursor.executemany(self._sql, bound)
        return call.done(cursor.rowcount)

    async def _count_many_async(
        self, connection: AsyncConnection[Any], rows: Iterable[Values]
    ) -> int:
        bound = [self._bind(connection, values) for values in rows]
        with Observed(self._name) as call:
            cursor = AsyncBoundCursor(connection)
            async with connection.pipeline():
                await cursor.executemany(self._sql, bound)
        return call.done(cursor.rowcount)

    @overload
    def script(self, connection: Connection[Any]) -> str | None: ...
    @overload
    def script(self, connection: AsyncConnection[Any]) -> Awaitable[str | None]: ...
    @overload
    def script(
        self, connection: AnyConnection
    ) -> str | Awaitable[str | None] | None: ...
    def script(self, connection: AnyConnection) -> str | Awaitable[str | None] | None:
        """Run several statements and return the last one's status."""
        if isinstance(connection, AsyncConnection):
            return self._script_async(connection)
        with Observed(self._name) as call:
            cursor = BoundCursor(connection).execute(self._sql, NOTHING)
        call.done(0)
        return cursor.set_result(-1).statusmessage

    async def _script_async(self, connection: AsyncConnection[Any]) -> str | None:
        with Observed(self._name) as call:
            cursor = await AsyncBoundCursor(connection).execute(self._sql, NOTHING)
            last = await cursor.set_result(-1)
        call.done(0)
        return last.statusmessage

    @overload
    def stream(
        self, connection: Connection[Any], values: Values = (), *, batch: int = 1000
    ) -> AbstractContextManager[Iterator[Row]]: ...
    @overload
    def stream(
        self,
        connection: AsyncConnection[Any],
        values: Values = (),
        *,
        batch: int = 1000,
    ) -> AbstractAsyncContextManager[AsyncIterator[Row]]: ...
    @overload
    def stream(
        self, connection: AnyConnection, values: Values = (), *, batch: int = 1000
    ) -> (
        AbstractContextManager[Iterator[Row]]
        | AbstractAsyncContextManager[AsyncIterator[Row]]
    ): ...
    def stream(
        self, connection: AnyConnection, values: Values = (), *, batch: int = 1000
    ) -> (
        AbstractContextManager[Iterator[Row]]
        | AbstractAsyncContextManager[AsyncIterator[Row]]
    ):
        """Lend the rows, of which ``batch`` are fetched at a time.

        They live as long as the block. In autocommit, outside of a transaction, the
        block is one: what is written in it is committed at its end. An observer is told
        when the block ends, unless by an error of the caller's own; the seconds are
        those of the block.
        """
        if isinstance(connection, AsyncConnection):
            return self._stream_async(connection, values, batch)
        return self._stream(connection, values, batch)

    @contextmanager
    def _stream(
        self, connection: Connection[Any], values: Values, batch: int
    ) -> Iterator[Iterator[Row]]:
        bound = self._bind(connection, values)
        call = Observed(self._name)
        with ExitStack() as stack:
            with call:
                if _needs_transaction(connection):
                    stack.enter_context(connection.transaction())
                cursor = stack.enter_context(
                    BoundServerCursor(
                        connection, _cursor_name(), row_factory=self._factory
                    )
                )
                cursor.itersize = batch
                cursor.execute(self._sql, bound, binary=self._binary)
            yield self._each(cursor, call)
            rows = cursor.rownumber or 0
            with call:
                stack.close()
            call.done(rows)

    @asynccontextmanager
    async def _stream_async(
        self, connection: AsyncConnection[Any], values: Values, batch: int
    ) -> AsyncIterator[AsyncIterator[Row]]:
        bound = self._bind(connection, values)
        call = Observed(self._name)
        async with AsyncExitStack() as stack:
            with call:
                if _needs_transaction(connection):
                    await stack.enter_async_context(connection.transaction())
                cursor = await stack.enter_async_context(
                    AsyncBoundServerCursor(
                        connection, _cursor_name(), row_factory=self._factory
                    )
                )
                cursor.itersize = batch
                await cursor.execute(self._sql, bound, binary=self._binary)
            yield self._each_async(cursor, call)
            rows = cursor.rownumber or 0
            with call:
                await stack.aclose()
            call.done(rows)

    def _each(self, cursor: Iterable[Row], call: Observed) -> Iterator[Row]:
        with call:
            yield from cursor

    async def _each_async(
        self, cursor: AsyncIterator[Row], call: Observed
    ) -> AsyncIterator[Row]:
        with call:
            async for row in cursor:
                yield row

    def _bind(self, connection: AnyConnection, values: Values) -> Bound:
        binder = self._binders.get(connection)
        if binder is None:
            if isinstance(connection, Probe):
                raise Caught(self, values)
            binder = Binder(self._name, self._parameters, connection.adapters)
            self._binders[connection] = binder
        return binder.bind(values)

    def _single(self, rows: list[Row]) -> Row | None:
        if len(rows) > 1:
            raise WrongRowCount(
                f"query {self._name} returned {len(rows)} rows where one is the most",
                query=self._name,
                hint="Narrow its WHERE, or drop the operator behind its name.",
            )
        return rows[0] if rows else None

    def _only(self, rows: list[Row]) -> Row:
        if len(rows) != 1:
            raise WrongRowCount(
                f"query {self._name} returned {len(rows)} rows instead of one",
                query=self._name,
                hint="Generate the functions again: it could promise one row then.",
            )
        return rows[0]


class Probe:
    """What a generated function is given in place of a connection, to be asked."""


@dataclass(frozen=True, slots=True)
class Call:
    """The statement that a generated function runs, and the values it sends."""

    statement: Statement[Any]
    values: Values


def call_of(function: Callable[..., Any], *values: Any, **parameters: Any) -> Call:
    """Return what a generated function would run, without running it.

    Raises TypeError for a function that is none, or that is called wrongly.
    """
    try:
        function(Probe(), *values, **parameters)
    except Caught as caught:
        return Call(caught.statement, caught.values)
    raise TypeError(f"{function!r} is not a function of a query")


class Caught(Exception):
    """The statement that a function would have run, and the values."""

    def __init__(self, statement: Statement[Any], values: Values) -> None:
        super().__init__(statement, values)
        self.statement = statement
        self.values = values


def _cursor_name() -> str:
    return f"drystone_{next(_cursor_numbers)}"


def _needs_transaction(connection: AnyConnection) -> bool:
    """Tell whether a cursor would find no transaction to live in."""
    status = connection.info.transaction_status
    return connection.autocommit and status == TransactionStatus.IDLE
