-- What the graph event_network tells, in Cypher, and each question once more over the
-- tables: <name>_relational returns the same rows for the same meaning of its
-- parameters.
--
-- Cypher takes its values as one JSON object, params. The queries walk breadth-first,
-- an explicit pattern a level and WITH DISTINCT between: a variable-length pattern
-- would follow every path through every hub, and AGE has no shortestPath(). A vertex is
-- found by WHERE n.id, which reads the unique index; an inline map does not.

-- name: speaker_network(params, limit_rows)
-- Whom a speaker meets at events, whom those meet, and so on up to a depth of 3: each
-- with the distance, and at how many events they met somebody closer by. params are
-- speaker_id and depth.
WITH met AS (
    SELECT DISTINCT ON (found.id::text)
        found.id::text::uuid AS speaker_id,
        found.name::text AS name,
        found.distance::integer AS distance,
        found.shared_events::bigint AS shared_events
    FROM ag_catalog.cypher('event_network', $$
        MATCH (origin:Speaker)-[:SPEAKS_AT]->(e1:Event)<-[:SPEAKS_AT]-(s1:Speaker)
        WHERE origin.id = $speaker_id AND $depth >= 1
            AND s1.id <> $speaker_id
        RETURN
            s1.id AS id,
            s1.name AS name,
            1 AS distance,
            count(DISTINCT e1.id) AS shared_events
        UNION ALL
        MATCH (origin:Speaker)-[:SPEAKS_AT]->(e1:Event)
        WHERE origin.id = $speaker_id AND $depth >= 2
        WITH DISTINCT e1
        MATCH (e1)<-[:SPEAKS_AT]-(s1:Speaker)
        WITH DISTINCT s1
        MATCH (s1)-[:SPEAKS_AT]->(e2:Event)
        WITH DISTINCT e2
        MATCH (e2)<-[:SPEAKS_AT]-(s2:Speaker)
        WHERE s2.id <> $speaker_id
        RETURN
            s2.id AS id,
            s2.name AS name,
            2 AS distance,
            count(DISTINCT e2.id) AS shared_events
        UNION ALL
        MATCH (origin:Speaker)-[:SPEAKS_AT]->(e1:Event)
        WHERE origin.id = $speaker_id AND $depth >= 3
        WITH DISTINCT e1
        MATCH (e1)<-[:SPEAKS_AT]-(s1:Speaker)
        WITH DISTINCT s1
        MATCH (s1)-[:SPEAKS_AT]->(e2:Event)
        WITH DISTINCT e2
        MATCH (e2)<-[:SPEAKS_AT]-(s2:Speaker)
        WITH DISTINCT s2
        MATCH (s2)-[:SPEAKS_AT]->(e3:Event)
        WITH DISTINCT e3
        MATCH (e3)<-[:SPEAKS_AT]-(s3:Speaker)
        WHERE s3.id <> $speaker_id
        RETURN
            s3.id AS id,
            s3.name AS name,
            3 AS distance,
            count(DISTINCT e3.id) AS shared_events
    $$, :params) AS found (
        id ag_catalog.agtype,
        name ag_catalog.agtype,
        distance ag_catalog.agtype,
        shared_events ag_catalog.agtype
    )
    ORDER BY
        found.id::text,
        found.distance::integer
)
SELECT
    met.speaker_id,
    met.name,
    met.distance,
    met.shared_events
FROM met
ORDER BY
    met.distance,
    met.shared_events DESC,
    met.speaker_id
LIMIT :limit_rows::bigint;

-- name: speaker_network_relational(speaker_id, depth, limit_rows)
-- Whom a speaker meets at events, as speaker_network tells it, from the tables.
WITH RECURSIVE reached AS (
    SELECT
        speaker.id AS speaker_id,
        0 AS distance
    FROM events.speakers AS speaker
    WHERE
        speaker.id = :speaker_id
        AND speaker.merged_into IS NULL
    UNION
    SELECT
        other.speaker_id,
        reached.distance + 1
    FROM reached
    INNER JOIN events.graph_speaks_at AS mine
        ON mine.speaker_id = reached.speaker_id
    INNER JOIN events.graph_speaks_at AS other
        ON other.event_id = mine.event_id
    WHERE reached.distance < least(:depth::integer, 3)
),
nearest AS MATERIALIZED (
    SELECT
        reached.speaker_id,
        min(reached.distance) AS distance
    FROM reached
    GROUP BY reached.speaker_id
),
attended AS (
    SELECT
        nearest.speaker_id,
        nearest.distance,
        link.event_id,
        min(nearest.distance) OVER (PARTITION BY link.event_id) AS closest
    FROM nearest
    INNER JOIN events.graph_speaks_at AS link
        ON link.speaker_id = nearest.speaker_id
)
SELECT
    attended.speaker_id,
    speaker.name,
    attended.distance,
    count(DISTINCT attended.event_id) AS shared_events
