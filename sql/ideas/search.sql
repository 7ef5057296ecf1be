-- How services search ideas: by words, and by meaning ("have we seen this before?").
--
-- A list by distance reads the HNSW index as long as it is ordered by the bare distance
-- and cut by LIMIT.

-- name: search_ideas(q, limit_rows)
-- Ideas that hold all the words of a web-style search ("quoted phrases", or, -not),
-- best first, with the words marked in an excerpt; 10 unless limit_rows says otherwise.
-- replica: ok
WITH search AS (
    SELECT websearch_to_tsquery('pg_catalog.english', :q::text) AS query
),
hit AS (
    SELECT
        idea.id,
        idea.user_id,
        idea.title,
        idea.description,
        idea.status,
        search.query,
        ts_rank_cd(idea.fts, search.query) AS rank
    FROM search
    INNER JOIN ideas.business_ideas AS idea
        ON idea.fts @@ search.query
        AND idea.deleted_at IS NULL
    ORDER BY
        rank DESC,
        idea.id
    LIMIT coalesce(:limit_rows::bigint, 10)
)
SELECT
    hit.id,
    hit.user_id,
    hit.title,
    hit.status,
    hit.rank,
    ts_headline(
        'pg_catalog.english',
        hit.title || ' — ' || hit.description,
        hit.query,
        'StartSel=<mark>, StopSel=</mark>, MaxFragments=2, MaxWords=30, MinWords=10'
    ) AS headline
FROM hit
ORDER BY
    hit.rank DESC,
    hit.id;

-- name: nearest_ideas(embedding, limit_rows)
-- The ideas nearest in meaning to an embedding, by cosine similarity; 10 unless
-- limit_rows says otherwise.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        idea.id,
        idea.user_id,
        idea.title,
        idea.status,
        idea.embedding <=> :embedding::public.vector AS distance
    FROM ideas.business_ideas AS idea
    WHERE idea.deleted_at IS NULL
    ORDER BY idea.embedding <=> :embedding::public.vector
    LIMIT coalesce(:limit_rows::bigint, 10)
)
SELECT
    nearest.id,
    nearest.user_id,
    nearest.title,
    nearest.status,
    1 - nearest.distance AS similarity
FROM nearest
WHERE nearest.distance IS NOT NULL
ORDER BY
    nearest.distance,
    nearest.id;

-- name: similar_ideas(idea_id, limit_rows)
-- The ideas nearest in meaning to a given one, without itself; 10 unless limit_rows
-- says otherwise.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        idea.id,
        idea.user_id,
        idea.title,
        idea.status,
        idea.embedding <=> (
            SELECT origin.embedding
            FROM ideas.business_ideas AS origin
            WHERE origin.id = :idea_id
        ) AS distance
    FROM ideas.business_ideas AS idea
    WHERE idea.deleted_at IS NULL
    ORDER BY idea.embedding <=> (
        SELECT origin.embedding
        FROM ideas.business_ideas AS origin
        WHERE origin.id = :idea_id
    )
    LIMIT coalesce(:limit_rows::bigint, 10) + 1
)
SELECT
    nearest.id,
    nearest.user_id,
    nearest.title,
    nearest.status,
    1 - nearest.distance AS similarity
FROM nearest
WHERE
    nearest.distance IS NOT NULL
    AND nearest.id <> :idea_id
ORDER BY
    nearest.distance,
    nearest.id
LIMIT coalesce(:limit_rows::bigint, 10);
