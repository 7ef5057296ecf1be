-- depends: core-0007-create-outbox
--
-- Creates what keeps a cache in Redis true to the database. A change names what it
-- makes stale in the transaction that makes it so; and values in Redis count only
-- until the time that is written here, unless somebody has looked here again.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops both; services then read past the cache. Empty it (FLUSHDB) before
-- the migration is applied again.

-- Rows come and go at once.
CREATE TABLE core.cache_invalidations (
    position bigint GENERATED ALWAYS AS IDENTITY,
    tags text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cache_invalidations_pkey PRIMARY KEY (position),
    CONSTRAINT cache_invalidations_tags_check CHECK (
        cardinality(tags) > 0
        AND array_position(tags, NULL) IS NULL
    )
)
WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

COMMENT ON TABLE core.cache_invalidations IS
    'What committed changes have made stale; a row goes when whoever extends the lease '
    'has told Redis. Insert one in any transaction, from any client.';

COMMENT ON COLUMN core.cache_invalidations.tags IS
    'Tags of cached values, such as product:7; * is all of them.';

CREATE TABLE core.cache_lease (
    single boolean NOT NULL DEFAULT true,
    redis text NOT NULL,
    term bigint NOT NULL DEFAULT 1,
    valid_until timestamptz NOT NULL,
    CONSTRAINT cache_lease_pkey PRIMARY KEY (single),
    CONSTRAINT cache_lease_single_check CHECK (single)
);

COMMENT ON TABLE core.cache_lease IS
    'One row: until when values in Redis may be served without looking here again.';

COMMENT ON COLUMN core.cache_lease.redis IS
    'The run id of the one Redis whose values are served.';

COMMENT ON COLUMN core.cache_lease.term IS
    'How often another Redis, or another run of it, has taken over.';

COMMENT ON COLUMN core.cache_lease.valid_until IS
    'Not before this time does a change count that Redis could not be told of.';