FROM attended
INNER JOIN events.speakers AS speaker
    ON speaker.id = attended.speaker_id
WHERE attended.closest < attended.distance
GROUP BY
    attended.speaker_id,
    speaker.name,
    attended.distance
ORDER BY
    attended.distance,
    shared_events DESC,
    attended.speaker_id
LIMIT :limit_rows::bigint;

-- name: company_events(params)
-- The events that a company takes part in, latest first, once for each relationship.
-- params is company_id.
SELECT
    found.id::text::uuid AS event_id,
    found.name::text AS name,
    found.date::text::date AS date,
    found.type::text AS relationship
FROM ag_catalog.cypher('event_network', $$
    MATCH (company:Company)-[part:INVOLVED_IN]->(event:Event)
    WHERE company.id = $company_id
    RETURN event.id, event.name, event.date, part.type
$$, :params) AS found (
    id ag_catalog.agtype,
    name ag_catalog.agtype,
    date ag_catalog.agtype,
    type ag_catalog.agtype
)
ORDER BY
    date DESC NULLS LAST,
    event_id,
    relationship;

-- name: company_events_relational(company_id)
-- The events that a company takes part in, as company_events tells it, from the tables.
SELECT
    event.id AS event_id,
    event.name,
    event.date,
    link.relationship_type::text AS relationship
FROM events.event_companies AS link
INNER JOIN events.events AS event
    ON event.id = link.event_id
WHERE link.company_id = :company_id
ORDER BY
    event.date DESC NULLS LAST,
    event.id,
    relationship;

-- name: event_connections(params, limit_rows)
-- The edges around an event with the nodes at their ends, nearest first: at depth 1 its
-- speakers, companies and topics, at depth 2 (the most) what else those are connected
-- with. detail is a role or a type, weight a confidence or a relevance. params are
-- event_id and depth.
SELECT DISTINCT
    found.distance::integer AS distance,
    found.relationship::text AS relationship,
    found.from_id::text::uuid AS from_id,
    found.from_name::text AS from_name,
    found.to_id::text::uuid AS to_id,
    found.to_name::text AS to_name,
    found.detail::text AS detail,
    found.weight::double precision::real AS weight
