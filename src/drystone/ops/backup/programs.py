"""PostgreSQL's own programs: found on the PATH or in the embedded server, and run."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from drystone.embedded.wheel import find_wheel
from drystone.errors import BackupError, EmbeddedServerError, SettingsError
from drystone.settings import without_password

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_DEBIAN = Path("/usr/lib/postgresql")
# Further lines of an error may quote rows, and such a line does.
_ERROR = re.compile(r"^pg_\w+: error: (.*)$", re.MULTILINE)
_VALUE = re.compile(r"(invalid input [^:]*):.*")
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with client programs of one version of PostgreSQL."""

    folder: Path
    version: int

    @contextmanager
    def running(
        self,
        program: str,
        arguments: Sequence[str | Path],
        *,
        conninfo: str | None = None,
        options: str = "",
        keep_open: Sequence[int] = (),
    ) -> Iterator[Running]:
        """Run a program beside a block, which waits for it; it does not outlive it.

        A password reaches it by its environment, never by its arguments.
        """
        environment = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "drystone"}
        connection: list[str] = []
        if conninfo is not None:
            parts = conninfo_to_dict(conninfo)
            if parts.get("password"):
                environment["PGPASSWORD"] = str(parts["password"])
            joined = " ".join(filter(None, [str(parts.get("options") or ""), options]))
            shown = make_conninfo(without_password(conninfo), options=joined or None)
            connection = ["--no-password", f"--dbname={shown}"]
        with tempfile.TemporaryFile() as told:
            process = subprocess.Popen(
                [self.folder / program, *connection, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                pass_fds=keep_open,
            )
            try:
                yield Running(program, process, told)
            finally:
                _end(process)

    def run(
        self,
        program: str,
        arguments: Sequence[str | Path],
        *,
        conninfo: str | None = None,
        options: str = "",
        keep_open: Sequence[int] = (),
    ) -> str:
        """Run a program to its end and return what it said. Raises BackupError."""
        with self.running(
            program,
            arguments,
            conninfo=conninfo,
            options=options,
            keep_open=keep_open,
        ) as running:
            return running.wait()


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was started."""

    program: str
    process: subprocess.Popen[bytes]
    told: IO[bytes]

    def wait(self) -> str:
        """Wait for the end and return what it said. Raises BackupError."""
        code = self.process.wait()
        self.told.seek(0)
        said = self.told.read().decode(errors="replace")
        if code == 0:
            return said
        reasons = [_VALUE.sub(r"\1", line) for line in _ERROR.findall(said)]
        reason = "; ".join(reasons[:5]) or f"it ended with {code}"
        raise BackupError(
            f"{self.program} failed: {reason}",
            hint="Free disk space and run again." if "No space left" in said else None,
        )


def find_programs(version: int, *, program: str = "pg_dump") -> Programs:
    """Return the oldest client programs that are of this major version or newer.

    pg_dump refuses a server that is newer than itself. Raises SettingsError if there
    are none.
    """
    found: dict[int, Path] = {}
    for folder in _folders():
        major = _version_of(folder / program)
        if major is not None:
            found.setdefault(major, folder)
    if fit := [major for major in found if major >= version]:
        return Programs(found[min(fit)], min(fit))
    known = ", ".join(f"{major} in {found[major]}" for major in sorted(found))
    raise SettingsError(
        f"{program} of PostgreSQL {version} or newer is needed;"
        f" found: {known or 'none'}",
        hint=f"Install the client programs (postgresql-client-{version}), and have"
        " them on the PATH.",
    )


def _folders() -> Iterator[Path]:
    for entry in os.get_exec_path():
        yield Path(entry)
    yield from sorted(_DEBIAN.glob("*/bin"))
    with suppress(EmbeddedServerError):
        yield find_wheel().binary("pg_dump").parent


def _version_of(program: Path) -> int | None:
    if not os.access(program, os.X_OK):
        return None
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=False
    )
    match = _VERSION.search(done.stdout)
    return int(match[1]) if match and done.returncode == 0 else None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
