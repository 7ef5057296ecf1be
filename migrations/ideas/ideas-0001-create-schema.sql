-- depends: core-0006-create-monitoring
--
-- The schema of the ideas system, its four closed vocabularies, and the three rules
-- that its tables share: an order of states, what deletion means, and what a score
-- advises.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the schema, the types and the functions; they hold no rows.

CREATE SCHEMA ideas;

COMMENT ON SCHEMA ideas IS
    'Business ideas and what AI agents make of them: users, ideas, evaluations, agent '
    'results.';

CREATE TYPE ideas.idea_status AS ENUM (
    'draft',
    'submitted',
    'evaluating',
    'completed'
);

COMMENT ON TYPE ideas.idea_status IS
    'What an idea''s evaluations make it. submitted: one is pending. evaluating: one '
    'is analyzing. completed: one is done, and none under way. draft: none of these.';

CREATE TYPE ideas.evaluation_status AS ENUM (
    'pending',
    'analyzing',
    'completed',
    'failed'
);

COMMENT ON TYPE ideas.evaluation_status IS
    'pending: waits for its turn. analyzing: its agents are at work. completed: there '
    'are results. failed: there will be none; the idea can be submitted again.';

CREATE TYPE ideas.evaluation_priority AS ENUM (
    'low',
    'normal',
    'high'
);

COMMENT ON TYPE ideas.evaluation_priority IS
    'In which order pending evaluations have their turn; greater is sooner.';

CREATE TYPE ideas.agent_status AS ENUM (
    'pending',
    'running',
    'completed',
    'failed'
);

COMMENT ON TYPE ideas.agent_status IS
    'pending: to be claimed from run_at on. running: a worker holds it until '
    'lease_until. completed: there is a score. failed: out of attempts or of time.';

-- For triggers whose WHEN lists the steps that exist; this is what the others meet.
CREATE FUNCTION ideas.refuse_step()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%.% cannot go from % to %',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.status, NEW.status
        USING
            ERRCODE = 'check_violation',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION ideas.refuse_step() IS
    'For BEFORE UPDATE OF status ... WHEN (no such step): refuses it as a broken CHECK '
    'that has the trigger''s name.';

-- FOR SHARE makes an insert wait for a deletion that is not committed yet, and the
-- deletion for the insert, so that neither misses the other.
CREATE FUNCTION ideas.require_live_parent()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    parent CONSTANT regclass := TG_ARGV[0];
    deleted_at timestamptz;
BEGIN
    EXECUTE format('SELECT deleted_at FROM %s WHERE id = $1 FOR SHARE', parent)
    INTO deleted_at
    USING (to_jsonb(NEW) ->> TG_ARGV[1])::uuid;

    IF deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'what a row of %.% belongs to in % is deleted',
            TG_TABLE_SCHEMA, TG_TABLE_NAME, parent
            USING
                ERRCODE = 'foreign_key_violation',
                SCHEMA = TG_TABLE_SCHEMA,
                TABLE = TG_TABLE_NAME,
                CONSTRAINT = TG_NAME;
    END IF;

    RETURN NEW;
END
$$;

COMMENT ON FUNCTION ideas.require_live_parent() IS
    'For BEFORE INSERT OR UPDATE ... WHEN (NEW.deleted_at IS NULL), with a table and '
    'the column that refers to it: refuses a live row under a deleted one.';

-- One statement for both ways: what stood as this row did follows it. Children that
-- were deleted before, by themselves, have another time and stay deleted.
CREATE FUNCTION ideas.delete_children()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format(
        'UPDATE %s SET deleted_at = $1
        WHERE %I = $2 AND deleted_at IS NOT DISTINCT FROM $3',
        TG_ARGV[0]::regclass,
        TG_ARGV[1]
    )
    USING NEW.deleted_at, NEW.id, OLD.deleted_at;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION ideas.delete_children() IS
    'For AFTER UPDATE OF deleted_at, with a table and its column that refers to this '
    'one: what belongs to a row is deleted with it, and restored with it.';

CREATE FUNCTION ideas.recommendation(score numeric)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN CASE
    WHEN score >= 70 THEN 'GO'
    WHEN score >= 50 THEN 'PIVOT'
    ELSE 'NO-GO'
END;

COMMENT ON FUNCTION ideas.recommendation(numeric) IS
    'What an overall score from 0 to 100 advises: GO from 70, PIVOT from 50, else '
    'NO-GO.';
