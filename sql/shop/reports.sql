-- What those who run the shop want to know: sales, goods, customers, by day, week or
-- month of a time zone. A sale is an order that is paid and not paid back.

-- name: sales_series(bucket, sold_from, sold_before, tz)
-- Orders, revenue and mean value of an order in each day, week or month of a period;
-- empty ones are there, too.
-- replica: ok
WITH sold AS (
    SELECT
        date_trunc(:bucket::text, entry.created_at, :tz::text) AS start,
        count(*) AS orders,
        sum(entry.total) AS revenue
    FROM shop.orders AS entry
    WHERE
        entry.payment_status = 'COMPLETED'
        AND entry.created_at >= :sold_from::timestamptz
        AND entry.created_at < :sold_before::timestamptz
    GROUP BY date_trunc(:bucket::text, entry.created_at, :tz::text)
)
SELECT
    series.start AS bucket_start,
    coalesce(sold.orders, 0) AS orders,
    coalesce(sold.revenue, 0) AS revenue,
    round(sold.revenue / sold.orders, 2) AS mean_order_value
FROM generate_series(
    date_trunc(:bucket::text, :sold_from::timestamptz, :tz::text),
    :sold_before::timestamptz - INTERVAL '1 microsecond',
    ('1 ' || :bucket::text)::interval,
    :tz::text
) AS series (start)
LEFT JOIN sold
    ON sold.start = series.start
ORDER BY series.start;

-- name: new_users_series(bucket, created_from, created_before, tz)
-- How many users came in each day, week or month of a period; empty ones are there, too.
-- replica: ok
WITH created AS (
    SELECT
        date_trunc(:bucket::text, account.created_at, :tz::text) AS start,
        count(*) AS users
    FROM shop.users AS account
    WHERE
        account.deleted_at IS NULL
        AND account.created_at >= :created_from::timestamptz
        AND account.created_at < :created_before::timestamptz
    GROUP BY date_trunc(:bucket::text, account.created_at, :tz::text)
)
SELECT
    series.start AS bucket_start,
    coalesce(created.users, 0) AS users
FROM generate_series(
    date_trunc(:bucket::text, :created_from::timestamptz, :tz::text),
    :created_before::timestamptz - INTERVAL '1 microsecond',
    ('1 ' || :bucket::text)::interval,
    :tz::text
) AS series (start)
LEFT JOIN created
    ON created.start = series.start
ORDER BY series.start;

-- name: top_products(sold_from, sold_before, limit_rows)
-- What brought most in a period; 10 unless limit_rows says otherwise, 100 at most.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.slug,
    sum(item.quantity) AS pieces,
    sum(item.line_total) AS revenue
FROM shop.orders AS entry
INNER JOIN shop.order_items AS item
    ON item.order_id = entry.id
INNER JOIN shop.products AS product
    ON product.id = item.product_id
WHERE
    entry.payment_status = 'COMPLETED'
    AND entry.created_at >= :sold_from::timestamptz
    AND entry.created_at < :sold_before::timestamptz
GROUP BY product.id
ORDER BY
    sum(item.line_total) DESC,
    product.id
LIMIT least(coalesce(:limit_rows::bigint, 10), 100);

-- name: revenue_by_category(sold_from, sold_before)
-- What each category brought in a period, with its share in percent, most first.
-- replica: ok
SELECT
    category.id,
    category.name,
    category.slug,
    sum(item.quantity) AS pieces,
    sum(item.line_total) AS revenue,
    (100 * sum(item.line_total) / nullif(sum(sum(item.line_total)) OVER (), 0))
        ::double precision AS percent
FROM shop.orders AS entry
INNER JOIN shop.order_items AS item
    ON item.order_id = entry.id
INNER JOIN shop.products AS product
    ON product.id = item.product_id
INNER JOIN shop.categories AS category
    ON category.id = product.category_id
WHERE
    entry.payment_status = 'COMPLETED'
    AND entry.created_at >= :sold_from::timestamptz
    AND entry.created_at < :sold_before::timestamptz
