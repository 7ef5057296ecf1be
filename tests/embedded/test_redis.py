"""The embedded Redis: one for a project, private, and none that loses anything."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from drystone.embedded import EmbeddedRedis, home, redis_program, redis_server
from drystone.embedded.home import find_home
from drystone.embedded.redis_files import RedisFiles
from drystone.errors import EmbeddedServerError

from .conftest import as_root, python, wait_for

MakeRedis = Callable[..., EmbeddedRedis]

START_REDIS = """
from drystone.embedded import EmbeddedRedis
print(EmbeddedRedis(Path(sys.argv[1])).start())
"""


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[MakeRedis]:
    """Make instances that the test may start; all of them are deleted at its end."""
    made: list[EmbeddedRedis] = []

    def make(name: str = "project", **parameters: str) -> EmbeddedRedis:
        made.append(EmbeddedRedis(tmp_path / name, parameters=parameters))
        return made[-1]

    yield make
    for server in made:
        server.reset()


@pytest.fixture
def server(make_redis: MakeRedis) -> EmbeddedRedis:
    return make_redis()


class Conversation:
    """Commands to a Redis and its answers, by its own protocol: no library needed."""

    def __init__(self, server: EmbeddedRedis) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.connect(os.fsencode(server.start_socket()))
        self._answers = self._connection.makefile("rb")

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._connection.close()

    def ask(self, command: str) -> str | list[str] | None:
        self._connection.sendall(f"{command}\r\n".encode())
        answer = self._read()
        assert answer is None or answer[:1] != "-", answer
        return answer

    def _read(self) -> str | list[str] | None:
        line = self._answers.readline().decode().removesuffix("\r\n")
        if not line:
            raise ConnectionResetError
        kind, rest = line[0], line[1:]
        if kind == "*":
            return [str(self._read()) for _ in range(int(rest))]
        if kind != "$":
            return rest if kind in "+:" else line
        if rest == "-1":
            return None
        return self._answers.read(int(rest) + 2).decode().removesuffix("\r\n")


def ask(server: EmbeddedRedis, command: str) -> str | list[str] | None:
    with Conversation(server) as conversation:
        return conversation.ask(command)


def files_of(server: EmbeddedRedis) -> RedisFiles:
    return RedisFiles(find_home(server._project))


def test_start_returns_a_url_that_redis_understands(server: EmbeddedRedis) -> None:
    assert server.start() == f"unix://{server.start_socket()}?db=0"
    policy = ask(server, "CONFIG GET maxmemory-policy")
    assert policy == ["maxmemory-policy", "noeviction"]
    done = subprocess.run(
        [server.client(), "-s", server.start_socket(), "PING"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "PONG\n"


def test_a_second_start_finds_the_first(server: EmbeddedRedis) -> None:
    url = server.start()
    pid = server.status().pid

    assert server.start() == url
    assert server.status().pid == pid


def test_status_tells_what_runs_and_where(server: EmbeddedRedis) -> None:
    before = server.status()
    assert not before.running
    assert (before.pid, before.version, before.url) == (None, None, None)
    assert not before.data.exists()
    assert not server.stop()

    url = server.start()

    status = server.status()
    assert status.running
    assert status.url == url
    assert status.pid is not None
    os.kill(status.pid, 0)
    facts = str(ask(server, "INFO server")).splitlines()
    assert f"redis_version:{status.version}" in facts
    assert f"process_id:{status.pid}" in facts
    assert "ready to accept connections" in status.log.read_text()


def test_no_other_user_can_reach_it(server: EmbeddedRedis) -> None:
    server.start()

    for private in (server.start_socket().parent, server.status().data):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert ask(server, "CONFIG GET port") == ["port", "0"]


def test_what_was_written_is_there_after_a_stop_and_a_start(
    server: EmbeddedRedis,
) -> None:
    ask(server, "SET written 1")

    assert server.stop()
    assert not server.status().running
    assert not server.stop()

    assert ask(server, "GET written") == "1"


def test_a_killed_server_loses_nothing_that_it_acknowledged(
    server: EmbeddedRedis,
) -> None:
    acknowledged = 0
    with Conversation(server) as client:
        pid = server.status().pid
        assert pid is not None
        for number in range(50):
            client.ask(f"RPUSH written {number}")
            acknowledged = number + 1
        os.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            for number in range(50, 1000):
                client.ask(f"RPUSH written {number}")
                acknowledged = number + 1
    wait_for(lambda: not server.status().running, "the end of a killed server")

    # The last one may have been written without being acknowledged.
    kept = int(str(ask(server, "LLEN written")))
    assert kept in (acknowledged, acknowledged + 1)
    assert server.status().pid != pid


def test_many_processes_that_start_at_once_share_one_server(
    make_redis: MakeRedis,
) -> None:
    server = make_redis("shared")
    starters = [python(START_REDIS, server._project) for _ in range(6)]
    told = [starter.communicate(timeout=60) for starter in starters]

    assert [starter.returncode for starter in starters] == [0] * 6, told
    assert {out.strip() for out, _ in told} == {server.start()}
    log = server.status().log.read_text()
    assert log.count("ready to accept connections") == 1


def test_a_starter_that_is_killed_before_redis_was_ready_is_made_up_for(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(redis_server, "_wait_until_ready", killed)
        with pytest.raises(KeyboardInterrupt):
            server.start()
    assert not server.status().running

    assert ask(server, "PING") == "PONG"


def test_a_server_that_hangs_is_killed_in_the_end(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_server, "STOP_PATIENCE", 0.2)
    ask(server, "SET written 1")
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    assert server.stop()

    assert ask(server, "GET written") == "1"


def test_a_process_id_that_became_somebody_elses_is_left_alone(
    server: EmbeddedRedis,
) -> None:
    server.start()
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not server.status().running, "the end of a killed server")
    files = files_of(server)
    (files.data / "redis.pid").write_text(f"{os.getpid()}\n")

    assert not server.stop()

    assert files.process() is None


def test_reset_deletes_everything(server: EmbeddedRedis, tmp_path: Path) -> None:
    ask(server, "SET written 1")

    server.reset()

    assert list((tmp_path / "project").rglob("*")) == []
    assert not files_of(server).folder.exists()
    assert ask(server, "GET written") is None


def test_a_path_with_any_characters_will_do(make_redis: MakeRedis) -> None:
    server = make_redis('a "b" \\ %20 # ö\n' + "long/" * 30)

    assert ask(server, "PING") == "PONG"


def test_a_server_that_dies_at_start_shows_the_end_of_its_log(
    make_redis: MakeRedis,
) -> None:
    server = make_redis(maxmemory="much")

    with pytest.raises(EmbeddedServerError, match="maxmemory") as caught:
        server.start()

    assert "redis.log" in str(caught.value)
    assert not server.status().running


def test_without_a_program_it_is_said_what_to_install(
    make_redis: MakeRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(redis_program, "distribution", missing)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(EmbeddedServerError, match="no redis-server") as caught:
        make_redis().start()

    assert "REDIS_URL" in str(caught.value.hint)


def test_without_the_wheel_the_machines_own_valkey_serves(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = redis_program.find_server().path
    own = tmp_path / "bin"
    own.mkdir()
    (own / "valkey-server").symlink_to(program)

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(redis_program, "distribution", missing)
    monkeypatch.setenv("PATH", str(own))

    assert redis_program.find_server().path == program


@as_root
def test_roots_server_runs_as_the_system_user(server: EmbeddedRedis) -> None:
    server.start()
    status = server.status()

    assert Path(f"/proc/{status.pid}").stat().st_uid == status.data.stat().st_uid != 0
    assert status.data.is_relative_to(home.STATE)
