-- How duplicates are found, decided and merged. Confidence of 0.9 and more may be
-- merged unasked, 0.7 to 0.9 goes to a person, below 0.5 two things are separate.

-- name: dedupe_candidates(kind, min_confidence, since, limit_rows)
-- Pairs of one kind (event, speaker or company) that may be the same thing, surest
-- first; since restricts them to pairs with a newer member and may be NULL.
WITH candidate AS (
    SELECT
        speaker.left_id,
        speaker.right_id,
        speaker.name_similarity,
        speaker.same_company,
        speaker.confidence
    FROM events.duplicate_speakers(
        :min_confidence::real,
        :since::timestamptz
    ) AS speaker
    WHERE :kind::text = 'speaker'
    UNION ALL
    SELECT
        company.left_id,
        company.right_id,
        company.name_similarity,
        NULL,
        company.confidence
    FROM events.duplicate_companies(
        :min_confidence::real,
        :since::timestamptz
    ) AS company
    WHERE :kind::text = 'company'
    UNION ALL
    SELECT
        event.left_id,
        event.right_id,
        event.name_similarity,
        NULL,
        event.confidence
    FROM events.duplicate_events(
        :min_confidence::real,
        :since::timestamptz
    ) AS event
    WHERE :kind::text = 'event'
),
named AS (
    SELECT
        event.id,
        event.name
    FROM events.events AS event
    WHERE :kind::text = 'event'
    UNION ALL
    SELECT
        speaker.id,
        speaker.name
    FROM events.speakers AS speaker
    WHERE :kind::text = 'speaker'
    UNION ALL
    SELECT
        company.id,
        company.name
    FROM events.companies AS company
    WHERE :kind::text = 'company'
)
SELECT
    candidate.left_id,
    left_named.name AS left_name,
    candidate.right_id,
    right_named.name AS right_name,
    candidate.name_similarity,
    candidate.same_company,
    candidate.confidence
FROM candidate
INNER JOIN named AS left_named
    ON left_named.id = candidate.left_id
INNER JOIN named AS right_named
    ON right_named.id = candidate.right_id
ORDER BY
    candidate.confidence DESC,
    candidate.left_id,
    candidate.right_id
LIMIT :limit_rows::bigint;

-- name: queue_reviews(kind, since)!
-- Puts the pairs of one kind with a confidence from 0.7 up to 0.9 before a person, and
-- counts them; a pair that was asked before is not asked again.
INSERT INTO events.dedupe_reviews (
    entity_kind,
    left_id,
    right_id,
    confidence,
    evidence
)
SELECT
    candidate.kind,
    candidate.left_id,
    candidate.right_id,
    candidate.confidence,
    candidate.evidence
FROM (
    SELECT
        'speaker' AS kind,
        speaker.left_id,
        speaker.right_id,
        speaker.confidence,
        jsonb_build_object(
            'name_similarity', speaker.name_similarity,
            'same_company', speaker.same_company
        ) AS evidence
    FROM events.duplicate_speakers(0.7, :since::timestamptz) AS speaker
    WHERE :kind::text = 'speaker'
    UNION ALL
    SELECT
        'company' AS kind,
        company.left_id,
        company.right_id,
        company.confidence,
        jsonb_build_object('name_similarity', company.name_similarity) AS evidence
    FROM events.duplicate_companies(0.7, :since::timestamptz) AS company
    WHERE :kind::text = 'company'
    UNION ALL
    SELECT
        'event' AS kind,
        event.left_id,
        event.right_id,
        event.confidence,
        jsonb_build_object(
            'name_similarity', event.name_similarity,
            'cosine_similarity', event.confidence
        ) AS evidence
    FROM events.duplicate_events(0.7, :since::timestamptz) AS event
    WHERE :kind::text = 'event'
) AS candidate
WHERE candidate.confidence < 0.9::real
ORDER BY
    candidate.left_id,
    candidate.right_id
