-- How events come in: a scraped page, its extraction, and what it is linked to.

-- name: upsert_scraped_event(luma_url, name, raw_html, scraped_at)<!
-- Stores a scraped page under its address and says whether it is new; a page that has
-- changed since the last scrape is to be processed again.
INSERT INTO events.events AS event (
    luma_url,
    name,
    raw_html,
    scraped_at
)
VALUES (
    :luma_url,
    :name,
    :raw_html,
    :scraped_at
)
ON CONFLICT (luma_url) DO UPDATE
SET
    name = CASE
        WHEN event.raw_html IS DISTINCT FROM EXCLUDED.raw_html THEN EXCLUDED.name
        ELSE event.name
    END,
    raw_html = EXCLUDED.raw_html,
    scraped_at = greatest(event.scraped_at, EXCLUDED.scraped_at),
    processed_at = CASE
        WHEN event.raw_html IS DISTINCT FROM EXCLUDED.raw_html THEN NULL
        ELSE event.processed_at
    END
RETURNING
    event.id,
    event.xmax = 0 AS is_new;

-- name: claim_unprocessed(worker, lease_seconds, limit_rows)
-- Leases the events that have waited longest to a worker; what another worker holds is
-- skipped, what it has not finished when its lease ends is handed out again.
WITH next AS MATERIALIZED (
    SELECT event.id
    FROM events.events AS event
    WHERE
        event.processed_at IS NULL
        AND (event.claimed_until IS NULL OR event.claimed_until <= clock_timestamp())
    ORDER BY
        event.scraped_at,
        event.id
    LIMIT :limit_rows::bigint
    FOR UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE events.events AS event
    SET
        claimed_by = :worker,
        claimed_until = clock_timestamp()
            + make_interval(secs => :lease_seconds::double precision)
    FROM next
    WHERE event.id = next.id
    RETURNING
        event.id,
        event.name,
        event.luma_url,
        event.raw_html,
        event.scraped_at,
        event.claimed_until
)
SELECT
    claimed.id,
    claimed.name,
    claimed.luma_url,
    claimed.raw_html,
    claimed.claimed_until
FROM claimed
ORDER BY
    claimed.scraped_at,
    claimed.id;

-- name: store_processed(event_id, fields, extracted_data, embedding, quality)^
-- Stores what was extracted from an event and ends its lease: of name, description,
-- date and location those that fields has; quality is computed where it is not given.
UPDATE events.events AS event
SET
    name = coalesce(given.fields ->> 'name', event.name),
    description = given.description,
    date = given.date,
    location = given.location,
    extracted_data = :extracted_data::jsonb,
    embedding = given.embedding,
    data_quality_score = coalesce(
        :quality::integer,
        events.quality_score(
            given.description,
            given.date,
            given.location,
            given.embedding IS NOT NULL,
            (
                SELECT count(*)
                FROM events.event_speakers AS link
                WHERE link.event_id = given.id
            ),
            (
                SELECT count(*)
                FROM events.event_companies AS link
                WHERE link.event_id = given.id
            ),
            (
                SELECT count(*)
                FROM events.event_topics AS link
                WHERE link.event_id = given.id
            )
        )
    ),
    claimed_by = NULL,
    claimed_until = NULL,
    processed_at = clock_timestamp()
FROM (
    SELECT
        stored.id,
        sent.fields,
        CASE
            WHEN sent.fields ? 'description' THEN sent.fields ->> 'description'
            ELSE stored.description
        END AS description,
        CASE
            WHEN sent.fields ? 'date' THEN (sent.fields ->> 'date')::date
            ELSE stored.date
        END AS date,
        CASE
            WHEN sent.fields ? 'location' THEN sent.fields ->> 'location'
            ELSE stored.location
        END AS location,
        coalesce(:embedding::public.vector, stored.embedding) AS embedding
    FROM events.events AS stored
    CROSS JOIN (VALUES (:fields::jsonb)) AS sent (fields)
    WHERE stored.id = :event_id
) AS given
WHERE event.id = given.id
RETURNING
    event.id,
    event.name,
    event.description,
    event.date,
    event.location,
    event.data_quality_score,
    event.processed_at;

