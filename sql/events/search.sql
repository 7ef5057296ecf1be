-- How services search events: by words, by meaning, by both, and by likeness to another
-- event.
--
-- A list by distance reads the HNSW index as long as it is ordered by the bare distance
-- and cut by LIMIT. Sessions set hnsw.ef_search, and hnsw.iterative_scan to
-- strict_order, so that filters do not leave fewer rows than asked for.

-- name: search_text(q, limit_rows)
-- Events that hold all the words of a web-style search ("quoted phrases", or, -not),
-- best first, with the words marked in an excerpt; 10 rows unless limit_rows says
-- otherwise.
-- replica: ok
WITH search AS (
    SELECT websearch_to_tsquery('pg_catalog.english', :q::text) AS query
),
hit AS (
    SELECT
        event.id,
        event.name,
        event.description,
        event.date,
        event.location,
        search.query,
        ts_rank_cd(event.fts, search.query) AS rank
    FROM search
    INNER JOIN events.events AS event
        ON event.fts @@ search.query
    ORDER BY
        rank DESC,
        event.id
    LIMIT coalesce(:limit_rows::bigint, 10)
)
SELECT
    hit.id,
    hit.name,
    hit.date,
    hit.location,
    hit.rank,
    ts_headline(
        'pg_catalog.english',
        hit.name || ' — ' || coalesce(hit.description, ''),
        hit.query,
        'StartSel=<mark>, StopSel=</mark>, MaxFragments=2, MaxWords=30, MinWords=10'
    ) AS headline
FROM hit
ORDER BY
    hit.rank DESC,
    hit.id;

-- name: nearest_events(embedding, limit_rows)
-- The events nearest in meaning to an embedding, by cosine similarity.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        event.id,
        event.name,
        event.date,
        event.location,
        event.embedding <=> :embedding::public.vector AS distance
    FROM events.events AS event
    ORDER BY event.embedding <=> :embedding::public.vector
    LIMIT :limit_rows::bigint
)
SELECT
    nearest.id,
    nearest.name,
    nearest.date,
    nearest.location,
    1 - nearest.distance AS similarity
FROM nearest
WHERE nearest.distance IS NOT NULL
ORDER BY
    nearest.distance,
    nearest.id;

-- name: search_vector(embedding, location, date_from, date_to, min_quality, min_similarity, limit_rows)
-- The events nearest in meaning among those that pass the filters, each of which may be
-- NULL; 10 rows unless limit_rows says otherwise, fewer if they are not similar enough.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        event.id,
        event.name,
        event.date,
        event.location,
        event.embedding <=> :embedding::public.vector AS distance
    FROM events.events AS event
    WHERE
        event.embedding IS NOT NULL
        AND (:location::text IS NULL OR lower(event.location) = lower(:location::text))
        AND (:date_from::date IS NULL OR event.date >= :date_from::date)
        AND (:date_to::date IS NULL OR event.date <= :date_to::date)
        AND event.data_quality_score >= coalesce(:min_quality::integer, 0)
    ORDER BY event.embedding <=> :embedding::public.vector
    LIMIT coalesce(:limit_rows::bigint, 10)
)
SELECT
    nearest.id,
    nearest.name,
    nearest.date,
    nearest.location,
    1 - nearest.distance AS similarity
FROM nearest
WHERE nearest.distance <= 1 - coalesce(:min_similarity::double precision, -1)
ORDER BY
    nearest.distance,
    nearest.id;

-- name: search_hybrid(q, embedding, vector_weight, text_weight, limit_rows)
-- Events by meaning and by words at once: the best 2 x limit_rows of either kind,
-- scored 0.7 x cosine similarity + 0.3 x text rank unless other weights are given. The
-- best text rank counts as 1.
-- replica: ok
WITH search AS (
    SELECT websearch_to_tsquery('pg_catalog.english', :q::text) AS query
),
by_vector AS MATERIALIZED (
    SELECT
        event.id,
        event.embedding <=> :embedding::public.vector AS distance
    FROM events.events AS event
    WHERE event.embedding IS NOT NULL
    ORDER BY event.embedding <=> :embedding::public.vector
    LIMIT 2 * coalesce(:limit_rows::bigint, 10)
),
by_text AS MATERIALIZED (
    SELECT
        event.id,
        ts_rank_cd(event.fts, search.query) AS rank
    FROM search
    INNER JOIN events.events AS event
        ON event.fts @@ search.query
    ORDER BY
        rank DESC,
        event.id
    LIMIT 2 * coalesce(:limit_rows::bigint, 10)
),
candidate AS (
    SELECT by_vector.id
    FROM by_vector
    UNION
    SELECT by_text.id
    FROM by_text
),
scored AS (
    SELECT
        event.id,
        event.name,
        event.date,
        event.location,
        coalesce(1 - (event.embedding <=> :embedding::public.vector), 0)
            AS vector_score,
        coalesce(
            by_text.rank / nullif(max(by_text.rank) OVER (), 0),
            0
        )::double precision AS text_score
    FROM candidate
    INNER JOIN events.events AS event
        ON event.id = candidate.id
    LEFT JOIN by_text
        ON by_text.id = candidate.id
)
SELECT
    scored.id,
    scored.name,
    scored.date,
    scored.location,
    scored.vector_score,
    scored.text_score,
    coalesce(:vector_weight::double precision, 0.7) * scored.vector_score
        + coalesce(:text_weight::double precision, 0.3) * scored.text_score AS score
FROM scored
ORDER BY
    score DESC,
    scored.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: search_hybrid_rrf(q, embedding, limit_rows)
