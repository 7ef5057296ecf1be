-- Tables and partitioned tables; their columns' names stand here in order, and what
-- else there is to a column is an object of its own.
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
        'persistence', CASE class.relpersistence
            WHEN 'p' THEN 'permanent'
            WHEN 'u' THEN 'unlogged'
            ELSE class.relpersistence::text
        END,
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
        'row_security', class.relrowsecurity,
        'force_row_security', class.relforcerowsecurity,
        'replica_identity', CASE class.relreplident
            WHEN 'd' THEN 'default'
            WHEN 'n' THEN 'nothing'
            WHEN 'f' THEN 'full'
            ELSE (
                SELECT concat('index ', quote_ident(named.relname))
                FROM pg_catalog.pg_index AS index
                INNER JOIN pg_catalog.pg_class AS named
                    ON named.oid = index.indexrelid
                WHERE
                    index.indrelid = class.oid
                    AND index.indisreplident
            )
        END,
        'of_type', NULLIF(class.reloftype, 0)::regtype,
        'partition_key', CASE class.relkind
            WHEN 'p' THEN pg_get_partkeydef(class.oid)
        END,
        'partition_bound', pg_get_expr(class.relpartbound, class.oid),
        'inherits', (
            SELECT jsonb_agg(
                concat(
                    inherited.inhparent::regclass,
                    CASE WHEN inherited.inhdetachpending THEN ' DETACH PENDING' END
                )
                ORDER BY inherited.inhseqno
            )
            FROM pg_catalog.pg_inherits AS inherited
            WHERE inherited.inhrelid = class.oid
        ),
        'owner', NULLIF(class.relowner, here.owner)::regrole
    )) AS properties
FROM relations
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = relations.oid
CROSS JOIN here
WHERE relations.kind IN ('r', 'p')
