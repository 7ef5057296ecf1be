"""Binding values to a query's parameters, in the types it was described with.

psycopg chooses a parameter's type by its value: 5 is an int2, 3_000_000_000 an int8. A
query whose result depends on that would return another type than it was checked for, so
the types are fixed here. A value that does not fit is refused before anything is sent:
it never costs a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import (
    AsyncRawCursor,
    AsyncRawServerCursor,
    RawCursor,
    RawServerCursor,
)
from psycopg._queries import PostgresRawQuery
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq import Format

from drystone.errors import BadInput
from drystone.queries.runtime.dumpers import REFUSALS, type_dumper

# What the cursors below take as parameters: values, their types and their formats.
Bound = tuple[Sequence[Buffer | None], tuple[int, ...], Sequence[Format]]
NOTHING: Bound = ((), (), ())


class Binder:
    """Binds values to a query's parameters, for the connection with these adapters."""

    __slots__ = ("_dumpers", "_dumps", "_formats", "_parameters", "_query", "_types")

    def __init__(
        self,
        query: str,
        parameters: Sequence[tuple[str, str]],
        adapters: AdaptersMap,
    ) -> None:
        self._query = query
        self._parameters = parameters
        # Made of the adapters, so that it does not keep their connection alive.
        transformer = Transformer(adapters)
        self._dumpers = [type_dumper(transformer, name) for _, name in parameters]
        self._dumps = [dumper.dump for dumper in self._dumpers]
        self._types = tuple(dumper.oid for dumper in self._dumpers)
        self._formats = [dumper.format for dumper in self._dumpers]

    def bind(self, values: Sequence[Any]) -> Bound:
        """Return what is sent for the values; raises BadInput if one does not fit."""
        try:
            dumped = [
                None if value is None else dump(value)
                for dump, value in zip(self._dumps, values, strict=True)
            ]
        except REFUSALS as error:
            raise self._refusal(values) from error
        return dumped, self._types, self._formats

    def _refusal(self, values: Sequence[Any]) -> BadInput:
        for (name, sql_type), dumper, value in zip(
            self._parameters, self._dumpers, values, strict=False
        ):
            try:
                if value is not None:
                    dumper.dump(value)
            except REFUSALS:
                return BadInput(
                    f"parameter {name} of query {self._query} "
                    f"cannot be sent as {sql_type}",
                    query=self._query,
                    hint=f"It takes {dumper.takes}.",
                )
        return BadInput(
            f"query {self._query} takes {len(self._parameters)} values, "
            f"not {len(values)}",
            query=self._query,
        )


class _BoundQuery(PostgresRawQuery):
    """A query to psycopg's cursors, with values that were bound before."""

    __slots__ = ()

    def convert(self, query: Any, vars: Any) -> None:  # noqa: A002
        self.query = self._ensure_bytes(query)
        self.dump(vars)

    def dump(self, vars: Any) -> None:  # noqa: A002
        self.params, self.types, self.formats = vars


class BoundCursor(RawCursor[Any]):
    """A cursor that executes with bound values."""

    _query_cls = _BoundQuery

    def changed(self) -> int:
        """Return how many rows were changed, inside a pipeline too."""
        self._fetch_pipeline()
        return self.rowcount


class AsyncBoundCursor(AsyncRawCursor[Any]):
    """The same for an asynchronous connection."""

    _query_cls = _BoundQuery

    async def changed(self) -> int:
        """Return how many rows were changed, inside a pipeline too."""
        await self._fetch_pipeline()
        return self.rowcount


class BoundServerCursor(RawServerCursor[Any]):
    """A server-side cursor that executes with bound values."""

    _query_cls = _BoundQuery


class AsyncBoundServerCursor(AsyncRawServerCursor[Any]):
    """The same for an asynchronous connection."""

    _query_cls = _BoundQuery
