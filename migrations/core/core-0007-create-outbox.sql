-- depends: core-0006-create-monitoring
--
-- Creates the outbox: jobs for queues outside the database are written here, in the
-- transaction of the change that asks for them, and moved on by `drystone relay`. The
-- receipts let a worker that is given a job a second time see that it is done.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops both; jobs that were not moved on yet are lost.

-- Rows come and go at once: vacuum by count, not by share, or the relay wades through
-- dead index entries.
CREATE TABLE core.outbox (
    position bigint GENERATED ALWAYS AS IDENTITY,
    id uuid NOT NULL DEFAULT core.new_id(),
    queue text NOT NULL,
    name text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    priority smallint,
    run_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (position),
    CONSTRAINT outbox_id_key UNIQUE (id),
    CONSTRAINT outbox_queue_fkey FOREIGN KEY (queue)
        REFERENCES core.queues (queue)
        ON UPDATE CASCADE
        ON DELETE RESTRICT,
    CONSTRAINT outbox_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT outbox_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT outbox_priority_check CHECK (priority >= 0)
)
WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

COMMENT ON TABLE core.outbox IS
    'Jobs on their way to a queue outside the database; a row goes when its job is '
    'there.';

COMMENT ON COLUMN core.outbox.position IS
    'The order in which jobs are moved on. What one session wrote keeps its order; '
    'transactions at the same time have none.';

COMMENT ON COLUMN core.outbox.id IS
    'The id of the job in its queue, so that a job moved on twice is there once.';

COMMENT ON COLUMN core.outbox.priority IS
    'Smaller is sooner; NULL is the default of the queue.';

COMMENT ON COLUMN core.outbox.run_at IS
    'Not before this time; NULL is at once.';

CREATE INDEX outbox_queue_position_idx ON core.outbox (queue, position);

CREATE TABLE core.job_receipts (
    job_id uuid NOT NULL,
    queue text NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_receipts_pkey PRIMARY KEY (job_id)
);

COMMENT ON TABLE core.job_receipts IS
    'Jobs whose effect is committed: written in the transaction of the effect, so that '
    'a job that is handed out twice takes effect once.';

CREATE INDEX job_receipts_finished_at_idx
    ON core.job_receipts USING brin (finished_at);
