-- Takes back the types and functions for loading in bulk.
--
-- Lock: none on a live table. Rewrites: none. Loses: no data.

DROP FUNCTION dining.staged_mentions();

DROP FUNCTION dining.staged_connections();

DROP FUNCTION dining.staged_entities();

DROP TYPE dining.staged_mention;

DROP TYPE dining.staged_connection;

DROP TYPE dining.staged_entity;
