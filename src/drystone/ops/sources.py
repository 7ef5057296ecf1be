"""The questions that metrics are made from, in SQL.

Each stands alone: where a privilege or a table is missing, its metrics are missing.
Without the role pg_monitor, other roles' sessions hide their state and their age.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """A metric by its name, without ``drystone_``; a counter's lacks ``_total``."""

    name: str
    told: str
    is_counter: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A question whose rows are labels, and then a value for each of the series.

    It is asked where the table ``of`` exists, if it names one.
    """

    name: str
    sql: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    of: str | None = None


EXISTS = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"

_CONNECTIONS = """
SELECT
    coalesce(session.state, 'hidden'),
    count(*)
FROM pg_catalog.pg_stat_activity AS session
WHERE
    session.usesysid IS NOT NULL
    AND coalesce(session.backend_type, 'client backend') = 'client backend'
GROUP BY session.state
"""

_ACTIVITY = """
SELECT
    pg_catalog.current_setting('max_connections')::integer,
    coalesce(
        extract(
            epoch FROM pg_catalog.clock_timestamp()
                - min(session.xact_start) FILTER (
                    WHERE session.backend_type = 'client backend'
                )
        ),
        0
    ),
    count(*) FILTER (WHERE session.wait_event_type = 'Lock')
FROM pg_catalog.pg_stat_activity AS session
WHERE session.datname = pg_catalog.current_database()
"""

_COUNTERS = """
SELECT counters.deadlocks
FROM pg_catalog.pg_stat_database AS counters
WHERE counters.datname = pg_catalog.current_database()
"""

_INVALID_INDEXES = """
SELECT count(*)
FROM pg_catalog.pg_index AS index
WHERE
    NOT index.indisvalid
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_stat_progress_create_index AS building
        WHERE building.index_relid = index.indexrelid
    )
"""

_REPLICAS = """
SELECT
    coalesce(nullif(replica.application_name, ''), host(replica.client_addr), '?'),
    max(
        CASE
            WHEN replica.replay_lsn IS NOT NULL
            THEN extract(epoch FROM coalesce(replica.replay_lag, interval '0'))
        END
    ),
    max(
        pg_catalog.pg_wal_lsn_diff(
            CASE
                WHEN pg_catalog.pg_is_in_recovery()
                THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_lsn()
            END,
            replica.replay_lsn
        )
    )
FROM pg_catalog.pg_stat_replication AS replica
GROUP BY 1
"""

# A replica that has replayed all it got is up to date only while it still gets more.
_SELF = """
SELECT
    'self',
    CASE
        WHEN
            pg_catalog.pg_last_wal_receive_lsn()
            = pg_catalog.pg_last_wal_replay_lsn()
            AND EXISTS (SELECT FROM pg_catalog.pg_stat_wal_receiver)
        THEN 0
        ELSE extract(
            epoch FROM pg_catalog.clock_timestamp()
                - pg_catalog.pg_last_xact_replay_timestamp()
        )
    END,
    pg_catalog.pg_wal_lsn_diff(
        pg_catalog.pg_last_wal_receive_lsn(),
        pg_catalog.pg_last_wal_replay_lsn()
    )
WHERE pg_catalog.pg_is_in_recovery()
"""

_BACKUPS = """
SELECT
    backup.kind,
    extract(epoch FROM max(backup.at) FILTER (WHERE backup.verified <> 'failed')),
    (
        (array_agg(backup.verified ORDER BY backup.at DESC, backup.id DESC))[1]
        = 'failed'
    )::integer
FROM core.backups AS backup
GROUP BY backup.kind
"""

_DATABASE_SIZE = """
SELECT pg_catalog.pg_database_size(pg_catalog.current_database())
"""

_TABLE_SIZES = """
SELECT
    schema.nspname::text,
    relation.relname::text,
    pg_catalog.pg_table_size(relation.oid)
FROM pg_catalog.pg_class AS relation
INNER JOIN pg_catalog.pg_namespace AS schema
    ON schema.oid = relation.relnamespace
WHERE
    relation.relkind IN ('r', 'm')
    AND schema.nspname <> 'information_schema'
    AND NOT starts_with(schema.nspname, 'pg_')
"""

_INDEX_SIZES = """
SELECT
    schema.nspname::text,
    relation.relname::text,
    pg_catalog.pg_relation_size(relation.oid)
FROM pg_catalog.pg_class AS relation
INNER JOIN pg_catalog.pg_namespace AS schema
    ON schema.oid = relation.relnamespace
WHERE
    relation.relkind = 'i'
    AND schema.nspname <> 'information_schema'
    AND NOT starts_with(schema.nspname, 'pg_')
"""

_LAG = (
    Series("replication_lag_seconds", "How far a replica is behind, in time."),
    Series("replication_lag_bytes", "How much WAL a replica has still to replay."),
)

AT_EVERY_SCRAPE = (
    Source(
        "connections",
        _CONNECTIONS,
        ("state",),
        (Series("connections", "Clients' connections to the server, by state."),),
    ),
    Source(
        "activity",
        _ACTIVITY,
        (),
        (
            Series("connections_limit", "The server's max_connections."),
            Series("longest_transaction_seconds", "Age of the oldest transaction."),
            Series("waiting_for_locks", "Sessions that wait for a lock."),
        ),
    ),
    Source(
        "counters",
        _COUNTERS,
        (),
        (Series("deadlocks", "Deadlocks in this database.", is_counter=True),),
    ),
    Source(
        "invalid indexes",
        _INVALID_INDEXES,
        (),
        (Series("invalid_indexes", "Indexes that no query can use."),),
    ),
    Source("replicas", _REPLICAS, ("replica",), _LAG),
    Source("replication", _SELF, ("replica",), _LAG),
    Source(
        "backups",
        _BACKUPS,
        ("kind",),
        (
            Series(
                "backup_last_success_timestamp_seconds",
                "When the last backup was made that did not fail.",
            ),
            Series("backup_last_failed", "1 if the last backup failed, else 0."),
        ),
        of="core.backups",
    ),
)

NOW_AND_THEN = (
    Source(
        "size",
        _DATABASE_SIZE,
        (),
        (Series("database_bytes", "Size of the database."),),
    ),
    Source(
        "table sizes",
        _TABLE_SIZES,
        ("schema", "table"),
        (Series("table_bytes", "Size of a table with its oversized values."),),
    ),
    Source(
        "index sizes",
        _INDEX_SIZES,
        ("schema", "index"),
        (Series("index_bytes", "Size of an index."),),
    ),
)
