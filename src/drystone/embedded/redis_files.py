"""The files of one project's Redis, and the process that they tell of."""

from __future__ import annotations

import os
import shutil
import string
from dataclasses import dataclass
from pathlib import Path

from drystone.embedded import lock
from drystone.embedded.account import Account
from drystone.embedded.home import (
    Home,
    make_private_folder,
    make_root_folder,
    make_socket_folder,
    remove_empty,
    short_sockets,
)
from drystone.embedded.processes import owner_and_command

SOCKET = "redis.sock"

_PARAMETERS = {
    # Reached through the socket's private folder, and in no other way.
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    # What was acknowledged is on disk: a killed server loses nothing.
    "appendonly": "yes",
    "appendfsync": "always",
    "save": '""',
    # Queues live here too: a full memory is an error, never a lost job.
    "maxmemory-policy": "noeviction",
    "databases": "16",
}
# All else is written as bytes, inside of quotes.
_PLAIN = frozenset(string.ascii_letters + string.digits + "/-_.+ ")


@dataclass(frozen=True, slots=True)
class Started:
    """A Redis whose start was completed, as noted by whoever started it."""

    pid: int
    version: str
    socket: Path


@dataclass(frozen=True, slots=True)
class RedisFiles:
    """The files of one project's Redis, all of them in ``home.redis``."""

    home: Home

    @property
    def folder(self) -> Path:
        """What is in it is Redis's and Drystone's."""
        return self.home.redis

    @property
    def data(self) -> Path:
        """Redis's working folder, with its append-only file."""
        return self.folder / "data"

    @property
    def configuration(self) -> Path:
        """The parameters, written at each start."""
        return self.folder / "redis.conf"

    @property
    def log(self) -> Path:
        """What Redis says; the one before is beside it, with ``.1``."""
        return self.folder / "redis.log"

    @property
    def busy(self) -> Path:
        """The lock of whoever starts, stops or deletes it."""
        return self.folder / "busy.lock"

    @property
    def alive(self) -> Path:
        """The lock that every process of it holds while it lives."""
        return self.folder / "alive.lock"

    def prepare(self, account: Account) -> None:
        """Create the folders that are missing. Raises OSError."""
        self.home.prepare(account)
        if self.home.as_root:
            make_root_folder(self.folder)
            os.chown(self.folder, 0, account.gid)
            self.folder.chmod(0o750)
        else:
            self.folder.mkdir(exist_ok=True)

    def make_data(self, account: Account) -> None:
        """Create the data folder unless it is there."""
        make_private_folder(self.data, account)

    def make_socket(self, account: Account) -> Path:
        """Return where the socket shall be; only the server's user can get there."""
        places = (
            self.folder / "run",
            *short_sockets(self.home.project, account.uid, "-redis"),
        )
        path = make_socket_folder(places, account, SOCKET) / SOCKET
        path.unlink(missing_ok=True)
        return path

    def configure(self, socket: Path, extra: dict[str, str]) -> None:
        """Write the parameters to the file that Redis reads."""
        paths = {"dir": self.data, "unixsocket": socket, "pidfile": self._pid_file}
        parameters = {
            **{name: _quoted(os.fsencode(path)) for name, path in paths.items()},
            **_PARAMETERS,
            **extra,
        }
        written = self.configuration.with_suffix(".new")
        written.write_text(
            "# Written by Drystone at each start.\n"
            + "".join(f"{name} {value}\n" for name, value in parameters.items()),
            encoding="ascii",
        )
        written.chmod(0o644)
        written.replace(self.configuration)

    def note_started(self, started: Started) -> None:
        """Note that the start was completed."""
        text = f"{started.pid} {started.version} {started.socket}\n"
        self._started.write_text(text, encoding="utf-8", errors="surrogateescape")

    def forget_started(self) -> None:
        """Delete the note, and what a dead server left of its process id."""
        self._started.unlink(missing_ok=True)
        self._pid_file.unlink(missing_ok=True)

    def started(self) -> Started | None:
        """Return the running Redis if its start was completed; connects to nothing."""
        try:
            text = self._started.read_text(encoding="utf-8", errors="surrogateescape")
            pid, version, socket = text.rstrip("\n").split(" ", 2)
            found = Started(int(pid), version, Path(socket))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        # The project may have been moved, with its socket.
        if not lock.is_held(self.alive) or not found.socket.exists():
            return None
        return found

    def process(self) -> int | None:
        """Return the process id of a live Redis, ready or not; None without one."""
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        if not lock.is_held(self.alive):
            return None
        # A number alone is no reason to send a signal.
        owner, command = owner_and_command(pid) or (None, b"")
        ours = owner == self.data.stat().st_uid
        named = any(name in command for name in (b"redis-server", b"valkey-server"))
        return pid if ours and named else None

    def remove(self) -> None:
        """Delete everything; the caller holds the lock ``busy``, and nothing runs."""
        self._started.unlink(missing_ok=True)
        if self.data.exists():
            # In one step: what is half deleted must not look like data.
            self.data.rename(self._old_data)
        if not self.home.as_root:
            remove_empty(short_sockets(self.home.project, os.geteuid(), "-redis"))
        shutil.rmtree(self._old_data, ignore_errors=True)
        shutil.rmtree(self.folder)
        self.home.tidy()

    def clear(self) -> None:
        """Remove what a deletion left that was interrupted."""
        shutil.rmtree(self._old_data, ignore_errors=True)

    @property
    def _old_data(self) -> Path:
        return self.folder / "data.old"

    @property
    def _started(self) -> Path:
        return self.folder / "started"

    @property
    def _pid_file(self) -> Path:
        return self.data / "redis.pid"


def _quoted(value: bytes) -> str:
    """Write a path as a string of Redis's configuration, whatever bytes it has."""
    text = "".join(
        chr(byte) if chr(byte) in _PLAIN else f"\\x{byte:02x}" for byte in value
    )
    return f'"{text}"'
