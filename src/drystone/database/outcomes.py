"""What became of a transaction whose COMMIT was not answered.

A transaction's number is given once, and ``pg_xact_status`` tells whether it was
committed, with two exceptions. A standby that was promoted goes on with numbers that it
never saw used. And a server that crashed gives a number again if it had not yet written
to disk that it had been given: "committed" is then what somebody else's transaction is.
So after a crash a number counts only if the server knew it when it had recovered, which
it tells until its next checkpoint. Where nothing is certain, the outcome stays unknown.
"""

from __future__ import annotations

import asyncio
import logging
import time

from drystone.database.commits import Commit
from drystone.database.pool import AsyncPool, Pool
from drystone.database.sqlstates import translated
from drystone.errors import CommitUnknown, DatabaseError

logger = logging.getLogger(__name__)

# The checkpoint at the end of a recovery is where its redo begins. Of later ones, only
# that of a shutdown is, after which the server starts anew and keeps its statistics.
_OUTCOME = """
SELECT CASE
    WHEN pg_catalog.pg_is_in_recovery() THEN 'in recovery'
    WHEN pg_catalog."left"(
        pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8
    ) <> %(timeline)s THEN 'in doubt'
    WHEN bgwriter.stats_reset = %(counted_since)s
    THEN pg_catalog.pg_xact_status(%(number)s::pg_catalog.xid8)
    WHEN %(number)s::pg_catalog.xid8
        >= pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) THEN 'aborted'
    WHEN pg_catalog.pg_xact_status(%(number)s::pg_catalog.xid8) <> 'committed'
    THEN 'aborted'
    WHEN control.redo_lsn <> control.checkpoint_lsn
        OR bgwriter.stats_reset < pg_catalog.pg_postmaster_start_time()
    THEN 'in doubt'
    WHEN %(number)s::pg_catalog.xid8::pg_catalog.text::pg_catalog.numeric
        < pg_catalog.split_part(control.next_xid, ':', 1)::pg_catalog.numeric
            * 4294967296
            + pg_catalog.split_part(control.next_xid, ':', 2)::pg_catalog.numeric
    THEN 'committed'
    ELSE 'aborted'
END
FROM pg_catalog.pg_stat_bgwriter AS bgwriter
CROSS JOIN pg_catalog.pg_control_checkpoint() AS control
"""

# The server has not noticed that its client is gone. This settles the matter: either
# the COMMIT has arrived and counts, or it never will.
_END = """
SELECT pg_catalog.pg_terminate_backend(activity.pid)
FROM pg_catalog.pg_stat_activity AS activity
WHERE activity.backend_xid = %(number)s::pg_catalog.xid8::pg_catalog.xid
"""

_IN_PROGRESS = "in progress"
_IN_DOUBT = "in doubt"
# How long a session that has lost its client may go on by itself.
_GRACE = 1.0
_PAUSE = 0.1

_LOOK = "It could not be found out. Look for its effect before running it again."


def was_committed(pool: Pool, commit: Commit, lost: CommitUnknown) -> bool:
    """Tell whether a commit took effect: not, if nothing had been written.

    Asks again while the transaction is in progress or the server is away. Raises
    ``lost`` if nothing is known after the pool's timeout.
    """
    if not commit.wrote:
        return False
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        outcome = None
        try:
            with (
                translated(),
                pool.connection(pool.timeout - waited) as connection,
            ):
                row = connection.execute(_OUTCOME, commit.note).fetchone()
                outcome = row and row[0]
                if outcome == _IN_PROGRESS and waited > _GRACE:
                    connection.execute(_END, commit.note)
        except DatabaseError as error:
            logger.info("outcome of a commit unknown as yet: %s", error.message)
        if (verdict := _verdict(outcome)) is not None:
            return verdict
        if outcome == _IN_DOUBT or waited >= pool.timeout:
            lost.hint = _LOOK
            raise lost
        time.sleep(_PAUSE)


async def was_committed_async(
    pool: AsyncPool, commit: Commit, lost: CommitUnknown
) -> bool:
    """Do for an asynchronous pool what :func:`was_committed` does."""
    if not commit.wrote:
        return False
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        outcome = None
        try:
            with translated():
                async with pool.connection(pool.timeout - waited) as connection:
                    cursor = await connection.execute(_OUTCOME, commit.note)
                    row = await cursor.fetchone()
                    outcome = row and row[0]
                    if outcome == _IN_PROGRESS and waited > _GRACE:
                        await connection.execute(_END, commit.note)
        except DatabaseError as error:
            logger.info("outcome of a commit unknown as yet: %s", error.message)
        if (verdict := _verdict(outcome)) is not None:
            return verdict
        if outcome == _IN_DOUBT or waited >= pool.timeout:
            lost.hint = _LOOK
            raise lost
        await asyncio.sleep(_PAUSE)


def _verdict(outcome: str | None) -> bool | None:
    """Return whether it was committed, None if that is not known (yet)."""
    if outcome in ("committed", "aborted"):
        logger.info("the transaction whose commit was not answered is %s", outcome)
        return outcome == "committed"
    return None
