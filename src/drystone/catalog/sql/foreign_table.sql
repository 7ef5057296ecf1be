-- Foreign tables; an option that may hold a secret shows that it is set, not its value.
SELECT
    relations.name,
    jsonb_strip_nulls(jsonb_build_object(
        'columns', (
            SELECT jsonb_agg(quote_ident(attribute.attname) ORDER BY attribute.attnum)
            FROM pg_catalog.pg_attribute AS attribute
            WHERE
                attribute.attrelid = class.oid
                AND attribute.attnum > 0
                AND NOT attribute.attisdropped
        ),
        'server', quote_ident(server.srvname),
        'options', (
            SELECT jsonb_object_agg(
                option_name,
                CASE
                    WHEN option_name ~* '(password|passwd|secret|token|key)$' THEN '***'
                    ELSE option_value
                END
            )
            FROM pg_options_to_table(foreign_table.ftoptions)
        ),
        'partition_bound', pg_get_expr(class.relpartbound, class.oid),
        'inherits', (
            SELECT jsonb_agg(inherited.inhparent::regclass ORDER BY inherited.inhseqno)
            FROM pg_catalog.pg_inherits AS inherited
            WHERE inherited.inhrelid = class.oid
        ),
        'owner', NULLIF(class.relowner, here.owner)::regrole
    )) AS properties
FROM relations
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = relations.oid
INNER JOIN pg_catalog.pg_foreign_table AS foreign_table
    ON foreign_table.ftrelid = class.oid
INNER JOIN pg_catalog.pg_foreign_server AS server
    ON server.oid = foreign_table.ftserver
CROSS JOIN here
