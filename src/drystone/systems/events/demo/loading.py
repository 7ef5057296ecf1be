"""Load the generated data, by COPY, with every trigger and index at work."""

from __future__ import annotations

from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from psycopg import Connection

from drystone.database.copy import copy_rows
from drystone.database.sqlstates import translated
from drystone.systems.events.demo.generation import generate
from drystone.systems.events.demo.rows import DemoData

# It is loaded in one transaction: where some is left, the rest was changed on purpose.
_IS_LOADED = "SELECT EXISTS (SELECT FROM events.events WHERE id = ANY (%s))"

_TOPICS = "SELECT pg_catalog.lower(name), id FROM events.topics"


def load(connection: Connection[Any]) -> int:
    """Load the demo data and return the number of rows; 0 if it is there already."""
    data = generate()
    with translated(), connection.transaction():
        ids = [event.id for event in data.events]
        if connection.execute(_IS_LOADED, [ids]).fetchone() == (True,):
            return 0
        data = _with_topics_of(connection, data)
        return sum(_copy(connection, data, table.name) for table in fields(DemoData))


def _with_topics_of(connection: Connection[Any], data: DemoData) -> DemoData:
    """Return the data with links to those topics that the database has by name."""
    there = dict(connection.execute(_TOPICS).fetchall())
    ids = {topic.id: there.get(topic.name.lower(), topic.id) for topic in data.topics}
    return replace(
        data,
        topics=[topic for topic in data.topics if ids[topic.id] == topic.id],
        event_topics=[
            replace(link, topic_id=ids[link.topic_id]) for link in data.event_topics
        ],
    )


def _copy(connection: Connection[Any], data: DemoData, table: str) -> int:
    rows: list[Any] = getattr(data, table)
    if not rows:
        return 0
    columns = [field.name for field in fields(rows[0])]
    values = map(attrgetter(*columns), rows)
    count = copy_rows(connection, ".".join(["events", table]), columns, values)
    connection.execute(".".join(["ANALYZE events", table]).encode())
    return count
