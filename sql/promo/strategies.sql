-- Strategies: proposed by an AI, compared, accepted or rejected by a person.

-- name: propose_strategy(organization_id, document, generated_by, confidence)<!
-- Writes a proposal down as the organisation's next version; document is an object with
-- positioning, audience_segments, content_pillars, channel_plan, cadence and
-- calendar_skeleton, of which none may be missing.
INSERT INTO promo.ai_strategies (
    organization_id,
    version,
    previous_id,
    positioning,
    audience_segments,
    content_pillars,
    channel_plan,
    cadence,
    calendar_skeleton,
    generated_by,
    confidence
)
SELECT
    :organization_id::uuid,
    promo.next_strategy_version(:organization_id::uuid),
    (
        SELECT active.id
        FROM promo.ai_strategies AS active
        WHERE
            active.organization_id = :organization_id::uuid
            AND active.status = 'ACTIVE'
    ),
    nullif(given.document -> 'positioning', 'null'),
    nullif(given.document -> 'audience_segments', 'null'),
    nullif(given.document -> 'content_pillars', 'null'),
    nullif(given.document -> 'channel_plan', 'null'),
    nullif(given.document -> 'cadence', 'null'),
    nullif(given.document -> 'calendar_skeleton', 'null'),
    :generated_by,
    :confidence
FROM (VALUES (:document::jsonb)) AS given (document)
RETURNING
    id,
    organization_id,
    version,
    previous_id,
    status;

-- name: get_strategy(strategy_id)^
-- A strategy with all of its documents.
-- replica: ok
SELECT
    strategy.id,
    strategy.organization_id,
    strategy.version,
    strategy.previous_id,
    strategy.status,
    strategy.positioning,
    strategy.audience_segments,
    strategy.content_pillars,
    strategy.channel_plan,
    strategy.cadence,
    strategy.calendar_skeleton,
    strategy.generated_by,
    strategy.confidence,
    strategy.accepted_at,
    strategy.created_at
FROM promo.ai_strategies AS strategy
WHERE strategy.id = :strategy_id;

-- name: list_strategies(organization_id)
-- An organisation's strategies, latest first, without their documents.
-- replica: ok
SELECT
    strategy.id,
    strategy.version,
    strategy.previous_id,
    strategy.status,
    strategy.generated_by,
    strategy.confidence,
    strategy.accepted_at,
    strategy.created_at
FROM promo.ai_strategies AS strategy
WHERE strategy.organization_id = :organization_id
ORDER BY strategy.version DESC;

-- name: accept_strategy(strategy_id)^
-- Makes a proposal, or one that was archived, the active strategy of its organisation;
-- the one before is archived. No row if it is neither.
UPDATE promo.ai_strategies AS strategy
SET
    status = 'ACTIVE',
    accepted_at = clock_timestamp()
WHERE
    strategy.id = :strategy_id
    AND strategy.status IN ('PROPOSED', 'ARCHIVED')
RETURNING
    strategy.id,
    strategy.organization_id,
    strategy.version,
    strategy.status,
    strategy.accepted_at;

-- name: reject_strategy(strategy_id)!
-- 1 if the strategy was proposed, and is now rejected.
UPDATE promo.ai_strategies AS strategy
SET status = 'REJECTED'
WHERE
    strategy.id = :strategy_id
    AND strategy.status = 'PROPOSED';

-- name: strategy_diff(from_id, to_id)
-- The keys that differ between two strategies of one organisation, by document, with
-- what they were and what they are; a document that is no object counts as one key.
-- replica: ok
WITH document AS (
    SELECT
        strategy.id,
        part.name,
        entry.key,
        entry.value
    FROM promo.ai_strategies AS strategy
    CROSS JOIN LATERAL (
        VALUES
            ('positioning', strategy.positioning),
            ('audience_segments', strategy.audience_segments),
            ('content_pillars', strategy.content_pillars),
            ('channel_plan', strategy.channel_plan),
            ('cadence', strategy.cadence),
            ('calendar_skeleton', strategy.calendar_skeleton)
    ) AS part (name, value)
    CROSS JOIN LATERAL jsonb_each(
        CASE jsonb_typeof(part.value)
            WHEN 'object' THEN part.value
            ELSE jsonb_build_object('', part.value)
        END
    ) AS entry
    WHERE
        strategy.id IN (:from_id, :to_id)
        AND strategy.organization_id = (
            SELECT origin.organization_id
            FROM promo.ai_strategies AS origin
            WHERE origin.id = :from_id
        )
)
SELECT
    coalesce(old.name, new.name) AS document,
    coalesce(old.key, new.key) AS key,
    old.value AS old_value,
    new.value AS new_value
FROM (
    SELECT
        document.name,
        document.key,
        document.value
    FROM document
    WHERE document.id = :from_id
) AS old
FULL JOIN (
    SELECT
        document.name,
        document.key,
        document.value
    FROM document
    WHERE document.id = :to_id
) AS new
    ON new.name = old.name
    AND new.key = old.key
WHERE old.value IS DISTINCT FROM new.value
ORDER BY
    document,
    key;
