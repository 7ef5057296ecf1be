-- The measured alternative to the HNSW index on embeddings: ivfflat, which wants the
-- rows first. Build it after a load, compare recall and speed, and drop the loser; with
-- both there, the planner takes the cheaper by its own estimate.

-- name: ivfflat_lists()$
-- How many lists an ivfflat index should have for the rows that there are: rows / 1000
-- up to a million, the square root beyond.
SELECT
    greatest(
        CASE
            WHEN count(event.embedding) <= 1000000 THEN count(event.embedding) / 1000
            ELSE sqrt(count(event.embedding))::bigint
        END,
        1
    ) AS lists
FROM events.events AS event;

-- name: create_ivfflat_index()!
-- Builds the ivfflat index beside the HNSW one, with 100 lists (100,000 events); it
-- blocks no reader and no writer and cannot run inside a transaction.
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_events_embedding_ivfflat
    ON events.events USING ivfflat (embedding public.vector_cosine_ops)
    WITH (lists = 100);

-- name: drop_ivfflat_index()!
-- Drops the ivfflat index; it blocks no reader and no writer and cannot run inside a
-- transaction.
DROP INDEX CONCURRENTLY IF EXISTS events.idx_events_embedding_ivfflat;

-- name: embedding_indexes()
-- The indexes on embeddings with their kind, size and use.
SELECT
    index_class.relname::text AS index_name,
    access_method.amname::text AS method,
    pg_relation_size(index_class.oid) AS bytes,
    coalesce(usage.idx_scan, 0) AS scans,
    index_row.indisvalid AS valid
FROM pg_catalog.pg_index AS index_row
INNER JOIN pg_catalog.pg_class AS index_class
    ON index_class.oid = index_row.indexrelid
INNER JOIN pg_catalog.pg_am AS access_method
    ON access_method.oid = index_class.relam
LEFT JOIN pg_catalog.pg_stat_all_indexes AS usage
    ON usage.indexrelid = index_row.indexrelid
WHERE
    index_row.indrelid = 'events.events'::regclass
    AND access_method.amname IN ('hnsw', 'ivfflat')
ORDER BY index_class.relname;
