"""Running one migration: its SQL, its ledger row and its log row, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.generators import execute
from psycopg.pq import ExecStatus

from drystone.database.sqlstates import translate
from drystone.errors import (
    DatabaseUnavailable,
    Location,
    MigrationError,
    MigrationFailed,
)
from drystone.migrations import batches, ledger, steps
from drystone.migrations.attempts import Bench, in_attempts
from drystone.migrations.files import Migration, SqlFile
from drystone.migrations.statements import locate

_FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE}


def apply(bench: Bench, migration: Migration) -> None:
    """Apply a migration on an idle autocommit connection.

    A file that PostgreSQL can run in a transaction is applied wholly or not at all; any
    other goes on where it stopped. Raises MigrationFailed with the place in the file.
    """
    _change(bench, migration, migration.up, "up", ledger.record)


def roll_back(bench: Bench, migration: Migration) -> None:
    """Roll a migration back, as :func:`apply` applies it.

    Raises MigrationError if it has no way back.
    """
    down = require_way_back(migration)
    _change(bench, migration, down, "down", ledger.erase)


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
    direction: steps.Direction,
    write: Callable[[Connection[Any], Migration], None],
) -> None:
    connection = bench.connection

    def record() -> None:
        # First in the transaction: a second runner, if there is one in spite of the
        # lock, waits here and then finds that the work is done.
        write(connection, migration)

    if "batch" in file.directives:
        batches.run_batches(bench, migration, file, direction)
        _finish(connection, migration, direction, record)
    elif file.transactional:

        def work() -> None:
            record()
            run(connection, file)

        in_attempts(bench, migration, work)
    else:
        steps.run_steps(bench, migration, file, direction, run_one)
        _finish(connection, migration, direction, record)
    connection.execute("RESET ALL")  # a SET in one file must not reach the next


def _finish(
    connection: Connection[Any],
    migration: Migration,
    direction: steps.Direction,
    record: Callable[[], None],
) -> None:
    with connection.transaction():
        record()
        steps.forget(connection, migration, direction)


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


def failure(
    error: psycopg.Error, file: SqlFile, *, offset: int, line: int
) -> MigrationFailed | DatabaseUnavailable:
    """Return the error for a statement of a file, with its place there.

    ``offset`` is where the text that was sent begins in the file, in bytes.
    """
    typed = translate(error)
    if isinstance(typed, DatabaseUnavailable):
        return typed
    place, excerpt = Location(file.path, line), None
    if position := error.diag.statement_position:
        before = len(file.text.encode()[:offset].decode())
        place, excerpt = locate(file.text, before + int(position), path=file.path)
    return MigrationFailed(
        typed.message,
        location=place,
        excerpt=excerpt,
        sqlstate=typed.sqlstate,
        hint=typed.hint
        or (
            "Nothing of the file was applied. Correct it and run again."
            if file.in_one_go
            else "What was done before stays; correct the statement and run again to "
            "go on from here."
        ),
    )
