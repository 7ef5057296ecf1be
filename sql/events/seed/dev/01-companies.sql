-- Companies of the development seed. Loading them again changes nothing.

INSERT INTO events.companies (
    id,
    name,
    domain,
    industry
)
VALUES
    (
        '01900000-0000-7000-8000-c00000000001',
        'Northwind Robotics',
        'northwind-robotics.example',
        'Robotics'
    ),
    (
        '01900000-0000-7000-8000-c00000000002',
        'Helio Grid',
        'heliogrid.example',
        'Energy'
    ),
    (
        '01900000-0000-7000-8000-c00000000003',
        'Blue Ledger',
        'blueledger.example',
        'Finance'
    ),
    (
        '01900000-0000-7000-8000-c00000000004',
        'Fathom Health',
        'fathomhealth.example',
        'Healthcare'
    ),
    (
        '01900000-0000-7000-8000-c00000000005',
        'Castle & Key Security',
        'castleandkey.example',
        'Security'
    ),
    (
        '01900000-0000-7000-8000-c00000000006',
        'The Foundry Hall',
        'foundryhall.example',
        'Venues'
    ),
    (
        '01900000-0000-7000-8000-c00000000007',
        'Open Quay',
        'openquay.example',
        'Venues'
    ),
    (
        '01900000-0000-7000-8000-c00000000008',
        'Cedar Ventures',
        'cedarventures.example',
        'Venture capital'
    )
ON CONFLICT DO NOTHING;
