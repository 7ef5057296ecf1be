-- depends: events-0003-create-entities
--
-- Who speaks at an event, which companies take part in it, what it is about. A link
-- lives as long as both of its ends.
--
-- The primary keys begin with event_id and serve the way from an event; a second index
-- serves the way back. idx_event_speakers_event is what the primary key already gives,
-- smaller; it is there because it was asked for by name.
--
-- Lock: SHARE ROW EXCLUSIVE on events, speakers, companies and topics, for the foreign
-- keys. Rewrites: none.
-- Rollback: drops the three tables and every link in them.

CREATE TABLE events.event_speakers (
    event_id uuid NOT NULL,
    speaker_id uuid NOT NULL,
    role events.speaker_role NOT NULL DEFAULT 'speaker',
    extraction_confidence real NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_speakers_pkey PRIMARY KEY (event_id, speaker_id, role),
    CONSTRAINT event_speakers_event_id_fkey
        FOREIGN KEY (event_id)
        REFERENCES events.events (id)
        ON DELETE CASCADE,
    CONSTRAINT event_speakers_speaker_id_fkey
        FOREIGN KEY (speaker_id)
        REFERENCES events.speakers (id)
        ON DELETE CASCADE,
    CONSTRAINT event_speakers_extraction_confidence_check
        CHECK (extraction_confidence BETWEEN 0 AND 1)
);

COMMENT ON TABLE events.event_speakers IS
    'A speaker at an event, once for each role.';

COMMENT ON COLUMN events.event_speakers.extraction_confidence IS
    'How sure the extraction is of this link, from 0 to 1.';

CREATE INDEX idx_event_speakers_event
    ON events.event_speakers (event_id);

CREATE INDEX idx_event_speakers_speaker
    ON events.event_speakers (speaker_id, event_id);

CREATE TABLE events.event_companies (
    event_id uuid NOT NULL,
    company_id uuid NOT NULL,
    relationship_type events.company_relationship NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_companies_pkey
        PRIMARY KEY (event_id, company_id, relationship_type),
    CONSTRAINT event_companies_event_id_fkey
        FOREIGN KEY (event_id)
        REFERENCES events.events (id)
        ON DELETE CASCADE,
    CONSTRAINT event_companies_company_id_fkey
        FOREIGN KEY (company_id)
        REFERENCES events.companies (id)
        ON DELETE CASCADE
);

COMMENT ON TABLE events.event_companies IS
    'A company''s part in an event, once for each relationship.';

CREATE INDEX event_companies_company_id_event_id_idx
    ON events.event_companies (company_id, event_id);

CREATE TABLE events.event_topics (
    event_id uuid NOT NULL,
    topic_id uuid NOT NULL,
    relevance_score real NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_topics_pkey PRIMARY KEY (event_id, topic_id),
    CONSTRAINT event_topics_event_id_fkey
        FOREIGN KEY (event_id)
        REFERENCES events.events (id)
        ON DELETE CASCADE,
    CONSTRAINT event_topics_topic_id_fkey
        FOREIGN KEY (topic_id)
        REFERENCES events.topics (id)
        ON DELETE CASCADE,
    CONSTRAINT event_topics_relevance_score_check
        CHECK (relevance_score BETWEEN 0 AND 1)
);

COMMENT ON TABLE events.event_topics IS
    'What an event is about.';

COMMENT ON COLUMN events.event_topics.relevance_score IS
    'How much of the event the topic covers, from 0 to 1; 0.5 counts as shared.';

CREATE INDEX event_topics_topic_id_relevance_score_event_id_idx
    ON events.event_topics (topic_id, relevance_score DESC, event_id);
