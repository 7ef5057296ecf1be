"""Start, stop, status, reset, and what the started server is like."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from drystone.embedded import EmbeddedServer, home
from drystone.errors import EmbeddedServerError

from .conftest import (
    DEADLINE,
    START,
    MakeServer,
    as_plain_user,
    as_root,
    python,
    query,
)


def test_start_returns_a_url_that_psycopg_and_psql_understand(
    running: EmbeddedServer,
) -> None:
    url = running.start()

    assert query(url, "SELECT current_database(), current_user") == [
        ("drystone", "postgres")
    ]
    shown = subprocess.run(
        [running.binary("psql"), "-XAtc", "SELECT 6 * 7", url],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "42\n"


def test_the_url_holds_whatever_port_the_environment_names(
    running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")

    assert query(running.url(), "SHOW port") == [("5432",)]


def test_starting_a_running_server_takes_less_than_50_milliseconds(
    running: EmbeddedServer,
) -> None:
    pid = running.status().pid
    began = time.perf_counter()

    running.start()

    assert time.perf_counter() - began < 0.05
    assert running.status().pid == pid


def test_a_server_that_was_never_started_is_not_running(fresh: EmbeddedServer) -> None:
    status = fresh.status()

    assert not status.running
    assert (status.pid, status.version, status.url, status.started_at) == (None,) * 4
    assert not fresh.stop()
    with pytest.raises(EmbeddedServerError, match="is not running") as caught:
        fresh.url()
    assert "drystone db start" in str(caught.value.hint)
    assert not status.data.exists()


def test_status_tells_what_runs_and_where(running: EmbeddedServer) -> None:
    status = running.status()

    assert status.running
    assert status.pid is not None
    os.kill(status.pid, 0)
    assert status.version == query(running.url(), "SHOW server_version")[0][0]
    assert status.url == running.url() == running.start()
    assert query(running.url(), "SHOW data_directory") == [(str(status.data),)]
    assert status.log == running.log
    assert "ready to accept connections" in status.log.read_text()
    assert status.started_at is not None
    assert timedelta() < datetime.now(UTC) - status.started_at < timedelta(hours=1)


def test_what_was_written_is_there_after_a_stop_and_a_start(
    server: EmbeddedServer,
) -> None:
    query(server.start(), "CREATE TABLE written AS SELECT 1 AS one")
    pid = server.status().pid

    assert server.stop()
    assert not server.status().running
    assert not server.stop()

    assert query(server.start(), "SELECT one FROM written") == [(1,)]
    assert server.status().pid != pid


def test_stop_ends_open_sessions(server: EmbeddedServer) -> None:
    with psycopg.connect(server.start()) as connection:
        connection.execute("SELECT 1")

        assert server.stop()

        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_reset_deletes_this_project_and_no_other(make_server: MakeServer) -> None:
    first, second = make_server("first"), make_server("second")
    query(first.start(), "CREATE TABLE mine AS SELECT 1 AS one")
    query(second.start(), "CREATE TABLE mine AS SELECT 2 AS two")
    data = first.status().data

    first.reset()

    assert not first.status().running
    assert not data.exists()
    assert query(second.url(), "SELECT two FROM mine") == [(2,)]
    assert query(first.start(), "SELECT to_regclass('mine')") == [(None,)]


def test_reset_leaves_nothing_in_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    server = EmbeddedServer(project, parameters={"fsync": "off"})
    server.start()
    home = server.status().data.parent
    assert list(project.iterdir())

    server.reset()

    assert list(project.iterdir()) == []
    assert not home.exists()


def test_reset_keeps_what_others_put_beside_it(make_server: MakeServer) -> None:
    server = make_server()
    server.start()
    project = Path(server._project)
    other = project / ".drystone" / "redis.rdb"
    other.write_text("mine")

    server.reset()

    assert other.read_text() == "mine"
    other.unlink()


def test_git_ignores_what_is_in_the_project(server: EmbeddedServer) -> None:
    server.start()

    assert (server._project / ".drystone" / ".gitignore").read_text() == "*\n"


def test_the_server_outlives_its_starter_and_its_ctrl_c(server: EmbeddedServer) -> None:
    starter = python(START, server._project)
    url, _ = starter.communicate(timeout=DEADLINE)

    pid = server.status().pid
    assert pid is not None
    assert os.getsid(pid) not in (starter.pid, os.getsid(0))
    # Ctrl-C goes to a whole process group; of the starter's nobody is left.
    with pytest.raises(ProcessLookupError):
        os.killpg(starter.pid, signal.SIGINT)
    assert query(url.strip(), "SELECT 1") == [(1,)]


def test_eight_processes_that_start_at_once_share_one_server(
    fresh: EmbeddedServer,
) -> None:
    starters = [python(START, fresh._project) for _ in range(8)]
    answers = [starter.communicate(timeout=60) for starter in starters]

    assert {error for _, error in answers} == {""}
    assert {url.strip() for url, _ in answers} == {fresh.url()}
    assert fresh.log.read_text().count("starting PostgreSQL") == 1


def test_a_start_while_another_process_stops_and_starts_never_fails(
    server: EmbeddedServer,
) -> None:
    server.start()
    restart = """
