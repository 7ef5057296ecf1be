-- Job queues: enqueue, claim under a lease, finish or fail, and look after the queues.

-- name: enqueue_job(queue, name, payload, priority, run_at, dedupe_key)$
-- The id of the new job, or NULL while a job with the same dedupe_key is waiting or
-- active in the queue; without priority it gets the queue's, without run_at it is due
-- now, and a queue that does not exist is refused by jobs_queue_fkey.
INSERT INTO core.jobs (
    queue,
    name,
    payload,
    priority,
    run_at,
    dedupe_key,
    max_attempts
)
SELECT
    asked.queue,
    :name,
    coalesce(:payload::jsonb, '{}'),
    coalesce(:priority::smallint, queue.default_priority, 0),
    coalesce(:run_at::timestamptz, now()),
    :dedupe_key,
    coalesce(queue.max_attempts, 1)
FROM (VALUES (:queue::text)) AS asked (queue)
LEFT JOIN core.queues AS queue
    ON queue.queue = asked.queue
ON CONFLICT (queue, dedupe_key)
    WHERE dedupe_key IS NOT NULL AND state IN ('waiting', 'active')
    DO NOTHING
RETURNING id;

-- name: claim_jobs(queue, worker, limit_rows)
-- The jobs that the worker holds from now on until their leases end, in the order in
-- which they are due: smaller priority first, then run_at, then id; no more than the
-- queue's max_active allows, and none while it is paused.
WITH candidate AS MATERIALIZED (
    SELECT job.id
    FROM core.jobs AS job
    WHERE
        job.queue = :queue
        AND job.state = 'waiting'
        AND job.run_at <= statement_timestamp()
    ORDER BY
        job.priority,
        job.run_at,
        job.id
    LIMIT (SELECT least(:limit_rows::bigint, core.free_slots(:queue)))
    FOR NO KEY UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE core.jobs AS job
    SET
        state = 'active',
        attempts = job.attempts + 1,
        locked_by = :worker,
        lease_until = clock_timestamp() + make_interval(secs => queue.lease_s)
    FROM core.queues AS queue
    WHERE
        job.id = ANY (ARRAY(SELECT candidate.id FROM candidate))
        AND queue.queue = job.queue
    RETURNING
        job.id,
        job.queue,
        job.name,
        job.payload,
        job.priority,
        job.run_at,
        job.attempts,
        job.max_attempts,
        job.lease_until
)
SELECT
    claimed.id,
    claimed.queue,
    claimed.name,
    claimed.payload,
    claimed.priority,
    claimed.run_at,
    claimed.attempts,
    claimed.max_attempts,
    claimed.lease_until
FROM claimed
ORDER BY
    claimed.priority,
    claimed.run_at,
    claimed.id;

-- name: heartbeat_job(id, worker)$
-- Whether the worker still holds the job, whose lease then starts anew.
WITH extended AS (
    UPDATE core.jobs AS job
    SET lease_until = clock_timestamp() + make_interval(secs => queue.lease_s)
    FROM core.queues AS queue
    WHERE
        job.id = :id
        AND job.state = 'active'
        AND job.locked_by = :worker
        AND queue.queue = job.queue
    RETURNING job.id
)
SELECT EXISTS (SELECT FROM extended) AS held;

-- name: complete_job(id, worker, result)$
-- Whether the job is now completed, which only the worker that holds it can do.
WITH completed AS (
    UPDATE core.jobs AS job
    SET
        state = 'completed',
        locked_by = NULL,
        lease_until = NULL,
        result = :result::jsonb,
        finished_at = clock_timestamp()
    WHERE
        job.id = :id
        AND job.state = 'active'
        AND job.locked_by = :worker
    RETURNING job.id
)
SELECT EXISTS (SELECT FROM completed) AS held;

-- name: fail_job(id, worker, error)^
-- The state of the job after an attempt that failed, and when it runs next: waiting
-- for the queue's backoff, or dead after its last attempt; no row if the worker does
-- not hold the job.
UPDATE core.jobs AS job
SET
    state = CASE
        WHEN job.attempts < job.max_attempts THEN 'waiting'::core.job_state
        ELSE 'dead'
    END,
    run_at = CASE
        WHEN job.attempts < job.max_attempts
        THEN clock_timestamp() + make_interval(
            secs => least(
                queue.backoff_max_ms,
                queue.backoff_ms * CASE queue.backoff_kind
                    WHEN 'exponential' THEN 2 ^ (job.attempts - 1)
                    ELSE 1
                END
            ) / 1000
        )
        ELSE job.run_at
    END,
    locked_by = NULL,
    lease_until = NULL,
    last_error = :error,
    finished_at = CASE
        WHEN job.attempts >= job.max_attempts THEN clock_timestamp()
    END
FROM core.queues AS queue
WHERE
    job.id = :id
    AND job.state = 'active'
    AND job.locked_by = :worker
    AND queue.queue = job.queue
RETURNING
    job.state,
    CASE WHEN job.state = 'waiting' THEN job.run_at END AS next_run_at;

-- name: reject_job(id, worker, error)$
-- Whether the job has now failed for good, for an error that no retry would cure.
WITH failed AS (
    UPDATE core.jobs AS job
    SET
        state = 'failed',
        locked_by = NULL,
        lease_until = NULL,
        last_error = :error,
        finished_at = clock_timestamp()
    WHERE
        job.id = :id
        AND job.state = 'active'
        AND job.locked_by = :worker
    RETURNING job.id
)
SELECT EXISTS (SELECT FROM failed) AS held;

