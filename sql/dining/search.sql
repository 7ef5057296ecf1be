-- What to eat, and where. Every filter may be NULL: dishes also match by category, any
-- of those given; of attributes, all those given must be there.
--
-- Lists are read backwards from an index on (dish_score, id), until enough rows have
-- passed the filters: what they cost depends on the filters, not on the table's size.

-- name: search_dishes(dish_ids, dish_attribute_ids, restaurant_attribute_ids, restaurant_ids, viewport, after, limit_rows)
-- The best dishes that pass the filters, with their restaurants; after, score and id of
-- the last row seen, leads to the next page.
-- replica: ok
SELECT
    connection.id,
    connection.dish_id,
    dish.name AS dish_name,
    connection.restaurant_id,
    restaurant.name AS restaurant_name,
    restaurant.latitude,
    restaurant.longitude,
    connection.dish_score,
    connection.activity_level,
    connection.mention_count,
    connection.total_upvotes
FROM dining.connections AS connection
INNER JOIN dining.entities AS restaurant
    ON restaurant.id = connection.restaurant_id
INNER JOIN dining.entities AS dish
    ON dish.id = connection.dish_id
WHERE
    (
        :dish_ids::uuid[] IS NULL
        OR connection.id IN (
            SELECT member.connection_id
            FROM dining.connection_dishes AS member
            WHERE member.dish_id = ANY (:dish_ids::uuid[])
        )
    )
    AND (
        :dish_attribute_ids::uuid[] IS NULL
        OR connection.dish_attributes @> :dish_attribute_ids::uuid[]
    )
    AND (
        :restaurant_attribute_ids::uuid[] IS NULL
        OR NOT EXISTS (
            SELECT unnest(:restaurant_attribute_ids::uuid[])
            EXCEPT
            SELECT link.attribute_id
            FROM dining.restaurant_attributes AS link
            WHERE link.restaurant_id = connection.restaurant_id
        )
    )
    AND (
        :restaurant_ids::uuid[] IS NULL
        OR connection.restaurant_id = ANY (:restaurant_ids::uuid[])
    )
    AND (
        :viewport::dining.viewport IS NULL
        OR dining.in_viewport(
            restaurant.latitude,
            restaurant.longitude,
            :viewport::dining.viewport
        )
    )
    AND (
        :after::dining.list_position IS NULL
        OR (connection.dish_score, connection.id) < (
            (:after::dining.list_position).score,
            (:after::dining.list_position).id
        )
    )
ORDER BY
    connection.dish_score DESC,
    connection.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: rank_restaurants(dish_ids, dish_attribute_ids, restaurant_attribute_ids, viewport, limit_rows)
-- The restaurants that are best at what is searched for: by the mean score of their
-- matching dishes, weighted by mentions, among the 5 x limit_rows best matches. A
-- restaurant that is not among them has no dish better than the last of them.
-- replica: ok
WITH matching AS MATERIALIZED (
    SELECT
        connection.restaurant_id,
        connection.dish_score,
        connection.mention_count
    FROM dining.connections AS connection
    INNER JOIN dining.entities AS restaurant
        ON restaurant.id = connection.restaurant_id
    WHERE
        (
            :dish_ids::uuid[] IS NULL
            OR connection.id IN (
                SELECT member.connection_id
                FROM dining.connection_dishes AS member
                WHERE member.dish_id = ANY (:dish_ids::uuid[])
            )
        )
        AND (
            :dish_attribute_ids::uuid[] IS NULL
            OR connection.dish_attributes @> :dish_attribute_ids::uuid[]
        )
        AND (
            :restaurant_attribute_ids::uuid[] IS NULL
            OR NOT EXISTS (
                SELECT unnest(:restaurant_attribute_ids::uuid[])
                EXCEPT
                SELECT link.attribute_id
                FROM dining.restaurant_attributes AS link
                WHERE link.restaurant_id = connection.restaurant_id
            )
        )
        AND (
            :viewport::dining.viewport IS NULL
            OR dining.in_viewport(
                restaurant.latitude,
                restaurant.longitude,
                :viewport::dining.viewport
            )
        )
    ORDER BY
        connection.dish_score DESC,
        connection.id DESC
    LIMIT 5 * coalesce(:limit_rows::bigint, 20)
),
ranked AS (
    SELECT
        matching.restaurant_id,
        count(*) AS matching_dishes,
        sum(matching.dish_score * (1 + matching.mention_count))
            / sum(1 + matching.mention_count) AS score
    FROM matching
    GROUP BY matching.restaurant_id
)
SELECT
    restaurant.id,
    restaurant.name,
    restaurant.latitude,
    restaurant.longitude,
    restaurant.restaurant_score,
    ranked.matching_dishes,
    round(ranked.score, 4) AS score
