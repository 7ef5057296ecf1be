-- Evaluations: submitted, started, finished, given up; and how far they are.
--
-- Who changes anything below an idea locks the idea's row first, and then looks, in a
-- statement of its own: so nobody decides on what another is about to change, and
-- nobody waits in a circle. drystone.systems.ideas.evaluating puts the statements
-- together.

-- name: lock_ideas(idea_ids)
-- Locks living ideas until the transaction ends, in the order of their ids.
SELECT idea.id
FROM ideas.business_ideas AS idea
WHERE
    idea.id = ANY (:idea_ids::uuid[])
    AND idea.deleted_at IS NULL
ORDER BY idea.id
FOR NO KEY UPDATE;

-- name: lock_idea_of(evaluation_id)$
-- Locks the idea of an evaluation until the transaction ends.
SELECT idea.id
FROM ideas.business_ideas AS idea
WHERE
    idea.id = (
        SELECT evaluation.business_idea_id
        FROM ideas.evaluations AS evaluation
        WHERE evaluation.id = :evaluation_id
    )
FOR NO KEY UPDATE;

-- name: submit_ideas(idea_ids, priority, input_data)
-- The evaluation of each locked idea that is under way: the one that was, or a new one
-- with a task for every agent that is enabled; no row where none is.
-- nullable: input_data
WITH submitted AS (
    INSERT INTO ideas.evaluations (
        business_idea_id,
        revision,
        priority
    )
    SELECT
        idea.id,
        coalesce(history.last_revision, 0) + 1,
        coalesce(:priority::ideas.evaluation_priority, 'normal')
    FROM ideas.business_ideas AS idea
    CROSS JOIN LATERAL (
        SELECT max(evaluation.revision) AS last_revision
        FROM ideas.evaluations AS evaluation
        WHERE evaluation.business_idea_id = idea.id
    ) AS history
    WHERE
        idea.id = ANY (:idea_ids::uuid[])
        AND idea.deleted_at IS NULL
        AND idea.status IN ('draft', 'completed')
        AND EXISTS (
            SELECT
            FROM ideas.agent_types AS agent
            WHERE agent.enabled
        )
    ORDER BY idea.id
    RETURNING
        id,
        business_idea_id,
        revision,
        status,
        priority
),
task AS (
    INSERT INTO ideas.agent_results (
        evaluation_id,
        agent_type,
        input_data
    )
    SELECT
        submitted.id,
        agent.agent_type,
        :input_data::jsonb
    FROM submitted
    CROSS JOIN ideas.agent_types AS agent
    WHERE agent.enabled
)
SELECT
    submitted.id,
    submitted.business_idea_id,
    submitted.revision,
    submitted.status,
    submitted.priority,
    true AS is_new
FROM submitted
UNION ALL
SELECT
    evaluation.id,
    evaluation.business_idea_id,
    evaluation.revision,
    evaluation.status,
    evaluation.priority,
    false AS is_new
FROM ideas.evaluations AS evaluation
WHERE
    evaluation.business_idea_id = ANY (:idea_ids::uuid[])
    AND evaluation.status IN ('pending', 'analyzing')
    AND evaluation.deleted_at IS NULL;

-- name: start_evaluations(limit_rows)
-- Starts the evaluations whose turn it is, greatest priority and then longest wait
-- first, so that their tasks can be claimed; those that somebody is busy with are
-- passed by.
WITH chosen AS MATERIALIZED (
    SELECT evaluation.id
    FROM ideas.evaluations AS evaluation
    INNER JOIN ideas.business_ideas AS idea
        ON idea.id = evaluation.business_idea_id
    WHERE
        evaluation.status = 'pending'
        AND evaluation.deleted_at IS NULL
    ORDER BY
        evaluation.priority DESC,
        evaluation.created_at,
        evaluation.id
    LIMIT :limit_rows::bigint
    FOR NO KEY UPDATE SKIP LOCKED
),
released AS (
    UPDATE ideas.agent_results AS task
    SET run_at = statement_timestamp()
    FROM chosen
    WHERE
        task.evaluation_id = chosen.id
        AND task.status = 'pending'
)
UPDATE ideas.evaluations AS evaluation
SET
    status = 'analyzing',
    started_at = statement_timestamp()
FROM chosen
WHERE evaluation.id = chosen.id
RETURNING
    evaluation.id,
    evaluation.business_idea_id,
    evaluation.priority;

