-- depends: shop-0009-create-reviews
--
-- What users are told, on the site and by e-mail, and what follows from an order's steps:
-- stock, figures, discounts and payments go along with it, in its own transaction, by
-- whatever way it took the step.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.users, for the foreign key, and on shop.orders and
-- shop.payments, for the triggers. Rewrites: none.
-- Rollback: drops the notifications; the steps of orders have no consequences any more.

CREATE TABLE shop.notifications (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid,
    type shop.notification_type NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    data jsonb,
    read_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE,
    CONSTRAINT notifications_title_check
        CHECK (char_length(btrim(title)) BETWEEN 1 AND 255),
    CONSTRAINT notifications_message_check CHECK (btrim(message) <> '')
)
WITH (fillfactor = 80);

COMMENT ON TABLE shop.notifications IS
    'What a user is told when the site is opened.';

COMMENT ON COLUMN shop.notifications.user_id IS
    'NULL if it is for those who run the shop.';

CREATE INDEX notifications_user_id_created_at_id_idx
    ON shop.notifications (user_id, created_at, id);

CREATE INDEX notifications_user_id_unread_idx
    ON shop.notifications (user_id, created_at, id)
    WHERE read_at IS NULL;

CREATE FUNCTION shop.tell(
    ordered shop.orders,
    type shop.notification_type,
    template text,
    title text
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
AS $$
BEGIN
    INSERT INTO shop.notifications (
        user_id,
        type,
        title,
        message,
        data
    )
    VALUES (
        ordered.user_id,
        tell.type,
        tell.title,
        format(
            '%s: %s %s.',
            ordered.order_number,
            to_char(ordered.total, 'FM999999990.00'),
            ordered.currency
        ),
        jsonb_build_object('order_id', ordered.id)
    );

    INSERT INTO core.outbox (
        queue,
        name,
        payload
    )
    SELECT
        'email',
        'shop.order-email',
        jsonb_build_object('order_id', ordered.id, 'template', tell.template)
    WHERE tell.template IS NOT NULL;
END
$$;

COMMENT ON FUNCTION shop.tell(
    shop.orders, shop.notification_type, text, text
) IS
    'Tells the customer of an order what happened to it: on the site and, with a '
    'template, by e-mail.';

CREATE FUNCTION shop.follow_order()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    sign CONSTANT integer := CASE
        WHEN NEW.status = 'CONFIRMED' THEN 1
        WHEN NEW.status IN ('CANCELLED', 'REFUNDED') AND OLD.status <> 'PENDING' THEN -1
    END;
BEGIN
    -- Discounts before stock, as when an order is placed.
    IF NEW.status = 'CANCELLED' AND NEW.discount_id IS NOT NULL THEN
        DELETE FROM shop.discount_redemptions AS redemption
        WHERE redemption.order_id = NEW.id;
    END IF;

    IF NEW.status = 'CONFIRMED' THEN
        UPDATE shop.inventory_reservations AS reservation
        SET
            status = 'COMMITTED',
            settled_at = clock_timestamp()
        WHERE
            reservation.order_id = NEW.id
            AND reservation.status = 'HELD';
    ELSIF NEW.status IN ('CANCELLED', 'REFUNDED') THEN
        UPDATE shop.inventory_reservations AS reservation
        SET
            status = 'RELEASED',
            settled_at = clock_timestamp()
        WHERE
            reservation.order_id = NEW.id
            AND reservation.status IN ('HELD', 'COMMITTED');

        UPDATE shop.payments AS payment
        SET status = 'CANCELLED'
        WHERE
            payment.order_id = NEW.id
            AND payment.status IN ('PENDING', 'FAILED');
    END IF;

    -- In the order of ids: two orders of the same products do not deadlock.
    IF sign IS NOT NULL THEN
        INSERT INTO shop.product_stats AS stats (
            product_id,
            sold
        )
        SELECT
            item.product_id,
            sum(item.quantity)
        FROM shop.order_items AS item
        WHERE item.order_id = NEW.id
        GROUP BY item.product_id
        ORDER BY item.product_id
        ON CONFLICT (product_id) DO UPDATE
        SET sold = stats.sold + sign * excluded.sold;
    END IF;

    PERFORM shop.tell(
        NEW,
        CASE NEW.status
            WHEN 'SHIPPED' THEN 'SHIPMENT_UPDATE'
            ELSE 'ORDER_UPDATE'
        END::shop.notification_type,
        'order-' || lower(NEW.status::text),
        'Your order is ' || lower(NEW.status::text)
    );

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.follow_order() IS
    'For orders: stock is sold or put back, sales are counted, a discount that was not '
    'used after all can be used again, and the customer is told.';

CREATE TRIGGER orders_follow
    AFTER UPDATE OF status ON shop.orders
    FOR EACH ROW
    WHEN (OLD.status <> NEW.status)
    EXECUTE FUNCTION shop.follow_order();

CREATE FUNCTION shop.follow_payment()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    ordered shop.orders;
BEGIN
    SELECT entry.*
    INTO ordered
    FROM shop.orders AS entry
    WHERE entry.id = NEW.order_id;

    IF NEW.status = 'COMPLETED' THEN
        PERFORM shop.tell(
            ordered, 'PAYMENT_SUCCESS', NULL, 'Your payment has arrived'
        );
    ELSE
        PERFORM shop.tell(
            ordered, 'PAYMENT_FAILED', 'payment-failed', 'Your payment has failed'
        );
    END IF;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.follow_payment() IS
    'For payments: tells the customer that one is completed or has failed.';

CREATE TRIGGER payments_follow
    AFTER UPDATE OF status ON shop.payments
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND NEW.status IN ('COMPLETED', 'FAILED')
    )
    EXECUTE FUNCTION shop.follow_payment();
