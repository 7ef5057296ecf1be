-- Range types, each with its multirange type.
SELECT
    range.rngtypid::regtype::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', format(
            E'CREATE TYPE %s AS RANGE (\n    %s\n)',
            range.rngtypid::regtype,
            concat_ws(
                E',\n    ',
                format('SUBTYPE = %s', range.rngsubtype::regtype),
                format(
                    'SUBTYPE_OPCLASS = %s.%I',
                    class.opcnamespace::regnamespace,
                    class.opcname
                ),
                'COLLATION = ' || NULLIF(range.rngcollation, 0)::regcollation,
                'CANONICAL = ' || NULLIF(range.rngcanonical, 0)::regproc,
                'SUBTYPE_DIFF = ' || NULLIF(range.rngsubdiff, 0)::regproc,
                format('MULTIRANGE_TYPE_NAME = %s', range.rngmultitypid::regtype)
            )
        ),
        'owner', NULLIF(type.typowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_range AS range
INNER JOIN pg_catalog.pg_type AS type
    ON type.oid = range.rngtypid
INNER JOIN schemas
    ON schemas.oid = type.typnamespace
INNER JOIN pg_catalog.pg_opclass AS class
    ON class.oid = range.rngsubopc
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_type'::regclass
        AND members.objid = type.oid
)
