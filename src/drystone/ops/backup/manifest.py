"""What a backup says of itself: manifest.json, and the checksums that guard it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from drystone.errors import BackupError

FORMAT = 1
NAME = "manifest.json"
CHECKSUM = "manifest.sha256"
CATALOG = "catalog.json"
DATA = "data"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rows(_Model):
    """A table's rows: how many, and a checksum that knows no order."""

    count: int
    checksum: str


class Range(_Model):
    """Where a sequence stood: its next value before the dump, and after it.

    Sequences keep to no snapshot: what the dump holds lies between the two.
    """

    low: int
    high: int


class Label(_Model):
    """A label of a graph: ``v`` for vertices or ``e`` for edges."""

    kind: str
    id: int
    rows: int


class Neighbour(_Model):
    """A row by its key, and its distance as PostgreSQL prints it."""

    key: str
    distance: str


class Probe(_Model):
    """The ten rows nearest to the first one, in the order of a vector index.

    Found without the index, whose own answers depend on how it was built.
    """

    table: str
    expression: str
    index_bytes: int
    neighbours: tuple[Neighbour, ...]


class Setting(_Model):
    """What ALTER DATABASE, or ALTER ROLE IN DATABASE, has set."""

    role: str | None
    name: str
    value: str


class Role(_Model):
    """A role that the database's objects and privileges name."""

    name: str
    bypassrls: bool
    member_of: tuple[str, ...]


class Locale(_Model):
    """What decides how a database sorts texts, and turns them to lower case.

    ``provider`` is as in pg_database: c for libc, i for ICU, b for builtin.
    """

    encoding: str
    provider: str
    collate: str
    ctype: str
    name: str | None


class Facts(_Model):
    """What is measured of a database's contents, in one snapshot."""

    locale: Locale
    owner: str
    tables: dict[str, Rows]
    sequences: dict[str, Range]
    graphs: dict[str, dict[str, Label]]
    probes: dict[str, Probe]
    extensions: dict[str, str]
    settings: tuple[Setting, ...]
    roles: tuple[Role, ...]
    migrations: tuple[str, ...]


class File(_Model):
    """A file of the backup."""

    size: int
    sha256: str


class Manifest(_Model):
    """All of manifest.json. ``facts`` are None for a physical backup."""

    format: int
    kind: Literal["logical", "physical"]
    database: str
    server: str
    program: str
    started: datetime
    finished: datetime
    facts: Facts | None
    files: dict[str, File]

    @property
    def size(self) -> int:
        """The bytes of all files that it lists."""
        return sum(file.size for file in self.files.values())


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Write the manifest with its checksum beside it, and return the checksum."""
    text = manifest.model_dump_json(indent=1).encode()
    checksum = hashlib.sha256(text).hexdigest()
    (folder / NAME).write_bytes(text)
    (folder / CHECKSUM).write_text(f"{checksum}  {NAME}\n", encoding="ascii")
    return checksum


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises BackupError if the folder holds none, or not the one that was written.
    """
    try:
        text = (folder / NAME).read_bytes()
        checksum = checksum_of(folder)
        if hashlib.sha256(text).hexdigest() != checksum:
            raise BackupError(
                f"{folder / NAME} is not what was written: its checksum differs",
                hint="Take another backup, or another copy of this one.",
            )
        return Manifest.model_validate_json(text)
    except FileNotFoundError as error:
        raise BackupError(
            f"{folder} is no backup: {Path(error.filename).name} is missing",
            hint="drystone backup list shows the backups that are whole.",
        ) from None
    except OSError as error:
        raise _unreadable(error) from error
    except ValidationError:
        raise BackupError(
            f"{folder / NAME} has a format that this Drystone does not know",
            hint=f"It reads format {FORMAT}; use the Drystone that wrote the backup.",
        ) from None


def checksum_of(folder: Path) -> str:
    """Return the manifest's checksum, which stands for the whole backup."""
    return (folder / CHECKSUM).read_text(encoding="ascii", errors="replace")[:64]


def sum_files(folder: Path, paths: Iterable[Path]) -> dict[str, File]:
    """Read files and return size and checksum by path below the folder."""
    ordered = sorted(paths)
    with ThreadPoolExecutor() as pool:  # hashing lets go of the interpreter
        sums = list(pool.map(_sum, ordered))
    return {
        path.relative_to(folder).as_posix(): file
        for path, file in zip(ordered, sums, strict=True)
    }


def find_damage(folder: Path, manifest: Manifest) -> list[str]:
    """Compare the files with the manifest; a sentence for each that differs."""
    expected = {folder / name: file for name, file in manifest.files.items()}
    damage = [f"{path} is missing" for path in expected if not path.is_file()]
    there = [path for path in expected if path.is_file()]
    for name, found in sum_files(folder, there).items():
        wanted = manifest.files[name]
        if found.size != wanted.size:
            damage.append(
                f"{folder / name} has {found.size:,} bytes instead of {wanted.size:,}"
            )
        elif found != wanted:
            damage.append(f"{folder / name} is corrupt: its checksum differs")
    return damage


def require_whole(folder: Path) -> Manifest:
    """Return the manifest of a backup whose every file is as it was written.

    Raises BackupError, which names the files that are not.
    """
    manifest = read_manifest(folder)
    try:
        damage = find_damage(folder, manifest)
    except OSError as error:
        raise _unreadable(error) from error
    if damage:
        raise BackupError(
            "; ".join(damage),
            hint="Nothing was restored. Take another backup or copy of this one.",
        )
    return manifest


def _unreadable(error: OSError) -> BackupError:
    return BackupError(
        f"{error.filename} cannot be read: {error.strerror}",
        hint="Backups belong to the user that made them.",
    )


def _sum(path: Path) -> File:
    with path.open("rb") as file:
        return File(
            sha256=hashlib.file_digest(file, "sha256").hexdigest(),
            size=file.tell(),
        )