FROM ag_catalog.cypher('event_network', $$
    MATCH (speaker:Speaker)-[link:SPEAKS_AT]->(event:Event)
    WHERE event.id = $event_id AND $depth >= 1
    RETURN
        1 AS distance,
        'SPEAKS_AT' AS relationship,
        speaker.id AS from_id,
        speaker.name AS from_name,
        event.id AS to_id,
        event.name AS to_name,
        link.role AS detail,
        link.confidence AS weight
    UNION ALL
    MATCH (company:Company)-[link:INVOLVED_IN]->(event:Event)
    WHERE event.id = $event_id AND $depth >= 1
    RETURN
        1 AS distance,
        'INVOLVED_IN' AS relationship,
        company.id AS from_id,
        company.name AS from_name,
        event.id AS to_id,
        event.name AS to_name,
        link.type AS detail,
        null AS weight
    UNION ALL
    MATCH (event:Event)-[link:COVERS]->(topic:Topic)
    WHERE event.id = $event_id AND $depth >= 1
    RETURN
        1 AS distance,
        'COVERS' AS relationship,
        event.id AS from_id,
        event.name AS from_name,
        topic.id AS to_id,
        topic.name AS to_name,
        null AS detail,
        link.relevance AS weight
    UNION ALL
    MATCH (event:Event)<-[:SPEAKS_AT]-(speaker:Speaker)
    WHERE event.id = $event_id AND $depth >= 2
    WITH DISTINCT speaker
    MATCH (speaker)-[link:SPEAKS_AT]->(other:Event)
    WHERE other.id <> $event_id
    RETURN
        2 AS distance,
        'SPEAKS_AT' AS relationship,
        speaker.id AS from_id,
        speaker.name AS from_name,
        other.id AS to_id,
        other.name AS to_name,
        link.role AS detail,
        link.confidence AS weight
    UNION ALL
    MATCH (event:Event)<-[:SPEAKS_AT]-(speaker:Speaker)
    WHERE event.id = $event_id AND $depth >= 2
    WITH DISTINCT speaker
    MATCH (speaker)-[:WORKS_FOR]->(company:Company)
    RETURN
        2 AS distance,
        'WORKS_FOR' AS relationship,
        speaker.id AS from_id,
        speaker.name AS from_name,
        company.id AS to_id,
        company.name AS to_name,
        null AS detail,
        null AS weight
    UNION ALL
    MATCH (event:Event)<-[:INVOLVED_IN]-(company:Company)
    WHERE event.id = $event_id AND $depth >= 2
    WITH DISTINCT company
    MATCH (company)-[link:INVOLVED_IN]->(other:Event)
    WHERE other.id <> $event_id
    RETURN
        2 AS distance,
        'INVOLVED_IN' AS relationship,
        company.id AS from_id,
        company.name AS from_name,
        other.id AS to_id,
        other.name AS to_name,
        link.type AS detail,
        null AS weight
    UNION ALL
    MATCH (event:Event)<-[:INVOLVED_IN]-(company:Company)
    WHERE event.id = $event_id AND $depth >= 2
    WITH DISTINCT company
    MATCH (company)<-[:WORKS_FOR]-(speaker:Speaker)
    RETURN
        2 AS distance,
        'WORKS_FOR' AS relationship,
        speaker.id AS from_id,
        speaker.name AS from_name,
        company.id AS to_id,
        company.name AS to_name,
        null AS detail,
        null AS weight
    UNION ALL
    MATCH (event:Event)-[:COVERS]->(topic:Topic)
    WHERE event.id = $event_id AND $depth >= 2
    WITH DISTINCT topic
    MATCH (topic)<-[link:COVERS]-(other:Event)
    WHERE other.id <> $event_id
    RETURN
        2 AS distance,
        'COVERS' AS relationship,
        other.id AS from_id,
        other.name AS from_name,
        topic.id AS to_id,
        topic.name AS to_name,
        null AS detail,
        link.relevance AS weight
$$, :params) AS found (
    distance ag_catalog.agtype,
    relationship ag_catalog.agtype,
    from_id ag_catalog.agtype,
    from_name ag_catalog.agtype,
    to_id ag_catalog.agtype,
    to_name ag_catalog.agtype,
    detail ag_catalog.agtype,
    weight ag_catalog.agtype
)
ORDER BY
    distance,
    relationship,
    from_id,
    to_id,
    detail
LIMIT :limit_rows::bigint;

