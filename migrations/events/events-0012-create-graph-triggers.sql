-- depends: events-0011-create-graph-sync
--
-- Triggers that keep the graph in step with the tables in the same transaction, once
-- for each statement, for all of its rows.
--
-- In whichever order one statement's triggers fire, the last one completes the graph: a
-- link whose vertices are still missing is left to the triggers of its ends, which look
-- for the links of new rows. A writer holds its table rows before it touches the graph,
-- so two writers meet at the table first, and the second sees what the first wrote.
-- That holds under READ COMMITTED and SERIALIZABLE. Under REPEATABLE READ, a speaker
-- and a company that are added at the same moment can miss their WORKS_FOR edge, which
-- events.graph_drift() shows.
--
-- The functions run with their owner's rights: a role that may write the tables needs
-- none on the graph.
--
-- Lock: SHARE ROW EXCLUSIVE on the seven tables. Rewrites: none.
-- Rollback: drops triggers and functions; the graph stays as it is and follows no more.

CREATE FUNCTION events.graph_follow_events()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched uuid[];
    speaker_ids uuid[];
    company_ids uuid[];
    event_ids uuid[];
    topic_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."Event";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(new_row.id)
        INTO touched
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(old_row.id)
        INTO touched
        FROM old_rows AS old_row;
    ELSE
        SELECT array_agg(changed.id)
        INTO touched
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (VALUES (old_row.id), (new_row.id)) AS changed (id)
        WHERE (
            old_row.id,
            old_row.name,
            old_row.date
        ) IS DISTINCT FROM (
            new_row.id,
            new_row.name,
            new_row.date
        );
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_sync_events(touched);

    IF TG_OP <> 'INSERT' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(link.speaker_id),
        array_agg(link.event_id)
    INTO
        speaker_ids,
        event_ids
    FROM events.event_speakers AS link
    WHERE link.event_id = ANY (touched);

    PERFORM events.graph_sync_speaks_at(speaker_ids, event_ids);

    SELECT
        array_agg(link.company_id),
        array_agg(link.event_id)
    INTO
        company_ids,
        event_ids
    FROM events.event_companies AS link
    WHERE link.event_id = ANY (touched);

    PERFORM events.graph_sync_involved_in(company_ids, event_ids);

    SELECT
        array_agg(link.event_id),
        array_agg(link.topic_id)
    INTO
        event_ids,
        topic_ids
    FROM events.event_topics AS link
    WHERE link.event_id = ANY (touched);

    PERFORM events.graph_sync_covers(event_ids, topic_ids);

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_events() IS
    'Keeps Event vertices; a new event''s links may be older than this trigger.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_events() FROM PUBLIC;

CREATE TRIGGER events_graph_insert
    AFTER INSERT ON events.events
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_graph_update
    AFTER UPDATE ON events.events
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_graph_delete
    AFTER DELETE ON events.events
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_graph_truncate
    AFTER TRUNCATE ON events.events
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_events();

CREATE FUNCTION events.graph_follow_speakers()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched uuid[];
    moved uuid[];
    companies text[];
    speaker_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."WORKS_FOR";

        DELETE FROM event_network."Speaker";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.id),
            array_agg(new_row.id),
            array_agg(new_row.normalized_company)
                FILTER (WHERE new_row.normalized_company IS NOT NULL)
        INTO
            touched,
            moved,
            companies
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.id),
            array_agg(old_row.normalized_company)
                FILTER (WHERE old_row.normalized_company IS NOT NULL)
        INTO
            touched,
            companies
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.id),
            array_agg(changed.id) FILTER (WHERE changed.moved),
            array_agg(changed.company)
                FILTER (WHERE changed.moved AND changed.company IS NOT NULL)
        INTO
            touched,
            moved,
            companies
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (
            SELECT
                version.id,
                version.company,
                (
                    old_row.id,
                    old_row.normalized_company,
                    old_row.merged_into
                ) IS DISTINCT FROM (
                    new_row.id,
                    new_row.normalized_company,
                    new_row.merged_into
                ) AS moved
            FROM (
                VALUES
                    (old_row.id, old_row.normalized_company),
                    (new_row.id, new_row.normalized_company)
            ) AS version (id, company)
        ) AS changed
        WHERE
            changed.moved
            OR old_row.name <> new_row.name;
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_lock_companies(companies);

    -- Waits for whoever is linking a speaker that this statement merged: foreign keys
    -- hold no more than FOR KEY SHARE, which an UPDATE of merged_into does not meet.
    IF TG_OP = 'UPDATE' THEN
        PERFORM
        FROM events.speakers AS speaker
        WHERE speaker.id = ANY (moved)
        ORDER BY speaker.id
        FOR UPDATE;
    END IF;

    PERFORM events.graph_sync_speakers(touched);

    IF moved IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_sync_works_for(moved, NULL);

    SELECT
        array_agg(link.speaker_id),
        array_agg(link.event_id)
    INTO
        speaker_ids,
        event_ids
    FROM events.event_speakers AS link
    WHERE link.speaker_id = ANY (moved);

    PERFORM events.graph_sync_speaks_at(speaker_ids, event_ids);

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_speakers() IS
    'Keeps Speaker vertices and WORKS_FOR edges; merged speakers leave the graph.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_speakers() FROM PUBLIC;

