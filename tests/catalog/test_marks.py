from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString

import pytest
from psycopg import Connection

from drystone.catalog import is_untouched, take_mark
from drystone.database.session import connect
from drystone.settings import Settings


@pytest.fixture
def empty(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session on a database with one table in it."""
    with connect(empty_url, settings) as opened:
        opened.execute("CREATE TABLE public.old (id integer)")
        yield opened


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("CREATE TABLE public.new (id integer PRIMARY KEY)", "DROP TABLE public.new"),
        ("CREATE INDEX new_idx ON public.old (id)", "DROP INDEX public.new_idx"),
        ("CREATE SCHEMA s", "DROP SCHEMA s"),
        ("CREATE TYPE public.e AS ENUM ('a')", "DROP TYPE public.e"),
        (
            "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql RETURN 1",
            "DROP FUNCTION public.f()",
        ),
        ("COMMENT ON TABLE public.old IS 'x'", "COMMENT ON TABLE public.old IS NULL"),
    ],
)
def test_what_was_made_and_taken_away_leaves_no_trace(
    empty: Connection[Any], there: LiteralString, back: LiteralString
) -> None:
    mark = take_mark(empty)
    empty.execute(there)
    assert not is_untouched(empty, mark)
    empty.execute(back)
    assert is_untouched(empty, mark)


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE public.old",
        "ALTER TABLE public.old ALTER id SET STATISTICS 7",
        "ALTER TABLE public.old ADD b integer",
        "ALTER TABLE public.old RENAME TO new",
        "GRANT SELECT ON public.old TO PUBLIC",
        "COMMENT ON COLUMN public.old.id IS 'x'",
        "CREATE RULE r AS ON DELETE TO public.old DO INSTEAD NOTHING",
        (
            "CREATE SUBSCRIPTION marked CONNECTION 'dbname=nowhere' PUBLICATION p"
            " WITH (connect = false)"
        ),
    ],
)
def test_a_change_is_seen(empty: Connection[Any], change: LiteralString) -> None:
    mark = take_mark(empty)
    empty.execute(change)
    touched = not is_untouched(empty, mark)
    if "SUBSCRIPTION" in change:  # a database with one cannot be dropped
        empty.execute("ALTER SUBSCRIPTION marked SET (slot_name = NONE)")
        empty.execute("DROP SUBSCRIPTION marked")
    assert touched


def test_rows_and_statistics_are_no_change(empty: Connection[Any]) -> None:
    mark = take_mark(empty)
    empty.execute("INSERT INTO public.old SELECT generate_series(1, 10000)")
    empty.execute("VACUUM ANALYZE public.old")
    assert is_untouched(empty, mark)
