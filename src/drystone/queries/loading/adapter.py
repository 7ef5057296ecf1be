"""Running loaded queries on psycopg 3: aiosql's driver adapter.

One adapter serves both worlds: with a Connection a query returns its result, with an
AsyncConnection an awaitable of the same. The SQL goes to the server as it was parsed,
with numbered parameters, and begins with a comment that holds the query's name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any

from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor
from psycopg.rows import scalar_row

from drystone.database.sqlstates import translated
from drystone.errors import BadInput, WrongRowCount
from drystone.queries.loading.rows import row_factory
from drystone.queries.reading.lexer import Query

AnyConnection = Connection[Any] | AsyncConnection[Any]
AnyCursor = RawCursor[Any] | AsyncRawCursor[Any]


class Statement(str):
    """What is sent for a query, with what is needed to bind its parameters."""

    name: str
    parameters: tuple[str, ...]
    declared: tuple[str, ...]

    __slots__ = ("declared", "name", "parameters")

    @classmethod
    def of(cls, query: Query, name: str) -> Statement:
        """Build the statement of a query, under its full name."""
        statement = cls("".join(["/* ", name, " */ ", query.sql]))
        statement.name = name
        statement.parameters = query.parameters
        statement.declared = query.declared
        return statement

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """Order the values by number; raises BadInput for a wrong set of names."""
        if values.keys() != set(self.declared):
            missing = [name for name in self.declared if name not in values]
            surplus = [name for name in values if name not in self.declared]
            problems = [
                *([f"lacks {', '.join(missing)}"] if missing else []),
                *([f"does not know {', '.join(surplus)}"] if surplus else []),
            ]
            raise BadInput(
                f"the call of query {self.name} {' and '.join(problems)}",
                query=self.name,
                hint=f"It takes: {', '.join(self.declared) or 'no parameters'}.",
            )
        return [_value(values, parameter) for parameter in self.parameters]


class PsycopgAdapter:
    """aiosql's adapter protocol, for Connection and AsyncConnection alike."""

    is_aio_driver = False

    def select(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Mapping[str, Any],
        record_class: Any = None,
    ) -> Any:
        """Return all rows, as a list."""
        return _run(connection, sql, values, lambda rows, _: rows)

    def select_one(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Mapping[str, Any],
        record_class: Any = None,
    ) -> Any:
        """Return the row, or None; raises WrongRowCount for more than one."""
        return _run(connection, sql, values, lambda rows, _: _single(sql, rows))

    def select_value(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Mapping[str, Any],
    ) -> Any:
        """Return the first column of the row, or None if there is none."""
        return _run(
            connection, sql, values, lambda rows, _: _single(sql, rows), scalar=True
        )

    def insert_returning(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Mapping[str, Any],
    ) -> Any:
        """Return the row that was written; its value, if it has one column."""
        return _run(
            connection, sql, values, lambda rows, _: _unwrapped(_single(sql, rows))
        )

    def insert_update_delete(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Mapping[str, Any],
    ) -> Any:
        """Return the number of rows that were changed."""
        return _run(connection, sql, values, lambda _, count: count)

    def insert_update_delete_many(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Iterable[Mapping[str, Any]],
    ) -> Any:
        """Run the statement for each set of values; return the rows changed in all."""
        bound = [sql.bind(each) for each in values]
        if isinstance(connection, AsyncConnection):
            return _run_many_async(connection, sql, bound)
        with translated(query=sql.name), RawCursor(connection) as cursor:
            cursor.executemany(sql.encode(), bound)
            return cursor.rowcount

    def execute_script(self, connection: AnyConnection, sql: Statement) -> Any:
        """Run several statements and return the last one's status."""
        if isinstance(connection, AsyncConnection):
            return _run_script_async(connection, sql)
        with translated(query=sql.name):
            return connection.execute(sql.encode()).statusmessage

    def select_cursor(
        self,
        connection: AnyConnection,
        name: str,
        sql: Statement,
        values: Mapping[str, Any],
    ) -> AbstractContextManager[Any] | AbstractAsyncContextManager[Any]:
        """Lend a cursor on which the query has run."""
        if isinstance(connection, AsyncConnection):
            return _cursor_async(connection, sql, sql.bind(values))
        return _cursor(connection, sql, sql.bind(values))


def _run(
    connection: AnyConnection,
    sql: Statement,
    values: Mapping[str, Any],
    result: Callable[[list[Any], int], Any],
    *,
    scalar: bool = False,
) -> Any:
    """Execute and fetch; ``result`` is made of the rows and the row count."""
    bound = sql.bind(values)
    rows: Any = scalar_row if scalar else row_factory(sql.name)
    if isinstance(connection, AsyncConnection):
        return _run_async(connection, sql, bound, rows, result)
    with (
        translated(query=sql.name),
        RawCursor(connection, row_factory=rows) as cursor,
    ):
        cursor.execute(sql.encode(), bound)
        fetched = cursor.fetchall() if cursor.description else []
        return result(fetched, cursor.rowcount)


async def _run_async(
    connection: AsyncConnection[Any],
    sql: Statement,
    bound: list[Any],
    rows: Any,
    result: Callable[[list[Any], int], Any],
) -> Any:
    with translated(query=sql.name):
        async with AsyncRawCursor(connection, row_factory=rows) as cursor:
            await cursor.execute(sql.encode(), bound)
            fetched = await cursor.fetchall() if cursor.description else []
            return result(fetched, cursor.rowcount)


async def _run_many_async(
    connection: AsyncConnection[Any], sql: Statement, bound: list[list[Any]]
) -> int:
    with translated(query=sql.name):
        async with AsyncRawCursor(connection) as cursor:
            await cursor.executemany(sql.encode(), bound)
            return cursor.rowcount


async def _run_script_async(
    connection: AsyncConnection[Any], sql: Statement
) -> str | None:
    with translated(query=sql.name):
        return (await connection.execute(sql.encode())).statusmessage


@contextmanager
def _cursor(
    connection: Connection[Any], sql: Statement, bound: list[Any]
) -> Iterator[RawCursor[Any]]:
    with (
        translated(query=sql.name),
        RawCursor(connection, row_factory=row_factory(sql.name)) as cursor,
    ):
        yield cursor.execute(sql.encode(), bound)


@asynccontextmanager
async def _cursor_async(
    connection: AsyncConnection[Any], sql: Statement, bound: list[Any]
) -> AsyncIterator[AsyncRawCursor[Any]]:
    with translated(query=sql.name):
        async with AsyncRawCursor(
            connection, row_factory=row_factory(sql.name)
        ) as cursor:
            yield await cursor.execute(sql.encode(), bound)


def _single(sql: Statement, rows: list[Any]) -> Any:
    if len(rows) > 1:
        raise WrongRowCount(
            f"query {sql.name} returned {len(rows)} rows where one is the most",
            query=sql.name,
            hint="Narrow its WHERE, or drop the operator behind its name.",
        )
    return rows[0] if rows else None


def _unwrapped(row: Any) -> Any:
    """Return a row, or its value if it has one column."""
    columns: tuple[str, ...] = getattr(row, "__slots__", ())
    return getattr(row, columns[0]) if len(columns) == 1 else row


def _value(values: Mapping[str, Any], parameter: str) -> Any:
    name, _, attribute = parameter.partition(".")
    return getattr(values[name], attribute) if attribute else values[name]
