-- Orders: placed, looked at, moved on and given up. What follows from a step, such as
-- stock that is sold or put back, the tables' triggers do.

-- name: place_order(user_id, shipping_address, billing_address, shipping_method, payment_method, discount_code, idempotency_key, notes)^
-- Makes an order of a user's cart, all of it or nothing; the same key is the same order.
-- nullable: discount_code, notes
SELECT
    placed.order_id,
    placed.order_number,
    placed.status,
    placed.subtotal,
    placed.discount,
    placed.tax,
    placed.shipping,
    placed.total,
    placed.currency,
    placed.payment_id,
    placed.is_new
FROM shop.place_order(
    :user_id,
    :shipping_address,
    :billing_address,
    coalesce(:shipping_method::text, 'standard'),
    coalesce(:payment_method::shop.payment_method, 'CREDIT_CARD'),
    :discount_code,
    :idempotency_key,
    :notes
) AS placed;

-- name: transition_order(order_id, from_status, to_status, tracking_number)^
-- Moves an order on, if it still is where the caller believes; no row if it is not, and
-- refused by orders_status_step if there is no such step.
-- nullable: tracking_number
UPDATE shop.orders AS entry
SET
    status = :to_status,
    tracking_number = coalesce(:tracking_number::text, entry.tracking_number),
    shipped_at = CASE :to_status::shop.order_status
        WHEN 'SHIPPED' THEN clock_timestamp()
        ELSE entry.shipped_at
    END,
    delivered_at = CASE :to_status::shop.order_status
        WHEN 'DELIVERED' THEN clock_timestamp()
        ELSE entry.delivered_at
    END
WHERE
    entry.id = :order_id
    AND entry.status = :from_status::shop.order_status
RETURNING
    entry.id,
    entry.order_number,
    entry.status,
    entry.payment_status,
    entry.tracking_number,
    entry.shipped_at,
    entry.delivered_at;

-- name: lock_order(order_id)^
-- An order's states; nobody else can change them until the transaction ends.
SELECT
    entry.id,
    entry.user_id,
    entry.status,
    entry.payment_status
FROM shop.orders AS entry
WHERE entry.id = :order_id
FOR NO KEY UPDATE;

-- name: refund_payments(order_id)!
-- How many payments of an order had arrived, and count as paid back now.
UPDATE shop.payments AS payment
SET status = 'REFUNDED'
WHERE
    payment.order_id = :order_id
    AND payment.status = 'COMPLETED';

-- name: annotate_order(order_id, admin_notes)!
-- 1 if there is such an order, which has these notes for those who run the shop.
UPDATE shop.orders AS entry
SET admin_notes = :admin_notes
WHERE entry.id = :order_id;

-- name: get_order(order_id, user_id)^
-- An order with its items and payments; with a user, only if it is that user's.
SELECT
    entry.id,
    entry.order_number,
    entry.user_id,
    entry.status,
    entry.payment_status,
    entry.currency,
    entry.subtotal,
    entry.discount,
    entry.tax,
    entry.shipping,
    entry.total,
    entry.shipping_address,
    entry.billing_address,
    entry.shipping_method,
    entry.tracking_number,
    entry.shipped_at,
    entry.delivered_at,
    entry.notes,
    entry.created_at,
    customer.email,
    customer.name,
    item.id AS "items[].id",
    item.product_id AS "items[].product_id",
    item.variant_id AS "items[].variant_id",
    item.sku AS "items[].sku",
    item.product_name AS "items[].product_name",
    item.quantity AS "items[].quantity",
    item.unit_price AS "items[].unit_price",
    item.line_total AS "items[].line_total",
    payment.id AS "payments[].id",
    payment.amount AS "payments[].amount",
    payment.status AS "payments[].status",
    payment.method AS "payments[].method",
    payment.provider AS "payments[].provider",
    payment.provider_id AS "payments[].provider_id",
    payment.processed_at AS "payments[].processed_at",
    payment.disputed_at AS "payments[].disputed_at"
