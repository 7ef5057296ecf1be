-- The health of the server. Without the role pg_monitor, the state of other roles'
-- sessions and the text of their statements are hidden, and not counted.

-- name: db_health()^
-- How the database is doing, from counters alone, cheap enough for every probe.
SELECT
    current_database()::text AS database_name,
    current_setting('server_version') AS server_version,
    pg_is_in_recovery() AS is_replica,
    extract(
        epoch FROM statement_timestamp() - pg_postmaster_start_time()
    )::double precision AS uptime_s,
    CASE
        WHEN pg_is_in_recovery()
        THEN extract(
            epoch FROM statement_timestamp() - pg_last_xact_replay_timestamp()
        )::double precision
    END AS replay_lag_s,
    coalesce(
        (
            SELECT extract(epoch FROM statement_timestamp() - min(session.xact_start))
            FROM pg_catalog.pg_stat_activity AS session
            WHERE
                session.datid = counters.datid
                AND session.backend_type = 'client backend'
        ),
        0
    )::double precision AS oldest_transaction_s,
    (
        SELECT count(*)
        FROM pg_catalog.pg_stat_activity AS session
        WHERE
            session.datid = counters.datid
            AND session.wait_event_type = 'Lock'
    ) AS waiting_for_locks,
    counters.xact_commit AS commits,
    counters.xact_rollback AS rollbacks,
    counters.deadlocks,
    counters.temp_bytes,
    100.0::double precision * counters.blks_hit
        / nullif(counters.blks_hit + counters.blks_read, 0) AS cache_hit_percent,
    age(database.datfrozenxid) AS oldest_xid_age
FROM pg_catalog.pg_stat_database AS counters
INNER JOIN pg_catalog.pg_database AS database
    ON database.oid = counters.datid
WHERE database.datname = current_database();

-- name: db_connections()^
-- How many of the server's connections are in use, for what, and what is wrong with
-- that, as sentences.
WITH usage AS (
    SELECT
        count(*) AS total,
        count(*) FILTER (WHERE session.state = 'active') AS active,
        count(*) FILTER (WHERE session.state = 'idle') AS idle,
        count(*) FILTER (
            WHERE
                session.state IN (
                    'idle in transaction',
                    'idle in transaction (aborted)'
                )
        ) AS idle_in_transaction,
        current_setting('max_connections')::bigint AS max_connections
    FROM pg_catalog.pg_stat_activity AS session
    WHERE
        session.usesysid IS NOT NULL
        AND coalesce(session.backend_type, 'client backend') = 'client backend'
)
SELECT
    usage.total,
    usage.active,
    usage.idle,
    usage.idle_in_transaction,
    usage.max_connections,
    100.0::double precision * usage.total
        / usage.max_connections AS utilisation_percent,
    core.connection_warnings(
        usage.total,
        usage.active,
        usage.idle,
        usage.max_connections
    ) AS warnings
FROM usage;

-- name: db_sizes()
-- How much room each table takes with its indexes and its oversized values, largest
-- first, and about how many rows it has (-1 until it is first analysed).
SELECT
    schema.nspname::text AS schema_name,
    relation.relname::text AS table_name,
    relation.reltuples::bigint AS estimated_rows,
    pg_relation_size(relation.oid) AS heap_bytes,
    pg_indexes_size(relation.oid) AS index_bytes,
    coalesce(pg_total_relation_size(nullif(relation.reltoastrelid, 0)), 0)
        AS toast_bytes,
    pg_total_relation_size(relation.oid) AS total_bytes
FROM pg_catalog.pg_class AS relation
INNER JOIN pg_catalog.pg_namespace AS schema
    ON schema.oid = relation.relnamespace
WHERE
    relation.relkind IN ('r', 'm')
    AND schema.nspname <> 'information_schema'
    AND NOT starts_with(schema.nspname, 'pg_')
ORDER BY
    total_bytes DESC,
    schema_name,
    table_name;

-- name: slow_queries(min_ms, limit_rows)
-- The statements that take min_ms (100 if NULL) or more on average, slowest first, at
-- most limit_rows (20 if NULL); one row saying why in unavailable, where
-- pg_stat_statements cannot be read.
SELECT
    slow.unavailable,
    slow.query_id,
    slow.query,
    slow.calls,
    slow.mean_ms,
    slow.max_ms,
    slow.total_ms,
    slow.rows_returned,
    slow.cache_hit_percent
FROM
    core.slow_queries(
        coalesce(:min_ms::double precision, 100),
        coalesce(:limit_rows::bigint, 20)
    ) AS slow;

-- name: unused_indexes()
-- The indexes that no query has used since the statistics were last reset, largest
-- first; those that hold a constraint or uniqueness are left out, as they have a use.
SELECT
    usage.schemaname::text AS schema_name,
    usage.relname::text AS table_name,
    usage.indexrelname::text AS index_name,
    pg_relation_size(usage.indexrelid) AS index_bytes,
    counters.stats_reset
FROM pg_catalog.pg_stat_user_indexes AS usage
INNER JOIN pg_catalog.pg_index AS index
    ON index.indexrelid = usage.indexrelid
INNER JOIN pg_catalog.pg_stat_database AS counters
    ON counters.datname = current_database()
WHERE
    usage.idx_scan = 0
    AND NOT index.indisunique
    AND NOT index.indisexclusion
    AND NOT index.indisreplident
ORDER BY
    index_bytes DESC,
    schema_name,
    table_name,
    index_name;

-- name: has_extension(name)$
-- Whether the extension is installed in this database.
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_extension AS extension
    WHERE extension.extname = :name::text
) AS installed;

-- name: extensions()
-- The installed extensions, with the version that the server's files would install:
-- where the two differ, ALTER EXTENSION ... UPDATE is due.
SELECT
    extension.extname::text AS name,
    schema.nspname::text AS schema_name,
    extension.extversion AS installed_version,
    available.default_version
FROM pg_catalog.pg_extension AS extension
INNER JOIN pg_catalog.pg_namespace AS schema
    ON schema.oid = extension.extnamespace
LEFT JOIN pg_catalog.pg_available_extensions AS available
    ON available.name = extension.extname
ORDER BY extension.extname;
