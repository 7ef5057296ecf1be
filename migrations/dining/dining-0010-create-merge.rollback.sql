-- Takes back what a merge makes of connections.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row.

DROP FUNCTION dining.merged_connections(uuid, uuid);
