-- depends: events-0007-create-quality
--
-- Which rows may be the same thing twice. Confidence of 0.9 and more is merged, 0.7 to
-- 0.9 is reviewed by a person, below 0.5 the two are separate.
--
-- Comparing every pair of names is hopeless beyond some thousands, and so is an overlap
-- of any trigram: half of all names share one. But two sets whose similarity reaches t
-- must share one of the first n - ceil(t * n) + 1 members of each, in any fixed order
-- (prefix filtering: Chaudhuri, Ganti and Kaushik, 2006). With the rarest trigrams
-- first, the GIN index then finds few candidates and misses none.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the functions and no row.

CREATE FUNCTION events.duplicate_speakers(min_confidence real, since timestamptz)
RETURNS TABLE (
    left_id uuid,
    right_id uuid,
    name_similarity real,
    same_company boolean,
    confidence real
)
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    WITH frequency AS MATERIALIZED (
        SELECT
            trigram.value,
            count(*) AS speakers
        FROM events.speakers AS speaker
        CROSS JOIN LATERAL unnest(speaker.name_trigrams) AS trigram (value)
        WHERE speaker.merged_into IS NULL
        GROUP BY trigram.value
    ),
    -- With the same company, a name as little alike as this still reaches the minimum.
    threshold AS (
        SELECT greatest((min_confidence - 0.3) / 0.7, 0.3) AS similarity
    ),
    ranked AS (
        SELECT
            speaker.id,
            frequency.value,
            cardinality(speaker.name_trigrams) AS trigrams,
            row_number() OVER (
                PARTITION BY speaker.id
                ORDER BY frequency.speakers, frequency.value
            ) AS rank
        FROM events.speakers AS speaker
        CROSS JOIN LATERAL unnest(speaker.name_trigrams) AS trigram (value)
        INNER JOIN frequency
            ON frequency.value = trigram.value
        WHERE
            speaker.merged_into IS NULL
            AND (since IS NULL OR speaker.created_at >= since)
    ),
    probe AS MATERIALIZED (
        SELECT
            ranked.id,
            array_agg(ranked.value) AS rarest
        FROM ranked
        CROSS JOIN threshold
        WHERE ranked.rank
            <= ranked.trigrams
                - ceil(threshold.similarity * ranked.trigrams - 0.001)
                + 1
        GROUP BY ranked.id
    ),
    pair AS (
        SELECT DISTINCT
            least(probe.id, other.id) AS left_id,
            greatest(probe.id, other.id) AS right_id
        FROM probe
        INNER JOIN events.speakers AS other
            ON other.name_trigrams && probe.rarest
            AND other.id <> probe.id
            AND other.merged_into IS NULL
    ),
    overlapping AS (
        SELECT
            pair.left_id,
            pair.right_id,
            left_speaker.normalized_name AS left_name,
            right_speaker.normalized_name AS right_name,
            left_speaker.normalized_company = right_speaker.normalized_company
                AS same_company,
            (
                SELECT count(*)
                FROM unnest(left_speaker.name_trigrams) AS shared (value)
                WHERE shared.value = ANY (right_speaker.name_trigrams)
            ) AS shared,
            cardinality(left_speaker.name_trigrams)
                + cardinality(right_speaker.name_trigrams) AS both
        FROM pair
        INNER JOIN events.speakers AS left_speaker
            ON left_speaker.id = pair.left_id
        INNER JOIN events.speakers AS right_speaker
            ON right_speaker.id = pair.right_id
    ),
    -- Counting shared trigrams is cheap and leaves few pairs for the exact score.
    compared AS MATERIALIZED (
        SELECT
            overlapping.left_id,
            overlapping.right_id,
            core.similarity(overlapping.left_name, overlapping.right_name)
                AS name_similarity,
            overlapping.same_company
        FROM overlapping
        WHERE overlapping.shared >= (overlapping.both - overlapping.shared)
            * CASE
                WHEN overlapping.same_company THEN (min_confidence - 0.3) / 0.7
                WHEN NOT overlapping.same_company THEN min_confidence / 0.7
                ELSE min_confidence
            END
            - 0.001
    ),
    scored AS (
        SELECT
            compared.left_id,
            compared.right_id,
            compared.name_similarity,
            compared.same_company,
            CASE
                WHEN compared.same_company THEN 0.7 * compared.name_similarity + 0.3
                WHEN NOT compared.same_company THEN 0.7 * compared.name_similarity
                ELSE compared.name_similarity
            END::real AS confidence
        FROM compared
    )
    SELECT
        scored.left_id,
        scored.right_id,
        scored.name_similarity,
        scored.same_company,
        scored.confidence
    FROM scored
    WHERE scored.confidence >= min_confidence;
