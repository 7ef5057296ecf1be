-- depends: dining-0005-create-mentions
--
-- Who uses the service, what they pay for, and what they do in it. A user with a
-- subscription cannot be deleted; the events of one that can go along.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the three tables and every user in them.

CREATE TABLE dining.users (
    id uuid NOT NULL DEFAULT core.new_id(),
    email text NOT NULL,
    subscription_status dining.subscription_status NOT NULL DEFAULT 'trialing',
    trial_started_at timestamptz,
    trial_ends_at timestamptz,
    stripe_customer_id text,
    referral_code text,
    referred_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_stripe_customer_id_key UNIQUE (stripe_customer_id),
    CONSTRAINT users_referral_code_key UNIQUE (referral_code),
    CONSTRAINT users_referred_by_fkey
        FOREIGN KEY (referred_by)
        REFERENCES dining.users (id)
        ON DELETE SET NULL,
    CONSTRAINT users_email_check
        CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND char_length(email) <= 255),
    CONSTRAINT users_trial_started_at_trial_ends_at_check
        CHECK (
            (trial_started_at IS NULL) = (trial_ends_at IS NULL)
            AND trial_started_at <= trial_ends_at
        ),
    CONSTRAINT users_referral_code_check
        CHECK (char_length(referral_code) BETWEEN 1 AND 50),
    CONSTRAINT users_referred_by_check CHECK (referred_by <> id)
);

COMMENT ON TABLE dining.users IS
    'A person who uses the service, once by e-mail address in any case.';

COMMENT ON COLUMN dining.users.referral_code IS
    'What others name when they come by this user''s recommendation.';

CREATE UNIQUE INDEX users_lower_email_key
    ON dining.users (lower(email));

CREATE INDEX users_subscription_status_trial_ends_at_idx
    ON dining.users (subscription_status, trial_ends_at);

CREATE INDEX users_referred_by_idx
    ON dining.users (referred_by)
    WHERE referred_by IS NOT NULL;

CREATE TRIGGER users_set_updated_at
    BEFORE UPDATE ON dining.users
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE dining.subscriptions (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    stripe_subscription_id text,
    status dining.subscription_status NOT NULL,
    current_period_start timestamptz,
    current_period_end timestamptz,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    cancelled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
    CONSTRAINT subscriptions_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES dining.users (id)
        ON DELETE RESTRICT,
    CONSTRAINT subscriptions_current_period_start_current_period_end_check
        CHECK (
            (current_period_start IS NULL) = (current_period_end IS NULL)
            AND current_period_start <= current_period_end
        ),
    CONSTRAINT subscriptions_cancelled_at_check
        CHECK (cancelled_at IS NULL OR status IN ('cancelled', 'expired'))
);

COMMENT ON TABLE dining.subscriptions IS
    'A subscription as the payment provider last told of it.';

CREATE INDEX subscriptions_user_id_idx
    ON dining.subscriptions (user_id);

CREATE INDEX subscriptions_status_current_period_end_idx
    ON dining.subscriptions (status, current_period_end);

CREATE TRIGGER subscriptions_set_updated_at
    BEFORE UPDATE ON dining.subscriptions
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE dining.user_events (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    event_type text NOT NULL,
    event_data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_events_pkey PRIMARY KEY (id),
    CONSTRAINT user_events_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES dining.users (id)
        ON DELETE CASCADE,
    CONSTRAINT user_events_event_type_check
        CHECK (event_type ~ '\S' AND char_length(event_type) <= 50),
    CONSTRAINT user_events_event_data_check
        CHECK (jsonb_typeof(event_data) = 'object')
);

COMMENT ON TABLE dining.user_events IS
    'What a user did: a search, a click, a share.';

CREATE INDEX user_events_user_id_created_at_idx
    ON dining.user_events (user_id, created_at);

CREATE INDEX user_events_event_type_created_at_idx
    ON dining.user_events (event_type, created_at);
