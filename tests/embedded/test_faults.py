"""What can go wrong with a server, and that its data is untouched by it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drystone.embedded import EmbeddedServer, cluster, home, lock, postmaster
from drystone.embedded import server as server_module
from drystone.embedded.account import Account
from drystone.embedded.wheel import Wheel, find_wheel
from drystone.errors import EmbeddedServerError

from .conftest import (
    DEADLINE,
    START,
    MakeServer,
    as_root,
    home_of,
    python,
    query,
    wait_for,
)


@pytest.fixture
def bystander(account: Account) -> Iterator[int]:
    """A process of the server's user that is no server: PostgreSQL would fear it."""
    process = subprocess.Popen(
        ["/bin/sleep", "60"],
        cwd="/",
        user=account.uid if account.foreign else None,
        extra_groups=[] if account.foreign else None,
    )
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def dead() -> int:
    """The id of a process that is gone."""
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    return process.pid


def leave_pid_file(server: EmbeddedServer, pid: object) -> None:
    """Leave what a server that was never shut down leaves."""
    place = home_of(server)
    sockets = place.folder / "run"
    lines = (pid, place.data, 1700000000, 5432, sockets, "", "  1 2", "ready   ")
    text = "".join(f"{line}\n" for line in lines)
    (place.data / "postmaster.pid").write_text(text)
    sockets.mkdir(mode=0o700, exist_ok=True)
    (sockets / ".s.PGSQL.5432.lock").write_text(text)
    (sockets / ".s.PGSQL.5432").write_text("")
    place.started.write_text(f"{pid} 18.6\n")


@pytest.mark.parametrize("whose", ["dead", "bystander", "running", "own", "init"])
def test_a_left_over_pid_file_does_not_hinder_a_start(
    server: EmbeddedServer,
    running: EmbeddedServer,
    dead: int,
    bystander: int,
    whose: str,
) -> None:
    pids = {
        "dead": dead,
        "bystander": bystander,
        "running": running.status().pid,
        "own": os.getpid(),
        "init": 1,
    }
    leave_pid_file(server, pids[whose])
    assert not server.status().running
    assert not server.stop()

    assert query(server.start(), "SELECT 1") == [(1,)]

    assert server.status().pid not in (None, pids[whose])
    os.kill(bystander, 0)
    assert running.status().running


@pytest.mark.parametrize("content", ["", "nonsense", "12\n", "-1\n/\nx\n"])
def test_a_damaged_pid_file_does_not_hinder_a_start(
    server: EmbeddedServer, content: str
) -> None:
    (home_of(server).data / "postmaster.pid").write_text(content)

    assert query(server.start(), "SELECT 1") == [(1,)]


def test_after_a_crash_the_next_start_recovers(server: EmbeddedServer) -> None:
    query(server.start(), "CREATE TABLE crashed AS SELECT 1 AS one")
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not server.status().running, "the end of the process")

    assert query(server.start(), "SELECT one FROM crashed") == [(1,)]
    assert server.status().pid != pid


def test_a_copied_project_gets_a_server_of_its_own(
    make_server: MakeServer, tmp_path: Path
) -> None:
    first = make_server("first")
    first.start()
    place = home_of(first)
    second = make_server("second", fresh=True)
    if place.as_root:
        shutil.copytree(place.pointer.parent, second._project / ".drystone")
        with pytest.raises(EmbeddedServerError, match="moved or copied") as caught:
            second.start()
        assert str(place.folder) in str(caught.value)
        assert "location to begin with an empty database" in str(caught.value.hint)
        (second._project / ".drystone" / "location").unlink()
    else:
        # Sockets cannot be copied, nor need they be.
        subprocess.run(
            ["cp", "-r", place.folder, second._project / ".drystone"], check=False
        )
        assert not second.status().running
        assert not second.stop()

    assert second.start() != first.url()
    assert first.status().running


