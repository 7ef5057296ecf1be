"""PostgreSQL servers of a test's own: to restart, kill, copy and follow.

The server that all tests share must stay up, and runs without fsync. One of these is
listened to on 127.0.0.1, so that a proxy can stand in front of it, and on a socket.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

from psycopg.conninfo import make_conninfo

from drystone.embedded.account import Account, find_account
from drystone.embedded.home import STATE, make_root_folder, share_programs
from drystone.embedded.wheel import find_wheel

_PARAMETERS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}


class Cluster:
    """A data folder and its server; ``parameters`` win over the usual ones.

    Everything lies in ``folder``, which belongs to the user that the server runs as.
    """

    def __init__(self, folder: Path, **parameters: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.port = free_port()
        self.parameters = {**_PARAMETERS, **parameters}
        self._account = find_account()
        wheel = find_wheel()
        if self._account.foreign:
            make_root_folder(STATE)
            wheel = share_programs(wheel, timeout=60)
        self._wheel = wheel

    def initialise(self) -> None:
        """Make the data folder, of a superuser ``postgres`` without a password."""
        self.run(
            "initdb",
            f"--pgdata={self.data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        flags = {
            **self.parameters,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in flags.items())
        self.run(
            "pg_ctl", "-D", self.data, "-l", self.log, "-w", "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``smart``, ``fast``, or ``immediate`` as a crash would."""
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def is_running(self) -> bool:
        """Tell whether the server has a process."""
        return (self.data / "postmaster.pid").exists()

    def url(self, database: str = "postgres", *, port: int | None = None) -> str:
        """Return conninfo over TCP, by the port of a proxy if there is one."""
        return make_conninfo(
            "",
            host="127.0.0.1",
            port=self.port if port is None else port,
            user="postgres",
            dbname=database,
        )

    def run(self, program: str, *arguments: str | Path) -> CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's user; it must succeed."""
        done = self._account.run([self._wheel.binary(program), *arguments])
        told = self.log.read_text(errors="replace") if self.log.exists() else ""
        assert done.returncode == 0, f"{done.stdout}\n{told[-4000:]}"
        return done

    def copy(self, name: str, **parameters: str) -> Cluster:
        """Return a base backup of the running server, not started, beside it."""
        folder = self.folder.with_name(f"{self.folder.name}-{name}")
        _make_folder(folder, self._account)
        copied = Cluster(folder, **{**self.parameters, **parameters})
        self.run(
            "pg_basebackup",
            f"--dbname={self.url()}",
            f"--pgdata={copied.data}",
            "--checkpoint=fast",
            "--no-sync",
        )
        return copied

    def make_folder(self, name: str) -> Path:
        """Make a folder beside the data that the server can write to."""
        folder = self.folder / name
        _make_folder(folder, self._account)
        return folder

    def follow(self, name: str, **parameters: str) -> Cluster:
        """Return a standby that streams from this server, started."""
        standby = self.copy(name, primary_conninfo=self.url(), **parameters)
        signal = standby.data / "standby.signal"
        signal.touch()
        os.chown(signal, self._account.uid, self._account.gid)
        standby.start()
        return standby


@contextmanager
def opened_cluster(**parameters: str) -> Iterator[Cluster]:
    """Lend a running server; it goes with its copies when the block ends.

    Under /tmp, since pytest's own folders are closed to the server's user.
    """
    base = Path(tempfile.mkdtemp(prefix="drystone-", dir="/tmp"))
    base.chmod(0o755)
    folder = base / "primary"
    account = find_account()
    _make_folder(folder, account)
    cluster = Cluster(folder, **parameters)
    try:
        cluster.initialise()
        cluster.start()
        yield cluster
    finally:
        for data in base.glob("*/data"):
            if (data / "postmaster.pid").exists():
                cluster.run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(base)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def _make_folder(folder: Path, account: Account) -> None:
    folder.mkdir(mode=0o700)
    if account.foreign:
        os.chown(folder, account.uid, account.gid)
