"""The embedded Redis: start, stop, status."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from drystone.embedded import lock, postmaster, redis_wire
from drystone.embedded.account import Account, find_account
from drystone.embedded.home import Home, entered
from drystone.embedded.redis_files import RedisFiles, Started
from drystone.embedded.redis_program import Program, find_client, find_server
from drystone.errors import EmbeddedServerError

START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
STOP_PATIENCE = 10.0
LOCK_TIMEOUT = 120.0

_LARGE_LOG = 16 * 1024 * 1024
_POLL = 0.005

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RedisStatus:
    """What is known of a project's Redis without connecting to it."""

    running: bool
    pid: int | None
    version: str | None
    data: Path
    log: Path
    url: str | None


class EmbeddedRedis:
    """The private Redis of one project, beside its PostgreSQL.

    What it acknowledged is on disk (``appendfsync always``); nothing is ever evicted.
    ``parameters`` are Redis's own, such as ``{"appendfsync": "no"}`` for tests; they
    count from the next start. Nothing happens before a method is called. Every method
    raises EmbeddedServerError, and leaves the data as it was. Processes and threads may
    call them at the same time.
    """

    def __init__(
        self, project: Path, *, parameters: Mapping[str, str] | None = None
    ) -> None:
        self._project = project.absolute()
        self._parameters = dict(parameters or {})

    def start(self) -> str:
        """Start Redis unless it runs, and return its URL, a ``unix://`` one."""
        return _url(self._started())

    def start_socket(self) -> Path:
        """Start Redis unless it runs, and return its socket."""
        return self._started().socket

    def stop(self) -> bool:
        """Stop Redis; True if it ran, when its last process is gone."""
        with self._home() as home:
            files = RedisFiles(home)
            if not files.busy.exists():
                return False
            with (
                suppress(FileNotFoundError),
                lock.hold(files.busy, timeout=LOCK_TIMEOUT),
            ):
                return _stop(files)
            # Deleted meanwhile, by another process.
            return False

    def status(self) -> RedisStatus:
        """Return whether it runs and where its files are; starts nothing."""
        with self._home() as home:
            files = RedisFiles(home)
            running = files.started()
            return RedisStatus(
                running=running is not None,
                pid=running.pid if running else None,
                version=running.version if running else None,
                data=files.data,
                log=files.log,
                url=_url(running) if running else None,
            )

    def reset(self) -> None:
        """Stop Redis and delete everything in it; the next start begins empty."""
        with self._home() as home:
            files = RedisFiles(home)
            if not files.folder.is_dir():
                return
            with (
                suppress(FileNotFoundError),
                lock.hold(files.busy, timeout=LOCK_TIMEOUT),
            ):
                _stop(files)
                files.remove()

    def client(self) -> Path:
        """Return the path of redis-cli."""
        return find_client().path

    def _home(self) -> AbstractContextManager[Home]:
        return entered(self._project, setting="REDIS_URL")

    def _started(self) -> Started:
        with self._home() as home:
            files = RedisFiles(home)
            if (running := files.started()) is not None:
                return running
            program, account = find_server(), find_account()
            home.project.mkdir(parents=True, exist_ok=True)
            with lock.hold(
                files.busy,
                timeout=LOCK_TIMEOUT,
                prepare=lambda: files.prepare(account),
            ):
                if (running := files.started()) is not None:
                    return running
                if account.foreign:
                    program = program.shared(timeout=LOCK_TIMEOUT)
                    home.leave_pointer()
                return self._start(files, program, account)

    def _start(self, files: RedisFiles, program: Program, account: Account) -> Started:
        began = time.monotonic()
        # Whoever started one that is not ready was killed: it is waited for, and gone.
        _stop(files)
        files.clear()
        files.make_data(account)
        socket = files.make_socket(account)
        files.forget_started()
        files.configure(socket, self._parameters)
        log_start = _launch(files, program, account)
        running = _wait_until_ready(files, socket, log_start)
        files.note_started(running)
        logger.info(
            "started the embedded Redis, process %d, in %.2f seconds; data in %s",
            running.pid,
            time.monotonic() - began,
            files.data,
        )
        return running


def _launch(files: RedisFiles, program: Program, account: Account) -> int:
    """Run the server and return where its part of the log begins."""
    alive = lock.take(files.alive)
    if alive is None:
        raise EmbeddedServerError(
            f"a process that is no Redis of this project holds {files.alive}",
            hint="`fuser` on that file names it; end it, and run again.",
        )
    try:
        if files.log.exists() and files.log.stat().st_size > _LARGE_LOG:
            files.log.replace(files.log.with_suffix(".log.1"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        output = os.open(files.log, flags, 0o600)
        try:
            log_start = os.fstat(output).st_size
            account.launch(
                [program.path, files.configuration], keep_open=[alive], output=output
            )
        finally:
            os.close(output)
    finally:
        os.close(alive)
    return log_start


def _wait_until_ready(files: RedisFiles, socket: Path, log_start: int) -> Started:
    deadline = time.monotonic() + START_TIMEOUT
    while (found := redis_wire.ready_version(socket)) is None:
        lines = postmaster.tail(files.log, log_start)
        if not lock.is_held(files.alive):
            raise postmaster.disk_full(files.folder, lines) or EmbeddedServerError(
                f"the embedded Redis ended while it started. The end of {files.log}:\n"
                f"{lines}",
                hint="Correct what the log names and run again; the data is untouched.",
            )
        if time.monotonic() >= deadline:
            raise EmbeddedServerError(
                f"the embedded Redis was not ready within {START_TIMEOUT:.0f} seconds."
                f" The end of {files.log}:\n{lines}",
                hint="It may be loading much data: run again.",
            )
        time.sleep(_POLL)
    pid, version = found
    return Started(pid, version, socket)


def _stop(files: RedisFiles) -> bool:
    """End every process of it; the caller holds the lock ``busy``.

    One that hangs for STOP_PATIENCE seconds is killed: what it acknowledged is on disk.
    """
    begin = time.monotonic()
    asked: signal.Signals | None = None
    while lock.is_held(files.alive):
        waited = time.monotonic() - begin
        wanted = signal.SIGTERM if waited < STOP_PATIENCE else signal.SIGKILL
        pid = files.process()
        if pid is not None and asked is not wanted:
            with suppress(ProcessLookupError):
                os.kill(pid, wanted)
                asked = wanted
        if waited >= STOP_TIMEOUT:
            raise EmbeddedServerError(
                f"the Redis of {files.data} did not end within {STOP_TIMEOUT:.0f}"
                " seconds",
                hint=f"See the end of {files.log}, and which processes hold"
                f" {files.alive} (`fuser` names them).",
            )
        time.sleep(_POLL)
    if files.folder.is_dir():
        files.forget_started()
    return asked is not None


def _url(running: Started) -> str:
    return f"unix://{quote(os.fsencode(running.socket), safe='/')}?db=0"
