-- depends: dining-0010-create-merge
--
-- What must hold and no constraint can say, or what constraints say and a reviewer wants
-- to see: how many rows break each rule. Seeds and tests end with it.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the view and no row.

CREATE VIEW dining.integrity (kind, rule, violations) AS
SELECT
    'reference',
    'a connection joins a restaurant with a dish',
    count(*)
FROM dining.connections AS connection
LEFT JOIN dining.entities AS restaurant
    ON restaurant.id = connection.restaurant_id
    AND restaurant.type = 'restaurant'
LEFT JOIN dining.entities AS dish
    ON dish.id = connection.dish_id
    AND dish.type = 'dish_or_category'
WHERE restaurant.id IS NULL OR dish.id IS NULL
UNION ALL
SELECT
    'reference',
    'a dish and every member of categories has its foreign key',
    count(*)
FROM dining.connections AS connection
WHERE dining.sorted_set(connection.categories || connection.dish_id) <> ARRAY(
    SELECT member.dish_id
    FROM dining.connection_dishes AS member
    WHERE member.connection_id = connection.id
    ORDER BY member.dish_id
)
UNION ALL
SELECT
    'reference',
    'every member of dish_attributes has its foreign key',
    count(*)
FROM dining.connections AS connection
WHERE connection.dish_attributes <> ARRAY(
    SELECT member.attribute_id
    FROM dining.connection_attributes AS member
    WHERE member.connection_id = connection.id
    ORDER BY member.attribute_id
)
UNION ALL
SELECT
    'reference',
    'a mention belongs to a connection',
    count(*)
FROM dining.mentions AS mention
LEFT JOIN dining.connections AS connection
    ON connection.id = mention.connection_id
WHERE connection.id IS NULL
UNION ALL
SELECT
    'figure',
    'mention_count counts the mentions',
    count(*)
FROM dining.connections AS connection
LEFT JOIN (
    SELECT
        mention.connection_id,
        count(*) AS total
    FROM dining.mentions AS mention
    GROUP BY mention.connection_id
) AS mentions
    ON mentions.connection_id = connection.id
WHERE connection.mention_count <> coalesce(mentions.total, 0)
UNION ALL
SELECT
    'figure',
    'a dish of a connection has its score',
    count(*)
FROM dining.connections AS connection
INNER JOIN dining.connection_dishes AS member
    ON member.connection_id = connection.id
WHERE member.dish_score <> connection.dish_score
UNION ALL
SELECT
    'figure',
    'a top mention is a mention',
    count(*)
FROM dining.connections AS connection
CROSS JOIN jsonb_to_recordset(connection.top_mentions) AS top (
    source dining.mention_source,
    source_id text
)
LEFT JOIN dining.mentions AS mention
    ON mention.connection_id = connection.id
    AND mention.source = top.source
    AND mention.source_id = top.source_id
WHERE mention.connection_id IS NULL
UNION ALL
SELECT
    'figure',
    'a restaurant has a score if it has a dish',
    count(*)
FROM dining.entities AS restaurant
WHERE
    restaurant.type = 'restaurant'
    AND (restaurant.restaurant_score IS NOT NULL) <> EXISTS (
        SELECT
        FROM dining.connections AS connection
        WHERE connection.restaurant_id = restaurant.id
    );

COMMENT ON VIEW dining.integrity IS
    'How many rows break each rule.';

COMMENT ON COLUMN dining.integrity.kind IS
    'reference: what belongs to something has it, always. figure: what is computed from '
    'mentions is right, once it was computed after the last load.';