-- name: find_or_create_speaker(name, company, bio, confidence)<!
-- Finds the speaker by normalised name and company or creates it, and raises its
-- confidence; a merged speaker leads to the one that was kept.
INSERT INTO events.speakers AS speaker (
    name,
    company,
    bio,
    confidence_score
)
VALUES (
    :name,
    :company,
    :bio,
    :confidence
)
ON CONFLICT ON CONSTRAINT speakers_normalized_name_normalized_company_key DO UPDATE
SET
    bio = coalesce(speaker.bio, EXCLUDED.bio),
    confidence_score = greatest(speaker.confidence_score, EXCLUDED.confidence_score)
RETURNING
    coalesce(speaker.merged_into, speaker.id) AS id,
    speaker.xmax = 0 AS is_new;

-- name: find_or_create_company(name, domain, industry)<!
-- Finds the company by normalised name, or else by domain, or creates it; what was
-- unknown of it is filled in, but for a domain that another company has.
WITH same_domain AS (
    SELECT company.name
    FROM events.companies AS company
    WHERE
        lower(company.domain) = lower(:domain::text)
        AND NOT EXISTS (
            SELECT
            FROM events.companies AS namesake
            WHERE namesake.normalized_name = events.normalize_name(:name::text)
        )
)
INSERT INTO events.companies AS company (
    name,
    domain,
    industry
)
VALUES (
    coalesce((SELECT same_domain.name FROM same_domain), :name::text),
    CASE
        WHEN NOT EXISTS (
            SELECT
            FROM events.companies AS owner
            WHERE lower(owner.domain) = lower(:domain::text)
        )
        THEN :domain::text
    END,
    :industry
)
ON CONFLICT (normalized_name) DO UPDATE
SET
    domain = coalesce(company.domain, EXCLUDED.domain),
    industry = coalesce(company.industry, EXCLUDED.industry)
RETURNING
    company.id,
    company.xmax = 0 AS is_new;

-- name: find_or_create_topic(name, category)<!
-- Finds the topic by name in any case or creates it; a missing category is filled in.
INSERT INTO events.topics AS topic (
    name,
    category
)
VALUES (
    btrim(:name::text),
    :category
)
ON CONFLICT (lower(name)) DO UPDATE
SET category = coalesce(topic.category, EXCLUDED.category)
RETURNING
    topic.id,
    topic.xmax = 0 AS is_new;