-- Events by meaning and by words at once, by reciprocal rank fusion: 1 / (60 + rank)
-- from either list, added up; it needs no common scale (Cormack, Clarke and Buettcher,
-- 2009).
-- replica: ok
WITH search AS (
    SELECT websearch_to_tsquery('pg_catalog.english', :q::text) AS query
),
by_vector AS MATERIALIZED (
    SELECT
        event.id,
        event.embedding <=> :embedding::public.vector AS distance
    FROM events.events AS event
    WHERE event.embedding IS NOT NULL
    ORDER BY event.embedding <=> :embedding::public.vector
    LIMIT 2 * coalesce(:limit_rows::bigint, 10)
),
by_text AS MATERIALIZED (
    SELECT
        event.id,
        ts_rank_cd(event.fts, search.query) AS rank
    FROM search
    INNER JOIN events.events AS event
        ON event.fts @@ search.query
    ORDER BY
        rank DESC,
        event.id
    LIMIT 2 * coalesce(:limit_rows::bigint, 10)
),
placed AS (
    SELECT
        by_vector.id,
        row_number() OVER (ORDER BY by_vector.distance, by_vector.id) AS vector_place,
        NULL::bigint AS text_place
    FROM by_vector
    UNION ALL
    SELECT
        by_text.id,
        NULL::bigint AS vector_place,
        row_number() OVER (ORDER BY by_text.rank DESC, by_text.id) AS text_place
    FROM by_text
),
fused AS (
    SELECT
        placed.id,
        min(placed.vector_place) AS vector_place,
        min(placed.text_place) AS text_place,
        sum(1.0 / (60 + coalesce(placed.vector_place, placed.text_place)))
            ::double precision AS score
    FROM placed
    GROUP BY placed.id
)
SELECT
    event.id,
    event.name,
    event.date,
    event.location,
    fused.vector_place,
    fused.text_place,
    fused.score
FROM fused
INNER JOIN events.events AS event
    ON event.id = fused.id
ORDER BY
    fused.score DESC,
    event.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: similar_events(event_id, limit_rows)
-- The events nearest in meaning to a given one, without itself.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        event.id,
        event.name,
        event.date,
        event.location,
        event.embedding <=> (
            SELECT origin.embedding
            FROM events.events AS origin
            WHERE origin.id = :event_id
        ) AS distance
    FROM events.events AS event
    ORDER BY event.embedding <=> (
        SELECT origin.embedding
        FROM events.events AS origin
        WHERE origin.id = :event_id
    )
    LIMIT coalesce(:limit_rows::bigint, 10) + 1
)
SELECT
    nearest.id,
    nearest.name,
    nearest.date,
    nearest.location,
    1 - nearest.distance AS similarity
FROM nearest
WHERE
    nearest.distance IS NOT NULL
    AND nearest.id <> :event_id
ORDER BY
    nearest.distance,
    nearest.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: similar_by_topics(event_id, min_shared, min_relevance, limit_rows)
-- Events that share topics with a given one, most shared first: at least 2 topics, each
-- with a relevance of 0.5 for both, unless told otherwise.
-- replica: ok
SELECT
    event.id,
    event.name,
    event.date,
    event.location,
    count(*) AS shared_topics,
    sum(own.relevance_score * other.relevance_score)::real AS strength
FROM events.event_topics AS own
INNER JOIN events.event_topics AS other
    ON other.topic_id = own.topic_id
    AND other.event_id <> own.event_id
INNER JOIN events.events AS event
    ON event.id = other.event_id
WHERE
    own.event_id = :event_id
    AND own.relevance_score >= coalesce(:min_relevance::real, 0.5)
    AND other.relevance_score >= coalesce(:min_relevance::real, 0.5)
GROUP BY event.id
HAVING count(*) >= coalesce(:min_shared::bigint, 2)
ORDER BY
    shared_topics DESC,
    strength DESC,
    event.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: events_by_name(name, min_similarity, limit_rows)
-- Events whose name is spelled almost like the given one, most alike first: at least
-- 0.3 by trigrams unless min_similarity says otherwise.
-- replica: ok
WITH search AS MATERIALIZED (
    SELECT
        core.trigrams(:name::text) AS trigrams,
        coalesce(:min_similarity::real, 0.3) AS min_similarity
),
-- Counting shared trigrams is cheap and leaves few names for the exact score.
candidate AS MATERIALIZED (
    SELECT
        event.id,
        event.name,
        event.date,
        event.location,
        search.min_similarity
    FROM search
    INNER JOIN events.events AS event
        ON event.name_trigrams && search.trigrams
    CROSS JOIN LATERAL (
        SELECT count(*) AS total
        FROM unnest(event.name_trigrams) AS trigram (value)
        WHERE trigram.value = ANY (search.trigrams)
    ) AS shared
    WHERE shared.total >= search.min_similarity * (
            cardinality(event.name_trigrams)
            + cardinality(search.trigrams)
            - shared.total
        ) - 0.001
),
alike AS MATERIALIZED (
    SELECT
        candidate.id,
        candidate.name,
        candidate.date,
        candidate.location,
        core.similarity(candidate.name, :name::text) AS similarity,
        candidate.min_similarity
    FROM candidate
)
SELECT
    alike.id,
    alike.name,
    alike.date,
    alike.location,
    alike.similarity
FROM alike
WHERE alike.similarity >= alike.min_similarity
ORDER BY
    alike.similarity DESC,
    alike.id
LIMIT coalesce(:limit_rows::bigint, 10);
