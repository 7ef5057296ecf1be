-- depends: promo-0004-create-organizations
--
-- Strategies that an AI proposed, numbered within their organisation. Accepting one
-- archives the one before, however it is done.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.organizations, for the foreign key.
-- Rewrites: none.
-- Rollback: drops the table and every strategy.

CREATE TABLE promo.ai_strategies (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1,
    previous_id uuid,
    status promo.strategy_status NOT NULL DEFAULT 'PROPOSED',
    positioning jsonb NOT NULL,
    audience_segments jsonb NOT NULL,
    content_pillars jsonb NOT NULL,
    channel_plan jsonb NOT NULL,
    cadence jsonb NOT NULL,
    calendar_skeleton jsonb NOT NULL,
    generated_by text,
    confidence double precision,
    accepted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT ai_strategies_pkey PRIMARY KEY (id),
    CONSTRAINT ai_strategies_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT ai_strategies_organization_id_version_key
        UNIQUE (organization_id, version),
    CONSTRAINT ai_strategies_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT ai_strategies_organization_id_previous_id_fkey
        FOREIGN KEY (organization_id, previous_id)
        REFERENCES promo.ai_strategies (organization_id, id)
        ON DELETE SET NULL (previous_id),
    CONSTRAINT ai_strategies_version_check CHECK (version >= 1),
    CONSTRAINT ai_strategies_previous_id_check CHECK (previous_id <> id),
    CONSTRAINT ai_strategies_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT ai_strategies_accepted_at_check
        CHECK (
            CASE status
                WHEN 'ACTIVE' THEN accepted_at IS NOT NULL
                WHEN 'PROPOSED' THEN accepted_at IS NULL
                ELSE true
            END
        )
);

COMMENT ON TABLE promo.ai_strategies IS
    'How an organisation is to be promoted, as an AI proposed it.';

COMMENT ON COLUMN promo.ai_strategies.generated_by IS
    'The model that wrote it.';

COMMENT ON COLUMN promo.ai_strategies.confidence IS
    'How sure the model was, from 0 to 1.';

CREATE UNIQUE INDEX ai_strategies_organization_id_active_key
    ON promo.ai_strategies (organization_id)
    WHERE status = 'ACTIVE';

CREATE INDEX ai_strategies_previous_id_idx ON promo.ai_strategies (previous_id);

CREATE INDEX ai_strategies_status_idx ON promo.ai_strategies (status);

CREATE TRIGGER ai_strategies_set_updated_at
    BEFORE UPDATE ON promo.ai_strategies
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER ai_strategies_status_step
    BEFORE UPDATE OF status ON promo.ai_strategies
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('PROPOSED', 'ACTIVE'),
            ('PROPOSED', 'REJECTED'),
            ('PROPOSED', 'ARCHIVED'),
            ('ACTIVE', 'ARCHIVED'),
            ('ARCHIVED', 'ACTIVE')
        )
    )
    EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER ai_strategies_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.ai_strategies
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- The row lock lets one change of an organisation's strategies at a time look for the
-- others, in a statement of its own, which sees what the ones before it committed.
CREATE FUNCTION promo.archive_other_strategies()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM
    FROM promo.organizations AS organization
    WHERE organization.id = NEW.organization_id
    FOR NO KEY UPDATE;

    UPDATE promo.ai_strategies AS other
    SET status = 'ARCHIVED'
    WHERE
        other.organization_id = NEW.organization_id
        AND other.status = 'ACTIVE'
        AND other.id <> NEW.id;

    RETURN NEW;
END
$$;

COMMENT ON FUNCTION promo.archive_other_strategies() IS
    'For ai_strategies: archives the active one when another becomes it.';

CREATE TRIGGER ai_strategies_archive_others
    BEFORE UPDATE OF status ON promo.ai_strategies
    FOR EACH ROW
    WHEN (OLD.status <> 'ACTIVE' AND NEW.status = 'ACTIVE')
    EXECUTE FUNCTION promo.archive_other_strategies();

CREATE FUNCTION promo.next_strategy_version(organization uuid)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    last_version integer;
BEGIN
    PERFORM
    FROM promo.organizations AS own
    WHERE own.id = organization
    FOR NO KEY UPDATE;

    SELECT max(strategy.version)
    INTO last_version
    FROM promo.ai_strategies AS strategy
    WHERE strategy.organization_id = organization;

    RETURN coalesce(last_version, 0) + 1;
END
$$;

COMMENT ON FUNCTION promo.next_strategy_version(uuid) IS
    'The number of an organisation''s next strategy. Holds off others who ask until '
    'the transaction ends.';