-- name: link_event(event_id, speakers, companies, topics)^
-- Links an event to everything that was extracted from it, creating what is missing,
-- and counts the links. Speakers are [{name, company, bio, role, confidence}],
-- companies [{name, industry, relationship}], topics [{name, category, relevance}].
WITH given_speaker AS MATERIALIZED (
    SELECT
        item.name,
        item.company,
        item.bio,
        coalesce(item.role, 'speaker') AS role,
        coalesce(item.confidence, 0) AS confidence,
        events.normalize_name(item.name) AS normalized_name,
        events.normalize_name(item.company) AS normalized_company
    FROM jsonb_to_recordset(:speakers::jsonb) AS item (
        name text,
        company text,
        bio text,
        role events.speaker_role,
        confidence real
    )
),
stored_speaker AS (
    INSERT INTO events.speakers AS speaker (
        name,
        company,
        bio,
        confidence_score
    )
    SELECT DISTINCT ON (given_speaker.normalized_name, given_speaker.normalized_company)
        given_speaker.name,
        given_speaker.company,
        given_speaker.bio,
        given_speaker.confidence
    FROM given_speaker
    ORDER BY
        given_speaker.normalized_name,
        given_speaker.normalized_company,
        given_speaker.confidence DESC,
        given_speaker.name
    ON CONFLICT ON CONSTRAINT speakers_normalized_name_normalized_company_key DO UPDATE
    SET
        bio = coalesce(speaker.bio, EXCLUDED.bio),
        confidence_score = greatest(speaker.confidence_score, EXCLUDED.confidence_score)
    RETURNING
        coalesce(speaker.merged_into, speaker.id) AS id,
        speaker.normalized_name,
        speaker.normalized_company
),
linked_speaker AS (
    INSERT INTO events.event_speakers AS link (
        event_id,
        speaker_id,
        role,
        extraction_confidence
    )
    SELECT
        :event_id::uuid,
        stored_speaker.id,
        given_speaker.role,
        max(given_speaker.confidence)
    FROM given_speaker
    INNER JOIN stored_speaker
        ON stored_speaker.normalized_name = given_speaker.normalized_name
        AND stored_speaker.normalized_company
            IS NOT DISTINCT FROM given_speaker.normalized_company
    GROUP BY
        stored_speaker.id,
        given_speaker.role
    ORDER BY
        stored_speaker.id,
        given_speaker.role
    ON CONFLICT (event_id, speaker_id, role) DO UPDATE
    SET
        extraction_confidence = greatest(
            link.extraction_confidence,
            EXCLUDED.extraction_confidence
        )
    RETURNING link.speaker_id
),
given_company AS MATERIALIZED (
    SELECT
        item.name,
        item.industry,
        item.relationship,
        events.normalize_name(item.name) AS normalized_name
    FROM jsonb_to_recordset(:companies::jsonb) AS item (
        name text,
        industry text,
        relationship events.company_relationship
    )
),
stored_company AS (
    INSERT INTO events.companies AS company (
        name,
        industry
    )
    SELECT DISTINCT ON (given_company.normalized_name)
        given_company.name,
        given_company.industry
    FROM given_company
    ORDER BY
        given_company.normalized_name,
        given_company.industry,
        given_company.name
    ON CONFLICT (normalized_name) DO UPDATE
    SET industry = coalesce(company.industry, EXCLUDED.industry)
    RETURNING
        company.id,
        company.normalized_name
),
linked_company AS (
    INSERT INTO events.event_companies AS link (
        event_id,
        company_id,
        relationship_type
    )
    SELECT DISTINCT
        :event_id::uuid,
        stored_company.id,
        given_company.relationship
    FROM given_company
    INNER JOIN stored_company
        ON stored_company.normalized_name = given_company.normalized_name
    ORDER BY
        stored_company.id,
        given_company.relationship
    ON CONFLICT (event_id, company_id, relationship_type) DO UPDATE
    SET created_at = link.created_at
    RETURNING link.company_id
),
given_topic AS MATERIALIZED (
    SELECT
        btrim(item.name) AS name,
        item.category,
        coalesce(item.relevance, 0) AS relevance,
        lower(btrim(item.name)) AS lower_name
    FROM jsonb_to_recordset(:topics::jsonb) AS item (
        name text,
        category events.topic_category,
        relevance real
    )
),
stored_topic AS (
    INSERT INTO events.topics AS topic (
        name,
        category
    )
    SELECT DISTINCT ON (given_topic.lower_name)
        given_topic.name,
        given_topic.category
    FROM given_topic
    ORDER BY
        given_topic.lower_name,
        given_topic.category,
        given_topic.name
    ON CONFLICT (lower(name)) DO UPDATE
    SET category = coalesce(topic.category, EXCLUDED.category)
    RETURNING
        topic.id,
        lower(topic.name) AS lower_name
),
linked_topic AS (
    INSERT INTO events.event_topics AS link (
        event_id,
        topic_id,
        relevance_score
    )
    SELECT
        :event_id::uuid,
        stored_topic.id,
        max(given_topic.relevance)
    FROM given_topic
    INNER JOIN stored_topic
        ON stored_topic.lower_name = given_topic.lower_name
    GROUP BY stored_topic.id
    ORDER BY stored_topic.id
    ON CONFLICT (event_id, topic_id) DO UPDATE
    SET relevance_score = greatest(link.relevance_score, EXCLUDED.relevance_score)
    RETURNING link.topic_id
)
SELECT
    (SELECT count(*) FROM linked_speaker) AS speakers,
    (SELECT count(*) FROM linked_company) AS companies,
    (SELECT count(*) FROM linked_topic) AS topics;
