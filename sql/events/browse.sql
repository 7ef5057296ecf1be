-- How services read events: a page of them, and one with everything it is linked to.

-- name: list_events(location, topics, date_from, date_to, min_quality, after_listed_on, after_id, limit_rows)
-- One page of events, latest first, undated ones last; every filter may be NULL, topics
-- match by name in any case. The next page starts after the last row's listed_on and
-- id; a page is 20 rows unless limit_rows says otherwise.
SELECT
    event.id,
    event.name,
    event.date,
    event.location,
    event.luma_url,
    event.data_quality_score,
    event.processed_at,
    event.listed_on
FROM events.events AS event
WHERE
    (event.listed_on, event.id) < (
        coalesce(:after_listed_on::date, 'infinity'::date),
        coalesce(:after_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    )
    AND (:location::text IS NULL OR lower(event.location) = lower(:location::text))
    AND (:date_from::date IS NULL OR event.date >= :date_from::date)
    AND (:date_to::date IS NULL OR event.date <= :date_to::date)
    AND event.data_quality_score >= coalesce(:min_quality::integer, 0)
    AND (
        :topics::text[] IS NULL
        OR EXISTS (
            SELECT
            FROM events.event_topics AS link
            INNER JOIN events.topics AS topic
                ON topic.id = link.topic_id
            WHERE
                link.event_id = event.id
                AND lower(topic.name) = ANY (
                    SELECT lower(wanted.name)
                    FROM unnest(:topics::text[]) AS wanted (name)
                )
        )
    )
ORDER BY
    event.listed_on DESC,
    event.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: get_event(event_id)^
-- One event with its speakers, companies and topics, in one round trip.
SELECT
    event.id,
    event.name,
    event.description,
    event.date,
    event.location,
    event.luma_url,
    event.extracted_data,
    event.data_quality_score,
    event.scraped_at,
    event.processed_at,
    event.created_at,
    event.updated_at,
    (
        SELECT
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', speaker.id,
                        'name', speaker.name,
                        'company', speaker.company,
                        'role', link.role,
                        'confidence', link.extraction_confidence
                    )
                    ORDER BY
                        link.role,
                        speaker.name,
                        speaker.id
                ),
                '[]'
            )
        FROM events.event_speakers AS link
        INNER JOIN events.speakers AS speaker
            ON speaker.id = link.speaker_id
        WHERE link.event_id = event.id
    ) AS speakers,
    (
        SELECT
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', company.id,
                        'name', company.name,
                        'domain', company.domain,
                        'relationship', link.relationship_type
                    )
                    ORDER BY
                        link.relationship_type,
                        company.name,
                        company.id
                ),
                '[]'
            )
        FROM events.event_companies AS link
        INNER JOIN events.companies AS company
            ON company.id = link.company_id
        WHERE link.event_id = event.id
    ) AS companies,
    (
        SELECT
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'id', topic.id,
                        'name', topic.name,
                        'category', topic.category,
                        'relevance', link.relevance_score
                    )
                    ORDER BY
                        link.relevance_score DESC,
                        topic.name,
                        topic.id
                ),
                '[]'
            )
        FROM events.event_topics AS link
        INNER JOIN events.topics AS topic
            ON topic.id = link.topic_id
        WHERE link.event_id = event.id
    ) AS topics
FROM events.events AS event
WHERE event.id = :event_id;
