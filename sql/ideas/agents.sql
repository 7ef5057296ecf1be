-- Which agents there are: listed, added, tuned, left out.

-- name: list_agent_types()
-- All agents, and how the work of each is handed out.
-- replica: ok
SELECT
    agent.agent_type,
    agent.weight,
    agent.enabled,
    agent.max_running,
    agent.max_attempts,
    agent.backoff_ms,
    agent.lease_s
FROM ideas.agent_types AS agent
ORDER BY agent.agent_type;

-- name: set_agent_type(agent_type, weight, enabled, max_running, max_attempts, backoff_ms, lease_s)<!
-- Adds an agent, or changes what is given of one that is there; what is NULL stays, or
-- is the table's default. An agent that is not enabled is left out of new evaluations.
-- nullable: weight, enabled, max_running, max_attempts, backoff_ms, lease_s
INSERT INTO ideas.agent_types AS agent (
    agent_type,
    weight,
    enabled,
    max_running,
    max_attempts,
    backoff_ms,
    lease_s
)
SELECT
    :agent_type,
    coalesce(:weight::numeric, own.weight, 1),
    coalesce(:enabled::boolean, own.enabled, true),
    coalesce(:max_running::integer, own.max_running, 3),
    coalesce(:max_attempts::smallint, own.max_attempts, 3),
    coalesce(:backoff_ms::integer, own.backoff_ms, 2000),
    coalesce(:lease_s::integer, own.lease_s, 300)
FROM (VALUES (:agent_type::text)) AS asked (agent_type)
LEFT JOIN ideas.agent_types AS own
    ON own.agent_type = asked.agent_type
ON CONFLICT (agent_type) DO UPDATE
SET
    weight = EXCLUDED.weight,
    enabled = EXCLUDED.enabled,
    max_running = EXCLUDED.max_running,
    max_attempts = EXCLUDED.max_attempts,
    backoff_ms = EXCLUDED.backoff_ms,
    lease_s = EXCLUDED.lease_s
RETURNING
    agent.agent_type,
    agent.weight,
    agent.enabled;
