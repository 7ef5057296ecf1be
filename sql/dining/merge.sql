-- One entity turns out to be another: everything that names the one is made to name the
-- other. flows.merge runs these in their order, in one transaction.

-- name: lock_pair(keep_id, drop_id)
-- Locks the two entities, so that nothing new can refer to them meanwhile.
SELECT
    entity.id,
    entity.type
FROM dining.entities AS entity
WHERE entity.id IN (:keep_id, :drop_id)
ORDER BY entity.id
FOR UPDATE;

-- name: lock_merged_connections(keep_id, drop_id)
-- Locks the connections that the merge will touch, and tells which they are.
SELECT connection.id
FROM dining.connections AS connection
WHERE connection.id IN (
    SELECT unnest(merged.id || merged.duplicates)
    FROM dining.merged_connections(:keep_id, :drop_id) AS merged
)
ORDER BY connection.id
FOR UPDATE;

-- name: move_mentions(keep_id, drop_id)!
-- Makes the evidence of each connection that will be a duplicate evidence for the one
-- that stays, and counts what was new to it.
INSERT INTO dining.mentions (
    connection_id,
    source,
    source_id,
    thread_id,
    url,
    subreddit,
    author,
    excerpt,
    upvotes,
    posted_at,
    processed_at
)
SELECT
    merged.id,
    mention.source,
    mention.source_id,
    mention.thread_id,
    mention.url,
    mention.subreddit,
    mention.author,
    mention.excerpt,
    mention.upvotes,
    mention.posted_at,
    mention.processed_at
FROM dining.merged_connections(:keep_id, :drop_id) AS merged
INNER JOIN dining.mentions AS mention
    ON mention.connection_id = ANY (merged.duplicates)
ORDER BY
    merged.id,
    mention.source,
    mention.source_id,
    mention.processed_at DESC
ON CONFLICT (connection_id, source, source_id) DO NOTHING;

-- name: rename_connections(keep_id, drop_id)
-- Makes the connections that stay name the entity that stays, with the categories of
-- their duplicates.
UPDATE dining.connections AS connection
SET
    restaurant_id = merged.restaurant_id,
    dish_id = merged.dish_id,
    dish_attributes = merged.dish_attributes,
    categories = merged.categories,
    is_menu_item = merged.is_menu_item
FROM dining.merged_connections(:keep_id, :drop_id) AS merged
WHERE connection.id = merged.id
RETURNING connection.id;

-- name: delete_duplicates(keep_id, drop_id)!
-- Deletes the connections that have become the same as one that stays.
DELETE FROM dining.connections AS connection
USING dining.merged_connections(:keep_id, :drop_id) AS merged
WHERE connection.id = ANY (merged.duplicates);

-- name: move_restaurant_attributes(keep_id, drop_id)!
-- Gives what the one restaurant is like to the other, or the one attribute's
-- restaurants to the other.
INSERT INTO dining.restaurant_attributes (restaurant_id, attribute_id)
SELECT
    coalesce(nullif(link.restaurant_id, :drop_id), :keep_id),
    coalesce(nullif(link.attribute_id, :drop_id), :keep_id)
FROM dining.restaurant_attributes AS link
WHERE :drop_id IN (link.restaurant_id, link.attribute_id)
ON CONFLICT DO NOTHING;

-- name: absorb_entity(keep_id, drop_id)!
-- Deletes the one entity; the other gets its name and aliases as aliases, and what was
-- unknown of it.
WITH unlinked AS (
    DELETE FROM dining.restaurant_attributes AS link
    WHERE link.attribute_id = :drop_id
),
gone AS (
    DELETE FROM dining.entities AS entity
    WHERE entity.id = :drop_id
    RETURNING
        entity.name,
        entity.aliases,
        entity.latitude,
        entity.longitude,
        entity.address,
        entity.google_place_id,
        entity.details,
        entity.embedding
)
UPDATE dining.entities AS entity
SET
    aliases = dining.alias_set(
        entity.name,
        entity.aliases || gone.name || gone.aliases
    ),
    latitude = coalesce(entity.latitude, gone.latitude),
    longitude = coalesce(entity.longitude, gone.longitude),
    address = coalesce(entity.address, gone.address),
    google_place_id = coalesce(entity.google_place_id, gone.google_place_id),
    details = gone.details || entity.details,
    embedding = coalesce(entity.embedding, gone.embedding)
FROM gone
WHERE entity.id = :keep_id;
