"""Migration files as yoyo lays them out: ``X.sql`` and ``X.rollback.sql`` beside it.

A folder holds migrations directly, or one subfolder for each system. Comments at the
head of a file may hold directives: ``-- depends: ID [ID ...]``,
``-- transactional: false``, ``-- irreversible: why`` and ``-- batch: …``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from drystone.errors import Location, MigrationError
from drystone.migrations.directives import read_directives
from drystone.migrations.statements import Statement, parse

ROLLBACK_SUFFIX = ".rollback.sql"
REPEATABLE_FOLDER = "repeatable"

_TRANSACTIONAL = {"true": True, "false": False}


@dataclass(frozen=True)
class SqlFile:
    """One file, up or down, with line endings normalised."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> SqlFile:
        """Read a file; raises MigrationError if it is not UTF-8."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise MigrationError(
                "the file is not UTF-8", location=Location(path, 1)
            ) from None
        return cls(path, text.replace("\r\n", "\n").replace("\r", "\n"))

    @cached_property
    def statements(self) -> list[Statement]:
        """The file's statements; raises MigrationError if it does not parse."""
        return parse(self.text, path=self.path)

    @cached_property
    def directives(self) -> dict[str, str]:
        """What the comments at the head of the file tell the runner."""
        return read_directives(self.text, path=self.path)

    @property
    def transactional(self) -> bool:
        """Whether the whole file runs in one transaction.

        The directive can only take the transaction away: a statement that PostgreSQL
        runs outside transactions needs none to say so.
        """
        value = self.directives.get("transactional", "true").lower()
        if value not in _TRANSACTIONAL:
            raise MigrationError(
                f"transactional is true or false, not {value!r}",
                location=Location(self.path, 1),
            )
        return _TRANSACTIONAL[value] and all(s.transactional for s in self.statements)

    @property
    def in_one_go(self) -> bool:
        """Whether it is applied wholly or not at all."""
        return self.transactional and "batch" not in self.directives

    @property
    def checksum(self) -> str:
        """The SHA-256 of what the file says."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Migration:
    """A migration: its name, its two files and what must be applied before it."""

    id: str
    system: str
    up: SqlFile
    down: SqlFile | None

    @property
    def hash(self) -> str:
        """The ledger's key: as in yoyo, the SHA-256 of the name."""
        return yoyo_hash(self.id)

    @property
    def depends(self) -> list[str]:
        """The ids that the file names as its dependencies."""
        return self.up.directives.get("depends", "").split()

    @property
    def irreversible(self) -> str | None:
        """Why the migration has no way back, if the file says so."""
        return self.up.directives.get("irreversible")


def yoyo_hash(migration_id: str) -> str:
    """Return the key of a migration in yoyo's tables."""
    return hashlib.sha256(migration_id.encode()).hexdigest()


def read_migrations(folders: Iterable[Path]) -> list[Migration]:
    """Read every migration of the folders, in the order in which they apply.

    That is the order of their names, except that what a migration depends on comes
    first. Raises MigrationError for a folder that does not exist, a name that occurs
    twice, a dependency that is unknown or circular, and a file that cannot be read.
    """
    found: dict[str, Migration] = {}
    for folder in folders:
        if not folder.is_dir():
            raise MigrationError(
                f"there is no folder of migrations at {folder}",
                hint="Name another one with --migrations DIR.",
            )
        for path in sorted([*folder.glob("*.sql"), *folder.glob("*/*.sql")]):
            repeatable = path.parent.name == REPEATABLE_FOLDER
            if repeatable or path.name.endswith(ROLLBACK_SUFFIX):
                continue
            migration = read_migration(path)
            if migration.id in found:
                raise MigrationError(
                    f"two migrations are called {migration.id}",
                    location=Location(path, 1),
                    hint=f"The other one is {found[migration.id].up.path}.",
                )
            found[migration.id] = migration
    return _in_order(found)


def with_dependencies(
    migrations: Sequence[Migration], systems: Iterable[str]
) -> list[Migration]:
    """Return the migrations of some systems and all that they build on, in order.

    Raises MigrationError for a system that no migration belongs to.
    """
    wanted = set(systems)
    if not wanted:
        return list(migrations)
    check_systems(migrations, wanted)
    by_id = {migration.id: migration for migration in migrations}
    chosen: set[str] = set()
    waiting = [m.id for m in migrations if m.system in wanted]
    while waiting:
        current = waiting.pop()
        if current not in chosen:
            chosen.add(current)
            waiting += predecessors(by_id[current], migrations)
    return [migration for migration in migrations if migration.id in chosen]


def check_systems(migrations: Sequence[Migration], systems: Iterable[str]) -> None:
    """Raise MigrationError for a system that no migration belongs to."""
    known = {migration.system for migration in migrations}
    for system in sorted(set(systems) - known):
        raise MigrationError(
            f"no migration belongs to a system called {system}",
            hint=f"There are: {', '.join(sorted(known)) or 'none at all'}.",
        )


def predecessors(migration: Migration, migrations: Sequence[Migration]) -> list[str]:
    """Return what comes directly before: dependencies, and the file before it."""
    earlier = [
        other.id
        for other in migrations
        if other.system == migration.system and other.id < migration.id
    ]
    return migration.depends + earlier[-1:]


def read_migration(path: Path) -> Migration:
    """Read one migration, up and down; its system is the folder's name."""
    rollback = path.with_name(path.name.removesuffix(".sql") + ROLLBACK_SUFFIX)
    return Migration(
        id=path.name.removesuffix(".sql"),
        system=path.parent.name,
        up=SqlFile.read(path),
        down=SqlFile.read(rollback) if rollback.is_file() else None,
    )


def _in_order(found: dict[str, Migration]) -> list[Migration]:
    ordered: dict[str, Migration] = {}
    entered: list[str] = []

    def enter(migration: Migration) -> None:
        if migration.id in ordered:
            return
        if migration.id in entered:
            circle = [*entered[entered.index(migration.id) :], migration.id]
            raise MigrationError(
                f"migrations depend on each other: {' -> '.join(circle)}",
                location=Location(migration.up.path, 1),
            )
        entered.append(migration.id)
        for name in sorted(migration.depends):
            if name not in found:
                raise MigrationError(
                    f"{migration.id} depends on {name}, which does not exist",
                    location=Location(migration.up.path, 1),
                    hint="Correct the name, or add its folder with --migrations.",
                )
            enter(found[name])
        entered.pop()
        ordered[migration.id] = migration

    for name in sorted(found):
        enter(found[name])
    return list(ordered.values())
