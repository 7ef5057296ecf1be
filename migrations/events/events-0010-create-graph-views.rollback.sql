-- Takes back the definition of the graph's content.
--
-- Lock: ACCESS EXCLUSIVE on the views. Rewrites: none. Loses: no row.

DROP VIEW events.graph_works_for;

DROP VIEW events.graph_covers;

DROP VIEW events.graph_involved_in;

DROP VIEW events.graph_speaks_at;

DROP VIEW events.graph_topic;

DROP VIEW events.graph_company;

DROP VIEW events.graph_speaker;

DROP VIEW events.graph_event;

DROP FUNCTION events.graph_key(uuid);

DROP FUNCTION events.graph_key(ag_catalog.agtype);
