"""Running one migration: its SQL, its ledger row and its log row, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.generators import execute
from psycopg.pq import ExecStatus

from drystone.errors import Location, MigrationError
from drystone.migrations import batches, ledger, steps
from drystone.migrations.attempts import Bench, in_attempts
from drystone.migrations.checkpoints import Checkpoint, Direction, Overtaken
from drystone.migrations.failures import failure
from drystone.migrations.files import Migration, SqlFile

_FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE}


def run(connection: Connection[Any], file: SqlFile) -> None:
    """Send a whole file at once, in one round trip whatever its length.

    Raises MigrationFailed with the place of the statement that failed.
    """
    if not file.statements:
        return
    connection.pgconn.send_query(file.text.encode())
    results = connection.wait(execute(connection.pgconn))
    last = results[-1]
    if last.status in _FAILED:
        error = psycopg.errors.error_from_result(last, encoding="utf-8")
        line = file.statements[min(len(results), len(file.statements)) - 1].line
        raise failure(error, file, offset=0, line=line) from error


def run_one(connection: Connection[Any], file: SqlFile, index: int) -> None:
    """Run one statement of a file; raises MigrationFailed as :func:`run` does."""
    statement = file.statements[index]
    try:
        connection.execute(statement.text.encode(), prepare=False)
    except psycopg.Error as error:
        raise failure(
            error, file, offset=statement.offset, line=statement.line
        ) from error


class Manner:
    """How the SQL of a file is sent; a subclass may look at what each sending does."""

    def whole(self, connection: Connection[Any], file: SqlFile) -> None:
        """Run a file that is applied wholly or not at all, inside its transaction."""
        run(connection, file)

    def one(self, connection: Connection[Any], file: SqlFile, index: int) -> None:
        """Run one statement of a file that runs statement by statement."""
        run_one(connection, file, index)

    def batch(
        self, connection: Connection[Any], file: SqlFile, keys: tuple[str, str]
    ) -> None:
        """Run a file's one statement for one batch, inside its transaction."""
        batches.run_batch(connection, file, keys)


_PLAIN = Manner()


def apply(bench: Bench, migration: Migration, manner: Manner = _PLAIN) -> None:
    """Apply a migration on an idle autocommit connection.

    A file that PostgreSQL can run in a transaction is applied wholly or not at all; any
    other goes on where it stopped. Raises MigrationFailed with the place in the file.
    """
    _change(bench, migration, migration.up, "up", ledger.record, manner)


def roll_back(bench: Bench, migration: Migration, manner: Manner = _PLAIN) -> None:
    """Roll a migration back, as :func:`apply` applies it.

    Raises MigrationError if it has no way back.
    """
    down = require_way_back(migration)
    _change(bench, migration, down, "down", ledger.erase, manner)


def require_way_back(migration: Migration) -> SqlFile:
    """Return the rollback file; raises MigrationError if there is none."""
    if migration.down is not None:
        return migration.down
    why = migration.irreversible
    raise MigrationError(
        f"{migration.id} cannot be rolled back: "
        + (f"it is irreversible: {why}" if why else "it has no rollback file"),
        location=Location(migration.up.path, 1),
        hint=f"Write {migration.id}.rollback.sql beside it."
        if why is None
        else "Restore a backup, or undo it by a new migration.",
    )


def _change(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    direction: Direction,
    write: Callable[[Connection[Any], Migration], bool],
    manner: Manner,
) -> None:
    connection = bench.connection

    def record() -> None:
        # First in the transaction: the session of a killed runner may be at it still.
        if not write(connection, migration):
            raise Overtaken

    def work() -> None:
        record()
        manner.whole(connection, file)

    def finish(checkpoint: Checkpoint) -> None:
        with connection.transaction():
            record()
            checkpoint.forget(connection)

    with suppress(Overtaken):
        if file.in_one_go:
            in_attempts(bench, migration, work)
        else:
            finish(_go_on(bench, migration, file, direction, manner))
    connection.execute("RESET ALL")  # a SET in one file must not reach the next


def _go_on(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    direction: Direction,
    manner: Manner,
) -> Checkpoint:
    """Do what is not done yet of a file that does not run in one transaction.

    Raises Overtaken if it is all done and recorded.
    """
    while True:
        checkpoint = Checkpoint.read(bench.connection, migration.id, direction)
        # Only now: the session that recorded it has deleted the checkpoint.
        is_applied = ledger.holds(bench.connection, migration)
        if is_applied == (direction == "up"):
            raise Overtaken
        with suppress(Overtaken):
            if "batch" in file.directives:
                batches.run_batches(bench, migration, file, checkpoint, manner.batch)
            else:
                steps.run_steps(bench, migration, file, checkpoint, manner.one)
            return checkpoint
