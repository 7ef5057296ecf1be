-- What to go to, and whom to ask.

-- name: recommend_events(topics, location, seen, limit_rows)
-- Events that somebody may like who names topics and has seen some events: 0.4 for
-- topics (by relevance), 0.4 for likeness to the mean of what was seen, 0.2 for
-- speakers and companies in common with it. location may be NULL and restricts; seen
-- ones are left out.
-- replica: ok
WITH wanted AS (
    SELECT
        topic.id,
        count(*) OVER () AS total
    FROM events.topics AS topic
    WHERE lower(topic.name) IN (
        SELECT lower(given.name)
        FROM unnest(:topics::text[]) AS given (name)
    )
),
taste AS MATERIALIZED (
    SELECT public.avg(event.embedding) AS embedding
    FROM events.events AS event
    WHERE event.id = ANY (:seen::uuid[])
),
by_topic AS (
    SELECT
        link.event_id,
        sum(link.relevance_score) / max(wanted.total) AS score
    FROM wanted
    INNER JOIN events.event_topics AS link
        ON link.topic_id = wanted.id
    GROUP BY link.event_id
),
by_vector AS MATERIALIZED (
    SELECT event.id AS event_id
    FROM events.events AS event
    WHERE
        (SELECT taste.embedding FROM taste) IS NOT NULL
        AND event.embedding IS NOT NULL
        AND (:location::text IS NULL OR lower(event.location) = lower(:location::text))
        AND event.id <> ALL (coalesce(:seen::uuid[], '{}'))
    ORDER BY event.embedding <=> (SELECT taste.embedding FROM taste)
    LIMIT 5 * coalesce(:limit_rows::bigint, 10)
),
known_people AS (
    SELECT DISTINCT link.speaker_id
    FROM events.event_speakers AS link
    WHERE link.event_id = ANY (:seen::uuid[])
),
known_companies AS (
    SELECT DISTINCT link.company_id
    FROM events.event_companies AS link
    WHERE link.event_id = ANY (:seen::uuid[])
),
acquaintance AS (
    SELECT
        link.event_id,
        link.speaker_id AS entity_id
    FROM known_people
    INNER JOIN events.event_speakers AS link
        ON link.speaker_id = known_people.speaker_id
    UNION
    SELECT
        link.event_id,
        link.company_id AS entity_id
    FROM known_companies
    INNER JOIN events.event_companies AS link
        ON link.company_id = known_companies.company_id
),
by_graph AS (
    SELECT
        acquaintance.event_id,
        count(*) AS shared
    FROM acquaintance
    GROUP BY acquaintance.event_id
),
candidate AS (
    SELECT by_topic.event_id
    FROM by_topic
    UNION
    SELECT by_vector.event_id
    FROM by_vector
    UNION
    SELECT by_graph.event_id
    FROM by_graph
),
scored AS (
    SELECT
        event.id,
        event.name,
        event.date,
        event.location,
        coalesce(by_topic.score, 0)::double precision AS topic_score,
        coalesce(greatest(1 - (event.embedding <=> taste.embedding), 0), 0)
            AS vector_score,
        1 - 1.0::double precision / (1 + coalesce(by_graph.shared, 0)) AS graph_score
    FROM candidate
    INNER JOIN events.events AS event
        ON event.id = candidate.event_id
    CROSS JOIN taste
    LEFT JOIN by_topic
        ON by_topic.event_id = event.id
    LEFT JOIN by_graph
        ON by_graph.event_id = event.id
    WHERE
        (:location::text IS NULL OR lower(event.location) = lower(:location::text))
        AND event.id <> ALL (coalesce(:seen::uuid[], '{}'))
)
SELECT
    scored.id,
    scored.name,
    scored.date,
    scored.location,
    scored.topic_score,
    scored.vector_score,
    scored.graph_score,
    0.4 * scored.topic_score + 0.4 * scored.vector_score + 0.2 * scored.graph_score
        AS score
FROM scored
ORDER BY
    score DESC,
    scored.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: recommend_speakers(event_id, limit_rows)
-- Speakers for an event who are not on it yet: those who speak most to its topics
-- elsewhere, weighted by relevance to both events, and raised by a tenth for each event
-- that they share with somebody who is on it.
-- replica: ok
WITH topical AS (
    SELECT
        speaks.speaker_id,
        sum(own.relevance_score * other.relevance_score) AS score,
        count(DISTINCT own.topic_id) AS shared_topics
    FROM events.event_topics AS own
    INNER JOIN events.event_topics AS other
        ON other.topic_id = own.topic_id
        AND other.event_id <> own.event_id
    INNER JOIN (
        SELECT DISTINCT
            link.event_id,
            link.speaker_id
        FROM events.event_speakers AS link
    ) AS speaks
        ON speaks.event_id = other.event_id
    WHERE own.event_id = :event_id
    GROUP BY speaks.speaker_id
),
present AS (
    SELECT DISTINCT link.speaker_id
    FROM events.event_speakers AS link
    WHERE link.event_id = :event_id
),
acquainted AS (
    SELECT
        other.speaker_id,
        count(DISTINCT other.event_id) AS shared_events
    FROM present
    INNER JOIN events.event_speakers AS mine
        ON mine.speaker_id = present.speaker_id
    INNER JOIN events.event_speakers AS other
        ON other.event_id = mine.event_id
    GROUP BY other.speaker_id
)
SELECT
    speaker.id,
    speaker.name,
    speaker.company,
    topical.shared_topics,
    coalesce(acquainted.shared_events, 0) AS shared_events,
    topical.score * (1 + 0.1 * coalesce(acquainted.shared_events, 0))::double precision
        AS score
FROM topical
INNER JOIN events.speakers AS speaker
    ON speaker.id = topical.speaker_id
LEFT JOIN acquainted
    ON acquainted.speaker_id = topical.speaker_id
WHERE
    speaker.merged_into IS NULL
    AND NOT EXISTS (
        SELECT
        FROM present
        WHERE present.speaker_id = speaker.id
    )
ORDER BY
    score DESC,
    speaker.id
LIMIT coalesce(:limit_rows::bigint, 10);
