"""Waiting for a database that is not there yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from drystone.database.waiting import wait_for_database
from drystone.errors import DatabaseUnavailable
from drystone.settings import Settings

SETTINGS = Settings(connect_timeout=1)


@pytest.fixture
def coming(empty_url: str) -> Iterator[str]:
    """The URL of a database that is created a moment later."""
    name = f"coming_{uuid4().hex}"

    def run(statement: str) -> None:
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    timer = threading.Timer(0.7, run, ["CREATE DATABASE {} STRATEGY wal_log"])
    timer.start()
    yield make_conninfo(empty_url, dbname=name)
    timer.join()
    run("DROP DATABASE {} WITH (FORCE)")


def test_a_database_that_comes_later_is_waited_for(coming: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        wait_for_database(coming, SETTINGS, seconds=0)
    wait_for_database(coming, SETTINGS, seconds=30)


def test_after_the_deadline_the_reason_is_told() -> None:
    nobody = "host=127.0.0.1 port=1 dbname=x"
    with pytest.raises(DatabaseUnavailable, match="refused"):
        wait_for_database(nobody, SETTINGS, seconds=0.6)
