-- Stock: taken in, held, sold, given back, moved and counted. Every change is an entry of
-- the ledger, whose trigger changes the stock; rows are locked by id, smallest first.

-- name: create_inventory(product_id, variant_id, warehouse, location)<!
-- Makes a place for a product, or for a variant of it, in a warehouse: main, unless it
-- says otherwise. It is empty.
INSERT INTO shop.inventory (
    product_id,
    variant_id,
    warehouse,
    location
)
VALUES (
    :product_id,
    :variant_id,
    coalesce(:warehouse::text, 'main'),
    :location
)
RETURNING id;

-- name: receive_stock(inventory_id, quantity, reason, reference)<!
-- Takes goods in; how many there are then.
INSERT INTO shop.inventory_transactions (
    inventory_id,
    type,
    quantity,
    reason,
    reference
)
VALUES (
    :inventory_id,
    'IN',
    :quantity,
    :reason,
    :reference
)
RETURNING quantity_after;

-- name: adjust_stock(inventory_id, delta, reason)<!
-- Corrects the stock by what was found, lost or broken; how many there are then. What is
-- reserved must remain.
INSERT INTO shop.inventory_transactions (
    inventory_id,
    type,
    quantity,
    reason
)
VALUES (
    :inventory_id,
    'ADJUSTMENT',
    :delta,
    :reason
)
RETURNING quantity_after;

-- name: transfer_stock(from_id, to_id, quantity, reference)
-- Moves so many from one place to another, and returns both as they are then; no rows if
-- the two places are not of the same goods.
-- nullable: reference
INSERT INTO shop.inventory_transactions (
    inventory_id,
    type,
    quantity,
    reason,
    reference
)
SELECT
    place.inventory_id,
    'TRANSFER',
    place.quantity,
    'transfer',
    :reference
FROM shop.inventory AS origin
INNER JOIN shop.inventory AS target
    ON target.product_id = origin.product_id
    AND target.variant_id IS NOT DISTINCT FROM origin.variant_id
    AND target.id <> origin.id
CROSS JOIN LATERAL (
    VALUES
        (origin.id, -:quantity::integer),
        (target.id, :quantity::integer)
) AS place (inventory_id, quantity)
WHERE
    origin.id = :from_id
    AND target.id = :to_id
    AND :quantity::integer > 0
ORDER BY place.inventory_id
RETURNING
    inventory_id,
    quantity_after;

-- name: reserve_stock(lines, hold)
-- Holds all lines, [{"product_id", "variant_id", "quantity"}], for so long, or none: no
-- rows then.
SELECT
    held.reservation_id,
    held.inventory_id,
    held.quantity
FROM shop.reserve_stock(:lines, :hold) AS held;

-- name: lacking(lines)$
-- Of some lines those that there is not enough of, with names; NULL if there is enough.
SELECT shop.lacking(:lines) AS lacking;

-- name: commit_reservation(order_id)!
-- How many reservations of an order were sold by this.
UPDATE shop.inventory_reservations AS reservation
SET
    status = 'COMMITTED',
    settled_at = clock_timestamp()
WHERE
    reservation.order_id = :order_id
    AND reservation.status = 'HELD';

-- name: release_reservation(reservation_ids)!
-- How many of some reservations without an order were held, and are given back. What an
-- order holds goes with the order.
UPDATE shop.inventory_reservations AS reservation
SET
    status = 'RELEASED',
    settled_at = clock_timestamp()
WHERE
    reservation.id = ANY (:reservation_ids::uuid[])
    AND reservation.order_id IS NULL
    AND reservation.status = 'HELD';

-- name: expire_reservations(limit_rows)$
-- Gives back what was held for too long, of up to so many orders, which are cancelled,
-- and of up to so many reservations without one; how many were given back.
SELECT shop.expire_reservations(coalesce(:limit_rows::bigint, 100)) AS expired;

-- name: product_stock(product_id)^
-- How many there are of a product, in all variants and warehouses.
SELECT
    stock.quantity,
    stock.reserved,
    stock.available,
    stock.in_stock
FROM shop.product_stock AS stock
WHERE stock.product_id = :product_id;

