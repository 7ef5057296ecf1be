"""What a trace tells of a migration: statement by statement, lock by lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drystone.errors import DrystoneError
from drystone.review.locks import LockMode


@dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock on something that was there before the migration.

    ``object`` is schema-qualified; ``kind`` is the catalog's word: table, index,
    sequence, view, materialized view, foreign table, partitioned table. ``seconds`` is
    how long it was held: from the end of the statement that took it, plus that
    statement's own time, to the end of the transaction.
    """

    object: str
    kind: str
    mode: LockMode
    seconds: float


@dataclass(frozen=True, slots=True)
class StatementTrace:
    """One statement: its own time, and what it did to what was there before.

    ``locks`` are those that it took (a stronger mode on the same object counts again),
    ``under`` the dangerous ones that earlier statements still held while it ran.
    ``scanned`` counts rows by table.
    """

    text: str
    line: int
    seconds: float
    locks: Sequence[HeldLock] = ()
    under: Sequence[HeldLock] = ()
    rewritten: Sequence[str] = ()
    indexes_built: Sequence[str] = ()
    scanned: dict[str, int] = field(default_factory=dict)

    @property
    def strongest(self) -> LockMode | None:
        """The strongest lock that it took."""
        return max(
            (each.mode for each in self.locks), key=lambda m: m.rank, default=None
        )


@dataclass(frozen=True, slots=True)
class MigrationTrace:
    """One migration as it ran; ``statements`` end where there was an error.

    ``seconds`` are those of its statements. ``rollback`` is its way back, as it ran on
    the same database; empty if there is none. ``rows`` is how many the tables got that
    were empty before it: fewer than asked for if it failed on more.
    """

    id: str
    system: str
    statements: Sequence[StatementTrace]
    seconds: float
    error: DrystoneError | None = None
    rollback: Sequence[StatementTrace] = ()
    rollback_error: DrystoneError | None = None
    rows: int = 0
