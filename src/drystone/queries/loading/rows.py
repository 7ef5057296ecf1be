"""Rows as objects: a slotted dataclass for each shape of result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import make_dataclass
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from psycopg import AsyncCursor, Cursor

from drystone.errors import QueryError


def row_factory(
    query: str,
) -> Callable[[Cursor[Any] | AsyncCursor[Any]], Callable[[Sequence[Any]], Any]]:
    """Return a psycopg row factory that builds a query's rows by position."""

    def factory(
        cursor: Cursor[Any] | AsyncCursor[Any],
    ) -> Callable[[Sequence[Any]], Any]:
        if cursor.description is None:
            return tuple
        row = row_class(query, tuple(column.name for column in cursor.description))
        return lambda values: row(*values)

    return factory


@lru_cache(maxsize=4096)
def row_class(query: str, columns: tuple[str, ...]) -> type[Any]:
    """Return the class of a query's rows.

    Raises QueryError for columns that have no usable or no distinct names.
    """
    for column in columns:
        if not column.isidentifier() or iskeyword(column):
            raise QueryError(
                f"a column of query {query} is called {column!r}",
                query=query,
                hint="Give it a name that Python can use: AS total",
            )
    if len(set(columns)) != len(columns):
        raise QueryError(
            f"query {query} returns two columns of the same name",
            query=query,
            hint="Rename one of them: AS …",
        )
    name = "".join(part.title() for part in query.rpartition(".")[2].split("_"))
    return make_dataclass(f"{name}Row", columns, slots=True)
