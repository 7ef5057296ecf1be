-- Base types and shells of types, without the array types that come with every type.
SELECT
    type.oid::regtype::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', CASE
            WHEN NOT type.typisdefined
                THEN format('CREATE TYPE %s', type.oid::regtype)
            ELSE format(
                E'CREATE TYPE %s (\n    %s\n)',
                type.oid::regtype,
                concat_ws(
                    E',\n    ',
                    format('INPUT = %s', type.typinput),
                    format('OUTPUT = %s', type.typoutput),
                    'RECEIVE = ' || NULLIF(type.typreceive, 0)::regproc,
                    'SEND = ' || NULLIF(type.typsend, 0)::regproc,
                    'TYPMOD_IN = ' || NULLIF(type.typmodin, 0)::regproc,
                    'TYPMOD_OUT = ' || NULLIF(type.typmodout, 0)::regproc,
                    'ANALYZE = ' || NULLIF(type.typanalyze, 0)::regproc,
                    'SUBSCRIPT = ' || NULLIF(type.typsubscript, 0)::regproc,
                    format('INTERNALLENGTH = %s', type.typlen),
                    CASE WHEN type.typbyval THEN 'PASSEDBYVALUE' END,
                    format('ALIGNMENT = %s', type.typalign),
                    format('STORAGE = %s', type.typstorage),
                    format('CATEGORY = %L', type.typcategory),
                    format('PREFERRED = %s', type.typispreferred),
                    'DEFAULT = ' || quote_literal(type.typdefault),
                    'ELEMENT = ' || NULLIF(type.typelem, 0)::regtype,
                    format('DELIMITER = %L', type.typdelim),
                    format('COLLATABLE = %s', type.typcollation <> 0)
                )
            )
        END,
        'owner', NULLIF(type.typowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_type AS type
INNER JOIN schemas
    ON schemas.oid = type.typnamespace
CROSS JOIN here
WHERE
    (type.typtype = 'b' OR NOT type.typisdefined)
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_type AS element
        WHERE element.typarray = type.oid
    )
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_type'::regclass
            AND members.objid = type.oid
    )
