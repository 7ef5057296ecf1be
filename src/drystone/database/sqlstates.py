"""The driver's errors as Drystone's: one class for each kind of SQLSTATE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg_pool

from drystone import errors
from drystone.errors import ConstraintViolation, DatabaseError

# A state of five characters stands for itself, one of two for its class.
_CLASSES: dict[str, type[DatabaseError]] = {
    "08": errors.DatabaseUnavailable,
    "22": errors.InvalidValue,
    "23": errors.ConstraintViolation,
    "23001": errors.ForeignKeyViolation,
    "23502": errors.NotNullViolation,
    "23503": errors.ForeignKeyViolation,
    "23505": errors.UniqueViolation,
    "23514": errors.CheckViolation,
    "23P01": errors.ExclusionViolation,
    "25006": errors.ReadOnly,
    "40001": errors.SerializationFailure,
    "40P01": errors.DeadlockDetected,
    "42501": errors.PermissionDenied,
    "53": errors.DatabaseUnavailable,
    "55P03": errors.LockNotAvailable,
    "57014": errors.StatementTimeout,
    "57P": errors.DatabaseUnavailable,
}

_HINTS = {
    "42501": "Grant the privilege to the role, or connect as another one.",
    "53100": "Free disk space on the server; nothing was changed.",
    "53300": "Lower pool_max_size, or raise max_connections on the server.",
    "57014": "Make the statement cheaper, or raise statement_timeout.",
}


def translate(error: psycopg.Error, *, query: str | None = None) -> DatabaseError:
    """Return the typed error for one of the driver's.

    The message holds the database's words and names, but no value of a row or a
    parameter: those stay in ``__cause__``, which the caller sets by ``raise … from``.
    """
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
        return errors.PoolTimeout(
            "no connection of the pool became free in time",
            hint="Hold connections for a shorter time, or raise pool_max_size.",
        )
    state = error.sqlstate
    hint = _HINTS.get(state or "") or error.diag.message_hint
    if state is None:
        return _without_sqlstate(error, query=query)
    kind = next(
        (_CLASSES[state[:n]] for n in (5, 3, 2) if state[:n] in _CLASSES), DatabaseError
    )
    if issubclass(kind, errors.InvalidValue):
        # PostgreSQL quotes the offending value here; its name for the state does not.
        message = _words(type(error).__name__)
    else:
        message = error.diag.message_primary or _words(type(error).__name__)
    if issubclass(kind, ConstraintViolation):
        diag = error.diag
        table = ".".join(n for n in (diag.schema_name, diag.table_name) if n) or None
        return kind(
            message,
            constraint=diag.constraint_name,
            table=table,
            hint=hint,
            query=query,
            sqlstate=state,
        )
    return kind(message, hint=hint, query=query, sqlstate=state)


@contextmanager
def translated(*, query: str | None = None) -> Iterator[None]:
    """Raise the driver's errors as Drystone's within a block."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, query=query) from error


def _without_sqlstate(error: psycopg.Error, *, query: str | None) -> DatabaseError:
    if isinstance(error, psycopg.OperationalError):
        reason = str(error).strip().splitlines()
        return errors.DatabaseUnavailable(
            reason[0] if reason else "the connection to the database was lost",
            hint="Check that the server runs and that DATABASE_URL points to it.",
            query=query,
        )
    if isinstance(error, psycopg.DataError):
        return errors.InvalidValue("a value cannot be sent as its type", query=query)
    return DatabaseError(str(error), query=query)


def _words(name: str) -> str:
    """Turn a class name such as ``NotNull`` into words: ``not null``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
