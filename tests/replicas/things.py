"""A table and its queries, as `drystone generate` would write them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, overload

from psycopg import AsyncConnection, Connection

from drystone.queries.runtime import Row, Statement

CREATE = """
CREATE TABLE public.things (
    id integer PRIMARY KEY,
    version integer NOT NULL DEFAULT 0
);
INSERT INTO public.things (id)
SELECT number
FROM generate_series(1, 20) AS number
"""


class Thing(Row):
    """A thing, by which server it was read, and whether nobody may write there."""

    version: int
    port: int
    read_only: bool


_SELECT = """
SELECT
    thing.version,
    current_setting('port')::integer,
    current_setting('transaction_read_only')::boolean
FROM public.things AS thing
WHERE thing.id = $1
"""

_GET_THING = Statement[Thing](
    "things.get_thing",
    _SELECT,
    parameters=(("thing_id", "int4"),),
    row=Thing,
    replica=True,
)
_GET_FRESH_THING = Statement[Thing](
    "things.get_fresh_thing",
    _SELECT,
    parameters=(("thing_id", "int4"),),
    row=Thing,
)
_TOUCH_THING = Statement[int](
    "things.touch_thing",
    "UPDATE public.things SET version = version + 1 WHERE id = $1 RETURNING version",
    parameters=(("thing_id", "int4"),),
)
_READ_SLOWLY = Statement[int](
    "things.read_slowly",
    """
    SELECT sum(thing.version)::integer
    FROM public.things AS thing
    CROSS JOIN LATERAL pg_sleep($1 + 0 * thing.id)
    """,
    parameters=(("seconds", "float8"),),
    replica=True,
)
_COUNT_LATER_THINGS = Statement[int](
    "things.count_later_things",
    "SELECT count(*)::integer FROM public.later_things",
    replica=True,
)
_TOUCH_BY_MISTAKE = Statement[int](
    "things.touch_by_mistake",
    "SELECT nextval('public.numbers')::integer",
    replica=True,
)


@overload
def get_thing(connection: Connection[Any], *, thing_id: int) -> Thing: ...
@overload
def get_thing(
    connection: AsyncConnection[Any], *, thing_id: int
) -> Awaitable[Thing]: ...
def get_thing(
    connection: Connection[Any] | AsyncConnection[Any], *, thing_id: int
) -> Thing | Awaitable[Thing]:
    return _GET_THING.one(connection, (thing_id,))


@overload
def get_fresh_thing(connection: Connection[Any], *, thing_id: int) -> Thing: ...
@overload
def get_fresh_thing(
    connection: AsyncConnection[Any], *, thing_id: int
) -> Awaitable[Thing]: ...
def get_fresh_thing(
    connection: Connection[Any] | AsyncConnection[Any], *, thing_id: int
) -> Thing | Awaitable[Thing]:
    return _GET_FRESH_THING.one(connection, (thing_id,))


@overload
def touch_thing(connection: Connection[Any], *, thing_id: int) -> int: ...
@overload
def touch_thing(
    connection: AsyncConnection[Any], *, thing_id: int
) -> Awaitable[int]: ...
def touch_thing(
    connection: Connection[Any] | AsyncConnection[Any], *, thing_id: int
) -> int | Awaitable[int]:
    return _TOUCH_THING.one(connection, (thing_id,))


def read_slowly(connection: Connection[Any], *, seconds: float) -> int:
    value: int = _READ_SLOWLY.one(connection, (seconds,))
    return value


def count_later_things(connection: Connection[Any]) -> int:
    value: int = _COUNT_LATER_THINGS.one(connection)
    return value


def touch_by_mistake(connection: Connection[Any]) -> int:
    value: int = _TOUCH_BY_MISTAKE.one(connection)
    return value
