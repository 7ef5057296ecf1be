-- Takes back what a connection is found by, and the foreign keys of its arrays.
--
-- Lock: ACCESS EXCLUSIVE on both tables, on dining.connections and dining.entities.
-- Rewrites: none. Loses: nothing that the arrays do not hold.

DROP TRIGGER connections_update_members ON dining.connections;

DROP TRIGGER connections_insert_members ON dining.connections;

DROP FUNCTION dining.update_members();

DROP FUNCTION dining.insert_members();

DROP VIEW dining.connection_tags;

DROP TABLE dining.connection_attributes;

DROP TABLE dining.connection_dishes;
