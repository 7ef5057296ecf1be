"""Where a project's servers live on disk: PostgreSQL, and Redis beside it.

A plain user's is ``.drystone/`` in the project. Root's is a folder of its own under
``/var/lib/drystone/``: the server's user may not be able to reach the project, and no
permission of a folder that Drystone did not create is ever changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from drystone.embedded import lock
from drystone.embedded.account import Account, user_name
from drystone.embedded.wheel import Wheel, require_platform
from drystone.errors import EmbeddedServerError

STATE = Path("/var/lib/drystone")

# sockaddr_un holds 104 bytes on macOS, 108 on Linux, the closing zero included.
_LONGEST_SOCKET = 103
_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one project's server; what is inside ``folder`` is Drystone's."""

    project: Path
    folder: Path
    as_root: bool

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "postgres"

    @property
    def new_data(self) -> Path:
        """A data folder that initdb has not finished."""
        return self.folder / "postgres.new"

    @property
    def old_data(self) -> Path:
        """A data folder that is being deleted."""
        return self.folder / "postgres.old"

    @property
    def configuration(self) -> Path:
        """The server parameters, written at each start."""
        return self.folder / "postgresql.conf"

    @property
    def log(self) -> Path:
        """What the server says; the one before is beside it, with ``.1``."""
        return self.folder / "postgres.log"

    @property
    def old_log(self) -> Path:
        """The log before the current one."""
        return self.folder / "postgres.log.1"

    @property
    def busy(self) -> Path:
        """The lock of whoever starts, stops or deletes the server."""
        return self.folder / "busy.lock"

    @property
    def alive(self) -> Path:
        """The lock that every process of the server holds while it lives."""
        return self.folder / "alive.lock"

    @property
    def started(self) -> Path:
        """Process id and version of the server whose start was completed."""
        return self.folder / "started"

    @property
    def redis(self) -> Path:
        """The files of the project's Redis, which has a lock of its own."""
        return self.folder / "redis"

    @property
    def pointer(self) -> Path:
        """In the project: where root's server is."""
        return self.project / ".drystone" / "location"

    def prepare(self, account: Account) -> None:
        """Create the folder; one that exists is left alone. Raises OSError."""
        if self.as_root:
            make_root_folder(STATE)
            make_root_folder(STATE / "projects")
            make_root_folder(self.folder)
            # The server's user reads its configuration there, and writes nothing.
            os.chown(self.folder, 0, account.gid)
            self.folder.chmod(0o750)
        else:
            _make_project_folder(self.folder)

    def leave_pointer(self) -> None:
        """Note in the project where root's server is; a read-only project does too."""
        with suppress(OSError):
            _make_project_folder(self.pointer.parent)
            self.pointer.write_text(f"{self.folder}\n", encoding="utf-8")

    def remove(self) -> None:
        """Delete everything; the caller holds the lock, and nothing runs."""
        if self.data.exists():
            # In one step: what is half deleted must not look like data.
            self.data.rename(self.old_data)
        if not self.as_root:
            remove_empty(short_sockets(self.project, os.geteuid()))
        for tree in (self.old_data, self.new_data, self.folder / "run"):
            if tree.exists():
                shutil.rmtree(tree)
        for file in (
            self.started,
            self.configuration,
            self.old_log,
            self.log,
            self.alive,
            self.busy,
        ):
            file.unlink(missing_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Delete the folder, and what points to it, once no server has files there."""
        if self.as_root:
            with suppress(OSError):
                self.folder.rmdir()
            if not self.folder.exists():
                self.pointer.unlink(missing_ok=True)
        marked = self.pointer.parent
        if marked.is_dir() and [path.name for path in marked.iterdir()] == [
            ".gitignore"
        ]:
            shutil.rmtree(marked)

    def make_sockets(self, account: Account) -> Path:
        """Return the folder for the socket; only the server's user can enter it.

        That is one in the project, or, where its path would be too long for a socket
        or for a connection string, one with a short name among the temporary files.
        """
        places = (
            self.folder / "run",
            *short_sockets(self.project, account.uid),
        )
        return make_socket_folder(places, account, _SOCKET)


def short_sockets(project: Path, uid: int, kind: str = "") -> tuple[Path, ...]:
    """Return folders with short names for the project's sockets; creates nothing."""
    name = f"drystone-{uid}-{_digest(project)}{kind}"
    return (
        Path(tempfile.gettempdir()) / name,
        Path("/tmp") / name,  # noqa: S108 - verified to be ours and private
    )


def make_socket_folder(places: Sequence[Path], account: Account, socket: str) -> Path:
    """Make the first folder that can hold a socket of this name, and return it."""
    path = next(path for path in places if _holds(path, socket))
    make_private_folder(path, account)
    return path


def remove_empty(folders: Sequence[Path]) -> None:
    """Delete those of the folders that exist and are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def find_home(project: Path) -> Home:
    """Return where the project's server lives for the current user; creates nothing.

    Raises EmbeddedServerError if the project has one already that belongs to another
    user, or that was made for another folder.
    """
    project = project.resolve()
    plain = Home(project, project / ".drystone", as_root=False)
    owner = _owner(plain.data)
    if owner is not None and owner != os.geteuid():
        raise EmbeddedServerError(
            f"the embedded server of {project} belongs to the user"
            f" {user_name(owner)}, not to {user_name(os.geteuid())}:"
            f" {plain.data} is theirs",
            hint=f"Run as the user {user_name(owner)}; `drystone db reset`, run by"
            " them, deletes that server and its data.",
        )
    elsewhere = _read_pointer(plain.pointer)
    if os.geteuid() != 0:
        if elsewhere is not None and owner is None:
            raise EmbeddedServerError(
                f"the embedded server of {project} was started by root; its data is in"
                f" {elsewhere}",
                hint="Run as root; `drystone db reset`, run by root, deletes that"
                " server and its data.",
            )
        return plain
    if owner is not None:
        raise EmbeddedServerError(
            f"the data folder {plain.data} belongs to root, and PostgreSQL refuses to"
            " run as root",
            hint="Give .drystone/ back to the user whose project it is (chown), and run"
            " as that user.",
        )
    folder = STATE / "projects" / f"{_slug(project)}-{_digest(project)}"
    if elsewhere is not None and elsewhere != folder:
        raise EmbeddedServerError(
            f"{project} was moved or copied: its embedded server was made for another"
            f" folder, and its data is in {elsewhere}",
            hint=f"Move the project back, or delete {plain.pointer} to begin with an"
            " empty database here.",
        )
    return Home(project, folder, as_root=True)


@contextmanager
def entered(project: Path, *, setting: str) -> Iterator[Home]:
    """Yield where the project's servers live, for a block that works on their files.

    Raises EmbeddedServerError, with the place, when the file system refuses something;
    ``setting`` is the one that names another server.
    """
    require_platform()
    place = project
    try:
        home = find_home(project)
        place = home.folder
        yield home
    except OSError as error:
        raise EmbeddedServerError(
            f"the embedded server's files cannot be used:"
            f" {error.strerror or error}: {error.filename or place}",
            hint="Make that place writable for the current user, free some space,"
            f" or set {setting} to another server.",
        ) from error


def share_programs(wheel: Wheel, *, timeout: float) -> Wheel:
    """Copy the programs, once for a version, to where the server's user finds them."""
    with shared_programs(timeout=timeout) as runtime:
        return wheel.copy(runtime / wheel.version)


@contextmanager
def shared_programs(*, timeout: float) -> Iterator[Path]:
    """Hold root's folder of programs that every user can run.

    Root's virtual environment may be out of the server's user's reach. The folder
    ``STATE`` must exist.
    """
    runtime = STATE / "runtime"
    make_root_folder(runtime)
    with lock.hold(runtime / "busy.lock", timeout=timeout):
        yield runtime


def make_root_folder(path: Path) -> None:
    """Create a folder that only root can write to, or check that it is one."""
    try:
        path.mkdir(mode=0o755)
        path.chmod(0o755)
    except FileExistsError:
        status = path.lstat()
        if (
            not stat.S_ISDIR(status.st_mode)
            or status.st_uid != 0
            or status.st_mode & 0o022
        ):
            raise EmbeddedServerError(
                f"{path} is not a folder that only root can write to, and programs are"
                " run from there",
                hint=f"See whose it is, and move it away, or correct it: `chown root"
                f" {path} && chmod 755 {path}`.",
            ) from None


def make_private_folder(path: Path, account: Account) -> None:
    """Create a folder that only the account can enter, or check that it is one."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = path.lstat()
    if account.foreign and status.st_uid == 0 and stat.S_ISDIR(status.st_mode):
        # Just made, in a folder that only root writes to.
        os.chown(path, account.uid, account.gid)
        status = path.lstat()
    if (
        not stat.S_ISDIR(status.st_mode)
        or status.st_uid != account.uid
        or status.st_mode & 0o077
    ):
        raise EmbeddedServerError(
            f"{path} is not a private folder of the user {account.name} (it belongs"
            f" to the user {user_name(status.st_uid)}, mode"
            f" {stat.S_IMODE(status.st_mode):o}); a server there would not be private",
            hint="See what it is and delete it, or set TMPDIR to a folder of your own.",
        )


def _make_project_folder(path: Path) -> None:
    try:
        path.mkdir()
    except FileExistsError:
        return
    # Data is nothing to commit.
    (path / ".gitignore").write_text("*\n", encoding="utf-8")
    if os.geteuid() == 0:
        # Root leaves nothing in a user's project that the user cannot delete.
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _holds(folder: Path, socket: str) -> bool:
    """Tell whether clients can be told of a socket in this folder.

    libpq's ``host`` is a list, separated by commas, and psycopg reads a URL as UTF-8.
    """
    path = str(folder / socket)
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(encoded) <= _LONGEST_SOCKET and path.isprintable() and "," not in path


def _read_pointer(pointer: Path) -> Path | None:
    """Return the folder that the pointer names, if there is such a folder."""
    try:
        folder = Path(pointer.read_text(encoding="utf-8").strip())
    except OSError:
        return None
    return folder if folder.is_absolute() and folder.is_dir() else None


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


def _slug(project: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-")[:24] or "project"


def _digest(project: Path) -> str:
    return hashlib.sha256(os.fsencode(project)).hexdigest()[:12]
