-- depends: promo-0001-create-schema
--
-- What can be had for which price. The plans are rows: another is added, or an old one
-- is no longer sold, without a migration. pro has the limits, and so the price, of
-- growth; what no price list says of the others is set by their size.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the table, and with it changes to the plans.

CREATE TABLE promo.plans (
    plan text NOT NULL,
    display_name text NOT NULL,
    price_monthly_cents integer NOT NULL,
    price_yearly_cents integer,
    stripe_price_id text,
    max_organizations integer NOT NULL,
    max_posts_per_month integer NOT NULL,
    max_strategies_per_month integer NOT NULL,
    analytics_days integer NOT NULL,
    platforms promo.platform[] NOT NULL
        DEFAULT enum_range(NULL::promo.platform),
    features jsonb NOT NULL DEFAULT '[]',
    is_active boolean NOT NULL DEFAULT true,
    CONSTRAINT plans_pkey PRIMARY KEY (plan),
    CONSTRAINT plans_stripe_price_id_key UNIQUE (stripe_price_id),
    CONSTRAINT plans_plan_check CHECK (plan ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT plans_display_name_check CHECK (btrim(display_name) <> ''),
    CONSTRAINT plans_price_monthly_cents_check CHECK (price_monthly_cents >= 0),
    CONSTRAINT plans_price_yearly_cents_check CHECK (price_yearly_cents >= 0),
    CONSTRAINT plans_max_organizations_check CHECK (max_organizations > 0),
    CONSTRAINT plans_max_posts_per_month_check CHECK (max_posts_per_month >= 0),
    CONSTRAINT plans_max_strategies_per_month_check
        CHECK (max_strategies_per_month >= 0),
    CONSTRAINT plans_analytics_days_check CHECK (analytics_days > 0),
    CONSTRAINT plans_platforms_check CHECK (cardinality(platforms) > 0),
    CONSTRAINT plans_features_check CHECK (jsonb_typeof(features) = 'array')
);

COMMENT ON TABLE promo.plans IS
    'What users can have, and the limits of each plan.';

COMMENT ON COLUMN promo.plans.stripe_price_id IS
    'By which price a Stripe subscription is one to this plan; set for each '
    'environment.';

COMMENT ON COLUMN promo.plans.max_organizations IS
    'The most organisations at one time.';

COMMENT ON COLUMN promo.plans.analytics_days IS
    'How many days back analytics are shown.';

COMMENT ON COLUMN promo.plans.platforms IS
    'Of which platforms accounts can be connected.';

COMMENT ON COLUMN promo.plans.is_active IS
    'Whether it is sold; who has it keeps it.';

CREATE TRIGGER plans_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.plans
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

INSERT INTO promo.plans (
    plan,
    display_name,
    price_monthly_cents,
    max_organizations,
    max_posts_per_month,
    max_strategies_per_month,
    analytics_days,
    platforms
)
VALUES
    ('free', 'Free', 0, 1, 20, 1, 14, '{TWITTER,LINKEDIN}'),
    ('starter', 'Starter', 2900, 1, 50, 2, 30, enum_range(NULL::promo.platform)),
    ('pro', 'Pro', 7900, 3, 200, 5, 90, enum_range(NULL::promo.platform)),
    ('growth', 'Growth', 7900, 3, 200, 5, 90, enum_range(NULL::promo.platform)),
    ('scale', 'Scale', 19900, 10, 1000, 20, 365, enum_range(NULL::promo.platform));
