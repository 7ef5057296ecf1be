-- Procedural languages that came without an extension. Those that initdb made have an
-- oid below 16384.
SELECT
    quote_ident(language.lanname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', concat_ws(
            ' ',
            'CREATE',
            CASE WHEN language.lanpltrusted THEN 'TRUSTED' END,
            format('LANGUAGE %I', language.lanname),
            'HANDLER ' || NULLIF(language.lanplcallfoid, 0)::regproc,
            'INLINE ' || NULLIF(language.laninline, 0)::regproc,
            'VALIDATOR ' || NULLIF(language.lanvalidator, 0)::regproc
        ),
        'owner', NULLIF(language.lanowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_language AS language
CROSS JOIN here
WHERE
    language.oid >= 16384
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_language'::regclass
            AND members.objid = language.oid
    )
