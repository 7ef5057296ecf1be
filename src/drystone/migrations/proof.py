"""The round-trip proof: up, down and up again on a scratch database.

What a migration's rollback leaves is compared with what was there before, object by
object, with rows in the tables; and what it makes the second time with the first.

Reading a whole catalog takes ten times as long as a small migration. Where one only
creates things and its rollback leaves every row of the catalog as it was, there is
nothing to compare; that the second time made the same as the first is then shown for
all such migrations at once, at the end, against a database that went straight up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from drystone.catalog import (
    Difference,
    Snapshot,
    compare,
    is_untouched,
    read_snapshot,
    take_mark,
    without_new_partitions,
)
from drystone.database.scratch import scratch_database
from drystone.database.session import connect
from drystone.errors import DrystoneError
from drystone.migrations import execution
from drystone.migrations.attempts import Bench
from drystone.migrations.files import Migration
from drystone.migrations.repeatables import changed
from drystone.migrations.repeatables import run as run_repeatable
from drystone.migrations.runner import Silent, choose, runner
from drystone.migrations.samples import fill_empty_tables
from drystone.migrations.statements import only_creates
from drystone.settings import Settings


@dataclass(slots=True)
class Proof:
    """What was found of one migration.

    ``reversible`` is None for a migration that declares itself irreversible.
    """

    id: str
    reversible: bool | None
    differences: list[Difference] = field(default_factory=list)
    error: DrystoneError | None = None
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the migration promises a way back and does not keep it."""
        return self.reversible is False


def verify(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    systems: Sequence[str] = (),
    told: Callable[[Proof], None] = lambda _: None,
) -> list[Proof]:
    """Prove every migration, in order, on a database made for it and dropped after.

    ``told`` hears of each proof when it is made, and once more of one that fails only
    when it is looked at thoroughly. Raises what makes going on impossible: a migration
    that cannot be applied at all.
    """
    chosen = choose(migrations, systems=systems, to=None)
    trial = _Trial(conninfo, settings, chosen)
    proofs = trial.prove(told, quick=True)
    if trial.second_time_differs():
        known = {each.id for each in proofs if each.failed}

        def tell_news(proof: Proof) -> None:
            if proof.failed and proof.id not in known:
                told(proof)

        proofs = trial.prove(tell_news, quick=False)
    return proofs


def drift(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    applied: Sequence[str],
    repeatables: Sequence[Migration] = (),
) -> list[Difference]:
    """Compare a database with what its applied migrations make, on a scratch database.

    ``before`` of a difference is what the migrations make, ``after`` what is there.
    Partitions that were added since are as their tables want them, and no difference.
    """
    with connect(conninfo, settings) as connection:
        actual = read_snapshot(connection)
    there = set(applied)
    chosen = [migration for migration in migrations if migration.id in there]
    with migrated_scratch(conninfo, settings, chosen, repeatables) as connection:
        expected = read_snapshot(connection)
    return compare(expected, without_new_partitions(expected, actual))


@contextmanager
def migrated_scratch(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    repeatables: Sequence[Migration] = (),
) -> Iterator[Connection[Any]]:
    """Lend a session on a scratch database that the migrations were applied to."""
    with ExitStack() as stack:
        bench = _scratch(stack, conninfo, settings)
        for migration in migrations:
            execution.apply(bench, migration)
        for each in changed(bench.connection, repeatables):
            run_repeatable(bench, each)
        yield bench.connection


class _Trial:
    """Migrations proven in their order, on as many scratch databases as it takes."""

    def __init__(
        self, conninfo: str, settings: Settings, chosen: Sequence[Migration]
    ) -> None:
        self._conninfo = conninfo
        self._settings = settings
        self._chosen = chosen
        self._end: Snapshot | None = None  # where the quick ones were not compared
        self._filled: set[int] = set()  # tables of the current database with rows

    def prove(self, told: Callable[[Proof], None], *, quick: bool) -> list[Proof]:
        proofs = []
        with ExitStack() as stack:
            bench, state = self._rebuilt(stack, 0), None
            for number, migration in enumerate(self._chosen):
                begin = time.monotonic()
                if state is None and not (
                    quick and only_creates(migration.up.statements)
                ):
                    state = read_snapshot(bench.connection)
                proof, state = _prove(bench, migration, state, self._filled)
                if proof is None:  # what was there before is needed after all
                    bench = self._rebuilt(stack, number)
                    before = read_snapshot(bench.connection)
                    proof, state = _prove(bench, migration, before, self._filled)
                if proof is None:
                    raise AssertionError("with a snapshot, there is a proof")
                if proof.failed:  # what it left must not be held against the next ones
                    bench, state = self._rebuilt(stack, number + 1), None
                proof.seconds = time.monotonic() - begin
                told(proof)
                proofs.append(proof)
            if quick:
                self._end = read_snapshot(bench.connection)
        return proofs

    def second_time_differs(self) -> bool:
        """Tell whether going down and up again led elsewhere than going straight up."""
        with ExitStack() as stack:
            bench = self._rebuilt(stack, len(self._chosen))
            return self._end != read_snapshot(bench.connection)

    def _rebuilt(self, stack: ExitStack, number: int) -> Bench:
        """Make a new scratch database with the first migrations applied."""
        stack.close()
        self._filled.clear()
        bench = _scratch(stack, self._conninfo, self._settings)
        for migration in self._chosen[:number]:
            execution.apply(bench, migration)
        return bench


def _scratch(stack: ExitStack, conninfo: str, settings: Settings) -> Bench:
    """Make a scratch database that lasts as long as the stack."""
    scratch = stack.enter_context(scratch_database(conninfo, settings))
    return stack.enter_context(runner(scratch, settings, Silent()))


def _prove(
    bench: Bench, migration: Migration, before: Snapshot | None, filled: set[int]
) -> tuple[Proof | None, Snapshot | None]:
    """Return the proof, and the snapshot with the migration applied, if it was read.

    Without a snapshot of what was there before, there is a proof only if the rollback
    leaves the catalog untouched.
    """
    connection = bench.connection
    mark = take_mark(connection)
    execution.apply(bench, migration)
    if migration.down is None:
        return _without_way_back(migration), None
    after = None if before is None else read_snapshot(connection)
    fill_empty_tables(connection, filled=filled)
    proof = Proof(migration.id, reversible=True)
    try:
        execution.roll_back(bench, migration)
        if not is_untouched(connection, mark):
            if before is None:
                return None, None
            proof.differences = compare(before, read_snapshot(connection))
        execution.apply(bench, migration)
        if after is not None:
            again = compare(after, read_snapshot(connection))
            proof.differences += [d for d in again if d not in proof.differences]
    except DrystoneError as error:
        proof.error = error
    losses = [each for each in proof.differences if each.severity == "loss"]
    proof.reversible = proof.error is None and not losses
    return proof, after


def _without_way_back(migration: Migration) -> Proof:
    try:
        execution.require_way_back(migration)
    except DrystoneError as error:
        declared = migration.irreversible is not None
        return Proof(
            migration.id,
            reversible=None if declared else False,
            error=None if declared else error,
        )
    raise AssertionError("it has a way back")
