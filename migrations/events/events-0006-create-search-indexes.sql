-- depends: events-0005-create-dedupe-reviews
--
-- The three ways to search events: by words, by meaning, by a name that is spelled
-- almost like it.
--
-- HNSW is right before there is data and while it grows; ivfflat needs the rows first
-- (sql/events/indexes.sql builds it beside this one, to be measured against it). The
-- build fits maintenance_work_mem up to about 10,000 events in 64 MB; beyond that,
-- build it CONCURRENTLY with more memory.
--
-- Lock: SHARE on events.events while each index is built: reads go on, writes wait.
-- Rewrites: none.
-- Rollback: drops the indexes and no row.
--
-- drystone: ignore-file index-blocks-writes, work-under-lock: it comes in one release
-- with its table, which has no rows and no clients yet.

CREATE INDEX idx_events_fts
    ON events.events USING gin (fts);

CREATE INDEX events_name_trigrams_idx
    ON events.events USING gin (name_trigrams);

CREATE INDEX idx_events_embedding
    ON events.events USING hnsw (embedding public.vector_cosine_ops);