FROM shop.orders AS entry
INNER JOIN shop.users AS customer
    ON customer.id = entry.user_id
LEFT JOIN shop.order_items AS item
    ON item.order_id = entry.id
LEFT JOIN shop.payments AS payment
    ON payment.order_id = entry.id
WHERE
    entry.id = :order_id
    AND (:user_id::uuid IS NULL OR entry.user_id = :user_id)
ORDER BY
    item.product_name,
    item.id,
    payment.created_at,
    payment.id;

-- name: list_orders(user_id, status, after, limit_rows)
-- A page of orders, newest first: of all users and states, or of one; 20 unless
-- limit_rows says otherwise, 100 at most. after is created_at and id of the last one
-- seen.
-- replica: ok
SELECT
    entry.id,
    entry.order_number,
    entry.user_id,
    entry.status,
    entry.payment_status,
    entry.total,
    entry.currency,
    entry.tracking_number,
    entry.created_at,
    (
        SELECT coalesce(sum(item.quantity), 0)
        FROM shop.order_items AS item
        WHERE item.order_id = entry.id
    ) AS pieces
FROM shop.orders AS entry
WHERE
    (:user_id::uuid IS NULL OR entry.user_id = :user_id)
    AND (:status::shop.order_status IS NULL OR entry.status = :status)
    AND (
        :after::shop.time_position IS NULL
        OR (entry.created_at, entry.id) < (
            (:after::shop.time_position).at,
            (:after::shop.time_position).id
        )
    )
ORDER BY
    entry.created_at DESC,
    entry.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: redeem_discount(code, user_id, subtotal)^
-- Uses a discount for goods of a price, once, and tells what it takes off.
SELECT
    redeemed.discount_id,
    redeemed.type,
    redeemed.amount
FROM shop.redeem_discount(:code, :user_id, :subtotal) AS redeemed;

-- name: preview_discount(code, subtotal)^
-- What a discount would take off goods of a price, if it applies now; nothing is used.
-- replica: ok
SELECT
    discount.id,
    discount.name,
    discount.type,
    shop.discount_amount(discount, :subtotal::numeric) AS amount
FROM shop.discounts AS discount
WHERE
    upper(discount.code) = upper(btrim(:code::text))
    AND discount.is_active
    AND discount.starts_at <= now()
    AND (discount.expires_at IS NULL OR discount.expires_at > now())
    AND coalesce(discount.min_amount, 0) <= :subtotal::numeric
    AND (
        discount.usage_limit IS NULL
        OR discount.used_count < discount.usage_limit
    );

-- name: create_discount(code, name, type, value, min_amount, max_amount, usage_limit, per_user, starts_at, expires_at)<!
-- Adds a discount; it begins now, and each user may use it once, unless told otherwise.
INSERT INTO shop.discounts (
    code,
    name,
    type,
    value,
    min_amount,
    max_amount,
    usage_limit,
    per_user,
    starts_at,
    expires_at
)
VALUES (
    :code,
    :name,
    :type,
    :value,
    :min_amount,
    :max_amount,
    :usage_limit,
    coalesce(:per_user::integer, 1),
    coalesce(:starts_at::timestamptz, now()),
    :expires_at
)
RETURNING
    id,
    code;

-- name: set_discount_active(discount_id, is_active)!
-- 1 if there is such a discount, which can be used from now on, or cannot.
UPDATE shop.discounts AS discount
SET is_active = :is_active
WHERE discount.id = :discount_id;

-- name: list_discounts()
-- All discounts and how often they were used, latest first.
-- replica: ok
SELECT
    discount.id,
    discount.code,
    discount.name,
    discount.type,
    discount.value,
    discount.used_count,
    discount.usage_limit,
    discount.is_active,
    discount.starts_at,
    discount.expires_at
FROM shop.discounts AS discount
ORDER BY
    discount.created_at DESC,
    discount.id;
