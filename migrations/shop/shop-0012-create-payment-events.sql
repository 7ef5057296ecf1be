-- depends: shop-0011-create-ordering
--
-- What payment providers tell: each event takes effect once, in whatever order events
-- arrive. One of a payment that is not known yet waits in core.webhook_events until it
-- is, and is applied when it is sent again or replayed.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the function and the type; what was applied stays.

CREATE TYPE shop.event_outcome AS ENUM (
    'APPLIED',
    'DUPLICATE',
    'STALE',
    'IGNORED',
    'UNKNOWN_PAYMENT',
    'AMOUNT_DIFFERS',
    'REFUND_DUE'
);

COMMENT ON TYPE shop.event_outcome IS
    'What became of an event. DUPLICATE: it was applied before. STALE: a later one was. '
    'IGNORED: nobody needs it. UNKNOWN_PAYMENT, AMOUNT_DIFFERS: it waits. REFUND_DUE: '
    'there is money for an order that was cancelled or paid already.';

CREATE FUNCTION shop.apply_payment_event(
    provider text,
    event_id text,
    event_type text,
    provider_id text,
    data jsonb,
    amount numeric DEFAULT NULL,
    currency text DEFAULT NULL
)
RETURNS TABLE (
    outcome shop.event_outcome,
    order_id uuid
)
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    ledger CONSTANT text := 'shop.' || provider;
    is_open CONSTANT shop.payment_status[] := '{PENDING,PROCESSING,FAILED}';
    problem text;
    done_at timestamptz;
    order_status shop.order_status;
    paid shop.payments;
BEGIN
    -- Who brings the same event at the same time waits here until this one is done.
    INSERT INTO core.webhook_events AS event (
        provider,
        event_id,
        event_type,
        payload
    )
    VALUES (
        ledger,
        apply_payment_event.event_id,
        apply_payment_event.event_type,
        data
    )
    ON CONFLICT ON CONSTRAINT webhook_events_pkey DO NOTHING;

    IF NOT FOUND THEN
        SELECT event.processed_at
        INTO done_at
        FROM core.webhook_events AS event
        WHERE
            event.provider = ledger
            AND event.event_id = apply_payment_event.event_id
        FOR NO KEY UPDATE;
    END IF;

    -- An order before its payment, as everywhere.
    SELECT
        payment.order_id,
        entry.status
    INTO
        order_id,
        order_status
    FROM shop.payments AS payment
    INNER JOIN shop.orders AS entry
        ON entry.id = payment.order_id
    WHERE
        payment.provider = apply_payment_event.provider
        AND payment.provider_id = apply_payment_event.provider_id
    FOR NO KEY UPDATE OF entry;

    SELECT payment.*
    INTO paid
    FROM shop.payments AS payment
    WHERE
        payment.provider = apply_payment_event.provider
        AND payment.provider_id = apply_payment_event.provider_id
    FOR NO KEY UPDATE;

    IF done_at IS NOT NULL THEN
        outcome := 'DUPLICATE';
        RETURN NEXT;
        RETURN;
    END IF;

    outcome := CASE
        WHEN event_type NOT IN (
            'payment_intent.succeeded',
            'payment_intent.payment_failed',
            'payment_intent.canceled',
            'charge.dispute.created'
        ) THEN 'IGNORED'
        WHEN paid.id IS NULL THEN 'UNKNOWN_PAYMENT'
        WHEN event_type = 'charge.dispute.created' THEN 'APPLIED'
        WHEN event_type = 'payment_intent.succeeded' THEN CASE
            WHEN paid.status IN ('COMPLETED', 'REFUNDED') THEN 'STALE'
            WHEN amount <> paid.amount OR currency <> paid.currency
            THEN 'AMOUNT_DIFFERS'
            WHEN order_status <> 'PENDING' THEN 'REFUND_DUE'
            ELSE 'APPLIED'
        END
        WHEN paid.status <> ALL (is_open) THEN 'STALE'
        ELSE 'APPLIED'
    END;

    IF event_type = 'payment_intent.succeeded'
        AND outcome IN ('APPLIED', 'REFUND_DUE')
    THEN
        UPDATE shop.payments AS payment
        SET
            status = 'COMPLETED',
            processed_at = clock_timestamp(),
            provider_data = data
        WHERE payment.id = paid.id;

        UPDATE shop.orders AS entry
        SET status = 'CONFIRMED'
        WHERE
            entry.id = paid.order_id
            AND entry.status = 'PENDING';
    ELSIF event_type = 'payment_intent.payment_failed' AND outcome = 'APPLIED' THEN
        UPDATE shop.payments AS payment
        SET
            status = 'FAILED',
            provider_data = data
        WHERE payment.id = paid.id;
    ELSIF event_type = 'payment_intent.canceled' AND outcome = 'APPLIED' THEN
        UPDATE shop.payments AS payment
        SET
            status = 'CANCELLED',
            provider_data = data
        WHERE payment.id = paid.id;

        UPDATE shop.orders AS entry
        SET status = 'CANCELLED'
        WHERE
            entry.id = paid.order_id
            AND entry.status = 'PENDING'
            AND entry.payment_status = 'CANCELLED';
    ELSIF event_type = 'charge.dispute.created' AND outcome = 'APPLIED' THEN
        UPDATE shop.payments AS payment
        SET disputed_at = coalesce(payment.disputed_at, clock_timestamp())
        WHERE payment.id = paid.id;

        problem := 'A payment is disputed';
    END IF;

    IF outcome = 'REFUND_DUE' THEN
        problem := 'A payment is to be refunded';
    ELSIF outcome = 'AMOUNT_DIFFERS' THEN
        problem := 'A payment has another amount than its order';
    END IF;

    IF problem IS NOT NULL THEN
        INSERT INTO shop.notifications (
            type,
            title,
            message,
            data
        )
        VALUES (
            'SYSTEM',
            problem,
            'Order ' || paid.order_id || ', payment ' || paid.id || '.',
            jsonb_build_object('order_id', paid.order_id, 'payment_id', paid.id)
        );
    END IF;

    UPDATE core.webhook_events AS event
    SET
        processed_at = CASE
            WHEN outcome NOT IN ('UNKNOWN_PAYMENT', 'AMOUNT_DIFFERS')
            THEN clock_timestamp()
        END,
        error = CASE outcome
            WHEN 'UNKNOWN_PAYMENT' THEN 'there is no payment with this id yet'
            WHEN 'AMOUNT_DIFFERS' THEN 'the amount is not that of the payment'
        END
    WHERE
        event.provider = ledger
        AND event.event_id = apply_payment_event.event_id;

    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION shop.apply_payment_event(
    text, text, text, text, jsonb, numeric, text
) IS
    'Takes an event in, once, and does what follows from it: payment, order, stock, '
    'notification. amount and currency are what was paid; the ledger has the event under '
    'shop.<provider>.';
