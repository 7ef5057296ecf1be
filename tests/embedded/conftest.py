"""Real servers, each in a project folder of its own, gone when the test is over."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from drystone.embedded import EmbeddedServer, home
from drystone.embedded.account import Account, find_account
from drystone.embedded.home import Home, find_home

FAST = {"fsync": "off"}
DEADLINE = 20.0

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
as_plain_user = pytest.mark.skipif(
    os.geteuid() == 0, reason="needs a plain user; test_plain_user.py runs it as one"
)

MakeServer = Callable[..., EmbeddedServer]


def memory() -> Path | None:
    """Return a folder that lies in memory, if there is plenty of it."""
    folder = Path("/dev/shm")  # noqa: S108 - what is made in it is private
    if not folder.is_dir():
        return None
    status = os.statvfs(folder)
    plenty = status.f_bavail * status.f_frsize > 4 * 1024**3
    return folder if plenty and not status.f_flag & os.ST_NOEXEC else None


@pytest.fixture(scope="package", autouse=True)
def state() -> Iterator[None]:
    """Keep the servers of root's tests in memory too, and out of /var/lib."""
    if os.geteuid() != 0:
        yield
        return
    folder = Path(tempfile.mkdtemp(prefix="drystone-root-", dir=memory()))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "STATE", folder)
        yield
    shutil.rmtree(folder)


@pytest.fixture(scope="package")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a server that was started once and stopped."""
    server = EmbeddedServer(tmp_path_factory.mktemp("template"), parameters=FAST)
    try:
        server.start()
        server.stop()
        yield server.status().data
    finally:
        server.reset()


@pytest.fixture
def make_server(tmp_path: Path, template: Path) -> Iterator[MakeServer]:
    """Make servers that the test may start; all of them are deleted at its end.

    Unless ``fresh``, they have their first start behind them: initdb takes its time.
    """
    made: list[EmbeddedServer] = []

    def make(
        name: str = "project", *, fresh: bool = False, **parameters: str
    ) -> EmbeddedServer:
        project = tmp_path / name
        project.mkdir(parents=True, exist_ok=True)
        server = EmbeddedServer(project, parameters={**FAST, **parameters})
        made.append(server)
        if not fresh:
            found = find_home(project)
            found.prepare(find_account())
            subprocess.run(["cp", "-a", template, found.data], check=True)
        return server

    yield make
    for server in made:
        server.reset()


@pytest.fixture(scope="package")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path_factory.mktemp("kept"), parameters=FAST)
    try:
        server.start()
        yield server
    finally:
        server.reset()


@pytest.fixture
def server(kept: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server that is stopped; tests that leave its data whole share it."""
    kept.stop()
    yield kept
    kept.stop()


@pytest.fixture
def fresh(make_server: MakeServer) -> EmbeddedServer:
    """A server whose first start is yet to come."""
    return make_server(fresh=True)


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A running server for all the tests that only use it."""
    server = EmbeddedServer(tmp_path_factory.mktemp("running"), parameters=FAST)
    try:
        server.start()
        yield server
    finally:
        server.reset()


def home_of(server: EmbeddedServer) -> Home:
    return find_home(server._project)


@pytest.fixture
def account() -> Account:
    """The user that servers run as."""
    return find_account()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.002)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def python(code: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Run Python code in another process, in a session of its own."""
    same = "import sys; from pathlib import Path; from drystone.embedded import home\n"
    same += f"home.STATE = Path({str(home.STATE)!r})\n" if os.geteuid() == 0 else ""
    process: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, "-c", same + code, *map(str, arguments)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )
    return process


START = """
from drystone.embedded import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1]), parameters={"fsync": "off"}).start())
"""
