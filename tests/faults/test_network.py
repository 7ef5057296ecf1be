"""Connections that are cut, or go deaf, on the way."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg.generators import fetch

from drystone.database.pool import open_async_pool, open_pool
from drystone.database.session import connect, connect_async
from drystone.database.sqlstates import translated
from drystone.errors import ConnectionLost, DatabaseUnavailable, PoolTimeout
from drystone.settings import Settings
from tests.clusters import Cluster
from tests.proxy import Proxy

IMPATIENT = Settings(connect_timeout=1, answer_timeout=0.3, pool_timeout=0.5)


def test_a_proxy_passes_on_cuts_and_goes_deaf(proxy: Proxy) -> None:
    with connect(proxy.url, Settings()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert proxy.links == 1
        proxy.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    proxy.stop()
    with pytest.raises(DatabaseUnavailable, match="refused"):
        connect(proxy.url, Settings())
    proxy.start()
    connect(proxy.url, Settings()).close()


def test_a_connection_that_is_cut_is_a_typed_error(proxy: Proxy) -> None:
    with connect(proxy.url, Settings()) as connection:
        proxy.cut()
        with pytest.raises(ConnectionLost), translated():
            connection.execute("SELECT 1")


def test_a_peer_that_says_nothing_is_given_up(proxy: Proxy) -> None:
    with connect(proxy.url, IMPATIENT) as connection:
        proxy.go_deaf()
        began = time.monotonic()
        with (
            pytest.raises(ConnectionLost, match=r"not answered for 0\.3 s"),
            translated(),
        ):
            connection.execute("SELECT 1")
        assert 0.3 <= time.monotonic() - began < 2
        assert connection.closed


async def test_an_asynchronous_connection_gives_up_too(proxy: Proxy) -> None:
    async with await connect_async(proxy.url, IMPATIENT) as connection:
        proxy.go_deaf()
        with pytest.raises(ConnectionLost, match="not answered"), translated():
            await connection.execute("SELECT 1")
        assert connection.closed


def test_listening_is_no_question_and_a_long_statement_is_answered(
    proxy: Proxy,
) -> None:
    with connect(proxy.url, IMPATIENT) as connection:
        connection.execute("LISTEN news")
        assert list(connection.notifies(timeout=0.4)) == []
        with connection.answering_within(2):
            connection.execute("SELECT pg_sleep(0.4)")
    unlimited = IMPATIENT.model_copy(update={"statement_timeout": 0.0})
    with connect(proxy.url, unlimited) as connection:
        connection.execute("SELECT pg_sleep(0.4)")


@pytest.mark.long
def test_a_server_that_accepts_and_never_answers_is_given_up(proxy: Proxy) -> None:
    proxy.go_deaf()
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        connect(proxy.url, IMPATIENT)
    assert time.monotonic() - began < 3


def test_a_pool_recovers_from_connections_that_went_deaf(proxy: Proxy) -> None:
    patient = IMPATIENT.model_copy(update={"pool_timeout": 10.0, "pool_min_size": 4})
    with open_pool(proxy.url, patient) as pool:
        proxy.go_deaf()
        with pytest.raises(PoolTimeout), pool.connection(timeout=0.5):
            raise AssertionError("a deaf connection was lent")
        proxy.hear()
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_that_is_given_back_deaf_holds_nobody_up(proxy: Proxy) -> None:
    with open_pool(proxy.url, Settings(connect_timeout=1)) as pool:
        connection = pool.getconn()
        proxy.go_deaf()
        pool.putconn(connection)
        deadline = time.monotonic() + 10
        while not connection.closed:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        proxy.hear()
        with pool.connection() as another:
            assert another.execute("SELECT 1").fetchone() == (1,)


async def test_an_asynchronous_pool_recovers_as_well(proxy: Proxy) -> None:
    patient = IMPATIENT.model_copy(update={"pool_timeout": 10.0})
    async with open_async_pool(proxy.url, patient) as pool:
        proxy.cut()
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")


@contextmanager
def black_hole(port: int) -> Iterator[None]:
    """Drop every packet from and to a port; needs the right to."""
    rules = [
        ["INPUT", "-p", "tcp", side, str(port), "-j", "DROP"]
        for side in ("--dport", "--sport")
    ]
    iptables = shutil.which("iptables")
    if iptables is None:
        pytest.skip("iptables is not there")
    for rule in rules:
        done = subprocess.run([iptables, "-w", "-I", *rule], capture_output=True)
        if done.returncode:
            pytest.skip("packets cannot be dropped here")
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run([iptables, "-w", "-D", *rule], check=True)


@pytest.mark.long
@pytest.mark.parametrize("arrived", [False, True], ids=["asked", "waiting"])
def test_a_network_that_swallows_everything_is_noticed(
    cluster: Cluster, arrived: bool
) -> None:
    """By TCP's user timeout for what is sent, by its keepalives for what is awaited."""
    ask: Callable[[], Any]
    settings = Settings(keepalive_idle=3, tcp_user_timeout=4.0, answer_timeout=0)
    with connect(cluster.url(), settings) as connection:
        if arrived:
            connection.pgconn.send_query(b"SELECT pg_sleep(1)")
            connection.pgconn.flush()
            time.sleep(0.3)
            ask = partial(connection.wait, fetch(connection.pgconn))
        else:
            ask = partial(connection.execute, "SELECT 1")
        began = time.monotonic()
        with black_hole(cluster.port), pytest.raises(ConnectionLost), translated():
            ask()
        assert 3 < time.monotonic() - began < 15
        assert connection.closed
