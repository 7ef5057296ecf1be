-- The pair of the development seed that a person has to decide. Loading it again
-- changes nothing.

INSERT INTO events.dedupe_reviews (
    id,
    entity_kind,
    left_id,
    right_id,
    confidence,
    evidence
)
SELECT
    '01900000-0000-7000-8000-d00000000001',
    'speaker',
    candidate.left_id,
    candidate.right_id,
    candidate.confidence,
    jsonb_build_object(
        'name_similarity', candidate.name_similarity,
        'same_company', candidate.same_company
    )
FROM events.duplicate_speakers(0.7, NULL) AS candidate
WHERE
    candidate.left_id = '01900000-0000-7000-8000-500000000001'
    AND candidate.right_id = '01900000-0000-7000-8000-500000000010'
ON CONFLICT DO NOTHING;
