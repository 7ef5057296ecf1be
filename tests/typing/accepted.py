"""What generated functions are for: every line here is right, and must type-check."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, assert_type
from uuid import UUID

from psycopg import AsyncConnection, Connection

from drystone.queries.runtime import stream
from drystone.systems.core import jobs
from drystone.systems.core.types import JobState
from drystone.systems.events import browse, ingest, search
from drystone.systems.events.types import TopicCategory


def read(connection: Connection[Any]) -> str:
    """Rows, a row that may be absent, and values that cannot be NULL."""
    hits = search.search_text(connection, q="vectors")
    assert_type(hits, list[search.SearchTextRow])
    event = browse.get_event(connection, event_id=hits[0].id)
    assert_type(event, browse.GetEventRow | None)
    if event is None:
        return "gone"
    assert_type(event.id, UUID)
    assert_type(event.date, dt.date | None)
    return event.name.upper()


async def read_later(connection: AsyncConnection[Any]) -> list[str]:
    """The same function awaits where the connection does."""
    hits = await search.search_text(connection, q="vectors", limit_rows=3)
    assert_type(hits, list[search.SearchTextRow])
    return [hit.headline for hit in hits]


def write(connection: Connection[Any]) -> JobState | None:
    """Enums, JSON and vectors go in as what they are."""
    ingest.find_or_create_topic(
        connection, name="Graphs", category=TopicCategory.TECHNOLOGY
    )
    search.nearest_events(connection, embedding=[0.25] * 384, limit_rows=3)
    number = jobs.enqueue_job(
        connection,
        queue="mail",
        name="welcome",
        payload={"to": ["ada", "grace"], "retry": True},
        priority=0,
    )
    assert_type(number, int | None)
    job = jobs.find_job(connection, id=number or 0)
    return job.state if job else None


def walk(connection: Connection[Any]) -> Iterator[UUID]:
    """A stream has the rows of its function."""
    with stream(browse.list_events, connection, date_from=dt.date(2026, 1, 1)) as rows:
        for row in rows:
            assert_type(row, browse.ListEventsRow)
            yield row.id
