-- What pages show in numbers: evaluations, agents, and the whole.

-- name: evaluation_summary(user_id, status, created_from, created_before, limit_rows)
-- The latest evaluations with how their agents fared: of all users, or one; of all
-- states, or one; of a period. 20 unless limit_rows says otherwise.
-- replica: ok
WITH latest AS MATERIALIZED (
    SELECT
        evaluation.id,
        evaluation.revision,
        evaluation.status,
        evaluation.created_at,
        evaluation.results,
        idea.id AS idea_id,
        idea.title
    FROM ideas.evaluations AS evaluation
    INNER JOIN ideas.business_ideas AS idea
        ON idea.id = evaluation.business_idea_id
    WHERE
        evaluation.deleted_at IS NULL
        AND (:user_id::uuid IS NULL OR idea.user_id = :user_id)
        AND (:status::ideas.evaluation_status IS NULL OR evaluation.status = :status)
        AND (
            :created_from::timestamptz IS NULL
            OR evaluation.created_at >= :created_from
        )
        AND (
            :created_before::timestamptz IS NULL
            OR evaluation.created_at < :created_before
        )
    ORDER BY
        evaluation.created_at DESC,
        evaluation.id DESC
    LIMIT coalesce(:limit_rows::bigint, 20)
)
SELECT
    latest.id,
    latest.idea_id,
    latest.title,
    latest.revision,
    latest.status,
    latest.created_at,
    latest.results ->> 'recommendation' AS recommendation,
    agents.total,
    agents.completed,
    agents.failed,
    agents.mean_score
FROM latest
CROSS JOIN LATERAL (
    SELECT
        count(*) AS total,
        count(*) FILTER (WHERE result.status = 'completed') AS completed,
        count(*) FILTER (WHERE result.status = 'failed') AS failed,
        avg(result.score) AS mean_score
    FROM ideas.agent_results AS result
    WHERE
        result.evaluation_id = latest.id
        AND result.deleted_at IS NULL
) AS agents
ORDER BY
    latest.created_at DESC,
    latest.id DESC;

-- name: agent_performance(done_from, done_before)
-- How each agent did in a period: runs that ended, the percent of them that succeeded,
-- scores, and mean seconds from claim to end.
-- replica: ok
SELECT
    agent.agent_type,
    count(result.id) AS runs,
    100.0::double precision
        * count(result.id) FILTER (WHERE result.status = 'completed')
        / nullif(count(result.id), 0) AS success_percent,
    avg(result.score) AS mean_score,
    min(result.score) AS min_score,
    max(result.score) AS max_score,
    extract(epoch FROM avg(result.completed_at - result.started_at))
        ::double precision AS mean_seconds
FROM ideas.agent_types AS agent
LEFT JOIN ideas.agent_results AS result
    ON result.agent_type = agent.agent_type
    AND result.completed_at >= :done_from::timestamptz
    AND result.completed_at < :done_before::timestamptz
    AND result.deleted_at IS NULL
GROUP BY agent.agent_type
ORDER BY agent.agent_type;

-- name: dashboard_stats()^
-- The whole in one row: users, ideas by status and of the last seven days, evaluations
-- by status, and how long a description is on average.
-- replica: ok
SELECT
    account.users,
    idea.ideas,
    idea.drafts,
    idea.submitted,
    idea.evaluating,
    idea.completed,
    idea.last_7_days,
    idea.mean_description_length,
    evaluation.evaluations,
    evaluation.evaluations_pending,
    evaluation.evaluations_analyzing,
    evaluation.evaluations_completed,
    evaluation.evaluations_failed
FROM (
    SELECT count(*) AS users
    FROM ideas.users AS living
    WHERE living.deleted_at IS NULL
) AS account
CROSS JOIN (
    SELECT
        count(*) AS ideas,
        count(*) FILTER (WHERE living.status = 'draft') AS drafts,
        count(*) FILTER (WHERE living.status = 'submitted') AS submitted,
        count(*) FILTER (WHERE living.status = 'evaluating') AS evaluating,
        count(*) FILTER (WHERE living.status = 'completed') AS completed,
        count(*) FILTER (
            WHERE living.created_at >= statement_timestamp() - INTERVAL '7 days'
        ) AS last_7_days,
        coalesce(avg(char_length(living.description)), 0)::double precision
            AS mean_description_length
    FROM ideas.business_ideas AS living
    WHERE living.deleted_at IS NULL
) AS idea
CROSS JOIN (
    SELECT
        count(*) AS evaluations,
        count(*) FILTER (WHERE living.status = 'pending') AS evaluations_pending,
        count(*) FILTER (WHERE living.status = 'analyzing') AS evaluations_analyzing,
        count(*) FILTER (WHERE living.status = 'completed') AS evaluations_completed,
        count(*) FILTER (WHERE living.status = 'failed') AS evaluations_failed
    FROM ideas.evaluations AS living
    WHERE living.deleted_at IS NULL
) AS evaluation;

