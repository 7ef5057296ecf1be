-- What the mentions make of connections and restaurants. flows.recompute runs these in
-- their order: metrics, dish scores, restaurant scores.
--
-- connection_ids may be NULL for all. as_of is the moment that ages are counted from,
-- and may be NULL for now; later mentions are left out.

-- name: recompute_connection_metrics(connection_ids, as_of)!
-- Counts the mentions of connections anew: figures, top mentions, activity, strength.
UPDATE dining.connections AS connection
SET
    mention_count = counted.mentions,
    recent_mention_count = counted.recent_mentions,
    source_diversity = counted.threads,
    total_upvotes = counted.upvotes,
    last_mentioned_at = counted.last_posted_at,
    top_mentions = counted.top_mentions,
    activity_level = CASE
        WHEN counted.is_trending THEN 'trending'
        WHEN counted.last_posted_at > moment.at - INTERVAL '7 days' THEN 'active'
        ELSE 'normal'
    END::dining.activity_level,
    strength = counted.strength
FROM (VALUES (coalesce(:as_of::timestamptz, now()))) AS moment (at)
CROSS JOIN dining.connections AS target
CROSS JOIN LATERAL (
    SELECT
        count(*) AS mentions,
        count(*) FILTER (WHERE weighed.posted_at > moment.at - INTERVAL '30 days')
            AS recent_mentions,
        count(DISTINCT weighed.thread_id) AS threads,
        coalesce(sum(weighed.upvotes), 0) AS upvotes,
        max(weighed.posted_at) AS last_posted_at,
        count(*) >= 3
            AND min(weighed.posted_at) FILTER (WHERE weighed.place <= 5)
                > moment.at - INTERVAL '30 days' AS is_trending,
        dining.strength(
            coalesce(sum(weighed.freshness), 0),
            coalesce(sum(greatest(weighed.upvotes, 0) * weighed.freshness), 0),
            count(DISTINCT weighed.thread_id)
        ) AS strength,
        coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'source', weighed.source,
                    'source_id', weighed.source_id,
                    'url', weighed.url,
                    'upvotes', weighed.upvotes,
                    'posted_at', weighed.posted_at
                )
                ORDER BY weighed.place
            ) FILTER (WHERE weighed.place <= 5),
            '[]'
        ) AS top_mentions
    FROM (
        SELECT
            mention.source,
            mention.source_id,
            mention.thread_id,
            mention.url,
            mention.upvotes,
            mention.posted_at,
            weight.freshness,
            row_number() OVER (
                ORDER BY
                    mention.upvotes * weight.freshness DESC,
                    mention.posted_at DESC,
                    mention.source,
                    mention.source_id
            ) AS place
        FROM dining.mentions AS mention
        CROSS JOIN dining.freshness(mention.posted_at, moment.at)
            AS weight (freshness)
        WHERE
            mention.connection_id = target.id
            -- Not later than the moment, in words that no index is tempted by.
            AND weight.freshness <= 1
    ) AS weighed
) AS counted
WHERE
    connection.id = target.id
    AND (:connection_ids::uuid[] IS NULL OR target.id = ANY (:connection_ids::uuid[]));

-- name: recompute_dish_scores(connection_ids)!
-- Scores every dish of the restaurants that these connections belong to, and counts the
-- scores that have changed.
UPDATE dining.connections AS connection
SET dish_score = scored.dish_score
FROM (
    SELECT
        sibling.id,
        round(
            dining.dish_score(
                sibling.strength::double precision,
                avg(sibling.strength) OVER (PARTITION BY sibling.restaurant_id)
                    ::double precision
            )::numeric,
            4
        ) AS dish_score
    FROM dining.connections AS sibling
    WHERE
        (
            :connection_ids::uuid[] IS NULL
            OR sibling.restaurant_id IN (
                SELECT touched.restaurant_id
                FROM dining.connections AS touched
                WHERE touched.id = ANY (:connection_ids::uuid[])
            )
        )
) AS scored
WHERE
    connection.id = scored.id
    AND connection.dish_score <> scored.dish_score;

-- name: recompute_restaurant_scores(connection_ids)!
-- Scores the restaurants that these connections belong to, and counts the scores that
-- have changed; a restaurant without a dish has none.
UPDATE dining.entities AS restaurant
SET restaurant_score = scored.restaurant_score
FROM (
    SELECT
        place.id,
        round(
            dining.restaurant_score(
                avg(ranked.dish_score) FILTER (WHERE ranked.place <= 5)
                    ::double precision,
                avg(ranked.dish_score)::double precision
            )::numeric,
            4
        ) AS restaurant_score
    FROM dining.entities AS place
    LEFT JOIN LATERAL (
        SELECT
            connection.dish_score,
            row_number() OVER (ORDER BY connection.dish_score DESC) AS place
        FROM dining.connections AS connection
        WHERE connection.restaurant_id = place.id
    ) AS ranked
        ON true
    WHERE
        place.type = 'restaurant'
        AND (
            :connection_ids::uuid[] IS NULL
            OR place.id IN (
                SELECT touched.restaurant_id
                FROM dining.connections AS touched
                WHERE touched.id = ANY (:connection_ids::uuid[])
            )
        )
    GROUP BY place.id
) AS scored
WHERE
    restaurant.id = scored.id
    AND restaurant.restaurant_score IS DISTINCT FROM scored.restaurant_score;
