-- Takes back the triggers that keep the graph in step.
--
-- Lock: ACCESS EXCLUSIVE on the seven tables, for a moment. Rewrites: none.
-- Loses: no row; the graph stays as it is and follows the tables no more.

DROP TRIGGER event_topics_graph_truncate ON events.event_topics;

DROP TRIGGER event_topics_graph_delete ON events.event_topics;

DROP TRIGGER event_topics_graph_update ON events.event_topics;

DROP TRIGGER event_topics_graph_insert ON events.event_topics;

DROP FUNCTION events.graph_follow_event_topics();

DROP TRIGGER event_companies_graph_truncate ON events.event_companies;

DROP TRIGGER event_companies_graph_delete ON events.event_companies;

DROP TRIGGER event_companies_graph_update ON events.event_companies;

DROP TRIGGER event_companies_graph_insert ON events.event_companies;

DROP FUNCTION events.graph_follow_event_companies();

DROP TRIGGER event_speakers_graph_truncate ON events.event_speakers;

DROP TRIGGER event_speakers_graph_delete ON events.event_speakers;

DROP TRIGGER event_speakers_graph_update ON events.event_speakers;

DROP TRIGGER event_speakers_graph_insert ON events.event_speakers;

DROP FUNCTION events.graph_follow_event_speakers();

DROP TRIGGER topics_graph_truncate ON events.topics;

DROP TRIGGER topics_graph_delete ON events.topics;

DROP TRIGGER topics_graph_update ON events.topics;

DROP TRIGGER topics_graph_insert ON events.topics;

DROP FUNCTION events.graph_follow_topics();

DROP TRIGGER companies_graph_truncate ON events.companies;

DROP TRIGGER companies_graph_delete ON events.companies;

DROP TRIGGER companies_graph_update ON events.companies;

DROP TRIGGER companies_graph_insert ON events.companies;

DROP FUNCTION events.graph_follow_companies();

DROP TRIGGER speakers_graph_truncate ON events.speakers;

DROP TRIGGER speakers_graph_delete ON events.speakers;

DROP TRIGGER speakers_graph_update ON events.speakers;

DROP TRIGGER speakers_graph_insert ON events.speakers;

DROP FUNCTION events.graph_follow_speakers();

DROP TRIGGER events_graph_truncate ON events.events;

DROP TRIGGER events_graph_delete ON events.events;

DROP TRIGGER events_graph_update ON events.events;

DROP TRIGGER events_graph_insert ON events.events;

DROP FUNCTION events.graph_follow_events();
