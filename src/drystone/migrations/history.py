"""The files against the ledger: what is applied, pending, and what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection

from drystone.errors import HistoryError, Location
from drystone.migrations import ledger
from drystone.migrations.files import Migration
from drystone.migrations.statements import without_comments


class State(StrEnum):
    """Where a migration stands."""

    APPLIED = "applied"
    PENDING = "pending"
    LATE = "late"  # pending, but one behind it is applied
    COMMENTED = "commented"  # applied; since then only its comments were edited
    EDITED = "edited"
    RENAMED = "renamed"  # pending under a new name, applied under the old one
    MISSING = "missing"


IS_APPLIED = {State.APPLIED, State.COMMENTED, State.EDITED, State.MISSING}


@dataclass(frozen=True, slots=True)
class Entry:
    """One migration of the files, of the ledger, or of both.

    ``former`` is the name that a renamed migration was applied under.
    """

    id: str
    system: str
    state: State
    applied_at: datetime | None
    migration: Migration | None
    former: str | None = None


def read_history(
    connection: Connection[Any], migrations: Sequence[Migration]
) -> list[Entry]:
    """Classify every migration, in the order in which they apply.

    A row of the ledger whose system has no files here belongs to another project on
    the same database and is left out. Writes nothing.
    """
    systems = {migration.system for migration in migrations}
    rows = {row.id: row for row in ledger.applied(connection)}
    gone = {
        row.checksum: row.id
        for row in rows.values()
        if row.system in systems and row.id not in {m.id for m in migrations}
    }
    entries: list[Entry] = []
    last_applied = _last_applied(migrations, rows.keys())
    for position, m in enumerate(migrations):
        row = rows.pop(m.id, None)
        if row is not None:
            state = State.APPLIED
            if row.checksum not in (None, m.up.checksum):
                state = _edited(connection, m)
            entries.append(Entry(m.id, m.system, state, row.applied_at, m))
        elif former := gone.get(m.up.checksum):
            moved = rows.pop(former)
            entries.append(
                Entry(m.id, m.system, State.RENAMED, moved.applied_at, m, former)
            )
        else:
            late = position < last_applied.get(m.system, -1)
            state = State.LATE if late else State.PENDING
            entries.append(Entry(m.id, m.system, state, None, m))
    missing = [
        Entry(row.id, row.system, State.MISSING, row.applied_at, None)
        for row in rows.values()
        if row.system in systems
    ]
    return entries + missing


def as_document(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return what ``drystone status --json`` prints."""
    return {
        "migrations": [
            {
                "id": entry.id,
                "system": entry.system,
                "state": entry.state.value,
                "applied_at": entry.applied_at and entry.applied_at.isoformat(sep=" "),
            }
            for entry in entries
        ]
    }


def check(entries: Sequence[Entry], *, out_of_order: bool = False) -> None:
    """Raise HistoryError if the files cannot be what was applied.

    Edited, renamed and missing files are refused, and so is, unless ``out_of_order``, a
    pending migration that comes before one of its system that is applied already.
    """
    for entry in entries:
        place = Location(entry.migration.up.path, 1) if entry.migration else None
        if entry.state is State.EDITED:
            raise HistoryError(
                f"{entry.id} was edited after it was applied",
                location=place,
                hint="Restore the file and write the change as a new migration; or, if "
                f"the database has it by other means: drystone repair {entry.id} "
                "--reason WHY",
            )
        if entry.state is State.RENAMED:
            raise HistoryError(
                f"{entry.id} is applied already, under the name {entry.former}",
                location=place,
                hint=f"Name it so again, or: drystone repair {entry.id} --reason WHY",
            )
        if entry.state is State.MISSING:
            raise HistoryError(
                f"{entry.id} is applied, but its file is gone",
                hint=f"Restore it (drystone show {entry.id} prints what was applied), "
                f"or roll it back: drystone rollback {entry.system}",
            )
        if entry.state is State.LATE and not out_of_order:
            raise HistoryError(
                f"{entry.id} is out of order: a later one is applied already",
                location=place,
                hint="Give the file a number behind the last one applied, or allow it: "
                "--out-of-order",
            )


def _last_applied(migrations: Sequence[Migration], applied: Any) -> dict[str, int]:
    """Return, for each system, the position of the last migration that is applied."""
    return {m.system: i for i, m in enumerate(migrations) if m.id in applied}


def _edited(connection: Connection[Any], migration: Migration) -> State:
    """Tell an edit of the comments from one of the statements."""
    up, _ = ledger.stored(connection, migration.id)
    same = without_comments(up) == without_comments(migration.up.text)
    return State.COMMENTED if same else State.EDITED