-- name: inventory_of(product_id)
-- Where a product lies, by variant and warehouse.
SELECT
    stock.id,
    stock.variant_id,
    variant.name AS variant_name,
    stock.warehouse,
    stock.location,
    stock.quantity,
    stock.reserved,
    stock.available
FROM shop.inventory AS stock
LEFT JOIN shop.product_variants AS variant
    ON variant.id = stock.variant_id
WHERE stock.product_id = :product_id
ORDER BY
    variant.name,
    stock.warehouse;

-- name: low_stock(limit_rows)
-- What should be ordered soon: goods of which no more than the product's threshold are
-- available in all warehouses, scarcest first; 20 unless limit_rows says otherwise, 100
-- at most.
-- replica: ok
SELECT
    product.id AS product_id,
    stock.variant_id,
    product.name,
    variant.name AS variant_name,
    coalesce(variant.sku, product.sku) AS sku,
    product.low_stock_threshold,
    sum(stock.available) AS available
FROM (
    -- Where all warehouses together have little, each of them has.
    SELECT DISTINCT
        place.product_id,
        place.variant_id
    FROM shop.inventory AS place
    INNER JOIN shop.products AS owner
        ON owner.id = place.product_id
        AND owner.low_stock_threshold >= place.available
) AS candidate
INNER JOIN shop.inventory AS stock
    ON stock.product_id = candidate.product_id
    AND stock.variant_id IS NOT DISTINCT FROM candidate.variant_id
INNER JOIN shop.products AS product
    ON product.id = stock.product_id
    AND product.track_quantity
    AND product.is_active
    AND product.deleted_at IS NULL
LEFT JOIN shop.product_variants AS variant
    ON variant.id = stock.variant_id
GROUP BY
    product.id,
    stock.variant_id,
    variant.id
HAVING sum(stock.available) <= product.low_stock_threshold
ORDER BY
    sum(stock.available),
    product.name,
    product.id,
    stock.variant_id
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: stock_history(inventory_id, before_id, limit_rows)
-- The entries of a place's ledger, latest first; 20 unless limit_rows says otherwise, 100
-- at most. before_id is that of the last one seen.
-- replica: ok
SELECT
    entry.id,
    entry.type,
    entry.quantity,
    entry.reason,
    entry.reference,
    entry.quantity_after,
    entry.reserved_after,
    entry.created_at
FROM shop.inventory_transactions AS entry
WHERE
    entry.inventory_id = :inventory_id
    AND (:before_id::bigint IS NULL OR entry.id < :before_id)
ORDER BY entry.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: ledger_check()
-- The stock that is not the sum of its ledger, or whose reserved part is not what
-- reservations hold; none, ever.
-- replica: ok
WITH ledger AS (
    SELECT
        entry.inventory_id,
        sum(entry.quantity) FILTER (
            WHERE entry.type NOT IN ('RESERVE', 'RELEASE')
        ) AS quantity,
        sum(entry.quantity) FILTER (
            WHERE entry.type IN ('RESERVE', 'RELEASE')
        ) AS reserved
    FROM shop.inventory_transactions AS entry
    GROUP BY entry.inventory_id
),
held AS (
    SELECT
        reservation.inventory_id,
        sum(reservation.quantity) AS quantity
    FROM shop.inventory_reservations AS reservation
    WHERE reservation.status = 'HELD'
    GROUP BY reservation.inventory_id
)
SELECT
    stock.id AS inventory_id,
    stock.quantity,
    coalesce(ledger.quantity, 0) AS ledger_quantity,
    stock.reserved,
    coalesce(ledger.reserved, 0) AS ledger_reserved,
    coalesce(held.quantity, 0) AS held
FROM shop.inventory AS stock
LEFT JOIN ledger
    ON ledger.inventory_id = stock.id
LEFT JOIN held
    ON held.inventory_id = stock.id
WHERE
    stock.quantity <> coalesce(ledger.quantity, 0)
    OR stock.reserved <> coalesce(ledger.reserved, 0)
    OR stock.reserved <> coalesce(held.quantity, 0)
ORDER BY stock.id;
