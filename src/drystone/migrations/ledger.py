"""The ledger: which migrations a database holds, and the text that made it.

Every function works on the connection that it is given, so that the runner can write
the ledger in the same transaction as the change itself.
"""

from __future__ import annotations

import getpass
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row

from drystone.errors import MigrationError
from drystone.migrations.files import Migration, yoyo_hash

Operation = Literal["apply", "rollback", "mark", "repair"]

_EXISTS = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"
_YOYOS, _SOURCE = "public._yoyo_migration", "public._drystone_source"
_LAST_CREATED = "public._drystone_repeatable"

_APPLIED = """
SELECT
    m.migration_id AS id,
    m.applied_at_utc AT TIME ZONE 'UTC' AS applied_at,
    s.system,
    s.checksum
FROM public._yoyo_migration AS m
LEFT JOIN public._drystone_source AS s USING (migration_hash)
ORDER BY m.applied_at_utc, m.migration_id
"""

# A ledger that only yoyo has written to yet.
_APPLIED_BY_YOYO = """
SELECT
    m.migration_id AS id,
    m.applied_at_utc AT TIME ZONE 'UTC' AS applied_at,
    NULL AS system,
    NULL AS checksum
FROM public._yoyo_migration AS m
ORDER BY m.applied_at_utc, m.migration_id
"""

# What another session is about to write is waited for; nothing is written then.
_RECORD = """
INSERT INTO public._yoyo_migration AS m (migration_hash, migration_id, applied_at_utc)
VALUES (%s, %s, pg_catalog.clock_timestamp() AT TIME ZONE 'UTC')
ON CONFLICT (migration_hash) DO NOTHING
"""

_STORE = """
INSERT INTO public._drystone_source AS s (
    migration_hash,
    system,
    checksum,
    up_sql,
    down_sql
)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (migration_hash) DO UPDATE
SET
    system = EXCLUDED.system,
    checksum = EXCLUDED.checksum,
    up_sql = EXCLUDED.up_sql,
    down_sql = EXCLUDED.down_sql
"""

_RENAME = """
UPDATE public._yoyo_migration AS m
SET
    migration_hash = %s,
    migration_id = %s
WHERE m.migration_hash = %s
"""

_STORED = """
SELECT s.up_sql, s.down_sql
FROM public._yoyo_migration AS m
JOIN public._drystone_source AS s USING (migration_hash)
WHERE m.migration_id = %s
"""

_HOLDS = """
SELECT EXISTS (
    SELECT
    FROM public._yoyo_migration AS m
    WHERE m.migration_hash = %s
)
"""

_ERASE = "DELETE FROM public._yoyo_migration WHERE migration_hash = %s"

_LOG = """
INSERT INTO public._yoyo_log (
    id,
    migration_hash,
    migration_id,
    operation,
    username,
    hostname,
    comment,
    created_at_utc
)
VALUES (%s, %s, %s, %s, %s, %s, %s, pg_catalog.clock_timestamp() AT TIME ZONE 'UTC')
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the ledger; ``system`` and ``checksum`` are None if yoyo wrote it."""

    id: str
    applied_at: datetime
    system: str | None
    checksum: str | None


def create(connection: Connection[Any]) -> None:
    """Create the ledger's tables where they do not exist."""
    if not _exists(connection, _LAST_CREATED):
        ddl = resources.files(__package__).joinpath("ledger.sql").read_bytes()
        with connection.transaction():
            connection.execute(ddl)


def applied(connection: Connection[Any]) -> list[Applied]:
    """Return what is applied, oldest first; writes nothing and takes no lock."""
    if _exists(connection, _SOURCE):
        query = _APPLIED
    elif _exists(connection, _YOYOS):
        query = _APPLIED_BY_YOYO
    else:
        return []
    with connection.cursor(row_factory=class_row(Applied)) as cursor:
        return cursor.execute(query).fetchall()


def holds(connection: Connection[Any], migration: Migration) -> bool:
    """Tell whether a migration is applied."""
    return connection.execute(_HOLDS, [migration.hash]).fetchone() == (True,)


def stored(connection: Connection[Any], migration_id: str) -> tuple[str, str | None]:
    """Return the text that was applied, up and down.

    Raises MigrationError if the ledger has none: yoyo keeps no text.
    """
    row = None
    if _exists(connection, _SOURCE):
        row = connection.execute(_STORED, [migration_id]).fetchone()
    if row is None:
        raise MigrationError(
            f"the ledger does not hold the text of {migration_id}",
            hint="drystone adopt stores the text of what yoyo applied.",
        )
    return str(row[0]), row[1]


def record(
    connection: Connection[Any],
    migration: Migration,
    *,
    operation: Operation = "apply",
    comment: str | None = None,
) -> bool:
    """Write that a migration is applied, with its text.

    Returns False if it was already: then the transaction is to be rolled back.
    """
    with connection.pipeline():  # one round trip, not three
        written = connection.execute(_RECORD, [migration.hash, migration.id])
        store(connection, migration)
        log(connection, migration.id, operation, comment=comment)
    return bool(written.rowcount)


def store(connection: Connection[Any], migration: Migration) -> None:
    """Keep the text of a migration that is applied, in place of an earlier one."""
    up, down = migration.up, migration.down
    text = None if down is None else down.text
    connection.execute(
        _STORE, [migration.hash, migration.system, up.checksum, up.text, text]
    )


def rename(connection: Connection[Any], former: str, migration: Migration) -> None:
    """Write that what was applied under a former name is this migration."""
    connection.execute(_RENAME, [migration.hash, migration.id, yoyo_hash(former)])


def forget(connection: Connection[Any], migration_id: str) -> bool:
    """Delete a migration from the ledger; return False if it was not there.

    The log keeps it.
    """
    return bool(connection.execute(_ERASE, [yoyo_hash(migration_id)]).rowcount)


def erase(connection: Connection[Any], migration: Migration) -> bool:
    """Write that a migration is no longer applied; return False if it was not."""
    erased = forget(connection, migration.id)
    if erased:
        log(connection, migration.id, "rollback")
    return erased


def log(
    connection: Connection[Any],
    migration_id: str,
    operation: Operation,
    *,
    comment: str | None = None,
) -> None:
    """Write who did what, from where, and why."""
    key, who = str(uuid.uuid4()), (_user(), socket.gethostname())
    hashed = yoyo_hash(migration_id)
    connection.execute(_LOG, [key, hashed, migration_id, operation, *who, comment])


def _exists(connection: Connection[Any], table: str) -> bool:
    row = connection.execute(_EXISTS, [table]).fetchone()
    return bool(row and row[0])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        return "unknown"
