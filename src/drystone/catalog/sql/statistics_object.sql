-- Extended statistics.
SELECT
    format('%s.%I', schemas.name, statistics.stxname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'definition', pg_get_statisticsobjdef(statistics.oid),
        -- -1 up to PostgreSQL 16, NULL from 17 on.
        'statistics', coalesce(statistics.stxstattarget, -1),
        'owner', NULLIF(statistics.stxowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_statistic_ext AS statistics
INNER JOIN schemas
    ON schemas.oid = statistics.stxnamespace
INNER JOIN relations
    ON relations.oid = statistics.stxrelid
CROSS JOIN here
