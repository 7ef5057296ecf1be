-- Foreign data wrappers.
SELECT
    quote_ident(wrapper.fdwname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'handler', NULLIF(wrapper.fdwhandler, 0)::regproc,
        'validator', NULLIF(wrapper.fdwvalidator, 0)::regproc,
        'options', (
            SELECT jsonb_object_agg(
                option_name,
                CASE
                    WHEN option_name ~* '(password|passwd|secret|token|key)$' THEN '***'
                    ELSE option_value
                END
            )
            FROM pg_options_to_table(wrapper.fdwoptions)
        ),
        'owner', NULLIF(wrapper.fdwowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_foreign_data_wrapper AS wrapper
CROSS JOIN here
WHERE NOT EXISTS (
    SELECT
    FROM members
    WHERE
        members.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass
        AND members.objid = wrapper.oid
)