-- name: cancel_job(id)$
-- Whether the job was still waiting, and is now cancelled.
WITH cancelled AS (
    UPDATE core.jobs AS job
    SET
        state = 'cancelled',
        finished_at = clock_timestamp()
    WHERE
        job.id = :id
        AND job.state = 'waiting'
    RETURNING job.id
)
SELECT EXISTS (SELECT FROM cancelled) AS cancelled;

-- name: retry_job(id)$
-- Whether the job was failed, dead or cancelled, and now waits with all its attempts
-- before it.
WITH revived AS (
    UPDATE core.jobs AS job
    SET
        state = 'waiting',
        attempts = 0,
        run_at = clock_timestamp(),
        finished_at = NULL
    WHERE
        job.id = :id
        AND job.state IN ('failed', 'dead', 'cancelled')
    RETURNING job.id
)
SELECT EXISTS (SELECT FROM revived) AS revived;

-- name: find_job(id)^
-- One job and how it stands.
SELECT
    job.id,
    job.queue,
    job.name,
    job.payload,
    job.dedupe_key,
    job.priority,
    job.run_at,
    job.state,
    job.attempts,
    job.max_attempts,
    job.locked_by,
    job.lease_until,
    job.last_error,
    job.result,
    job.created_at,
    job.finished_at
FROM core.jobs AS job
WHERE job.id = :id;

-- name: reap_expired_leases()!
-- How many jobs were taken from workers whose lease has ended: they wait again, or
-- are dead after their last attempt.
UPDATE core.jobs AS job
SET
    state = CASE
        WHEN job.attempts < job.max_attempts THEN 'waiting'::core.job_state
        ELSE 'dead'
    END,
    locked_by = NULL,
    lease_until = NULL,
    last_error = 'The lease of worker ' || job.locked_by || ' ended.',
    finished_at = CASE
        WHEN job.attempts >= job.max_attempts THEN clock_timestamp()
    END
WHERE
    job.id = ANY (
        ARRAY(
            SELECT expired.id
            FROM core.jobs AS expired
            WHERE
                expired.state = 'active'
                AND expired.lease_until < statement_timestamp()
            FOR NO KEY UPDATE SKIP LOCKED
        )
    );

-- name: prune_jobs()!
-- How many finished jobs were deleted: of each queue, completed ones older than 24
-- hours or beyond the newest keep_completed, and all others older than 7 days or
-- beyond the newest keep_failed.
WITH finished AS (
    SELECT
        job.id,
        job.finished_at,
        job.state = 'completed' AS completed,
        row_number() OVER (
            PARTITION BY job.queue, job.state = 'completed'
            ORDER BY job.finished_at DESC, job.id DESC
        ) AS age_rank,
        queue.keep_completed,
        queue.keep_failed
    FROM core.jobs AS job
    INNER JOIN core.queues AS queue
        ON queue.queue = job.queue
    WHERE job.finished_at IS NOT NULL
)
DELETE FROM core.jobs AS job
USING finished
WHERE
    job.id = finished.id
    AND job.finished_at IS NOT NULL
    AND CASE
        WHEN finished.completed
        THEN
            finished.finished_at < statement_timestamp() - INTERVAL '24 hours'
            OR finished.age_rank > finished.keep_completed
        ELSE
            finished.finished_at < statement_timestamp() - INTERVAL '7 days'
            OR finished.age_rank > finished.keep_failed
    END;

-- name: pause_queue(queue)!
-- 1 if the queue exists: none of its jobs is claimed from now on.
UPDATE core.queues AS queue
SET paused = true
WHERE queue.queue = :queue;

-- name: resume_queue(queue)!
-- 1 if the queue exists: its jobs are claimed again.
UPDATE core.queues AS queue
SET paused = false
WHERE queue.queue = :queue;

-- name: queue_health()
-- How many jobs of each queue are in each state (delayed: waiting, but not due yet;
-- expired: active, but past their lease), and how long the oldest due one has waited.
SELECT
    queue.queue,
    queue.paused,
    queue.max_active,
    count(*) FILTER (WHERE job.state = 'waiting') AS waiting,
    count(*) FILTER (
        WHERE job.state = 'waiting' AND job.run_at > statement_timestamp()
    ) AS delayed,
    count(*) FILTER (WHERE job.state = 'active') AS active,
    count(*) FILTER (
        WHERE job.state = 'active' AND job.lease_until < statement_timestamp()
    ) AS expired,
    count(*) FILTER (WHERE job.state = 'completed') AS completed,
    count(*) FILTER (WHERE job.state = 'failed') AS failed,
    count(*) FILTER (WHERE job.state = 'dead') AS dead,
    count(*) FILTER (WHERE job.state = 'cancelled') AS cancelled,
    coalesce(
        extract(
            epoch FROM statement_timestamp()
                - min(job.run_at) FILTER (
                    WHERE
                        job.state = 'waiting'
                        AND job.run_at <= statement_timestamp()
                )
        )::double precision,
        0
    ) AS oldest_wait_s
FROM core.queues AS queue
LEFT JOIN core.jobs AS job
    ON job.queue = queue.queue
GROUP BY queue.queue
ORDER BY queue.queue;
