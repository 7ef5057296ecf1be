-- Orders of the development seed: headphones that were paid for and delivered, and a
-- shirt that waits for its payment and is held as long.

INSERT INTO shop.discounts (
    id,
    code,
    name,
    type,
    value,
    min_amount,
    usage_limit,
    starts_at
)
VALUES
    (
        '01900000-0000-7000-8000-d10000000001',
        'WELCOME10',
        'Ten percent for the first order',
        'PERCENTAGE',
        10,
        20,
        1000,
        now() - INTERVAL '30 days'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.orders (
    id,
    order_number,
    user_id,
    idempotency_key,
    status,
    payment_status,
    subtotal,
    tax,
    shipping,
    total,
    shipping_address,
    billing_address,
    tracking_number,
    shipped_at,
    delivered_at,
    created_at
)
SELECT
    sample.id,
    sample.order_number,
    buyer.id,
    sample.order_number,
    sample.status,
    sample.payment_status,
    sample.subtotal,
    sample.tax,
    sample.shipping,
    sample.subtotal + sample.tax + sample.shipping,
    address.fields,
    address.fields,
    sample.tracking_number,
    sample.shipped_at,
    sample.delivered_at,
    sample.created_at
FROM (
    VALUES
        (
            '01900000-0000-7000-8000-f00000000001'::uuid,
            'ORD-SEED-1',
            'DELIVERED'::shop.order_status,
            'COMPLETED'::shop.payment_status,
            99.99,
            8.00,
            0,
            'TRACK-1',
            now() - INTERVAL '9 days',
            now() - INTERVAL '7 days',
            now() - INTERVAL '10 days'
        ),
        (
            '01900000-0000-7000-8000-f00000000002',
            'ORD-SEED-2',
            'PENDING',
            'PENDING',
            24.99,
            2.00,
            9.99,
            NULL,
            NULL,
            NULL,
            now()
        )
) AS sample (
    id,
    order_number,
    status,
    payment_status,
    subtotal,
    tax,
    shipping,
    tracking_number,
    shipped_at,
    delivered_at,
    created_at
)
CROSS JOIN shop.users AS buyer
CROSS JOIN jsonb_build_object(
    'street', '123 Main St',
    'city', 'New York',
    'state', 'NY',
    'zip_code', '10001',
    'country', 'US'
) AS address (fields)
WHERE buyer.id = '01900000-0000-7000-8000-a00000000002'
ON CONFLICT DO NOTHING;

INSERT INTO shop.order_items (
    id,
    order_id,
    product_id,
    variant_id,
    sku,
    product_name,
    quantity,
    unit_price
)
VALUES
    (
        '01900000-0000-7000-8000-f10000000001',
        '01900000-0000-7000-8000-f00000000001',
        '01900000-0000-7000-8000-c00000000001',
        NULL,
        'WH-001',
        'Wireless Headphones',
        1,
        99.99
    ),
    (
        '01900000-0000-7000-8000-f10000000002',
        '01900000-0000-7000-8000-f00000000002',
        '01900000-0000-7000-8000-c00000000003',
        '01900000-0000-7000-8000-d00000000003',
        'TS-001-M',
        'Cotton T-Shirt, M',
        1,
        24.99
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.payments (
    id,
    order_id,
    amount,
    status,
    method,
    provider_id,
    processed_at
)
VALUES
    (
        '01900000-0000-7000-8000-f20000000001',
        '01900000-0000-7000-8000-f00000000001',
        107.99,
        'COMPLETED',
        'CREDIT_CARD',
        'pi_seed_1',
        now() - INTERVAL '10 days'
    ),
    (
        '01900000-0000-7000-8000-f20000000002',
        '01900000-0000-7000-8000-f00000000002',
        36.98,
        'PENDING',
        'PAYPAL',
        'pi_seed_2',
        NULL
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.inventory_reservations (
    id,
    inventory_id,
    order_id,
    quantity,
    expires_at
)
VALUES
    (
        '01900000-0000-7000-8000-e10000000001',
        '01900000-0000-7000-8000-e00000000001',
        '01900000-0000-7000-8000-f00000000001',
        1,
        now() - INTERVAL '10 days'
    ),
    (
        '01900000-0000-7000-8000-e10000000002',
        '01900000-0000-7000-8000-e00000000004',
        '01900000-0000-7000-8000-f00000000002',
        1,
        now() + INTERVAL '1 day'
    )
ON CONFLICT DO NOTHING;

UPDATE shop.inventory_reservations AS reservation
SET
    status = 'COMMITTED',
    settled_at = now() - INTERVAL '10 days'
WHERE
    reservation.id = '01900000-0000-7000-8000-e10000000001'
    AND reservation.status = 'HELD';

UPDATE shop.product_stats AS stats
SET sold = 1
WHERE
    stats.product_id = '01900000-0000-7000-8000-c00000000001'
    AND stats.sold = 0;
