-- Extensions; what belongs to one is left out everywhere else.
SELECT
    quote_ident(extension.extname) AS name,
    jsonb_build_object(
        'version', extension.extversion,
        'schema', extension.extnamespace::regnamespace
    ) AS properties
FROM pg_catalog.pg_extension AS extension
