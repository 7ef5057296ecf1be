-- Accounts and posts of the development seed. Their tokens are no tokens: no key opens
-- them. Loading them again changes nothing.

INSERT INTO promo.social_accounts (
    id,
    organization_id,
    platform,
    handle,
    display_name,
    access_token_encrypted,
    refresh_token_encrypted,
    token_key_id,
    token_type,
    expires_at,
    account_id,
    followers_count
)
VALUES
    (
        '01900000-0000-7000-8000-f40000000001',
        '01900000-0000-7000-8000-c00000000001',
        'LINKEDIN',
        'tidepool-analytics',
        'Tidepool Analytics',
        decode(repeat('00', 40), 'hex'),
        NULL,
        'seed',
        'bearer',
        now() + INTERVAL '50 days',
        'urn:seed:1',
        840
    ),
    (
        '01900000-0000-7000-8000-f40000000002',
        '01900000-0000-7000-8000-c00000000001',
        'TWITTER',
        'tidepool',
        'Tidepool',
        decode(repeat('00', 40), 'hex'),
        decode(repeat('00', 40), 'hex'),
        'seed',
        'bearer',
        now() + INTERVAL '6 hours',
        '1044',
        312
    )
ON CONFLICT DO NOTHING;

INSERT INTO promo.scheduled_posts (
    id,
    organization_id,
    content_piece_id,
    social_account_id,
    scheduled_at,
    published_at,
    status,
    platform_post_id,
    platform_url,
    attempt_count,
    last_attempt_at,
    idempotency_key
)
VALUES
    (
        '01900000-0000-7000-8000-f50000000001',
        '01900000-0000-7000-8000-c00000000001',
        '01900000-0000-7000-8000-f20000000001',
        '01900000-0000-7000-8000-f40000000001',
        date_trunc('day', now()) - INTERVAL '30 days' + INTERVAL '9 hours',
        date_trunc('day', now()) - INTERVAL '30 days' + INTERVAL '9 hours',
        'PUBLISHED',
        'urn:seed:post:1',
        'https://social.example.org/posts/1',
        1,
        date_trunc('day', now()) - INTERVAL '30 days' + INTERVAL '9 hours',
        'seed-1'
    ),
    (
        '01900000-0000-7000-8000-f50000000002',
        '01900000-0000-7000-8000-c00000000001',
        '01900000-0000-7000-8000-f20000000002',
        '01900000-0000-7000-8000-f40000000002',
        now() + INTERVAL '2 days',
        NULL,
        'SCHEDULED',
        NULL,
        NULL,
        0,
        NULL,
        'seed-2'
    )
ON CONFLICT DO NOTHING;
