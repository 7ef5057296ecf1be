"""The stack, run for real: migrated, queried, killed, restored."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from drystone.database.pool import Pool, open_pool
from drystone.database.session import connect
from drystone.errors import DatabaseError
from drystone.settings import Settings
from drystone.systems.core import outbox
from drystone.systems.events import browse, graph, search
from drystone.systems.events.embedding import embed
from tests.docker.stack import DOCKER, Stack, docker, has_image, stack_up, within
from tests.docker.test_files import METRICS, alerts, compose

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("docker")]

DEVELOPMENT = ("compose.yaml", "compose.override.yaml")
PRODUCTION = ("compose.yaml", "compose.production.yaml")
SETTINGS = Settings(pool_max_size=8, connect_timeout=5)


@pytest.fixture(scope="module")
def stack(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack for development: migrated, with the demo's events in it."""
    folder = tmp_path_factory.mktemp("stack")
    with stack_up(folder, f"drystone{os.getpid()}", DEVELOPMENT) as stack:
        # All at once, and in no order: each waits for what it needs.
        stack.up("relay", "pgbouncer", "redis", "migrate", "db")
        drystone("seed", "events", "--stage", "demo", url=owner(stack))
        stack.psql("ANALYZE")
        yield stack


def owner(stack: Stack, **parts: Any) -> str:
    return stack.conninfo("drystone_migrate", **{"pooled": False, **parts})


def service(stack: Stack) -> str:
    """What services use: a login with no more rights than they need, by PgBouncer."""
    return stack.conninfo("drystone_service", pooled=True)


def drystone(*arguments: str, url: str) -> str:
    """Run the command line on this machine."""
    done = subprocess.run(
        [Path(sys.executable).with_name("drystone"), *arguments],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def report(text: str) -> None:
    """Say how long it took, where -rP shows it."""
    sys.stdout.write(f"{text}\n")


def scalar(connection: psycopg.Connection[Any], query: str, *values: object) -> Any:
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]


# --- Through PgBouncer -----------------------------------------------------------


@pytest.fixture
def pool(stack: Stack) -> Iterator[Pool]:
    with open_pool(service(stack), SETTINGS) as pool:
        yield pool


def test_generated_queries_answer_through_pgbouncer(pool: Pool) -> None:
    with pool.connection() as connection:
        hits = search.nearest_events(
            connection, embedding=embed("vector search"), limit_rows=5
        )
        assert len(hits) == 5
        assert hits[0].similarity > 0.8
        event = browse.get_event(connection, event_id=hits[0].id)
        assert event is not None
        assert event.name == hits[0].name
        speaker = scalar(connection, "SELECT id FROM events.speakers LIMIT 1")
        assert {person.distance for person in meet(connection, speaker)} <= {1, 2}


def test_a_hot_query_is_prepared_on_the_server_by_whichever_connection(
    stack: Stack, pool: Pool
) -> None:
    with pool.connection() as connection:
        event_id = scalar(connection, "SELECT id FROM events.events LIMIT 1")

    def read(_: int) -> bool:
        with pool.connection() as connection:
            return browse.get_event(connection, event_id=event_id) is not None

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(200)))
    # One transaction is one server connection, and psycopg prepares from the fifth on.
    with pool.connection() as connection:
        for _ in range(8):
            browse.get_event(connection, event_id=event_id)
        prepared = scalar(
            connection,
            "SELECT count(*) FROM pg_catalog.pg_prepared_statements"
            " WHERE statement LIKE '%events.events%'",
        )
    assert prepared >= 1


def test_the_servers_settings_stand_in_for_the_options_that_pgbouncer_ignores(
    pool: Pool,
) -> None:
    wanted = {
        "search_path": '"$user", public, ag_catalog',
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "1min",
        "hnsw.ef_search": "100",
        "hnsw.iterative_scan": "strict_order",
    }
    for _ in range(2):  # and they stay when a connection comes back and is reset
        with pool.connection() as connection:
            for name, value in wanted.items():
                query = "SELECT pg_catalog.current_setting(%s)"
                assert scalar(connection, query, name) == value
            connection.execute("SET LOCAL statement_timeout = '7s'")


