-- depends: ideas-0005-create-evaluations
--
-- What each agent has to do for an evaluation, and what came of it: one row from task
-- to result. A worker holds a task by locked_by and lease_until, so that its crash
-- delays the task and does not lose it; attempts tells two leases of one worker apart.
--
-- Each task is updated at least three times: vacuum after 2 %, not 20 %, of the rows,
-- or claims wade through dead index entries.
--
-- Lock: SHARE ROW EXCLUSIVE on ideas.evaluations and ideas.agent_types, for the foreign
-- keys and a trigger. Rewrites: none.
-- Rollback: drops the table, every task and every result in it.

CREATE TABLE ideas.agent_results (
    id uuid NOT NULL DEFAULT core.new_id(),
    evaluation_id uuid NOT NULL,
    agent_type text NOT NULL,
    status ideas.agent_status NOT NULL DEFAULT 'pending',
    attempts smallint NOT NULL DEFAULT 0,
    run_at timestamptz,
    locked_by text,
    lease_until timestamptz,
    input_data jsonb,
    output_data jsonb,
    score double precision,
    insights jsonb,
    started_at timestamptz,
    completed_at timestamptz,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT agent_results_pkey PRIMARY KEY (id),
    CONSTRAINT agent_results_evaluation_id_agent_type_key
        UNIQUE (evaluation_id, agent_type),
    CONSTRAINT agent_results_evaluation_id_fkey
        FOREIGN KEY (evaluation_id)
        REFERENCES ideas.evaluations (id)
        ON DELETE CASCADE,
    CONSTRAINT agent_results_agent_type_fkey
        FOREIGN KEY (agent_type)
        REFERENCES ideas.agent_types (agent_type)
        ON UPDATE CASCADE
        ON DELETE RESTRICT,
    CONSTRAINT agent_results_attempts_check CHECK (attempts >= 0),
    CONSTRAINT agent_results_locked_by_check
        CHECK ((status = 'running') = (locked_by IS NOT NULL)),
    CONSTRAINT agent_results_lease_until_check
        CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT agent_results_score_check CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT agent_results_status_score_check
        CHECK ((status = 'completed') = (score IS NOT NULL)),
    CONSTRAINT agent_results_output_data_check
        CHECK (status <> 'completed' OR output_data IS NOT NULL),
    CONSTRAINT agent_results_insights_check
        CHECK (jsonb_typeof(insights) = 'object'),
    CONSTRAINT agent_results_started_at_check
        CHECK (status IN ('pending', 'failed') OR started_at IS NOT NULL),
    CONSTRAINT agent_results_completed_at_check
        CHECK ((status IN ('completed', 'failed')) = (completed_at IS NOT NULL)),
    CONSTRAINT agent_results_started_at_completed_at_check
        CHECK (completed_at >= started_at),
    CONSTRAINT agent_results_error_message_check
        CHECK (status <> 'failed' OR error_message IS NOT NULL)
)
WITH (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);

COMMENT ON TABLE ideas.agent_results IS
    'One agent''s task in an evaluation, and its result.';

COMMENT ON COLUMN ideas.agent_results.attempts IS
    'How often the task was claimed.';

COMMENT ON COLUMN ideas.agent_results.run_at IS
    'From when on a pending task may be claimed; NULL until the evaluation starts.';

COMMENT ON COLUMN ideas.agent_results.score IS
    'From 0 to 100, greater is better; there is one if, and only if, it is completed.';

COMMENT ON COLUMN ideas.agent_results.insights IS
    'What to show a reader; its next_steps, an array, go into the evaluation''s '
    'results.';

COMMENT ON COLUMN ideas.agent_results.error_message IS
    'Why the last attempt that failed did so; kept when a later one succeeds.';

CREATE INDEX agent_results_agent_type_run_at_id_idx
    ON ideas.agent_results (agent_type, run_at, id)
    WHERE status = 'pending' AND deleted_at IS NULL;

CREATE INDEX agent_results_agent_type_lease_until_idx
    ON ideas.agent_results (agent_type, lease_until)
    WHERE status = 'running' AND deleted_at IS NULL;

CREATE INDEX agent_results_agent_type_completed_at_idx
    ON ideas.agent_results (agent_type, completed_at);

CREATE INDEX agent_results_insights_idx
    ON ideas.agent_results USING gin (insights jsonb_path_ops);

CREATE TRIGGER agent_results_set_updated_at
    BEFORE UPDATE ON ideas.agent_results
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER agent_results_status_step
    BEFORE UPDATE OF status ON ideas.agent_results
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('pending', 'running'),
            ('pending', 'failed'),
            ('running', 'pending'),
            ('running', 'completed'),
            ('running', 'failed')
        )
    )
    EXECUTE FUNCTION ideas.refuse_step();

CREATE TRIGGER agent_results_evaluation_id_live
    BEFORE INSERT OR UPDATE OF evaluation_id, deleted_at ON ideas.agent_results
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION ideas.require_live_parent('ideas.evaluations', 'evaluation_id');

CREATE TRIGGER evaluations_delete_agent_results
    AFTER UPDATE OF deleted_at ON ideas.evaluations
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION ideas.delete_children('ideas.agent_results', 'evaluation_id');

CREATE TRIGGER agent_results_audit
    AFTER INSERT OR UPDATE OR DELETE ON ideas.agent_results
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- The row lock lets one claim of an agent type at a time count its running tasks, which
-- is a statement of its own: under READ COMMITTED it sees what the claims before it
-- committed. core.free_slots() does the same for queues.
CREATE FUNCTION ideas.free_slots(agent text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    slots integer;
    taken bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'agent tasks cannot be claimed under REPEATABLE READ'
            USING
                ERRCODE = 'feature_not_supported',
                DETAIL = 'Its snapshot may miss tasks that are running by now.',
                HINT = 'Claim tasks under READ COMMITTED or SERIALIZABLE.';
    END IF;

    SELECT entry.max_running
    INTO slots
    FROM ideas.agent_types AS entry
    WHERE entry.agent_type = agent
    FOR NO KEY UPDATE;

    SELECT count(*)
    INTO taken
    FROM ideas.agent_results AS task
    WHERE
        task.agent_type = agent
        AND task.status = 'running'
        AND task.deleted_at IS NULL;

    RETURN greatest(slots - taken, 0);
END
$$;

COMMENT ON FUNCTION ideas.free_slots(text) IS
    'How many more tasks of an agent type may run. Holds off other claims of the type '
    'until the transaction ends.';