FROM ranked
INNER JOIN dining.entities AS restaurant
    ON restaurant.id = ranked.restaurant_id
ORDER BY
    ranked.score DESC,
    restaurant.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: rank_restaurants_for_dish(dish_id, dish_attribute_ids, restaurant_attribute_ids, viewport, limit_rows)
-- The same for one dish or category, as most searches are: its best matches are read in
-- order from an index of its own, so that the country may be as large as it likes.
-- replica: ok
WITH matching AS MATERIALIZED (
    SELECT
        connection.restaurant_id,
        connection.dish_score,
        connection.mention_count
    FROM dining.connection_dishes AS member
    INNER JOIN dining.connections AS connection
        ON connection.id = member.connection_id
    INNER JOIN dining.entities AS restaurant
        ON restaurant.id = connection.restaurant_id
    WHERE
        member.dish_id = :dish_id
        AND (
            :dish_attribute_ids::uuid[] IS NULL
            OR connection.dish_attributes @> :dish_attribute_ids::uuid[]
        )
        AND (
            :restaurant_attribute_ids::uuid[] IS NULL
            OR NOT EXISTS (
                SELECT unnest(:restaurant_attribute_ids::uuid[])
                EXCEPT
                SELECT link.attribute_id
                FROM dining.restaurant_attributes AS link
                WHERE link.restaurant_id = connection.restaurant_id
            )
        )
        AND (
            :viewport::dining.viewport IS NULL
            OR dining.in_viewport(
                restaurant.latitude,
                restaurant.longitude,
                :viewport::dining.viewport
            )
        )
    ORDER BY
        member.dish_score DESC,
        member.connection_id DESC
    LIMIT 5 * coalesce(:limit_rows::bigint, 20)
),
ranked AS (
    SELECT
        matching.restaurant_id,
        count(*) AS matching_dishes,
        sum(matching.dish_score * (1 + matching.mention_count))
            / sum(1 + matching.mention_count) AS score
    FROM matching
    GROUP BY matching.restaurant_id
)
SELECT
    restaurant.id,
    restaurant.name,
    restaurant.latitude,
    restaurant.longitude,
    restaurant.restaurant_score,
    ranked.matching_dishes,
    round(ranked.score, 4) AS score
FROM ranked
INNER JOIN dining.entities AS restaurant
    ON restaurant.id = ranked.restaurant_id
ORDER BY
    ranked.score DESC,
    restaurant.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: best_restaurants(restaurant_attribute_ids, viewport, after, limit_rows)
-- The best restaurants whatever one wants to eat, by their own score; after, score and
-- id of the last row seen, leads to the next page.
-- replica: ok
SELECT
    restaurant.id,
    restaurant.name,
    restaurant.latitude,
    restaurant.longitude,
    restaurant.restaurant_score
FROM dining.entities AS restaurant
WHERE
    restaurant.restaurant_score IS NOT NULL
    AND (
        :restaurant_attribute_ids::uuid[] IS NULL
        OR NOT EXISTS (
            SELECT unnest(:restaurant_attribute_ids::uuid[])
            EXCEPT
            SELECT link.attribute_id
            FROM dining.restaurant_attributes AS link
            WHERE link.restaurant_id = restaurant.id
        )
    )
    AND (
        :viewport::dining.viewport IS NULL
        OR dining.in_viewport(
            restaurant.latitude,
            restaurant.longitude,
            :viewport::dining.viewport
        )
    )
    AND (
        :after::dining.list_position IS NULL
        OR (restaurant.restaurant_score, restaurant.id) < (
            (:after::dining.list_position).score,
            (:after::dining.list_position).id
        )
    )
