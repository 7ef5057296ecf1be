-- depends: core-0005-create-ledgers
--
-- Creates the two parts of monitoring that a plain query cannot do: reading an
-- extension that may be absent, and judging the use of connections by fixed limits.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops the functions; no data is lost.

-- Dynamic SQL, since a server without the extension could not even parse the query.
-- The view can exist while its library is not preloaded; reading it then fails.
CREATE FUNCTION core.slow_queries(min_ms double precision, limit_rows bigint)
RETURNS TABLE (
    unavailable text,
    query_id bigint,
    query text,
    calls bigint,
    mean_ms double precision,
    max_ms double precision,
    total_ms double precision,
    rows_returned bigint,
    cache_hit_percent double precision
)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
    statistics CONSTANT text := (
        SELECT format('%I.pg_stat_statements', schema.nspname)
        FROM pg_catalog.pg_extension AS extension
        INNER JOIN pg_catalog.pg_namespace AS schema
            ON schema.oid = extension.extnamespace
        WHERE extension.extname = 'pg_stat_statements'
    );
BEGIN
    IF to_regclass(statistics) IS NULL THEN
        unavailable := 'extension pg_stat_statements is not installed';
        RETURN NEXT;
        RETURN;
    END IF;

    RETURN QUERY EXECUTE format(
        $query$
        SELECT
            NULL::text,
            statement.queryid,
            statement.query,
            statement.calls,
            statement.mean_exec_time,
            statement.max_exec_time,
            statement.total_exec_time,
            statement.rows,
            100.0::double precision * statement.shared_blks_hit
                / nullif(statement.shared_blks_hit + statement.shared_blks_read, 0)
        FROM %s AS statement
        INNER JOIN pg_catalog.pg_database AS database
            ON database.oid = statement.dbid
        WHERE
            database.datname = current_database()
            AND statement.mean_exec_time >= $1
        ORDER BY statement.mean_exec_time DESC
        LIMIT $2
        $query$,
        statistics
    )
    USING min_ms, limit_rows;
EXCEPTION
    WHEN object_not_in_prerequisite_state THEN
        unavailable := 'pg_stat_statements is not in shared_preload_libraries';
        RETURN NEXT;
END
$$;

COMMENT ON FUNCTION core.slow_queries(double precision, bigint) IS
    'The statements of this database that take min_ms or more on average, slowest '
    'first. Where pg_stat_statements cannot be read, one row that says why in '
    'unavailable, which is NULL otherwise.';

CREATE FUNCTION core.connection_warnings(
    used bigint,
    active bigint,
    idle bigint,
    allowed bigint
)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN array_remove(
    ARRAY[
        CASE WHEN used > 0.8 * allowed
            THEN 'more than 80 % of the connections are in use'
        END,
        CASE WHEN active > 0.9 * allowed
            THEN 'more than 90 % of the connections are active'
        END,
        CASE WHEN idle > 0.5 * allowed
            THEN 'more than 50 % of the connections are idle'
        END
    ],
    NULL
);

COMMENT ON FUNCTION core.connection_warnings(bigint, bigint, bigint, bigint) IS
    'What is wrong with the use of connections, as sentences; empty if nothing is.';
