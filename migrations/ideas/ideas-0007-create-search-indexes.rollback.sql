-- Takes back the search indexes.
--
-- Lock: ACCESS EXCLUSIVE on ideas.business_ideas, for a moment. Rewrites: none.
-- Loses: nothing; searches scan the table until the indexes are back.

DROP INDEX ideas.business_ideas_embedding_idx;

DROP INDEX ideas.business_ideas_title_trigrams_idx;

DROP INDEX ideas.business_ideas_fts_idx;
