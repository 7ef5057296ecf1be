-- What Stripe says of subscriptions; drystone.systems.promo.billing hears it.

-- name: find_plan_of_price(stripe_price_id)$
-- The plan that a price of Stripe's is for.
SELECT plan.plan
FROM promo.plans AS plan
WHERE plan.stripe_price_id = :stripe_price_id;

-- name: find_subscriber(user_id, stripe_customer_id)$
-- The user that a subscription of Stripe's belongs to: the one that it names, if there is
-- one, otherwise the one that is this customer already.
-- nullable: user_id, stripe_customer_id
SELECT coalesce(
    (
        SELECT account.id
        FROM promo.users AS account
        WHERE account.id = :user_id::uuid
    ),
    (
        SELECT known.user_id
        FROM promo.subscriptions AS known
        WHERE known.stripe_customer_id = :stripe_customer_id::text
        ORDER BY
            known.created_at DESC,
            known.id
        LIMIT 1
    )
) AS user_id;

-- name: store_subscription(user_id, plan, status, stripe_subscription_id, stripe_customer_id, happened_at, is_first, current_period_start, current_period_end, cancel_at_period_end, cancelled_at, trial_end)^
-- Makes a subscription what Stripe said at a time; no row if it said something later
-- already, or if the subscription is cancelled, which is for good. The first event of a
-- subscription changes none that is there. A status that an invoice has changed since
-- stays, unless the subscription is cancelled.
INSERT INTO promo.subscriptions AS subscription (
    user_id,
    plan,
    status,
    stripe_subscription_id,
    stripe_customer_id,
    stripe_updated_at,
    current_period_start,
    current_period_end,
    cancel_at_period_end,
    cancelled_at,
    trial_end
)
VALUES (
    :user_id,
    :plan,
    :status,
    :stripe_subscription_id,
    :stripe_customer_id,
    :happened_at,
    :current_period_start,
    :current_period_end,
    :cancel_at_period_end,
    :cancelled_at,
    :trial_end
)
ON CONFLICT (stripe_subscription_id) DO UPDATE
SET
    plan = EXCLUDED.plan,
    status = CASE
        WHEN EXCLUDED.status = 'CANCELLED' THEN EXCLUDED.status
        WHEN subscription.stripe_invoiced_at > EXCLUDED.stripe_updated_at
            THEN subscription.status
        ELSE EXCLUDED.status
    END,
    stripe_customer_id = EXCLUDED.stripe_customer_id,
    stripe_updated_at = EXCLUDED.stripe_updated_at,
    current_period_start = EXCLUDED.current_period_start,
    current_period_end = EXCLUDED.current_period_end,
    cancel_at_period_end = EXCLUDED.cancel_at_period_end,
    cancelled_at = EXCLUDED.cancelled_at,
    trial_end = EXCLUDED.trial_end
WHERE
    subscription.status <> 'CANCELLED'
    AND NOT :is_first::boolean
    AND coalesce(subscription.stripe_updated_at, '-infinity')
        <= EXCLUDED.stripe_updated_at
RETURNING
    subscription.id,
    subscription.user_id,
    subscription.plan,
    subscription.status;

-- name: store_invoice(stripe_subscription_id, is_paid, happened_at)^
-- Makes a subscription active, or past due, as an invoice was paid or not; no row if
-- something later is known already, or the subscription is cancelled or not known.
UPDATE promo.subscriptions AS subscription
SET
    status = CASE
        WHEN
            :is_paid::boolean
            AND subscription.status IN ('PAST_DUE', 'INCOMPLETE', 'UNPAID')
            THEN 'ACTIVE'
        WHEN
            NOT :is_paid::boolean
            AND subscription.status IN ('ACTIVE', 'TRIALING')
            THEN 'PAST_DUE'
        ELSE subscription.status
    END,
    stripe_invoiced_at = :happened_at
WHERE
    subscription.stripe_subscription_id = :stripe_subscription_id
    AND subscription.status <> 'CANCELLED'
    AND greatest(
        coalesce(subscription.stripe_updated_at, '-infinity'),
        coalesce(subscription.stripe_invoiced_at, '-infinity')
    ) <= :happened_at::timestamptz
RETURNING
    subscription.id,
    subscription.user_id,
    subscription.plan,
    subscription.status;

-- name: subscription_known(stripe_subscription_id)$
-- Whether a subscription of Stripe's is known.
SELECT EXISTS (
    SELECT
    FROM promo.subscriptions AS subscription
    WHERE subscription.stripe_subscription_id = :stripe_subscription_id
) AS known;

-- name: list_subscriptions(user_id)
-- A user's subscriptions, the latest first, past ones too.
-- replica: ok
SELECT
    subscription.id,
    subscription.plan,
    subscription.status,
    subscription.stripe_subscription_id,
    subscription.current_period_start,
    subscription.current_period_end,
    subscription.cancel_at_period_end,
    subscription.cancelled_at,
    subscription.trial_end,
    subscription.created_at
FROM promo.subscriptions AS subscription
WHERE subscription.user_id = :user_id
ORDER BY
    subscription.created_at DESC,
    subscription.id DESC;

-- name: find_contact(user_id)$
-- Where a user is written to.
SELECT account.email
FROM promo.users AS account
WHERE account.id = :user_id;
