"""One error tree: what went wrong, where, and what to do next.

Messages are written for whoever reads a terminal or a log. They name objects,
files and SQLSTATEs, never the value of a parameter or a password. The driver's
own error stays reachable as ``__cause__``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; ``line`` and ``column`` count from 1."""

    file: Path
    line: int
    column: int | None = None

    def __str__(self) -> str:
        column = "" if self.column is None else f":{self.column}"
        return f"{self.file}:{self.line}{column}"


class DrystoneError(Exception):
    """Anything that Drystone raises on purpose.

    ``exit_code`` is what the command line exits with, ``hint`` says what to do next,
    ``excerpt`` shows the lines of SQL in question.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        location: Location | None = None,
        query: str | None = None,
        sqlstate: str | None = None,
        excerpt: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location
        self.query = query
        self.sqlstate = sqlstate
        self.excerpt = excerpt


class SettingsError(DrystoneError):
    """A setting is missing, malformed or contradicts another."""

    exit_code = 2


class BadInput(DrystoneError):
    """A caller's value cannot be used; nothing was changed."""

    exit_code = 2


# --- The database ---------------------------------------------------------------


class DatabaseError(DrystoneError):
    """The database refused a statement; the transaction is rolled back."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached, has gone away or has run out of something."""

    exit_code = 4


class PoolTimeout(DatabaseUnavailable):
    """No connection of the pool became free in time."""


class PoolOverloaded(DatabaseUnavailable):
    """So many wait for a connection already that this caller was turned away."""


class CommitUnknown(DatabaseUnavailable):
    """The connection was lost during COMMIT: it may have taken effect, or not.

    Running the same again may do it twice. Look for its effect first.
    """


class EmbeddedServerError(DatabaseUnavailable):
    """The embedded server cannot be installed, started or stopped."""


class Retryable(DatabaseError):
    """The transaction was lost to something that passes; run again, it may succeed."""


class ConnectionLost(DatabaseUnavailable, Retryable):
    """The connection went away: the server ended it, crashed, or cannot be heard.

    A transaction that was not being committed is rolled back. A statement outside of a
    transaction may have taken effect.
    """


class SerializationFailure(Retryable):
    """SQLSTATE 40001: concurrent transactions cannot be put in an order."""


class DeadlockDetected(Retryable):
    """SQLSTATE 40P01: this transaction was chosen to break a deadlock."""


class PlanOutdated(Retryable):
    """SQLSTATE 0A000: a prepared statement's columns were changed by a migration.

    Each connection that had prepared it meets this once.
    """


class StatementTimeout(DatabaseError):
    """SQLSTATE 57014: the statement ran longer than allowed, or was cancelled."""


class TransactionTimeout(DatabaseError):
    """SQLSTATE 25P03, 25P04: the transaction stood idle or ran for too long.

    It is rolled back, and its connection is closed.
    """


class LockNotAvailable(DatabaseError):
    """SQLSTATE 55P03: a lock was not granted within the lock timeout."""

    exit_code = 5


class PermissionDenied(DatabaseError):
    """SQLSTATE 42501: the role lacks a privilege."""


class ReadOnly(DatabaseError):
    """SQLSTATE 25006: a write reached a read-only transaction or a replica."""


class UsedAfterFork(DatabaseError):
    """A connection or pool was used by a process that did not open it."""


class InvalidValue(DatabaseError, BadInput):
    """SQLSTATE class 22, or no way to send it: a value is not what its type demands."""


class ConstraintViolation(DatabaseError, BadInput):
    """SQLSTATE class 23: a row breaks a rule of its table.

    ``constraint`` and ``table`` are the database's names, where it gives them.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        constraint: str | None = None,
        table: str | None = None,
        hint: str | None = None,
        query: str | None = None,
        sqlstate: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, query=query, sqlstate=sqlstate)
        self.constraint = constraint
        self.table = table


class NotNullViolation(ConstraintViolation):
    """SQLSTATE 23502."""


class ForeignKeyViolation(ConstraintViolation):
    """SQLSTATE 23503, and from PostgreSQL 18 on 23001 for ON DELETE RESTRICT."""


class UniqueViolation(ConstraintViolation):
    """SQLSTATE 23505."""


class CheckViolation(ConstraintViolation):
    """SQLSTATE 23514."""


class ExclusionViolation(ConstraintViolation):
    """SQLSTATE 23P01."""


# --- Redis ----------------------------------------------------------------------


class RedisUnavailable(DrystoneError):
    """Redis cannot be reached, does not answer in time, or refuses to serve."""

    exit_code = 4


# --- Queries --------------------------------------------------------------------


class QueryError(DrystoneError):
    """A file of named queries cannot be read."""


class QueryRefused(QueryError):
    """PostgreSQL refuses a query on the schema that it is meant for.

    ``position`` counts the statement's characters from 1; None if PostgreSQL gave none.
    """

    def __init__(
        self,
        message: str,
        *,
        position: int | None = None,
        hint: str | None = None,
        location: Location | None = None,
        query: str | None = None,
        sqlstate: str | None = None,
        excerpt: str | None = None,
    ) -> None:
        super().__init__(
            message,
            hint=hint,
            location=location,
            query=query,
            sqlstate=sqlstate,
            excerpt=excerpt,
        )
        self.position = position


class WrongRowCount(DrystoneError):
    """A query returned another number of rows than its operator promises."""


# --- Migrations -----------------------------------------------------------------


class MigrationError(DrystoneError):
    """A migration cannot be read, planned or run."""


class MigrationFailed(MigrationError):
    """A statement of a migration failed."""


class MigrationLocked(MigrationError):
    """Another runner held the migration lock for too long."""

    exit_code = 5


class HistoryError(MigrationError):
    """The files contradict what was applied: edited, missing or out of order."""

    exit_code = 3


# --- Backups --------------------------------------------------------------------


class BackupError(DrystoneError):
    """A backup cannot be made, read or restored."""


class RestoreRefused(BackupError):
    """A restore would not be safe as asked; nothing was changed."""

    exit_code = 3
