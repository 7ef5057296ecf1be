-- Schemas.
SELECT
    schemas.name,
    jsonb_strip_nulls(jsonb_build_object(
        'owner', CASE
            WHEN namespace.nspowner::regrole::text <> 'pg_database_owner'
                THEN NULLIF(namespace.nspowner, here.owner)::regrole
        END
    )) AS properties
FROM schemas
INNER JOIN pg_catalog.pg_namespace AS namespace
    ON namespace.oid = schemas.oid
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_namespace'::regclass
        AND members.objid = schemas.oid
)
