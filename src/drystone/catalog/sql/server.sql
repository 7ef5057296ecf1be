-- Foreign servers.
SELECT
    quote_ident(server.srvname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'wrapper', quote_ident(wrapper.fdwname),
        'type', server.srvtype,
        'version', server.srvversion,
        'options', (
            SELECT jsonb_object_agg(
                option_name,
                CASE
                    WHEN option_name ~* '(password|passwd|secret|token|key)$' THEN '***'
                    ELSE option_value
                END
            )
            FROM pg_options_to_table(server.srvoptions)
        ),
        'owner', NULLIF(server.srvowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_foreign_server AS server
INNER JOIN pg_catalog.pg_foreign_data_wrapper AS wrapper
    ON wrapper.oid = server.srvfdw
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_foreign_server'::regclass
        AND members.objid = server.oid
)
