-- Users of the development seed: one who runs the shop, one who buys. Nobody can log in
-- with these hashes. Ids are fixed, times count back from now; loading them again changes
-- nothing.

INSERT INTO shop.users (
    id,
    email,
    name,
    password_hash,
    email_verified,
    role,
    created_at
)
VALUES
    (
        '01900000-0000-7000-8000-a00000000001',
        'admin@example.org',
        'Ada Admin',
        '$argon2id$seed$not-a-login',
        now() - INTERVAL '60 days',
        'ADMIN',
        now() - INTERVAL '60 days'
    ),
    (
        '01900000-0000-7000-8000-a00000000002',
        'user@example.org',
        'Uma User',
        '$argon2id$seed$not-a-login',
        now() - INTERVAL '30 days',
        'USER',
        now() - INTERVAL '30 days'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.addresses (
    id,
    user_id,
    street,
    city,
    state,
    zip_code,
    is_default
)
VALUES
    (
        '01900000-0000-7000-8000-ad0000000001',
        '01900000-0000-7000-8000-a00000000002',
        '123 Main St',
        'New York',
        'NY',
        '10001',
        true
    )
ON CONFLICT DO NOTHING;