ORDER BY
    restaurant.restaurant_score DESC,
    restaurant.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: restaurant_menu(restaurant_id, limit_rows)
-- What to eat at a restaurant, best first, with the dishes' attributes and the mention
-- that speaks for each.
-- replica: ok
WITH listed AS MATERIALIZED (
    SELECT
        connection.id,
        connection.dish_id,
        connection.is_menu_item,
        connection.dish_score,
        connection.activity_level,
        connection.mention_count,
        connection.top_mentions -> 0 AS top_mention
    FROM dining.connections AS connection
    WHERE connection.restaurant_id = :restaurant_id
    ORDER BY
        connection.dish_score DESC,
        connection.id DESC
    LIMIT coalesce(:limit_rows::bigint, 50)
)
SELECT
    listed.id,
    listed.dish_id,
    dish.name AS dish_name,
    listed.is_menu_item,
    listed.dish_score,
    listed.activity_level,
    listed.mention_count,
    listed.top_mention,
    attribute.id AS "attributes[].id",
    attribute.name AS "attributes[].name"
FROM listed
INNER JOIN dining.entities AS dish
    ON dish.id = listed.dish_id
LEFT JOIN dining.connection_attributes AS member
    ON member.connection_id = listed.id
LEFT JOIN dining.entities AS attribute
    ON attribute.id = member.attribute_id
ORDER BY
    listed.dish_score DESC,
    listed.id DESC,
    attribute.name;

-- name: trending(viewport, limit_rows)
-- What people talk about now: trending dishes first, then active ones, best first.
-- replica: ok
SELECT
    connection.id,
    connection.dish_id,
    dish.name AS dish_name,
    connection.restaurant_id,
    restaurant.name AS restaurant_name,
    connection.activity_level,
    connection.dish_score,
    connection.recent_mention_count
FROM dining.connections AS connection
INNER JOIN dining.entities AS restaurant
    ON restaurant.id = connection.restaurant_id
INNER JOIN dining.entities AS dish
    ON dish.id = connection.dish_id
WHERE
    connection.activity_level <> 'normal'
    AND (
        :viewport::dining.viewport IS NULL
        OR dining.in_viewport(
            restaurant.latitude,
            restaurant.longitude,
            :viewport::dining.viewport
        )
    )
ORDER BY
    connection.activity_level,
    connection.dish_score DESC,
    connection.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: related_dishes(dish_id, hops, limit_rows)
-- Dishes that share a category or an attribute with a dish, or with one that does, and so
-- on: nearest first. A dish is described by its 20 best connections, a category or an
-- attribute by its 50 latest.
-- replica: ok
WITH RECURSIVE reached AS (
    SELECT
        :dish_id::uuid AS id,
        0 AS step
    UNION
    SELECT
        next.id,
        reached.step + 1
    FROM reached
    CROSS JOIN LATERAL (
        (
            SELECT unnest(connection.categories || connection.dish_attributes) AS id
            FROM dining.connections AS connection
            WHERE
                reached.step % 2 = 0
                AND connection.dish_id = reached.id
            ORDER BY
                connection.dish_score DESC,
                connection.id DESC
            LIMIT 20
        )
        UNION ALL
        SELECT connection.dish_id
        FROM (
            SELECT tag.connection_id
            FROM dining.connection_tags AS tag
            WHERE
                reached.step % 2 = 1
                AND tag.tag_id = reached.id
            ORDER BY tag.connection_id DESC
            LIMIT 50
        ) AS latest
        INNER JOIN dining.connections AS connection
            ON connection.id = latest.connection_id
    ) AS next
    WHERE reached.step < 2 * :hops::integer
)
SELECT
    dish.id,
    dish.name,
    min(reached.step) / 2 AS hops
FROM reached
INNER JOIN dining.entities AS dish
    ON dish.id = reached.id
WHERE
    reached.step % 2 = 0
    AND dish.id <> :dish_id
GROUP BY dish.id
ORDER BY
    hops,
    dish.name,
    dish.id
LIMIT coalesce(:limit_rows::bigint, 20);