def test_what_one_client_sets_for_its_session_another_one_meets(stack: Stack) -> None:
    """Why migrations, and whatever else keeps state in a session, go directly."""
    pooled = owner(stack, pooled=True)  # with a server connection that nobody else uses
    with connect(pooled, SETTINGS) as first, connect(pooled, SETTINGS) as second:
        shown = "SELECT pg_catalog.current_setting('statement_timeout')"
        before = scalar(second, shown)
        first.execute("SET statement_timeout = '11s'")
        try:
            assert before != scalar(second, shown) == "11s"
        finally:
            first.execute("RESET statement_timeout")


def test_a_service_may_not_change_the_structure(pool: Pool) -> None:
    with pool.connection() as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute("DROP TABLE events.events")
    assert refused.value.sqlstate == "42501"


def test_pgbouncer_lets_neither_superusers_nor_wrong_passwords_in(
    stack: Stack,
) -> None:
    port = stack.ports["PGBOUNCER"]
    password = (stack.secrets / "postgres_password").read_text()
    for user, tried in (("postgres", password), ("drystone_service", "wrong")):
        refusal = "no such user|authentication failed"
        with pytest.raises(psycopg.OperationalError, match=refusal):
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                dbname="drystone",
                user=user,
                password=tried,
            )


def test_a_new_password_is_taken_without_a_restart(stack: Stack) -> None:
    old = service(stack)
    path = stack.secrets / "service_password"
    path.chmod(0o644)
    path.write_text("another password")  # in place: containers see the same file
    roles = "/usr/local/share/drystone/roles.sql"
    docker("exec", stack.container("db"), "psql", "-d", "drystone", "-f", roles)
    with connect(service(stack), SETTINGS) as connection:
        assert scalar(connection, "SELECT current_user") == "drystone_service"
    with pytest.raises(DatabaseError):
        connect(old, SETTINGS)


def test_passwords_are_neither_in_the_log_nor_in_the_environment(stack: Stack) -> None:
    passwords = {path.read_text().strip() for path in stack.secrets.iterdir()}
    for name in ("db", "pgbouncer", "redis", "relay"):
        told = docker("logs", stack.container(name)) + str(stack.inspect(name))
        assert not [each for each in passwords if each in told]


# --- Jobs ------------------------------------------------------------------------


def test_a_job_gets_from_the_outbox_to_the_worker(stack: Stack) -> None:
    stack.compose("--profile", "worker", "up", "--detach", "worker")
    job = enqueue(stack)

    def done() -> bool:
        query = f"SELECT count(*) FROM core.job_receipts WHERE job_id = '{job}'"
        return stack.psql(query) == "1"

    within(60, done, lambda: stack.log("worker") + stack.log("relay"))


def enqueue(stack: Stack) -> str:
    with connect(service(stack), SETTINGS) as connection:
        job = outbox.enqueue_outbox(
            connection,
            queue="email",
            name="send-email",
            payload={"to": "ada@example.org"},
        )
    assert job is not None
    return str(job)


# --- Observed ---


@pytest.fixture
def observed(stack: Stack) -> Stack:
    """With `serve` and Prometheus; not with Grafana, which only reads files."""
    observability = ("postgres-exporter", "prometheus")
    for name in observability:
        image = compose()["services"][name]["image"]
        if not has_image(image):
            pytest.skip(f"{image} is not here, and cannot be pulled")
    stack.compose("--profile=observability", "up", "--detach", *observability)
    stack.up("serve")
    return stack


