-- depends: core-0003-create-audit-log
--
-- Creates job queues in tables: what a job does is committed, or undone, with the row
-- that asked for it. Workers claim jobs under a lease; sql/core/jobs.sql holds the
-- queries.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops the queues; jobs, waiting ones too, are lost.

CREATE TYPE core.job_state AS ENUM (
    'waiting',
    'active',
    'completed',
    'failed',
    'dead',
    'cancelled'
);

COMMENT ON TYPE core.job_state IS
    'waiting: to be claimed from run_at on. active: claimed, until lease_until. '
    'completed: done. failed: given up by its worker, since no retry would help. '
    'dead: out of attempts. cancelled: taken back before it was claimed.';

CREATE TABLE core.queues (
    queue text NOT NULL,
    default_priority smallint NOT NULL DEFAULT 3,
    max_attempts smallint NOT NULL DEFAULT 3,
    backoff_kind text NOT NULL DEFAULT 'exponential',
    backoff_ms integer NOT NULL DEFAULT 2000,
    backoff_max_ms integer NOT NULL DEFAULT 86400000,
    max_active integer NOT NULL DEFAULT 5,
    lease_s integer NOT NULL DEFAULT 60,
    keep_completed integer NOT NULL DEFAULT 10,
    keep_failed integer NOT NULL DEFAULT 50,
    paused boolean NOT NULL DEFAULT false,
    CONSTRAINT queues_pkey PRIMARY KEY (queue),
    CONSTRAINT queues_queue_check CHECK (queue ~ '^[a-z0-9.-]{1,80}$'),
    CONSTRAINT queues_max_attempts_check CHECK (max_attempts BETWEEN 1 AND 50),
    CONSTRAINT queues_backoff_kind_check CHECK (
        backoff_kind IN ('exponential', 'fixed')
    ),
    CONSTRAINT queues_backoff_ms_check CHECK (
        backoff_ms BETWEEN 0 AND backoff_max_ms
    ),
    CONSTRAINT queues_max_active_check CHECK (max_active > 0),
    CONSTRAINT queues_lease_s_check CHECK (lease_s > 0),
    CONSTRAINT queues_keep_completed_check CHECK (keep_completed >= 0),
    CONSTRAINT queues_keep_failed_check CHECK (keep_failed >= 0)
);

COMMENT ON TABLE core.queues IS
    'The job queues and how each is worked off.';

COMMENT ON COLUMN core.queues.default_priority IS
    'Smaller is sooner.';

COMMENT ON COLUMN core.queues.backoff_ms IS
    'The wait before the second attempt; an exponential backoff doubles it with each '
    'further one, up to backoff_max_ms.';

COMMENT ON COLUMN core.queues.max_active IS
    'The most jobs that all workers together may hold at one time.';

COMMENT ON COLUMN core.queues.lease_s IS
    'How long a worker may hold a job without a heartbeat.';

COMMENT ON COLUMN core.queues.keep_completed IS
    'How many completed jobs prune_jobs leaves, the newest ones.';

COMMENT ON COLUMN core.queues.keep_failed IS
    'How many failed, dead and cancelled jobs prune_jobs leaves, the newest ones.';

-- Each job is updated at least twice and deleted soon: vacuum after 2 %, not 20 %,
-- of the rows, or claims wade through dead index entries.
CREATE TABLE core.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    queue text NOT NULL,
    name text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    dedupe_key text,
    priority smallint NOT NULL,
    run_at timestamptz NOT NULL DEFAULT now(),
    state core.job_state NOT NULL DEFAULT 'waiting',
    attempts smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL,
    locked_by text,
    lease_until timestamptz,
    last_error text,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_queue_fkey FOREIGN KEY (queue)
        REFERENCES core.queues (queue)
        ON UPDATE CASCADE
        ON DELETE RESTRICT,
    CONSTRAINT jobs_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT jobs_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT jobs_max_attempts_check CHECK (max_attempts BETWEEN 1 AND 50),
    CONSTRAINT jobs_attempts_check CHECK (attempts BETWEEN 0 AND max_attempts),
    CONSTRAINT jobs_locked_by_check CHECK (
        (state = 'active') = (locked_by IS NOT NULL)
    ),
    CONSTRAINT jobs_lease_until_check CHECK (
        (state = 'active') = (lease_until IS NOT NULL)
    ),
    CONSTRAINT jobs_finished_at_check CHECK (
        (state IN ('waiting', 'active')) = (finished_at IS NULL)
    )
)
WITH (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);

COMMENT ON TABLE core.jobs IS
    'Work to be done later, by a worker; one row from enqueue_job to prune_jobs.';

COMMENT ON COLUMN core.jobs.dedupe_key IS
    'While a job with this key is waiting or active in its queue, a second one is '
    'not accepted.';

COMMENT ON COLUMN core.jobs.priority IS
    'Smaller is sooner.';

COMMENT ON COLUMN core.jobs.attempts IS
    'How often the job was claimed.';

COMMENT ON COLUMN core.jobs.locked_by IS
    'The worker that holds the job.';

COMMENT ON COLUMN core.jobs.last_error IS
    'Why the last attempt that failed did so; kept when a later one succeeds.';

CREATE UNIQUE INDEX jobs_queue_dedupe_key_key
    ON core.jobs (queue, dedupe_key)
    WHERE dedupe_key IS NOT NULL AND state IN ('waiting', 'active');

CREATE INDEX jobs_queue_priority_run_at_id_idx
    ON core.jobs (queue, priority, run_at, id)
    WHERE state = 'waiting';

CREATE INDEX jobs_queue_lease_until_idx
    ON core.jobs (queue, lease_until)
    WHERE state = 'active';

CREATE INDEX jobs_queue_state_finished_at_idx
    ON core.jobs (queue, state, finished_at DESC);

-- The row lock lets one claim of a queue at a time count its active jobs. The count
-- is a statement of its own: under READ COMMITTED it sees what the claims before it
-- committed, which the statement that calls this function, being older, may not.
-- NO KEY UPDATE does not hold up an INSERT of jobs, which locks the key.
CREATE FUNCTION core.free_slots(queue text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    slots integer;
    taken bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'jobs cannot be claimed under REPEATABLE READ'
            USING
                ERRCODE = 'feature_not_supported',
                DETAIL = 'Its snapshot may miss jobs that are active by now.',
                HINT = 'Claim jobs under READ COMMITTED or SERIALIZABLE.';
    END IF;

    SELECT CASE WHEN entry.paused THEN 0 ELSE entry.max_active END
    INTO slots
    FROM core.queues AS entry
    WHERE entry.queue = free_slots.queue
    FOR NO KEY UPDATE;

    SELECT count(*)
    INTO taken
    FROM core.jobs AS job
    WHERE
        job.queue = free_slots.queue
        AND job.state = 'active';

    RETURN greatest(slots - taken, 0);
END
$$;

COMMENT ON FUNCTION core.free_slots(text) IS
    'How many more jobs of a queue may become active: none while it is paused. Holds '
    'off other claims of the queue until the transaction ends.';

INSERT INTO core.queues (queue, default_priority, max_attempts, max_active)
VALUES
    ('content-generation', 1, 3, 3),
    ('publishing', 2, 3, 10),
    ('analytics', 3, 3, 5),
    ('strategy-generation', 1, 2, 2),
    ('email', 4, 5, 10);
