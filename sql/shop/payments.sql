-- Payments, and the events that their provider sends.

-- name: attach_payment(payment_id, provider_id)!
-- 1 if the payment has no id of its provider yet, and has this one now.
UPDATE shop.payments AS payment
SET provider_id = :provider_id
WHERE
    payment.id = :payment_id
    AND payment.provider_id IS NULL;

-- name: add_payment(order_id, method, provider_id)^
-- Another try to pay for an order that waits for it; no row if it does not.
-- nullable: provider_id
INSERT INTO shop.payments (
    order_id,
    amount,
    currency,
    method,
    provider_id
)
SELECT
    entry.id,
    entry.total,
    entry.currency,
    :method::shop.payment_method,
    :provider_id
FROM shop.orders AS entry
WHERE
    entry.id = :order_id
    AND entry.status = 'PENDING'
RETURNING
    id,
    amount,
    status;

-- name: apply_payment_event(provider, event_id, event_type, provider_id, data, amount, currency)^
-- Takes a provider's event in, once, and does what follows from it; what became of it.
-- nullable: provider_id, amount, currency
SELECT
    applied.outcome,
    applied.order_id
FROM shop.apply_payment_event(
    :provider,
    :event_id,
    :event_type,
    :provider_id,
    :data,
    :amount,
    :currency
) AS applied;

-- name: refunds_due(limit_rows)
-- Money for orders that are cancelled: payments to be refunded, oldest first; 20 unless
-- limit_rows says otherwise, 100 at most.
SELECT
    payment.id,
    payment.order_id,
    payment.amount,
    payment.currency,
    payment.provider,
    payment.provider_id
FROM shop.payments AS payment
INNER JOIN shop.orders AS entry
    ON entry.id = payment.order_id
WHERE
    payment.status = 'COMPLETED'
    AND (
        entry.status = 'CANCELLED'
        OR EXISTS (
            SELECT
            FROM shop.payments AS earlier
            WHERE
                earlier.order_id = payment.order_id
                AND earlier.status = 'COMPLETED'
                AND earlier.processed_at < payment.processed_at
        )
    )
ORDER BY
    payment.created_at,
    payment.id
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: waiting_events(provider, provider_id, limit_rows)
-- The events that wait for their payment, oldest first: all of a provider's, or those
-- that name one payment; 100 unless limit_rows says otherwise.
SELECT
    event.event_id,
    event.event_type,
    event.payload
FROM core.webhook_events AS event
WHERE
    event.processed_at IS NULL
    AND event.provider = 'shop.' || :provider::text
    AND (
        :provider_id::text IS NULL
        OR event.payload #>> '{data,object,id}' = :provider_id
        OR event.payload #>> '{data,object,payment_intent}' = :provider_id
    )
ORDER BY
    event.received_at,
    event.event_id
LIMIT coalesce(:limit_rows::bigint, 100);

-- name: refund_payment(payment_id)!
-- 1 if the payment had arrived, and counts as paid back now; its order stays as it is.
UPDATE shop.payments AS payment
SET status = 'REFUNDED'
WHERE
    payment.id = :payment_id
    AND payment.status = 'COMPLETED';