GROUP BY category.id
ORDER BY
    sum(item.line_total) DESC,
    category.id;

-- name: customer_cohorts(first_from, first_before, tz)
-- Customers by the month of their first paid order, and how many of them ordered again
-- so many months later; month 0 is the whole cohort.
-- replica: ok
WITH bought AS (
    SELECT DISTINCT
        entry.user_id,
        date_trunc('month', entry.created_at AT TIME ZONE :tz::text)::date AS month
    FROM shop.orders AS entry
    WHERE
        entry.payment_status = 'COMPLETED'
        AND entry.created_at < :first_before::timestamptz
),
cohort AS (
    SELECT
        bought.user_id,
        bought.month,
        min(bought.month) OVER (PARTITION BY bought.user_id) AS first_month
    FROM bought
)
SELECT
    cohort.first_month AS cohort,
    (
        12 * (extract(year FROM cohort.month) - extract(year FROM cohort.first_month))
        + extract(month FROM cohort.month) - extract(month FROM cohort.first_month)
    )::integer AS months_later,
    count(*) AS customers
FROM cohort
WHERE
    cohort.first_month >= date_trunc(
        'month',
        :first_from::timestamptz AT TIME ZONE :tz::text
    )
GROUP BY
    cohort.first_month,
    cohort.month
ORDER BY
    cohort.first_month,
    cohort.month;

-- name: dashboard_overview()^
-- The shop in one row: users, products, orders by state, what the last 30 days brought,
-- and what somebody should look at.
-- replica: ok
SELECT
    account.users,
    product.products,
    entry.pending_orders,
    entry.open_orders,
    sale.orders_30_days,
    sale.revenue_30_days,
    review.reviews_to_moderate,
    payment.disputed_payments
FROM (
    SELECT count(*) AS users
    FROM shop.users AS living
    WHERE living.deleted_at IS NULL
) AS account
CROSS JOIN (
    SELECT count(*) AS products
    FROM shop.products AS living
    WHERE
        living.is_active
        AND living.deleted_at IS NULL
) AS product
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE waiting.status = 'PENDING') AS pending_orders,
        count(*) FILTER (WHERE waiting.status <> 'PENDING') AS open_orders
    FROM shop.orders AS waiting
    WHERE waiting.status IN ('PENDING', 'CONFIRMED', 'PROCESSING')
) AS entry
CROSS JOIN (
    SELECT
        count(*) AS orders_30_days,
        coalesce(sum(paid.total), 0) AS revenue_30_days
    FROM shop.orders AS paid
    WHERE
        paid.payment_status = 'COMPLETED'
        AND paid.created_at >= statement_timestamp() - INTERVAL '30 days'
) AS sale
CROSS JOIN (
    SELECT count(*) AS reviews_to_moderate
    FROM shop.reviews AS hidden
    WHERE NOT hidden.is_approved
) AS review
CROSS JOIN (
    SELECT count(*) AS disputed_payments
    FROM shop.payments AS disputed
    WHERE
        disputed.disputed_at IS NOT NULL
        AND disputed.status = 'COMPLETED'
) AS payment;

-- name: violations()
-- Rows that contradict each other in ways that no constraint can see, by rule; none in
-- a database that is well. ledger_check has those of the stock.
-- replica: ok
SELECT
    rule.name AS rule,
    rule.id
