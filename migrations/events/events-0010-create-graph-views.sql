-- depends: events-0009-create-graph
--
-- What the graph must hold: one view for each label, the single definition by which it
-- is kept in step, rebuilt and checked. Merged speakers are not in the graph. Scores go
-- by way of text, so that 0.8 as real stays 0.8 as agtype's double precision.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the views and functions and no row.

-- Both functions are inlined into queries: the first into the expression that the
-- unique indexes on vertices are built on.
CREATE FUNCTION events.graph_key(properties ag_catalog.agtype)
RETURNS ag_catalog.agtype
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN ag_catalog.agtype_access_operator(
    VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
);

COMMENT ON FUNCTION events.graph_key(ag_catalog.agtype) IS
    'The id in a vertex''s properties.';

CREATE FUNCTION events.graph_key(id uuid)
RETURNS ag_catalog.agtype
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN ('"' || id || '"')::ag_catalog.agtype;

COMMENT ON FUNCTION events.graph_key(uuid) IS
    'A row''s id as vertices carry it.';

CREATE VIEW events.graph_event AS
SELECT
    event.id AS event_id,
    ag_catalog.agtype_build_map_nonull(
        'id', event.id::text,
        'name', event.name,
        'date', event.date::text
    ) AS properties
FROM events.events AS event;

COMMENT ON VIEW events.graph_event IS
    'Vertices (:Event {id, name, date}); date as YYYY-MM-DD, absent while unknown.';

CREATE VIEW events.graph_speaker AS
SELECT
    speaker.id AS speaker_id,
    ag_catalog.agtype_build_map(
        'id', speaker.id::text,
        'name', speaker.name
    ) AS properties
FROM events.speakers AS speaker
WHERE speaker.merged_into IS NULL;

COMMENT ON VIEW events.graph_speaker IS
    'Vertices (:Speaker {id, name}).';

CREATE VIEW events.graph_company AS
SELECT
    company.id AS company_id,
    ag_catalog.agtype_build_map(
        'id', company.id::text,
        'name', company.name
    ) AS properties
FROM events.companies AS company;

COMMENT ON VIEW events.graph_company IS
    'Vertices (:Company {id, name}).';

CREATE VIEW events.graph_topic AS
SELECT
    topic.id AS topic_id,
    ag_catalog.agtype_build_map_nonull(
        'id', topic.id::text,
        'name', topic.name,
        'category', topic.category::text
    ) AS properties
FROM events.topics AS topic;

COMMENT ON VIEW events.graph_topic IS
    'Vertices (:Topic {id, name, category}); category absent while unsorted.';

CREATE VIEW events.graph_speaks_at AS
SELECT
    link.speaker_id,
    link.event_id,
    link.role::text AS role,
    ag_catalog.agtype_build_map(
        'role', link.role::text,
        'confidence', link.extraction_confidence::text::double precision
    ) AS properties
FROM events.event_speakers AS link
INNER JOIN events.speakers AS speaker
    ON speaker.id = link.speaker_id
WHERE speaker.merged_into IS NULL;

COMMENT ON VIEW events.graph_speaks_at IS
    'Edges (:Speaker)-[:SPEAKS_AT {role, confidence}]->(:Event).';

CREATE VIEW events.graph_involved_in AS
SELECT
    link.company_id,
    link.event_id,
    link.relationship_type::text AS type,
    ag_catalog.agtype_build_map('type', link.relationship_type::text) AS properties
FROM events.event_companies AS link;

COMMENT ON VIEW events.graph_involved_in IS
    'Edges (:Company)-[:INVOLVED_IN {type}]->(:Event).';

CREATE VIEW events.graph_covers AS
SELECT
    link.event_id,
    link.topic_id,
    ag_catalog.agtype_build_map(
        'relevance', link.relevance_score::text::double precision
    ) AS properties
FROM events.event_topics AS link;

COMMENT ON VIEW events.graph_covers IS
    'Edges (:Event)-[:COVERS {relevance}]->(:Topic).';

CREATE VIEW events.graph_works_for AS
SELECT
    speaker.id AS speaker_id,
    company.id AS company_id,
    ag_catalog.agtype_build_map() AS properties
FROM events.speakers AS speaker
INNER JOIN events.companies AS company
    ON company.normalized_name = speaker.normalized_company
WHERE speaker.merged_into IS NULL;

COMMENT ON VIEW events.graph_works_for IS
    'Edges (:Speaker)-[:WORKS_FOR]->(:Company), where the normalised names agree.';
