-- What yoyo keeps (its schema version 2), and beside it what Drystone knows more.
-- yoyo itself can read and continue a ledger that Drystone began, and the reverse.

CREATE TABLE IF NOT EXISTS public._yoyo_migration (
    migration_hash varchar(64) PRIMARY KEY,
    migration_id varchar(255),
    applied_at_utc timestamp
);

CREATE TABLE IF NOT EXISTS public._yoyo_log (
    id varchar(36) PRIMARY KEY,
    migration_hash varchar(64),
    migration_id varchar(255),
    operation varchar(10),
    username varchar(255),
    hostname varchar(255),
    comment varchar(255),
    created_at_utc timestamp
);

CREATE TABLE IF NOT EXISTS public._yoyo_version (
    version integer PRIMARY KEY,
    installed_at_utc timestamp
);

INSERT INTO public._yoyo_version (version, installed_at_utc)
VALUES (2, statement_timestamp() AT TIME ZONE 'UTC')
ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS public.yoyo_lock (
    locked integer DEFAULT 1 PRIMARY KEY,
    ctime timestamp,
    pid integer NOT NULL
);

CREATE TABLE IF NOT EXISTS public._drystone_source (
    migration_hash varchar(64) PRIMARY KEY
        REFERENCES public._yoyo_migration ON UPDATE CASCADE ON DELETE CASCADE,
    system text NOT NULL,
    checksum text NOT NULL,
    up_sql text NOT NULL,
    down_sql text
);

COMMENT ON TABLE public._drystone_source IS
    'The text of each applied migration: an edited file is noticed, a deleted one can '
    'still be rolled back';

CREATE TABLE IF NOT EXISTS public._drystone_progress (
    migration_id text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    done text[] NOT NULL DEFAULT '{}',
    running text,
    last_key text,
    PRIMARY KEY (migration_id, direction)
);

COMMENT ON TABLE public._drystone_progress IS
    'How far a migration is that cannot run in one transaction: digests of the '
    'statements that are done and of the one that runs, or the last key of a batch';

CREATE TABLE IF NOT EXISTS public._drystone_repeatable (
    id text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT statement_timestamp()
);

COMMENT ON TABLE public._drystone_repeatable IS
    'Views and functions that are created anew when their file changes';
