-- Users of the development seed, with what one of them pays and has used; nobody can log
-- in with these hashes. Times count back from now, so that pages about the last days have
-- something to show. Loading them again changes nothing.

INSERT INTO promo.users (
    id,
    email,
    password_hash,
    name,
    role,
    verified,
    created_at
)
VALUES
    (
        '01900000-0000-7000-8000-a00000000001',
        'demo@example.org',
        '$argon2id$seed$not-a-login',
        'Dana Moreau',
        'USER',
        true,
        now() - INTERVAL '90 days'
    ),
    (
        '01900000-0000-7000-8000-a00000000002',
        'admin@example.org',
        '$argon2id$seed$not-a-login',
        'Ikram Haddad',
        'ADMIN',
        true,
        now() - INTERVAL '120 days'
    )
ON CONFLICT DO NOTHING;

-- By this the user has the plan pro.
INSERT INTO promo.subscriptions (
    id,
    user_id,
    plan,
    status,
    stripe_subscription_id,
    stripe_customer_id,
    stripe_updated_at,
    current_period_start,
    current_period_end,
    created_at
)
VALUES (
    '01900000-0000-7000-8000-b00000000001',
    '01900000-0000-7000-8000-a00000000002',
    'pro',
    'ACTIVE',
    'sub_seed_1',
    'cus_seed_1',
    now() - INTERVAL '10 days',
    now() - INTERVAL '10 days',
    now() + INTERVAL '20 days',
    now() - INTERVAL '100 days'
)
ON CONFLICT DO NOTHING;

INSERT INTO promo.usage (
    user_id,
    month,
    posts_generated,
    posts_published,
    strategies_generated,
    organizations_created
)
VALUES (
    '01900000-0000-7000-8000-a00000000002',
    promo.current_month(),
    12,
    8,
    1,
    1
)
ON CONFLICT DO NOTHING;
