-- Materialized views.
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
        'definition', pg_get_viewdef(class.oid),
        'populated', class.relispopulated,
        'access_method', (
            SELECT quote_ident(amname)
            FROM pg_catalog.pg_am
            WHERE oid = class.relam
        ),
        'tablespace', (
            SELECT quote_ident(spcname)
            FROM pg_catalog.pg_tablespace
            WHERE oid = class.reltablespace
        ),
        'options', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_options_to_table(class.reloptions)
        ),
        'toast_options', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_catalog.pg_class AS toast
            CROSS JOIN pg_options_to_table(toast.reloptions)
            WHERE toast.oid = class.reltoastrelid
        ),
        'owner', NULLIF(class.relowner, here.owner)::regrole
    )) AS properties
FROM relations
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = relations.oid
CROSS JOIN here
WHERE relations.kind = 'm'
