-- depends: events-0008-create-duplicates
--
-- The graph event_network of Apache AGE, with its labels and indexes, still empty.
--
-- Labels are tables in the schema event_network. Each vertex carries the id of its row
-- as the property id; the unique index on that expression serves WHERE n.id = $id in
-- Cypher (the inline map {id: $id} does not use it) and the joins that keep the graph
-- in step. The unique indexes on edges say what makes an edge the same edge.
--
-- AGE's functions find their operators by search_path, so the file sets it for its own
-- transaction; ag_catalog comes last, or new tables would land in it. The first call
-- loads AGE's library, without which graph functions do not work.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the graph, and the extension age if it came with this file and no
-- other graph is left; the tables keep everything that the graph mirrors.

-- An extension that was here before stays here after a rollback: its comment tells the
-- two cases apart.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_extension AS extension
        WHERE extension.extname = 'age'
    ) THEN
        CREATE EXTENSION age;

        COMMENT ON EXTENSION age IS
            'AGE database extension, installed by events-0009-create-graph';
    END IF;
END;
$$;

SET LOCAL search_path = "$user", public, ag_catalog;

SELECT ag_catalog.agtype_build_map();

SELECT ag_catalog.create_graph('event_network');

SELECT ag_catalog.create_vlabel('event_network', 'Event');

SELECT ag_catalog.create_vlabel('event_network', 'Speaker');

SELECT ag_catalog.create_vlabel('event_network', 'Company');

SELECT ag_catalog.create_vlabel('event_network', 'Topic');

SELECT ag_catalog.create_elabel('event_network', 'SPEAKS_AT');

SELECT ag_catalog.create_elabel('event_network', 'INVOLVED_IN');

SELECT ag_catalog.create_elabel('event_network', 'COVERS');

SELECT ag_catalog.create_elabel('event_network', 'WORKS_FOR');

CREATE UNIQUE INDEX event_id_key
    ON event_network."Event" (
        ag_catalog.agtype_access_operator(
            VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
        )
    );

CREATE UNIQUE INDEX speaker_id_key
    ON event_network."Speaker" (
        ag_catalog.agtype_access_operator(
            VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
        )
    );

CREATE UNIQUE INDEX company_id_key
    ON event_network."Company" (
        ag_catalog.agtype_access_operator(
            VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
        )
    );

CREATE UNIQUE INDEX topic_id_key
    ON event_network."Topic" (
        ag_catalog.agtype_access_operator(
            VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
        )
    );

CREATE UNIQUE INDEX speaks_at_start_id_end_id_role_key
    ON event_network."SPEAKS_AT" (
        start_id,
        end_id,
        ag_catalog.agtype_access_operator(
            VARIADIC ARRAY[properties, '"role"'::ag_catalog.agtype]
        )
    );

CREATE UNIQUE INDEX involved_in_start_id_end_id_type_key
    ON event_network."INVOLVED_IN" (
        start_id,
        end_id,
        ag_catalog.agtype_access_operator(
            VARIADIC ARRAY[properties, '"type"'::ag_catalog.agtype]
        )
    );

CREATE UNIQUE INDEX covers_start_id_end_id_key
    ON event_network."COVERS" (start_id, end_id);

CREATE UNIQUE INDEX works_for_start_id_end_id_key
    ON event_network."WORKS_FOR" (start_id, end_id);
