-- Enums, their labels in order.
SELECT
    type.oid::regtype::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'labels', (
            SELECT jsonb_agg(label.enumlabel ORDER BY label.enumsortorder)
            FROM pg_catalog.pg_enum AS label
            WHERE label.enumtypid = type.oid
        ),
        'owner', NULLIF(type.typowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_type AS type
INNER JOIN schemas
    ON schemas.oid = type.typnamespace
CROSS JOIN here
WHERE
    type.typtype = 'e'
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_type'::regclass
            AND members.objid = type.oid
    )
