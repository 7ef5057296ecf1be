"""A backup is there whole, or not at all, and says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.errors import BackupError, SettingsError
from drystone.ops.backup import back_up, find_backups
from drystone.ops.backup.folders import clear_leftovers, new_folder
from drystone.ops.backup.programs import Programs, find_programs
from drystone.settings import Settings

DRYSTONE = Path(sys.executable).with_name("drystone")
DEADLINE = 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_backup_that_is_killed_leaves_none(
    own: Connection[Any],
    database_url: str,
    settings: Settings,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    with own.transaction():
        own.execute("LOCK TABLE core.outbox")  # the backup waits for it
        process = subprocess.Popen(
            [DRYSTONE, "--database-url", database_url, "backup", "--out", tmp_path],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        )
        waiting = "SELECT FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        deadline = time.monotonic() + DEADLINE
        while not own.execute(waiting, ["core.outbox"]).rowcount:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(DEADLINE) in {143, -signal.SIGKILL}

    left = list(tmp_path.iterdir())
    if number is signal.SIGTERM:
        assert left == []
    else:
        assert [path.suffix for path in left] == [".partial"]
    assert find_backups(tmp_path) == []
    made = back_up(database_url, settings, root=tmp_path, jobs=1)
    assert list(tmp_path.iterdir()) == [made.path]


def test_a_left_over_that_a_program_still_writes_to_is_left_alone(
    tmp_path: Path,
) -> None:
    with new_folder(tmp_path, "one") as (folder, lock):
        heir = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
        assert clear_leftovers(tmp_path) == []
    heir.kill()
    heir.wait()
    assert folder.with_name("one").is_dir()


@pytest.fixture(params=["300k", "1400k"])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "none", disk],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not permitted: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_named_and_nothing_is_left_there(
    own: Connection[Any], database_url: str, settings: Settings, small_disk: Path
) -> None:
    with pytest.raises(BackupError, match="No space left") as caught:
        back_up(database_url, settings, root=small_disk, jobs=2)

    assert "Free" in str(caught.value.hint)
    assert list(small_disk.iterdir()) == []
    (entry,) = own.execute("SELECT verified, notes FROM core.backups").fetchall()
    assert entry[0] == "failed"
    assert "No space left" in entry[1]


def test_a_password_travels_by_the_environment_only(tmp_path: Path) -> None:
    program = tmp_path / "show"
    program.write_text('#!/bin/sh\necho "arguments: $*"\necho "it: $PGPASSWORD"\n')
    program.chmod(0o755)
    conninfo = "postgresql://app:hunter2@db/events?options=-c%20a.b%3D1"

    said = Programs(tmp_path, 18).run("show", [], conninfo=conninfo, options="-c c=2")

    arguments, password = said.splitlines()
    assert "hunter2" not in arguments
    assert "options='-c a.b=1 -c c=2'" in arguments
    assert password == "it: hunter2"


def test_what_a_program_says_of_rows_is_not_passed_on(tmp_path: Path) -> None:
    program = tmp_path / "fail"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'pg_restore: error: could not execute query: ERROR:  no' >&2\n"
        "echo 'pg_restore: error: ERROR:  invalid input value for enum e: \"x\"' >&2\n"
        "echo 'DETAIL:  Key (email)=(ada@example.org) already exists.' >&2\n"
        "echo 'pg_restore: detail: COPY t, line 1: ada@example.org' >&2\n"
        "exit 1\n"
    )
    program.chmod(0o755)

    with pytest.raises(BackupError) as caught:
        Programs(tmp_path, 18).run("fail", [])

    assert caught.value.message == (
        "fail failed: could not execute query: ERROR:  no;"
        " ERROR:  invalid input value for enum e"
    )


def test_programs_that_are_too_old_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert find_programs(9).folder == tmp_path
    with pytest.raises(SettingsError, match=f"9 in {tmp_path}"):
        find_programs(99)
