"""The embedded server: start, stop, status."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from drystone.embedded import cluster, lock, postmaster
from drystone.embedded.account import Account, find_account
from drystone.embedded.home import Home, entered, share_programs
from drystone.embedded.wheel import Wheel, find_wheel
from drystone.errors import EmbeddedServerError

DATABASE = "drystone"
USER = "postgres"

START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
STOP_PATIENCE = 30.0
# A first start copies files and runs initdb; a slow disk takes its time.
LOCK_TIMEOUT = 300.0

_LARGE_LOG = 16 * 1024 * 1024
_POLL = 0.005

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of a project's server without connecting to it."""

    running: bool
    pid: int | None
    version: str | None
    data: Path
    log: Path
    url: str | None
    started_at: datetime | None


class EmbeddedServer:
    """The private PostgreSQL of one project.

    ``parameters`` are server parameters beyond the usual ones, such as
    ``{"fsync": "off"}`` for tests; they count from the next start. Nothing happens
    before a method is called. Every method raises EmbeddedServerError, which says what
    to do next, and leaves the data as it was. Processes and threads may call them at
    the same time.
    """

    def __init__(
        self, project: Path, *, parameters: Mapping[str, str] | None = None
    ) -> None:
        self._project = project.absolute()
        self._parameters = dict(parameters or {})

    def start(self) -> str:
        """Start the server unless it runs, and return the URL of its database.

        The first start makes the data folder, in about a second, and the project's
        folder if need be.
        """
        with self._home() as home:
            if (running := _completed(home)) is not None:
                return _url(running)
            wheel, account = find_wheel(), find_account()
            home.project.mkdir(parents=True, exist_ok=True)
            with lock.hold(
                home.busy,
                timeout=LOCK_TIMEOUT,
                prepare=lambda: home.prepare(account),
            ) as busy:
                if (running := _completed(home)) is not None:
                    return _url(running)
                if account.foreign:
                    wheel = share_programs(wheel, timeout=LOCK_TIMEOUT)
                    home.leave_pointer()
                return self._start(home, wheel, account, busy)

    def stop(self) -> bool:
        """Stop the server; its sessions end, their transactions are rolled back.

        Returns True if it ran, when its last process is gone.
        """
        with self._home() as home:
            if not home.busy.exists():
                return False
            with (
                suppress(FileNotFoundError),
                lock.hold(home.busy, timeout=LOCK_TIMEOUT),
            ):
                return _stop(home)
            # Deleted meanwhile, by another process.
            return False

    def status(self) -> ServerStatus:
        """Return whether the server runs and where its files are; starts nothing."""
        with self._home() as home:
            running = postmaster.find_ready(home)
            return ServerStatus(
                running=running is not None,
                pid=running.pid if running else None,
                version=_version(home, running),
                data=home.data,
                log=home.log,
                url=_url(running) if running else None,
                started_at=running.started_at if running else None,
            )

    def url(self) -> str:
        """Return the URL of the running server's database; starts nothing."""
        with self._home() as home:
            running = postmaster.find_ready(home)
            if running is None:
                raise EmbeddedServerError(
                    f"the embedded server of {home.project} is not running",
                    hint="Run `drystone db start`.",
                )
            return _url(running)

    def reset(self) -> None:
        """Stop the server and delete this project's data; the next start is a first."""
        with self._home() as home:
            if not home.folder.is_dir():
                return
            with (
                suppress(FileNotFoundError),
                lock.hold(home.busy, timeout=LOCK_TIMEOUT),
            ):
                _stop(home)
                home.remove()

    def binary(self, name: str) -> Path:
        """Return the path of one of PostgreSQL's programs, such as ``psql``."""
        return find_wheel().binary(name)

    @property
    def log(self) -> Path:
        """The file that the server logs to."""
        with self._home() as home:
            return home.log

    def _home(self) -> AbstractContextManager[Home]:
        """Find the server's files; say where, if the file system refuses something."""
        return entered(self._project, setting="DATABASE_URL")

    def _start(self, home: Home, wheel: Wheel, account: Account, busy: int) -> str:
        began = time.monotonic()
        version = cluster.server_version(wheel, account)
        alive = _take_alive(home)
        if alive is None:
            # Whoever started it was killed before it was done.
            log_start = 0
        else:
            try:
                sync = self._parameters.get("fsync") != "off"
                cluster.initialise(
                    home, wheel, account, version=version, busy=busy, sync=sync
                )
                log_start = self._launch(home, wheel, account, alive)
            finally:
                os.close(alive)
        running = postmaster.wait_until_ready(
            home, timeout=START_TIMEOUT, log_start=log_start
        )
        try:
            _create_database(home, running)
            home.started.write_text(f"{running.pid} {version}\n", encoding="ascii")
        except BaseException:
            # Rather none than one without its database.
            postmaster.stop(home, timeout=STOP_TIMEOUT, patience=STOP_PATIENCE)
            raise
        logger.info(
            "started the embedded server, process %d, in %.2f seconds; data in %s",
            running.pid,
            time.monotonic() - began,
            home.data,
        )
        return _url(running)

    def _launch(self, home: Home, wheel: Wheel, account: Account, alive: int) -> int:
        """Run the server and return where its part of the log begins."""
        home.started.unlink(missing_ok=True)
        sockets = home.make_sockets(account)
        postmaster.clear_stale(home)
        postmaster.clear_stale_socket(sockets)
        cluster.write_configuration(home, sockets)
        if home.log.exists() and home.log.stat().st_size > _LARGE_LOG:
            home.log.replace(home.old_log)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        output = os.open(home.log, flags, 0o600)
        try:
            log_start = os.fstat(output).st_size
            account.launch(
                cluster.command(home, wheel, self._parameters),
                keep_open=[alive],
                output=output,
            )
        finally:
            os.close(output)
        return log_start