FROM (
    SELECT
        'an order costs another amount than its items' AS name,
        entry.id
    FROM shop.orders AS entry
    LEFT JOIN shop.order_items AS item
        ON item.order_id = entry.id
    GROUP BY entry.id
    HAVING entry.subtotal <> coalesce(sum(item.line_total), 0)
    UNION ALL
    SELECT
        'an order has another payment status than its payments make',
        entry.id
    FROM shop.orders AS entry
    WHERE entry.payment_status <> shop.payment_status_of(entry.id)
    UNION ALL
    SELECT
        'an order that is not pending holds stock',
        reservation.order_id
    FROM shop.inventory_reservations AS reservation
    INNER JOIN shop.orders AS entry
        ON entry.id = reservation.order_id
    WHERE
        reservation.status = 'HELD'
        AND entry.status <> 'PENDING'
    UNION ALL
    SELECT
        'an order that was given up keeps stock',
        reservation.order_id
    FROM shop.inventory_reservations AS reservation
    INNER JOIN shop.orders AS entry
        ON entry.id = reservation.order_id
    WHERE
        reservation.status = 'COMMITTED'
        AND entry.status IN ('CANCELLED', 'REFUNDED')
    UNION ALL
    SELECT
        'a discount counts other redemptions than there are',
        discount.id
    FROM shop.discounts AS discount
    WHERE discount.used_count <> (
        SELECT count(*)
        FROM shop.discount_redemptions AS redemption
        WHERE redemption.discount_id = discount.id
    )
    UNION ALL
    SELECT
        'a product counts other reviews than there are',
        stats.product_id
    FROM shop.product_stats AS stats
    WHERE (stats.rating_count, stats.rating_sum) <> (
        SELECT
            count(*),
            coalesce(sum(review.rating), 0)
        FROM shop.reviews AS review
        WHERE
            review.product_id = stats.product_id
            AND review.is_approved
    )
    UNION ALL
    SELECT
        'a product counts other sales than there are',
        stats.product_id
    FROM shop.product_stats AS stats
    WHERE stats.sold <> (
        SELECT coalesce(sum(item.quantity), 0)
        FROM shop.order_items AS item
        INNER JOIN shop.orders AS entry
            ON entry.id = item.order_id
        WHERE
            item.product_id = stats.product_id
            AND entry.status NOT IN ('PENDING', 'CANCELLED', 'REFUNDED')
    )
    UNION ALL
    SELECT
        'a review names an order of somebody else',
        review.id
    FROM shop.reviews AS review
    INNER JOIN shop.orders AS entry
        ON entry.id = review.order_id
    WHERE entry.user_id <> review.user_id
) AS rule
ORDER BY
    rule.name,
    rule.id;

-- name: seed_check()
-- The tables that do not hold the development seed and nothing else.
-- replica: ok
WITH found (table_name, expected_rows, found_rows) AS (
    VALUES
        ('users', 2, (SELECT count(*) FROM shop.users)),
        ('addresses', 1, (SELECT count(*) FROM shop.addresses)),
        ('categories', 3, (SELECT count(*) FROM shop.categories)),
        ('products', 4, (SELECT count(*) FROM shop.products)),
        ('product_variants', 4, (SELECT count(*) FROM shop.product_variants)),
        ('inventory', 4, (SELECT count(*) FROM shop.inventory)),
        (
            'inventory_transactions',
            8,
            (SELECT count(*) FROM shop.inventory_transactions)
        ),
        (
            'inventory_reservations',
            2,
            (SELECT count(*) FROM shop.inventory_reservations)
        ),
        ('cart_items', 1, (SELECT count(*) FROM shop.cart_items)),
        ('wishlist_items', 1, (SELECT count(*) FROM shop.wishlist_items)),
        ('discounts', 1, (SELECT count(*) FROM shop.discounts)),
        ('orders', 2, (SELECT count(*) FROM shop.orders)),
        ('order_items', 2, (SELECT count(*) FROM shop.order_items)),
        ('payments', 2, (SELECT count(*) FROM shop.payments)),
        ('reviews', 2, (SELECT count(*) FROM shop.reviews)),
        ('settings', 5, (SELECT count(*) FROM shop.settings)),
        ('notifications', 1, (SELECT count(*) FROM shop.notifications)),
        ('analytics', 4, (SELECT count(*) FROM shop.analytics))
)
SELECT
    found.table_name,
    found.expected_rows,
    found.found_rows
FROM found
WHERE found.found_rows <> found.expected_rows;
