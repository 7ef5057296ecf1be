-- Plans, and what was used of them.

-- name: list_plans()
-- The plans that are sold, cheapest first.
-- replica: ok
SELECT
    plan.plan,
    plan.display_name,
    plan.price_monthly_cents,
    plan.price_yearly_cents,
    plan.max_organizations,
    plan.max_posts_per_month,
    plan.max_strategies_per_month,
    plan.analytics_days,
    plan.platforms,
    plan.features
FROM promo.plans AS plan
WHERE plan.is_active
ORDER BY
    plan.price_monthly_cents,
    plan.plan;

-- name: set_plan_price(plan, price_monthly_cents, price_yearly_cents, stripe_price_id, is_active)!
-- 1 if there is such a plan; what is given of its price is changed, the rest left.
UPDATE promo.plans AS plan
SET
    price_monthly_cents = coalesce(
        :price_monthly_cents::integer,
        plan.price_monthly_cents
    ),
    price_yearly_cents = coalesce(:price_yearly_cents::integer, plan.price_yearly_cents),
    stripe_price_id = coalesce(:stripe_price_id::text, plan.stripe_price_id),
    is_active = coalesce(:is_active::boolean, plan.is_active)
WHERE plan.plan = :plan;

-- name: usage_check(user_id, metric, amount)^
-- Whether a living user may use so much more this month, and what is left; warning is
-- from 80 % of the limit on. Nothing is counted.
SELECT
    due.used + :amount::integer <= due.allowed_in_all AS allowed,
    due.used AS current,
    due.allowed_in_all AS "limit",
    greatest(due.allowed_in_all - due.used, 0) AS remaining,
    due.used * 5 >= due.allowed_in_all * 4 AS warning,
    (promo.current_month() + INTERVAL '1 month') AT TIME ZONE 'UTC' AS resets_at
FROM promo.users AS account
INNER JOIN promo.plans AS plan
    ON plan.plan = account.plan
LEFT JOIN promo.usage AS usage
    ON usage.user_id = account.id
    AND usage.month = promo.current_month()
CROSS JOIN LATERAL (
    SELECT
        CASE :metric::promo.usage_metric
            WHEN 'POSTS' THEN plan.max_posts_per_month
            WHEN 'STRATEGIES' THEN plan.max_strategies_per_month
        END AS allowed_in_all,
        CASE :metric::promo.usage_metric
            WHEN 'POSTS' THEN coalesce(usage.posts_generated, 0)
            WHEN 'STRATEGIES' THEN coalesce(usage.strategies_generated, 0)
        END AS used
) AS due
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: consume_usage(user_id, metric, amount)^
-- Counts so much more of a living user's plan this month, if that is not over the limit;
-- otherwise there is no row, and nothing is counted. Whoever reaches 80 % of the limit by
-- this is told so by e-mail.
WITH asked AS (
    SELECT
        account.id AS user_id,
        account.email,
        promo.current_month() AS month,
        :amount::integer AS amount,
        CASE :metric::promo.usage_metric WHEN 'POSTS' THEN :amount::integer ELSE 0 END
            AS posts,
        CASE :metric::promo.usage_metric
            WHEN 'STRATEGIES' THEN :amount::integer
            ELSE 0
        END AS strategies,
        plan.max_posts_per_month,
        plan.max_strategies_per_month,
        CASE :metric::promo.usage_metric
            WHEN 'POSTS' THEN plan.max_posts_per_month
            ELSE plan.max_strategies_per_month
        END AS allowed_in_all
    FROM promo.users AS account
    INNER JOIN promo.plans AS plan
        ON plan.plan = account.plan
    WHERE
        account.id = :user_id
        AND account.deleted_at IS NULL
),
consumed AS (
    INSERT INTO promo.usage AS usage (
        user_id,
        month,
        posts_generated,
        strategies_generated
    )
    SELECT
        asked.user_id,
        asked.month,
        asked.posts,
        asked.strategies
    FROM asked
    WHERE
        asked.amount > 0
        AND asked.amount <= asked.allowed_in_all
    ON CONFLICT (user_id, month) DO UPDATE
    SET
        posts_generated = usage.posts_generated + EXCLUDED.posts_generated,
        strategies_generated
            = usage.strategies_generated + EXCLUDED.strategies_generated
    WHERE
        CASE :metric::promo.usage_metric
            WHEN 'POSTS'
                THEN usage.posts_generated + EXCLUDED.posts_generated
            ELSE usage.strategies_generated + EXCLUDED.strategies_generated
        END <= (SELECT asked.allowed_in_all FROM asked)
    RETURNING
        CASE :metric::promo.usage_metric
            WHEN 'POSTS' THEN usage.posts_generated
            ELSE usage.strategies_generated
        END AS used
),
counted AS (
    SELECT
        consumed.used,
        asked.allowed_in_all,
        asked.email,
        consumed.used * 5 >= asked.allowed_in_all * 4 AS warning,
        (consumed.used - asked.amount) * 5 < asked.allowed_in_all * 4 AS was_below
    FROM consumed
    CROSS JOIN asked
),
told AS (
    INSERT INTO core.outbox (queue, name, payload, priority)
    SELECT
        'email',
        'send-email',
        jsonb_build_object(
            'to', counted.email,
            'subject', 'You have used most of your plan',
            'template', 'usage-warning',
            'data', jsonb_build_object(
                'metric', :metric::promo.usage_metric,
                'used', counted.used,
                'limit', counted.allowed_in_all
            ),
            'priority', 'normal'
        ),
        3
    FROM counted
    WHERE
        counted.warning
        AND counted.was_below
)
SELECT
    counted.used AS current,
    counted.allowed_in_all AS "limit",
    counted.allowed_in_all - counted.used AS remaining,
    counted.warning
FROM counted;

-- name: usage_history(user_id, limit_rows)
-- What a user used, the latest month first; 12 unless limit_rows says otherwise.
-- replica: ok
SELECT
    usage.month,
    usage.posts_generated,
    usage.posts_published,
    usage.strategies_generated,
    usage.organizations_created
FROM promo.usage AS usage
WHERE usage.user_id = :user_id
ORDER BY usage.month DESC
LIMIT coalesce(:limit_rows::bigint, 12);
