-- depends: events-0001-create-schema
--
-- Events as they are scraped from lu.ma and later understood: the page, what was
-- extracted from it, its embedding, and how complete the row is.
--
-- A worker leases an unprocessed event by claimed_by and claimed_until, so that its
-- crash delays the event and does not lose it. raw_html is large and lives in TOAST;
-- queries that list events leave it alone.
--
-- A lease and a new quality score touch no indexed column, and pages keep room for the
-- new version: such an update stays on its page and out of every index. An insert into
-- the HNSW index takes about 2 ms, so an index on data_quality_score would cost dear.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the table and every event in it.

CREATE TABLE events.events (
    id uuid NOT NULL DEFAULT core.new_id(),
    name text NOT NULL,
    description text,
    date date,
    location text,
    luma_url text,
    raw_html text,
    extracted_data jsonb,
    embedding public.vector(1536),
    data_quality_score integer NOT NULL DEFAULT 0,
    scraped_at timestamptz NOT NULL DEFAULT now(),
    claimed_by text,
    claimed_until timestamptz,
    processed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    listed_on date NOT NULL
        GENERATED ALWAYS AS (coalesce(date, DATE '0001-01-01')) STORED,
    name_trigrams text[] NOT NULL
        GENERATED ALWAYS AS (core.trigrams(name)) STORED,
    fts tsvector NOT NULL
        GENERATED ALWAYS AS (
            setweight(to_tsvector('pg_catalog.english', name), 'A')
            || setweight(
                to_tsvector('pg_catalog.english', coalesce(description, '')),
                'B'
            )
            || setweight(
                to_tsvector('pg_catalog.english', coalesce(location, '')),
                'C'
            )
        ) STORED,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_luma_url_key UNIQUE (luma_url),
    CONSTRAINT events_name_check CHECK (name ~ '\S'),
    CONSTRAINT events_date_check CHECK (date >= DATE '1900-01-01'),
    CONSTRAINT events_luma_url_check
        CHECK (luma_url ~* '^https?://([a-z0-9-]+\.)*lu\.ma/'),
    CONSTRAINT events_raw_html_check
        CHECK (
            char_length(raw_html) >= 100
            AND octet_length(raw_html) <= 1000000
        ),
    CONSTRAINT events_extracted_data_check
        CHECK (jsonb_typeof(extracted_data) = 'object'),
    CONSTRAINT events_embedding_check
        CHECK (public.vector_norm(embedding) > 0),
    CONSTRAINT events_data_quality_score_check
        CHECK (data_quality_score BETWEEN 0 AND 100),
    CONSTRAINT events_claimed_by_claimed_until_check
        CHECK ((claimed_by IS NULL) = (claimed_until IS NULL))
)
WITH (fillfactor = 70);

COMMENT ON TABLE events.events IS
    'One event, from the scraped page to the understood and embedded record.';

COMMENT ON COLUMN events.events.date IS
    'The day on which the event takes place, at its location; NULL while unknown.';

COMMENT ON COLUMN events.events.luma_url IS
    'The event''s page on lu.ma: what a scrape is matched by.';

COMMENT ON COLUMN events.events.extracted_data IS
    'What the extractor returned, as it returned it.';

COMMENT ON COLUMN events.events.embedding IS
    'Embedding of the event''s text (at most 8000 characters); cosine distance. The '
    'zero vector has no direction and is refused.';

COMMENT ON COLUMN events.events.data_quality_score IS
    'Completeness from 0 to 100, by events.quality_score().';

COMMENT ON COLUMN events.events.claimed_by IS
    'The worker that is processing the event, until claimed_until.';

COMMENT ON COLUMN events.events.processed_at IS
    'When extraction succeeded; NULL while the event waits for it.';

COMMENT ON COLUMN events.events.listed_on IS
    'The date by which lists are ordered: undated events count as 1 January of year 1.';

COMMENT ON COLUMN events.events.name_trigrams IS
    'Trigrams of the name, for candidates by similarity.';

COMMENT ON COLUMN events.events.fts IS
    'Name (weight A), description (B) and location (C); found also when one is NULL.';

CREATE INDEX events_listed_on_id_idx
    ON events.events (listed_on, id);

CREATE INDEX events_lower_location_listed_on_idx
    ON events.events (lower(location), listed_on, id);

CREATE INDEX events_date_idx
    ON events.events (date);

CREATE INDEX events_scraped_at_idx
    ON events.events (scraped_at, id)
    WHERE processed_at IS NULL;

CREATE INDEX events_extracted_data_idx
    ON events.events USING gin (extracted_data jsonb_path_ops);

CREATE TRIGGER events_set_updated_at
    BEFORE UPDATE ON events.events
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();
