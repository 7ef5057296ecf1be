-- Restaurants of the development seed, all in Austin and all invented. Loading them again
-- changes nothing.

INSERT INTO dining.entities (
    id,
    type,
    name,
    aliases,
    latitude,
    longitude,
    address,
    google_place_id,
    details
)
VALUES
    (
        '01900000-0000-7000-8000-a00000000001',
        'restaurant',
        'Pecan Street Smokehouse',
        '{"Pecan St Smokehouse","Pecan Street BBQ"}',
        30.26715,
        -97.73876,
        '512 Pecan Street, Austin, TX',
        'seed-pecan-street',
        '{"price": 2, "hours": "11:00-21:00"}'
    ),
    (
        '01900000-0000-7000-8000-a00000000002',
        'restaurant',
        'Mariposa Taqueria',
        '{"La Mariposa"}',
        30.25302,
        -97.71845,
        '1907 Chicon Lane, Austin, TX',
        'seed-mariposa',
        '{"price": 1, "hours": "07:00-15:00"}'
    ),
    (
        '01900000-0000-7000-8000-a00000000003',
        'restaurant',
        'Barton Ramen House',
        '{"Barton Ramen"}',
        30.26087,
        -97.77139,
        '88 Barton Row, Austin, TX',
        'seed-barton-ramen',
        '{"price": 2, "hours": "17:00-01:00"}'
    ),
    (
        '01900000-0000-7000-8000-a00000000004',
        'restaurant',
        'South Lamar Pizza Works',
        '{"SoLa Pizza"}',
        30.24791,
        -97.77802,
        '2300 Lamar Yard, Austin, TX',
        'seed-south-lamar',
        '{"price": 2, "hours": "11:30-22:00"}'
    ),
    (
        '01900000-0000-7000-8000-a00000000005',
        'restaurant',
        'Lady Bird Diner',
        '{}',
        30.2634,
        -97.75021,
        '14 Lakeside Walk, Austin, TX',
        'seed-lady-bird',
        '{"price": 1, "hours": "06:00-14:00"}'
    )
ON CONFLICT DO NOTHING;
