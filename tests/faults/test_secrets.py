"""What goes wrong is told without passwords and without values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.copy import copy_rows
from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.database.transactions import in_transaction
from drystone.errors import DrystoneError
from drystone.settings import Settings, without_password
from tests.proxy import Proxy

PASSWORD = "hunter2-password"
VALUE = "hunter2-value"

Fault = Callable[[Connection[Any]], Any]

FAULTS: list[Fault] = [
    lambda c: c.execute("SELECT %s::uuid", [VALUE]),
    lambda c: c.execute("SELECT %s::public.vector", [VALUE]),
    lambda c: c.execute("SELECT %s FROM nowhere", [VALUE]),
    lambda c: c.execute("SELECT %s", [VALUE + "\0"]),
    lambda c: c.execute("SELECT %s", [VALUE + "\ud800"]),
    lambda c: c.execute("INSERT INTO ideas.users (email) VALUES (%s)", [VALUE]),
    lambda c: c.execute(
        "INSERT INTO events.topics (name) SELECT %s FROM generate_series(1, 2)", [VALUE]
    ),
    lambda c: copy_rows(c, "events.topics", ["name"], [[VALUE], [VALUE]]),
    lambda c: c.execute("SELECT pg_terminate_backend(pg_backend_pid()), %s", [VALUE]),
]


def told(error: BaseException) -> str:
    """Return what a terminal or a log would show of a Drystone error."""
    assert isinstance(error, DrystoneError)
    return f"{error} {error!r} {error.message} {error.hint} {error.excerpt}"


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that can be logged."""
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "psycopg"):
        yield caplog


def test_neither_errors_nor_logs_hold_a_value_or_the_password(
    database_url: str, logs: pytest.LogCaptureFixture
) -> None:
    with open_pool(f"{database_url} password={PASSWORD}", Settings()) as pool:
        for fault in FAULTS:
            with pytest.raises(DrystoneError) as caught, translated():
                in_transaction(pool, fault, attempts=2)
            assert PASSWORD not in told(caught.value)
            assert VALUE not in told(caught.value)
    assert logs.text.count("connection given by") >= len(FAULTS)
    assert PASSWORD not in logs.text
    assert VALUE not in logs.text


def test_a_login_that_fails_is_told_without_the_password(
    proxy: Proxy, logs: pytest.LogCaptureFixture
) -> None:
    url = f"{proxy.url} password={PASSWORD}"
    for broken in (url.replace("user=postgres", "user=nobody"), f"{url} dbname=x"):
        with pytest.raises(DrystoneError) as caught:
            connect(broken, Settings())
        assert PASSWORD not in told(caught.value)
    assert logs.text
    assert PASSWORD not in logs.text
    assert PASSWORD not in without_password(url)
