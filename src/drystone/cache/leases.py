"""What the database knows of its cache: who it is, what is stale, and until when.

Values in Redis are served under a lease. Whoever extends it writes its end to the
database first, and only then looks for changes that Redis was not told of. So a writer
that cannot reach Redis reads here, after its commit, how long stale values may still be
served: whoever extends the lease after that has seen its change.
"""

from __future__ import annotations

from drystone.queries.runtime import Row, Statement

# How long values are served without looking into the database again, in seconds.
LEASE = 5.0
# How much longer the database believes so: clocks do not run alike.
MARGIN = 1.0
# How many changes are looked at in one go.
BATCH = 1000


class Era(Row):
    """Whose values are served, and of which course of the database's history.

    The term changes when the lease goes to another Redis, or another run of it: that
    one was not told what this one was. The timeline changes when a replica takes over
    from its primary, and when a backup is restored: what was cached may be lost there.
    """

    term: int
    timeline: str


class Invalidation(Row):
    """What one change made stale."""

    position: int
    tags: list[str]


# Of one Redis at a time: no row where another one's lease is not over.
EXTEND = Statement[Era](
    "drystone.cache.extend_lease",
    """
    INSERT INTO core.cache_lease AS lease (redis, valid_until)
    VALUES ($1, clock_timestamp() + make_interval(secs => $2))
    ON CONFLICT (single) DO UPDATE
    SET
        redis = excluded.redis,
        term = lease.term + (lease.redis <> excluded.redis)::integer,
        valid_until = greatest(lease.valid_until, excluded.valid_until)
    WHERE lease.redis = excluded.redis
        OR lease.valid_until < clock_timestamp()
    RETURNING
        lease.term,
        left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)
    """,
    parameters=(("redis", "text"), ("seconds", "float8")),
    row=Era,
)

IDENTIFY = Statement[str](
    "drystone.cache.identify",
    """
    SELECT concat_ws('.', system.system_identifier, base.oid)
    FROM pg_catalog.pg_control_system() AS system
    CROSS JOIN pg_catalog.pg_database AS base
    WHERE base.datname = current_database()
    """,
)

REMAINING = Statement[float](
    "drystone.cache.lease_remaining",
    """
    SELECT coalesce(
        max(extract(epoch FROM lease.valid_until - clock_timestamp())), 0
    )::float8
    FROM core.cache_lease AS lease
    """,
)

NOTE = Statement[int](
    "drystone.cache.note_invalidation",
    "INSERT INTO core.cache_invalidations (tags) VALUES ($1)",
    parameters=(("tags", "text[]"),),
)

PENDING = Statement[Invalidation](
    "drystone.cache.pending_invalidations",
    """
    SELECT pending.position, pending.tags
    FROM core.cache_invalidations AS pending
    ORDER BY pending.position
    LIMIT $1
    """,
    parameters=(("limit_rows", "int8"),),
    row=Invalidation,
)

# Only what the Redis of this term was told of.
FORGET = Statement[int](
    "drystone.cache.forget_invalidations",
    """
    DELETE FROM core.cache_invalidations AS pending
    USING core.cache_lease AS lease
    WHERE pending.position = ANY ($1)
        AND lease.term = $2
        AND lease.valid_until > clock_timestamp()
    """,
    parameters=(("positions", "int8[]"), ("term", "int8")),
)