END;

COMMENT ON FUNCTION events.duplicate_speakers(real, timestamptz) IS
    'Pairs of unmerged speakers, one of them created since then (NULL: ever). Names '
    'weigh 0.7, company agreement 0.3; names alone count where a company is unknown.';

CREATE FUNCTION events.duplicate_companies(min_confidence real, since timestamptz)
RETURNS TABLE (
    left_id uuid,
    right_id uuid,
    name_similarity real,
    confidence real
)
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    WITH frequency AS MATERIALIZED (
        SELECT
            trigram.value,
            count(*) AS companies
        FROM events.companies AS company
        CROSS JOIN LATERAL unnest(company.name_trigrams) AS trigram (value)
        GROUP BY trigram.value
    ),
    ranked AS (
        SELECT
            company.id,
            frequency.value,
            cardinality(company.name_trigrams) AS trigrams,
            row_number() OVER (
                PARTITION BY company.id
                ORDER BY frequency.companies, frequency.value
            ) AS rank
        FROM events.companies AS company
        CROSS JOIN LATERAL unnest(company.name_trigrams) AS trigram (value)
        INNER JOIN frequency
            ON frequency.value = trigram.value
        WHERE since IS NULL OR company.created_at >= since
    ),
    probe AS MATERIALIZED (
        SELECT
            ranked.id,
            array_agg(ranked.value) AS rarest
        FROM ranked
        WHERE ranked.rank
            <= ranked.trigrams
                - ceil(greatest(min_confidence, 0.3) * ranked.trigrams - 0.001)
                + 1
        GROUP BY ranked.id
    ),
    pair AS (
        SELECT DISTINCT
            least(probe.id, other.id) AS left_id,
            greatest(probe.id, other.id) AS right_id
        FROM probe
        INNER JOIN events.companies AS other
            ON other.name_trigrams && probe.rarest
            AND other.id <> probe.id
    ),
    overlapping AS (
        SELECT
            pair.left_id,
            pair.right_id,
            left_company.normalized_name AS left_name,
            right_company.normalized_name AS right_name,
            (
                SELECT count(*)
                FROM unnest(left_company.name_trigrams) AS shared (value)
                WHERE shared.value = ANY (right_company.name_trigrams)
            ) AS shared,
            cardinality(left_company.name_trigrams)
                + cardinality(right_company.name_trigrams) AS both
        FROM pair
        INNER JOIN events.companies AS left_company
            ON left_company.id = pair.left_id
        INNER JOIN events.companies AS right_company
            ON right_company.id = pair.right_id
    ),
    compared AS MATERIALIZED (
        SELECT
            overlapping.left_id,
            overlapping.right_id,
            core.similarity(overlapping.left_name, overlapping.right_name)
                AS name_similarity
        FROM overlapping
        WHERE overlapping.shared
            >= (overlapping.both - overlapping.shared) * min_confidence - 0.001
    )
    SELECT
        compared.left_id,
        compared.right_id,
        compared.name_similarity,
        compared.name_similarity AS confidence
    FROM compared
    WHERE compared.name_similarity >= min_confidence;
END;

COMMENT ON FUNCTION events.duplicate_companies(real, timestamptz) IS
    'Pairs of companies with similar names, one of them created since then (NULL: '
    'ever).';

-- Meetups repeat with nearly the same text: only events of one day can be one event.
-- Few events share a day, so the distances are computed exactly, without the index.
CREATE FUNCTION events.duplicate_events(min_confidence real, since timestamptz)
RETURNS TABLE (
    left_id uuid,
    right_id uuid,
    name_similarity real,
    confidence real
)
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    WITH compared AS MATERIALIZED (
        SELECT
            left_event.id AS left_id,
            right_event.id AS right_id,
            left_event.name AS left_name,
            right_event.name AS right_name,
            least(
                greatest(
                    1 - (
                        left_event.embedding
                        OPERATOR(public.<=>) right_event.embedding
                    ),
                    0
                ),
                1
            )::real AS confidence
        FROM events.events AS left_event
        INNER JOIN events.events AS right_event
            ON right_event.date = left_event.date
            AND right_event.id > left_event.id
        WHERE
            since IS NULL
            OR left_event.created_at >= since
            OR right_event.created_at >= since
    )
    SELECT
        compared.left_id,
        compared.right_id,
        core.similarity(compared.left_name, compared.right_name) AS name_similarity,
        compared.confidence
    FROM compared
    WHERE compared.confidence >= min_confidence;
END;

COMMENT ON FUNCTION events.duplicate_events(real, timestamptz) IS
    'Pairs of embedded events of one day by cosine similarity, one of them created '
    'since then (NULL: ever).';
