-- Scores of the development seed: what flows.recompute makes of its mentions as of 1 March
-- 2026, noon, UTC. Connections that were counted since keep their own. At the end the
-- seed proves that nothing in it is left without what it belongs to.

UPDATE dining.connections AS connection
SET
    mention_count = given.mention_count,
    recent_mention_count = given.recent_mention_count,
    source_diversity = given.source_diversity,
    total_upvotes = given.total_upvotes,
    last_mentioned_at = given.last_mentioned_at::timestamptz,
    activity_level = given.activity_level::dining.activity_level,
    strength = given.strength,
    dish_score = given.strength,
    top_mentions = (
        SELECT
            jsonb_agg(
                jsonb_build_object(
                    'source', mention.source,
                    'source_id', mention.source_id,
                    'url', mention.url,
                    'upvotes', mention.upvotes,
                    'posted_at', mention.posted_at
                )
                ORDER BY mention.upvotes * dining.freshness(
                    mention.posted_at,
                    TIMESTAMPTZ '2026-03-01 12:00:00+00'
                ) DESC
            )
        FROM dining.mentions AS mention
        WHERE mention.connection_id = connection.id
    )
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-c00000000001',
            4, 3, 3, 344, '2026-02-21 12:41:00+00', 'normal', 57.7942
        ),
        (
            '01900000-0000-7000-8000-c00000000002',
            3, 3, 2, 217, '2026-02-27 13:10:00+00', 'trending', 53.2833
        ),
        (
            '01900000-0000-7000-8000-c00000000003',
            2, 1, 2, 108, '2026-02-26 06:12:00+00', 'active', 40.3007
        ),
        (
            '01900000-0000-7000-8000-c00000000004',
            2, 0, 1, 76, '2025-12-12 02:02:00+00', 'normal', 20.3668
        ),
        (
            '01900000-0000-7000-8000-c00000000005',
            1, 1, 1, 49, '2026-01-31 16:50:00+00', 'normal', 24.5051
        )
) AS given (
    id,
    mention_count,
    recent_mention_count,
    source_diversity,
    total_upvotes,
    last_mentioned_at,
    activity_level,
    strength
)
WHERE
    connection.id = given.id::uuid
    AND connection.last_mentioned_at IS NULL;

UPDATE dining.entities AS restaurant
SET restaurant_score = connection.dish_score
FROM dining.connections AS connection
WHERE
    connection.restaurant_id = restaurant.id
    AND connection.id::text LIKE '01900000-0000-7000-8000-c%'
    AND restaurant.restaurant_score IS NULL;

DO $$
DECLARE
    broken CONSTANT text := (
        SELECT string_agg(integrity.rule, '; ')
        FROM dining.integrity
        WHERE
            integrity.kind = 'reference'
            AND integrity.violations > 0
    );
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'the seed of dining breaks a rule: %', broken
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END
$$;
