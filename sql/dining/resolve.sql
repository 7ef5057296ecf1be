-- Which entity a name means. Three tiers, surest first: the same name, an alias, a name
-- that is spelled almost like it; and, for whoever has embeddings, a fourth by meaning.

-- name: resolve_exact(type, names)
-- For each name that is one of an entity of this type, that entity.
SELECT
    given.name AS given_name,
    entity.id AS entity_id
FROM unnest(:names::text[]) AS given (name)
INNER JOIN dining.entities AS entity
    ON entity.type = :type
    AND entity.normalized_name = dining.normalize_name(given.name);

-- name: resolve_alias(type, names)
-- For each name that is an alias, the entity of this type; the oldest if several have it.
SELECT DISTINCT ON (given.name)
    given.name AS given_name,
    entity.id AS entity_id
FROM unnest(:names::text[]) AS given (name)
INNER JOIN dining.entities AS entity
    ON entity.type = :type
    AND entity.known_as && dining.normalize_names(ARRAY[given.name])
WHERE given.name IS NOT NULL
ORDER BY
    given.name,
    entity.id;

-- name: resolve_fuzzy(type, names, min_similarity, limit_rows)
-- For each name, the entities of this type of which the name or an alias is spelled most
-- like it, at most limit_rows each; similarity is by trigrams, 0 to 1.
--
-- Two sets whose similarity reaches t share one of any n - ceil(t * n) + 1 members of
-- the one with n (prefix filtering: Chaudhuri, Ganti and Kaushik, 2006). With the rarest
-- trigrams first, the GIN index finds few candidates and misses none.
WITH given AS MATERIALIZED (
    SELECT
        sent.name,
        dining.normalize_name(sent.name) AS normalized_name,
        dining.name_trigrams(ARRAY[sent.name]) AS trigrams
    FROM unnest(:names::text[]) AS sent (name)
    WHERE sent.name IS NOT NULL
),
probe AS MATERIALIZED (
    SELECT
        given.name,
        given.normalized_name,
        given.trigrams,
        :min_similarity::real * cardinality(given.trigrams) - 0.001 AS min_shared,
        array_agg(
            member.trigram
            ORDER BY coalesce(common.frequency, 0), member.trigram
        ) AS rarest
    FROM given
    CROSS JOIN unnest(given.trigrams) AS member (trigram)
    LEFT JOIN dining.trigram_frequencies AS common
        ON common.trigram = member.trigram
    GROUP BY
        given.name,
        given.normalized_name,
        given.trigrams
)
SELECT
    probe.name AS given_name,
    alike.id AS entity_id,
    alike.name,
    alike.similarity
FROM probe
CROSS JOIN LATERAL (
    SELECT
        entity.id,
        entity.name,
        max(core.similarity(known.name, probe.normalized_name)) AS similarity
    FROM dining.entities AS entity
    CROSS JOIN LATERAL unnest(entity.known_as) AS known (name)
    WHERE
        entity.type = :type
        AND entity.trigrams
            && probe.rarest[
                : cardinality(probe.rarest) - ceil(probe.min_shared)::integer + 1
            ]
        AND probe.min_shared <= (
            SELECT count(*)
            FROM unnest(entity.trigrams) AS shared (trigram)
            WHERE shared.trigram = ANY (probe.trigrams)
        )
    GROUP BY entity.id
    ORDER BY
        similarity DESC,
        entity.id
    LIMIT :limit_rows::bigint
) AS alike
WHERE alike.similarity >= :min_similarity::real
ORDER BY
    given_name,
    alike.similarity DESC,
    entity_id;

-- name: resolve_semantic(type, embedding, limit_rows)
-- The entities of this type that are nearest in meaning, by cosine similarity.
WITH nearest AS MATERIALIZED (
    SELECT
        entity.id,
        entity.name,
        entity.embedding <=> :embedding::public.vector AS distance
    FROM dining.entities AS entity
    WHERE
        entity.type = :type
        AND entity.embedding IS NOT NULL
    ORDER BY entity.embedding <=> :embedding::public.vector
    LIMIT :limit_rows::bigint
)
SELECT
    nearest.id AS entity_id,
    nearest.name,
    1 - nearest.distance AS similarity
FROM nearest
WHERE nearest.distance IS NOT NULL
ORDER BY
    nearest.distance,
    nearest.id;