-- name: finish_evaluation(evaluation_id)^
-- Finishes an evaluation whose agents have all answered or failed: the mean of their
-- scores by weight, what it advises, how much of the weight it rests on, and the next
-- steps. It fails if that is less than half. No row while an agent is still to answer.
WITH task AS MATERIALIZED (
    SELECT
        result.agent_type,
        result.status,
        result.score::numeric AS score,
        result.insights,
        agent.weight
    FROM ideas.agent_results AS result
    INNER JOIN ideas.agent_types AS agent
        ON agent.agent_type = result.agent_type
    WHERE
        result.evaluation_id = :evaluation_id
        AND result.deleted_at IS NULL
),
outcome AS (
    SELECT
        coalesce(sum(task.weight) FILTER (WHERE task.status = 'completed'), 0)
            / sum(task.weight) AS confidence,
        sum(task.score * task.weight)
            / sum(task.weight) FILTER (WHERE task.status = 'completed') AS score,
        jsonb_object_agg(task.agent_type, task.score)
            FILTER (WHERE task.status = 'completed') AS scores,
        string_agg(task.agent_type, ', ' ORDER BY task.agent_type)
            FILTER (WHERE task.status = 'failed') AS failed
    FROM task
    HAVING bool_and(task.status IN ('completed', 'failed'))
),
advice AS (
    SELECT coalesce(jsonb_agg(step.value ORDER BY task.agent_type, step.place), '[]')
        AS next_steps
    FROM task
    CROSS JOIN LATERAL jsonb_path_query(task.insights, '$.next_steps[*]')
        WITH ORDINALITY AS step (value, place)
)
UPDATE ideas.evaluations AS evaluation
SET
    status = CASE
        WHEN outcome.confidence >= 0.5 THEN 'completed'::ideas.evaluation_status
        ELSE 'failed'
    END,
    results = CASE
        WHEN outcome.confidence >= 0.5
        THEN jsonb_build_object(
            'overall_score', trim_scale(round(outcome.score, 2)),
            'recommendation', ideas.recommendation(outcome.score),
            'confidence_level', trim_scale(round(outcome.confidence, 2)),
            'scores', outcome.scores,
            'next_steps', advice.next_steps
        )
    END,
    error_message = CASE
        WHEN outcome.confidence < 0.5
        THEN 'Too many agents failed: ' || outcome.failed
    END,
    completed_at = clock_timestamp()
FROM outcome
CROSS JOIN advice
WHERE
    evaluation.id = :evaluation_id
    AND evaluation.status = 'analyzing'
    AND evaluation.deleted_at IS NULL
RETURNING
    evaluation.id,
    evaluation.business_idea_id,
    evaluation.status,
    evaluation.results,
    evaluation.error_message;

-- name: overdue_evaluations(older_than)
-- The evaluations that were started longer ago than that and are not finished.
SELECT evaluation.id
FROM ideas.evaluations AS evaluation
WHERE
    evaluation.status = 'analyzing'
    AND evaluation.deleted_at IS NULL
    AND evaluation.started_at < statement_timestamp() - :older_than::interval
ORDER BY evaluation.started_at;

-- name: fail_evaluation(evaluation_id, error)!
-- 1 if the evaluation was not finished, and has now failed with all its open tasks.
WITH stopped AS (
    UPDATE ideas.agent_results AS task
    SET
        status = 'failed',
        locked_by = NULL,
        lease_until = NULL,
        error_message = :error::text,
        completed_at = clock_timestamp()
    WHERE
        task.evaluation_id = :evaluation_id
        AND task.status IN ('pending', 'running')
)
UPDATE ideas.evaluations AS evaluation
SET
    status = 'failed',
    error_message = :error::text,
    completed_at = clock_timestamp()
WHERE
    evaluation.id = :evaluation_id
    AND evaluation.status IN ('pending', 'analyzing')
    AND evaluation.deleted_at IS NULL;

-- name: get_evaluation(evaluation_id)^
-- A living evaluation.
-- replica: ok
SELECT
    evaluation.id,
    evaluation.business_idea_id,
    evaluation.revision,
    evaluation.status,
    evaluation.priority,
    evaluation.started_at,
    evaluation.completed_at,
    evaluation.results,
    evaluation.error_message,
    evaluation.created_at,
    evaluation.updated_at
FROM ideas.evaluations AS evaluation
WHERE
    evaluation.id = :evaluation_id
    AND evaluation.deleted_at IS NULL;

-- name: evaluation_progress(evaluation_id)
-- How far each agent of an evaluation is, how long it has taken so far, and which
-- percent of all agents are done.
SELECT
    task.id,
    task.agent_type,
    task.status,
    task.attempts,
    task.score,
    task.error_message,
    extract(
        epoch FROM coalesce(task.completed_at, statement_timestamp()) - task.started_at
    )::double precision AS seconds,
    100.0::double precision
        * count(*) FILTER (WHERE task.status IN ('completed', 'failed')) OVER ()
        / count(*) OVER () AS percent_done
FROM ideas.agent_results AS task
WHERE
    task.evaluation_id = :evaluation_id
    AND task.deleted_at IS NULL
ORDER BY task.agent_type;

-- name: soft_delete_evaluation(evaluation_id)!
-- 1 if the evaluation was alive, and is now deleted with its agents' results.
UPDATE ideas.evaluations AS evaluation
SET deleted_at = clock_timestamp()
WHERE
    evaluation.id = :evaluation_id
    AND evaluation.deleted_at IS NULL;

-- name: restore_evaluation(evaluation_id)!
-- 1 if the evaluation was deleted, and is back with all that was deleted at the same
-- moment; refused while its idea is deleted, or has another one under way.
UPDATE ideas.evaluations AS evaluation
SET deleted_at = NULL
WHERE
    evaluation.id = :evaluation_id
    AND evaluation.deleted_at IS NOT NULL;
