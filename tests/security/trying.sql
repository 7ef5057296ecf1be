-- Has a role do everything that can be done to every relation and sequence, and undoes
-- it: SQLSTATE UNDO1 says that it was done, 42501 that it was refused.
--
-- An INSERT or UPDATE is of all columns that can be written, so that one that is allowed
-- for some of them is refused.
CREATE FUNCTION pg_temp.try(role text, pattern text DEFAULT '%')
RETURNS TABLE (object text, action text, outcome text)
LANGUAGE plpgsql
AS $$
DECLARE
    each record;
BEGIN
    FOR each IN
        WITH relations AS (
            SELECT
                class.relkind AS kind,
                format('%I.%I', schema.nspname, class.relname) AS name,
                string_agg(
                    quote_ident(attribute.attname),
                    ', '
                    ORDER BY attribute.attnum
                ) AS columns,
                string_agg('NULL', ', ') AS values,
                string_agg(
                    quote_ident(attribute.attname) || ' = DEFAULT',
                    ', '
                    ORDER BY attribute.attnum
                ) AS defaults,
                -- Whether a view can be written to is its own affair.
                class.relkind IN ('r', 'p') OR schema.nspname = 'nextauth' AS written
            FROM pg_catalog.pg_class AS class
            INNER JOIN pg_catalog.pg_namespace AS schema
                ON schema.oid = class.relnamespace
            LEFT JOIN pg_catalog.pg_attribute AS attribute
                ON attribute.attrelid = class.oid
                AND attribute.attnum > 0
                AND attribute.attgenerated = ''
                AND attribute.attidentity <> 'a'
                AND NOT attribute.attisdropped
            WHERE
                class.relkind IN ('r', 'p', 'v', 'm', 'S')
                AND schema.nspname !~ '^(pg_|information_schema$|ag_catalog$)'
                AND format('%s.%s', schema.nspname, class.relname) LIKE try.pattern
            GROUP BY class.oid, schema.nspname
        )
        SELECT
            relations.name,
            attempt.action,
            attempt.statement
        FROM relations
        CROSS JOIN LATERAL (
            VALUES
                ('mrpv', 'select', format('SELECT * FROM %s LIMIT 0', name)),
                (
                    'rpv',
                    'insert',
                    format(
                        'INSERT INTO %s (%s) SELECT %s WHERE false',
                        name, columns, values
                    )
                ),
                (
                    'rpv',
                    'update',
                    format('UPDATE %s SET %s WHERE false', name, defaults)
                ),
                ('rpv', 'delete', format('DELETE FROM %s WHERE false', name)),
                ('rp', 'truncate', format('TRUNCATE %s CASCADE', name)),
                (
                    'rp',
                    'trigger',
                    format(
                        'CREATE TRIGGER tried BEFORE UPDATE ON %s FOR EACH ROW '
                        'EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()',
                        name
                    )
                ),
                ('mrpv', 'alter', format('ALTER TABLE %s RENAME TO tried', name)),
                ('rp', 'drop', format('DROP TABLE %s CASCADE', name)),
                ('v', 'drop', format('DROP VIEW %s CASCADE', name)),
                ('m', 'drop', format('DROP MATERIALIZED VIEW %s CASCADE', name)),
                ('S', 'next', format('SELECT nextval(%L)', name)),
                ('S', 'set', format('SELECT setval(%L, 1)', name)),
                ('S', 'drop', format('DROP SEQUENCE %s CASCADE', name))
        ) AS attempt (kinds, action, statement)
        WHERE
            strpos(attempt.kinds, relations.kind::text) > 0
            AND (
                relations.written
                OR attempt.action NOT IN ('insert', 'update', 'delete')
            )
        ORDER BY
            relations.name,
            attempt.action
    LOOP
        object := each.name;
        action := each.action;
        BEGIN
            PERFORM set_config('role', role, true);
            EXECUTE each.statement;
            RAISE EXCEPTION USING ERRCODE = 'UNDO1';
        EXCEPTION
            WHEN OTHERS THEN
                outcome := SQLSTATE;
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
