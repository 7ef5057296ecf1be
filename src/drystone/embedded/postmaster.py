"""PostgreSQL's server process, as its pid file, its command line and its lock show it.

Asking costs no connection and no other program: a start that finds the server running
is done within a millisecond.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drystone.embedded import lock
from drystone.embedded.home import Home
from drystone.embedded.processes import owner_and_command
from drystone.errors import EmbeddedServerError

_POLL = 0.005
_TAIL = 15
_FULL = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What ``postmaster.pid`` says; it may be left over from a dead server."""

    pid: int
    data: Path
    started_at: datetime
    sockets: Path | None
    ready: bool


def read(data: Path) -> Postmaster | None:
    """Return what the pid file says, or None if it is missing or being written."""
    try:
        lines = (data / "postmaster.pid").read_text(errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None
    pid, folder, started, _port, sockets, _host, _memory, status, *_ = (
        *lines.splitlines(),
        *[""] * 8,
    )
    try:
        return Postmaster(
            pid=int(pid),
            data=Path(folder),
            started_at=datetime.fromtimestamp(int(started), UTC),
            sockets=Path(sockets) if sockets else None,
            ready=status.strip() == "ready",
        )
    except ValueError:
        return None


def find(home: Home) -> Postmaster | None:
    """Return the project's live server, ready or not; None if there is none."""
    found = read(home.data)
    if found is None or not lock.is_held(home.alive):
        return None
    return found if _is_server(found.pid, found.data, _uid(home)) else None


def find_ready(home: Home) -> Postmaster | None:
    """Return the project's server if it can be connected to."""
    found = find(home)
    if found is None or not found.ready or found.sockets is None:
        return None
    # The project may have been moved, with its socket.
    return found if (found.sockets / ".s.PGSQL.5432").exists() else None


def clear_stale(home: Home) -> None:
    """Remove what a dead server left; the caller holds the lock ``alive``.

    PostgreSQL itself takes a live process id for its own, whatever that process is:
    after a reboot, or in a container, ids begin anew and meet others.
    """
    found = read(home.data)
    if found is not None and _is_server(found.pid, home.data, _uid(home)):
        raise EmbeddedServerError(
            f"another PostgreSQL server, process {found.pid}, uses the data folder"
            f" {home.data}; Drystone did not start it",
            hint=f"Stop it: `pg_ctl stop -D {home.data}`.",
        )
    (home.data / "postmaster.pid").unlink(missing_ok=True)


def clear_stale_socket(sockets: Path) -> None:
    """Remove a dead server's socket and its lock, which names a process id too."""
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (sockets / name).unlink(missing_ok=True)


def wait_until_ready(home: Home, *, timeout: float, log_start: int) -> Postmaster:
    """Wait for a server that was launched; ``log_start`` is where its log begins."""
    deadline = time.monotonic() + timeout
    while (found := find_ready(home)) is None:
        if not lock.is_held(home.alive):
            raise died(home, log_start)
        if time.monotonic() >= deadline:
            raise EmbeddedServerError(
                f"the embedded server was not ready within {timeout:.0f} seconds; it"
                f" goes on starting. The end of {home.log}:\n"
                f"{tail(home.log, log_start)}",
                hint="After a crash it may need longer to recover: run again to wait"
                " on, or `drystone db stop`.",
            )
        time.sleep(_POLL)
    return found


def died(home: Home, log_start: int) -> EmbeddedServerError:
    """Return the error for a server that ended while it started."""
    lines = tail(home.log, log_start)
    if (full := disk_full(home.folder, lines)) is not None:
        return full
    return EmbeddedServerError(
        f"the embedded server ended while it started. The end of {home.log}:\n{lines}",
        hint="Correct what the log names and run again; the data is untouched.",
    )


def stop(home: Home, *, timeout: float, patience: float) -> bool:
    """Shut the server down, ending its sessions; True if there was one.

    Where a process of it hangs for ``patience`` seconds, it is made to end at once: it
    recovers from its log when it starts again. Returns when the last process is gone.
    The caller holds the lock ``busy``.
    """
    begin = time.monotonic()
    asked: signal.Signals | None = None
    while lock.is_held(home.alive):
        waited = time.monotonic() - begin
        wanted = signal.SIGINT if waited < patience else signal.SIGQUIT
        found = find(home)
        if found is not None and asked is not wanted:
            try:
                os.kill(found.pid, wanted)
            except ProcessLookupError:
                continue
            asked = wanted
        if waited >= timeout:
            raise still_alive(home, timeout, "did not end")
        time.sleep(_POLL)
    return asked is not None


def still_alive(home: Home, seconds: float, what: str) -> EmbeddedServerError:
    """Return the error for processes that keep the lock ``alive``."""
    found = read(home.data)
    which = "" if found is None else f" (its process id was or is {found.pid})"
    return EmbeddedServerError(
        f"the server of {home.data} {what} within {seconds:.0f} seconds{which}",
        hint=f"See the end of {home.log}, and which processes hold {home.alive}"
        " (`fuser` names them; they may be those of another container).",
    )


def disk_full(folder: Path, output: str) -> EmbeddedServerError | None:
    """Return an error if the output says that the disk is full."""
    if not any(reason in output for reason in _FULL):
        return None
    return EmbeddedServerError(
        f"the disk that holds {folder} is full:\n{output}",
        hint="Free some space (a new server needs about 60 MB) and run again; the data"
        " is untouched.",
    )


def tail(log: Path, start: int) -> str:
    """Return the log's last lines, none from before the position ``start``."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 16384))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(f"    {line}" for line in lines[-_TAIL:]) or "    (nothing)"


def _is_server(pid: int, data: Path, uid: int) -> bool:
    """Tell whether the process is a PostgreSQL server on this data folder.

    The pid file alone is no reason to believe so, let alone to send a signal.
    """
    if (found := owner_and_command(pid)) is None:
        return False
    owner, command = found
    # The server's main process keeps the command line that it was started with.
    words = command + b" "
    return (
        owner == uid
        and b"postgres" in words.split(b" -D ")[0]
        and b" -D " + os.fsencode(data) + b" " in words
    )


def _uid(home: Home) -> int:
    return home.data.stat().st_uid
