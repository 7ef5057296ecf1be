"""Old code on a new schema, and new code on an old one, while both are in use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.pool import Pool, open_pool
from drystone.database.sqlstates import translated
from drystone.database.transactions import in_transaction
from drystone.errors import DatabaseError, PlanOutdated
from drystone.settings import Settings
from drystone.systems.ideas import users

PROJECT = Path(__file__).parents[2]
EVERYTHING = "SELECT * FROM ideas.users LIMIT 1"
EXPAND = "ALTER TABLE ideas.users ADD COLUMN nickname text"


@pytest.fixture
def used(own: Connection[Any], database_url: str) -> Any:
    """A pool of one connection, on which statements have been prepared."""
    with open_pool(database_url, Settings(pool_max_size=1)) as pool:
        with pool.connection() as connection:
            for _ in range(10):
                users.list_users(connection, limit_rows=1)
                connection.execute(EVERYTHING)
            prepared = connection.execute(
                "SELECT count(*) FROM pg_prepared_statements"
            ).fetchone()
            assert prepared is not None
            assert prepared[0] >= 2
        yield pool


def test_named_columns_do_not_notice_a_new_one(
    used: Pool, own: Connection[Any]
) -> None:
    own.execute(EXPAND)
    with used.connection() as connection:
        assert users.list_users(connection, limit_rows=1) == []


def test_a_star_costs_each_connection_another_run(
    used: Pool, own: Connection[Any]
) -> None:
    runs: list[int] = []

    def work(connection: Connection[Any]) -> None:
        runs.append(1)
        connection.execute(EVERYTHING)

    own.execute(EXPAND)
    in_transaction(used, work)
    assert runs == [1, 1]
    in_transaction(used, work)
    assert runs == [1, 1, 1]


def test_it_is_a_typed_error(used: Pool, own: Connection[Any]) -> None:
    own.execute(EXPAND)
    with (
        pytest.raises(PlanOutdated, match="cached plan") as caught,
        translated(),
        used.connection() as connection,
    ):
        connection.execute(EVERYTHING)
    assert caught.value.sqlstate == "0A000"


def test_no_query_that_ships_reads_a_star() -> None:
    for path in (PROJECT / "sql").glob("*/**/*.sql"):
        text = path.read_text(encoding="utf-8").upper()
        assert "SELECT *" not in text, path
        assert "RETURNING *" not in text, path


def test_a_query_on_a_schema_that_lacks_its_column_is_named(
    used: Pool, own: Connection[Any]
) -> None:
    own.execute("ALTER TABLE ideas.users RENAME COLUMN name TO former_name")
    with used.connection() as connection, pytest.raises(DatabaseError) as caught:
        users.list_users(connection, limit_rows=1)
    assert caught.value.sqlstate == "42703"
    assert caught.value.query == "ideas.users.list_users"