from drystone.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), parameters={"fsync": "off"})
for _ in range(4):
    server.stop()
    server.start()
"""
    others = [python(restart, server._project) for _ in range(3)]

    assert [other.communicate(timeout=60)[1] for other in others] == [""] * 3
    assert query(server.start(), "SELECT 1") == [(1,)]


@as_plain_user
@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "Ünïcödé",
        "100%25",
        "comma,comma",
        "quote'\"back\\slash$HOME`",
        "?host=evil&x=#y",
        "deep/" + "/".join(["x" * 40] * 5),
        os.fsdecode(b"not-utf-8-\xff"),
    ],
    ids=["space", "unicode", "percent", "comma", "quotes", "url", "long", "bytes"],
)
def test_a_project_may_have_any_path(make_server: MakeServer, name: str) -> None:
    url = make_server(name).start()

    assert query(url, "SELECT 1") == [(1,)]
    sockets = Path(str(query(url, "SHOW unix_socket_directories")[0][0]).strip('"'))
    assert len(str(sockets / ".s.PGSQL.5432").encode()) <= 107
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


def test_it_listens_on_no_network_address(running: EmbeddedServer) -> None:
    assert query(running.url(), "SHOW listen_addresses") == [("",)]


@pytest.mark.parametrize("extension", ["vector", "age"])
def test_the_extensions_can_be_created(running: EmbeddedServer, extension: str) -> None:
    assert query(running.url(), f"CREATE EXTENSION {extension}") == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("lower('É')", "é"),
        ("upper('é')", "É"),
        ("initcap('éa zü')", "Éa Zü"),
        ("'é' ~ '^[[:alpha:]]$'", True),
        ("'É' ~ '[[:upper:]]'", True),
        ("'é' ~ '^\\w$'", True),
        ("'É' ILIKE 'é'", True),
        ("to_tsvector('simple', 'Café Zürich')::text", "'café':1 'zürich':2"),
        ("to_tsvector('simple', 'ÉCOLE')::text", "'école':1"),
        ("current_setting('server_encoding')", "UTF8"),
        ("current_setting('data_checksums')", "on"),
        ("current_setting('default_text_search_config')", "pg_catalog.english"),
    ],
)
def test_text_beyond_ascii_is_text(
    running: EmbeddedServer, expression: str, value: object
) -> None:
    assert query(running.url(), f"SELECT {expression}") == [(value,)]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("max_connections", "200"),
        ("shared_buffers", "128MB"),
        ("jit", "off"),
        ("timezone", "UTC"),
        ("log_min_duration_statement", "500ms"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("unix_socket_permissions", "0700"),
    ],
)
def test_parameters_suit_development(
    running: EmbeddedServer, parameter: str, value: str
) -> None:
    assert query(running.url(), f"SHOW {parameter}") == [(value,)]


def test_writes_are_safe_by_default(server: EmbeddedServer) -> None:
    plain = EmbeddedServer(server._project)

    assert query(plain.start(), "SHOW fsync") == [("on",)]
    server.stop()
    assert query(server.start(), "SHOW fsync") == [("off",)]


def test_alter_system_overrides_and_arguments_override_that(
    make_server: MakeServer,
) -> None:
    server = make_server(work_mem="9MB")
    query(server.start(), "ALTER SYSTEM SET work_mem = '5MB'")
    query(server.url(), "ALTER SYSTEM SET max_connections = 33")
    server.stop()

    url = server.start()

    assert query(url, "SHOW max_connections") == [("33",)]
    assert query(url, "SHOW work_mem") == [("9MB",)]


def test_the_log_names_the_application_and_never_a_parameters_value(
    running: EmbeddedServer,
) -> None:
    with psycopg.connect(
        running.url(), autocommit=True, application_name="who-asks"
    ) as connection:
        connection.execute("SET log_min_duration_statement = 0")
        connection.execute("SELECT %s::text", ["not-for-the-log"])
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / (length(%s) - 7)", ["not-for"])

    log = running.log.read_text()
    assert "SELECT $1::text" in log
    assert "division by zero" in log
    assert "who-asks" in log
    assert "not-for" not in log


def test_a_large_log_is_put_aside_at_the_next_start(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    with server.log.open("ab") as log:
        log.truncate(17 * 1024 * 1024)

    server.start()

    assert server.log.stat().st_size < 10_000
    assert server.log.with_name("postgres.log.1").stat().st_size > 17_000_000


@pytest.mark.parametrize("name", ["psql", "pg_dump", "pg_restore", "pg_controldata"])
def test_programs_can_be_run_by_the_caller(server: EmbeddedServer, name: str) -> None:
    shown = subprocess.run(
        [server.binary(name), "--version"], check=True, capture_output=True, text=True
    )
    assert "(PostgreSQL) 18" in shown.stdout


@pytest.mark.parametrize("name", ["nonsense", "../bin/psql", ""])
def test_an_unknown_program_is_refused(server: EmbeddedServer, name: str) -> None:
    with pytest.raises(EmbeddedServerError, match="has no program"):
        server.binary(name)


def test_the_wheels_module_is_never_imported(running: EmbeddedServer) -> None:
    running.start()

    assert "pgserver" not in sys.modules


def test_a_project_folder_that_is_missing_is_made_at_the_first_start(
    make_server: MakeServer,
) -> None:
    server = make_server("missing/project", fresh=True)
    shutil.rmtree(server._project.parent)

    assert not server.status().running
    assert not server.stop()
    server.reset()
    assert not server._project.parent.exists()
    assert query(server.start(), "SELECT 1") == [(1,)]


@as_plain_user
def test_a_plain_users_data_is_in_the_project(server: EmbeddedServer) -> None:
    server.start()

    assert server.status().data == server._project / ".drystone" / "postgres"
    assert server.status().data.stat().st_uid == os.geteuid()


@as_root
def test_roots_server_runs_as_another_user(server: EmbeddedServer) -> None:
    server.start()
    status = server.status()

    assert Path(f"/proc/{status.pid}").stat().st_uid != 0
    assert status.data.stat().st_uid == Path(f"/proc/{status.pid}").stat().st_uid
    assert status.data.is_relative_to(home.STATE / "projects")
    pointer = server._project / ".drystone" / "location"
    assert pointer.read_text().strip() == str(status.data.parent)
    # What root reads and runs there, that user cannot change.
    assert status.data.parent.stat().st_uid == 0
    assert not status.data.parent.stat().st_mode & 0o022
