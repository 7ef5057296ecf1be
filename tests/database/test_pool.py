from __future__ import annotations

from typing import Any

import pytest
from psycopg.errors import UndefinedColumn

from drystone.database.pool import open_async_pool, open_pool
from drystone.database.session import connect
from drystone.errors import DatabaseUnavailable, PoolTimeout
from drystone.settings import Settings


def test_a_pool_holds_at_most_what_is_configured(
    database_url: str, settings: Settings
) -> None:
    """001-06, 002-05, 002-20"""
    with open_pool(database_url, settings) as pool:
        assert (pool.min_size, pool.max_size) == (1, 20)


def test_an_exhausted_pool_says_so(database_url: str) -> None:
    """002-05, 002-23"""
    settings = Settings(pool_min_size=1, pool_max_size=1, pool_timeout=0.05)
    with (
        open_pool(database_url, settings) as pool,
        pool.connection(),
        pytest.raises(PoolTimeout, match="became free"),
        pool.connection(),
    ):
        raise AssertionError("a second connection was lent")


def test_a_connection_that_died_is_replaced_before_it_is_lent(
    database_url: str, settings: Settings
) -> None:
    """002-23"""
    with open_pool(database_url, settings) as pool:
        with pool.connection() as lent:
            first = lent.info.backend_pid
        with connect(database_url, settings) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        with pool.connection() as lent:
            assert lent.info.backend_pid != first
            assert lent.execute("SELECT 1").fetchone() == (1,)


def test_nobody_inherits_a_setting(database_url: str) -> None:
    with open_pool(database_url, Settings(pool_max_size=1)) as pool:
        with pool.connection() as lent:
            lent.execute("SET statement_timeout = '1h'")
            lent.execute("SET hnsw.ef_search = 7")
            lent.execute("SET ROLE pg_read_all_data")
            lent.execute("SELECT pg_advisory_lock(1)")
        with pool.connection() as lent:
            found = lent.execute(
                "SELECT current_setting('statement_timeout'),"
                " current_setting('hnsw.ef_search'), current_user,"
                " (SELECT count(*) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
            ).fetchone()
    assert found == ("30s", "100", "postgres", 0)


def test_a_block_is_one_transaction(database_url: str, settings: Settings) -> None:
    with open_pool(database_url, settings) as pool:
        with pytest.raises(UndefinedColumn), pool.connection() as lent:
            lent.execute("CREATE TABLE public.half (id integer); SELECT nothing")
        with pool.connection() as lent:
            found = lent.execute("SELECT to_regclass('public.half')").fetchone()
    assert found == (None,)


def test_a_pool_without_a_server_tells_why(settings: Settings) -> None:
    quick = settings.model_copy(update={"connect_timeout": 1})
    with (
        pytest.raises(DatabaseUnavailable, match="refused"),
        open_pool("host=127.0.0.1 port=1", quick),
    ):
        raise AssertionError("the pool opened")


async def test_an_asynchronous_pool_does_the_same(database_url: str) -> None:
    settings = Settings(pool_max_size=1, pool_timeout=0.05)
    async with open_async_pool(database_url, settings) as pool:
        async with pool.connection() as lent:
            await lent.execute("SET statement_timeout = '1h'")
            with pytest.raises(PoolTimeout):
                await pool.getconn()
        async with pool.connection() as lent:
            cursor: Any = await lent.execute("SHOW statement_timeout")
            assert await cursor.fetchone() == ("30s",)