-- name: event_connections_relational(event_id, depth, limit_rows)
-- The edges around an event, as event_connections tells it, from the tables.
WITH speaks_at AS NOT MATERIALIZED (
    SELECT
        'SPEAKS_AT' AS relationship,
        speaker.id AS from_id,
        speaker.name AS from_name,
        event.id AS to_id,
        event.name AS to_name,
        link.role::text AS detail,
        link.extraction_confidence AS weight
    FROM events.event_speakers AS link
    INNER JOIN events.speakers AS speaker
        ON speaker.id = link.speaker_id
        AND speaker.merged_into IS NULL
    INNER JOIN events.events AS event
        ON event.id = link.event_id
),
involved_in AS NOT MATERIALIZED (
    SELECT
        'INVOLVED_IN' AS relationship,
        company.id AS from_id,
        company.name AS from_name,
        event.id AS to_id,
        event.name AS to_name,
        link.relationship_type::text AS detail,
        NULL::real AS weight
    FROM events.event_companies AS link
    INNER JOIN events.companies AS company
        ON company.id = link.company_id
    INNER JOIN events.events AS event
        ON event.id = link.event_id
),
covers AS NOT MATERIALIZED (
    SELECT
        'COVERS' AS relationship,
        event.id AS from_id,
        event.name AS from_name,
        topic.id AS to_id,
        topic.name AS to_name,
        NULL AS detail,
        link.relevance_score AS weight
    FROM events.event_topics AS link
    INNER JOIN events.events AS event
        ON event.id = link.event_id
    INNER JOIN events.topics AS topic
        ON topic.id = link.topic_id
),
works_for AS NOT MATERIALIZED (
    SELECT
        'WORKS_FOR' AS relationship,
        speaker.id AS from_id,
        speaker.name AS from_name,
        company.id AS to_id,
        company.name AS to_name,
        NULL AS detail,
        NULL::real AS weight
    FROM events.speakers AS speaker
    INNER JOIN events.companies AS company
        ON company.normalized_name = speaker.normalized_company
    WHERE speaker.merged_into IS NULL
),
near AS (
    SELECT
        speaks_at.relationship,
        speaks_at.from_id,
        speaks_at.from_name,
        speaks_at.to_id,
        speaks_at.to_name,
        speaks_at.detail,
        speaks_at.weight
    FROM speaks_at
    WHERE speaks_at.to_id = :event_id
    UNION ALL
    SELECT
        involved_in.relationship,
        involved_in.from_id,
        involved_in.from_name,
        involved_in.to_id,
        involved_in.to_name,
        involved_in.detail,
        involved_in.weight
    FROM involved_in
    WHERE involved_in.to_id = :event_id
    UNION ALL
    SELECT
        covers.relationship,
        covers.from_id,
        covers.from_name,
        covers.to_id,
        covers.to_name,
        covers.detail,
        covers.weight
    FROM covers
    WHERE covers.from_id = :event_id
),
edge AS (
    SELECT
        1 AS distance,
        near.relationship,
        near.from_id,
        near.from_name,
        near.to_id,
        near.to_name,
        near.detail,
        near.weight
    FROM near
    WHERE :depth::integer >= 1
    UNION
    SELECT
        2 AS distance,
        speaks_at.relationship,
        speaks_at.from_id,
        speaks_at.from_name,
        speaks_at.to_id,
        speaks_at.to_name,
        speaks_at.detail,
        speaks_at.weight
    FROM speaks_at
    WHERE
        :depth::integer >= 2
        AND speaks_at.from_id IN (
            SELECT near.from_id
            FROM near
            WHERE near.relationship = 'SPEAKS_AT'
        )
        AND speaks_at.to_id <> :event_id
    UNION
    SELECT
        2 AS distance,
        works_for.relationship,
        works_for.from_id,
        works_for.from_name,
        works_for.to_id,
        works_for.to_name,
        works_for.detail,
        works_for.weight
    FROM works_for
    WHERE
        :depth::integer >= 2
        AND works_for.from_id IN (
            SELECT near.from_id
            FROM near
            WHERE near.relationship = 'SPEAKS_AT'
        )
    UNION
    SELECT
        2 AS distance,
        involved_in.relationship,
        involved_in.from_id,
        involved_in.from_name,
        involved_in.to_id,
        involved_in.to_name,
        involved_in.detail,
        involved_in.weight
    FROM involved_in
    WHERE
        :depth::integer >= 2
        AND involved_in.from_id IN (
            SELECT near.from_id
            FROM near
            WHERE near.relationship = 'INVOLVED_IN'
        )
        AND involved_in.to_id <> :event_id
    UNION
    SELECT
        2 AS distance,
        works_for.relationship,
        works_for.from_id,
        works_for.from_name,
        works_for.to_id,
        works_for.to_name,
        works_for.detail,
        works_for.weight
    FROM works_for
    WHERE
        :depth::integer >= 2
        AND works_for.to_id IN (
            SELECT near.from_id
            FROM near
            WHERE near.relationship = 'INVOLVED_IN'
        )
    UNION
    SELECT
        2 AS distance,
        covers.relationship,
        covers.from_id,
        covers.from_name,
        covers.to_id,
        covers.to_name,
        covers.detail,
        covers.weight
    FROM covers
    WHERE
        :depth::integer >= 2
        AND covers.to_id IN (
            SELECT near.to_id
            FROM near
            WHERE near.relationship = 'COVERS'
        )
        AND covers.from_id <> :event_id
)
SELECT
    edge.distance,
    edge.relationship,
    edge.from_id,
    edge.from_name,
    edge.to_id,
    edge.to_name,
    edge.detail,
    edge.weight
FROM edge
ORDER BY
    edge.distance,
    edge.relationship,
    edge.from_id,
    edge.to_id,
    edge.detail
LIMIT :limit_rows::bigint;

