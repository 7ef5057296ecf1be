-- Functions and window functions. The definition holds all the rest but the owner; the
-- parts stand beside it so that a difference can name the part.
SELECT
    function.oid::regprocedure::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'definition', pg_get_functiondef(function.oid),
        'arguments', pg_get_function_arguments(function.oid),
        'result', pg_get_function_result(function.oid),
        'language', quote_ident(language.lanname),
        'body', coalesce(pg_get_function_sqlbody(function.oid), function.prosrc),
        'volatility', CASE function.provolatile
            WHEN 'i' THEN 'immutable'
            WHEN 's' THEN 'stable'
            ELSE 'volatile'
        END,
        'parallel', CASE function.proparallel
            WHEN 's' THEN 'safe'
            WHEN 'r' THEN 'restricted'
            ELSE 'unsafe'
        END,
        'security', CASE
            WHEN function.prosecdef THEN 'definer'
            ELSE 'invoker'
        END,
        'strict', function.proisstrict,
        'leakproof', function.proleakproof,
        'cost', function.procost,
        'rows', function.prorows,
        'settings', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_options_to_table(function.proconfig)
        ),
        'owner', NULLIF(function.proowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_proc AS function
INNER JOIN schemas
    ON schemas.oid = function.pronamespace
INNER JOIN pg_catalog.pg_language AS language
    ON language.oid = function.prolang
CROSS JOIN here
WHERE
    function.prokind IN ('f', 'w')
    AND NOT EXISTS (
        SELECT
        FROM members
        WHERE
            members.classid = 'pg_catalog.pg_proc'::regclass
            AND members.objid = function.oid
    )
