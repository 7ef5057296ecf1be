"""What a type checker must refuse: each line marked so, and no other."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection, Connection

from drystone.systems.core import jobs
from drystone.systems.events import browse, ingest, search


def misuse(connection: Connection[Any]) -> None:
    """Wrong names, wrong types, and NULLs that nobody looked for."""
    search.search_text(connection, query="vectors")  # refused
    search.search_text(connection)  # refused
    search.search_text(connection, q=3)  # refused
    search.search_text(connection, q=None)  # refused
    search.search_text(connection, q="a", limit_rows="3")  # refused
    search.search_text("connection", q="a")  # refused
    hits = search.search_text(connection, q="a")
    str(hits[0].title)  # refused
    str(hits[0].location.upper())  # refused
    str(hits[0].date.year)  # refused
    str(browse.get_event(connection, event_id=hits[0].id).name)  # refused
    browse.get_event(connection, event_id=str(hits[0].id))  # refused
    ingest.find_or_create_topic(connection, name="a", category="technical")  # refused
    search.nearest_events(connection, embedding="[1]", limit_rows=3)  # refused
    number: str = jobs.cancel_job(connection, id=1)  # refused
    str(number)


async def forget(connection: AsyncConnection[Any]) -> None:
    """An awaitable is no list."""
    str(search.search_text(connection, q="a")[0])  # refused
    rows: list[int] = await search.search_text(connection, q="a")  # refused
    str(rows)
