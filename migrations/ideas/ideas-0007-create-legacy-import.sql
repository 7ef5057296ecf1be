-- depends: ideas-0006-create-agent-results
--
-- Takes over what an earlier schema of three tables holds (users, business_evaluations,
-- agent_executions), and does so at once if they are in public. Where they lie in
-- another schema, or get more rows, call ideas.import_legacy(schema) again: it passes
-- by what was taken over before. The tables themselves are left as they are.
--
-- A business evaluation becomes an idea and its first evaluation; one that had not
-- finished becomes a failed evaluation of a draft, which can be submitted again. But
-- for id, email and user_id, a column that the earlier table does not have counts as
-- NULL. A row that the new tables refuse is kept in ideas.legacy_rejects, with the
-- reason.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the functions and the rejects; rows that were taken over stay.

CREATE TABLE ideas.legacy_rejects (
    table_name text NOT NULL,
    legacy_id text NOT NULL,
    reason text NOT NULL,
    original jsonb NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT legacy_rejects_pkey PRIMARY KEY (table_name, legacy_id),
    CONSTRAINT legacy_rejects_original_check CHECK (jsonb_typeof(original) = 'object')
);

COMMENT ON TABLE ideas.legacy_rejects IS
    'The rows of the earlier schema that could not be taken over, as they were.';

-- The same id each time, so that nothing is taken over twice.
CREATE FUNCTION ideas.legacy_key(table_name text, legacy_id text)
RETURNS uuid
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN CASE
    WHEN legacy_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    THEN legacy_id::uuid
    ELSE md5(table_name || ' ' || legacy_id)::uuid
END;

COMMENT ON FUNCTION ideas.legacy_key(text, text) IS
    'The id of a row that was taken over: its own if that was a uuid, else made of it.';

CREATE FUNCTION ideas.import_legacy_user(original jsonb)
RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ideas.users (id, email, password_hash, name, created_at)
    VALUES (
        ideas.legacy_key('users', original ->> 'id'),
        btrim(original ->> 'email'),
        coalesce(original ->> 'password_hash', '$none$'),
        coalesce(original ->> 'name', original ->> 'email'),
        coalesce((original ->> 'created_at')::timestamptz, now())
    )
    ON CONFLICT DO NOTHING;
END;

COMMENT ON FUNCTION ideas.import_legacy_user(jsonb) IS
    'Takes over a user, unless the address is known; without a hash nobody can log in.';

CREATE FUNCTION ideas.import_legacy_evaluation(original jsonb)
RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ideas.business_ideas (id, user_id, title, description, created_at)
    VALUES (
        ideas.legacy_key('business_evaluations', original ->> 'id'),
        (
            SELECT owner.id
            FROM ideas.users AS owner
            WHERE
                lower(owner.email) = lower(btrim(original ->> 'user_email'))
                AND owner.deleted_at IS NULL
        ),
        original ->> 'title',
        original ->> 'description',
        coalesce((original ->> 'created_at')::timestamptz, now())
    );

    INSERT INTO ideas.evaluations (
        id,
        business_idea_id,
        status,
        priority,
        started_at,
        completed_at,
        results,
        error_message,
        created_at
    )
    SELECT
        idea.id,
        idea.id,
        CASE WHEN old.completed THEN 'completed' ELSE 'failed' END
            ::ideas.evaluation_status,
        CASE original ->> 'urgency'
            WHEN 'low' THEN 'low'
            WHEN 'high' THEN 'high'
            ELSE 'normal'
        END::ideas.evaluation_priority,
        idea.created_at,
        greatest((original ->> 'completed_at')::timestamptz, idea.created_at),
        CASE
            WHEN old.completed
            THEN coalesce(nullif(original -> 'results', 'null'), '{}')
        END,
        CASE
            WHEN NOT old.completed
            THEN 'It had not finished when the earlier schema was replaced.'
        END,
        idea.created_at
    FROM ideas.business_ideas AS idea
    CROSS JOIN coalesce(original ->> 'status' = 'completed', false) AS old (completed)
    WHERE idea.id = ideas.legacy_key('business_evaluations', original ->> 'id');
END;

COMMENT ON FUNCTION ideas.import_legacy_evaluation(jsonb) IS
    'Takes over a business evaluation, whose user_email says whose it is.';