CREATE TRIGGER speakers_graph_insert
    AFTER INSERT ON events.speakers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_graph_update
    AFTER UPDATE ON events.speakers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_graph_delete
    AFTER DELETE ON events.speakers
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_graph_truncate
    AFTER TRUNCATE ON events.speakers
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_speakers();

CREATE FUNCTION events.graph_follow_companies()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched uuid[];
    names text[];
    company_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."WORKS_FOR";

        DELETE FROM event_network."Company";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.id),
            array_agg(new_row.normalized_name)
        INTO
            touched,
            names
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.id),
            array_agg(old_row.normalized_name)
        INTO
            touched,
            names
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.id),
            array_agg(changed.normalized_name)
        INTO
            touched,
            names
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (
            VALUES
                (old_row.id, old_row.normalized_name),
                (new_row.id, new_row.normalized_name)
        ) AS changed (id, normalized_name)
        WHERE (
            old_row.id,
            old_row.name
        ) IS DISTINCT FROM (
            new_row.id,
            new_row.name
        );
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_lock_companies(names);

    PERFORM events.graph_sync_companies(touched);

    PERFORM events.graph_sync_works_for(NULL, touched);

    IF TG_OP <> 'INSERT' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(link.company_id),
        array_agg(link.event_id)
    INTO
        company_ids,
        event_ids
    FROM events.event_companies AS link
    WHERE link.company_id = ANY (touched);

    PERFORM events.graph_sync_involved_in(company_ids, event_ids);

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_companies() IS
    'Keeps Company vertices and WORKS_FOR edges.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_companies() FROM PUBLIC;

CREATE TRIGGER companies_graph_insert
    AFTER INSERT ON events.companies
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_graph_update
    AFTER UPDATE ON events.companies
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_graph_delete
    AFTER DELETE ON events.companies
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_graph_truncate
    AFTER TRUNCATE ON events.companies
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_companies();

CREATE FUNCTION events.graph_follow_topics()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    touched uuid[];
    event_ids uuid[];
    topic_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."Topic";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(new_row.id)
        INTO touched
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(old_row.id)
        INTO touched
        FROM old_rows AS old_row;
    ELSE
        SELECT array_agg(changed.id)
        INTO touched
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (VALUES (old_row.id), (new_row.id)) AS changed (id)
        WHERE (
            old_row.id,
            old_row.name,
            old_row.category
        ) IS DISTINCT FROM (
            new_row.id,
            new_row.name,
            new_row.category
        );
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_sync_topics(touched);

    IF TG_OP <> 'INSERT' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(link.event_id),
        array_agg(link.topic_id)
    INTO
        event_ids,
        topic_ids
    FROM events.event_topics AS link
    WHERE link.topic_id = ANY (touched);

    PERFORM events.graph_sync_covers(event_ids, topic_ids);

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_topics() IS
    'Keeps Topic vertices.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_topics() FROM PUBLIC;

CREATE TRIGGER topics_graph_insert
    AFTER INSERT ON events.topics
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_topics();

CREATE TRIGGER topics_graph_update
    AFTER UPDATE ON events.topics
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_topics();

CREATE TRIGGER topics_graph_delete
    AFTER DELETE ON events.topics
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_topics();

CREATE TRIGGER topics_graph_truncate
    AFTER TRUNCATE ON events.topics
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_topics();

