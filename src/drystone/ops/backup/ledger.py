"""The ledger ``core.backups``: which backups were made, and which were tried.

A database that has no such table, or a role that may not write to it, does not make a
backup fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import DrystoneError
from drystone.settings import Settings
from drystone.systems.core import backups

_EXISTS = "SELECT pg_catalog.to_regclass('core.backups') IS NOT NULL"
# A backup that is older than so many others has been pruned.
_RECENT = 1000
_MISSING = "the database has no table core.backups"


def record(
    conninfo: str,
    settings: Settings,
    *,
    name: str,
    size: int,
    checksum: str,
    notes: str | None = None,
) -> str | None:
    """Record a backup by the checksum of its manifest; return why that failed."""

    def write(connection: Connection[Any]) -> None:
        backups.record_backup(
            connection, filename=name, size_bytes=size, sha256=checksum, notes=notes
        )

    return _written(conninfo, settings, write)


def record_failure(
    conninfo: str, settings: Settings, *, name: str, error: DrystoneError
) -> str | None:
    """Record that a backup could not be made; return why that failed."""

    def write(connection: Connection[Any]) -> None:
        entry = backups.record_backup(
            connection, filename=name, notes=f"not made: {error.message}"
        )
        if entry is not None:
            backups.mark_backup_verified(connection, id=entry, verified=False)

    return _written(conninfo, settings, write)


def record_verdict(
    conninfo: str, settings: Settings, *, checksum: str, verified: bool, notes: str
) -> str | None:
    """Record whether a backup could be restored; return why that failed."""

    def write(connection: Connection[Any]) -> None:
        for entry in backups.latest_backups(connection, limit_rows=_RECENT):
            if entry.sha256 == checksum:
                backups.mark_backup_verified(
                    connection, id=entry.id, verified=verified, notes=notes
                )

    return _written(conninfo, settings, write)


def _written(
    conninfo: str, settings: Settings, write: Callable[[Connection[Any]], None]
) -> str | None:
    try:
        with connect(conninfo, settings) as connection:
            if connection.execute(_EXISTS).fetchone() != (True,):
                return _MISSING
            with connection.transaction():
                write(connection)
    except DrystoneError as error:
        return error.message
    return None
