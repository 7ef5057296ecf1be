-- Takes back the foreign keys of the arrays.
--
-- Lock: ACCESS EXCLUSIVE on both tables, on dining.connections and dining.entities.
-- Rewrites: none. Loses: nothing that the arrays do not hold.

DROP TRIGGER connections_update_array_members ON dining.connections;

DROP TRIGGER connections_insert_array_members ON dining.connections;

DROP FUNCTION dining.update_array_members();

DROP FUNCTION dining.insert_array_members();

DROP TABLE dining.connection_attributes;

DROP TABLE dining.connection_categories;
