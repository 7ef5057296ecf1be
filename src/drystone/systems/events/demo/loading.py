"""Load the generated data, by COPY, with every trigger and index at work."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any

from psycopg import Connection

from drystone.database.copy import copy_rows
from drystone.database.sqlstates import translated
from drystone.systems.events.demo.generation import generate
from drystone.systems.events.demo.rows import DemoData

_IS_LOADED = "SELECT count(*) FROM events.events WHERE id = ANY (%s)"


def load(connection: Connection[Any]) -> int:
    """Load the demo data and return the number of rows; 0 if it is there already."""
    data = generate()
    with translated(), connection.transaction():
        ids = [event.id for event in data.events]
        if connection.execute(_IS_LOADED, [ids]).fetchone() == (len(ids),):
            return 0
        return sum(_copy(connection, data, table.name) for table in fields(DemoData))


def _copy(connection: Connection[Any], data: DemoData, table: str) -> int:
    rows: list[Any] = getattr(data, table)
    columns = [field.name for field in fields(rows[0])]
    values = map(attrgetter(*columns), rows)
    count = copy_rows(connection, ".".join(["events", table]), columns, values)
    connection.execute(".".join(["ANALYZE events", table]).encode())
    return count
