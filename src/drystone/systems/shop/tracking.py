"""What visitors do, written down by the batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg.types.json import Jsonb
from pydantic import JsonValue

from drystone.database.copy import copy_rows, copy_rows_async
from drystone.errors import BadInput

_TABLE: Final = "shop.analytics"
_COLUMNS: Final = (
    *("event", "user_id", "session_id", "data", "page", "referrer", "user_agent"),
    *("ip", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """What a visitor did: ``product_view``, ``cart_add``, ``order_placed`` or other."""

    name: str
    user_id: UUID | None = None
    session_id: str | None = None
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    page: str | None = None
    referrer: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    at: dt.datetime | None = None


def track(connection: Connection[Any], events: Iterable[Event]) -> int:
    """Write events by COPY, all or none; return how many. Without ``at`` it is now."""
    return copy_rows(connection, _TABLE, _COLUMNS, map(_row, events))


async def track_async(connection: AsyncConnection[Any], events: Iterable[Event]) -> int:
    """Do for an asynchronous connection what :func:`track` does."""
    return await copy_rows_async(connection, _TABLE, _COLUMNS, map(_row, events))


def _row(event: Event) -> tuple[object, ...]:
    return (
        event.name,
        event.user_id,
        event.session_id,
        Jsonb(dict(event.data)),
        event.page,
        event.referrer,
        event.user_agent,
        None if event.ip is None else _address(event.ip),
        event.at or dt.datetime.now(dt.UTC),
    )


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise BadInput(
            "the ip of an event is not an address of the internet",
            hint="Give the visitor's own address, without a port, or none.",
        ) from None
