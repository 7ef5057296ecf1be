-- Collations. The version of the library behind one is the server's matter.
SELECT
    collated.oid::regcollation::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', format(
            E'CREATE COLLATION %s (\n    %s\n)',
            collated.oid::regcollation,
            concat_ws(
                E',\n    ',
                format('PROVIDER = %s', CASE collated.collprovider
                    WHEN 'b' THEN 'builtin'
                    WHEN 'c' THEN 'libc'
                    WHEN 'i' THEN 'icu'
                    ELSE 'default'
                END),
                -- The column's name up to PostgreSQL 16, and since.
                'LOCALE = ' || quote_literal(coalesce(
                    newer.fields ->> 'colllocale',
                    newer.fields ->> 'colliculocale'
                )),
                'LC_COLLATE = ' || quote_literal(collated.collcollate),
                'LC_CTYPE = ' || quote_literal(collated.collctype),
                'RULES = ' || quote_literal(collated.collicurules),
                format('DETERMINISTIC = %s', collated.collisdeterministic)
            )
        ),
        'owner', NULLIF(collated.collowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_collation AS collated
INNER JOIN schemas
    ON schemas.oid = collated.collnamespace
CROSS JOIN here
CROSS JOIN LATERAL (
    SELECT to_jsonb(collated)
) AS newer (fields)
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_collation'::regclass
        AND members.objid = collated.oid
)
