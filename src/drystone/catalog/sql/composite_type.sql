-- Composite types that are not a table's row: their attributes in order.
SELECT
    type.oid::regtype::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'attributes', (
            SELECT jsonb_agg(
                concat(
                    quote_ident(attribute.attname),
                    ' ',
                    format_type(attribute.atttypid, attribute.atttypmod),
                    CASE
                        WHEN attribute.attcollation <> attribute_type.typcollation
                            THEN ' COLLATE ' || attribute.attcollation::regcollation
                    END
                )
                ORDER BY attribute.attnum
            )
            FROM pg_catalog.pg_attribute AS attribute
            INNER JOIN pg_catalog.pg_type AS attribute_type
                ON attribute_type.oid = attribute.atttypid
            WHERE
                attribute.attrelid = class.oid
                AND attribute.attnum > 0
                AND NOT attribute.attisdropped
        ),
        'owner', NULLIF(type.typowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_class AS class
INNER JOIN schemas
    ON schemas.oid = class.relnamespace
INNER JOIN pg_catalog.pg_type AS type
    ON type.oid = class.reltype
CROSS JOIN here
WHERE
    class.relkind = 'c'
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_type'::regclass
            AND members.objid = type.oid
    )
