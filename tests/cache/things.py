"""A table and its queries, as `drystone generate` would write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any, overload

from psycopg import AsyncConnection, Connection

from drystone.queries.runtime import Row, Statement

CREATE = """
TRUNCATE core.cache_lease, core.cache_invalidations;
DROP TABLE IF EXISTS public.things;
CREATE TABLE public.things (
    id integer PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    version integer NOT NULL DEFAULT 0,
    price numeric NOT NULL DEFAULT 1.10,
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO public.things (id, slug)
SELECT number, 'thing-' || number
FROM generate_series(1, 20) AS number
"""
CHANGE = (
    "UPDATE public.things SET version = version + 1 WHERE id = %s RETURNING version"
)


class ThingRow(Row):
    id: int
    slug: str
    version: int
    price: Decimal
    changed_at: dt.datetime


_SELECT = """
SELECT thing.id, thing.slug, thing.version, thing.price, thing.changed_at
FROM public.things AS thing
"""
GET_THING = Statement[ThingRow](
    "things.get_thing",
    _SELECT + "WHERE thing.slug = $1",
    parameters=(("slug", "text"),),
    row=ThingRow,
)
LIST_THINGS = Statement[ThingRow](
    "things.list_things",
    _SELECT + "ORDER BY thing.id LIMIT $1",
    parameters=(("limit_rows", "int8"),),
    row=ThingRow,
)
TOUCH_THING = Statement[int](
    "things.touch_thing",
    "UPDATE public.things SET version = version + 1 WHERE id = $1 RETURNING version",
    parameters=(("thing_id", "int4"),),
)


@overload
def get_thing(connection: Connection[Any], *, slug: str) -> ThingRow | None: ...
@overload
def get_thing(
    connection: AsyncConnection[Any], *, slug: str
) -> Awaitable[ThingRow | None]: ...
def get_thing(
    connection: Connection[Any] | AsyncConnection[Any], *, slug: str
) -> ThingRow | Awaitable[ThingRow | None] | None:
    return GET_THING.row(connection, (slug,))


@overload
def list_things(connection: Connection[Any], *, limit_rows: int) -> list[ThingRow]: ...
@overload
def list_things(
    connection: AsyncConnection[Any], *, limit_rows: int
) -> Awaitable[list[ThingRow]]: ...
def list_things(
    connection: Connection[Any] | AsyncConnection[Any], *, limit_rows: int
) -> list[ThingRow] | Awaitable[list[ThingRow]]:
    return LIST_THINGS.rows(connection, (limit_rows,))


@overload
def touch_thing(connection: Connection[Any], *, thing_id: int) -> int: ...
@overload
def touch_thing(
    connection: AsyncConnection[Any], *, thing_id: int
) -> Awaitable[int]: ...
def touch_thing(
    connection: Connection[Any] | AsyncConnection[Any], *, thing_id: int
) -> int | Awaitable[int]:
    return TOUCH_THING.one(connection, (thing_id,))
