"""The folder of backups: each appears whole, under its name, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drystone.embedded import lock
from drystone.errors import BackupError
from drystone.ops.backup import manifest
from drystone.ops.backup.manifest import Manifest
from drystone.settings import Settings

_PARTIAL = ".partial"
_LOCK = "lock"
_VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Found:
    """A backup in the folder. ``verified`` is when a restore of it was equal."""

    path: Path
    manifest: Manifest
    verified: datetime | None


def backup_folder(settings: Settings, given: Path | None = None) -> Path:
    """Return where backups are kept."""
    found = given or settings.backup_folder
    return found if found is not None else settings.project / ".drystone" / "backups"


def find_backups(root: Path) -> list[Found]:
    """Return the backups of a folder, the newest first.

    One whose manifest cannot be read is left out, as is one that is being made.
    """
    found = []
    for path in root.iterdir() if root.is_dir() else ():
        if path.suffix == _PARTIAL or not path.is_dir():
            continue
        with suppress(BackupError):
            found.append(Found(path, manifest.read_manifest(path), verified_at(path)))
    return sorted(found, key=lambda each: each.manifest.started, reverse=True)


@contextmanager
def new_folder(root: Path, name: str) -> Iterator[tuple[Path, int]]:
    """Lend a folder to fill; it gets its name when the block ends without an error.

    With it comes the descriptor of a lock, for programs that write to the folder to
    inherit: while any of them lives, nobody takes the folder for a left-over. Raises
    BackupError for what the file system refuses; then nothing is left.
    """
    partial = root / f"{name}{_PARTIAL}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        clear_leftovers(root)
        partial.mkdir(mode=0o700)
        if (descriptor := lock.take(partial / _LOCK)) is None:
            raise FileExistsError(
                errno.EEXIST, "another backup is being written", str(partial)
            )
    except OSError as error:
        raise refused(root, error) from error
    try:
        yield partial, descriptor
        _sync(partial)
        partial.rename(root / name)
        (root / name / _LOCK).unlink()
        _sync_entry(root)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise refused(root, error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)


def clear_leftovers(root: Path) -> list[Path]:
    """Delete what killed runs have left, and return it."""
    leftovers = []
    for partial in root.glob(f"*{_PARTIAL}"):
        with suppress(FileNotFoundError):
            if (descriptor := lock.take(partial / _LOCK)) is not None:
                shutil.rmtree(partial, ignore_errors=True)
                os.close(descriptor)
                leftovers.append(partial)
    return leftovers


def delete(backup: Path) -> None:
    """Delete a backup; killed in between, it is a left-over and no backup."""
    partial = backup.with_name(f"{backup.name}{_PARTIAL}")
    try:
        backup.rename(partial)
        shutil.rmtree(partial)
    except OSError as error:
        raise refused(backup.parent, error) from error


def mark_verified(backup: Path) -> None:
    """Note beside the backup that it was restored and compared, and when."""
    path = backup / _VERIFIED
    path.write_text(datetime.now(UTC).isoformat() + "\n", encoding="ascii")
    _sync_entry(path)


def verified_at(backup: Path) -> datetime | None:
    """Return when the backup was last restored and found equal."""
    with suppress(OSError, ValueError):
        return datetime.fromisoformat((backup / _VERIFIED).read_text().strip())
    return None


def refused(root: Path, error: OSError) -> BackupError:
    """Return an error for what the file system refused."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return BackupError(
        f"{error.filename or root}: {error.strerror}",
        hint=f"Free space on the disk that holds {root}; nothing was left there."
        if full
        else f"Backups are written to {root}: may {os.geteuid()} write there?",
    )


def _sync(folder: Path) -> None:
    """Make sure that what the folder holds is on the disk."""
    for parent, _, files in os.walk(folder):
        for name in files:
            _sync_entry(Path(parent, name))
        _sync_entry(Path(parent))


def _sync_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
