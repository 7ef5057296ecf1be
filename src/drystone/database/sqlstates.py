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
    "08003": errors.ConnectionLost,
    "08006": errors.ConnectionLost,
    "22": errors.InvalidValue,
    "23": errors.ConstraintViolation,
    "23001": errors.ForeignKeyViolation,
    "23502": errors.NotNullViolation,
    "23503": errors.ForeignKeyViolation,
    "23505": errors.UniqueViolation,
    "23514": errors.CheckViolation,
    "23P01": errors.ExclusionViolation,
    "25006": errors.ReadOnly,
    "25P03": errors.TransactionTimeout,
    "25P04": errors.TransactionTimeout,
    "40001": errors.SerializationFailure,
    "40P01": errors.DeadlockDetected,
    "42501": errors.PermissionDenied,
    "53": errors.DatabaseUnavailable,
    "55P03": errors.LockNotAvailable,
    "57014": errors.StatementTimeout,
    "57P": errors.DatabaseUnavailable,
    "57P01": errors.ConnectionLost,
    "57P02": errors.ConnectionLost,
    "57P05": errors.ConnectionLost,
}

_HINTS = {
    "25006": "Send it to the primary: add target_session_attrs=read-write to the URL.",
    "25P03": "Hold transactions shorter, or raise idle_in_transaction_timeout.",
    "42501": "Grant the privilege to the role, or connect as another one. If a policy"
    " refused the row: set what it goes by.",
    "53100": "Free disk space on the server; nothing was changed.",
    "53200": "Touch fewer tables in a transaction, or raise max_locks_per_transaction.",
    "53300": "Lower pool_max_size, or raise max_connections on the server.",
    "57014": "Make the statement cheaper, or raise statement_timeout.",
}

# A schema, column, function or relation that a named query goes by does not exist.
_OTHER_SCHEMA = {"3F000", "42703", "42883", "42P01"}
_OTHER_SCHEMA_HINT = "The query is for another schema: drystone status shows this one."

# PostgreSQL's function that raises "cached plan must not change result type".
_REVALIDATION = "RevalidateCachedQuery"

_OF_POOLS = (
    psycopg_pool.PoolTimeout,
    psycopg_pool.TooManyRequests,
    psycopg_pool.PoolClosed,
)

# The driver has no SQLSTATE for these, only words.
_TOO_MANY_PARAMETERS = "number of parameters must be between"
_NO_SLOT = ("too many clients already", "remaining connection slots are reserved")


def translate(error: psycopg.Error, *, query: str | None = None) -> DatabaseError:
    """Return the typed error for one of the driver's.

    The message holds the database's words and names, but no value of a row or a
    parameter: those stay in ``__cause__``, which the caller sets by ``raise … from``.
    """
    if isinstance(error, _OF_POOLS):
        return _of_pool(error)
    state = error.sqlstate
    hint = _HINTS.get(state or "") or error.diag.message_hint
    if query and state in _OTHER_SCHEMA:
        hint = _OTHER_SCHEMA_HINT
    if state is None:
        return _without_sqlstate(error, query=query)
    kind = next(
        (_CLASSES[state[:n]] for n in (5, 3, 2) if state[:n] in _CLASSES), DatabaseError
    )
    if error.diag.source_function == _REVALIDATION:
        kind = errors.PlanOutdated
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
    except UnicodeEncodeError as error:
        # Text with half of a surrogate pair, which UTF-8 has no form for.
        raise _cannot_be_sent(query) from error


def _of_pool(error: psycopg.Error) -> DatabaseError:
    if isinstance(error, psycopg_pool.PoolTimeout):
        return errors.PoolTimeout(
            "no connection of the pool became free in time",
            hint="Hold connections for a shorter time, or raise pool_max_size.",
        )
    if isinstance(error, psycopg_pool.TooManyRequests):
        return errors.PoolOverloaded(
            "too many wait for a connection of the pool already",
            hint="Turn callers away earlier, or raise pool_max_waiting.",
        )
    return errors.DatabaseUnavailable(
        "the pool is closed", hint="Use it within the block that opens it."
    )


def _without_sqlstate(error: psycopg.Error, *, query: str | None) -> DatabaseError:
    reason = (str(error).strip() or "the connection to the database was lost").split(
        "\n", 1
    )[0]
    if isinstance(error, psycopg.DataError):
        return _cannot_be_sent(query)
    if _TOO_MANY_PARAMETERS in reason:
        return errors.InvalidValue(
            "a statement has more than 65535 parameters",
            hint="Send an array, or load rows by copy_rows.",
            query=query,
        )
    if not isinstance(error, psycopg.OperationalError):
        return DatabaseError(str(error), query=query)
    connecting = error.pgconn is not None or isinstance(
        error, psycopg.errors.ConnectionTimeout
    )
    kind = errors.DatabaseUnavailable if connecting else errors.ConnectionLost
    hint = next(
        (_HINTS["53300"] for words in _NO_SLOT if words in reason),
        "Check that the server runs and that DATABASE_URL points to it.",
    )
    return kind(reason, hint=hint, query=query)


def _cannot_be_sent(query: str | None) -> DatabaseError:
    return errors.InvalidValue("a value cannot be sent as its type", query=query)


def _words(name: str) -> str:
    """Turn a class name such as ``NotNull`` into words: ``not null``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
