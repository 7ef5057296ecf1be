-- Indexes, also those that belong to a constraint.
SELECT
    index.indexrelid::regclass::text AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'table', relations.name,
        'definition', pg_get_indexdef(index.indexrelid),
        'constraint', quote_ident(constr.conname),
        -- The definition has them as well, but the constraint's definition has not.
        'options', (
            SELECT jsonb_object_agg(option_name, option_value)
            FROM pg_options_to_table(class.reloptions)
            WHERE constr.oid IS NOT NULL
        ),
        'valid', index.indisvalid,
        'clustered', index.indisclustered,
        'tablespace', (
            SELECT quote_ident(spcname)
            FROM pg_catalog.pg_tablespace
            WHERE oid = class.reltablespace
        ),
        -- By the column's number in the index: an expression has no other name.
        'statistics', (
            SELECT jsonb_object_agg(attribute.attnum, attribute.attstattarget)
            FROM pg_catalog.pg_attribute AS attribute
            WHERE
                attribute.attrelid = class.oid
                AND attribute.attstattarget >= 0
        ),
        'partition_of', (
            SELECT inherited.inhparent::regclass
            FROM pg_catalog.pg_inherits AS inherited
            WHERE inherited.inhrelid = class.oid
        )
    )) AS properties
FROM relations
INNER JOIN pg_catalog.pg_index AS index
    ON index.indrelid = relations.oid
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = index.indexrelid
LEFT JOIN pg_catalog.pg_constraint AS constr
    ON constr.conindid = index.indexrelid
    AND constr.conrelid = index.indrelid
    AND constr.contype IN ('p', 'u', 'x')
