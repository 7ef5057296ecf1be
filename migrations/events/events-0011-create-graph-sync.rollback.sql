-- Takes back the functions that bring the graph in step.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row.

DROP FUNCTION events.graph_lock_companies(text[]);

DROP FUNCTION events.graph_sync_works_for(uuid[], uuid[]);

DROP FUNCTION events.graph_sync_covers(uuid[], uuid[]);

DROP FUNCTION events.graph_sync_involved_in(uuid[], uuid[]);

DROP FUNCTION events.graph_sync_speaks_at(uuid[], uuid[]);

DROP FUNCTION events.graph_sync_topics(uuid[]);

DROP FUNCTION events.graph_sync_companies(uuid[]);

DROP FUNCTION events.graph_sync_speakers(uuid[]);

DROP FUNCTION events.graph_sync_events(uuid[]);
