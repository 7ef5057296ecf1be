-- Users of the development seed; nobody can log in with these hashes. Times count back
-- from now, so that pages about the last days have something to show. Loading them again
-- changes nothing.

INSERT INTO ideas.users (
    id,
    email,
    password_hash,
    name,
    created_at
)
VALUES
    (
        '01900000-0000-7000-8000-a00000000001',
        'amara.nwosu@example.org',
        '$argon2id$seed$not-a-login',
        'Amara Nwosu',
        now() - INTERVAL '40 days'
    ),
    (
        '01900000-0000-7000-8000-a00000000002',
        'jonas.brandt@example.org',
        '$argon2id$seed$not-a-login',
        'Jonas Brandt',
        now() - INTERVAL '31 days'
    ),
    (
        '01900000-0000-7000-8000-a00000000003',
        'lin.mei@example.org',
        '$argon2id$seed$not-a-login',
        'Lín Měi',
        now() - INTERVAL '9 days'
    )
ON CONFLICT DO NOTHING;
