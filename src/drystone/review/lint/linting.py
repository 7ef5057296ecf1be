"""Migrations and queries, linted together: rules, comments, sizes and releases.

By default each migration is a release of its own: any earlier one may have been applied
long ago, and its tables be full. With a revision, the migrations that came since are
one release; the rest is history, which only says what is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drystone.errors import BadInput, MigrationError
from drystone.migrations.files import Migration, SqlFile
from drystone.review.lint import advice, ignores, migrations, queries, sources, squawk
from drystone.review.lint.findings import Finding
from drystone.review.lint.hazards import breaking, columns, indexes, maintenance
from drystone.review.lint.ignores import Names, silenced
from drystone.review.lint.migrations import lint_migrations
from drystone.review.lint.queries import lint_queries, writing
from drystone.review.lint.sizes import Sizes, adjusted
from drystone.review.lint.sources import Sources, read_sources
from drystone.review.revisions import changed_since

RULES = (
    *sources.RULES,
    *migrations.RULES,
    *advice.RULES,
    *queries.RULES,
    *ignores.RULES,
)

_NAMES = Names(RULES, known=squawk.OPT_IN)

# What breaks or loses something does so in a small table as well.
_AT_ANY_SIZE = {
    *breaking.RULES,
    *writing.RULES,
    columns.JSON,
    columns.REQUIRED,
    indexes.ON_PARTITIONED,
    maintenance.CASCADES,
}


@dataclass(frozen=True, slots=True)
class Linted:
    """What was found, by file and line, and what was looked at."""

    findings: list[Finding]
    files: list[Path]
    migrations: int
    queries: int


def lint(
    folders: Sequence[Path],
    query_folders: Sequence[Path],
    *,
    paths: Sequence[Path] = (),
    since: str | None = None,
    sizes: Sizes | None = None,
    service_role: str | None = None,
) -> Linted:
    """Lint folders of migrations and of queries, or what lies at some paths.

    Paths inside the folders choose what is reported; others are read with the files
    beside them, migrations there instead of those in the folders. Raises BadInput for a
    path without SQL files, a folder that does not exist and a revision that git does
    not know, and DrystoneError where squawk is missing.
    """
    paths = [path.resolve() for path in paths]
    folders = [folder.resolve() for folder in folders]
    query_folders = [folder.resolve() for folder in query_folders]
    known = [*folders, *query_folders]
    foreign = [path for path in paths if not _lies_in(path, known)]
    read = read_sources(folders, query_folders, _beside(foreign))
    _check_paths(paths, read)
    changed = changed_since(since, [*known, *foreign]) if since is not None else None

    def is_wanted(path: Path) -> bool:
        chosen = not paths or _lies_in(path, paths)
        return chosen and (changed is None or path in changed)

    release = {each.id for each in read.migrations if each.up.path in (changed or ())}
    linted = lint_migrations(read.migrations, release=release)
    found = [
        *read.findings,
        *linted.findings,
        *_ask_squawk(read.migrations, release),
        *lint_queries(
            read.areas,
            linted.schema,
            service_role=service_role,
            sizes=sizes or Sizes(),
        ),
    ]
    sized = [
        each if each.rule in _AT_ANY_SIZE else adjusted(each, sizes or Sizes())
        for each in found
    ]
    left = silenced(sized, read.files, _NAMES)
    return Linted(
        _in_order(each for each in left if is_wanted(each.location.file)),
        [file.path for file in read.files if is_wanted(file.path)],
        sum(is_wanted(each.up.path) for each in read.migrations),
        sum(len(each.queries) for each in read.areas if is_wanted(each.path)),
    )


def _beside(paths: Iterable[Path]) -> Iterator[Path]:
    """Return the SQL files below folders, and those in the folders of files."""
    for path in paths:
        found = path.rglob("*.sql") if path.is_dir() else path.parent.glob("*.sql")
        yield from sorted(found)


def _check_paths(paths: Iterable[Path], read: Sources) -> None:
    known = [each.path for each in read.files]
    known += [each.location.file for each in read.findings]
    for path in paths:
        if not any(each.is_relative_to(path) for each in known):
            raise BadInput(
                f"lint reads nothing at {path}",
                hint="It reads *.sql: migrations, and queries that have a name.",
            )


def _ask_squawk(
    migrations: Sequence[Migration], release: Collection[str]
) -> list[Finding]:
    """Let squawk read the migrations that parse; not the ways back."""
    sound = [each for each in migrations if _parses(each.up)]
    together = [
        statement
        for each in sound
        if each.id in release
        for statement in each.up.statements
    ]
    made = squawk.made_by(together)
    created = {
        each.up.path: made if each.id in release else squawk.made_by(each.up.statements)
        for each in sound
    }
    return squawk.check([each.up for each in sound], created=created)


def _parses(file: SqlFile) -> bool:
    try:
        read = (file.statements, file.transactional)
    except MigrationError:
        return False
    return bool(read)


def _lies_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by place; the same said twice of a place is said once."""
    places = {
        (str(f.location.file), f.location.line, f.rule.name, f.message): f
        for f in reversed(list(findings))
    }
    return [places[place] for place in sorted(places)]
