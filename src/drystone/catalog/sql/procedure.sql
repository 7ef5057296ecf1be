-- Procedures. The definition holds all the rest but the owner; the parts stand beside
-- it so that a difference can name the part.
SELECT
    procedure.oid::regprocedure::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', pg_get_functiondef(procedure.oid),
        'arguments', pg_get_function_arguments(procedure.oid),
        'language', quote_ident(language.lanname),
        'body', coalesce(pg_get_function_sqlbody(procedure.oid), procedure.prosrc),
        'security', CASE
            WHEN procedure.prosecdef THEN 'definer'
            ELSE 'invoker'
        END,
        'settings', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_options_to_table(procedure.proconfig)
        ),
        'owner', NULLIF(procedure.proowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_proc AS procedure
INNER JOIN schemas
    ON schemas.oid = procedure.pronamespace
INNER JOIN pg_catalog.pg_language AS language
    ON language.oid = procedure.prolang
CROSS JOIN here
WHERE
    procedure.prokind = 'p'
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_proc'::regclass
            AND members.objid = procedure.oid
    )
