"""Files that cannot run in one transaction: statement by statement, with checkpoints.

A statement that can run in a transaction shares one with its checkpoint, so it runs
exactly once. Before any other, the checkpoint says that it runs: if the runner dies
then, the next one looks in the catalog whether it was done. What a failed concurrent
build left behind is dropped before it is built again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from drystone.errors import Location, MigrationFailed
from drystone.migrations import concurrent
from drystone.migrations.attempts import Bench, in_attempts
from drystone.migrations.checkpoints import Checkpoint
from drystone.migrations.files import Migration, SqlFile

RunOne = Callable[[Connection[Any], SqlFile, int], None]


def run_steps(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    checkpoint: Checkpoint,
    run_one: RunOne,
) -> None:
    """Run the statements that are not done yet.

    Raises MigrationFailed for a statement that fails, for one that was changed after it
    had run, and for an index that is still invalid when all is done.
    """
    connection = bench.connection
    done = len(checkpoint.done)
    digests = tuple(_digest(statement.text) for statement in file.statements)
    if checkpoint.done != digests[:done]:
        raise MigrationFailed(
            f"the first {done} statements of {migration.id} have run, "
            "and the file has others in their place",
            location=Location(file.path, 1),
            hint="Restore them as they were; what comes after them may be corrected.",
        )
    for index, statement in enumerate(file.statements):
        if index < done:
            # A SET counts for the session, and this may be another one.
            if statement.kind == "variable_set_stmt":
                run_one(connection, file, index)
            continue
        after = digests[: index + 1]
        if statement.transactional:
            checkpoint = _run_in_transaction(
                bench, migration, file, checkpoint, after, run_one
            )
        else:
            checkpoint = _run_alone(connection, file, checkpoint, after, run_one)
    concurrent.check_valid(connection, file)


def _run_in_transaction(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    checkpoint: Checkpoint,
    after: tuple[str, ...],
    run_one: RunOne,
) -> Checkpoint:
    def work() -> Checkpoint:
        then = checkpoint.advance(bench.connection, done=after, running=None)
        run_one(bench.connection, file, len(after) - 1)
        return then

    return in_attempts(bench, migration, work)


def _run_alone(
    connection: Connection[Any],
    file: SqlFile,
    checkpoint: Checkpoint,
    after: tuple[str, ...],
    run_one: RunOne,
) -> Checkpoint:
    index, digest = len(after) - 1, after[-1]
    statement = file.statements[index]
    concurrent.check_named(statement, path=file.path)
    was_running = checkpoint.running == digest
    if not (was_running and concurrent.is_done(connection, statement)):
        concurrent.clear_leftovers(connection, statement)
        checkpoint = checkpoint.advance(connection, running=digest)
        try:
            run_one(connection, file, index)
        except MigrationFailed:
            # It answered: it is not done, unless a dead runner's session was at it.
            if not (was_running and concurrent.is_done(connection, statement)):
                checkpoint.advance(connection, running=None)
                raise
    return checkpoint.advance(connection, done=after, running=None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
