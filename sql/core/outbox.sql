-- The outbox: enqueue jobs for queues outside the database, send them, and keep the
-- receipts of what is done.

-- name: enqueue_outbox(queue, name, payload, priority, run_at)$
-- The id of the new job, which is sent once this transaction is committed. Without
-- priority it gets the queue's, without run_at it is due at once; a queue that does
-- not exist is refused by outbox_queue_fkey.
INSERT INTO core.outbox (
    queue,
    name,
    payload,
    priority,
    run_at
)
VALUES (
    :queue,
    :name,
    coalesce(:payload::jsonb, '{}'),
    :priority,
    :run_at
)
RETURNING id;

-- name: enqueue_outbox_many(jobs)
-- The ids of new jobs, in the order of the array: objects with queue and name, and if
-- need be payload, priority and run_at.
INSERT INTO core.outbox (
    queue,
    name,
    payload,
    priority,
    run_at
)
SELECT
    asked.queue,
    asked.name,
    coalesce(asked.payload, '{}'),
    asked.priority,
    asked.run_at
FROM ROWS FROM (
    jsonb_to_recordset(:jobs::jsonb) AS (
        queue text,
        name text,
        payload jsonb,
        priority smallint,
        run_at timestamptz
    )
) WITH ORDINALITY AS asked (queue, name, payload, priority, run_at, place)
ORDER BY asked.place
RETURNING
    position,
    id;

-- name: lock_outbox()$
-- Whether this transaction is now the one that sends; another one holds that right
-- until it ends.
SELECT pg_try_advisory_xact_lock(hashtextextended('core.outbox', 0)) AS held;

-- name: last_batches()^
-- The newest batch that has jobs which are not done, 0 without any; and the newest
-- number that was given to a batch.
SELECT
    coalesce(
        (
            SELECT max(job.batch)
            FROM core.outbox AS job
            WHERE job.batch IS NOT NULL
        ),
        0
    ) AS unfinished,
    batches.last_value AS numbered
FROM core.outbox_batches AS batches;

-- name: next_batch()$
-- The number of a new batch.
SELECT nextval('core.outbox_batches') AS batch;

-- name: jobs_to_send(limit_rows)
-- The oldest jobs that are to be sent, in their order.
SELECT
    job.position,
    job.id,
    job.queue,
    job.name,
    job.payload,
    coalesce(job.priority, queue.default_priority) AS priority,
    job.created_at,
    job.run_at,
    queue.max_attempts,
    queue.backoff_kind,
    queue.backoff_ms,
    queue.keep_completed,
    queue.keep_failed
FROM core.outbox AS job
INNER JOIN core.queues AS queue
    ON queue.queue = job.queue
WHERE job.batch IS NULL
ORDER BY job.position
LIMIT :limit_rows;

-- name: mark_sent(batch, positions)!
-- How many of the jobs stay until there is a receipt for them; the others, of queues
-- whose workers write none, are gone.
WITH forgotten AS (
    DELETE FROM core.outbox AS job
    USING core.queues AS queue
    WHERE
        job.position = ANY (:positions::bigint[])
        AND queue.queue = job.queue
        AND NOT queue.receipts
)
UPDATE core.outbox AS job
SET batch = :batch
FROM core.queues AS queue
WHERE
    job.position = ANY (:positions::bigint[])
    AND queue.queue = job.queue
    AND queue.receipts;

-- name: send_again(after_batch)!
-- How many jobs, sent in later batches than this one and not done, are to be sent
-- again. A queue that still has one of them is not changed by that.
UPDATE core.outbox AS job
SET batch = NULL
WHERE job.batch > :after_batch;

-- name: begin_job(queue, job_id)$
-- Whether the job is to be done in this transaction; see core.begin_job.
SELECT core.begin_job(:queue, :job_id) AS begun;

-- name: give_job_up(queue, job_id, state, error)!
-- 1 if the job is now failed or dead; 0 if it is completed.
INSERT INTO core.job_receipts AS receipt (
    queue,
    job_id,
    state,
    error
)
VALUES (
    :queue,
    :job_id,
    :state,
    :error
)
ON CONFLICT (queue, job_id) DO UPDATE
SET
    state = excluded.state,
    error = excluded.error,
    finished_at = now()
WHERE receipt.state <> 'completed';

-- name: find_receipt(queue, job_id)^
-- How a job ended; no row while it has not.
SELECT
    receipt.state,
    receipt.error,
    receipt.finished_at
FROM core.job_receipts AS receipt
WHERE
    receipt.queue = :queue
    AND receipt.job_id = :job_id;

-- name: prune_receipts(days)!
-- How many receipts older than so many days were deleted. A queue must not hand a job
-- out again after that long.
DELETE FROM core.job_receipts AS receipt
WHERE
    receipt.finished_at
    < statement_timestamp() - make_interval(days => :days::integer);

-- name: queue_settings()
-- How each queue is worked off.
SELECT
    queue.queue,
    queue.max_active,
    queue.lease_s,
    queue.max_attempts,
    queue.backoff_max_ms,
    queue.paused
FROM core.queues AS queue
ORDER BY queue.queue;

-- name: outbox_health()
-- How many jobs of each queue are to be sent, and how many were sent and are not done;
-- how long the oldest of each kind, among those that are due, has been so, in seconds.
SELECT
    queue.queue,
    queue.paused,
    queue.max_active,
    count(job.position) FILTER (WHERE job.batch IS NULL) AS unsent,
    count(job.position) FILTER (WHERE job.batch IS NOT NULL) AS sent,
    coalesce(
        extract(
            epoch FROM statement_timestamp()
                - min(job.created_at) FILTER (WHERE job.batch IS NULL)
        )::double precision,
        0
    ) AS oldest_unsent_s,
    coalesce(
        extract(
            epoch FROM statement_timestamp()
                - min(greatest(job.created_at, job.run_at)) FILTER (
                    WHERE
                        job.batch IS NOT NULL
                        AND greatest(job.created_at, job.run_at)
                        <= statement_timestamp()
                )
        )::double precision,
        0
    ) AS oldest_sent_s
FROM core.queues AS queue
LEFT JOIN core.outbox AS job
    ON job.queue = queue.queue
GROUP BY queue.queue
ORDER BY queue.queue;
