from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from pgvector import Vector
from psycopg import Connection

from drystone.database.copy import copy_rows, copy_rows_async
from drystone.database.session import connect_async
from drystone.errors import BadInput, CheckViolation, InvalidValue
from drystone.settings import Settings

COLUMNS = ("id", "name", "date", "extracted_data", "embedding", "data_quality_score")
SPIKE = np.eye(1, 1536, dtype=np.float32)[0]


def row(number: int, **changes: Any) -> tuple[Any, ...]:
    values = {
        "id": UUID(int=number),
        "name": f"Event {number}",
        "date": date(2026, 1, 1),
        "extracted_data": {"source": "luma"},
        "embedding": SPIKE,
        "data_quality_score": 50,
    }
    return tuple({**values, **changes}.values())


def count(connection: Connection[Any]) -> int:
    found = connection.execute("SELECT count(*) FROM events.events").fetchone()
    assert found is not None
    return int(found[0])


def test_rows_arrive_with_the_tables_types(connection: Connection[Any]) -> None:
    loaded = copy_rows(connection, "events.events", COLUMNS, map(row, range(1, 501)))
    assert loaded == 500
    found = connection.execute(
        "SELECT name, date, extracted_data, embedding, data_quality_score"
        " FROM events.events WHERE id = %s",
        [UUID(int=7)],
    ).fetchone()
    assert found == ("Event 7", date(2026, 1, 1), {"source": "luma"}, Vector(SPIKE), 50)


def test_enums_and_nulls_are_copied(connection: Connection[Any]) -> None:
    rows = [(UUID(int=1), "Rust", "technology"), (UUID(int=2), "Misc", None)]
    copy_rows(connection, "events.topics", ("id", "name", "category"), rows)
    found = connection.execute("SELECT category::text FROM events.topics ORDER BY id")
    assert found.fetchall() == [("technology",), (None,)]


def test_a_refused_row_leaves_nothing_behind(own: Connection[Any]) -> None:
    rows = [row(1), row(2, data_quality_score=101)]
    with pytest.raises(CheckViolation) as caught:
        copy_rows(own, "events.events", COLUMNS, rows)
    assert caught.value.table == "events.events"
    assert count(own) == 0


def test_a_vector_of_the_wrong_length_is_bad_input(own: Connection[Any]) -> None:
    with pytest.raises(InvalidValue):
        copy_rows(own, "events.events", COLUMNS, [row(1, embedding=Vector([1.0]))])
    assert count(own) == 0


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        ("events.nothing", "id", "no table events.nothing"),
        ("events.events", "nothing", "no column nothing"),
    ],
)
def test_what_does_not_exist_is_named(
    connection: Connection[Any], table: str, column: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        copy_rows(connection, table, [column], [])


async def test_asynchronous_rows_arrive_too(
    own: Connection[Any], database_url: str, settings: Settings
) -> None:
    async def rows() -> Any:
        for number in range(1, 4):
            yield row(number)

    async with await connect_async(database_url, settings) as other:
        loaded = await copy_rows_async(other, "events.events", COLUMNS, rows())
        again = await copy_rows_async(other, "events.events", COLUMNS, [row(9)])
    assert (loaded, again, count(own)) == (3, 1, 4)
