-- What the sites need beside the goods: settings, notifications, and what visitors do.

-- name: settings_get(key)$
-- The value of a setting; NULL if there is none.
-- replica: ok
SELECT setting.value
FROM shop.settings AS setting
WHERE setting.key = :key;

-- name: settings_set(key, value)!
-- Sets a setting, which need not be there.
INSERT INTO shop.settings AS setting (
    key,
    value
)
VALUES (
    :key,
    :value
)
ON CONFLICT (key) DO UPDATE
SET value = excluded.value
WHERE setting.value <> excluded.value;

-- name: list_settings()
-- All settings, by key.
-- replica: ok
SELECT
    setting.key,
    setting.value,
    setting.updated_at
FROM shop.settings AS setting
ORDER BY setting.key;

-- name: notify(user_id, type, title, message, data)<!
-- Tells a user something, or those who run the shop.
INSERT INTO shop.notifications (
    user_id,
    type,
    title,
    message,
    data
)
VALUES (
    :user_id,
    :type,
    :title,
    :message,
    :data
)
RETURNING id;

-- name: unread_notifications(user_id, limit_rows)
-- What a user has not read yet, latest first; 20 unless limit_rows says otherwise, 100
-- at most.
SELECT
    notification.id,
    notification.type,
    notification.title,
    notification.message,
    notification.data,
    notification.created_at
FROM shop.notifications AS notification
WHERE
    notification.user_id = :user_id
    AND notification.read_at IS NULL
ORDER BY
    notification.created_at DESC,
    notification.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: admin_notifications(limit_rows)
-- What those who run the shop have not read yet, latest first; 20 unless limit_rows says
-- otherwise, 100 at most.
SELECT
    notification.id,
    notification.type,
    notification.title,
    notification.message,
    notification.data,
    notification.created_at
FROM shop.notifications AS notification
WHERE
    notification.user_id IS NULL
    AND notification.read_at IS NULL
ORDER BY
    notification.created_at DESC,
    notification.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: mark_read(user_id, notification_ids)!
-- How many of some notifications were unread by the user, and are read now; all of them
-- if none are named. Without a user they are those of who runs the shop.
-- nullable: user_id
UPDATE shop.notifications AS notification
SET read_at = clock_timestamp()
WHERE
    notification.user_id IS NOT DISTINCT FROM :user_id::uuid
    AND notification.read_at IS NULL
    AND (
        :notification_ids::uuid[] IS NULL
        OR notification.id = ANY (:notification_ids)
    );

-- name: track_event(event, user_id, session_id, data, page, referrer, user_agent, ip)!
-- Writes down what a visitor did; drystone.systems.shop.tracking writes many at once.
INSERT INTO shop.analytics (
    event,
    user_id,
    session_id,
    data,
    page,
    referrer,
    user_agent,
    ip
)
VALUES (
    :event,
    :user_id,
    :session_id,
    coalesce(:data::jsonb, '{}'),
    :page,
    :referrer,
    :user_agent,
    :ip
);

-- name: funnel(seen_from, seen_before)
-- How far visitors came in a period: those who looked at a product, of these those who
-- put something into the cart later, and of these those who ordered later.
-- replica: ok
WITH visitor AS (
    SELECT
        coalesce(seen.user_id::text, seen.session_id) AS visitor,
        min(seen.created_at) FILTER (WHERE seen.event = 'product_view') AS viewed_at,
        max(seen.created_at) FILTER (WHERE seen.event = 'cart_add') AS added_at,
        max(seen.created_at) FILTER (WHERE seen.event = 'order_placed') AS ordered_at,
        min(seen.created_at) FILTER (WHERE seen.event = 'cart_add') AS first_added_at
    FROM shop.analytics AS seen
    WHERE
        seen.event IN ('product_view', 'cart_add', 'order_placed')
        AND seen.created_at >= :seen_from::timestamptz
        AND seen.created_at < :seen_before::timestamptz
        AND num_nonnulls(seen.user_id, seen.session_id) > 0
    GROUP BY coalesce(seen.user_id::text, seen.session_id)
),
step AS (
    SELECT
        count(*) AS viewed,
        count(*) FILTER (WHERE visitor.added_at > visitor.viewed_at) AS added,
        count(*) FILTER (
            WHERE
                visitor.added_at > visitor.viewed_at
                AND visitor.ordered_at
                    > greatest(visitor.first_added_at, visitor.viewed_at)
        ) AS ordered
    FROM visitor
    WHERE visitor.viewed_at IS NOT NULL
)
SELECT
    stage.name AS stage,
    stage.visitors,
    (100.0 * stage.visitors / nullif(step.viewed, 0))::double precision
        AS percent_of_all
FROM step
CROSS JOIN LATERAL (
    VALUES
        (1, 'view', step.viewed),
        (2, 'cart', step.added),
        (3, 'order', step.ordered)
) AS stage (place, name, visitors)
ORDER BY stage.place;

-- name: ensure_partitions(months)$
-- Makes the analytics' partitions of this month and the next ones, so many in all; how
-- many were missing.
SELECT shop.ensure_partitions(:months) AS made;
