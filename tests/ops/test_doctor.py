from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from drystone.migrations.files import Migration
from drystone.ops.checks import Check, Verdict, check_transport
from drystone.ops.doctor import diagnose
from drystone.settings import Settings
from tests.cli.conftest import Drystone, drystone
from tests.clusters import free_port

__all__ = ["drystone"]


def by_name(checks: list[Check]) -> dict[str, Check]:
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


def test_a_sound_set_up_has_no_failure(
    database_url: str, migrations: list[Migration], redis_url: str
) -> None:
    found = by_name(
        diagnose(
            database_url,
            Settings(redis_url=SecretStr(redis_url)),
            migrations=migrations,
        )
    )
    assert [c for c in found.values() if c.verdict is Verdict.FAILED] == []
    for name in (
        "transport",
        "sessions",
        "extension age",
        "migrations",
        "indexes",
        "clock",
        "redis",
    ):
        assert found[name].verdict is Verdict.OK
    # The tests' own server runs as a superuser, and without fsync.
    assert "superuser" in found["role"].reason
    assert "fsync" in found["durability"].reason


def _edit(own: Connection[Any]) -> None:
    own.execute(
        "UPDATE public._drystone_source SET checksum = 'x', up_sql = 'SELECT 1'"
    )


def _skew(own: Connection[Any]) -> None:
    own.execute("UPDATE pg_extension SET extversion = '0' WHERE extname = 'age'")


def _invalidate(own: Connection[Any]) -> None:
    own.execute(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'core.outbox_pkey'::regclass"
    )


@pytest.mark.parametrize(
    ("break_it", "name", "told", "todo"),
    [
        (_edit, "migrations", "edited", "drystone repair"),
        (_skew, "extension age", "the catalog has 0,", "ALTER EXTENSION age UPDATE"),
        (_invalidate, "indexes", "core.outbox_pkey", "REINDEX INDEX CONCURRENTLY"),
    ],
)
def test_what_is_broken_is_told_with_what_to_do(
    own: Connection[Any],
    database_url: str,
    migrations: list[Migration],
    break_it: Callable[[Connection[Any]], None],
    name: str,
    told: str,
    todo: str,
) -> None:
    break_it(own)
    found = by_name(diagnose(database_url, Settings(), migrations=migrations))[name]
    assert found.verdict is Verdict.FAILED
    assert told in found.reason
    assert todo in (found.next or "")


def test_a_way_to_the_server_that_others_share_is_told() -> None:
    found = check_transport("host=db.example,127.0.0.1,far.example sslmode=require")
    assert found.verdict is Verdict.WARNING
    assert "db.example: it is encrypted, but any server is believed" in found.reason
    assert "far.example: " in found.reason
    assert "127.0.0.1" not in found.reason
    assert found.next == "Set sslmode=verify-full and sslrootcert."


def test_a_pool_larger_than_the_server_allows_is_told(database_url: str) -> None:
    found = by_name(diagnose(database_url, Settings(pool_max_size=5000)))
    assert found["connections"].verdict is Verdict.FAILED
    assert "a pool may open 5000" in found["connections"].reason


def test_a_role_that_may_not_read_the_ledger_is_told(
    own: Connection[Any], database_url: str, migrations: list[Migration]
) -> None:
    role = f"patient_{os.getpid()}"
    own.execute(f"CREATE ROLE {role} LOGIN".encode())
    try:
        url = make_conninfo(database_url, user=role)
        found = by_name(diagnose(url, Settings(), migrations=migrations))
    finally:
        own.execute(f"DROP ROLE {role}".encode())
    assert "permission denied" in found["migrations"].reason
    assert f"GRANT pg_monitor TO {role}" in (found["role"].next or "")


def test_the_command_exits_by_what_it_finds(
    drystone: Drystone, database_url: str, empty_url: str
) -> None:
    done = drystone("--database-url", database_url, "doctor", "--json")
    assert done.code == 0
    assert done.document["ok"] is True
    assert done.document["checks"][0]["name"] == "settings"
    done = drystone("--database-url", empty_url, "doctor")
    assert done.code == 1
    assert "next: drystone migrate\n" in done.out
    url = f"postgresql://app:{'hunter2'}@127.0.0.1:{free_port()}/none"
    done = drystone("--database-url", url, "doctor")
    assert done.code == 4
    assert "refused" in done.out
    assert "hunter2" not in done.out + done.err


def test_wrong_settings_are_a_finding(
    drystone: Drystone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYSTONE_POOL_MAX_SIZE", "many")
    done = drystone("doctor")
    assert done.code == 1
    assert "pool_max_size" in done.out


@pytest.mark.parametrize("columns", [36, 80])
def test_it_fits_the_terminal(database_url: str, tmp_path: Path, columns: int) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    doctor = subprocess.Popen(
        [
            Path(sys.executable).with_name("drystone"),
            *("--database-url", database_url, "doctor"),
        ],
        cwd=tmp_path,
        stdout=slave,
        stdin=slave,
        env={**environment, "TERM": "dumb"},
    )
    os.close(slave)
    shown = b""
    try:
        while part := os.read(master, 65536):
            shown += part
    except OSError:
        pass  # how a pseudo-terminal says that it is over
    os.close(master)
    assert doctor.wait(timeout=30) == 0
    lines = shown.decode().splitlines()
    assert any("migrations" in line for line in lines)
    assert max(map(len, lines)) <= columns
