"""Streaming what a generated function selects, instead of fetching all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from psycopg import AsyncConnection, Connection

from drystone.queries.runtime.statement import call_of

Row = TypeVar("Row")
P = ParamSpec("P")


@overload
def stream(
    function: Callable[Concatenate[Connection[Any], P], list[Row]],
    connection: Connection[Any],
    *values: P.args,
    **parameters: P.kwargs,
) -> AbstractContextManager[Iterator[Row]]: ...
@overload
def stream(
    function: Callable[Concatenate[AsyncConnection[Any], P], Awaitable[list[Row]]],
    connection: AsyncConnection[Any],
    *values: P.args,
    **parameters: P.kwargs,
) -> AbstractAsyncContextManager[AsyncIterator[Row]]: ...
def stream(
    function: Callable[..., Any],
    connection: Connection[Any] | AsyncConnection[Any],
    *values: Any,
    **parameters: Any,
) -> Any:
    """Lend the rows of a query one after the other, for a block.

    They come from a server-side cursor, a thousand at a time, in a transaction.
    """
    call = call_of(function, *values, **parameters)
    return call.statement.stream(connection, call.values)
