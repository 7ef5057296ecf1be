-- Events of the development seed: twelve that are processed, one of them without a
-- place and one without a date, and one that still waits. Loading them again changes
-- nothing.
--
-- Embeddings are made of hashes: a direction for each theme, and a smaller one for each
-- event, so that events of one theme are near each other. They mean nothing else.

INSERT INTO events.events (
    id,
    name,
    description,
    date,
    location,
    luma_url,
    extracted_data,
    embedding,
    data_quality_score,
    scraped_at,
    processed_at
)
SELECT
    given.id::uuid,
    given.name,
    given.description,
    given.date,
    given.location,
    'https://lu.ma/' || given.slug,
    jsonb_build_object('source', 'seed', 'theme', given.theme),
    embedded.embedding,
    given.data_quality_score,
    TIMESTAMPTZ '2026-03-01 09:00:00+00',
    TIMESTAMPTZ '2026-03-01 09:05:00+00'
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-e00000000001',
            'Robots That Learn: Perception in the Warehouse',
            'How do picking robots cope with boxes that they have never seen? '
            'Three teams show their perception stacks, their failures, and the '
            'data behind both.',
            DATE '2026-03-12',
            'Berlin',
            'robots-that-learn',
            'robotics',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000002',
            'Forecasting the Sun',
            'An evening on solar forecasting: weather models, battery dispatch '
            'and what happens to a grid when ten thousand roofs are wrong at '
            'the same time.',
            DATE '2026-03-19',
            'Madrid',
            'forecasting-the-sun',
            'climate',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000003',
            'PostgreSQL at Three in the Morning',
            'War stories from people who keep large databases alive: '
            'replication lag, vacuum, locks, and the upgrades that nobody '
            'noticed, told with real graphs.',
            DATE '2026-03-26',
            'London',
            'postgres-at-three',
            'data',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000004',
            'Machine Learning in the Reading Room',
            'Radiologists and engineers look at the same images and argue: what '
            'a model may suggest, who signs the report, and how errors are '
            'found afterwards.',
            DATE '2026-04-02',
            'Boston',
            'ml-reading-room',
            'health',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000005',
            'Threat Modelling for Small Teams',
            'A hands-on workshop: draw your system, find the five things that '
            'would hurt most, and leave with a plan that two people can carry '
            'out in a month.',
            DATE '2026-04-09',
            'London',
            'threat-modelling',
            'security',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000006',
            'Climate Hack Weekend',
            'Two days, forty builders, open data on energy use. Teams work with '
            'mentors from industry, and a jury of investors picks three '
            'prototypes for a pilot.',
            DATE '2026-04-18',
            'Berlin',
            'climate-hack-weekend',
            'climate',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000007',
            'The Future of Payments: A Panel',
            'Instant payments, open banking and fraud: a panel of engineers and '
            'founders on what changes for people who only want to pay for their '
            'coffee.',
            DATE '2026-04-23',
            'London',
            'future-of-payments',
            'fintech',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000008',
            'Simulation Before Steel',
            'Why robot teams simulate before they build: motion planning, '
            'contact physics and the gap between a perfect virtual gripper and '
            'a dusty real one.',
            DATE '2026-05-07',
            'Berlin',
            'simulation-before-steel',
            'robotics',
            100
        ),
        (
            '01900000-0000-7000-8000-e00000000009',
            'Vectors in PostgreSQL',
            'Embeddings next to your rows: a workshop on similarity search, '
            'hybrid ranking and index choices, with data sets small enough for '
            'a laptop.',
            DATE '2026-05-14',
            'Amsterdam',
            'vectors-in-postgresql',
            'data',
            100
        ),
        (
            '01900000-0000-7000-8000-e0000000000a',
            'Health Data Without Tears',
            'Consent, pseudonyms and pipelines: how hospitals and start-ups '
            'share data for research and keep the promises that they made to '
            'their patients.',
            DATE '2026-05-21',
            'Boston',
            'health-data-without-tears',
            'health',
            100
        ),
        (
            '01900000-0000-7000-8000-e0000000000b',
            'Secure by Default',
            'A panel on defaults: what frameworks, clouds and databases should '
            'do before anybody has read the manual, and who pays when they do '
            'not do it.',
            DATE '2026-06-04',
            NULL,
            'secure-by-default',
            'security',
            85
        ),
        (
            '01900000-0000-7000-8000-e0000000000c',
            'Founders and Funders: Climate',
            'An informal round of founders and investors on hardware that takes '
            'ten years and funds that last eight. The date is announced to '
            'guests by mail.',
            NULL,
            'Berlin',
            'founders-and-funders-climate',
            'climate',
            85
        )
) AS given (
    id,
    name,
    description,
    date,
    location,
    slug,
    theme,
    data_quality_score
)
CROSS JOIN LATERAL (
    SELECT
        public.l2_normalize(
            array_agg(
                (
                    hashtextextended(given.theme || dimension.number, 0)
                        ::double precision
                    + hashtextextended(given.slug || dimension.number, 0)
                        ::double precision / 2
                ) / 9223372036854775807
                ORDER BY dimension.number
            )::real[]::public.vector
        ) AS embedding
    FROM generate_series(1, 1536) AS dimension (number)
) AS embedded
ON CONFLICT DO NOTHING;

INSERT INTO events.events (
    id,
    name,
    luma_url,
    raw_html,
    data_quality_score,
    scraped_at
)
VALUES (
    '01900000-0000-7000-8000-e0000000000d',
    'Panel: Robots at the Bedside',
    'https://lu.ma/robots-at-the-bedside',
    '<html><head><title>Panel: Robots at the Bedside</title></head><body><p>Nurses, '
    'engineers and an ethicist on robots in hospitals.</p></body></html>',
    10,
    TIMESTAMPTZ '2026-03-02 09:00:00+00'
)
ON CONFLICT DO NOTHING;