ON CONFLICT (entity_kind, left_id, right_id) DO NOTHING;

-- name: claim_review(worker, lease_seconds)^
-- Leases the surest pending pair whose two sides still exist and are not merged to a
-- worker; what another worker holds is skipped.
WITH next AS MATERIALIZED (
    SELECT review.id
    FROM events.dedupe_reviews AS review
    WHERE
        review.status = 'pending'
        AND (review.claimed_until IS NULL OR review.claimed_until <= clock_timestamp())
        AND 2 = CASE review.entity_kind
            WHEN 'speaker' THEN (
                SELECT count(*)
                FROM events.speakers AS speaker
                WHERE
                    speaker.id IN (review.left_id, review.right_id)
                    AND speaker.merged_into IS NULL
            )
            WHEN 'company' THEN (
                SELECT count(*)
                FROM events.companies AS company
                WHERE company.id IN (review.left_id, review.right_id)
            )
            ELSE (
                SELECT count(*)
                FROM events.events AS event
                WHERE event.id IN (review.left_id, review.right_id)
            )
        END
    ORDER BY
        review.confidence DESC,
        review.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE events.dedupe_reviews AS review
SET
    claimed_by = :worker,
    claimed_until = clock_timestamp()
        + make_interval(secs => :lease_seconds::double precision)
FROM next
WHERE review.id = next.id
RETURNING
    review.id,
    review.entity_kind,
    review.left_id,
    review.right_id,
    review.confidence,
    review.evidence,
    review.claimed_until;

-- name: decide_review(review_id, merge, decided_by)^
-- Records a person's decision on a pending pair; no row when it was decided before. The
-- rows themselves are merged by merge_speakers, merge_companies or merge_events.
UPDATE events.dedupe_reviews AS review
SET
    status = CASE WHEN :merge::boolean THEN 'merged' ELSE 'rejected' END,
    decided_by = :decided_by,
    decided_at = clock_timestamp(),
    claimed_by = NULL,
    claimed_until = NULL
WHERE
    review.id = :review_id
    AND review.status = 'pending'
RETURNING
    review.id,
    review.entity_kind,
    review.left_id,
    review.right_id,
    review.status,
    review.decided_at;

-- name: merge_speakers(keep_id, drop_id)^
-- Moves every link of one speaker to another and marks it as merged into it, with those
-- that were merged into it before; no row unless both are unmerged and differ.
WITH pair AS MATERIALIZED (
    SELECT speaker.id
    FROM events.speakers AS speaker
    WHERE
        speaker.id IN (:keep_id::uuid, :drop_id::uuid)
        AND speaker.merged_into IS NULL
    ORDER BY speaker.id
    FOR UPDATE
),
merging AS MATERIALIZED (
    SELECT
        :keep_id::uuid AS keep_id,
        :drop_id::uuid AS drop_id
    FROM pair
    HAVING count(*) = 2
),
dropped AS (
    DELETE FROM events.event_speakers AS link
    USING merging
    WHERE link.speaker_id = merging.drop_id
    RETURNING
        link.event_id,
        merging.keep_id AS speaker_id,
        link.role,
        link.extraction_confidence
),
moved AS (
    INSERT INTO events.event_speakers AS link (
        event_id,
        speaker_id,
        role,
        extraction_confidence
    )
    SELECT
        dropped.event_id,
        dropped.speaker_id,
        dropped.role,
        dropped.extraction_confidence
    FROM dropped
    ORDER BY
        dropped.event_id,
        dropped.role
    ON CONFLICT (event_id, speaker_id, role) DO UPDATE
    SET
        extraction_confidence = greatest(
            link.extraction_confidence,
            EXCLUDED.extraction_confidence
        )
    RETURNING link.event_id
),
merged AS (
    UPDATE events.speakers AS speaker
    SET merged_into = merging.keep_id
    FROM merging
    WHERE
        speaker.id = merging.drop_id
        OR speaker.merged_into = merging.drop_id
    RETURNING speaker.id
),
decided AS (
    UPDATE events.dedupe_reviews AS review
    SET
        status = 'merged',
        decided_at = clock_timestamp(),
        claimed_by = NULL,
        claimed_until = NULL
    FROM merging
    WHERE
        review.entity_kind = 'speaker'
        AND review.left_id = least(merging.keep_id, merging.drop_id)
        AND review.right_id = greatest(merging.keep_id, merging.drop_id)
        AND review.status = 'pending'
    RETURNING review.id
)
SELECT
    merging.keep_id,
    merging.drop_id,
    (SELECT count(*) FROM moved) AS moved_links,
    (SELECT count(*) FROM merged) AS merged_speakers,
    (SELECT count(*) FROM decided) AS decided_reviews
FROM merging;

-- name: merge_companies(keep_id, drop_id)^
-- Moves every link of one company to another, and its people where they are not known
-- there already, and deletes the first; no row unless both exist and differ.
WITH pair AS MATERIALIZED (
    SELECT
        company.id,
        company.name,
        company.normalized_name,
        company.industry
    FROM events.companies AS company
    WHERE company.id IN (:keep_id::uuid, :drop_id::uuid)
    ORDER BY company.id
    FOR UPDATE
),
merging AS MATERIALIZED (
    SELECT
        kept.id AS keep_id,
        gone.id AS drop_id,
        kept.name AS keep_name,
        kept.normalized_name AS keep_normalized_name,
        gone.normalized_name AS drop_normalized_name,
        coalesce(kept.industry, gone.industry) AS industry
    FROM pair AS kept
    INNER JOIN pair AS gone
        ON gone.id = :drop_id::uuid
        AND gone.id <> kept.id
    WHERE kept.id = :keep_id::uuid
),
moved AS (
    INSERT INTO events.event_companies AS link (
        event_id,
        company_id,
        relationship_type
    )
    SELECT
        old_link.event_id,
        merging.keep_id,
        old_link.relationship_type
    FROM merging
    INNER JOIN events.event_companies AS old_link
        ON old_link.company_id = merging.drop_id
    ORDER BY
        old_link.event_id,
        old_link.relationship_type
    ON CONFLICT (event_id, company_id, relationship_type) DO UPDATE
    SET created_at = least(link.created_at, EXCLUDED.created_at)
    RETURNING link.event_id
),
employed AS (
    UPDATE events.speakers AS speaker
    SET company = merging.keep_name
    FROM merging
    WHERE
        speaker.normalized_company = merging.drop_normalized_name
        AND NOT EXISTS (
            SELECT
            FROM events.speakers AS namesake
            WHERE
                namesake.normalized_name = speaker.normalized_name
                AND namesake.normalized_company = merging.keep_normalized_name
        )
    RETURNING speaker.id
),
kept AS (
    UPDATE events.companies AS company
    SET industry = merging.industry
    FROM merging
    WHERE
        company.id = merging.keep_id
        AND company.industry IS DISTINCT FROM merging.industry
),
gone AS (
    DELETE FROM events.companies AS company
    USING merging
    WHERE company.id = merging.drop_id
),
decided AS (
    UPDATE events.dedupe_reviews AS review
    SET
        status = 'merged',
        decided_at = clock_timestamp(),
        claimed_by = NULL,
        claimed_until = NULL
    FROM merging
    WHERE
        review.entity_kind = 'company'
        AND review.left_id = least(merging.keep_id, merging.drop_id)
        AND review.right_id = greatest(merging.keep_id, merging.drop_id)
        AND review.status = 'pending'
    RETURNING review.id
)
SELECT
    merging.keep_id,
    merging.drop_id,
    (SELECT count(*) FROM moved) AS moved_links,
    (SELECT count(*) FROM employed) AS moved_speakers,
    (SELECT count(*) FROM decided) AS decided_reviews
FROM merging;

-- name: merge_events(keep_id, drop_id)^
-- Moves every link of one event to another, fills in what was unknown of it, and
-- deletes the first; no row unless both exist and differ.
WITH pair AS MATERIALIZED (
    SELECT
        event.id,
        event.description,
        event.date,
        event.location
    FROM events.events AS event
    WHERE event.id IN (:keep_id::uuid, :drop_id::uuid)
    ORDER BY event.id
    FOR UPDATE
),
merging AS MATERIALIZED (
    SELECT
        kept.id AS keep_id,
        gone.id AS drop_id,
        coalesce(kept.description, gone.description) AS description,
        coalesce(kept.date, gone.date) AS date,
        coalesce(kept.location, gone.location) AS location
    FROM pair AS kept
    INNER JOIN pair AS gone
        ON gone.id = :drop_id::uuid
        AND gone.id <> kept.id
    WHERE kept.id = :keep_id::uuid
),
moved_speakers AS (
    INSERT INTO events.event_speakers AS link (
        event_id,
        speaker_id,
        role,
        extraction_confidence
    )
    SELECT
        merging.keep_id,
        old_link.speaker_id,
        old_link.role,
        old_link.extraction_confidence
    FROM merging
    INNER JOIN events.event_speakers AS old_link
        ON old_link.event_id = merging.drop_id
    ORDER BY
        old_link.speaker_id,
        old_link.role
    ON CONFLICT (event_id, speaker_id, role) DO UPDATE
    SET
        extraction_confidence = greatest(
            link.extraction_confidence,
            EXCLUDED.extraction_confidence
        )
    RETURNING link.speaker_id
),
moved_companies AS (
    INSERT INTO events.event_companies AS link (
        event_id,
        company_id,
        relationship_type
    )
    SELECT
        merging.keep_id,
        old_link.company_id,
        old_link.relationship_type
    FROM merging
    INNER JOIN events.event_companies AS old_link
        ON old_link.event_id = merging.drop_id
    ORDER BY
        old_link.company_id,
        old_link.relationship_type
    ON CONFLICT (event_id, company_id, relationship_type) DO UPDATE
    SET created_at = least(link.created_at, EXCLUDED.created_at)
    RETURNING link.company_id
),
moved_topics AS (
    INSERT INTO events.event_topics AS link (
        event_id,
        topic_id,
        relevance_score
    )
    SELECT
        merging.keep_id,
        old_link.topic_id,
        old_link.relevance_score
    FROM merging
    INNER JOIN events.event_topics AS old_link
        ON old_link.event_id = merging.drop_id
    ORDER BY old_link.topic_id
    ON CONFLICT (event_id, topic_id) DO UPDATE
    SET relevance_score = greatest(link.relevance_score, EXCLUDED.relevance_score)
    RETURNING link.topic_id
),
kept AS (
    UPDATE events.events AS event
    SET
        description = merging.description,
        date = merging.date,
        location = merging.location
    FROM merging
    WHERE event.id = merging.keep_id
),
gone AS (
    DELETE FROM events.events AS event
    USING merging
    WHERE event.id = merging.drop_id
),
decided AS (
    UPDATE events.dedupe_reviews AS review
    SET
        status = 'merged',
        decided_at = clock_timestamp(),
        claimed_by = NULL,
        claimed_until = NULL
    FROM merging
    WHERE
        review.entity_kind = 'event'
        AND review.left_id = least(merging.keep_id, merging.drop_id)
        AND review.right_id = greatest(merging.keep_id, merging.drop_id)
        AND review.status = 'pending'
    RETURNING review.id
)
SELECT
    merging.keep_id,
    merging.drop_id,
    (SELECT count(*) FROM moved_speakers)
        + (SELECT count(*) FROM moved_companies)
        + (SELECT count(*) FROM moved_topics) AS moved_links,
    (SELECT count(*) FROM decided) AS decided_reviews
FROM merging;
