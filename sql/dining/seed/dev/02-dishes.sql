-- Dishes and categories of the development seed. Loading them again changes nothing.
--
-- Embeddings are made of hashes: a direction for each theme, and a smaller one for each
-- dish, so that dishes of one theme are near each other. They mean nothing else.

INSERT INTO dining.entities (
    id,
    type,
    name,
    aliases,
    embedding
)
SELECT
    given.id::uuid,
    'dish_or_category',
    given.name,
    given.aliases::text[],
    embedded.embedding
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-d00000000001',
            'Barbecue',
            '{"BBQ"}',
            'smoke'
        ),
        (
            '01900000-0000-7000-8000-d00000000002',
            'Brisket',
            '{"Smoked Brisket"}',
            'smoke'
        ),
        (
            '01900000-0000-7000-8000-d00000000003',
            'Pork Ribs',
            '{"Spare Ribs"}',
            'smoke'
        ),
        (
            '01900000-0000-7000-8000-d00000000004',
            'Taco',
            '{"Tacos"}',
            'taco'
        ),
        (
            '01900000-0000-7000-8000-d00000000005',
            'Breakfast Taco',
            '{"Breakfast Tacos"}',
            'taco'
        ),
        (
            '01900000-0000-7000-8000-d00000000006',
            'Al Pastor Taco',
            '{"Taco al Pastor"}',
            'taco'
        ),
        (
            '01900000-0000-7000-8000-d00000000007',
            'Queso',
            '{"Chile con Queso"}',
            'taco'
        ),
        (
            '01900000-0000-7000-8000-d00000000008',
            'Ramen',
            '{}',
            'noodle'
        ),
        (
            '01900000-0000-7000-8000-d00000000009',
            'Tonkotsu Ramen',
            '{"Tonkotsu"}',
            'noodle'
        ),
        (
            '01900000-0000-7000-8000-d0000000000a',
            'Pizza',
            '{}',
            'pizza'
        ),
        (
            '01900000-0000-7000-8000-d0000000000b',
            'Margherita Pizza',
            '{"Margherita"}',
            'pizza'
        ),
        (
            '01900000-0000-7000-8000-d0000000000c',
            'Burger',
            '{"Hamburger"}',
            'diner'
        ),
        (
            '01900000-0000-7000-8000-d0000000000d',
            'Smash Burger',
            '{"Smashed Burger"}',
            'diner'
        ),
        (
            '01900000-0000-7000-8000-d0000000000e',
            'Peach Cobbler',
            '{}',
            'diner'
        )
) AS given (id, name, aliases, theme)
CROSS JOIN LATERAL (
    SELECT
        public.l2_normalize(
            array_agg(
                (
                    hashtextextended(given.theme || dimension.number, 0)
                        ::double precision
                    + hashtextextended(given.name || dimension.number, 0)
                        ::double precision / 2
                ) / 9223372036854775807
                ORDER BY dimension.number
            )::real[]::public.vector
        ) AS embedding
    FROM generate_series(1, 384) AS dimension (number)
) AS embedded
ON CONFLICT DO NOTHING;
