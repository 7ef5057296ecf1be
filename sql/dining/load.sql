-- How entities, connections and mentions come in bulk: COPY into a temporary table that
-- lives as long as the transaction, then one statement that stores what is new. Rows go
-- in by the order of their keys, so that two loads at once wait for each other and do
-- not deadlock.

-- name: stage_entities()#
-- Makes the empty temporary table that entities are copied into.
DROP TABLE IF EXISTS pg_temp.staged_entities;

CREATE TEMPORARY TABLE staged_entities OF dining.staged_entity
ON COMMIT DROP;

-- name: upsert_staged_entities()
-- Stores what was staged, once by type and normalised name, and returns every entity
-- concerned. One that is there already gets the new aliases, and what was unknown of it.
WITH staged AS MATERIALIZED (
    SELECT
        sent.type,
        dining.normalize_name(sent.name) AS normalized_name,
        sent.name,
        sent.aliases,
        sent.latitude,
        sent.longitude,
        sent.address,
        sent.google_place_id,
        sent.details,
        sent.embedding
    FROM dining.staged_entities() AS sent
),
spelled AS (
    SELECT
        staged.type,
        staged.normalized_name,
        array_agg(alias.spelling) AS aliases
    FROM staged
    CROSS JOIN unnest(staged.aliases) AS alias (spelling)
    GROUP BY
        staged.type,
        staged.normalized_name
)
INSERT INTO dining.entities AS entity (
    type,
    name,
    aliases,
    latitude,
    longitude,
    address,
    google_place_id,
    details,
    embedding
)
SELECT DISTINCT ON (staged.type, staged.normalized_name)
    staged.type,
    staged.name,
    dining.alias_set(staged.name, coalesce(spelled.aliases, '{}')),
    staged.latitude,
    staged.longitude,
    staged.address,
    staged.google_place_id,
    coalesce(staged.details, '{}'),
    staged.embedding
FROM staged
LEFT JOIN spelled
    ON spelled.type = staged.type
    AND spelled.normalized_name = staged.normalized_name
ORDER BY
    staged.type,
    staged.normalized_name,
    staged.name
ON CONFLICT ON CONSTRAINT entities_type_normalized_name_key DO UPDATE
SET
    aliases = dining.alias_set(entity.name, entity.aliases || EXCLUDED.aliases),
    latitude = coalesce(entity.latitude, EXCLUDED.latitude),
    longitude = coalesce(entity.longitude, EXCLUDED.longitude),
    address = coalesce(entity.address, EXCLUDED.address),
    google_place_id = coalesce(entity.google_place_id, EXCLUDED.google_place_id),
    details = EXCLUDED.details || entity.details,
    embedding = coalesce(entity.embedding, EXCLUDED.embedding)
RETURNING
    entity.id,
    entity.type,
    entity.name,
    entity.normalized_name,
    entity.xmax = 0 AS is_new;

-- name: stage_connections()#
-- Makes the empty temporary table that connections are copied into.
DROP TABLE IF EXISTS pg_temp.staged_connections;

CREATE TEMPORARY TABLE staged_connections OF dining.staged_connection
ON COMMIT DROP;

-- name: upsert_staged_connections()
-- Stores what was staged, once by restaurant, dish and set of dish attributes, and
-- returns every connection concerned. One that is there already gets the new categories.
INSERT INTO dining.connections AS connection (
    restaurant_id,
    dish_id,
    dish_attributes,
    categories,
    is_menu_item
)
SELECT
    staged.restaurant_id,
    staged.dish_id,
    attributes.members,
    dining.sorted_set(
        coalesce(array_agg(category.id) FILTER (WHERE category.id IS NOT NULL), '{}')
    ),
    bool_or(coalesce(staged.is_menu_item, true))
FROM dining.staged_connections() AS staged
CROSS JOIN dining.sorted_set(coalesce(staged.dish_attributes, '{}'))
    AS attributes (members)
LEFT JOIN unnest(staged.categories) AS category (id)
    ON true
GROUP BY
    staged.restaurant_id,
    staged.dish_id,
    attributes.members
ORDER BY
    staged.restaurant_id,
    staged.dish_id,
    attributes.members
ON CONFLICT (restaurant_id, dish_id, dish_attributes) DO UPDATE
SET
    categories = dining.sorted_set(connection.categories || EXCLUDED.categories),
    is_menu_item = connection.is_menu_item OR EXCLUDED.is_menu_item
RETURNING
    connection.id,
    connection.restaurant_id,
    connection.dish_id,
    connection.dish_attributes,
    connection.xmax = 0 AS is_new;

-- name: stage_mentions()#
-- Makes the empty temporary table that mentions are copied into.
DROP TABLE IF EXISTS pg_temp.staged_mentions;

CREATE TEMPORARY TABLE staged_mentions OF dining.staged_mention
ON COMMIT DROP;

-- name: upsert_staged_mentions()^
-- Stores what was staged, once by connection and source, and counts what is new. A
-- mention that is there already gets the upvotes that it has now.
WITH stored AS (
    INSERT INTO dining.mentions AS mention (
        connection_id,
        source,
        source_id,
        thread_id,
        url,
        subreddit,
        author,
        excerpt,
        upvotes,
        posted_at
    )
    SELECT DISTINCT ON (staged.connection_id, staged.source, staged.source_id)
        staged.connection_id,
        staged.source,
        staged.source_id,
        staged.thread_id,
        staged.url,
        staged.subreddit,
        staged.author,
        staged.excerpt,
        staged.upvotes,
        staged.posted_at
    FROM dining.staged_mentions() AS staged
    ORDER BY
        staged.connection_id,
        staged.source,
        staged.source_id
    ON CONFLICT (connection_id, source, source_id) DO UPDATE
    SET
        upvotes = EXCLUDED.upvotes,
        processed_at = EXCLUDED.processed_at
    WHERE mention.upvotes <> EXCLUDED.upvotes
    RETURNING mention.xmax = 0 AS is_new
)
SELECT
    count(*) FILTER (WHERE stored.is_new) AS inserted,
    count(*) FILTER (WHERE NOT stored.is_new) AS updated
FROM stored;
