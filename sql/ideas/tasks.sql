-- What agents do: claim a task under a lease, complete it or fail, and try again.
--
-- A lease is one worker's one attempt: who comes back with another attempt than the
-- last one has lost it, even if the name is the same.

-- name: claim_agent_tasks(agent_types, worker, lease_s, limit_rows)
-- The tasks that the worker holds from now on, longest wait first, with the ideas that
-- they are about: for lease_s seconds, or as long as the agent type says; and no more
-- than the type's max_running allows.
-- nullable: lease_s
WITH agent AS MATERIALIZED (
    SELECT
        ordered.agent_type,
        ordered.lease_s,
        ideas.free_slots(ordered.agent_type) AS free_slots
    FROM (
        SELECT
            entry.agent_type,
            entry.lease_s
        FROM ideas.agent_types AS entry
        WHERE entry.agent_type = ANY (:agent_types::text[])
        ORDER BY entry.agent_type
    ) AS ordered
),
candidate AS MATERIALIZED (
    SELECT
        waiting.id,
        agent.lease_s
    FROM agent
    CROSS JOIN LATERAL (
        SELECT
            task.id,
            task.run_at
        FROM ideas.agent_results AS task
        WHERE
            task.agent_type = agent.agent_type
            AND task.status = 'pending'
            AND task.deleted_at IS NULL
            AND task.run_at <= statement_timestamp()
        ORDER BY
            task.run_at,
            task.id
        LIMIT least(agent.free_slots, :limit_rows::bigint)
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS waiting
    ORDER BY
        waiting.run_at,
        waiting.id
    LIMIT :limit_rows::bigint
)
UPDATE ideas.agent_results AS task
SET
    status = 'running',
    attempts = task.attempts + 1,
    locked_by = :worker,
    lease_until = clock_timestamp() + make_interval(
        secs => coalesce(:lease_s::double precision, candidate.lease_s)
    ),
    started_at = clock_timestamp()
FROM candidate
CROSS JOIN ideas.evaluations AS evaluation
CROSS JOIN ideas.business_ideas AS idea
WHERE
    task.id = candidate.id
    AND evaluation.id = task.evaluation_id
    AND idea.id = evaluation.business_idea_id
RETURNING
    task.id,
    task.evaluation_id,
    task.agent_type,
    task.attempts AS attempt,
    task.input_data,
    idea.id AS idea_id,
    idea.title,
    idea.description;

-- name: extend_lease(task_id, worker, attempt, lease_s)$
-- Whether the worker still holds the task, whose lease then starts anew.
WITH extended AS (
    UPDATE ideas.agent_results AS task
    SET lease_until = clock_timestamp() + make_interval(
        secs => coalesce(:lease_s::double precision, agent.lease_s)
    )
    FROM ideas.agent_types AS agent
    WHERE
        task.id = :task_id
        AND task.status = 'running'
        AND task.deleted_at IS NULL
        AND task.locked_by = :worker
        AND task.attempts = :attempt
        AND agent.agent_type = task.agent_type
    RETURNING task.id
)
SELECT EXISTS (SELECT FROM extended) AS held;

-- name: complete_agent_task(task_id, worker, attempt, output_data, score, insights)!
-- 1 if the worker held the task, which is now completed.
-- nullable: insights
UPDATE ideas.agent_results AS task
SET
    status = 'completed',
    locked_by = NULL,
    lease_until = NULL,
    output_data = :output_data,
    score = :score,
    insights = :insights,
    completed_at = clock_timestamp()
WHERE
    task.id = :task_id
    AND task.status = 'running'
    AND task.deleted_at IS NULL
    AND task.locked_by = :worker
    AND task.attempts = :attempt;

-- name: fail_agent_task(task_id, worker, attempt, error)^
-- The state of a task after an attempt that failed, and when it may be claimed again:
-- pending for a pause that doubles each time, or failed after its last attempt; no row
-- if the worker does not hold it.
UPDATE ideas.agent_results AS task
SET
    status = CASE
        WHEN task.attempts < agent.max_attempts THEN 'pending'::ideas.agent_status
        ELSE 'failed'
    END,
    run_at = CASE
        WHEN task.attempts < agent.max_attempts
        THEN clock_timestamp() + make_interval(
            secs => least(86400, agent.backoff_ms / 1000.0 * 2 ^ (task.attempts - 1))
        )
    END,
    locked_by = NULL,
    lease_until = NULL,
    error_message = :error,
    completed_at = CASE
        WHEN task.attempts >= agent.max_attempts THEN clock_timestamp()
    END
FROM ideas.agent_types AS agent
WHERE
    task.id = :task_id
    AND task.status = 'running'
    AND task.deleted_at IS NULL
    AND task.locked_by = :worker
    AND task.attempts = :attempt
    AND agent.agent_type = task.agent_type
RETURNING
    task.status,
    task.run_at;

-- name: abandoned_evaluations()
-- The evaluations with tasks whose lease has ended, so that somebody must reap them.
SELECT DISTINCT task.evaluation_id
FROM ideas.agent_results AS task
WHERE
    task.status = 'running'
    AND task.deleted_at IS NULL
    AND task.lease_until < statement_timestamp()
ORDER BY task.evaluation_id;

-- name: reap_expired_leases(evaluation_id)!
-- How many tasks of an evaluation were taken from workers whose lease has ended: they
-- may be claimed again, or have failed after their last attempt.
UPDATE ideas.agent_results AS task
SET
    status = CASE
        WHEN task.attempts < agent.max_attempts THEN 'pending'::ideas.agent_status
        ELSE 'failed'
    END,
    run_at = statement_timestamp(),
    locked_by = NULL,
    lease_until = NULL,
    error_message = 'The lease of worker ' || task.locked_by || ' ended.',
    completed_at = CASE
        WHEN task.attempts >= agent.max_attempts THEN clock_timestamp()
    END
FROM ideas.agent_types AS agent
WHERE
    task.evaluation_id = :evaluation_id
    AND task.status = 'running'
    AND task.deleted_at IS NULL
    AND task.lease_until < statement_timestamp()
    AND agent.agent_type = task.agent_type;

-- name: get_agent_result(result_id)^
-- A living task or result, with all that went in and came out.
-- replica: ok
SELECT
    result.id,
    result.evaluation_id,
    result.agent_type,
    result.status,
    result.attempts,
    result.input_data,
    result.output_data,
    result.score,
    result.insights,
    result.started_at,
    result.completed_at,
    result.error_message,
    result.created_at,
    result.updated_at
FROM ideas.agent_results AS result
WHERE
    result.id = :result_id
    AND result.deleted_at IS NULL;

-- name: insights_containing(pattern, limit_rows)
-- The results whose insights contain a JSON object, latest first; 20 unless limit_rows
-- says otherwise.
-- replica: ok
SELECT
    result.id,
    result.evaluation_id,
    result.agent_type,
    result.score,
    result.insights,
    result.completed_at
FROM ideas.agent_results AS result
WHERE
    result.insights @> :pattern::jsonb
    AND result.deleted_at IS NULL
ORDER BY
    result.completed_at DESC,
    result.id
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: update_insight(result_id, path, value)^
-- Sets one value in the insights of a result, at a path of keys that is made if its
-- last step is missing.
UPDATE ideas.agent_results AS result
SET insights = jsonb_set(
    coalesce(result.insights, '{}'),
    :path::text[],
    :value::jsonb
)
WHERE
    result.id = :result_id
    AND result.deleted_at IS NULL
RETURNING
    result.id,
    result.insights;

-- name: soft_delete_agent_result(result_id)!
-- 1 if the result was alive, and is now deleted.
UPDATE ideas.agent_results AS result
SET deleted_at = clock_timestamp()
WHERE
    result.id = :result_id
    AND result.deleted_at IS NULL;

-- name: restore_agent_result(result_id)!
-- 1 if the result was deleted, and is back; refused while its evaluation is deleted.
UPDATE ideas.agent_results AS result
SET deleted_at = NULL
WHERE
    result.id = :result_id
    AND result.deleted_at IS NOT NULL;
