-- What ALTER ... DEPENDS ON EXTENSION declared: dropping the extension drops it too.
SELECT
    concat(
        identified.type,
        ' ',
        named.object,
        ' on extension ',
        quote_ident(extension.extname)
    ) AS name,
    jsonb_build_object(
        'type', identified.type,
        'object', named.object,
        'extension', quote_ident(extension.extname)
    ) AS properties
FROM pg_catalog.pg_depend AS dependency
INNER JOIN pg_catalog.pg_extension AS extension
    ON extension.oid = dependency.refobjid
    AND dependency.refclassid = 'pg_catalog.pg_extension'::regclass
CROSS JOIN LATERAL
    pg_identify_object(dependency.classid, dependency.objid, 0) AS identified
CROSS JOIN LATERAL (
    SELECT CASE dependency.classid
        WHEN 'pg_catalog.pg_proc'::regclass THEN dependency.objid::regprocedure::text
        ELSE identified.identity
    END
) AS named (object)
WHERE dependency.deptype = 'x'
