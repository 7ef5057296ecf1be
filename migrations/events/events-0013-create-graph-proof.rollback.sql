-- Takes back the rebuild and the drift of the graph.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row; the graph stays as it is.

DROP FUNCTION events.graph_drift();

DROP FUNCTION events.graph_rebuild();
