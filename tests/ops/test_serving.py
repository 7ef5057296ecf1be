from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from starlette.applications import Starlette

from drystone.database.session import connect
from drystone.errors import SettingsError
from drystone.migrations.files import Migration
from drystone.ops.serving import serve
from drystone.settings import Settings
from tests.clusters import free_port, opened_cluster
from tests.ops.conftest import Serving


def test_a_migrated_database_is_ready(serving: Serving, database_url: str) -> None:
    service = serving(database_url)
    assert service.get("/health/live") == (200, {"status": "ok"})
    code, document = service.get("/health/ready")
    assert (code, document["status"]) == (200, "ok")
    verdicts = {check["name"]: check["verdict"] for check in document["checks"]}
    assert verdicts == {
        "database": "ok",
        "extension age": "ok",
        "extension vector": "ok",
        "migrations": "ok",
        "redis": "not configured",
    }
    assert service.get("/health/database")[0] == 200
    assert service.get("/health/redis")[0] == 200
    _, status = service.get("/status")
    assert status["ready"] is True
    assert status["server"]["is_replica"] is False
    assert status["extensions"]["age"]
    assert status["pool"]["name"] == "monitor"


def test_a_pending_migration_makes_it_unready_and_is_named(
    serving: Serving, empty_url: str
) -> None:
    """Any project's folders, on a database without the schema core."""
    service = serving(empty_url)
    code, document = service.get("/health/ready")
    assert (code, document["status"]) == (503, "unavailable")
    check = service.check("migrations")
    assert check["reason"].startswith("core-0001-create-schema and ")
    assert check["next"] == "drystone migrate"
    code, document = service.get("/migrations")
    assert code == 200
    assert document["migrations"][0]["state"] == "pending"
    assert service.metrics()["drystone_migrations_pending", ()] > 60
    assert service.get("/health/database")[0] == 200


def test_an_edited_migration_makes_it_unready(
    serving: Serving, own: Connection[Any], database_url: str
) -> None:
    own.execute(
        "UPDATE public._drystone_source SET checksum = 'x', up_sql = 'SELECT 1'"
        " WHERE system = 'core' AND up_sql LIKE '%CREATE SCHEMA core%'"
    )
    service = serving(database_url)
    assert service.get("/health/ready")[0] == 503
    assert "edited or renamed" in service.check("migrations")["reason"]


def test_newer_migrations_than_the_code_knows_do_not_stop_it(
    serving: Serving, database_url: str, migrations: list[Migration]
) -> None:
    """In a deployment the old services go on, on what the new ones have migrated."""
    service = serving(database_url, migrations[:-1])
    assert service.get("/health/ready")[0] == 200
    assert service.check("migrations")["verdict"] == "warning"


@pytest.mark.parametrize("extension", ["age", "vector"])
def test_a_library_that_is_not_of_its_catalog_makes_it_unready(
    serving: Serving, own: Connection[Any], database_url: str, extension: str
) -> None:
    own.execute(
        "UPDATE pg_catalog.pg_extension SET extversion = '0.0.1' WHERE extname = %s",
        [extension],
    )
    service = serving(database_url)
    assert service.get("/health/ready")[0] == 503
    check = service.check(f"extension {extension}")
    assert check["reason"].startswith("the catalog has 0.0.1, the server's files are")
    assert f"ALTER EXTENSION {extension} UPDATE" in check["next"]
    found = service.metrics()
    assert found["drystone_extension_skew", (("extension", extension),)] == 1
    assert found["drystone_extension_skew", (("extension", "plpgsql"),)] == 0


