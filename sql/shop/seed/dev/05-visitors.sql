-- What users of the development seed want, think and do: a cart, a wish, two reviews, a
-- notification, and a few steps through the shop.

INSERT INTO shop.cart_items (
    id,
    user_id,
    product_id,
    variant_id,
    quantity
)
VALUES
    (
        '01900000-0000-7000-8000-ca0000000001',
        '01900000-0000-7000-8000-a00000000002',
        '01900000-0000-7000-8000-c00000000002',
        '01900000-0000-7000-8000-d00000000001',
        1
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.wishlist_items (
    user_id,
    product_id
)
VALUES
    (
        '01900000-0000-7000-8000-a00000000002',
        '01900000-0000-7000-8000-c00000000004'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.reviews (
    id,
    user_id,
    product_id,
    order_id,
    rating,
    title,
    content
)
VALUES
    (
        '01900000-0000-7000-8000-fe0000000001',
        '01900000-0000-7000-8000-a00000000002',
        '01900000-0000-7000-8000-c00000000001',
        '01900000-0000-7000-8000-f00000000001',
        5,
        'Wonderful',
        'I hear the music and nothing else.'
    ),
    (
        '01900000-0000-7000-8000-fe0000000002',
        '01900000-0000-7000-8000-a00000000001',
        '01900000-0000-7000-8000-c00000000002',
        NULL,
        4,
        NULL,
        'It does what it says, and the strap is good.'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.notifications (
    id,
    user_id,
    type,
    title,
    message,
    data
)
VALUES
    (
        '01900000-0000-7000-8000-fd0000000001',
        '01900000-0000-7000-8000-a00000000002',
        'ORDER_UPDATE',
        'We have received your order',
        'ORD-SEED-2: 36.98 USD.',
        '{"order_id": "01900000-0000-7000-8000-f00000000002"}'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.analytics (
    id,
    event,
    user_id,
    session_id,
    data,
    page,
    created_at
)
SELECT
    seen.id,
    seen.event,
    seen.user_id,
    seen.session_id,
    jsonb_build_object('product_id', seen.product_id),
    seen.page,
    now() - seen.age
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-fa0000000001'::uuid,
            'product_view',
            '01900000-0000-7000-8000-a00000000002'::uuid,
            'seed-1',
            '01900000-0000-7000-8000-c00000000003',
            '/products/cotton-t-shirt',
            INTERVAL '3 hours'
        ),
        (
            '01900000-0000-7000-8000-fa0000000002',
            'cart_add',
            '01900000-0000-7000-8000-a00000000002',
            'seed-1',
            '01900000-0000-7000-8000-c00000000003',
            '/products/cotton-t-shirt',
            INTERVAL '2 hours'
        ),
        (
            '01900000-0000-7000-8000-fa0000000003',
            'order_placed',
            '01900000-0000-7000-8000-a00000000002',
            'seed-1',
            '01900000-0000-7000-8000-c00000000003',
            '/checkout',
            INTERVAL '1 hour'
        ),
        (
            '01900000-0000-7000-8000-fa0000000004',
            'product_view',
            NULL,
            'seed-2',
            '01900000-0000-7000-8000-c00000000001',
            '/products/wireless-headphones',
            INTERVAL '30 minutes'
        )
) AS seen (id, event, user_id, session_id, product_id, page, age)
WHERE NOT EXISTS (
    SELECT
    FROM shop.analytics AS event
    WHERE event.id = seen.id
);

REFRESH MATERIALIZED VIEW CONCURRENTLY shop.bought_together;
