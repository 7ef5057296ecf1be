-- An organisation of the development seed, its founder, brand rules and strategy. Loading
-- them again changes nothing.

INSERT INTO promo.organizations (
    id,
    user_id,
    name,
    url,
    stage,
    pricing,
    description,
    tagline,
    category,
    markets,
    languages,
    created_at
)
VALUES (
    '01900000-0000-7000-8000-c00000000001',
    '01900000-0000-7000-8000-a00000000002',
    'Tidepool Analytics',
    'https://tidepool.example.org',
    'seed',
    'from $49 a month',
    'Tells small shops which of their goods will sell next week, from their own tills.',
    'Know what sells tomorrow',
    'retail analytics',
    '{US,CA,GB}',
    '{en,fr}',
    now() - INTERVAL '80 days'
)
ON CONFLICT DO NOTHING;

INSERT INTO promo.founders (
    id,
    organization_id,
    name,
    role,
    email,
    social_links,
    bio,
    is_primary
)
VALUES (
    '01900000-0000-7000-8000-d00000000001',
    '01900000-0000-7000-8000-c00000000001',
    'Ikram Haddad',
    'CEO',
    'ikram@example.org',
    '{"LINKEDIN": "https://social.example.org/in/ikram-haddad", "TWITTER": "ikramh"}',
    'Ran a corner shop for six years before she counted what it threw away.',
    true
)
ON CONFLICT DO NOTHING;

INSERT INTO promo.brand_rules (
    organization_id,
    tone,
    voice,
    allowed_phrases,
    forbidden_phrases,
    allowed_hashtags,
    forbidden_hashtags,
    compliance_notes,
    legal_disclaimer,
    claims_to_avoid,
    approval_mode,
    auto_approval_rules
)
VALUES (
    '01900000-0000-7000-8000-c00000000001',
    'warm, exact',
    'a shopkeeper among shopkeepers',
    '{free trial}',
    '{free,"game changer","10x"}',
    '{}',
    '{growthhacking}',
    'Figures need a source.',
    'Past sales do not promise future ones.',
    '{guaranteed,"number one"}',
    'CONDITIONAL',
    '{"min_confidence": 0.8, "platforms": ["LINKEDIN", "TWITTER"]}'
)
ON CONFLICT DO NOTHING;

INSERT INTO promo.ai_strategies (
    id,
    organization_id,
    version,
    status,
    positioning,
    audience_segments,
    content_pillars,
    channel_plan,
    cadence,
    calendar_skeleton,
    generated_by,
    confidence,
    accepted_at,
    created_at
)
VALUES (
    '01900000-0000-7000-8000-e00000000001',
    '01900000-0000-7000-8000-c00000000001',
    1,
    'ACTIVE',
    '{"statement": "Forecasts for shops without a data team", "tone": "warm, exact"}',
    '[{"name": "owners of one to five shops"}, {"name": "franchise managers"}]',
    '["Education", "Product Updates", "Founder Story", "Customer Success"]',
    '{"LINKEDIN": {"share": 0.6}, "TWITTER": {"share": 0.4}}',
    '{"LINKEDIN": "3 a week", "TWITTER": "daily"}',
    '{"monday": "Education", "wednesday": "Founder Story", "friday": "Product Updates"}',
    'strategist-2',
    0.85,
    now() - INTERVAL '60 days',
    now() - INTERVAL '61 days'
)
ON CONFLICT DO NOTHING;
