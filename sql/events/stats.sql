-- What happens when: numbers of events, topics and speakers over time, by event date.

-- name: events_count_series(bucket, date_from, date_to)
-- How many events take place in each day, week, month, quarter or year of a period,
-- empty ones included; both ends of the period count.
-- replica: ok
SELECT
    series.start::date AS bucket_start,
    count(event.id) AS events
FROM generate_series(
    date_trunc(:bucket::text, :date_from::date::timestamp),
    :date_to::date::timestamp,
    CASE :bucket::text
        WHEN 'quarter' THEN INTERVAL '3 months'
        ELSE ('1 ' || :bucket::text)::interval
    END
) AS series (start)
LEFT JOIN events.events AS event
    ON date_trunc(:bucket::text, event.date::timestamp) = series.start
    AND event.date BETWEEN :date_from::date AND :date_to::date
GROUP BY series.start
ORDER BY series.start;

-- name: trending_topics(date_from, date_to, limit_rows)
-- The topics of most events in a period, with their growth against the equally long
-- period before it: 0.5 is half as many again, NULL where there were none.
-- replica: ok
WITH counted AS (
    SELECT
        link.topic_id,
        count(*) FILTER (WHERE event.date >= :date_from::date) AS events,
        count(*) FILTER (WHERE event.date < :date_from::date) AS events_before
    FROM events.events AS event
    INNER JOIN events.event_topics AS link
        ON link.event_id = event.id
    WHERE
        event.date <= :date_to::date
        AND event.date
            >= :date_from::date - (:date_to::date - :date_from::date + 1)
    GROUP BY link.topic_id
)
SELECT
    topic.id,
    topic.name,
    topic.category,
    counted.events,
    counted.events_before,
    (counted.events - counted.events_before)::double precision
        / nullif(counted.events_before, 0) AS growth
FROM counted
INNER JOIN events.topics AS topic
    ON topic.id = counted.topic_id
WHERE counted.events > 0
ORDER BY
    counted.events DESC,
    growth DESC NULLS FIRST,
    topic.name,
    topic.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: popular_topics(limit_rows)
-- The topics of most events ever, with their mean relevance.
-- replica: ok
SELECT
    topic.id,
    topic.name,
    topic.category,
    count(*) AS events,
    avg(link.relevance_score)::real AS mean_relevance
FROM events.topics AS topic
INNER JOIN events.event_topics AS link
    ON link.topic_id = topic.id
GROUP BY topic.id
ORDER BY
    events DESC,
    topic.name,
    topic.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: active_speakers(date_from, date_to, limit_rows)
-- The people at most events of a period, whatever their role, with their first and
-- last.
-- replica: ok
SELECT
    speaker.id,
    speaker.name,
    speaker.company,
    count(DISTINCT event.id) AS events,
    min(event.date) AS first_date,
    max(event.date) AS last_date
FROM events.events AS event
INNER JOIN events.event_speakers AS link
    ON link.event_id = event.id
INNER JOIN events.speakers AS speaker
    ON speaker.id = link.speaker_id
WHERE event.date BETWEEN :date_from::date AND :date_to::date
GROUP BY speaker.id
ORDER BY
    events DESC,
    speaker.name,
    speaker.id
LIMIT coalesce(:limit_rows::bigint, 10);
