-- depends: events-0002-create-events
--
-- Companies, speakers and topics: what events have in common. Each is one row for one
-- thing, by its normalised name; a speaker's name counts together with the company.
--
-- A merged speaker stays addressable: merged_into leads to the one that was kept, and
-- the unique constraint still finds the old name, so that a later scrape follows it.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the three tables and every row in them.

CREATE TABLE events.companies (
    id uuid NOT NULL DEFAULT core.new_id(),
    name text NOT NULL,
    domain text,
    industry text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    normalized_name text NOT NULL
        GENERATED ALWAYS AS (events.normalize_name(name)) STORED,
    name_trigrams text[] NOT NULL
        GENERATED ALWAYS AS (
            core.trigrams(coalesce(events.normalize_name(name), ''))
        ) STORED,
    CONSTRAINT companies_pkey PRIMARY KEY (id),
    CONSTRAINT companies_normalized_name_key UNIQUE (normalized_name),
    CONSTRAINT companies_domain_check
        CHECK (
            domain ~* '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+'
                '[a-z][a-z0-9-]{0,61}[a-z0-9]$'
        )
);

COMMENT ON TABLE events.companies IS
    'A company, once, by its normalised name; a name of punctuation alone is refused.';

COMMENT ON COLUMN events.companies.domain IS
    'Its host name on the internet, without scheme and path; unique in any case.';

CREATE UNIQUE INDEX companies_lower_domain_key
    ON events.companies (lower(domain));

CREATE INDEX companies_industry_idx
    ON events.companies (industry);

CREATE INDEX companies_name_trigrams_idx
    ON events.companies USING gin (name_trigrams);

CREATE TRIGGER companies_set_updated_at
    BEFORE UPDATE ON events.companies
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE events.speakers (
    id uuid NOT NULL DEFAULT core.new_id(),
    name text NOT NULL,
    company text,
    bio text,
    confidence_score real NOT NULL DEFAULT 0,
    embedding public.vector(1536),
    merged_into uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    normalized_name text NOT NULL
        GENERATED ALWAYS AS (events.normalize_name(name)) STORED,
    normalized_company text
        GENERATED ALWAYS AS (events.normalize_name(company)) STORED,
    name_trigrams text[] NOT NULL
        GENERATED ALWAYS AS (
            core.trigrams(coalesce(events.normalize_name(name), ''))
        ) STORED,
    CONSTRAINT speakers_pkey PRIMARY KEY (id),
    CONSTRAINT speakers_normalized_name_normalized_company_key
        UNIQUE NULLS NOT DISTINCT (normalized_name, normalized_company),
    CONSTRAINT speakers_merged_into_fkey
        FOREIGN KEY (merged_into)
        REFERENCES events.speakers (id)
        ON DELETE SET NULL,
    CONSTRAINT speakers_merged_into_check CHECK (merged_into <> id),
    CONSTRAINT speakers_confidence_score_check
        CHECK (confidence_score BETWEEN 0 AND 1),
    CONSTRAINT speakers_embedding_check
        CHECK (public.vector_norm(embedding) > 0)
);

COMMENT ON TABLE events.speakers IS
    'A person, once for each company, by normalised names; no company counts as one.';

COMMENT ON COLUMN events.speakers.company IS
    'The company as the event''s page names it; not always a row of events.companies.';

COMMENT ON COLUMN events.speakers.confidence_score IS
    'How sure the extraction is that this is a person of that name, from 0 to 1.';

COMMENT ON COLUMN events.speakers.merged_into IS
    'The speaker that this one was recognised as; NULL for a speaker in its own right.';

CREATE INDEX speakers_normalized_company_idx
    ON events.speakers (normalized_company);

CREATE INDEX speakers_confidence_score_idx
    ON events.speakers (confidence_score);

CREATE INDEX speakers_merged_into_idx
    ON events.speakers (merged_into)
    WHERE merged_into IS NOT NULL;

CREATE INDEX speakers_name_trigrams_idx
    ON events.speakers USING gin (name_trigrams);

CREATE TRIGGER speakers_set_updated_at
    BEFORE UPDATE ON events.speakers
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE events.topics (
    id uuid NOT NULL DEFAULT core.new_id(),
    name text NOT NULL,
    category events.topic_category,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT topics_pkey PRIMARY KEY (id),
    CONSTRAINT topics_name_check CHECK (name ~ '\S')
);

COMMENT ON TABLE events.topics IS
    'What events are about, once by name in any case; punctuation counts, as in C++.';

COMMENT ON COLUMN events.topics.category IS
    'NULL while nobody has sorted the topic.';

CREATE UNIQUE INDEX topics_lower_name_key
    ON events.topics (lower(name));

CREATE INDEX topics_category_idx
    ON events.topics (category);
