-- 30 days of figures of the development seed, fewer each day, and the report of the first
-- full week. Loading them again on the same day changes nothing.

INSERT INTO promo.analytics (
    organization_id,
    content_piece_id,
    scheduled_post_id,
    social_account_id,
    platform,
    metric_type,
    impressions,
    likes,
    comments,
    shares,
    saves,
    clicks,
    reach,
    followers_delta,
    website_clicks,
    signups,
    period_start,
    period_end
)
SELECT
    '01900000-0000-7000-8000-c00000000001',
    '01900000-0000-7000-8000-f20000000001',
    '01900000-0000-7000-8000-f50000000001',
    '01900000-0000-7000-8000-f40000000001',
    'LINKEDIN',
    'ENGAGEMENT',
    3000 / (day.number + 1),
    120 / (day.number + 1),
    24 / (day.number + 1),
    12 / (day.number + 1),
    6 / (day.number + 1),
    90 / (day.number + 1),
    2400 / (day.number + 1),
    (10 - day.number) / 3,
    40 / (day.number + 1),
    4 / (day.number + 1),
    date_trunc('day', now()) + make_interval(days => day.number - 30),
    date_trunc('day', now()) + make_interval(days => day.number - 29)
FROM generate_series(0, 29) AS day (number)
ON CONFLICT DO NOTHING;

INSERT INTO promo.weekly_summaries (
    id,
    organization_id,
    week_start,
    report_md,
    recommendations,
    key_insights,
    total_posts,
    avg_engagement,
    top_content_piece_id
)
VALUES (
    '01900000-0000-7000-8000-f60000000001',
    '01900000-0000-7000-8000-c00000000001',
    (date_trunc('week', now() AT TIME ZONE 'UTC') - INTERVAL '28 days')::date,
    E'# A good start\n\nOne post, and half of its readers came on the first day.\n',
    '["Publish at least three times a week."]',
    '{"impressions": 5500}',
    1,
    0.054,
    '01900000-0000-7000-8000-f20000000001'
)
ON CONFLICT DO NOTHING;