-- name: shortest_path(params)
-- The shortest way from one speaker to another by events at which people meet, as one
-- row a step: the speaker, and the event that led there. At most 6 hops; of several
-- shortest ways, the one with the smallest ids from the start; no row when there is
-- none. params are from_id, to_id and max_hops.
WITH no_hop AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)
        WHERE a.id = $from_id AND a.id = $to_id
        RETURN a.id
    $$, :params) AS found (path ag_catalog.agtype)
),
one_hop AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)-[:SPEAKS_AT]->(e:Event)<-[:SPEAKS_AT]-(b:Speaker)
        WHERE a.id = $from_id AND b.id = $to_id AND $max_hops >= 1
        RETURN min(a.id + ' ' + e.id + ' ' + b.id)
    $$, :params) AS found (path ag_catalog.agtype)
    WHERE
        found.path IS NOT NULL
        AND NOT EXISTS (SELECT FROM no_hop)
),
two_hops AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)-[:SPEAKS_AT]->(e:Event)
        WHERE a.id = $from_id AND $max_hops >= 2
        WITH e, min(a.id + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)<-[:SPEAKS_AT]-(b:Speaker)
        WHERE b.id = $to_id
        RETURN min(path + ' ' + e.id + ' ' + b.id)
    $$, :params) AS found (path ag_catalog.agtype)
    WHERE
        found.path IS NOT NULL
        AND NOT EXISTS (SELECT FROM no_hop)
        AND NOT EXISTS (SELECT FROM one_hop)
),
three_hops AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)-[:SPEAKS_AT]->(e:Event)
        WHERE a.id = $from_id AND $max_hops >= 3
        WITH e, min(a.id + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)<-[:SPEAKS_AT]-(b:Speaker)
        WHERE b.id = $to_id
        RETURN min(path + ' ' + e.id + ' ' + b.id)
    $$, :params) AS found (path ag_catalog.agtype)
    WHERE
        found.path IS NOT NULL
        AND NOT EXISTS (SELECT FROM no_hop)
        AND NOT EXISTS (SELECT FROM one_hop)
        AND NOT EXISTS (SELECT FROM two_hops)
),
four_hops AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)-[:SPEAKS_AT]->(e:Event)
        WHERE a.id = $from_id AND $max_hops >= 4
        WITH e, min(a.id + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)<-[:SPEAKS_AT]-(b:Speaker)
        WHERE b.id = $to_id
        RETURN min(path + ' ' + e.id + ' ' + b.id)
    $$, :params) AS found (path ag_catalog.agtype)
    WHERE
        found.path IS NOT NULL
        AND NOT EXISTS (SELECT FROM no_hop)
        AND NOT EXISTS (SELECT FROM one_hop)
        AND NOT EXISTS (SELECT FROM two_hops)
        AND NOT EXISTS (SELECT FROM three_hops)
),
five_hops AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)-[:SPEAKS_AT]->(e:Event)
        WHERE a.id = $from_id AND $max_hops >= 5
        WITH e, min(a.id + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)<-[:SPEAKS_AT]-(b:Speaker)
        WHERE b.id = $to_id
        RETURN min(path + ' ' + e.id + ' ' + b.id)
    $$, :params) AS found (path ag_catalog.agtype)
    WHERE
        found.path IS NOT NULL
        AND NOT EXISTS (SELECT FROM no_hop)
        AND NOT EXISTS (SELECT FROM one_hop)
        AND NOT EXISTS (SELECT FROM two_hops)
        AND NOT EXISTS (SELECT FROM three_hops)
        AND NOT EXISTS (SELECT FROM four_hops)
),
six_hops AS MATERIALIZED (
    SELECT found.path::text AS path
    FROM ag_catalog.cypher('event_network', $$
        MATCH (a:Speaker)-[:SPEAKS_AT]->(e:Event)
        WHERE a.id = $from_id AND $max_hops >= 6
        WITH e, min(a.id + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)
        WITH e, min(path + ' ' + e.id) AS path
        MATCH (e)<-[:SPEAKS_AT]-(s:Speaker)
        WITH s, min(path + ' ' + s.id) AS path
        MATCH (s)-[:SPEAKS_AT]->(e:Event)<-[:SPEAKS_AT]-(b:Speaker)
        WHERE b.id = $to_id
        RETURN min(path + ' ' + e.id + ' ' + b.id)
    $$, :params) AS found (path ag_catalog.agtype)
    WHERE
        found.path IS NOT NULL
        AND NOT EXISTS (SELECT FROM no_hop)
        AND NOT EXISTS (SELECT FROM one_hop)
        AND NOT EXISTS (SELECT FROM two_hops)
        AND NOT EXISTS (SELECT FROM three_hops)
        AND NOT EXISTS (SELECT FROM four_hops)
        AND NOT EXISTS (SELECT FROM five_hops)
),
found AS (
    SELECT no_hop.path
    FROM no_hop
    UNION ALL
    SELECT one_hop.path
    FROM one_hop
    UNION ALL
    SELECT two_hops.path
    FROM two_hops
    UNION ALL
    SELECT three_hops.path
    FROM three_hops
    UNION ALL
    SELECT four_hops.path
    FROM four_hops
    UNION ALL
    SELECT five_hops.path
    FROM five_hops
    UNION ALL
    SELECT six_hops.path
    FROM six_hops
),
walked AS (
    SELECT string_to_array(found.path, ' ')::uuid[] AS ids
    FROM found
)
SELECT
    position.step,
    walked.ids[2 * position.step + 1] AS speaker_id,
    speaker.name AS speaker_name,
    walked.ids[2 * position.step] AS event_id,
    event.name AS event_name
