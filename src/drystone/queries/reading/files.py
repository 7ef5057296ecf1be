"""Folders of named queries: one area for each file, named by its path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drystone.errors import QueryError
from drystone.queries.reading.lexer import Query, read_queries

# Below such a folder lie scripts of seed data, not named queries.
SEED_FOLDER = "seed"


@dataclass(frozen=True, slots=True)
class Area:
    """The queries of a file: ``sql/events/search.sql`` is the area events.search."""

    names: tuple[str, ...]
    folder: Path
    path: Path
    queries: tuple[Query, ...]

    @property
    def name(self) -> str:
        """The area's name, as it stands before its queries' names."""
        return ".".join(self.names)


def read_areas(folders: Iterable[Path], *, systems: Iterable[str] = ()) -> list[Area]:
    """Read the files of queries in the folders, of all systems or of some.

    Files without a named query are left out. Raises QueryError with the place of what
    cannot be read.
    """
    wanted = set(systems)
    areas = []
    for folder in folders:
        if not folder.is_dir():
            raise QueryError(
                f"there is no folder of queries at {folder}",
                hint="Name another one with --queries DIR.",
            )
        for path in query_files(folder):
            names = path.relative_to(folder).with_suffix("").parts
            if not wanted or names[0] in wanted:
                areas.append(Area(names, folder, path, tuple(read_queries(path))))
    unknown = wanted - {area.names[0] for area in areas}
    if unknown:
        raise QueryError(
            f"there are no queries of {min(unknown)}",
            hint="A system is a folder below the folder of queries.",
        )
    return [area for area in areas if area.queries]


def query_files(folder: Path) -> Iterator[Path]:
    """Return the files of named queries below a folder, sorted by path."""
    for path in sorted(folder.rglob("*.sql")):
        if SEED_FOLDER not in path.relative_to(folder).parts[:-1]:
            yield path
