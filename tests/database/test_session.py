from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from pgvector import Vector
from psycopg import Connection, sql

from drystone.database.agtype import Agtype
from drystone.database.session import connect, connect_async
from drystone.database.sqlstates import translated
from drystone.errors import DatabaseError, DatabaseUnavailable, StatementTimeout
from drystone.settings import Settings

CYPHER = """
SELECT answer
FROM ag_catalog.cypher('event_network', $$ RETURN $value $$, %s)
    AS (answer ag_catalog.agtype)
"""


def shown(connection: Connection[Any], parameter: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [parameter]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_session_starts_with_its_limits(connection: Connection[Any]) -> None:
    """002-21"""
    assert shown(connection, "statement_timeout") == "30s"
    assert shown(connection, "idle_in_transaction_session_timeout") == "1min"
    assert shown(connection, "application_name") == "drystone"
    assert shown(connection, "hnsw.iterative_scan") == "strict_order"


def test_every_limit_can_be_configured(database_url: str) -> None:
    """002-21, 002-52"""
    settings = Settings(
        statement_timeout=1.5,
        idle_in_transaction_timeout=0,
        application_name="my service",
        session={"work_mem": "8MB", "timezone": "Europe/Berlin"},
    )
    with connect(database_url, settings) as connection:
        assert shown(connection, "statement_timeout") == "1500ms"
        assert shown(connection, "idle_in_transaction_session_timeout") == "0"
        assert shown(connection, "application_name") == "my service"
        assert shown(connection, "work_mem") == "8MB"
        assert shown(connection, "timezone") == "Europe/Berlin"


def test_options_in_the_url_win(database_url: str, settings: Settings) -> None:
    url = f"{database_url} options='-c statement_timeout=7s'"
    with connect(url, settings) as connection:
        assert shown(connection, "statement_timeout") == "7s"


def test_a_statement_over_the_limit_is_cancelled_with_a_typed_error(
    database_url: str,
) -> None:
    """002-21, 002-45"""
    with connect(database_url, Settings(statement_timeout=0.05)) as connection:
        connection.execute("CREATE TABLE public.slow AS SELECT 1 AS id")
        with pytest.raises(StatementTimeout) as caught, translated():
            connection.execute("SELECT pg_sleep(30)")
        assert caught.value.sqlstate == "57014"
        assert connection.execute("SELECT id FROM public.slow").fetchone() == (1,)


def test_an_unqualified_table_does_not_land_in_ages_catalog(
    connection: Connection[Any],
) -> None:
    connection.execute("CREATE TABLE unqualified (id integer)")
    place = connection.execute("SELECT 'unqualified'::regclass::oid::regclass::text")
    assert place.fetchone() == ("unqualified",)
    assert connection.execute(
        "SELECT to_regclass('public.unqualified') IS NOT NULL"
    ).fetchone() == (True,)


@pytest.mark.parametrize(
    "value",
    [
        1,
        -(2**63),
        1.5,
        "text",
        'quo"te\\',
        True,
        None,
        [1, "two", None],
        {"a": {"b": []}},
    ],
)
def test_graph_values_come_back_as_they_were_sent(
    connection: Connection[Any], value: Any
) -> None:
    cursor = connection.execute(CYPHER, [Agtype({"value": value})])
    assert cursor.fetchone() == (value,)


def test_a_graph_works_for_a_role_without_any_privilege_of_its_own(
    database_url: str, settings: Settings, own: Connection[Any]
) -> None:
    """001-01"""
    role = sql.Identifier("graph_reader")
    own.execute("DROP ROLE IF EXISTS graph_reader")
    own.execute("CREATE ROLE graph_reader LOGIN")
    for schema in ("ag_catalog", "event_network"):
        own.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
                sql.Identifier(schema), role
            )
        )
    own.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ag_catalog TO graph_reader")
    try:
        with connect(database_url, settings, user="graph_reader") as reader:
            answer = reader.execute(CYPHER, [Agtype({"value": 42})])
            assert answer.fetchone() == (42,)
    finally:
        own.execute("DROP OWNED BY graph_reader; DROP ROLE graph_reader")


def test_vectors_are_values(connection: Connection[Any]) -> None:
    row = connection.execute("SELECT %s::public.vector", [Vector([1, 2.5])]).fetchone()
    assert row is not None
    assert row[0].to_list() == [1, 2.5]


def test_a_database_without_extensions_is_fine(
    empty_url: str, settings: Settings
) -> None:
    with connect(empty_url, settings) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


async def test_an_asynchronous_session_is_prepared_alike(
    database_url: str, settings: Settings
) -> None:
    async with await connect_async(database_url, settings) as connection:
        cursor = await connection.execute(CYPHER, [Agtype({"value": [1]})])
        assert await cursor.fetchone() == ([1],)


def test_a_server_that_is_not_there_is_named(settings: Settings) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1") as caught:
        connect("host=127.0.0.1 port=1 password=hunter2", settings)
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_session_that_cannot_be_prepared_is_closed(
    own: Connection[Any], database_url: str, settings: Settings, asynchronous: bool
) -> None:
    async def opened() -> None:
        if asynchronous:
            await connect_async(database_url, settings)
        else:
            connect(database_url, settings)

    own.execute("ALTER FUNCTION ag_catalog.agtype_build_map() RENAME TO gone")
    # Its traceback keeps alive what it was raised on.
    with pytest.raises(DatabaseError, match="agtype_build_map") as caught:
        await opened()
    assert caught.tb is not None
    others = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 10
    while own.execute(others).fetchone() != (0,):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
