-- depends: events-0012-create-graph-triggers
--
-- The graph made anew from the tables, and the proof that it is in step with them. This
-- file also makes the graph for the rows that were there before the triggers.
--
-- Lock: SHARE on the seven tables while the graph is made: reads go on, writes wait.
-- Rewrites: none.
-- Rollback: drops the functions; the graph stays as it is.

CREATE FUNCTION events.graph_rebuild()
RETURNS TABLE (label text, entries bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
AS $$
BEGIN
    LOCK TABLE
        events.events,
        events.speakers,
        events.companies,
        events.topics,
        events.event_speakers,
        events.event_companies,
        events.event_topics
    IN SHARE MODE;

    DELETE FROM event_network."SPEAKS_AT";

    DELETE FROM event_network."INVOLVED_IN";

    DELETE FROM event_network."COVERS";

    DELETE FROM event_network."WORKS_FOR";

    DELETE FROM event_network."Event";

    DELETE FROM event_network."Speaker";

    DELETE FROM event_network."Company";

    DELETE FROM event_network."Topic";

    INSERT INTO event_network."Event" (properties)
    SELECT wanted.properties
    FROM events.graph_event AS wanted
    ORDER BY wanted.event_id;

    label := 'Event';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."Speaker" (properties)
    SELECT wanted.properties
    FROM events.graph_speaker AS wanted
    ORDER BY wanted.speaker_id;

    label := 'Speaker';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."Company" (properties)
    SELECT wanted.properties
    FROM events.graph_company AS wanted
    ORDER BY wanted.company_id;

    label := 'Company';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."Topic" (properties)
    SELECT wanted.properties
    FROM events.graph_topic AS wanted
    ORDER BY wanted.topic_id;

    label := 'Topic';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."SPEAKS_AT" (start_id, end_id, properties)
    SELECT
        speaker.id,
        event.id,
        wanted.properties
    FROM events.graph_speaks_at AS wanted
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(wanted.speaker_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(wanted.event_id)
    ORDER BY
        wanted.speaker_id,
        wanted.event_id,
        wanted.role;

    label := 'SPEAKS_AT';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."INVOLVED_IN" (start_id, end_id, properties)
    SELECT
        company.id,
        event.id,
        wanted.properties
    FROM events.graph_involved_in AS wanted
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(wanted.company_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(wanted.event_id)
    ORDER BY
        wanted.company_id,
        wanted.event_id,
        wanted.type;

    label := 'INVOLVED_IN';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."COVERS" (start_id, end_id, properties)
    SELECT
        event.id,
        topic.id,
        wanted.properties
    FROM events.graph_covers AS wanted
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(wanted.event_id)
    INNER JOIN event_network."Topic" AS topic
        ON events.graph_key(topic.properties) = events.graph_key(wanted.topic_id)
    ORDER BY
        wanted.event_id,
        wanted.topic_id;

    label := 'COVERS';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."WORKS_FOR" (start_id, end_id, properties)
    SELECT
        speaker.id,
        company.id,
        wanted.properties
    FROM events.graph_works_for AS wanted
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(wanted.speaker_id)
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(wanted.company_id)
    ORDER BY
        wanted.speaker_id,
        wanted.company_id;

    label := 'WORKS_FOR';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION events.graph_rebuild() IS
    'Empties event_network and fills it from the tables; returns the entries of each '
    'label. Writers of the tables wait until the transaction ends.';

CREATE FUNCTION events.graph_drift()
RETURNS TABLE (
    label text,
    relational bigint,
    graph bigint,
    missing bigint,
    extra bigint,
    stale bigint
)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, ag_catalog, pg_temp
AS $$
    WITH compared AS (
        SELECT
            'Event' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_event AS wanted
        FULL JOIN event_network."Event" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.event_id)
        UNION ALL
        SELECT
            'Speaker' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_speaker AS wanted
        FULL JOIN event_network."Speaker" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.speaker_id)
        UNION ALL
        SELECT
            'Company' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_company AS wanted
        FULL JOIN event_network."Company" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.company_id)
        UNION ALL
        SELECT
            'Topic' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_topic AS wanted
        FULL JOIN event_network."Topic" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.topic_id)
        UNION ALL
        SELECT
            'SPEAKS_AT' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_speaks_at AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(speaker.properties) AS speaker_key,
                events.graph_key(event.properties) AS event_key
            FROM event_network."SPEAKS_AT" AS edge
            LEFT JOIN event_network."Speaker" AS speaker
                ON speaker.id = edge.start_id
            LEFT JOIN event_network."Event" AS event
                ON event.id = edge.end_id
        ) AS present
            ON present.speaker_key = events.graph_key(wanted.speaker_id)
            AND present.event_key = events.graph_key(wanted.event_id)
            AND present.properties ->> 'role'::text = wanted.role
        UNION ALL
        SELECT
            'INVOLVED_IN' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_involved_in AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(company.properties) AS company_key,
                events.graph_key(event.properties) AS event_key
            FROM event_network."INVOLVED_IN" AS edge
            LEFT JOIN event_network."Company" AS company
                ON company.id = edge.start_id
            LEFT JOIN event_network."Event" AS event
                ON event.id = edge.end_id
        ) AS present
            ON present.company_key = events.graph_key(wanted.company_id)
            AND present.event_key = events.graph_key(wanted.event_id)
            AND present.properties ->> 'type'::text = wanted.type
        UNION ALL
        SELECT
            'COVERS' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_covers AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(event.properties) AS event_key,
                events.graph_key(topic.properties) AS topic_key
            FROM event_network."COVERS" AS edge
            LEFT JOIN event_network."Event" AS event
                ON event.id = edge.start_id
            LEFT JOIN event_network."Topic" AS topic
                ON topic.id = edge.end_id
        ) AS present
            ON present.event_key = events.graph_key(wanted.event_id)
            AND present.topic_key = events.graph_key(wanted.topic_id)
        UNION ALL
        SELECT
            'WORKS_FOR' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_works_for AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(speaker.properties) AS speaker_key,
                events.graph_key(company.properties) AS company_key
            FROM event_network."WORKS_FOR" AS edge
            LEFT JOIN event_network."Speaker" AS speaker
                ON speaker.id = edge.start_id
            LEFT JOIN event_network."Company" AS company
                ON company.id = edge.end_id
        ) AS present
            ON present.speaker_key = events.graph_key(wanted.speaker_id)
            AND present.company_key = events.graph_key(wanted.company_id)
    )
    SELECT
        kind.label,
        count(compared.wanted) AS relational,
        count(compared.present) AS graph,
        count(compared.wanted) FILTER (WHERE compared.present IS NULL) AS missing,
        count(compared.present) FILTER (WHERE compared.wanted IS NULL) AS extra,
        count(*) FILTER (WHERE compared.wanted <> compared.present) AS stale
    FROM compared
    RIGHT JOIN (
        VALUES
            (1, 'Event'),
            (2, 'Speaker'),
            (3, 'Company'),
            (4, 'Topic'),
            (5, 'SPEAKS_AT'),
            (6, 'INVOLVED_IN'),
            (7, 'COVERS'),
            (8, 'WORKS_FOR')
    ) AS kind (position, label)
        ON kind.label = compared.label
    GROUP BY
        kind.position,
        kind.label
    ORDER BY kind.position;
$$;

COMMENT ON FUNCTION events.graph_drift() IS
    'Compares tables and graph by label: what is missing from the graph, what it has '
    'too much (edges without a vertex among it), what has other properties. All 0 when '
    'in step.';

SELECT
    rebuilt.label,
    rebuilt.entries
FROM events.graph_rebuild() AS rebuilt;
