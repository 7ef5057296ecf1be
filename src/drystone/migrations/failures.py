"""The error for a statement that fails: with its place in its file."""

from __future__ import annotations

import psycopg

from drystone.database.sqlstates import translate
from drystone.errors import DatabaseUnavailable, Location, MigrationFailed
from drystone.migrations.files import SqlFile
from drystone.migrations.statements import locate


def failure(
    error: psycopg.Error, file: SqlFile, *, offset: int, line: int
) -> MigrationFailed | DatabaseUnavailable:
    """Return the error to raise for a statement of a file.

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
