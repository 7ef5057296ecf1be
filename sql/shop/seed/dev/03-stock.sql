-- The stock of the development seed, taken in by the ledger. One pair of headphones was
-- sold since, by the next file, so that 50 are left; shirts in size L never came.

INSERT INTO shop.inventory (
    id,
    product_id,
    variant_id,
    location
)
VALUES
    (
        '01900000-0000-7000-8000-e00000000001',
        '01900000-0000-7000-8000-c00000000001',
        NULL,
        'A1'
    ),
    (
        '01900000-0000-7000-8000-e00000000002',
        '01900000-0000-7000-8000-c00000000002',
        '01900000-0000-7000-8000-d00000000001',
        'A2'
    ),
    (
        '01900000-0000-7000-8000-e00000000003',
        '01900000-0000-7000-8000-c00000000002',
        '01900000-0000-7000-8000-d00000000002',
        'A2'
    ),
    (
        '01900000-0000-7000-8000-e00000000004',
        '01900000-0000-7000-8000-c00000000003',
        '01900000-0000-7000-8000-d00000000003',
        'B1'
    )
ON CONFLICT DO NOTHING;

INSERT INTO shop.inventory_transactions (
    inventory_id,
    type,
    quantity,
    reason,
    created_at
)
SELECT
    first.inventory_id,
    'IN',
    first.quantity,
    'first stock',
    now() - INTERVAL '29 days'
FROM (
    VALUES
        ('01900000-0000-7000-8000-e00000000001'::uuid, 51),
        ('01900000-0000-7000-8000-e00000000002', 20),
        ('01900000-0000-7000-8000-e00000000003', 4),
        ('01900000-0000-7000-8000-e00000000004', 30)
) AS first (inventory_id, quantity)
WHERE NOT EXISTS (
    SELECT
    FROM shop.inventory_transactions AS entry
    WHERE
        entry.inventory_id = first.inventory_id
        AND entry.reason = 'first stock'
)
ORDER BY first.inventory_id;
