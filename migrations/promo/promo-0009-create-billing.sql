-- depends: promo-0008-create-accounts
--
-- What users pay for, and what they used of it. A user's plan follows from the
-- subscriptions, whoever changes them.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.users and promo.plans, for foreign keys.
-- Rewrites: none.
-- Rollback: drops both tables; users keep the plan they have.

CREATE TABLE promo.subscriptions (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    plan text NOT NULL,
    status promo.subscription_status NOT NULL,
    stripe_subscription_id text,
    stripe_customer_id text,
    stripe_updated_at timestamptz,
    stripe_invoiced_at timestamptz,
    current_period_start timestamptz,
    current_period_end timestamptz,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    cancelled_at timestamptz,
    trial_end timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_stripe_subscription_id_key
        UNIQUE (stripe_subscription_id),
    CONSTRAINT subscriptions_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES promo.users (id)
        ON DELETE CASCADE,
    CONSTRAINT subscriptions_plan_fkey
        FOREIGN KEY (plan)
        REFERENCES promo.plans (plan)
        ON UPDATE CASCADE
        ON DELETE RESTRICT,
    CONSTRAINT subscriptions_current_period_end_check
        CHECK (current_period_end > current_period_start),
    CONSTRAINT subscriptions_cancelled_at_check
        CHECK (status <> 'CANCELLED' OR cancelled_at IS NOT NULL)
);

COMMENT ON TABLE promo.subscriptions IS
    'A subscription of a user to a plan, past ones too.';

COMMENT ON COLUMN promo.subscriptions.stripe_updated_at IS
    'When Stripe made the subscription what it is here; events of before are late.';

COMMENT ON COLUMN promo.subscriptions.stripe_invoiced_at IS
    'When the invoice event happened that was heeded last.';

CREATE UNIQUE INDEX subscriptions_user_id_live_key
    ON promo.subscriptions (user_id)
    WHERE status IN ('ACTIVE', 'TRIALING', 'PAST_DUE');

CREATE INDEX subscriptions_user_id_idx ON promo.subscriptions (user_id);

CREATE INDEX subscriptions_plan_idx ON promo.subscriptions (plan);

CREATE INDEX subscriptions_stripe_customer_id_idx
    ON promo.subscriptions (stripe_customer_id);

CREATE TRIGGER subscriptions_set_updated_at
    BEFORE UPDATE ON promo.subscriptions
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER subscriptions_status_step
    BEFORE UPDATE OF status ON promo.subscriptions
    FOR EACH ROW
    WHEN (OLD.status = 'CANCELLED' AND NEW.status <> 'CANCELLED')
    EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER subscriptions_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.subscriptions
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- Two statements after the row lock: the second sees what others committed until then.
CREATE FUNCTION promo.set_plan()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    subscriber CONSTANT uuid := coalesce(NEW.user_id, OLD.user_id);
BEGIN
    PERFORM
    FROM promo.users AS account
    WHERE account.id = subscriber
    FOR NO KEY UPDATE;

    UPDATE promo.users AS account
    SET plan = due.plan
    FROM (
        SELECT coalesce(max(live.plan), 'free') AS plan
        FROM promo.subscriptions AS live
        WHERE
            live.user_id = subscriber
            AND live.status IN ('ACTIVE', 'TRIALING', 'PAST_DUE')
    ) AS due
    WHERE
        account.id = subscriber
        AND account.plan <> due.plan;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION promo.set_plan() IS
    'For subscriptions: gives the user the plan of the live one, of which there is one '
    'at most, otherwise free.';

CREATE TRIGGER subscriptions_set_plan
    AFTER INSERT OR DELETE OR UPDATE OF status, plan ON promo.subscriptions
    FOR EACH ROW
    EXECUTE FUNCTION promo.set_plan();

CREATE TABLE promo.usage (
    user_id uuid NOT NULL,
    month date NOT NULL,
    posts_generated integer NOT NULL DEFAULT 0,
    posts_published integer NOT NULL DEFAULT 0,
    strategies_generated integer NOT NULL DEFAULT 0,
    organizations_created integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_pkey PRIMARY KEY (user_id, month),
    CONSTRAINT usage_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES promo.users (id)
        ON DELETE CASCADE,
    CONSTRAINT usage_month_check CHECK (extract(DAY FROM month) = 1),
    CONSTRAINT usage_posts_generated_check CHECK (posts_generated >= 0),
    CONSTRAINT usage_posts_published_check CHECK (posts_published >= 0),
    CONSTRAINT usage_strategies_generated_check CHECK (strategies_generated >= 0),
    CONSTRAINT usage_organizations_created_check CHECK (organizations_created >= 0)
);

COMMENT ON TABLE promo.usage IS
    'What a user used in a month that begins at midnight UTC. Counters are not '
    'audited.';

CREATE TRIGGER usage_set_updated_at
    BEFORE UPDATE ON promo.usage
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();
