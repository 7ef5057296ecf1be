-- Columns of tables, views, materialized views and foreign tables. Their order is a
-- property of the table; the sequence behind an identity column is a sequence.
SELECT
    relations.name || '.' || quote_ident(attribute.attname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'type', format_type(attribute.atttypid, attribute.atttypmod),
        'collation', CASE
            WHEN attribute.attcollation <> type.typcollation
                THEN NULLIF(attribute.attcollation, 0)::regcollation
        END,
        'not_null', attribute.attnotnull,
        'default', CASE attribute.attgenerated
            WHEN '' THEN pg_get_expr(expression.adbin, expression.adrelid)
        END,
        'generated', CASE attribute.attgenerated
            WHEN '' THEN NULL
            ELSE pg_get_expr(expression.adbin, expression.adrelid)
        END,
        'generation', CASE attribute.attgenerated
            WHEN 's' THEN 'stored'
            WHEN 'v' THEN 'virtual'
        END,
        'identity', CASE attribute.attidentity
            WHEN 'a' THEN 'always'
            WHEN 'd' THEN 'by default'
        END,
        'storage', CASE
            WHEN attribute.attstorage = type.typstorage THEN 'default'
            WHEN attribute.attstorage = 'p' THEN 'plain'
            WHEN attribute.attstorage = 'e' THEN 'external'
            WHEN attribute.attstorage = 'm' THEN 'main'
            ELSE 'extended'
        END,
        'compression', CASE attribute.attcompression
            WHEN 'p' THEN 'pglz'
            WHEN 'l' THEN 'lz4'
        END,
        -- -1 up to PostgreSQL 16, NULL from 17 on.
        'statistics', coalesce(attribute.attstattarget, -1),
        'options', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_options_to_table(attribute.attoptions)
        ),
        'foreign_options', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_options_to_table(attribute.attfdwoptions)
        ),
        'inherited', CASE
            WHEN attribute.attinhcount = 0 THEN NULL
            WHEN attribute.attislocal THEN 'and local'
            ELSE 'only'
        END
    )) AS properties
FROM relations
INNER JOIN pg_catalog.pg_attribute AS attribute
    ON attribute.attrelid = relations.oid
    AND attribute.attnum > 0
    AND NOT attribute.attisdropped
INNER JOIN pg_catalog.pg_type AS type
    ON type.oid = attribute.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS expression
    ON expression.adrelid = attribute.attrelid
    AND expression.adnum = attribute.attnum
