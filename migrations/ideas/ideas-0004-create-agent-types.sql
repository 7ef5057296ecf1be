-- depends: ideas-0003-create-business-ideas
--
-- Which agents there are. They are rows, not labels of an enum: an agent is added, or
-- left out of new evaluations, without a migration.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the table, and every agent that was added to it.

CREATE TABLE ideas.agent_types (
    agent_type text NOT NULL,
    weight numeric(6, 3) NOT NULL DEFAULT 1,
    enabled boolean NOT NULL DEFAULT true,
    max_running integer NOT NULL DEFAULT 3,
    max_attempts smallint NOT NULL DEFAULT 3,
    backoff_ms integer NOT NULL DEFAULT 2000,
    lease_s integer NOT NULL DEFAULT 300,
    CONSTRAINT agent_types_pkey PRIMARY KEY (agent_type),
    CONSTRAINT agent_types_agent_type_check
        CHECK (
            agent_type ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
            AND char_length(agent_type) <= 80
        ),
    CONSTRAINT agent_types_weight_check CHECK (weight > 0),
    CONSTRAINT agent_types_max_running_check CHECK (max_running > 0),
    CONSTRAINT agent_types_max_attempts_check CHECK (max_attempts BETWEEN 1 AND 50),
    CONSTRAINT agent_types_backoff_ms_check CHECK (backoff_ms BETWEEN 0 AND 86400000),
    CONSTRAINT agent_types_lease_s_check CHECK (lease_s > 0)
);

COMMENT ON TABLE ideas.agent_types IS
    'The agents that look at an idea, and how the work of each is handed out.';

COMMENT ON COLUMN ideas.agent_types.weight IS
    'How much the agent''s score counts against those of the others.';

COMMENT ON COLUMN ideas.agent_types.enabled IS
    'Whether new evaluations ask this agent; tasks that are there already are done.';

COMMENT ON COLUMN ideas.agent_types.max_running IS
    'The most tasks that all of its workers together may hold at one time.';

COMMENT ON COLUMN ideas.agent_types.backoff_ms IS
    'The wait before the second attempt; it doubles with each further one.';

COMMENT ON COLUMN ideas.agent_types.lease_s IS
    'How long a worker may hold a task, unless it extends its lease.';

INSERT INTO ideas.agent_types (agent_type, weight)
VALUES
    ('market-research', 1.5),
    ('competitive-analysis', 1),
    ('customer-research', 1.5),
    ('technical-feasibility', 1),
    ('financial-analysis', 1);
