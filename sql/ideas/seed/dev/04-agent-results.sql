-- Agent results of the development seed, five for each evaluation: answers, a failure
-- that an evaluation could do without, work that is held, work that waits, and a second
-- attempt that is due. Loading them again changes nothing.

INSERT INTO ideas.agent_results (
    id,
    evaluation_id,
    agent_type,
    status,
    attempts,
    score,
    output_data,
    insights,
    started_at,
    completed_at,
    created_at
)
SELECT
    given.id,
    given.evaluation_id,
    given.agent_type,
    'completed',
    1,
    given.score,
    jsonb_build_object('summary', given.summary),
    jsonb_build_object(
        'confidence', CASE WHEN given.score >= 70 THEN 'high' ELSE 'medium' END,
        'next_steps', array_remove(ARRAY[given.next_step], NULL)
    ),
    evaluation.started_at,
    evaluation.started_at + make_interval(mins => given.minutes),
    evaluation.created_at
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-f00000000001'::uuid,
            '01900000-0000-7000-8000-e00000000001'::uuid,
            'market-research',
            82,
            'Four hundred cafés in the country, none with a shared calendar.',
            'Ask three councils what a ton of avoided landfill is worth to them',
            2
        ),
        (
            '01900000-0000-7000-8000-f00000000002',
            '01900000-0000-7000-8000-e00000000001',
            'competitive-analysis',
            68,
            'General event calendars are free; none knows spare parts.',
            NULL,
            4
        ),
        (
            '01900000-0000-7000-8000-f00000000003',
            '01900000-0000-7000-8000-e00000000001',
            'customer-research',
            85,
            'Nine of ten visitors would book a seat if they could.',
            'Run the calendar by hand for two cafés',
            5
        ),
        (
            '01900000-0000-7000-8000-f00000000004',
            '01900000-0000-7000-8000-e00000000001',
            'technical-feasibility',
            74,
            'A calendar and a parts catalogue; matching needs no learning.',
            NULL,
            8
        ),
        (
            '01900000-0000-7000-8000-f00000000005',
            '01900000-0000-7000-8000-e00000000001',
            'financial-analysis',
            71,
            'Forty councils at 1,200 a year carry two people.',
            NULL,
            11
        ),
        (
            '01900000-0000-7000-8000-f00000000006',
            '01900000-0000-7000-8000-e00000000002',
            'market-research',
            61,
            'Canteens lose six percent of what they cook, half of it too late.',
            'Begin with hospital canteens, where volumes are steady',
            3
        ),
        (
            '01900000-0000-7000-8000-f00000000007',
            '01900000-0000-7000-8000-e00000000002',
            'competitive-analysis',
            48,
            'Two well-funded apps sell surplus to consumers.',
            NULL,
            6
        ),
        (
            '01900000-0000-7000-8000-f00000000008',
            '01900000-0000-7000-8000-e00000000002',
            'customer-research',
            70,
            'Cooks like it if the boxes come clean and cold.',
            NULL,
            9
        ),
        (
            '01900000-0000-7000-8000-f00000000009',
            '01900000-0000-7000-8000-e00000000002',
            'technical-feasibility',
            80,
            'One message to nearby kitchens; no routing needed.',
            NULL,
            12
        ),
        (
            '01900000-0000-7000-8000-f00000000011',
            '01900000-0000-7000-8000-e00000000003',
            'market-research',
            77,
            'Allotment societies grow by three percent a year.',
            'Visit three societies in a dry June',
            2
        ),
        (
            '01900000-0000-7000-8000-f00000000012',
            '01900000-0000-7000-8000-e00000000003',
            'competitive-analysis',
            66,
            'Garden sensors are many, rented ones are none.',
            NULL,
            4
        ),
        (
            '01900000-0000-7000-8000-f00000000019',
            '01900000-0000-7000-8000-e00000000004',
            'technical-feasibility',
            58,
            'Booking is simple; the permit for beds is not.',
            'Talk to the fire brigade first',
            2
        )
) AS given (id, evaluation_id, agent_type, score, summary, next_step, minutes)
INNER JOIN ideas.evaluations AS evaluation
    ON evaluation.id = given.evaluation_id
ON CONFLICT DO NOTHING;

INSERT INTO ideas.agent_results (
    id,
    evaluation_id,
    agent_type,
    status,
    attempts,
    run_at,
    locked_by,
    lease_until,
    started_at,
    completed_at,
    error_message,
    created_at
)
SELECT
    given.id,
    given.evaluation_id,
    given.agent_type,
    given.status,
    given.attempts,
    evaluation.started_at,
    CASE WHEN given.status = 'running' THEN 'seed-worker' END,
    CASE WHEN given.status = 'running' THEN now() + INTERVAL '1 day' END,
    CASE WHEN given.attempts > 0 THEN evaluation.started_at END,
    CASE WHEN given.status = 'failed' THEN evaluation.completed_at END,
    given.error_message,
    evaluation.created_at
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-f00000000010'::uuid,
            '01900000-0000-7000-8000-e00000000002'::uuid,
            'financial-analysis',
            'failed'::ideas.agent_status,
            3,
            'No prices for surplus food could be found.'
        ),
        (
            '01900000-0000-7000-8000-f00000000013',
            '01900000-0000-7000-8000-e00000000003',
            'customer-research',
            'running',
            1,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000014',
            '01900000-0000-7000-8000-e00000000003',
            'technical-feasibility',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000015',
            '01900000-0000-7000-8000-e00000000003',
            'financial-analysis',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000016',
            '01900000-0000-7000-8000-e00000000004',
            'market-research',
            'running',
            1,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000017',
            '01900000-0000-7000-8000-e00000000004',
            'competitive-analysis',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000018',
            '01900000-0000-7000-8000-e00000000004',
            'customer-research',
            'pending',
            1,
            'The survey service did not answer.'
        ),
        (
            '01900000-0000-7000-8000-f00000000020',
            '01900000-0000-7000-8000-e00000000004',
            'financial-analysis',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000021',
            '01900000-0000-7000-8000-e00000000005',
            'market-research',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000022',
            '01900000-0000-7000-8000-e00000000005',
            'competitive-analysis',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000023',
            '01900000-0000-7000-8000-e00000000005',
            'customer-research',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000024',
            '01900000-0000-7000-8000-e00000000005',
            'technical-feasibility',
            'pending',
            0,
            NULL
        ),
        (
            '01900000-0000-7000-8000-f00000000025',
            '01900000-0000-7000-8000-e00000000005',
            'financial-analysis',
            'pending',
            0,
            NULL
        )
) AS given (id, evaluation_id, agent_type, status, attempts, error_message)
INNER JOIN ideas.evaluations AS evaluation
    ON evaluation.id = given.evaluation_id
ON CONFLICT DO NOTHING;