FROM walked
CROSS JOIN LATERAL generate_series(0, cardinality(walked.ids) / 2) AS position (step)
INNER JOIN events.speakers AS speaker
    ON speaker.id = walked.ids[2 * position.step + 1]
LEFT JOIN events.events AS event
    ON event.id = walked.ids[2 * position.step]
ORDER BY position.step;

-- name: shortest_path_relational(from_id, to_id, max_hops)
-- The shortest way from one speaker to another, as shortest_path tells it, from the
-- tables: first everybody's distance to the end, then the smallest step downhill.
WITH RECURSIVE reached AS (
    SELECT
        speaker.id AS speaker_id,
        NULL::uuid AS event_id,
        0 AS half_hops
    FROM events.speakers AS speaker
    WHERE
        speaker.id = :to_id
        AND speaker.merged_into IS NULL
    UNION
    SELECT
        next.speaker_id,
        next.event_id,
        reached.half_hops + 1
    FROM reached
    CROSS JOIN LATERAL (
        SELECT
            NULL::uuid AS speaker_id,
            link.event_id
        FROM events.graph_speaks_at AS link
        WHERE link.speaker_id = reached.speaker_id
        UNION ALL
        SELECT
            link.speaker_id,
            NULL::uuid AS event_id
        FROM events.graph_speaks_at AS link
        WHERE link.event_id = reached.event_id
    ) AS next
    WHERE reached.half_hops < 2 * least(:max_hops::integer, 6)
),
remaining AS MATERIALIZED (
    SELECT
        reached.speaker_id,
        min(reached.half_hops) / 2 AS hops
    FROM reached
    WHERE reached.speaker_id IS NOT NULL
    GROUP BY reached.speaker_id
),
walked AS (
    SELECT
        0 AS step,
        remaining.speaker_id,
        NULL::uuid AS event_id,
        remaining.hops
    FROM remaining
    WHERE remaining.speaker_id = :from_id
    UNION ALL
    SELECT
        walked.step + 1,
        next.speaker_id,
        next.event_id,
        walked.hops - 1
    FROM walked
    CROSS JOIN LATERAL (
        SELECT
            other.speaker_id,
            mine.event_id
        FROM events.graph_speaks_at AS mine
        INNER JOIN events.graph_speaks_at AS other
            ON other.event_id = mine.event_id
        INNER JOIN remaining
            ON remaining.speaker_id = other.speaker_id
        WHERE
            mine.speaker_id = walked.speaker_id
            AND remaining.hops = walked.hops - 1
        ORDER BY
            mine.event_id,
            other.speaker_id
        LIMIT 1
    ) AS next
    WHERE walked.hops > 0
)
SELECT
    walked.step,
    walked.speaker_id,
    speaker.name AS speaker_name,
    walked.event_id,
    event.name AS event_name
FROM walked
INNER JOIN events.speakers AS speaker
    ON speaker.id = walked.speaker_id
LEFT JOIN events.events AS event
    ON event.id = walked.event_id
ORDER BY walked.step;

-- name: graph_drift()
-- How far the graph is from the tables, by label: every difference is 0 when in step.
SELECT
    drift.label,
    drift.relational,
    drift.graph,
    drift.missing,
    drift.extra,
    drift.stale
FROM events.graph_drift() AS drift;

-- name: graph_rebuild()
-- Makes the graph anew from the tables and counts the entries of each label; writers
-- wait until the transaction ends.
SELECT
    rebuilt.label,
    rebuilt.entries
FROM events.graph_rebuild() AS rebuilt;
