-- depends: ideas-0004-create-agent-types
--
-- Evaluations of ideas: one at a time is alive, which makes submitting an idea twice
-- the same as once; earlier ones stay as its history.
--
-- An idea's status is what its evaluations make it. They set it, and nothing else can.
--
-- Lock: SHARE ROW EXCLUSIVE on ideas.business_ideas, for the foreign key and triggers.
-- Rewrites: none.
-- Rollback: drops the table and every evaluation in it; ideas keep the status they
-- have.

CREATE TABLE ideas.evaluations (
    id uuid NOT NULL DEFAULT core.new_id(),
    business_idea_id uuid NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    status ideas.evaluation_status NOT NULL DEFAULT 'pending',
    priority ideas.evaluation_priority NOT NULL DEFAULT 'normal',
    started_at timestamptz,
    completed_at timestamptz,
    results jsonb,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT evaluations_pkey PRIMARY KEY (id),
    CONSTRAINT evaluations_business_idea_id_revision_key
        UNIQUE (business_idea_id, revision),
    CONSTRAINT evaluations_business_idea_id_fkey
        FOREIGN KEY (business_idea_id)
        REFERENCES ideas.business_ideas (id)
        ON DELETE CASCADE,
    CONSTRAINT evaluations_revision_check CHECK (revision > 0),
    CONSTRAINT evaluations_started_at_check
        CHECK (
            CASE status
                WHEN 'pending' THEN started_at IS NULL
                WHEN 'failed' THEN true
                ELSE started_at IS NOT NULL
            END
        ),
    CONSTRAINT evaluations_completed_at_check
        CHECK ((status IN ('completed', 'failed')) = (completed_at IS NOT NULL)),
    CONSTRAINT evaluations_started_at_completed_at_check
        CHECK (completed_at >= started_at),
    CONSTRAINT evaluations_results_check
        CHECK (
            (status = 'completed') = (results IS NOT NULL)
            AND jsonb_typeof(results) = 'object'
        ),
    CONSTRAINT evaluations_error_message_check
        CHECK ((status = 'failed') = (error_message IS NOT NULL))
);

COMMENT ON TABLE ideas.evaluations IS
    'One evaluation of an idea by all agents that were enabled when it was submitted.';

COMMENT ON COLUMN ideas.evaluations.revision IS
    'Which evaluation of the idea this is, from 1.';

COMMENT ON COLUMN ideas.evaluations.results IS
    'What the agents'' results come to: overall_score, recommendation, '
    'confidence_level, scores by agent, and next_steps.';

CREATE UNIQUE INDEX evaluations_business_idea_id_live_key
    ON ideas.evaluations (business_idea_id)
    WHERE status IN ('pending', 'analyzing') AND deleted_at IS NULL;

CREATE INDEX evaluations_priority_created_at_id_idx
    ON ideas.evaluations (priority DESC, created_at, id)
    WHERE status = 'pending' AND deleted_at IS NULL;

CREATE INDEX evaluations_started_at_idx
    ON ideas.evaluations (started_at)
    WHERE status = 'analyzing' AND deleted_at IS NULL;

CREATE INDEX evaluations_status_created_at_id_idx
    ON ideas.evaluations (status, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX evaluations_created_at_id_idx
    ON ideas.evaluations (created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX evaluations_results_idx
    ON ideas.evaluations USING gin (results jsonb_path_ops);

CREATE TRIGGER evaluations_set_updated_at
    BEFORE UPDATE ON ideas.evaluations
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER evaluations_status_step
    BEFORE UPDATE OF status ON ideas.evaluations
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('pending', 'analyzing'),
            ('pending', 'failed'),
            ('analyzing', 'completed'),
            ('analyzing', 'failed')
        )
    )
    EXECUTE FUNCTION ideas.refuse_step();

CREATE TRIGGER evaluations_business_idea_id_live
    BEFORE INSERT OR UPDATE OF business_idea_id, deleted_at ON ideas.evaluations
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION ideas.require_live_parent(
        'ideas.business_ideas',
        'business_idea_id'
    );

CREATE TRIGGER business_ideas_delete_evaluations
    AFTER UPDATE OF deleted_at ON ideas.business_ideas
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION ideas.delete_children('ideas.evaluations', 'business_idea_id');

CREATE TRIGGER evaluations_audit
    AFTER INSERT OR UPDATE OR DELETE ON ideas.evaluations
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE FUNCTION ideas.status_of(idea_id uuid)
RETURNS ideas.idea_status
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN bool_or(evaluation.status = 'analyzing') THEN 'evaluating'
            WHEN bool_or(evaluation.status = 'pending') THEN 'submitted'
            WHEN bool_or(evaluation.status = 'completed') THEN 'completed'
            ELSE 'draft'
        END::ideas.idea_status
    FROM ideas.evaluations AS evaluation
    WHERE
        evaluation.business_idea_id = idea_id
        AND evaluation.deleted_at IS NULL;
END;

COMMENT ON FUNCTION ideas.status_of(uuid) IS
    'The status that an idea has by its evaluations.';

CREATE FUNCTION ideas.require_own_status()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    own CONSTANT ideas.idea_status := CASE TG_OP
        WHEN 'INSERT' THEN 'draft'
        ELSE ideas.status_of(NEW.id)
    END;
BEGIN
    IF NEW.status <> own THEN
        RAISE EXCEPTION 'an idea cannot be made %', NEW.status
            USING
                ERRCODE = 'check_violation',
                HINT = 'Submit it; its status follows from its evaluations.',
                SCHEMA = 'ideas',
                TABLE = 'business_ideas',
                CONSTRAINT = 'business_ideas_status_own';
    END IF;

    RETURN NEW;
END
$$;

COMMENT ON FUNCTION ideas.require_own_status() IS
    'For business_ideas: refuses a status that the idea''s evaluations do not make.';

CREATE TRIGGER business_ideas_status_own
    BEFORE INSERT OR UPDATE OF status ON ideas.business_ideas
    FOR EACH ROW
    EXECUTE FUNCTION ideas.require_own_status();

CREATE FUNCTION ideas.set_idea_status()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE ideas.business_ideas AS idea
    SET status = ideas.status_of(idea.id)
    WHERE
        idea.id IN (OLD.business_idea_id, NEW.business_idea_id)
        AND idea.status <> ideas.status_of(idea.id);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION ideas.set_idea_status() IS
    'For evaluations: makes the status of their idea what they say.';

CREATE TRIGGER evaluations_set_idea_status
    AFTER INSERT OR DELETE OR UPDATE OF business_idea_id, status, deleted_at
    ON ideas.evaluations
    FOR EACH ROW
    EXECUTE FUNCTION ideas.set_idea_status();
