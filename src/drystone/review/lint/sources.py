"""Everything that lint reads, and what of it cannot be read.

What is malformed, a file or a query, is a finding, and never keeps the others from
being read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drystone.errors import BadInput, DrystoneError, Location, QueryError
from drystone.migrations.files import (
    REPEATABLE_FOLDER,
    ROLLBACK_SUFFIX,
    Migration,
    SqlFile,
)
from drystone.queries.reading.files import Area, query_files
from drystone.queries.reading.lexer import Query, each_query
from drystone.review.lint.findings import Finding, Rule, Severity

UNREADABLE = Rule(
    "unreadable-file",
    Severity.ERROR,
    "The file is not UTF-8, or a query in it cannot be read.",
    "Correct it at the place that the message names; the others were linted.",
)
OUT_OF_ORDER = Rule(
    "unknown-order",
    Severity.ERROR,
    "Nobody can tell when a migration is applied: its name or a dependency is wrong.",
    "Give each migration a name of its own, and depend on names that exist.",
)
RULES = (UNREADABLE, OUT_OF_ORDER)

# Other tools' ways back, beside Drystone's: they are no migrations.
_WAYS_BACK = (ROLLBACK_SUFFIX, ".down.sql")
_HEADER = re.compile(r"^\s*--\s*name\s*:", re.MULTILINE)


@dataclass(slots=True)
class Sources:
    """Migrations in the order in which they apply, areas of queries, and all files."""

    migrations: list[Migration] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    files: list[SqlFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_sources(
    migrations: Iterable[Path], queries: Iterable[Path], others: Iterable[Path] = ()
) -> Sources:
    """Read folders of migrations, of queries, and other files that may be either.

    Of the others, a file with a ``-- name:`` is one of queries; where there are
    migrations among them, those in the folders are left out. Raises BadInput for a
    folder that does not exist.
    """
    reader = _Reader()
    for path in others:
        file = reader.read(path)
        if file is not None and _HEADER.search(file.text):
            reader.add_area(file, path.parent)
        elif file is not None:
            reader.add_migration(file)
    for folder in _existing(migrations) if not reader.found else ():
        for path in _migration_files(folder):
            file = reader.read(path)
            if file is not None:
                reader.add_migration(file)
    for folder in _existing(queries):
        for path in query_files(folder):
            file = reader.read(path)
            if file is not None:
                reader.add_area(file, folder)
    reader.sources.migrations = reader.in_order()
    return reader.sources


def _existing(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise BadInput(
                f"there is no folder at {folder}",
                hint="Name others with --migrations DIR and --queries DIR.",
            )
        yield folder


def _migration_files(folder: Path) -> Iterator[Path]:
    """Return a folder's files, those that run again whenever they change at the end."""
    repeatable = f"{REPEATABLE_FOLDER}/*.sql"
    again = {*folder.glob(repeatable), *folder.glob(f"*/{repeatable}")}
    yield from sorted({*folder.glob("*.sql"), *folder.glob("*/*.sql")} - again)
    yield from sorted(again)


def _depends(migration: Migration) -> list[str]:
    """Return what a migration depends on; none if its head cannot be read."""
    try:
        return sorted(migration.depends)
    except DrystoneError:
        return []


class _Reader:
    def __init__(self) -> None:
        self.sources = Sources()
        self.found: dict[str, Migration] = {}
        self.files: dict[Path, SqlFile | None] = {}

    def read(self, path: Path) -> SqlFile | None:
        """Read a file that was not read before, or note why it cannot be read."""
        if path in self.files:
            return None
        self.files[path] = None
        try:
            file = SqlFile.read(path)
        except DrystoneError as problem:
            self._note(UNREADABLE, problem, path)
            return None
        except OSError as problem:
            refused = DrystoneError(f"the file cannot be read: {problem.strerror}")
            self._note(UNREADABLE, refused, path)
            return None
        self.files[path] = file
        self.sources.files.append(file)
        return file

    def add_area(self, file: SqlFile, folder: Path) -> None:
        names = file.path.relative_to(folder).with_suffix("").parts
        queries: list[Query] = []
        for found in each_query(file.text, path=file.path):
            if isinstance(found, QueryError):
                self._note(UNREADABLE, found, file.path)
            else:
                queries.append(found)
        if queries:
            self.sources.areas.append(Area(names, folder, file.path, tuple(queries)))

    def add_migration(self, file: SqlFile) -> None:
        if file.path.name.endswith(_WAYS_BACK):
            return
        name, system = file.path.stem, file.path.parent.name
        if system == REPEATABLE_FOLDER:
            system = file.path.parents[1].name
            name = f"{system}/{name}"
        migration = Migration(name, system, file, down=self._way_back(file))
        other = self.found.setdefault(migration.id, migration)
        if other is not migration:
            message = f"another migration is called {migration.id}: {other.up.path}"
            self._note(OUT_OF_ORDER, DrystoneError(message), file.path)

    def in_order(self) -> list[Migration]:
        """Return the migrations by name, each behind what it depends on.

        What repeats runs last, in the order in which it was found.
        """
        ordered: dict[str, Migration] = {}

        def enter(migration: Migration, waiting: Sequence[str]) -> None:
            for name in _depends(migration):
                if name in waiting or name not in self.found:
                    circle = " -> ".join((*waiting, name))
                    message = (
                        f"migrations depend on each other: {circle}"
                        if name in waiting
                        else f"{migration.id} depends on {name}, which does not exist"
                    )
                    self._note(OUT_OF_ORDER, DrystoneError(message), migration.up.path)
                elif name not in ordered:
                    enter(self.found[name], (*waiting, name))
            ordered.setdefault(migration.id, migration)

        for name in sorted(self.found, key=lambda name: ("/" in name, name)):
            enter(self.found[name], (name,))
        return list(ordered.values())

    def _way_back(self, file: SqlFile) -> SqlFile | None:
        """Return the file beside a migration; by its name it was read before."""
        return self.files.get(file.path.with_suffix(ROLLBACK_SUFFIX))

    def _note(self, rule: Rule, problem: DrystoneError, path: Path) -> None:
        self.sources.findings.append(
            Finding(
                rule,
                problem.location or Location(path, 1),
                rule.severity,
                ". ".join(filter(None, (problem.message, problem.hint))),
            )
        )
