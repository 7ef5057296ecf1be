"""Setting the ledger right where no SQL is to run.

Each change is logged in the ledger with its reason: who reads the history later sees
that a row was set by hand, by whom and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import MigrationError
from drystone.migrations import ledger
from drystone.migrations.attempts import Progress
from drystone.migrations.files import Migration
from drystone.migrations.history import IS_APPLIED, Entry, State, read_history
from drystone.migrations.runner import choose, runner
from drystone.settings import Settings

_REPAIRED = {State.COMMENTED, State.EDITED, State.MISSING, State.RENAMED}


def adopt(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    progress: Progress,
) -> list[str]:
    """Keep the text of what yoyo applied, as it stands in the files now.

    From then on an edited file is noticed. Returns the ids.
    """
    with runner(conninfo, settings, progress) as bench, bench.connection.transaction():
        rows = {row.id: row for row in ledger.applied(bench.connection)}
        unknown = [m for m in migrations if m.id in rows and not rows[m.id].checksum]
        for migration in unknown:
            ledger.store(bench.connection, migration)
            ledger.log(bench.connection, migration.id, "mark", comment="adopted")
    return [migration.id for migration in unknown]


def baseline(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    progress: Progress,
    systems: Sequence[str] = (),
    to: str | None = None,
) -> list[str]:
    """Record migrations as applied, without running them: the database has it already.

    All that are not applied, of all systems or of some, up to ``to``. Returns the ids.
    """
    chosen = choose(migrations, systems=systems, to=to)
    with runner(conninfo, settings, progress) as bench, bench.connection.transaction():
        applied = {row.id for row in ledger.applied(bench.connection)}
        new = [migration for migration in chosen if migration.id not in applied]
        for migration in new:
            ledger.record(
                bench.connection, migration, operation="mark", comment="baseline"
            )
    return [migration.id for migration in new]


def repair(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    progress: Progress,
    ids: Sequence[str],
    reason: str,
) -> list[Entry]:
    """Make the ledger agree with the files, for the migrations named.

    An edited one is taken as applied the way it stands now, a renamed one gets its new
    name, a missing one is forgotten. Returns what was repaired. Raises MigrationError
    for an id that needs no repair; nothing is changed then.
    """
    with runner(conninfo, settings, progress) as bench, bench.connection.transaction():
        entries = {e.id: e for e in read_history(bench.connection, migrations)}
        for name in ids:
            if name not in entries or entries[name].state not in _REPAIRED:
                raise MigrationError(
                    f"{name} needs no repair",
                    hint="drystone status shows what is edited, renamed or missing.",
                )
        chosen = [entries[name] for name in ids]
        for entry in chosen:
            _repair(bench.connection, entry)
            ledger.log(bench.connection, entry.id, "repair", comment=reason)
    return chosen


def show(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    migration_id: str,
) -> tuple[str, str | None]:
    """Return a migration's text, up and down: as applied, or else as in its file."""
    with translated(), connect(conninfo, settings) as connection:
        entries = {e.id: e for e in read_history(connection, migrations)}
        entry = entries.get(migration_id)
        if entry is None:
            raise MigrationError(
                f"there is no migration called {migration_id}",
                hint="drystone status lists them all.",
            )
        if entry.state in IS_APPLIED:
            return ledger.stored(connection, migration_id)
    found = entry.migration
    if found is None:
        raise AssertionError("a migration that is not applied comes from a file")
    return found.up.text, found.down.text if found.down else None


def _repair(connection: Connection[Any], entry: Entry) -> None:
    if entry.migration is None:
        ledger.forget(connection, entry.id)
        return
    if entry.former is not None:
        ledger.rename(connection, entry.former, entry.migration)
    ledger.store(connection, entry.migration)
