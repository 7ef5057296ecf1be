-- Evaluations of the development seed: two completed, two analyzing, one pending; the
-- sixth idea is a draft and has none. Loading them again changes nothing.

INSERT INTO ideas.evaluations (
    id,
    business_idea_id,
    status,
    priority,
    started_at,
    completed_at,
    results,
    created_at
)
VALUES
    (
        '01900000-0000-7000-8000-e00000000001',
        '01900000-0000-7000-8000-b00000000001',
        'completed',
        'normal',
        now() - INTERVAL '29 days',
        now() - INTERVAL '29 days' + INTERVAL '11 minutes',
        '{
            "overall_score": 77.25,
            "recommendation": "GO",
            "confidence_level": 1,
            "scores": {
                "market-research": 82,
                "competitive-analysis": 68,
                "customer-research": 85,
                "technical-feasibility": 74,
                "financial-analysis": 71
            },
            "next_steps": [
                "Ask three councils what a ton of avoided landfill is worth to them",
                "Run the calendar by hand for two cafés"
            ]
        }',
        now() - INTERVAL '29 days'
    ),
    (
        '01900000-0000-7000-8000-e00000000002',
        '01900000-0000-7000-8000-b00000000002',
        'completed',
        'high',
        now() - INTERVAL '20 days',
        now() - INTERVAL '20 days' + INTERVAL '17 minutes',
        '{
            "overall_score": 64.9,
            "recommendation": "PIVOT",
            "confidence_level": 0.83,
            "scores": {
                "market-research": 61,
                "competitive-analysis": 48,
                "customer-research": 70,
                "technical-feasibility": 80
            },
            "next_steps": ["Begin with hospital canteens, where volumes are steady"]
        }',
        now() - INTERVAL '20 days'
    ),
    (
        '01900000-0000-7000-8000-e00000000003',
        '01900000-0000-7000-8000-b00000000003',
        'analyzing',
        'normal',
        now() - INTERVAL '6 minutes',
        NULL,
        NULL,
        now() - INTERVAL '10 minutes'
    ),
    (
        '01900000-0000-7000-8000-e00000000004',
        '01900000-0000-7000-8000-b00000000004',
        'analyzing',
        'high',
        now() - INTERVAL '3 minutes',
        NULL,
        NULL,
        now() - INTERVAL '3 minutes'
    ),
    (
        '01900000-0000-7000-8000-e00000000005',
        '01900000-0000-7000-8000-b00000000005',
        'pending',
        'low',
        NULL,
        NULL,
        NULL,
        now() - INTERVAL '1 minute'
    )
ON CONFLICT DO NOTHING;
