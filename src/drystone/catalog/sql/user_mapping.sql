-- User mappings. The view shows options to those who may see them, and an option that
-- may hold a secret shows here that it is set, not its value.
SELECT
    format(
        '%s on server %I',
        CASE mapping.umuser
            WHEN 0 THEN 'PUBLIC'
            ELSE quote_ident(mapping.usename)
        END,
        mapping.srvname
    ) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'user', CASE mapping.umuser
            WHEN 0 THEN 'PUBLIC'
            ELSE quote_ident(mapping.usename)
        END,
        'server', quote_ident(mapping.srvname),
        'options', (
            SELECT jsonb_object_agg(
                option_name,
                CASE
                    WHEN option_name ~* '(password|passwd|secret|token|key)$' THEN '***'
                    ELSE option_value
                END
            )
            FROM pg_options_to_table(mapping.umoptions)
        )
    )) AS properties
FROM pg_catalog.pg_user_mappings AS mapping
