"""Planning and running: which migrations go up or down, in which order, and when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import HistoryError, MigrationError
from drystone.migrations import execution, ledger
from drystone.migrations.attempts import Bench, Progress
from drystone.migrations.blockers import Blocker
from drystone.migrations.files import (
    Migration,
    SqlFile,
    check_systems,
    predecessors,
    with_dependencies,
)
from drystone.migrations.history import IS_APPLIED, Entry, State, check, read_history
from drystone.migrations.lock import runner_lock
from drystone.migrations.losses import Loss, expected_losses
from drystone.migrations.repeatables import changed, read_states
from drystone.migrations.repeatables import run as run_repeatable
from drystone.settings import Settings


class Silent:
    """A progress that nobody watches."""

    def waiting(self, holder: str) -> None:
        """Say nothing."""

    def started(self, migration: Migration) -> None:
        """Say nothing."""

    def blocked(self, migration: Migration, blockers: Sequence[Blocker]) -> None:
        """Say nothing."""

    def finished(self, migration: Migration, seconds: float) -> None:
        """Say nothing."""


_SILENT = Silent()


@dataclass(frozen=True, slots=True)
class Done:
    """A migration that ran, and how long it took."""

    id: str
    seconds: float


def status(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    repeatables: Sequence[Migration] = (),
) -> list[Entry]:
    """Compare files and ledger; takes no lock and writes nothing."""
    with translated(), connect(conninfo, settings) as connection:
        return [
            *read_history(connection, migrations),
            *read_states(connection, repeatables),
        ]


def migrate(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    repeatables: Sequence[Migration] = (),
    progress: Progress = _SILENT,
    systems: Sequence[str] = (),
    to: str | None = None,
    out_of_order: bool = False,
    approve: Callable[[Sequence[Migration]], None] = lambda _: None,
) -> list[Done]:
    """Apply what is pending, of all systems or of some with what they build on.

    With ``to``, stop after that migration; otherwise the ``repeatables`` that changed
    run behind them. Several runners may start at once: each
    migration is applied once. ``approve`` is given what is about to run and may raise.
    Raises HistoryError before anything is changed if the files contradict the ledger,
    MigrationFailed for a statement that fails.
    """
    chosen = choose(migrations, systems=systems, to=to)
    with runner(conninfo, settings, progress) as bench:
        entries = read_history(bench.connection, migrations)
        check(entries, out_of_order=out_of_order)
        pending = {e.id for e in entries if e.state in (State.PENDING, State.LATE)}
        due = [migration for migration in chosen if migration.id in pending]
        approve(due)
        done = [_timed(execution.apply, bench, migration) for migration in due]
        if to is None:
            mine = [r for r in repeatables if not systems or r.system in systems]
            again = changed(bench.connection, mine)
            done += [_timed(run_repeatable, bench, each) for each in again]
        return done


def rollback(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    progress: Progress = _SILENT,
    systems: Sequence[str] = (),
    steps: int = 1,
    to: str | None = None,
    approve: Callable[[Sequence[Loss]], None] = lambda _: None,
) -> list[Done]:
    """Roll back the last ``steps`` migrations, or all that came after ``to``.

    What was edited or deleted since is rolled back by the text that was applied.
    ``approve`` is given the rows that would be lost and may raise. Raises, before
    anything is changed, HistoryError if another applied migration builds on one of
    them, and MigrationError if one has no way back.
    """
    with runner(conninfo, settings, progress) as bench:
        entries = read_history(bench.connection, migrations)
        check_systems(migrations, systems)
        chosen = [
            _as_applied(bench, entry)
            for entry in _to_roll_back(entries, systems=systems, steps=steps, to=to)
        ]
        _check_dependents(chosen, entries)
        for migration in chosen:
            execution.require_way_back(migration)
        approve(expected_losses(bench.connection, chosen))
        return [_timed(execution.roll_back, bench, migration) for migration in chosen]


def choose(
    migrations: Sequence[Migration], *, systems: Sequence[str], to: str | None
) -> list[Migration]:
    """Return what a run is about, in order, after parsing all of it.

    Raises MigrationError for a name that is unknown and a file that does not parse.
    """
    chosen = with_dependencies(migrations, systems)
    if to is not None:
        chosen = _up_to(chosen, to)
    for migration in chosen:
        _ = migration.up.transactional  # parses it: an error stops the whole run
    return chosen


@contextmanager
def runner(conninfo: str, settings: Settings, progress: Progress) -> Iterator[Bench]:
    """Lend what migrations are run with, under the runner's lock."""
    unhurried = settings.model_copy(update={"statement_timeout": 0.0})
    with (
        translated(),
        runner_lock(conninfo, unhurried, on_wait=progress.waiting),
        connect(conninfo, unhurried) as connection,
    ):
        ledger.create(connection)
        beside = partial(connect, conninfo, unhurried)
        yield Bench(connection, beside, settings, progress)


def _timed(
    run: Callable[[Bench, Migration], None], bench: Bench, migration: Migration
) -> Done:
    bench.progress.started(migration)
    begin = time.monotonic()
    run(bench, migration)
    seconds = time.monotonic() - begin
    bench.progress.finished(migration, seconds)
    return Done(migration.id, seconds)


def _up_to(migrations: Sequence[Migration], last: str) -> list[Migration]:
    """Keep a migration and all that comes before it in its systems."""
    by_id = {migration.id: migration for migration in migrations}
    if last not in by_id:
        raise MigrationError(
            f"there is no migration called {last}",
            hint="drystone status lists them all.",
        )
    wanted: set[str] = set()
    waiting = [last]
    while waiting:
        current = waiting.pop()
        if current not in wanted:
            wanted.add(current)
            waiting += predecessors(by_id[current], migrations)
    return [migration for migration in migrations if migration.id in wanted]


def _to_roll_back(
    entries: Sequence[Entry], *, systems: Sequence[str], steps: int, to: str | None
) -> list[Entry]:
    """Choose what goes down, last one first."""
    candidates = [
        entry
        for entry in sorted(entries, key=lambda e: e.state is State.MISSING)[::-1]
        if entry.state in IS_APPLIED and (not systems or entry.system in systems)
    ]
    if to is None:
        return candidates[:steps]
    names = [entry.id for entry in candidates]
    if to not in names:
        raise MigrationError(
            f"{to} is not an applied migration, so nothing can be rolled back to it",
            hint="drystone status lists what is applied.",
        )
    return candidates[: names.index(to)]


def _as_applied(bench: Bench, entry: Entry) -> Migration:
    """Return the migration with the text that undoes what was really applied."""
    if entry.migration is not None and entry.state is not State.EDITED:
        return entry.migration
    up, down = ledger.stored(bench.connection, entry.id)
    name = Path(f"{entry.id}.sql, as it was applied")
    return Migration(
        id=entry.id,
        system=entry.system,
        up=SqlFile(name, up),
        down=None if down is None else SqlFile(name, down),
    )


def _check_dependents(chosen: Sequence[Migration], entries: Sequence[Entry]) -> None:
    going = {migration.id for migration in chosen}
    for entry in entries:
        if entry.state not in IS_APPLIED or entry.migration is None:
            continue
        built_on = going.intersection(entry.migration.depends)
        if entry.id not in going and built_on:
            raise HistoryError(
                f"{min(built_on)} cannot be rolled back: {entry.id} builds on it",
                hint=f"Roll {entry.id} back first.",
            )
