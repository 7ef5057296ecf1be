"""COMMIT, whose answer may be lost, and what then is known of it.

The server may have committed, or never have heard of it; nobody on this side can tell.
So a transaction may note its number first: ``outcomes`` asks after it by that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from drystone.errors import CommitUnknown, ConnectionLost, DatabaseError

# The number is NULL if nothing was written, the timeline on a replica. Statistics begin
# anew after a crash, and by that it is known that there was one.
_NOTE = """
SELECT
    pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text AS number,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
        pg_catalog."left"(
            pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8
        )
    END AS timeline,
    bgwriter.stats_reset AS counted_since
FROM pg_catalog.pg_stat_bgwriter AS bgwriter
"""


@dataclass(slots=True)
class Commit:
    """A commit, and what its transaction can be asked after by, if that was noted."""

    begun: bool = False
    note: dict[str, Any] | None = None

    def begin(self, connection: Connection[Any], *, noted: bool) -> None:
        """Note that COMMIT comes next, and which transaction it is if ``noted``."""
        _refuse_what_cannot_commit(connection)
        if noted:
            with connection.cursor(row_factory=dict_row) as cursor:
                self.note = cursor.execute(_NOTE).fetchone()
        self.begun = True

    async def begin_async(
        self, connection: AsyncConnection[Any], *, noted: bool
    ) -> None:
        """Do for an asynchronous connection what :meth:`begin` does."""
        _refuse_what_cannot_commit(connection)
        if noted:
            async with connection.cursor(row_factory=dict_row) as cursor:
                self.note = await (await cursor.execute(_NOTE)).fetchone()
        self.begun = True

    @property
    def wrote(self) -> bool:
        """Whether the transaction is known to have written anything."""
        return self.note is not None and self.note["number"] is not None


def is_unknown(
    error: psycopg.Error, connection: Connection[Any] | AsyncConnection[Any]
) -> bool:
    """Tell whether an error of COMMIT leaves open what became of the transaction.

    An ERROR is the server's word that it has rolled back; whatever ends the session
    says nothing of what came before.
    """
    severity = error.diag.severity_nonlocalized
    return connection.closed if severity is None else severity in ("FATAL", "PANIC")


def unknown(error: psycopg.Error) -> CommitUnknown:
    """Return the typed error for a COMMIT whose answer was lost to ``error``."""
    return CommitUnknown(
        "the connection was lost during COMMIT: it may have taken effect, or not",
        hint="Look for its effect before running it again;"
        " in_transaction(…, resolve_commit=True) does that.",
        sqlstate=error.sqlstate,
    )


def _refuse_what_cannot_commit(
    connection: Connection[Any] | AsyncConnection[Any],
) -> None:
    """Refuse what PostgreSQL answers with a silent ROLLBACK, or not at all."""
    status = connection.info.transaction_status
    if status == TransactionStatus.INERROR:
        raise DatabaseError(
            "a statement failed, but its error was not passed on; nothing is committed",
            hint="Let the error through, or run the statement in a nested"
            " connection.transaction().",
            sqlstate="25P02",
        )
    if status == TransactionStatus.UNKNOWN:
        raise ConnectionLost("the connection was lost before COMMIT")
