"""The user that the server runs as.

PostgreSQL refuses to run as root. A plain user's server runs as that user; root's runs
as the system user ``drystone``, which owns nothing but the data of such servers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drystone.embedded.wheel import ELSEWHERE
from drystone.errors import EmbeddedServerError

if sys.platform != "win32":
    import pwd

NAME = "drystone"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAM_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to run PostgreSQL's programs as; ``foreign`` if that is somebody else."""

    name: str
    uid: int
    gid: int
    foreign: bool

    def run(
        self, arguments: Sequence[str | Path], *, keep_open: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; stdout holds everything it said.

        ``keep_open`` are descriptors that it inherits, for the locks they hold.
        """
        return self._run(arguments, keep_open, subprocess.PIPE, session=False)

    def launch(
        self, arguments: Sequence[str | Path], *, keep_open: Sequence[int], output: int
    ) -> None:
        """Start a program that outlives this process, in a session of its own.

        A shell between the two exits at once. So the program is nobody's child here:
        it leaves no zombie behind in a process that lives for long.
        """
        shell = ["/bin/sh", "-c", '"$@" &', "sh", *arguments]
        self._run(shell, keep_open, output, session=True)

    def _run(
        self,
        arguments: Sequence[str | Path],
        keep_open: Sequence[int],
        output: int,
        *,
        session: bool,
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                arguments,
                user=self.uid if self.foreign else None,
                group=self.gid if self.foreign else None,
                extra_groups=[] if self.foreign else None,
                # Not the caller's: that user may not reach it.
                cwd="/",
                # Not the caller's: PGDATA, PGPORT, LC_* and others would have effects.
                env={"PATH": _SYSTEM_PATH, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=session,
                pass_fds=keep_open,
                check=False,
                text=True,
                errors="replace",
                timeout=_PROGRAM_TIMEOUT,
            )
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(
                f"{arguments[0]} did not end within {_PROGRAM_TIMEOUT:.0f} seconds",
                hint="Is the disk overloaded, or the machine suspended? Run again.",
            ) from error
        except OSError as error:
            raise EmbeddedServerError(
                f"{arguments[0]} cannot be run as the user {self.name}:"
                f" {error.strerror}",
                hint="A container may forbid changing users: run as a plain user, or"
                f" {ELSEWHERE}."
                if self.foreign
                else "Is the file system mounted with noexec?",
            ) from error


def find_account() -> Account:
    """Return the user for a new server; root creates the system user if need be.

    Raises EmbeddedServerError if there is no such user and none can be created.
    """
    uid = os.geteuid()
    if uid != 0:
        # initdb looks its own user up and fails without an answer.
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            raise EmbeddedServerError(
                f"the user id {uid} has no name: it is not in /etc/passwd, and"
                " PostgreSQL needs it there",
                hint="Run as a user that exists (a container's `--user` may name one"
                f" that does not), or {ELSEWHERE}.",
            ) from None
        return Account(name, uid, os.getegid(), foreign=False)
    account = _lookup() or _create()
    if account.uid == 0:
        raise EmbeddedServerError(
            f"the user {NAME} is root under another name, and PostgreSQL refuses to"
            " run as root",
            hint=f"Give {NAME} a user id of its own, or {ELSEWHERE}.",
        )
    return account


def user_name(uid: int) -> str:
    """Return a user's name, or its number if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"with id {uid}"


def _lookup() -> Account | None:
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        return None
    return Account(NAME, entry.pw_uid, entry.pw_gid, foreign=True)


def _create() -> Account:
    path = f"{os.environ.get('PATH', '')}{os.pathsep}{_SYSTEM_PATH}"
    useradd = shutil.which("useradd", path=path)
    ways_out = (
        f"Create a system user named {NAME}, run Drystone as a plain user, or"
        f" {ELSEWHERE}."
    )
    if useradd is None:
        raise EmbeddedServerError(
            f"PostgreSQL refuses to run as root, and the user {NAME} for it cannot be"
            " created: there is no useradd",
            hint=ways_out,
        )
    done = subprocess.run(
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir=/nonexistent",
            "--shell=/usr/sbin/nologin",
            NAME,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    # Another process may have created it at the same time: what counts is the result.
    if (account := _lookup()) is None:
        raise EmbeddedServerError(
            f"PostgreSQL refuses to run as root, and the user {NAME} for it cannot be"
            f" created: {done.stderr.strip()}",
            hint=ways_out,
        )
    return account
