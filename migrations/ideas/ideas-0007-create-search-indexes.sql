-- depends: ideas-0006-create-agent-results
--
-- The three ways to search ideas: by words, by a part of the title, by meaning.
--
-- Lock: SHARE on ideas.business_ideas while each index is built: reads go on, writes
-- wait. Rewrites: none.
-- Rollback: drops the indexes and no row.

CREATE INDEX business_ideas_fts_idx
    ON ideas.business_ideas USING gin (fts)
    WHERE deleted_at IS NULL;

CREATE INDEX business_ideas_title_trigrams_idx
    ON ideas.business_ideas USING gin (title_trigrams)
    WHERE deleted_at IS NULL;

CREATE INDEX business_ideas_embedding_idx
    ON ideas.business_ideas USING hnsw (embedding public.vector_cosine_ops)
    WHERE deleted_at IS NULL;
