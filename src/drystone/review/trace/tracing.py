"""Tracing migrations: up, down and up again on a scratch database with rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

from drystone.database.scratch import scratch_database
from drystone.database.sqlstates import translated
from drystone.errors import (
    DatabaseUnavailable,
    DrystoneError,
    Location,
    MigrationError,
)
from drystone.migrations import execution
from drystone.migrations.attempts import Bench
from drystone.migrations.files import (
    Migration,
    predecessors,
    with_dependencies,
)
from drystone.migrations.runner import Silent, runner
from drystone.review.trace.recorder import Recorder
from drystone.review.trace.rows import fill
from drystone.review.trace.traces import MigrationTrace, StatementTrace
from drystone.settings import Settings

ROWS = 1000

_DATA_REFUSED = "23"


def trace(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    systems: Sequence[str] = (),
    only: Collection[str] | None = None,
    rows: int = ROWS,
    told: Callable[[MigrationTrace], None] = lambda _: None,
) -> list[MigrationTrace]:
    """Trace migrations, in order, on a database made for it and dropped after.

    With ``only``, the ids to trace, the others are just applied. Tables hold about
    ``rows`` rows. ``told`` hears of each trace when it is made. A migration that fails
    is told by its trace, and the next ones are tried all the same. Raises
    MigrationError for a system or an id that does not exist.
    """
    chosen = with_dependencies(migrations, systems)
    wanted = {migration.id for migration in chosen}
    if only is not None:
        _check_known(only, wanted)
        wanted &= set(only)
    last = max((n for n, each in enumerate(chosen) if each.id in wanted), default=-1)
    with ExitStack() as stack:
        tracer = _Tracer(stack, conninfo, settings, chosen[: last + 1], rows)
        traces = []
        for number, migration in enumerate(tracer.migrations):
            if migration.id in wanted:
                traces.append(tracer.trace(number))
                told(traces[-1])
            else:
                tracer.apply(migration)
    return traces


class _Tracer:
    """Migrations traced one after the other, on as many databases as it takes."""

    def __init__(
        self,
        stack: ExitStack,
        conninfo: str,
        settings: Settings,
        migrations: Sequence[Migration],
        rows: int,
    ) -> None:
        self.migrations = migrations
        self._stack = stack
        self._conninfo = conninfo
        self._settings = settings
        self._rows = rows
        self._filled: set[int] = set()
        self._failed: set[str] = set()
        self._bench = self._scratch()

    def apply(self, migration: Migration) -> None:
        """Apply a migration without looking; one that fails is left out."""
        self._fill()
        if _attempt(migration, lambda: execution.apply(self._bench, migration)):
            self._failed.add(migration.id)

    def trace(self, number: int) -> MigrationTrace:
        """Trace a migration where all before it was applied."""
        migration, rows = self.migrations[number], self._rows
        statements, error = self._record(migration)
        for fewer in (1, 0):
            # The rows are made up, and may break what it asks of them; locks show
            # without rows too.
            if error is not None and _is_about_data(error) and self._rows > fewer:
                self._rows = fewer
                self._rebuild(number)
                statements, error = self._record(migration)
        had, self._rows = self._rows, rows  # for the tables that come after it
        rollback: Sequence[StatementTrace] = ()
        rollback_error = None
        if error is not None:
            self._failed.add(migration.id)
            self._name_cause(migration, error)
        elif migration.down is not None:
            rollback, rollback_error = self._way_back(number)
        return MigrationTrace(
            migration.id,
            migration.system,
            statements,
            sum(each.seconds for each in statements),
            error,
            rollback,
            rollback_error,
            rows=had,
        )

    def _record(
        self, migration: Migration
    ) -> tuple[Sequence[StatementTrace], DrystoneError | None]:
        self._fill()
        recorder = Recorder(self._bench)
        error = _attempt(
            migration, lambda: execution.apply(self._bench, migration, recorder)
        )
        return recorder.statements, error

    def _way_back(
        self, number: int
    ) -> tuple[Sequence[StatementTrace], DrystoneError | None]:
        """Trace the rollback, and leave the migration applied."""
        migration = self.migrations[number]
        self._fill()
        recorder = Recorder(self._bench)

        def down_and_up() -> None:
            execution.roll_back(self._bench, migration, recorder)
            execution.apply(self._bench, migration)

        error = _attempt(migration, down_and_up)
        if error is not None:
            self._rebuild(number + 1)
        return recorder.statements, error

    def _fill(self) -> None:
        if self._rows:
            fill(self._bench.connection, filled=self._filled, rows=self._rows)

    def _rebuild(self, number: int) -> None:
        """Begin anew, with the first migrations applied."""
        self._stack.close()
        self._filled.clear()
        self._bench = self._scratch()
        for migration in self.migrations[:number]:
            self.apply(migration)

    def _scratch(self) -> Bench:
        scratch = scratch_database(self._conninfo, self._settings)
        conninfo = self._stack.enter_context(scratch)
        return self._stack.enter_context(runner(conninfo, self._settings, Silent()))

    def _name_cause(self, migration: Migration, error: DrystoneError) -> None:
        """Tell of a migration that was built on and failed before."""
        before = set(predecessors(migration, self.migrations)) & self._failed
        if before:
            error.hint = f"It builds on {min(before)}, which failed before it."


def _attempt(migration: Migration, work: Callable[[], None]) -> DrystoneError | None:
    """Return the error of a migration; raises if it is the server that fails."""
    try:
        with translated():
            work()
    except DatabaseUnavailable:
        raise
    except DrystoneError as error:
        error.location = error.location or Location(migration.up.path, 1)
        return error
    return None


def _is_about_data(error: DrystoneError) -> bool:
    return (error.sqlstate or "").startswith(_DATA_REFUSED)


def _check_known(only: Collection[str], known: Collection[str]) -> None:
    for name in sorted(set(only) - set(known)):
        raise MigrationError(
            f"there is no migration called {name} to trace",
            hint="drystone status lists them all.",
        )
