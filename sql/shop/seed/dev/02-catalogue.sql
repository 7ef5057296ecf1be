-- The catalogue of the development seed: three categories, four products, four variants.

INSERT INTO shop.categories (
    id,
    name,
    slug,
    description,
    parent_id,
    sort_order
)
VALUES
    (
        '01900000-0000-7000-8000-b00000000001',
        'Electronics',
        'electronics',
        'Electronic devices and accessories',
        NULL,
        1
    ),
    (
        '01900000-0000-7000-8000-b00000000002',
        'Wearables',
        'wearables',
        'Electronics to wear',
        '01900000-0000-7000-8000-b00000000001',
        1
    ),
    (
        '01900000-0000-7000-8000-b00000000003',
        'Clothing',
        'clothing',
        'Clothes, and how to make them',
        NULL,
        2
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.products (
    id,
    category_id,
    name,
    slug,
    description,
    short_description,
    sku,
    price,
    compare_price,
    cost_price,
    images,
    thumbnail,
    track_quantity,
    is_featured,
    is_digital,
    weight,
    created_at
)
VALUES
    (
        '01900000-0000-7000-8000-c00000000001',
        '01900000-0000-7000-8000-b00000000001',
        'Wireless Headphones',
        'wireless-headphones',
        'High-quality wireless headphones',
        'Thirty hours of sound without a cable',
        'WH-001',
        99.99,
        129.99,
        52.00,
        '{/images/headphones.jpg}',
        '/images/headphones.jpg',
        true,
        true,
        false,
        0.25,
        now() - INTERVAL '29 days'
    ),
    (
        '01900000-0000-7000-8000-c00000000002',
        '01900000-0000-7000-8000-b00000000002',
        'Smart Watch',
        'smart-watch',
        'A watch that counts steps, shows messages and survives a swim',
        'Shows more than the time',
        'SW-001',
        249.00,
        NULL,
        131.50,
        '{/images/watch-black.jpg,/images/watch-silver.jpg}',
        '/images/watch-black.jpg',
        true,
        true,
        false,
        0.06,
        now() - INTERVAL '21 days'
    ),
    (
        '01900000-0000-7000-8000-c00000000003',
        '01900000-0000-7000-8000-b00000000003',
        'Cotton T-Shirt',
        'cotton-t-shirt',
        'A plain shirt of organic cotton',
        NULL,
        'TS-001',
        24.99,
        NULL,
        7.20,
        '{/images/shirt.jpg}',
        '/images/shirt.jpg',
        true,
        false,
        false,
        0.18,
        now() - INTERVAL '14 days'
    ),
    (
        '01900000-0000-7000-8000-c00000000004',
        '01900000-0000-7000-8000-b00000000003',
        'Knitting Patterns',
        'knitting-patterns',
        'Forty patterns for pullovers and socks, to download',
        'An e-book for cold evenings',
        'EB-001',
        12.50,
        NULL,
        NULL,
        '{/images/patterns.jpg}',
        '/images/patterns.jpg',
        false,
        false,
        true,
        NULL,
        now() - INTERVAL '7 days'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.product_variants (
    id,
    product_id,
    name,
    sku,
    price,
    attributes,
    image
)
VALUES
    (
        '01900000-0000-7000-8000-d00000000001',
        '01900000-0000-7000-8000-c00000000002',
        'black',
        'SW-001-BLACK',
        NULL,
        '{"color": "black"}',
        '/images/watch-black.jpg'
    ),
    (
        '01900000-0000-7000-8000-d00000000002',
        '01900000-0000-7000-8000-c00000000002',
        'silver',
        'SW-001-SILVER',
        269.00,
        '{"color": "silver"}',
        '/images/watch-silver.jpg'
    ),
    (
        '01900000-0000-7000-8000-d00000000003',
        '01900000-0000-7000-8000-c00000000003',
        'M',
        'TS-001-M',
        NULL,
        '{"size": "M"}',
        NULL
    ),
    (
        '01900000-0000-7000-8000-d00000000004',
        '01900000-0000-7000-8000-c00000000003',
        'L',
        'TS-001-L',
        NULL,
        '{"size": "L"}',
        NULL
    )
ON CONFLICT DO NOTHING;