-- name: score_series(bucket, done_from, done_to, agent_type)
-- How many results each day, week or month of a period brought, and their mean score,
-- of one agent or of all; empty ones are there too, and both ends of the period count.
-- replica: ok
SELECT
    series.start::date AS bucket_start,
    count(result.id) AS results,
    avg(result.score) AS mean_score
FROM generate_series(
    date_trunc(:bucket::text, :done_from::date::timestamptz),
    :done_to::date::timestamptz,
    ('1 ' || :bucket::text)::interval
) AS series (start)
LEFT JOIN ideas.agent_results AS result
    ON date_trunc(:bucket::text, result.completed_at) = series.start
    AND result.completed_at >= :done_from::date
    AND result.completed_at < :done_to::date + 1
    AND result.status = 'completed'
    AND result.deleted_at IS NULL
    AND (:agent_type::text IS NULL OR result.agent_type = :agent_type)
GROUP BY series.start
ORDER BY series.start;

-- name: violations()
-- Rows that contradict each other in ways that no constraint can see, by rule; none in
-- a database that is well.
-- replica: ok
SELECT
    rule.name AS rule,
    rule.id
FROM (
    SELECT
        'an idea has another status than its evaluations make' AS name,
        idea.id
    FROM ideas.business_ideas AS idea
    WHERE idea.status <> ideas.status_of(idea.id)
    UNION ALL
    SELECT
        'an idea lives under a deleted user',
        idea.id
    FROM ideas.business_ideas AS idea
    INNER JOIN ideas.users AS account
        ON account.id = idea.user_id
    WHERE
        idea.deleted_at IS NULL
        AND account.deleted_at IS NOT NULL
    UNION ALL
    SELECT
        'an evaluation lives under a deleted idea',
        evaluation.id
    FROM ideas.evaluations AS evaluation
    INNER JOIN ideas.business_ideas AS idea
        ON idea.id = evaluation.business_idea_id
    WHERE
        evaluation.deleted_at IS NULL
        AND idea.deleted_at IS NOT NULL
    UNION ALL
    SELECT
        'a result lives under a deleted evaluation',
        result.id
    FROM ideas.agent_results AS result
    INNER JOIN ideas.evaluations AS evaluation
        ON evaluation.id = result.evaluation_id
    WHERE
        result.deleted_at IS NULL
        AND evaluation.deleted_at IS NOT NULL
    UNION ALL
    SELECT
        'a finished evaluation has an open task',
        result.id
    FROM ideas.agent_results AS result
    INNER JOIN ideas.evaluations AS evaluation
        ON evaluation.id = result.evaluation_id
    WHERE
        result.status IN ('pending', 'running')
        AND evaluation.status IN ('completed', 'failed')
    UNION ALL
    SELECT
        'a pending evaluation has a task that began',
        result.id
    FROM ideas.agent_results AS result
    INNER JOIN ideas.evaluations AS evaluation
        ON evaluation.id = result.evaluation_id
    WHERE
        evaluation.status = 'pending'
        AND (result.status <> 'pending' OR result.run_at IS NOT NULL)
) AS rule
ORDER BY
    rule.name,
    rule.id;

-- name: seed_check()
-- The tables that do not hold the development seed and nothing else.
-- replica: ok
WITH found (table_name, expected_rows, found_rows) AS (
    VALUES
        ('users', 3, (SELECT count(*) FROM ideas.users)),
        ('business_ideas', 6, (SELECT count(*) FROM ideas.business_ideas)),
        ('evaluations', 5, (SELECT count(*) FROM ideas.evaluations)),
        ('agent_results', 25, (SELECT count(*) FROM ideas.agent_results))
)
SELECT
    found.table_name,
    found.expected_rows,
    found.found_rows
FROM found
WHERE found.found_rows <> found.expected_rows;
