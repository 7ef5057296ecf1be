"""One runner at a time: an advisory lock in a transaction on a connection of its own.

A lock of a transaction, not of a session: it also holds behind a PgBouncer that pools
transactions, where a session's lock would stay behind on a server connection. It is
polled, never waited for inside PostgreSQL, and each look is a transaction of its own:
CREATE INDEX CONCURRENTLY in the other runner waits for whole transactions that it meets
with a snapshot. For the same reason the holder's connection does nothing while it
holds the lock. PostgreSQL frees the lock when its holder dies.

yoyo locks by a row in ``yoyo_lock``. Such a row is waited for; and while Drystone
works, it holds the table, so that a yoyo that starts meanwhile waits too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import MigrationLocked
from drystone.settings import Settings

# Advisory locks belong to one database, so one number serves them all.
_KEY = int.from_bytes(b"drystone")
_POLL_INTERVAL = 0.1

_NO_LIMIT = "SET LOCAL idle_in_transaction_session_timeout = 0"
_TRY = "SELECT pg_catalog.pg_try_advisory_xact_lock(%s::bigint)"

_HOLDER = """
SELECT pg_catalog.format(
    'pid %%s of %%s, from %%s, since %%s',
    a.pid,
    a.usename,
    coalesce(a.client_hostname, pg_catalog.host(a.client_addr), 'this machine'),
    pg_catalog.to_char(a.xact_start, 'HH24:MI:SS')
)
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory'
    AND l.granted
    AND l.objsubid = 1
    AND (l.classid::bigint << 32) + l.objid::bigint = %s::bigint
    AND l.database = (
        SELECT d.oid
        FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    )
"""

_HAS_YOYO_LOCK = "SELECT pg_catalog.to_regclass('public.yoyo_lock') IS NOT NULL"
_YOYO_ROW = """
SELECT pg_catalog.format(
    'yoyo, by its row in yoyo_lock: pid %s on its own machine, since %s UTC',
    l.pid,
    pg_catalog.to_char(l.ctime, 'HH24:MI:SS')
)
FROM public.yoyo_lock AS l
"""
_HOLD_YOYO = "LOCK TABLE public.yoyo_lock IN SHARE ROW EXCLUSIVE MODE"


@contextmanager
def runner_lock(
    conninfo: str, settings: Settings, *, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock for the block; ``on_wait`` is told, once, who else holds it.

    Raises MigrationLocked when it is not free within ``migration_lock_wait``.
    """
    with closing(connect(conninfo, settings)) as connection:
        acquire(connection, wait=settings.migration_lock_wait, on_wait=on_wait)
        yield


def acquire(
    connection: Connection[Any], *, wait: float, on_wait: Callable[[str], None]
) -> None:
    """Take the lock on an autocommit connection.

    It is held by a transaction that stays open until the connection is closed.
    """
    deadline = time.monotonic() + wait
    told = False
    while True:
        connection.execute("BEGIN")
        connection.execute(_NO_LIMIT)
        holder = _holder(connection)
        if holder is None:
            return
        connection.execute("ROLLBACK")
        if time.monotonic() >= deadline:
            raise MigrationLocked(
                f"another runner holds the migration lock: {holder}",
                hint="Wait for it and run again, or raise migration_lock_wait. A lock "
                "that a dead yoyo left is removed by: yoyo break-lock.",
            )
        if not told:
            on_wait(holder)
            told = True
        time.sleep(_POLL_INTERVAL)


def _holder(connection: Connection[Any]) -> str | None:
    """Take the lock and return None, or return who holds it."""
    if not _scalar(connection, _TRY, _KEY):
        return _scalar(connection, _HOLDER, _KEY) or "a runner that has just finished"
    if not _scalar(connection, _HAS_YOYO_LOCK):
        return None
    if (yoyo := _scalar(connection, _YOYO_ROW)) is not None:
        return str(yoyo)
    connection.execute(_HOLD_YOYO)
    # A row that was written between the look and the lock is seen only now.
    yoyo = _scalar(connection, _YOYO_ROW)
    return None if yoyo is None else str(yoyo)


def _scalar(connection: Connection[Any], query: str, *parameters: object) -> Any:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None
