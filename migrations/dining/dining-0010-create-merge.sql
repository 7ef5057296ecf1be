-- depends: dining-0009-create-staging
--
-- What becomes of the connections when one entity is merged into another: which of them
-- turn into the same thing, and what that is. sql/dining/merge.sql moves the rows.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the function and no row.

CREATE FUNCTION dining.merged_connections(keep_id uuid, drop_id uuid)
RETURNS TABLE (
    id uuid,
    duplicates uuid[],
    restaurant_id uuid,
    dish_id uuid,
    dish_attributes uuid[],
    categories uuid[],
    is_menu_item boolean
)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    WITH renamed AS MATERIALIZED (
        SELECT
            connection.id,
            coalesce(nullif(connection.restaurant_id, drop_id), keep_id)
                AS restaurant_id,
            coalesce(nullif(connection.dish_id, drop_id), keep_id) AS dish_id,
            dining.sorted_set(
                array_replace(connection.dish_attributes, drop_id, keep_id)
            ) AS dish_attributes,
            dining.sorted_set(
                array_replace(connection.categories, drop_id, keep_id)
            ) AS categories,
            connection.is_menu_item
        FROM dining.connections AS connection
        WHERE connection.id IN (
            SELECT own.id
            FROM dining.connections AS own
            WHERE own.restaurant_id = drop_id
            UNION ALL
            SELECT tag.connection_id
            FROM dining.connection_tags AS tag
            WHERE tag.tag_id = drop_id
        )
    ),
    -- What has the name already comes first: it is the one that stays.
    joined AS (
        SELECT
            renamed.*,
            true AS is_renamed
        FROM renamed
        UNION
        SELECT
            connection.id,
            connection.restaurant_id,
            connection.dish_id,
            connection.dish_attributes,
            connection.categories,
            connection.is_menu_item,
            false
        FROM renamed
        INNER JOIN dining.connections AS connection
            USING (restaurant_id, dish_id, dish_attributes)
        WHERE connection.id NOT IN (SELECT renamed.id FROM renamed)
    ),
    merged AS (
        SELECT
            array_agg(joined.id ORDER BY joined.is_renamed, joined.id) AS ids,
            joined.restaurant_id,
            joined.dish_id,
            joined.dish_attributes,
            bool_or(joined.is_menu_item) AS is_menu_item
        FROM joined
        GROUP BY
            joined.restaurant_id,
            joined.dish_id,
            joined.dish_attributes
    )
    SELECT
        merged.ids[1],
        merged.ids[2:],
        merged.restaurant_id,
        merged.dish_id,
        merged.dish_attributes,
        ARRAY(
            SELECT DISTINCT category.id
            FROM joined
            CROSS JOIN unnest(joined.categories) AS category (id)
            WHERE joined.id = ANY (merged.ids)
            ORDER BY category.id
        ),
        merged.is_menu_item
    FROM merged;
END;

COMMENT ON FUNCTION dining.merged_connections(uuid, uuid) IS
    'The connections that would name keep_id instead of drop_id, as they would be, each '
    'with the duplicates that it would absorb. While they are moved it keeps telling '
    'what is left to do.';
