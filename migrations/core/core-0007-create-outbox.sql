-- depends: core-0006-create-monitoring
--
-- Creates the outbox: jobs for queues outside the database are written here, in the
-- transaction of the change that asks for them, and sent by `drystone relay`. A row
-- stays until its job is done, so that a queue which loses its memory loses no job.
-- The receipts let a worker that is given a job a second time see that it is done.
--
-- Locks: ACCESS EXCLUSIVE on core.queues, a few rows. Rewrites: no rows.
-- Rollback: drops all of it; jobs that are not done yet are lost.

ALTER TABLE core.queues
    ADD COLUMN receipts boolean NOT NULL DEFAULT true;

COMMENT ON COLUMN core.queues.receipts IS
    'Whether the workers of this queue call core.begin_job. Without, a row leaves the '
    'outbox as soon as the queue has the job.';

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
    batch bigint,
    CONSTRAINT outbox_pkey PRIMARY KEY (position),
    CONSTRAINT outbox_id_key UNIQUE (id),
    CONSTRAINT outbox_queue_fkey FOREIGN KEY (queue)
        REFERENCES core.queues (queue)
        ON UPDATE CASCADE
        ON DELETE RESTRICT,
    CONSTRAINT outbox_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT outbox_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT outbox_priority_check CHECK (priority >= 0),
    CONSTRAINT outbox_run_at_check CHECK (
        run_at >= '1970-01-01 00:00:00+00'
        AND run_at < '3000-01-01 00:00:00+00'
    )
)
WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000
);

COMMENT ON TABLE core.outbox IS
    'Jobs for queues outside the database, from the transaction that asks for one to '
    'the transaction that has done it.';

COMMENT ON COLUMN core.outbox.position IS
    'The order in which jobs are sent. What one session wrote keeps its order; '
    'transactions at the same time have none.';

COMMENT ON COLUMN core.outbox.id IS
    'The id of the job in its queue, so that a job sent twice is there once.';

COMMENT ON COLUMN core.outbox.priority IS
    'Smaller is sooner; NULL is the default of the queue.';

COMMENT ON COLUMN core.outbox.run_at IS
    'Not before this time; NULL is at once.';

COMMENT ON COLUMN core.outbox.batch IS
    'The batch that the job was last sent in; NULL while it is to be sent.';

CREATE INDEX outbox_unsent_idx ON core.outbox (position) WHERE batch IS NULL;

CREATE INDEX outbox_batch_idx ON core.outbox (batch) WHERE batch IS NOT NULL;

CREATE INDEX outbox_queue_created_at_idx ON core.outbox (queue, created_at);

-- Batches are numbered in the order in which they are sent. The queue's side keeps the
-- number of the last one it took: a smaller one than the outbox knows of, or none,
-- means that the queue has lost what came after.
CREATE SEQUENCE core.outbox_batches OWNED BY core.outbox.batch;

CREATE TABLE core.job_receipts (
    queue text NOT NULL,
    job_id text NOT NULL,
    state core.job_state NOT NULL DEFAULT 'completed',
    error text,
    finished_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_receipts_pkey PRIMARY KEY (queue, job_id),
    CONSTRAINT job_receipts_state_check CHECK (
        state IN ('completed', 'failed', 'dead')
    ),
    CONSTRAINT job_receipts_error_check CHECK (
        (state = 'completed') = (error IS NULL)
    )
);

COMMENT ON TABLE core.job_receipts IS
    'Jobs that are over. That of a completed one is written in the transaction of its '
    'effect, so that a job that is handed out twice takes effect once.';

COMMENT ON COLUMN core.job_receipts.job_id IS
    'The id of the job in the outbox; that of another job in its queue, followed by @ '
    'and its timestamp there, since queues may use an id again.';

COMMENT ON COLUMN core.job_receipts.state IS
    'failed: given up, since no retry would help. dead: out of attempts. A job in '
    'either state may still be begun again.';

CREATE INDEX job_receipts_finished_at_idx
    ON core.job_receipts USING brin (finished_at);

CREATE FUNCTION core.begin_job(queue text, job_id text)
RETURNS boolean
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    WITH begun AS (
        INSERT INTO core.job_receipts AS receipt (queue, job_id)
        VALUES (begin_job.queue, begin_job.job_id)
        ON CONFLICT ON CONSTRAINT job_receipts_pkey DO UPDATE
        SET
            state = 'completed',
            error = NULL,
            finished_at = now()
        WHERE receipt.state <> 'completed'
        RETURNING receipt.job_id
    )
    SELECT EXISTS (SELECT FROM begun);
END;

COMMENT ON FUNCTION core.begin_job(text, text) IS
    'Whether a job is to be done: call it first in the transaction of the effect, and '
    'do nothing if it says no. It waits for whoever has begun the job already.';

CREATE FUNCTION core.settle_outbox()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF pg_input_is_valid(new.job_id, 'uuid') THEN
        DELETE FROM core.outbox AS job
        WHERE
            job.id = new.job_id::uuid
            AND job.queue = new.queue;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION core.settle_outbox() IS
    'Deletes the job of a receipt from the outbox.';

-- Only when the work is done and about to be committed: a row deleted at the beginning
-- would be locked, for the relay too, as long as the work takes.
CREATE CONSTRAINT TRIGGER job_receipts_settle_outbox
AFTER INSERT OR UPDATE ON core.job_receipts
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION core.settle_outbox();
