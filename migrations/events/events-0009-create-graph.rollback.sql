-- Takes back the graph, and Apache AGE if it came with the migration and no other graph
-- is left: DROP EXTENSION age would drop every graph without a word.
--
-- Lock: ACCESS EXCLUSIVE on the label tables. Rewrites: none.
-- Loses: the graph, which events.graph_rebuild() makes anew from the tables.

SET LOCAL search_path = "$user", public, ag_catalog;

SELECT ag_catalog.agtype_build_map();

SELECT ag_catalog.drop_graph('event_network', true);

DO $$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_extension AS extension
        WHERE
            extension.extname = 'age'
            AND pg_catalog.obj_description(extension.oid, 'pg_extension')
                LIKE '%installed by events-0009-create-graph'
    ) AND NOT EXISTS (
        SELECT
        FROM ag_catalog.ag_graph AS graph
    ) THEN
        DROP EXTENSION age;

        -- CREATE EXTENSION made it, and DROP EXTENSION leaves it.
        DROP SCHEMA ag_catalog;
    END IF;
END;
$$;
