-- depends: events-0010-create-graph-views
--
-- Functions that bring the graph in step with the tables for given rows. Each compares
-- what the views say with what the label tables hold and writes the difference, as
-- sets, straight into the label tables; called twice, the second call changes nothing.
--
-- A vertex keeps its graphid through a change of its properties, and with it its edges.
-- A vertex that goes takes its edges along: AGE itself would leave them dangling.
--
-- ag_catalog is on the functions' own search_path because AGE's operators are found by
-- it alone. Sequential scans are off in them: plans are made while the tables are empty
-- and kept while they grow, and these functions are called for a few rows at a time.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the functions and no row.

CREATE FUNCTION events.graph_sync_events(ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Event" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_event AS wanted
                WHERE wanted.event_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Event" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_event AS wanted
    WHERE wanted.event_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_events(uuid[]) IS
    'Brings the Event vertices of these ids in step with events.events.';

CREATE FUNCTION events.graph_sync_speakers(ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Speaker" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_speaker AS wanted
                WHERE wanted.speaker_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Speaker" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_speaker AS wanted
    WHERE wanted.speaker_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_speakers(uuid[]) IS
    'Brings the Speaker vertices of these ids in step with events.speakers.';

CREATE FUNCTION events.graph_sync_companies(ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Company" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_company AS wanted
                WHERE wanted.company_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Company" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_company AS wanted
    WHERE wanted.company_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_companies(uuid[]) IS
    'Brings the Company vertices of these ids in step with events.companies.';

CREATE FUNCTION events.graph_sync_topics(ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Topic" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_topic AS wanted
                WHERE wanted.topic_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Topic" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_topic AS wanted
    WHERE wanted.topic_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_topics(uuid[]) IS
    'Brings the Topic vertices of these ids in step with events.topics.';

CREATE FUNCTION events.graph_sync_speaks_at(speaker_ids uuid[], event_ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    DELETE FROM event_network."SPEAKS_AT" AS edge
    USING
        unnest(speaker_ids, event_ids) AS pair (speaker_id, event_id),
        event_network."Speaker" AS speaker,
        event_network."Event" AS event
    WHERE
        events.graph_key(speaker.properties) = events.graph_key(pair.speaker_id)
        AND events.graph_key(event.properties) = events.graph_key(pair.event_id)
        AND edge.start_id = speaker.id
        AND edge.end_id = event.id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_speaks_at AS wanted
            WHERE
                wanted.speaker_id = pair.speaker_id
                AND wanted.event_id = pair.event_id
                AND wanted.role = edge.properties ->> 'role'::text
        );

    INSERT INTO event_network."SPEAKS_AT" AS edge (start_id, end_id, properties)
    SELECT
        speaker.id,
        event.id,
        wanted.properties
    FROM (
        SELECT DISTINCT
            touched.speaker_id,
            touched.event_id
        FROM unnest(speaker_ids, event_ids) AS touched (speaker_id, event_id)
    ) AS pair
    INNER JOIN events.graph_speaks_at AS wanted
        ON wanted.speaker_id = pair.speaker_id
        AND wanted.event_id = pair.event_id
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(pair.speaker_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(pair.event_id)
    ON CONFLICT (
        start_id,
        end_id,
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"role"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE edge.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_speaks_at(uuid[], uuid[]) IS
    'Brings the SPEAKS_AT edges between the n-th speaker and the n-th event in step '
    'with events.event_speakers.';

CREATE FUNCTION events.graph_sync_involved_in(company_ids uuid[], event_ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    DELETE FROM event_network."INVOLVED_IN" AS edge
    USING
        unnest(company_ids, event_ids) AS pair (company_id, event_id),
        event_network."Company" AS company,
        event_network."Event" AS event
    WHERE
        events.graph_key(company.properties) = events.graph_key(pair.company_id)
        AND events.graph_key(event.properties) = events.graph_key(pair.event_id)
        AND edge.start_id = company.id
        AND edge.end_id = event.id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_involved_in AS wanted
            WHERE
                wanted.company_id = pair.company_id
                AND wanted.event_id = pair.event_id
                AND wanted.type = edge.properties ->> 'type'::text
        );

    INSERT INTO event_network."INVOLVED_IN" AS edge (start_id, end_id, properties)
    SELECT
        company.id,
        event.id,
        wanted.properties
    FROM (
        SELECT DISTINCT
            touched.company_id,
            touched.event_id
        FROM unnest(company_ids, event_ids) AS touched (company_id, event_id)
    ) AS pair
    INNER JOIN events.graph_involved_in AS wanted
        ON wanted.company_id = pair.company_id
        AND wanted.event_id = pair.event_id
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(pair.company_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(pair.event_id)
    ON CONFLICT (
        start_id,
        end_id,
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"type"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE edge.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_involved_in(uuid[], uuid[]) IS
    'Brings the INVOLVED_IN edges between the n-th company and the n-th event in step '
    'with events.event_companies.';

CREATE FUNCTION events.graph_sync_covers(event_ids uuid[], topic_ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    DELETE FROM event_network."COVERS" AS edge
    USING
        unnest(event_ids, topic_ids) AS pair (event_id, topic_id),
        event_network."Event" AS event,
        event_network."Topic" AS topic
    WHERE
        events.graph_key(event.properties) = events.graph_key(pair.event_id)
        AND events.graph_key(topic.properties) = events.graph_key(pair.topic_id)
        AND edge.start_id = event.id
        AND edge.end_id = topic.id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_covers AS wanted
            WHERE
                wanted.event_id = pair.event_id
                AND wanted.topic_id = pair.topic_id
        );

    INSERT INTO event_network."COVERS" AS edge (start_id, end_id, properties)
    SELECT
        event.id,
        topic.id,
        wanted.properties
    FROM (
        SELECT DISTINCT
            touched.event_id,
            touched.topic_id
        FROM unnest(event_ids, topic_ids) AS touched (event_id, topic_id)
    ) AS pair
    INNER JOIN events.graph_covers AS wanted
        ON wanted.event_id = pair.event_id
        AND wanted.topic_id = pair.topic_id
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(pair.event_id)
    INNER JOIN event_network."Topic" AS topic
        ON events.graph_key(topic.properties) = events.graph_key(pair.topic_id)
    ON CONFLICT (start_id, end_id)
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE edge.properties <> EXCLUDED.properties;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_covers(uuid[], uuid[]) IS
    'Brings the COVERS edges between the n-th event and the n-th topic in step with '
    'events.event_topics.';

CREATE FUNCTION events.graph_sync_works_for(speaker_ids uuid[], company_ids uuid[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, ag_catalog, pg_temp
SET enable_seqscan = off
AS $$
BEGIN
    WITH touched AS (
        SELECT
            edge.start_id,
            edge.end_id
        FROM unnest(speaker_ids) AS given (id)
        INNER JOIN event_network."Speaker" AS speaker
            ON events.graph_key(speaker.properties) = events.graph_key(given.id)
        INNER JOIN event_network."WORKS_FOR" AS edge
            ON edge.start_id = speaker.id
        UNION
        SELECT
            edge.start_id,
            edge.end_id
        FROM unnest(company_ids) AS given (id)
        INNER JOIN event_network."Company" AS company
            ON events.graph_key(company.properties) = events.graph_key(given.id)
        INNER JOIN event_network."WORKS_FOR" AS edge
            ON edge.end_id = company.id
    )
    DELETE FROM event_network."WORKS_FOR" AS edge
    USING
        touched,
        event_network."Speaker" AS speaker,
        event_network."Company" AS company
    WHERE
        edge.start_id = touched.start_id
        AND edge.end_id = touched.end_id
        AND speaker.id = touched.start_id
        AND company.id = touched.end_id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_works_for AS wanted
            WHERE
                wanted.speaker_id = (speaker.properties ->> 'id'::text)::uuid
                AND wanted.company_id = (company.properties ->> 'id'::text)::uuid
        );

    INSERT INTO event_network."WORKS_FOR" AS edge (start_id, end_id)
    SELECT
        speaker.id,
        company.id
    FROM (
        SELECT
            by_speaker.speaker_id,
            by_speaker.company_id
        FROM events.graph_works_for AS by_speaker
        WHERE by_speaker.speaker_id = ANY (speaker_ids)
        UNION
        SELECT
            by_company.speaker_id,
            by_company.company_id
        FROM events.graph_works_for AS by_company
        WHERE by_company.company_id = ANY (company_ids)
    ) AS wanted
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(wanted.speaker_id)
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(wanted.company_id)
    ON CONFLICT (start_id, end_id) DO NOTHING;
END;
$$;

COMMENT ON FUNCTION events.graph_sync_works_for(uuid[], uuid[]) IS
    'Brings every WORKS_FOR edge of these speakers and of these companies in step.';

-- No foreign key joins a speaker to a company: while one session adds the speaker and
-- another the company, neither sees the other's row, and the edge would be missed. The
-- lock on the name makes the second wait for the first to commit, and look after it.
CREATE FUNCTION events.graph_lock_companies(names text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cardinality(names) > 100 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('events.companies', 0));
        RETURN;
    END IF;

    PERFORM pg_advisory_xact_lock_shared(hashtextextended('events.companies', 0))
    WHERE cardinality(names) > 0;

    PERFORM pg_advisory_xact_lock(locked.key)
    FROM (
        SELECT DISTINCT hashtextextended('events.companies ' || given.name, 0) AS key
        FROM unnest(names) AS given (name)
        ORDER BY key
    ) AS locked;
END;
$$;

COMMENT ON FUNCTION events.graph_lock_companies(text[]) IS
    'Holds these normalised company names until the transaction ends; more than 100 at '
    'once hold them all, which spares the lock table.';
