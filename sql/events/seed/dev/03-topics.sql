-- Topics of the development seed, some of each category. Loading them again changes
-- nothing.

INSERT INTO events.topics (
    id,
    name,
    category
)
VALUES
    (
        '01900000-0000-7000-8000-700000000001',
        'Machine learning',
        'technology'
    ),
    (
        '01900000-0000-7000-8000-700000000002',
        'PostgreSQL',
        'technology'
    ),
    (
        '01900000-0000-7000-8000-700000000003',
        'Robotics',
        'technology'
    ),
    (
        '01900000-0000-7000-8000-700000000004',
        'Application security',
        'technology'
    ),
    (
        '01900000-0000-7000-8000-700000000005',
        'Climate',
        'industry'
    ),
    (
        '01900000-0000-7000-8000-700000000006',
        'Fintech',
        'industry'
    ),
    (
        '01900000-0000-7000-8000-700000000007',
        'Digital health',
        'industry'
    ),
    (
        '01900000-0000-7000-8000-700000000008',
        'Hackathon',
        'format'
    ),
    (
        '01900000-0000-7000-8000-700000000009',
        'Panel',
        'format'
    ),
    (
        '01900000-0000-7000-8000-70000000000a',
        'Workshop',
        'format'
    )
ON CONFLICT DO NOTHING;
