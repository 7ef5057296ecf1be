"""Views and functions that are created anew whenever their file changes.

They lie in ``migrations/<system>/repeatable/``, say CREATE OR REPLACE, and run behind
the migrations, in the order in which they build on each other: a file that names what
another one creates comes after it, and runs again when that one changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from psycopg import Connection

from drystone.errors import Location, MigrationError
from drystone.migrations import execution
from drystone.migrations.attempts import Bench, in_attempts
from drystone.migrations.files import REPEATABLE_FOLDER, Migration, SqlFile
from drystone.migrations.history import Entry, State
from drystone.migrations.statements import created_by, named_in

_STORED = "SELECT r.id, r.checksum, r.applied_at FROM public._drystone_repeatable AS r"
_EXISTS = "SELECT pg_catalog.to_regclass('public._drystone_repeatable') IS NOT NULL"

_RECORD = """
INSERT INTO public._drystone_repeatable AS r (id, checksum)
VALUES (%s, %s)
ON CONFLICT (id) DO UPDATE
SET
    checksum = EXCLUDED.checksum,
    applied_at = EXCLUDED.applied_at
"""


def read_repeatables(folders: Iterable[Path]) -> list[Migration]:
    """Read the repeatable files of the folders, in the order in which they run.

    Raises MigrationError for a file that does not parse, that cannot run in a
    transaction, or that others build on and that builds on them.
    """
    found: dict[str, Migration] = {}
    for folder in folders:
        for path in sorted(
            [
                *folder.glob(f"{REPEATABLE_FOLDER}/*.sql"),
                *folder.glob(f"*/{REPEATABLE_FOLDER}/*.sql"),
            ]
        ):
            file, system = SqlFile.read(path), path.parents[1].name
            if not file.in_one_go:
                raise MigrationError(
                    "a repeatable file runs in a transaction, and this one cannot",
                    location=Location(path, 1),
                )
            name = f"{system}/{path.stem}"
            found[name] = Migration(name, system, up=file, down=None)
    builds_on = _builds_on(found)
    try:
        order = list(TopologicalSorter(builds_on).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise MigrationError(
            f"repeatable files build on each other: {circle}",
            location=Location(found[error.args[1][0]].up.path, 1),
        ) from None
    return [found[name] for name in order]


def read_states(
    connection: Connection[Any], repeatables: Sequence[Migration]
) -> list[Entry]:
    """Tell which are pending: their text, or one that they build on, is not as it ran.

    Writes nothing.
    """
    stored: dict[str, tuple[str, datetime]] = {}
    if repeatables and connection.execute(_EXISTS).fetchone() == (True,):
        rows = connection.execute(_STORED).fetchall()
        stored = {name: (checksum, at) for name, checksum, at in rows}
    builds_on = _builds_on({each.id: each for each in repeatables})
    due: set[str] = set()
    entries = []
    for each in repeatables:
        checksum, applied_at = stored.get(each.id, (None, None))
        if checksum != each.up.checksum or builds_on[each.id] & due:
            due.add(each.id)
        state = State.PENDING if each.id in due else State.APPLIED
        entries.append(Entry(each.id, each.system, state, applied_at, each))
    return entries


def changed(
    connection: Connection[Any], repeatables: Sequence[Migration]
) -> list[Migration]:
    """Return those whose text is not what was run last, and all that build on them."""
    entries = read_states(connection, repeatables)
    due = {entry.id for entry in entries if entry.state is State.PENDING}
    return [each for each in repeatables if each.id in due]


def run(bench: Bench, repeatable: Migration) -> None:
    """Run a file and record what it said, in one transaction."""

    def work() -> None:
        execution.run(bench.connection, repeatable.up)
        bench.connection.execute(_RECORD, [repeatable.id, repeatable.up.checksum])

    in_attempts(bench, repeatable, work)
    bench.connection.execute("RESET ALL")


def _builds_on(found: dict[str, Migration]) -> dict[str, set[str]]:
    creators = {
        name: each.id
        for each in found.values()
        for statement in each.up.statements
        for name in created_by(statement)
    }
    result: dict[str, set[str]] = {}
    for each in found.values():
        names = {n for s in each.up.statements for n in named_in(s)}
        needed = {creators[name] for name in names if name in creators}
        result[each.id] = needed - {each.id}
    return result
