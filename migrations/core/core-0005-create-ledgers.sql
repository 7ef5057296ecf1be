-- depends: core-0004-create-job-queues
--
-- Creates the ledgers of operation: which seed data is loaded, which backups were
-- made, which webhook events came in.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops the ledgers; their entries are lost. Seed data is then loaded
-- again, and a webhook event that is delivered again counts as new.

CREATE TABLE core.seed_versions (
    system text NOT NULL,
    stage text NOT NULL,
    version integer NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT seed_versions_pkey PRIMARY KEY (system, stage, version),
    CONSTRAINT seed_versions_stage_check CHECK (
        stage IN ('dev', 'test', 'demo', 'bench')
    )
);

COMMENT ON TABLE core.seed_versions IS
    'The seed data that was loaded; checksum is that of the file as it was then.';

CREATE TABLE core.backups (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    filename text NOT NULL,
    size_bytes bigint,
    kind text NOT NULL DEFAULT 'full',
    sha256 text,
    verified text NOT NULL DEFAULT 'pending',
    notes text,
    CONSTRAINT backups_pkey PRIMARY KEY (id),
    CONSTRAINT backups_filename_check CHECK (btrim(filename) <> ''),
    CONSTRAINT backups_size_bytes_check CHECK (size_bytes >= 0),
    CONSTRAINT backups_kind_check CHECK (kind IN ('full', 'schema', 'data')),
    CONSTRAINT backups_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT backups_verified_check CHECK (
        verified IN ('pending', 'verified', 'failed')
    )
);

COMMENT ON TABLE core.backups IS
    'The backups that were made of this database.';

COMMENT ON COLUMN core.backups.verified IS
    'verified: the file was restored into another database and compared.';

CREATE INDEX backups_at_idx ON core.backups (at DESC);

CREATE TABLE core.webhook_events (
    provider text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    processed_at timestamptz,
    error text,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (provider, event_id),
    CONSTRAINT webhook_events_provider_check CHECK (btrim(provider) <> ''),
    CONSTRAINT webhook_events_event_id_check CHECK (btrim(event_id) <> ''),
    CONSTRAINT webhook_events_error_check CHECK (
        processed_at IS NULL OR error IS NULL
    )
);

COMMENT ON TABLE core.webhook_events IS
    'Every webhook event, once: providers deliver an event again until they hear '
    'that it arrived.';

COMMENT ON COLUMN core.webhook_events.event_id IS
    'The provider''s own id of the event.';

COMMENT ON COLUMN core.webhook_events.error IS
    'Why the event could not be processed yet.';

CREATE INDEX webhook_events_received_at_idx
    ON core.webhook_events (received_at)
    WHERE processed_at IS NULL;