def test_a_server_on_the_data_that_somebody_else_started_is_left_alone(
    server: EmbeddedServer, account: Account
) -> None:
    server.start()
    server.stop()
    place = home_of(server)
    wheel = find_wheel()
    if account.foreign:
        wheel = Wheel(home.STATE / "runtime" / wheel.version, wheel.version)
    output = os.open(os.devnull, os.O_WRONLY)
    account.launch(cluster.command(place, wheel, {}), keep_open=[], output=output)
    os.close(output)
    wait_for(lambda: getattr(postmaster.read(place.data), "ready", False), "the server")
    found = postmaster.read(place.data)
    assert found is not None
    try:
        with pytest.raises(EmbeddedServerError, match="did not start it") as caught:
            server.start()

        assert str(found.pid) in str(caught.value)
        assert "pg_ctl stop" in str(caught.value.hint)
        os.kill(found.pid, 0)
    finally:
        os.kill(found.pid, signal.SIGINT)
        wait_for(lambda: postmaster.read(place.data) is None, "its end")
    assert query(server.start(), "SELECT 1") == [(1,)]


def test_data_of_another_major_version_is_refused(server: EmbeddedServer) -> None:
    version = home_of(server).data / "PG_VERSION"
    version.write_text("17\n")

    with pytest.raises(EmbeddedServerError, match="written by PostgreSQL 17") as caught:
        server.start()

    assert str(version.parent) in str(caught.value)
    assert "pg_dump" in str(caught.value.hint)
    assert "drystone db reset" in str(caught.value.hint)
    version.write_text("18\n")
    assert query(server.start(), "SELECT 1") == [(1,)]


def test_a_folder_that_is_no_data_folder_is_refused(make_server: MakeServer) -> None:
    server = make_server()
    data = home_of(server).data
    (data / "PG_VERSION").unlink()

    with pytest.raises(EmbeddedServerError, match="has no PG_VERSION"):
        server.start()

    assert (data / "global" / "pg_control").exists()


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("shared_buffers", "nonsense", 'invalid value for parameter "shared_buffers"'),
        ("no_such_thing", "1", "no_such_thing"),
        ("shared_preload_libraries", "missing", 'could not access file "missing"'),
    ],
)
def test_a_server_that_dies_at_start_shows_the_end_of_its_log(
    server: EmbeddedServer, parameter: str, value: str, said: str
) -> None:
    broken = EmbeddedServer(server._project, parameters={parameter: value})
    log = server.log
    log.write_text("a line of an earlier start\n")

    with pytest.raises(EmbeddedServerError, match="ended while it started") as caught:
        broken.start()

    assert said in str(caught.value)
    assert str(log) in str(caught.value)
    assert "earlier start" not in str(caught.value)
    assert not server.status().running
    assert query(server.start(), "SELECT 1") == [(1,)]


