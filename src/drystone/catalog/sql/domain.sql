-- Domains; their constraints are constraints.
SELECT
    type.oid::regtype::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'type', format_type(type.typbasetype, type.typtypmod),
        'collation', CASE
            WHEN type.typcollation <> base.typcollation
                THEN NULLIF(type.typcollation, 0)::regcollation
        END,
        'not_null', type.typnotnull,
        'default', pg_get_expr(type.typdefaultbin, 0),
        'owner', NULLIF(type.typowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_type AS type
INNER JOIN schemas
    ON schemas.oid = type.typnamespace
INNER JOIN pg_catalog.pg_type AS base
    ON base.oid = type.typbasetype
CROSS JOIN here
WHERE
    type.typtype = 'd'
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_type'::regclass
            AND members.objid = type.oid
    )
