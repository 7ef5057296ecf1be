"""Positions in the write-ahead log: how far a server has got, and a user has seen.

A position on a primary, asked for after a commit, lies behind that commit; a replica
that has replayed as much shows it. Two servers' positions can be compared if they are
of one cluster and the replica's timeline is not the older one: every promotion begins
a timeline with the next number, and a server that stayed on an older one may hold at
the same place what the new primary never had.
"""

from __future__ import annotations

from dataclasses import dataclass

from drystone.errors import DatabaseUnavailable
from drystone.queries.runtime import Row, Statement

# Bytes of the header of a segment's first page, and of any other page of the log.
_LONG_HEADER = 40
_SHORT_HEADER = 24


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log of a cluster, on one of its timelines, counted in bytes."""

    system: str
    timeline: int
    lsn: int

    def __str__(self) -> str:
        """Write it as a token, such as ``7710687525958897449-1-0/3002DD8``."""
        high, low = divmod(self.lsn, 1 << 32)
        return f"{self.system}-{self.timeline}-{high:X}/{low:X}"

    @classmethod
    def parse(cls, token: str) -> Position:
        """Read a token; one that is none gives a position that no server has reached.

        Tokens come back from browsers: whoever sends nonsense is served by the primary.
        """
        try:
            system, timeline, lsn = token.split("-")
            return cls(system, int(timeline), _lsn(lsn))
        except ValueError:
            return NOWHERE

    def covers(self, other: Position) -> bool:
        """Tell whether a server that has got here holds what was committed there."""
        return (
            self.system == other.system
            and self.timeline >= other.timeline
            and self.lsn >= other.lsn
        )


# No server has got here, so only the primary is asked.
NOWHERE = Position("", 0, 0)


class Sight(Row):
    """What a server says of itself: whose data it holds, and how far it has got."""

    system: str
    database: str
    in_recovery: bool
    timeline: int
    lsn: str
    page_size: int
    segment_size: int

    @property
    def position(self) -> Position:
        """What a primary has written, or a replica has replayed.

        Where a record ends with its page, or a segment is left half full, PostgreSQL
        tells where the next record will be: behind the next page's header. A replica
        does not get there before that record is written.
        """
        lsn = _lsn(self.lsn)
        if lsn % self.segment_size == _LONG_HEADER:
            lsn -= _LONG_HEADER
        elif lsn % self.page_size == _SHORT_HEADER:
            lsn -= _SHORT_HEADER
        return Position(self.system, self.timeline, lsn)

    def primary_position(self) -> Position:
        """Return what a primary has written; raises DatabaseUnavailable for none."""
        if self.in_recovery:
            raise DatabaseUnavailable(
                "the server that should be the primary is a replica",
                hint="Write target_session_attrs=read-write into DATABASE_URL.",
            )
        return self.position


# The insert position covers commits that were not waited for, too (synchronous_commit
# = off). A replica's timeline is known at once from its receiver, which shows it to
# members of pg_read_all_stats; else from the last restartpoint, minutes later.
LOOK = Statement[Sight](
    "drystone.replicas.look",
    """
    SELECT
        control.system_identifier::text,
        pg_catalog.current_database()::text,
        recovery.active,
        CASE
            WHEN recovery.active THEN greatest(
                (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
                (
                    SELECT min_recovery_end_timeline
                    FROM pg_catalog.pg_control_recovery()
                ),
                (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver)
            )
            ELSE (
                'x' || left(
                    pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()),
                    8
                )
            )::bit(32)::integer
        END,
        CASE
            WHEN recovery.active THEN pg_catalog.pg_last_wal_replay_lsn()
            ELSE pg_catalog.pg_current_wal_insert_lsn()
        END::text,
        pg_catalog.current_setting('wal_block_size')::integer,
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))
    FROM pg_catalog.pg_control_system() AS control
    CROSS JOIN (SELECT pg_catalog.pg_is_in_recovery() AS active) AS recovery
    """,
    row=Sight,
)


def _lsn(text: str) -> int:
    """Read a position as PostgreSQL writes it: two numbers of 32 bits, in hex."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)