CREATE FUNCTION ideas.import_legacy_execution(original jsonb)
RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ideas.agent_results (
        id,
        evaluation_id,
        agent_type,
        status,
        attempts,
        input_data,
        output_data,
        score,
        started_at,
        completed_at,
        error_message,
        created_at
    )
    SELECT
        ideas.legacy_key('agent_executions', original ->> 'id'),
        ideas.legacy_key('business_evaluations', original ->> 'evaluation_id'),
        translate(lower(original ->> 'agent_type'), '_ ', '--'),
        CASE WHEN old.completed THEN 'completed' ELSE 'failed' END::ideas.agent_status,
        1,
        nullif(original -> 'input_data', 'null'),
        nullif(original -> 'output_data', 'null'),
        CASE WHEN old.completed THEN (original ->> 'score')::double precision END,
        old.created_at,
        greatest((original ->> 'completed_at')::timestamptz, old.created_at),
        CASE
            WHEN NOT old.completed
            THEN coalesce(
                original ->> 'error_message',
                'It had not finished when the earlier schema was replaced.'
            )
        END,
        old.created_at
    FROM (
        SELECT
            coalesce(original ->> 'status' = 'completed', false) AS completed,
            coalesce((original ->> 'created_at')::timestamptz, now()) AS created_at
    ) AS old;
END;

COMMENT ON FUNCTION ideas.import_legacy_execution(jsonb) IS
    'Takes over what an agent did; its evaluation must have been before.';

CREATE FUNCTION ideas.import_legacy(source text DEFAULT 'public')
RETURNS TABLE (legacy_table text, imported bigint, rejected bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    old_users CONSTANT text := format('%I.users', source);
    old_evaluations CONSTANT text := format('%I.business_evaluations', source);
    old_executions CONSTANT text := format('%I.agent_executions', source);
    take text;
    reading text;
    old_row jsonb;
BEGIN
    IF
        to_regclass(old_users) IS NULL
        OR to_regclass(old_evaluations) IS NULL
        OR to_regclass(old_executions) IS NULL
    THEN
        RETURN;
    END IF;

    FOR legacy_table, take, reading IN
        VALUES
            (
                'users',
                'SELECT ideas.import_legacy_user($1)',
                format(
                    'SELECT to_jsonb(old)
                    FROM %s AS old
                    WHERE NOT EXISTS (
                        SELECT FROM ideas.users AS new
                        WHERE lower(new.email) = lower(btrim(old.email))
                    )',
                    old_users
                )
            ),
            (
                'business_evaluations',
                'SELECT ideas.import_legacy_evaluation($1)',
                format(
                    'SELECT
                        to_jsonb(old) || jsonb_build_object(''user_email'', owner.email)
                    FROM %s AS old
                    LEFT JOIN %s AS owner
                        ON owner.id = old.user_id
                    WHERE NOT EXISTS (
                        SELECT FROM ideas.business_ideas AS new
                        WHERE new.id
                            = ideas.legacy_key(''business_evaluations'', old.id::text)
                    )',
                    old_evaluations,
                    old_users
                )
            ),
            (
                'agent_executions',
                'SELECT ideas.import_legacy_execution($1)',
                format(
                    'SELECT to_jsonb(old)
                    FROM %s AS old
                    WHERE NOT EXISTS (
                        SELECT FROM ideas.agent_results AS new
                        WHERE new.id
                            = ideas.legacy_key(''agent_executions'', old.id::text)
                    )',
                    old_executions
                )
            )
    LOOP
        imported := 0;
        rejected := 0;

        FOR old_row IN EXECUTE reading
        LOOP
            -- What is refused takes nothing of its own row along, and no other row.
            BEGIN
                EXECUTE take USING old_row;
                imported := imported + 1;

                DELETE FROM ideas.legacy_rejects AS reject
                WHERE
                    reject.table_name = legacy_table
                    AND reject.legacy_id = old_row ->> 'id';
            EXCEPTION
                WHEN integrity_constraint_violation OR data_exception THEN
                    rejected := rejected + 1;

                    INSERT INTO ideas.legacy_rejects AS reject (
                        table_name,
                        legacy_id,
                        reason,
                        original
                    )
                    VALUES (
                        legacy_table,
                        old_row ->> 'id',
                        SQLERRM,
                        old_row
                    )
                    ON CONFLICT (table_name, legacy_id) DO UPDATE
                    SET
                        reason = EXCLUDED.reason,
                        original = EXCLUDED.original,
                        rejected_at = EXCLUDED.rejected_at;
            END;
        END LOOP;

        RETURN NEXT;
    END LOOP;
END
$$;

COMMENT ON FUNCTION ideas.import_legacy(text) IS
    'Takes over what the earlier schema has and this one has not, and counts it; '
    'without all three tables, nothing.';

SELECT ideas.import_legacy();