def _completed(home: Home) -> postmaster.Postmaster | None:
    """Return the running server if its start was completed: its database exists."""
    running = postmaster.find_ready(home)
    return running if _version(home, running) is not None else None


def _version(home: Home, running: postmaster.Postmaster | None) -> str | None:
    if running is None:
        return None
    try:
        pid, version = home.started.read_text(encoding="ascii").split()
    except (FileNotFoundError, ValueError):
        return None
    return version if pid == str(running.pid) else None


def _take_alive(home: Home) -> int | None:
    """Return the lock that a new server shall hold, or None if there is a server.

    A server that is just ending, or the last sessions of one that was killed, get time
    to be gone.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        if postmaster.find_ready(home) is not None:
            return None
        if (descriptor := lock.take(home.alive)) is not None:
            return descriptor
        if time.monotonic() >= deadline:
            raise postmaster.still_alive(
                home, START_TIMEOUT, "was neither ready nor gone"
            )
        time.sleep(_POLL)


def _stop(home: Home) -> bool:
    stopped = postmaster.stop(home, timeout=STOP_TIMEOUT, patience=STOP_PATIENCE)
    home.started.unlink(missing_ok=True)
    return stopped


def _create_database(home: Home, running: postmaster.Postmaster) -> None:
    try:
        with psycopg.connect(
            host=str(running.sockets),
            port=5432,
            user=USER,
            dbname="postgres",
            autocommit=True,
        ) as connection:
            found = connection.execute(
                sql.SQL("SELECT FROM pg_database WHERE datname = {}").format(DATABASE)
            )
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE))
                )
    except psycopg.Error as error:
        if (full := postmaster.disk_full(home.folder, str(error))) is not None:
            raise full from error
        raise EmbeddedServerError(
            f"the embedded server started, but its database {DATABASE} could not be"
            f" made: {error}",
            hint="Correct what the server names and run again; it was stopped.",
            sqlstate=error.sqlstate,
        ) from error


def _url(running: postmaster.Postmaster) -> str:
    """Return a URL for libpq; it names the port because PGPORT would count else."""
    host = quote(str(running.sockets), safe="/")
    return f"postgresql:///{DATABASE}?host={host}&port=5432&user={USER}"
