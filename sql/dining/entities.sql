-- Restaurants, dishes and categories, and attributes: one set of queries for four types.

-- name: create_entity(type, name, aliases, latitude, longitude, address, google_place_id, details, embedding)<!
-- Creates an entity; only a restaurant takes a place, an address and details.
-- nullable: embedding
INSERT INTO dining.entities (
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
VALUES (
    :type,
    :name::text,
    dining.alias_set(:name::text, coalesce(:aliases::text[], '{}')),
    :latitude,
    :longitude,
    :address,
    :google_place_id,
    coalesce(:details::jsonb, '{}'),
    :embedding
)
RETURNING
    id,
    type,
    name,
    aliases;

-- name: get_entity(entity_id)^
-- An entity with all that is known of it, and a restaurant's attributes.
SELECT
    entity.id,
    entity.type,
    entity.name,
    entity.aliases,
    entity.latitude,
    entity.longitude,
    entity.address,
    entity.google_place_id,
    entity.details,
    entity.restaurant_score,
    entity.created_at,
    entity.updated_at,
    attribute.id AS "attributes[].id",
    attribute.name AS "attributes[].name"
FROM dining.entities AS entity
LEFT JOIN dining.restaurant_attributes AS link
    ON link.restaurant_id = entity.id
LEFT JOIN dining.entities AS attribute
    ON attribute.id = link.attribute_id
WHERE entity.id = :entity_id
ORDER BY attribute.name;

-- name: list_entities(type, after_name, limit_rows)
-- The entities of a type by normalised name; after_name, the normalised name of the last
-- one seen, leads to the next page.
SELECT
    entity.id,
    entity.name,
    entity.normalized_name,
    entity.aliases
FROM dining.entities AS entity
WHERE
    entity.type = :type
    AND (:after_name::text IS NULL OR entity.normalized_name > :after_name::text)
ORDER BY entity.normalized_name
LIMIT coalesce(:limit_rows::bigint, 50);

-- name: update_entity(entity_id, fields)^
-- Changes those of name, aliases, latitude, longitude, address, google_place_id and
-- details that fields, an object, has; inputs.EntitiesUpdate checks it before.
UPDATE dining.entities AS entity
SET (name, aliases, latitude, longitude, address, google_place_id, details) = (
    SELECT
        given.name,
        dining.alias_set(given.name, given.aliases),
        given.latitude,
        given.longitude,
        given.address,
        given.google_place_id,
        given.details
    FROM jsonb_populate_record(entity, :fields::jsonb) AS given
)
WHERE entity.id = :entity_id
RETURNING
    entity.id,
    entity.name,
    entity.aliases,
    entity.updated_at;

-- name: set_embedding(entity_id, embedding)!
-- Stores the embedding that an entity is found by in meaning; NULL takes it away.
-- nullable: embedding
UPDATE dining.entities AS entity
SET embedding = :embedding
WHERE entity.id = :entity_id;

-- name: set_restaurant_attributes(restaurant_id, attribute_ids)^
-- Gives a restaurant exactly these attributes, and counts those that are new and gone.
WITH gone AS (
    DELETE FROM dining.restaurant_attributes AS link
    WHERE
        link.restaurant_id = :restaurant_id
        AND link.attribute_id <> ALL (:attribute_ids::uuid[])
    RETURNING link.attribute_id
),
added AS (
    INSERT INTO dining.restaurant_attributes (restaurant_id, attribute_id)
    SELECT
        :restaurant_id,
        unnest(dining.sorted_set(:attribute_ids::uuid[]))
    ON CONFLICT DO NOTHING
    RETURNING attribute_id
)
SELECT
    (SELECT count(*) FROM added) AS added,
    (SELECT count(*) FROM gone) AS removed;

-- name: delete_entity(entity_id)!
-- Deletes an entity that nothing refers to; one that is in use is refused.
DELETE FROM dining.entities AS entity
WHERE entity.id = :entity_id;

-- name: suggest(prefix, types, limit_rows)
-- Entities of which a word in the name or an alias begins like this, for completion
-- while somebody types: names that begin so first, then the best restaurants. types may
-- be NULL.
--
-- Inner words and aliases are looked at only where names leave room. The trigram of a
-- word's first letter alone is the commonest, and is implied by the one of its first
-- two letters: not looked up, it costs nothing.
WITH typed AS MATERIALIZED (
    SELECT
        dining.normalize_name(:prefix::text) AS prefix,
        coalesce(:limit_rows::bigint, 10) AS limit_rows
),
name AS MATERIALIZED (
    SELECT
        entity.id,
        entity.type,
        entity.name,
        entity.normalized_name,
        entity.restaurant_score
    FROM typed
    INNER JOIN dining.entities AS entity
        ON entity.normalized_name COLLATE "C" >= typed.prefix
        AND entity.normalized_name COLLATE "C" < typed.prefix || chr(1114111)
    WHERE :types::dining.entity_type[] IS NULL OR entity.type = ANY (:types)
    ORDER BY
        entity.restaurant_score DESC NULLS LAST,
        entity.normalized_name,
        entity.id
    LIMIT (SELECT typed.limit_rows FROM typed)
),
word AS MATERIALIZED (
    SELECT
        typed.prefix,
        ARRAY(
            SELECT given.trigram
            FROM unnest(dining.name_trigrams(ARRAY[typed.prefix])) AS given (trigram)
            WHERE
                given.trigram <> right('  ' || typed.prefix, 2) || ' '
                AND (
                    left(given.trigram, 2) <> '  '
                    OR char_length(typed.prefix) = 1
                )
        ) AS trigrams
    FROM typed
    WHERE
        typed.prefix IS NOT NULL
        AND typed.limit_rows > (SELECT count(*) FROM name)
),
other AS (
    SELECT
        entity.id,
        entity.type,
        entity.name,
        entity.normalized_name,
        entity.restaurant_score
    FROM word
    INNER JOIN dining.entities AS entity
        ON entity.trigrams @> word.trigrams
    WHERE
        (:types::dining.entity_type[] IS NULL OR entity.type = ANY (:types))
        AND NOT starts_with(entity.normalized_name, word.prefix)
        AND EXISTS (
            SELECT
            FROM unnest(entity.known_as) AS known (name)
            WHERE strpos(' ' || known.name, ' ' || word.prefix) > 0
        )
)
SELECT
    found.id,
    found.type,
    found.name,
    found.is_name
FROM (
    SELECT
        name.*,
        true AS is_name
    FROM name
    UNION ALL
    SELECT
        other.*,
        false AS is_name
    FROM other
) AS found
ORDER BY
    found.is_name DESC,
    found.restaurant_score DESC NULLS LAST,
    found.normalized_name,
    found.id
LIMIT (SELECT typed.limit_rows FROM typed);
