"""Backfills in batches: a few rows at a time, with a commit and a pause between them.

The head of the file says over which rows, and its one statement takes the first and the
last key of a batch::

    -- batch: events.events by id, 1000 rows, pause 100 ms
    UPDATE events.events SET … WHERE id BETWEEN $1 AND $2

Each batch shares its transaction with a checkpoint of its last key, so each row is
changed exactly once, whenever the runner dies.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, RawCursor, sql

from drystone.errors import Location, MigrationError
from drystone.migrations.attempts import Bench, in_attempts
from drystone.migrations.checkpoints import Checkpoint
from drystone.migrations.failures import failure
from drystone.migrations.files import Migration, SqlFile

_FORM = re.compile(
    r"(?P<table>[\w.\"]+)\s+by\s+(?P<key>\w+)"
    r"(?:\s*,\s*(?P<size>\d+)\s+rows)?"
    r"(?:\s*,\s*pause\s+(?P<pause>\d+)\s*ms)?",
)
_SIZE, _PAUSE = 1000, 0

RunBatch = Callable[[Connection[Any], SqlFile, tuple[str, str]], None]

# The key travels as text, so that keys of every type are handled alike.
_NEXT = """
SELECT min(batch.key)::text, max(batch.key)::text
FROM (
    SELECT t.{key} AS key
    FROM {table} AS t
    WHERE %(after)s::text IS NULL OR t.{key} > %(after)s::{type}
    ORDER BY t.{key}
    LIMIT %(size)s
) AS batch
"""

_TYPE = """
SELECT pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = pg_catalog.to_regclass(%s)
    AND a.attname = %s
"""


@dataclass(frozen=True, slots=True)
class _Batch:
    table: str
    key: str
    size: int
    pause: float


def run_batches(
    bench: Bench,
    migration: Migration,
    file: SqlFile,
    checkpoint: Checkpoint,
    run_batch: RunBatch,
) -> None:
    """Run the file's statement for each batch that is not done yet.

    Raises MigrationError for a directive or a statement that is not of the form, and
    MigrationFailed for a batch that fails; those before it stay done.
    """
    batch, connection = _read(file), bench.connection
    query = _next_query(connection, batch, file)
    while True:
        after = {"after": checkpoint.last_key, "size": batch.size}
        keys = connection.execute(query, after).fetchone()
        if keys is None or keys[1] is None:
            return

        def work(keys: Any = keys, checkpoint: Checkpoint = checkpoint) -> Checkpoint:
            then = checkpoint.advance(connection, last_key=keys[1])
            run_batch(connection, file, keys)
            return then

        checkpoint = in_attempts(bench, migration, work)
        time.sleep(batch.pause)


def run_batch(
    connection: Connection[Any], file: SqlFile, keys: tuple[str, str]
) -> None:
    """Run the file's statement for one batch; raises MigrationFailed if it fails."""
    statement = file.statements[0]
    try:
        with RawCursor(connection) as cursor:
            cursor.execute(statement.text.encode(), keys)
    except psycopg.Error as error:
        raise failure(
            error, file, offset=statement.offset, line=statement.line
        ) from error


def _read(file: SqlFile) -> _Batch:
    match = _FORM.fullmatch(file.directives["batch"])
    if match is None:
        raise MigrationError(
            "the directive batch does not say table, key, rows and pause",
            location=Location(file.path, 1),
            hint="Write: -- batch: shop.orders by id, 1000 rows, pause 100 ms",
        )
    if len(file.statements) != 1 or not file.statements[0].transactional:
        raise MigrationError(
            "a file with batches holds exactly one statement",
            location=Location(file.path, 1),
            hint="It changes the rows WHERE key BETWEEN $1 AND $2.",
        )
    return _Batch(
        table=match["table"],
        key=match["key"],
        size=int(match["size"] or _SIZE),
        pause=int(match["pause"] or _PAUSE) / 1000,
    )


def _next_query(
    connection: Connection[Any], batch: _Batch, file: SqlFile
) -> sql.Composed:
    row = connection.execute(_TYPE, [batch.table, batch.key]).fetchone()
    if row is None:
        raise MigrationError(
            f"there is no column {batch.key} of {batch.table} to go by",
            location=Location(file.path, 1),
        )
    return sql.SQL(_NEXT).format(
        key=sql.Identifier(batch.key),
        table=sql.Identifier(*batch.table.replace('"', "").split(".")),
        type=sql.SQL(row[0]),
    )
