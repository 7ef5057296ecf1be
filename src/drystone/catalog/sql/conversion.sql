-- Conversions between encodings.
SELECT
    format('%s.%I', schemas.name, conversion.conname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', format(
            'CREATE %sCONVERSION %s.%I FOR %L TO %L FROM %s',
            CASE WHEN conversion.condefault THEN 'DEFAULT ' END,
            schemas.name,
            conversion.conname,
            pg_encoding_to_char(conversion.conforencoding),
            pg_encoding_to_char(conversion.contoencoding),
            conversion.conproc
        ),
        'owner', NULLIF(conversion.conowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_conversion AS conversion
INNER JOIN schemas
    ON schemas.oid = conversion.connamespace
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_conversion'::regclass
        AND members.objid = conversion.oid
)
