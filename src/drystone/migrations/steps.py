"""Files that cannot run in one transaction: statement by statement, with checkpoints.

A statement that can run in a transaction shares one with its checkpoint, so it runs
exactly once. Before any other, the checkpoint says that it runs: if the runner dies
then, the next one looks in the catalog whether it was done. What a failed concurrent
build left behind is dropped before it is built again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Connection

from drystone.errors import Location, MigrationFailed
from drystone.migrations import concurrent
from drystone.migrations.attempts import Bench, in_attempts
from drystone.migrations.files import Migration, SqlFile

Direction = Literal["up", "down"]
RunOne = Callable[[Connection[Any], SqlFile, int], None]

_READ = """
SELECT p.done, p.running
FROM public._drystone_progress AS p
WHERE p.migration_id = %s
    AND p.direction = %s
"""

_WRITE = """
INSERT INTO public._drystone_progress AS p (migration_id, direction, done, running)
VALUES (%s, %s, %s, %s)
ON CONFLICT (migration_id, direction) DO UPDATE
SET
    done = EXCLUDED.done,
    running = EXCLUDED.running
"""

_FORGET = """
DELETE FROM public._drystone_progress AS p
WHERE p.migration_id = %s
    AND p.direction = %s
"""


@dataclass
class _Checkpoint:
    """What is done of a file: digests of statements, and of the one that may be."""

    connection: Connection[Any]
    migration: Migration
    direction: Direction
    done: list[str]
    running: str | None

    def write(self) -> None:
        self.connection.execute(
            _WRITE, [self.migration.id, self.direction, self.done, self.running]
        )


def run_steps(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    direction: Direction,
    run_one: RunOne,
) -> None:
    """Run the statements that are not done yet.

    Raises MigrationFailed for a statement that fails, for one that was changed after it
    had run, and for an index that is still invalid when all is done.
    """
    checkpoint = _read(bench.connection, migration, direction)
    digests = [_digest(statement.text) for statement in file.statements]
    if checkpoint.done != digests[: len(checkpoint.done)]:
        raise MigrationFailed(
            f"the first {len(checkpoint.done)} statements of {migration.id} have run, "
            "and the file has others in their place",
            location=Location(file.path, 1),
            hint="Restore them as they were; what comes after them may be corrected.",
        )
    for index, statement in enumerate(file.statements):
        is_done = index < len(checkpoint.done)
        if is_done and statement.kind != "variable_set_stmt":
            continue  # a SET counts for the session, and this may be another one
        if is_done:
            run_one(bench.connection, file, index)
        elif statement.transactional:
            _run_in_transaction(bench, migration, file, index, checkpoint, run_one)
        else:
            _run_alone(bench, file, index, checkpoint, run_one)
    concurrent.check_valid(bench.connection, file)


def forget(
    connection: Connection[Any], migration: Migration, direction: Direction
) -> None:
    """Delete the checkpoint of a file that is done and recorded."""
    connection.execute(_FORGET, [migration.id, direction])


def _run_in_transaction(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    index: int,
    checkpoint: _Checkpoint,
    run_one: RunOne,
) -> None:
    def work() -> None:
        run_one(bench.connection, file, index)
        bench.connection.execute(
            _WRITE,
            [
                migration.id,
                checkpoint.direction,
                [*checkpoint.done, _digest(file.statements[index].text)],
                None,
            ],
        )

    in_attempts(bench, migration, work)
    checkpoint.done.append(_digest(file.statements[index].text))
    checkpoint.running = None


def _run_alone(
    bench: Bench,
    file: SqlFile,
    index: int,
    checkpoint: _Checkpoint,
    run_one: RunOne,
) -> None:
    statement = file.statements[index]
    digest = _digest(statement.text)
    connection = bench.connection
    concurrent.check_named(statement, path=file.path)
    was_running = checkpoint.running == digest
    if not (was_running and concurrent.is_done(connection, statement)):
        concurrent.clear_leftovers(connection, statement)
        checkpoint.running = digest
        checkpoint.write()
        try:
            run_one(connection, file, index)
        except MigrationFailed:
            # It answered, so it is known not to be done.
            checkpoint.running = None
            checkpoint.write()
            raise
    checkpoint.done.append(digest)
    checkpoint.running = None
    checkpoint.write()


def _read(
    connection: Connection[Any], migration: Migration, direction: Direction
) -> _Checkpoint:
    row = connection.execute(_READ, [migration.id, direction]).fetchone()
    done, running = row or ([], None)
    return _Checkpoint(connection, migration, direction, list(done), running)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