CREATE FUNCTION events.graph_follow_event_speakers()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    speaker_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."SPEAKS_AT";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.speaker_id),
            array_agg(new_row.event_id)
        INTO
            speaker_ids,
            event_ids
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.speaker_id),
            array_agg(old_row.event_id)
        INTO
            speaker_ids,
            event_ids
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.speaker_id),
            array_agg(changed.event_id)
        INTO
            speaker_ids,
            event_ids
        FROM (
            SELECT
                old_row.speaker_id,
                old_row.event_id
            FROM old_rows AS old_row
            UNION
            SELECT
                new_row.speaker_id,
                new_row.event_id
            FROM new_rows AS new_row
        ) AS changed;

        -- An INSERT holds its speakers by the foreign key; an UPDATE that leaves the
        -- keys alone does not, and would miss that one of them is being merged.
        PERFORM
        FROM events.speakers AS speaker
        WHERE speaker.id = ANY (speaker_ids)
        ORDER BY speaker.id
        FOR KEY SHARE;
    END IF;

    IF speaker_ids IS NOT NULL THEN
        PERFORM events.graph_sync_speaks_at(speaker_ids, event_ids);
    END IF;

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_event_speakers() IS
    'Keeps SPEAKS_AT edges.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_event_speakers() FROM PUBLIC;

CREATE TRIGGER event_speakers_graph_insert
    AFTER INSERT ON events.event_speakers
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_speakers_graph_update
    AFTER UPDATE ON events.event_speakers
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_speakers_graph_delete
    AFTER DELETE ON events.event_speakers
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_speakers_graph_truncate
    AFTER TRUNCATE ON events.event_speakers
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE FUNCTION events.graph_follow_event_companies()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    company_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."INVOLVED_IN";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.company_id),
            array_agg(new_row.event_id)
        INTO
            company_ids,
            event_ids
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.company_id),
            array_agg(old_row.event_id)
        INTO
            company_ids,
            event_ids
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.company_id),
            array_agg(changed.event_id)
        INTO
            company_ids,
            event_ids
        FROM (
            SELECT
                old_row.company_id,
                old_row.event_id
            FROM old_rows AS old_row
            UNION
            SELECT
                new_row.company_id,
                new_row.event_id
            FROM new_rows AS new_row
        ) AS changed;
    END IF;

    IF company_ids IS NOT NULL THEN
        PERFORM events.graph_sync_involved_in(company_ids, event_ids);
    END IF;

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_event_companies() IS
    'Keeps INVOLVED_IN edges.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_event_companies() FROM PUBLIC;

CREATE TRIGGER event_companies_graph_insert
    AFTER INSERT ON events.event_companies
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_companies_graph_update
    AFTER UPDATE ON events.event_companies
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_companies_graph_delete
    AFTER DELETE ON events.event_companies
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_companies_graph_truncate
    AFTER TRUNCATE ON events.event_companies
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE FUNCTION events.graph_follow_event_topics()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event_ids uuid[];
    topic_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."COVERS";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.event_id),
            array_agg(new_row.topic_id)
        INTO
            event_ids,
            topic_ids
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.event_id),
            array_agg(old_row.topic_id)
        INTO
            event_ids,
            topic_ids
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.event_id),
            array_agg(changed.topic_id)
        INTO
            event_ids,
            topic_ids
        FROM (
            SELECT
                old_row.event_id,
                old_row.topic_id
            FROM old_rows AS old_row
            UNION
            SELECT
                new_row.event_id,
                new_row.topic_id
            FROM new_rows AS new_row
        ) AS changed;
    END IF;

    IF event_ids IS NOT NULL THEN
        PERFORM events.graph_sync_covers(event_ids, topic_ids);
    END IF;

    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION events.graph_follow_event_topics() IS
    'Keeps COVERS edges.';

REVOKE EXECUTE ON FUNCTION events.graph_follow_event_topics() FROM PUBLIC;

CREATE TRIGGER event_topics_graph_insert
    AFTER INSERT ON events.event_topics
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER event_topics_graph_update
    AFTER UPDATE ON events.event_topics
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER event_topics_graph_delete
    AFTER DELETE ON events.event_topics
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER event_topics_graph_truncate
    AFTER TRUNCATE ON events.event_topics
    FOR EACH STATEMENT
    EXECUTE FUNCTION events.graph_follow_event_topics();
