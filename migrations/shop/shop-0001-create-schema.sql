-- depends: core-0007-create-outbox
--
-- The schema of the shop: its closed vocabularies, and what refuses a step from one
-- state to another that does not exist.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the schema, the types and the function; they hold no rows.

CREATE SCHEMA shop;

COMMENT ON SCHEMA shop IS
    'An online shop: catalogue, stock, carts, orders, payments, reviews, analytics.';

CREATE TYPE shop.user_role AS ENUM (
    'ADMIN',
    'USER',
    'GUEST'
);

COMMENT ON TYPE shop.user_role IS
    'What a user may do: run the shop, buy in it, or buy without an account.';

CREATE TYPE shop.order_status AS ENUM (
    'PENDING',
    'CONFIRMED',
    'PROCESSING',
    'SHIPPED',
    'DELIVERED',
    'CANCELLED',
    'REFUNDED'
);

COMMENT ON TYPE shop.order_status IS
    'PENDING: placed, its stock is held for a while. CONFIRMED: paid, its stock is gone. '
    'PROCESSING: being packed. SHIPPED, DELIVERED: on its way, there. CANCELLED: given '
    'up before it was shipped. REFUNDED: given up after it was paid.';

CREATE TYPE shop.payment_status AS ENUM (
    'PENDING',
    'PROCESSING',
    'COMPLETED',
    'FAILED',
    'CANCELLED',
    'REFUNDED'
);

COMMENT ON TYPE shop.payment_status IS
    'How far a payment is; one that has FAILED may still be COMPLETED by another try.';

CREATE TYPE shop.payment_method AS ENUM (
    'CREDIT_CARD',
    'DEBIT_CARD',
    'PAYPAL',
    'APPLE_PAY',
    'GOOGLE_PAY',
    'BANK_TRANSFER'
);

COMMENT ON TYPE shop.payment_method IS
    'What a customer pays with.';

CREATE TYPE shop.inventory_tx_type AS ENUM (
    'IN',
    'OUT',
    'ADJUSTMENT',
    'TRANSFER',
    'RESERVE',
    'RELEASE'
);

COMMENT ON TYPE shop.inventory_tx_type IS
    'Why stock changed. IN, OUT, ADJUSTMENT and TRANSFER change what is there, RESERVE '
    'and RELEASE what of it is promised.';

CREATE TYPE shop.reservation_status AS ENUM (
    'HELD',
    'COMMITTED',
    'RELEASED',
    'EXPIRED'
);

COMMENT ON TYPE shop.reservation_status IS
    'HELD: nobody else can have it. COMMITTED: it was sold. RELEASED, EXPIRED: it was '
    'given back, by somebody or by the clock.';

CREATE TYPE shop.notification_type AS ENUM (
    'ORDER_UPDATE',
    'PAYMENT_SUCCESS',
    'PAYMENT_FAILED',
    'SHIPMENT_UPDATE',
    'REVIEW_REQUEST',
    'PROMOTION',
    'SYSTEM'
);

COMMENT ON TYPE shop.notification_type IS
    'What a notification is about.';

CREATE TYPE shop.discount_type AS ENUM (
    'PERCENTAGE',
    'FIXED_AMOUNT',
    'FREE_SHIPPING'
);

COMMENT ON TYPE shop.discount_type IS
    'What a discount takes off: a share or an amount of the goods, or the shipping.';

-- For triggers whose WHEN lists the steps that exist; this is what the others meet.
CREATE FUNCTION shop.refuse_step()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%.% cannot go from % to %',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.status, NEW.status
        USING
            ERRCODE = 'check_violation',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION shop.refuse_step() IS
    'For BEFORE UPDATE OF status ... WHEN (no such step): refuses it as a broken CHECK '
    'that has the trigger''s name.';
