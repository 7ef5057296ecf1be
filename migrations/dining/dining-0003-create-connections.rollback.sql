-- Takes back the connections.
--
-- Lock: ACCESS EXCLUSIVE on dining.connections and, for the foreign keys, on
-- dining.entities. Rewrites: none. Loses: every connection with its scores.

DROP TABLE dining.connections;
