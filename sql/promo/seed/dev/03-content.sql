-- Content of the development seed: four pillars, a series, one piece that is out and one
-- that is on its way, and a file. Loading them again changes nothing.

INSERT INTO promo.content_pillars (
    id,
    organization_id,
    name,
    description,
    color,
    emoji,
    sort_order
)
VALUES
    (
        '01900000-0000-7000-8000-f00000000001',
        '01900000-0000-7000-8000-c00000000001',
        'Education',
        'What a till knows, and how to read it.',
        '#2B6CB0',
        '📚',
        1
    ),
    (
        '01900000-0000-7000-8000-f00000000002',
        '01900000-0000-7000-8000-c00000000001',
        'Product Updates',
        'What is new, and whom it helps.',
        '#2F855A',
        '🚀',
        2
    ),
    (
        '01900000-0000-7000-8000-f00000000003',
        '01900000-0000-7000-8000-c00000000001',
        'Founder Story',
        'From the corner shop to the forecast.',
        '#B7791F',
        '🌱',
        3
    ),
    (
        '01900000-0000-7000-8000-f00000000004',
        '01900000-0000-7000-8000-c00000000001',
        'Customer Success',
        'Shops that throw away less.',
        '#9B2C2C',
        '⭐',
        4
    )
ON CONFLICT DO NOTHING;

INSERT INTO promo.series (
    id,
    organization_id,
    pillar_id,
    name,
    description,
    platform,
    cadence,
    total_posts,
    start_date
)
VALUES (
    '01900000-0000-7000-8000-f10000000001',
    '01900000-0000-7000-8000-c00000000001',
    '01900000-0000-7000-8000-f00000000001',
    'Ten things your till knows',
    'One a week.',
    'TWITTER',
    'weekly',
    10,
    current_date - 7
)
ON CONFLICT DO NOTHING;

INSERT INTO promo.content_pieces (
    id,
    organization_id,
    pillar_id,
    series_id,
    strategy_id,
    sequence_no,
    platform,
    status,
    type,
    title,
    body,
    hashtags,
    mentions,
    cta,
    hook,
    media_refs,
    rationale,
    confidence,
    generated_by,
    embedding,
    scheduled_at,
    published_at,
    created_at
)
VALUES
    (
        '01900000-0000-7000-8000-f20000000001',
        '01900000-0000-7000-8000-c00000000001',
        '01900000-0000-7000-8000-f00000000003',
        NULL,
        '01900000-0000-7000-8000-e00000000001',
        NULL,
        'LINKEDIN',
        'PUBLISHED',
        'POST',
        'Why I stopped guessing',
        'For six years I ordered bread by the weather. Then I looked at what we threw away.',
        '{retail,smallbusiness}',
        '{}',
        'Tell me what you throw away.',
        'Every night, two crates.',
        NULL,
        'Founder stories did best on LinkedIn.',
        0.91,
        'writer-3',
        array_fill(0.02, ARRAY[192])::real[] || array_fill(0.01, ARRAY[192])::real[],
        date_trunc('day', now()) - INTERVAL '30 days' + INTERVAL '9 hours',
        date_trunc('day', now()) - INTERVAL '30 days' + INTERVAL '9 hours',
        now() - INTERVAL '33 days'
    ),
    (
        '01900000-0000-7000-8000-f20000000002',
        '01900000-0000-7000-8000-c00000000001',
        '01900000-0000-7000-8000-f00000000001',
        '01900000-0000-7000-8000-f10000000001',
        '01900000-0000-7000-8000-e00000000001',
        1,
        'TWITTER',
        'SCHEDULED',
        'THREAD',
        'Your till knows Tuesday',
        'Your till knows what Tuesday looks like. Here is how to ask it, in four steps.',
        '{retail,forecasting}',
        '{tidepool}',
        'Try the free trial.',
        'Tuesday is no accident.',
        '[{"kind": "chart", "alt": "Sales by weekday"}]',
        'Opens the series with the most common question.',
        0.88,
        'writer-3',
        array_fill(0.01, ARRAY[192])::real[] || array_fill(0.02, ARRAY[192])::real[],
        now() + INTERVAL '2 days',
        NULL,
        now() - INTERVAL '1 day'
    )
ON CONFLICT DO NOTHING;

INSERT INTO promo.assets (
    id,
    organization_id,
    uploaded_by,
    filename,
    original_name,
    type,
    mime_type,
    size_bytes,
    s3_bucket,
    s3_key,
    url,
    title,
    tags
)
VALUES (
    '01900000-0000-7000-8000-f30000000001',
    '01900000-0000-7000-8000-c00000000001',
    '01900000-0000-7000-8000-a00000000002',
    'weekdays.png',
    'Sales by weekday (final).png',
    'IMAGE',
    'image/png',
    48213,
    'tidepool-assets',
    'charts/weekdays.png',
    'https://assets.example.org/charts/weekdays.png',
    'Sales by weekday',
    '{chart,till}'
)
ON CONFLICT DO NOTHING;

INSERT INTO promo.content_piece_assets (
    organization_id,
    content_piece_id,
    asset_id
)
VALUES (
    '01900000-0000-7000-8000-c00000000001',
    '01900000-0000-7000-8000-f20000000002',
    '01900000-0000-7000-8000-f30000000001'
)
ON CONFLICT DO NOTHING;