def test_a_start_that_takes_too_long_can_be_waited_for(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.log.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(server_module, "START_TIMEOUT", 0.0)
        with pytest.raises(EmbeddedServerError, match="not ready within") as caught:
            server.start()
    assert "run again" in str(caught.value.hint)

    assert query(server.start(), "SELECT 1") == [(1,)]
    assert server.log.read_text().count("starting PostgreSQL") == 1


def test_a_lock_that_is_never_released_is_an_error(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "LOCK_TIMEOUT", 0.05)

    with (
        lock.hold(home_of(server).busy, timeout=1),
        pytest.raises(EmbeddedServerError, match="another process has been busy"),
    ):
        server.start()


def test_processes_that_outlive_their_server_are_named(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "START_TIMEOUT", 0.05)
    monkeypatch.setattr(server_module, "STOP_TIMEOUT", 0.05)

    with lock.hold(home_of(server).alive, timeout=1):
        with pytest.raises(EmbeddedServerError, match="neither ready nor gone"):
            server.start()
        with pytest.raises(EmbeddedServerError, match="did not end"):
            server.stop()


@pytest.mark.parametrize("initdb_too", [True, False])
def test_after_a_killed_initdb_the_next_start_begins_anew(
    fresh: EmbeddedServer, *, initdb_too: bool
) -> None:
    place = home_of(fresh)
    starter = python(START, fresh._project)
    wait_for((place.new_data / "base").exists, "initdb")
    if initdb_too:
        subprocess.run(["pkill", "-KILL", "-g", str(starter.pid)], check=True)
    else:
        starter.kill()
    starter.communicate(timeout=DEADLINE)
    assert place.new_data.exists()
    assert not place.data.exists()

    assert query(fresh.start(), "SELECT 1") == [(1,)]
    assert not place.new_data.exists()


def test_a_starter_that_is_killed_before_it_made_the_database_is_made_up_for(
    fresh: EmbeddedServer,
) -> None:
    code = """
import os, signal
from drystone.embedded import server
server._create_database = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""
    python(code + START, fresh._project).communicate(timeout=DEADLINE)
    pid = fresh.status().pid
    assert pid is not None

    assert query(fresh.start(), "SELECT current_database()") == [("drystone",)]
    assert fresh.status().pid == pid


def test_a_reset_that_was_killed_halfway_leaves_no_half_data(
    make_server: MakeServer,
) -> None:
    server = make_server()
    place = home_of(server)
    place.data.rename(place.old_data)
    (place.old_data / "PG_VERSION").unlink()

    assert query(server.start(), "SELECT 1") == [(1,)]
    assert not place.old_data.exists()


def test_data_that_was_deleted_is_made_again(make_server: MakeServer) -> None:
    server = make_server()
    shutil.rmtree(home_of(server).data)

    assert query(server.start(), "SELECT 1") == [(1,)]


@pytest.fixture
def small_disk(fresh: EmbeddedServer, account: Account) -> Iterator[Path]:
    """Give the server a disk of 60 MB."""
    place = home_of(fresh)
    place.prepare(account)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=60m,mode=750", "none", place.folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not permitted: {mounted.stderr.strip()}")
    yield place.folder
    fresh.stop()
    subprocess.run(["umount", place.folder], check=True)


def fill(disk: Path, *, leave: int) -> Path:
    """Fill the disk but for ``leave`` bytes; deleting the file frees it again."""
    status = os.statvfs(disk)
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - leave)
    return filler


@as_root
@pytest.mark.parametrize("leave", [0, 1_000_000, 30_000_000, 41_000_000])
def test_a_disk_that_is_full_at_the_first_start_is_named(
    fresh: EmbeddedServer, small_disk: Path, leave: int
) -> None:
    filler = fill(small_disk, leave=leave)

    with pytest.raises(EmbeddedServerError) as caught:
        fresh.start()

    assert "is full" in str(caught.value) or "No space left" in str(caught.value)
    assert str(small_disk) in str(caught.value)
    assert not fresh.status().running
    assert not home_of(fresh).new_data.exists()
    filler.unlink()
    assert query(fresh.start(), "SELECT 1") == [(1,)]


@as_root
def test_a_disk_that_is_full_at_a_later_start_is_named(
    fresh: EmbeddedServer, small_disk: Path
) -> None:
    query(fresh.start(), "CREATE TABLE kept AS SELECT 1 AS one")
    fresh.stop()
    filler = fill(small_disk, leave=0)

    with pytest.raises(EmbeddedServerError, match=r"is full|No space left") as caught:
        fresh.start()

    assert str(small_disk) in str(caught.value)
    assert not fresh.status().running
    filler.unlink()
    assert query(fresh.start(), "SELECT one FROM kept") == [(1,)]


def test_a_server_with_a_process_that_hangs_is_made_to_end(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed is there again: the server recovers when it starts."""
    server = make_server()
    url = server.start()
    query(url, "CREATE TABLE public.kept AS SELECT 7 AS number")
    with psycopg.connect(url) as session:
        os.kill(session.info.backend_pid, signal.SIGSTOP)
        monkeypatch.setattr(server_module, "STOP_PATIENCE", 0.2)
        assert server.stop()
        session.pgconn.finish()
    assert query(server.start(), "SELECT number FROM public.kept") == [(7,)]
