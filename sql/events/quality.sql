-- How complete the events are.

-- name: recalculate_quality(event_ids)!
-- Scores the given events anew, or all of them for NULL, and counts those that changed.
WITH scored AS (
    SELECT
        event.id,
        events.quality_score(
            event.description,
            event.date,
            event.location,
            event.embedding IS NOT NULL,
            coalesce(speaker_links.total, 0),
            coalesce(company_links.total, 0),
            coalesce(topic_links.total, 0)
        ) AS score
    FROM events.events AS event
    LEFT JOIN (
        SELECT
            link.event_id,
            count(*) AS total
        FROM events.event_speakers AS link
        GROUP BY link.event_id
    ) AS speaker_links
        ON speaker_links.event_id = event.id
    LEFT JOIN (
        SELECT
            link.event_id,
            count(*) AS total
        FROM events.event_companies AS link
        GROUP BY link.event_id
    ) AS company_links
        ON company_links.event_id = event.id
    LEFT JOIN (
        SELECT
            link.event_id,
            count(*) AS total
        FROM events.event_topics AS link
        GROUP BY link.event_id
    ) AS topic_links
        ON topic_links.event_id = event.id
    WHERE
        :event_ids::uuid[] IS NULL
        OR event.id = ANY (:event_ids::uuid[])
)
UPDATE events.events AS event
SET data_quality_score = scored.score
FROM scored
WHERE
    event.id = scored.id
    AND event.data_quality_score <> scored.score;

-- name: quality_report()
-- How many events score how well, in steps of ten: how many there are, and how many of
-- them are processed, embedded and linked to speakers, companies and topics.
SELECT
    step.from_score,
    CASE step.from_score
        WHEN 90 THEN 100
        ELSE step.from_score + 9
    END AS to_score,
    count(event.id) AS events,
    count(event.processed_at) AS processed,
    count(event.embedding) AS embedded,
    count(event.id) FILTER (
        WHERE EXISTS (
            SELECT
            FROM events.event_speakers AS link
            WHERE link.event_id = event.id
        )
    ) AS with_speakers,
    count(event.id) FILTER (
        WHERE EXISTS (
            SELECT
            FROM events.event_companies AS link
            WHERE link.event_id = event.id
        )
    ) AS with_companies,
    count(event.id) FILTER (
        WHERE EXISTS (
            SELECT
            FROM events.event_topics AS link
            WHERE link.event_id = event.id
        )
    ) AS with_topics
FROM generate_series(0, 90, 10) AS step (from_score)
LEFT JOIN events.events AS event
    ON least(event.data_quality_score / 10, 9) * 10 = step.from_score
GROUP BY step.from_score
ORDER BY step.from_score;

-- name: quality_summary()^
-- One line on the whole: events, the share of them that is embedded and processed, the
-- mean score, and pairs that wait for a decision.
SELECT
    count(*) AS events,
    count(event.processed_at) AS processed,
    count(event.embedding) AS embedded,
    coalesce(count(event.embedding)::double precision / nullif(count(*), 0), 0)
        AS embedding_coverage,
    coalesce(avg(event.data_quality_score), 0)::double precision AS mean_score,
    (
        SELECT count(*)
        FROM events.dedupe_reviews AS review
        WHERE review.status = 'pending'
    ) AS pending_reviews
FROM events.events AS event;
