-- Users, what they pay for, and what they do.

-- name: create_user(email, trial_ends_at, referral_code, referred_by)<!
-- Creates a user, on trial if trial_ends_at is given.
INSERT INTO dining.users (
    email,
    trial_started_at,
    trial_ends_at,
    referral_code,
    referred_by
)
VALUES (
    :email,
    CASE WHEN :trial_ends_at::timestamptz IS NOT NULL THEN now() END,
    :trial_ends_at::timestamptz,
    :referral_code,
    :referred_by
)
RETURNING
    id,
    email,
    subscription_status,
    trial_ends_at;

-- name: upsert_subscription(user_id, stripe_subscription_id, status, current_period_start, current_period_end, cancel_at_period_end, cancelled_at)<!
-- Stores what the payment provider tells of a subscription, and what its user may use by
-- it.
WITH stored AS (
    INSERT INTO dining.subscriptions AS subscription (
        user_id,
        stripe_subscription_id,
        status,
        current_period_start,
        current_period_end,
        cancel_at_period_end,
        cancelled_at
    )
    VALUES (
        :user_id,
        :stripe_subscription_id,
        :status,
        :current_period_start,
        :current_period_end,
        :cancel_at_period_end,
        :cancelled_at
    )
    ON CONFLICT (stripe_subscription_id) DO UPDATE
    SET
        status = EXCLUDED.status,
        current_period_start = EXCLUDED.current_period_start,
        current_period_end = EXCLUDED.current_period_end,
        cancel_at_period_end = EXCLUDED.cancel_at_period_end,
        cancelled_at = EXCLUDED.cancelled_at
    RETURNING
        subscription.id,
        subscription.user_id,
        subscription.status
)
UPDATE dining.users AS customer
SET subscription_status = stored.status
FROM stored
WHERE customer.id = stored.user_id
RETURNING
    stored.id,
    customer.id AS user_id,
    customer.subscription_status;

-- name: record_user_event(user_id, event_type, event_data)<!
-- Records what a user did, and returns the event's id.
INSERT INTO dining.user_events (
    user_id,
    event_type,
    event_data
)
VALUES (
    :user_id,
    :event_type,
    coalesce(:event_data::jsonb, '{}')
)
RETURNING id;

-- name: user_history(user_id, limit_rows)
-- What a user did, latest first.
SELECT
    user_event.id,
    user_event.event_type,
    user_event.event_data,
    user_event.created_at
FROM dining.user_events AS user_event
WHERE user_event.user_id = :user_id
ORDER BY
    user_event.created_at DESC,
    user_event.id DESC
LIMIT coalesce(:limit_rows::bigint, 50);
