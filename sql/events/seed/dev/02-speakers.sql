-- Speakers of the development seed: the first and the last may be one person, spelled
-- twice. Loading them again changes nothing.

INSERT INTO events.speakers (
    id,
    name,
    company,
    bio,
    confidence_score
)
VALUES
    (
        '01900000-0000-7000-8000-500000000001',
        'Maya Lindqvist',
        'Northwind Robotics',
        'Leads perception for warehouse robots.',
        0.97
    ),
    (
        '01900000-0000-7000-8000-500000000002',
        'Tomás Herrera',
        'Helio Grid',
        'Builds forecasting models for solar fleets.',
        0.95
    ),
    (
        '01900000-0000-7000-8000-500000000003',
        'Aisha Okafor',
        'Blue Ledger',
        'Runs the payments platform.',
        0.93
    ),
    (
        '01900000-0000-7000-8000-500000000004',
        'Daniel Cho',
        'Fathom Health',
        'Physician turned data engineer.',
        0.9
    ),
    (
        '01900000-0000-7000-8000-500000000005',
        'Priya Raman',
        'Castle & Key Security',
        'Breaks things for a living, with permission.',
        0.96
    ),
    (
        '01900000-0000-7000-8000-500000000006',
        'Jonas Weber',
        'Cedar Ventures',
        'Invests in climate and industry.',
        0.88
    ),
    (
        '01900000-0000-7000-8000-500000000007',
        'Lucía Fernández',
        'Helio Grid',
        'Hardware lead for home batteries.',
        0.86
    ),
    (
        '01900000-0000-7000-8000-500000000008',
        'Samuel Adeyemi',
        'Northwind Robotics',
        'Motion planning and simulation.',
        0.91
    ),
    (
        '01900000-0000-7000-8000-500000000009',
        'Hannah Kim',
        'Blue Ledger',
        'Site reliability, PostgreSQL, long nights.',
        0.94
    ),
    (
        '01900000-0000-7000-8000-50000000000a',
        'Oliver Grant',
        NULL,
        'Writes about developer tools.',
        0.72
    ),
    (
        '01900000-0000-7000-8000-50000000000b',
        'Noor Haddad',
        'Fathom Health',
        'Machine learning for medical images.',
        0.92
    ),
    (
        '01900000-0000-7000-8000-50000000000c',
        'Ingrid Solberg',
        'Cedar Ventures',
        'Partner for early-stage health.',
        0.84
    ),
    (
        '01900000-0000-7000-8000-50000000000d',
        'Mateo Rossi',
        'Castle & Key Security',
        'Threat modelling for small teams.',
        0.87
    ),
    (
        '01900000-0000-7000-8000-50000000000e',
        'Chloe Dubois',
        NULL,
        'Facilitates workshops and hackathons.',
        0.7
    ),
    (
        '01900000-0000-7000-8000-50000000000f',
        'Kenji Watanabe',
        'Open Quay',
        'Programmes the harbour stage.',
        0.78
    ),
    (
        '01900000-0000-7000-8000-500000000010',
        'Maya Lindquist',
        'Northwind Robotics',
        NULL,
        0.55
    )
ON CONFLICT DO NOTHING;