def fetch(stack: Stack, service: str, path: str) -> str:
    url = f"http://127.0.0.1:{stack.ports[service]}{path}"
    with urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def test_serve_is_ready_and_measures_what_dashboards_and_alerts_use(
    observed: Stack,
) -> None:
    ready = json.loads(fetch(observed, "SERVE", "/health/ready"))
    assert ready["status"] == "ok", ready
    exposed = fetch(observed, "SERVE", "/metrics")
    found = set(re.findall(r"^# TYPE (\w+)", exposed, re.MULTILINE))
    # What a query or a pool is measured by is there once there is one, a replica's lag
    # once there is a replica, a backup once one was made.
    later = re.compile("drystone_(query|pool|replication|backup|vector|disk)_")
    wanted = {name for name in METRICS if not later.match(name)}
    assert wanted <= found


def test_prometheus_reaches_its_targets_and_knows_the_rules(observed: Stack) -> None:
    def health() -> dict[str, str]:
        targets = json.loads(fetch(observed, "PROMETHEUS", "/api/v1/targets"))
        return {
            each["labels"]["job"]: each["health"]
            for each in targets["data"]["activeTargets"]
        }

    jobs = ("drystone", "postgres", "prometheus")
    within(90, lambda: health() == dict.fromkeys(jobs, "up"), lambda: str(health()))
    rules = json.loads(fetch(observed, "PROMETHEUS", "/api/v1/rules"))
    loaded = [rule for group in rules["data"]["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in loaded} == {rule["alert"] for rule in alerts()}
    assert all(rule["health"] in {"ok", "unknown"} for rule in loaded)


# --- Killed ----------------------------------------------------------------------


def test_a_killed_database_comes_back_with_all_that_it_acknowledged(
    stack: Stack,
) -> None:
    """By nobody's hand: SIGKILL to the server under eight writing clients."""
    with connect(owner(stack), SETTINGS) as connection:
        connection.execute("CREATE TABLE public.written (number bigint PRIMARY KEY)")
        connection.execute("GRANT INSERT ON public.written TO drystone_service")
    stop = threading.Event()
    acknowledged: list[int] = []
    failures: list[str] = []

    def write(first: int) -> None:
        number = first
        while not stop.is_set():
            try:
                with clients.connection(timeout=5) as connection:
                    connection.execute(
                        "INSERT INTO public.written VALUES (%s)", (number,)
                    )
            except (psycopg.Error, DatabaseError) as error:
                failures.append(type(error).__name__)
                time.sleep(0.1)
            else:
                acknowledged.append(number)
            number += 8

    with (
        open_pool(service(stack), SETTINGS) as clients,
        ThreadPoolExecutor(8) as threads,
    ):
        for first in range(8):
            threads.submit(write, first)
        within(20, lambda: len(acknowledged) > 500, lambda: "nothing is written")
        others = {name: stack.restarts(name) for name in ("pgbouncer", "relay")}
        os.kill(stack.inspect("db")["State"]["Pid"], signal.SIGKILL)
        killed = time.monotonic()
        before = len(acknowledged)
        try:
            within(
                60, lambda: len(acknowledged) > before + 500, lambda: stack.log("db")
            )
            report(f"writes again after {time.monotonic() - killed:.1f} s")
        finally:
            stop.set()
    assert failures
    kept = stack.psql("SELECT number FROM public.written")
    assert set(acknowledged) <= set(map(int, kept.split()))
    # Those who lost their connections found new ones.
    enqueue(stack)
    unsent = "SELECT count(*) FROM core.outbox WHERE batch IS NULL"
    within(30, lambda: stack.psql(unsent) == "0", lambda: stack.log("relay"))
    for name, number in others.items():
        assert stack.restarts(name) == number
        stack.wait_until_healthy(name)


# --- Restored --------------------------------------------------------------------


def test_a_container_makes_a_backup_by_the_login_for_backups(stack: Stack) -> None:
    told = stack.compose("--profile=backup", "run", "--rm", "backup")
    assert re.search(r"/backups/drystone-\w+\n", told), told
    assert "0 rows" not in told


def test_a_backup_is_restored_into_a_fresh_volume(stack: Stack, tmp_path: Path) -> None:
    """By the login for backups, and by the one that owns the new database."""
    copy = stack.conninfo("drystone_copy", pooled=False)
    drystone("backup", "--out", str(tmp_path / "backups"), url=copy)
    (made,) = (tmp_path / "backups").iterdir()
    folder = tmp_path / "fresh"
    folder.mkdir()
    with stack_up(folder, f"{stack.name}fresh", DEVELOPMENT) as fresh:
        fresh.up("db")
        url = owner(fresh)
        report(drystone("restore", str(made), "--into", url, "--verify", url=url))
        fresh.up("pgbouncer")
        with open_pool(service(fresh), SETTINGS) as pool, pool.connection() as found:
            hits = search.nearest_events(
                found, embedding=embed("vector search"), limit_rows=5
            )
            query = "SELECT id FROM events.speakers ORDER BY id LIMIT 1"
            speaker = scalar(found, query)
            met = meet(found, speaker)
    with open_pool(service(stack), SETTINGS) as pool, pool.connection() as found:
        assert hits == search.nearest_events(
            found, embedding=embed("vector search"), limit_rows=5
        )
        assert met == meet(found, speaker) != []


def meet(connection: psycopg.Connection[Any], speaker: object) -> list[Any]:
    return graph.speaker_network(
        connection, params={"speaker_id": str(speaker), "depth": 2}, limit_rows=5
    )


# --- Production ------------------------------------------------------------------


@pytest.fixture(scope="module")
def production(
    images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("production")
    with stack_up(folder, f"drystoneprod{os.getpid()}", PRODUCTION) as stack:
        subprocess.run(
            [DOCKER / "make-certificates.sh", stack.certificates], check=True
        )
        stack.up("db", "redis", "pgbouncer", "migrate", "relay", "serve")
        yield stack


_CONNECT = """
import sys, psycopg
host, port, mode, authority = sys.argv[1:]
password = open("/run/secrets/migrate_password").read()
with psycopg.connect(
    host=host, port=port, dbname="drystone", user="drystone_migrate",
    password=password, sslmode=mode, sslrootcert=authority or None, connect_timeout=10,
) as connection:
    print(connection.pgconn.ssl_in_use, *connection.execute(
        "SELECT ssl, version FROM pg_catalog.pg_stat_ssl"
        " WHERE pid = pg_catalog.pg_backend_pid()"
    ).fetchone())
"""


@pytest.mark.parametrize(("host", "port"), [("db", "5432"), ("pgbouncer", "6432")])
def test_in_production_only_verified_tls_gets_to_the_database(
    production: Stack, host: str, port: str
) -> None:
    def attempt(mode: str, authority: str) -> str:
        done = subprocess.run(
            [
                *("docker", "run", "--rm", "--entrypoint", "python"),
                *("--network", f"{production.name}_back"),
                "--volume",
                f"{production.secrets}/migrate_password:/run/secrets/migrate_password:ro",
                "--volume",
                f"{production.certificates}/ca.crt:/etc/drystone/ca.crt:ro",
                *("drystone:0.1.0", "-c", _CONNECT, host, port, mode, authority),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or done.stderr

    assert attempt("verify-full", "/etc/drystone/ca.crt") == "True True TLSv1.3"
    assert "certificate verify failed" in attempt("verify-full", "system")
    refused = attempt("disable", "")
    assert "rejects connection" in refused or "SSL required" in refused


def test_in_production_passwords_are_kept_as_scram_verifiers(
    production: Stack,
) -> None:
    kept = production.psql(
        "SELECT DISTINCT pg_catalog.left(rolpassword, 13) FROM pg_catalog.pg_authid"
        " WHERE rolcanlogin"
    )
    assert kept == "SCRAM-SHA-256"
    for name in ("db", "redis", "pgbouncer", "relay", "serve"):
        container = production.inspect(name)
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert docker("exec", production.container(name), "id", "-u").strip() != "0"
        assert not any(container["NetworkSettings"]["Ports"].values())