def test_redis_that_is_away_is_told_and_stops_nobody(
    serving: Serving, database_url: str
) -> None:
    service = serving(database_url, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    assert service.get("/health/ready")[0] == 200
    assert service.get("/health/redis")[0] == 503
    assert service.metrics()["drystone_redis_up", ()] == 0


def test_a_service_starts_without_its_database_and_finds_it_again(
    serving: Serving,
) -> None:
    with opened_cluster() as cluster:
        cluster.stop("immediate")
        service = serving(cluster.url(), [])
        code, document = service.get("/health/ready")
        assert code == 503
        assert "refused" in document["checks"][0]["reason"]
        assert service.get("/migrations")[0] == 503
        assert service.get("/status")[1]["server"] is None
        assert service.metrics()["drystone_database_up", ()] == 0
        cluster.start()
        _wait_until_ready(service)


def _wait_until_ready(service: Any) -> None:
    until = time.monotonic() + 5
    while service.get("/health/ready")[0] != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_request_has_an_id_its_own_or_a_new_one(
    serving: Serving, database_url: str
) -> None:
    service = serving(database_url)
    given = service.ask("/health/live", **{"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    forged = service.ask("/health/live", **{"X-Request-ID": 'a" b'})
    assert len(forged.headers["x-request-id"]) == 32


def test_questions_to_a_slow_database_do_not_pile_up(
    serving: Serving, own: Connection[Any], database_url: str
) -> None:
    service = serving(database_url)
    with own.transaction():
        own.execute("LOCK TABLE public._yoyo_migration")
        threads = [
            threading.Thread(target=service.get, args=["/health/ready"])
            for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        row = own.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        ).fetchone()
        assert row == (1,)
    for thread in threads:
        thread.join()


# --- The process ------------------------------------------------------------------


@contextmanager
def process(
    url: str, folder: Path
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """``drystone serve`` as a process of its own, and a client of it."""
    (folder / "migrations").mkdir()
    serve = subprocess.Popen(
        [
            Path(sys.executable).with_name("drystone"),
            *("--database-url", url, "--migrations", "migrations"),
            *("serve", "--port", "0"),
        ],
        cwd=folder,
        env={**os.environ, "DRYSTONE_RECALL_INTERVAL": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert serve.stderr is not None
        started = json.loads(serve.stderr.readline())
        with httpx.Client(
            base_url=f"http://127.0.0.1:{started['port']}", timeout=10
        ) as client:
            yield serve, client
    finally:
        serve.kill()
        serve.communicate()


def test_sigterm_lets_requests_finish_refuses_new_ones_and_exits_with_0(
    own: Connection[Any], database_url: str, tmp_path: Path
) -> None:
    """Row 30 of the matrix of faults."""
    with process(database_url, tmp_path) as (served, client):
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 200
        time.sleep(1.1)  # or the answer of a moment ago would do
        answers: list[httpx.Response] = []
        with own.transaction():
            own.execute("LOCK TABLE public._yoyo_migration")
            asking = threading.Thread(
                target=lambda: answers.append(client.get("/health/ready"))
            )
            asking.start()
            _wait_for_lock(own)
            served.send_signal(signal.SIGTERM)
            _wait_until_refused(str(client.base_url))
        asking.join(timeout=10)
        assert [answer.status_code for answer in answers] == [200]
        assert served.wait(timeout=10) == 0
        sessions = own.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        ).fetchall()
        assert sessions == []


def _wait_for_lock(connection: Connection[Any]) -> None:
    until = time.monotonic() + 5
    while not connection.execute(
        "SELECT FROM pg_locks WHERE NOT granted AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchall():
        assert time.monotonic() < until
        time.sleep(0.01)


def _wait_until_refused(url: str) -> None:
    until = time.monotonic() + 5
    while True:
        try:
            httpx.get(f"{url}/health/live", timeout=1)
        except httpx.ConnectError:
            return
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_port_in_use_is_told_without_a_traceback() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SettingsError, match=r"nobody can listen on 127\.0\.0\.1"),
    ):
        serve(Starlette(), *taken.getsockname(), grace=1, started=print)


def test_a_role_without_privileges_misses_metrics_and_nothing_else(
    serving: Serving, own: Connection[Any], database_url: str
) -> None:
    role = f"watcher_{os.getpid()}"
    own.execute(f"CREATE ROLE {role} LOGIN".encode())
    try:
        service = serving(make_conninfo(database_url, user=role))
        assert service.get("/health/database")[0] == 200
        assert service.get("/health/ready")[0] == 503
        assert "permission denied" in service.check("migrations")["reason"]
        found = service.metrics()
        assert found["drystone_database_up", ()] == 1
        assert ("drystone_outbox_jobs", ()) not in found
        assert any(name == "drystone_connections" for name, _ in found)
        service.monitor.close()
    finally:
        own.execute(f"DROP ROLE {role}".encode())


@pytest.mark.long
def test_a_replica_and_its_primary_tell_how_far_it_is_behind(
    serving: Serving,
) -> None:
    with opened_cluster() as primary:
        standby = primary.follow("standby")
        try:
            with connect(primary.url(), Settings()) as connection:
                connection.execute("CREATE TABLE public.filled (id integer)")
            _wait_for_table(standby.url())
            from_primary = serving(primary.url(), []).metrics()
            lag = "drystone_replication_lag_bytes"
            assert [k for k in from_primary if k[0] == lag]
            service = serving(standby.url(), [])
            own = (("replica", "self"),)
            assert service.metrics()[lag, own] == 0
            assert service.metrics()["drystone_replication_lag_seconds", own] == 0
            primary.stop("immediate")
            time.sleep(2)
            seconds = service.metrics()["drystone_replication_lag_seconds", own]
            assert seconds > 1
        finally:
            standby.stop("immediate")


def _wait_for_table(url: str) -> None:
    until = time.monotonic() + 10
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT to_regclass('public.filled')").fetchone() == (
            None,
        ):
            assert time.monotonic() < until
            time.sleep(0.05)
