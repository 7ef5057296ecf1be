-- Takes back the search indexes.
--
-- Lock: ACCESS EXCLUSIVE on events.events, for a moment. Rewrites: none.
-- Loses: nothing; searches scan the table until the indexes are back.
--
-- drystone: ignore-file index-drop-blocks: all three go in one transaction, at once.

DROP INDEX events.idx_events_embedding;

DROP INDEX events.events_name_trigrams_idx;

DROP INDEX events.idx_events_fts;
