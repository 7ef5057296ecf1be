from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.agtype import Agtype
from drystone.database.session import connect_async
from drystone.errors import BadInput, QueryError, UniqueViolation, WrongRowCount
from drystone.queries import load_queries
from drystone.settings import Settings

NOTES = """
-- name: create_table#
-- Make the table that the others use.
CREATE TABLE public.notes (id integer PRIMARY KEY, body text NOT NULL);
CREATE INDEX notes_body_idx ON public.notes (body);

-- name: add(id, body)<!
-- The new note.
INSERT INTO public.notes (id, body) VALUES (:id, :body) RETURNING id, body;

-- name: add_id(id)<!
INSERT INTO public.notes (id, body) VALUES (:id, 'none') RETURNING id;

-- name: add_many(id, body)*!
INSERT INTO public.notes (id, body) VALUES (:id, :body);

-- name: rename(body)!
UPDATE public.notes SET body = :body;

-- name: all_notes()
-- Every note.
SELECT id, body FROM public.notes ORDER BY id;

-- name: note(id)^
SELECT id, body FROM public.notes WHERE id >= :id;

-- name: body(id)$
SELECT body FROM public.notes WHERE id >= :id;

-- name: from_object(note)<!
INSERT INTO public.notes (id, body) VALUES (:note.id, :note.body) RETURNING id;

-- name: activity()$
SELECT query FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid();

-- name: unnamed()
SELECT 1 + 1;

-- name: twice()
SELECT 1 AS a, 2 AS a;

-- name: answer(params)$
SELECT value
FROM ag_catalog.cypher('event_network', $$
    UNWIND $list AS x
    WITH x WHERE x > 1
    RETURN x
$$, :params) AS (value ag_catalog.agtype);
"""


@dataclass
class Note:
    id: int
    body: str


@pytest.fixture
def notes(tmp_path: Path, connection: Connection[Any]) -> Any:
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "notes.sql").write_text(NOTES)
    (tmp_path / "blog" / "seed" / "dev").mkdir(parents=True)
    (tmp_path / "blog" / "seed" / "dev" / "a.sql").write_text("SELECT 'no query';")
    loaded = load_queries([tmp_path]).blog.notes
    loaded.create_table(connection)
    return loaded


def test_each_operator_gives_its_kind_of_result(
    notes: Any, connection: Connection[Any]
) -> None:
    added = notes.add(connection, id=1, body="one")
    assert (added.id, added.body) == (1, "one")
    assert notes.add_id(connection, id=2) == 2
    assert notes.add_many(connection, [{"id": 3, "body": "c"}, {"id": 4, "body": "d"}])
    assert [row.body for row in notes.all_notes(connection)] == [
        "one",
        "none",
        "c",
        "d",
    ]
    assert notes.rename(connection, body="same") == 4
    assert notes.note(connection, id=4).body == "same"
    assert notes.note(connection, id=5) is None
    assert notes.body(connection, id=4) == "same"
    assert notes.body(connection, id=5) is None


def test_more_rows_than_promised_are_an_error(
    notes: Any, connection: Connection[Any]
) -> None:
    notes.add(connection, id=1, body="a")
    notes.add(connection, id=2, body="b")
    for query in (notes.note, notes.body):
        with pytest.raises(WrongRowCount, match="returned 2 rows"):
            query(connection, id=0)


async def test_the_same_function_serves_an_asynchronous_connection(
    notes: Any, own: Connection[Any], database_url: str, settings: Settings
) -> None:
    async with await connect_async(database_url, settings) as connection:
        notes.create_table(own)
        added = await notes.add(connection, id=1, body="one")
        assert added.body == "one"
        many = [{"id": 2, "body": "b"}, {"id": 3, "body": "c"}]
        assert await notes.add_many(connection, many) == 2
        assert await notes.add_id(connection, id=4) == 4
        assert len(await notes.all_notes(connection)) == 4
        assert await notes.rename(connection, body="x") == 4
        assert (await notes.note(connection, id=4)).body == "x"
        assert await notes.body(connection, id=9) is None
        with pytest.raises(WrongRowCount):
            await notes.note(connection, id=0)
        with pytest.raises(UniqueViolation):
            await notes.add(connection, id=1, body="again")
        async with notes.all_notes_cursor(connection) as cursor:
            assert (await cursor.fetchone()).id == 1


def test_a_cursor_streams_rows(notes: Any, connection: Connection[Any]) -> None:
    notes.add_many(connection, [{"id": n, "body": "x"} for n in range(5)])
    with notes.all_notes_cursor(connection) as cursor:
        assert [row.id for row in cursor] == [0, 1, 2, 3, 4]


def test_a_parameters_attributes_are_read(
    notes: Any, connection: Connection[Any]
) -> None:
    assert notes.from_object(connection, note=Note(7, "seven")) == 7
    assert notes.body(connection, id=7) == "seven"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"id": 1}, "lacks body"),
        ({"id": 1, "body": "b", "colour": "red"}, "does not know colour"),
        ({"bdoy": "b", "id": 1}, "lacks body and does not know bdoy"),
    ],
)
def test_a_call_with_wrong_names_is_refused(
    notes: Any, connection: Connection[Any], given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadInput, match=problem) as caught:
        notes.add(connection, **given)
    assert caught.value.hint == "It takes: id, body."
    assert notes.all_notes(connection) == []


def test_an_error_names_the_query_and_not_the_value(
    notes: Any, connection: Connection[Any]
) -> None:
    notes.add(connection, id=1, body="a")
    with pytest.raises(UniqueViolation) as caught:
        notes.add(connection, id=1, body="hunter2")
    assert caught.value.query == "blog.notes.add"
    assert caught.value.constraint == "notes_pkey"
    assert "hunter2" not in str(caught.value)


def test_the_server_sees_the_querys_name(
    notes: Any, connection: Connection[Any]
) -> None:
    assert notes.activity(connection).startswith("/* blog.notes.activity */ SELECT")


def test_columns_need_names_of_their_own(
    notes: Any, connection: Connection[Any]
) -> None:
    with pytest.raises(QueryError, match=r"blog\.notes\.unnamed"):
        notes.unnamed(connection)
    with pytest.raises(QueryError, match="two columns of the same name"):
        notes.twice(connection)


def test_cypher_takes_its_parameters(notes: Any, connection: Connection[Any]) -> None:
    assert notes.answer(connection, params=Agtype({"list": [1, 2]})) == 2


def test_documentation_and_place_stay_with_the_function(notes: Any) -> None:
    assert notes.all_notes.__doc__ == "Every note."
    assert notes.all_notes.__func__.__code__.co_filename.endswith("notes.sql")
    assert notes.all_notes.__func__.__code__.co_firstlineno == 20


def test_seed_scripts_are_not_queries(tmp_path: Path, notes: Any) -> None:
    loaded = load_queries([tmp_path])
    assert not hasattr(loaded.blog, "seed")
    assert "blog.notes.all_notes" in loaded.available_queries


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="no folder of queries"):
        load_queries([tmp_path / "none"])
