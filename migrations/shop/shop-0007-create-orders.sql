-- depends: shop-0006-create-carts
--
-- What was bought: orders with their items and payments, discounts with who used them,
-- and the settings that totals are computed from.
--
-- An order keeps names, prices and addresses as they were when it was placed. Its way
-- through the states is the database's to guard, whoever sends the update.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.users, shop.products and shop.product_variants, for
-- the foreign keys. Rewrites: none.
-- Rollback: drops the tables, and every order, payment, discount and setting in them.

CREATE TABLE shop.settings (
    key text NOT NULL,
    value jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT settings_pkey PRIMARY KEY (key),
    CONSTRAINT settings_key_check CHECK (key ~ '^[a-z0-9_.]{1,100}$'),
    CONSTRAINT settings_value_check
        CHECK (
            key NOT IN (
                'tax.rate',
                'shipping.standard',
                'shipping.express',
                'shipping.free_from',
                'order.hold_minutes'
            )
            OR (jsonb_typeof(value) = 'number' AND value >= '0')
        )
);

COMMENT ON TABLE shop.settings IS
    'What admins may change without a release.';

CREATE TRIGGER settings_set_updated_at
    BEFORE UPDATE ON shop.settings
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER settings_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.settings
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- Without these no order can be placed. Tax and shipping are in dollars and shares of
-- one; an order that nobody pays for holds its stock for so many minutes.
INSERT INTO shop.settings (key, value)
VALUES
    ('tax.rate', '0.08'),
    ('shipping.standard', '9.99'),
    ('shipping.express', '15.99'),
    ('shipping.free_from', '50.00'),
    ('order.hold_minutes', '30');

CREATE TABLE shop.discounts (
    id uuid NOT NULL DEFAULT core.new_id(),
    code text NOT NULL,
    name text NOT NULL,
    type shop.discount_type NOT NULL,
    value numeric(10, 2) NOT NULL,
    min_amount numeric(10, 2),
    max_amount numeric(10, 2),
    usage_limit integer,
    used_count integer NOT NULL DEFAULT 0,
    per_user integer NOT NULL DEFAULT 1,
    starts_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT discounts_pkey PRIMARY KEY (id),
    CONSTRAINT discounts_code_check CHECK (code ~ '^[A-Za-z0-9_-]{1,50}$'),
    CONSTRAINT discounts_name_check CHECK (char_length(btrim(name)) BETWEEN 1 AND 255),
    CONSTRAINT discounts_value_check
        CHECK (value >= 0 AND (type <> 'PERCENTAGE' OR value <= 100)),
    CONSTRAINT discounts_min_amount_check CHECK (min_amount >= 0),
    CONSTRAINT discounts_max_amount_check CHECK (max_amount >= 0),
    CONSTRAINT discounts_usage_limit_check CHECK (usage_limit >= 0),
    CONSTRAINT discounts_used_count_check
        CHECK (
            used_count >= 0
            AND (usage_limit IS NULL OR used_count <= usage_limit)
        ),
    CONSTRAINT discounts_per_user_check CHECK (per_user > 0),
    CONSTRAINT discounts_expires_at_check CHECK (expires_at > starts_at)
);

COMMENT ON TABLE shop.discounts IS
    'What a code takes off an order.';

COMMENT ON COLUMN shop.discounts.value IS
    'Percent of the goods, or dollars; without meaning for FREE_SHIPPING.';

COMMENT ON COLUMN shop.discounts.min_amount IS
    'The least that the goods must cost.';

COMMENT ON COLUMN shop.discounts.max_amount IS
    'The most that it takes off.';

COMMENT ON COLUMN shop.discounts.used_count IS
    'How many redemptions there are; kept by a trigger on them.';

CREATE UNIQUE INDEX discounts_upper_code_key ON shop.discounts (upper(code));

CREATE TRIGGER discounts_set_updated_at
    BEFORE UPDATE ON shop.discounts
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER discounts_audit
    AFTER INSERT OR DELETE OR UPDATE OF
        code, name, type, value, min_amount, max_amount, usage_limit, per_user,
        starts_at, expires_at, is_active
    ON shop.discounts
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE SEQUENCE shop.order_number_seq;

COMMENT ON SEQUENCE shop.order_number_seq IS
    'The last part of order numbers; numbers of orders that failed are left out.';

CREATE TABLE shop.orders (
    id uuid NOT NULL DEFAULT core.new_id(),
    order_number text NOT NULL DEFAULT (
        'ORD-' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD') || '-'
        || to_char(nextval('shop.order_number_seq'), 'FM00000000')
    ),
    user_id uuid NOT NULL,
    idempotency_key text,
    status shop.order_status NOT NULL DEFAULT 'PENDING',
    payment_status shop.payment_status NOT NULL DEFAULT 'PENDING',
    currency text NOT NULL DEFAULT 'USD',
    subtotal numeric(10, 2) NOT NULL,
    discount numeric(10, 2) NOT NULL DEFAULT 0,
    tax numeric(10, 2) NOT NULL,
    shipping numeric(10, 2) NOT NULL,
    total numeric(10, 2) NOT NULL,
    discount_id uuid,
    shipping_address jsonb NOT NULL,
    billing_address jsonb NOT NULL,
    shipping_method text NOT NULL DEFAULT 'standard',
    tracking_number text,
    shipped_at timestamptz,
    delivered_at timestamptz,
    notes text,
    admin_notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_order_number_key UNIQUE (order_number),
    CONSTRAINT orders_user_id_idempotency_key_key UNIQUE (user_id, idempotency_key),
    CONSTRAINT orders_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE RESTRICT,
    CONSTRAINT orders_discount_id_fkey
        FOREIGN KEY (discount_id)
        REFERENCES shop.discounts (id)
        ON DELETE SET NULL,
    CONSTRAINT orders_idempotency_key_check
        CHECK (char_length(idempotency_key) BETWEEN 1 AND 255),
    CONSTRAINT orders_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT orders_discount_check CHECK (discount BETWEEN 0 AND subtotal),
    CONSTRAINT orders_tax_check CHECK (tax >= 0),
    CONSTRAINT orders_shipping_check CHECK (shipping >= 0),
    CONSTRAINT orders_total_check
        CHECK (total = subtotal - discount + tax + shipping),
    CONSTRAINT orders_shipping_address_check
        CHECK (
            jsonb_typeof(shipping_address) = 'object'
            AND shipping_address ?& '{street,city,zip_code,country}'
        ),
    CONSTRAINT orders_billing_address_check
        CHECK (
            jsonb_typeof(billing_address) = 'object'
            AND billing_address ?& '{street,city,zip_code,country}'
        ),
    CONSTRAINT orders_shipping_method_check
        CHECK (shipping_method IN ('standard', 'express')),
    CONSTRAINT orders_shipped_at_check
        CHECK (status NOT IN ('SHIPPED', 'DELIVERED') OR shipped_at IS NOT NULL),
    CONSTRAINT orders_delivered_at_check
        CHECK (
            (status <> 'DELIVERED' OR delivered_at IS NOT NULL)
            AND delivered_at >= shipped_at
        )
)
WITH (fillfactor = 80);

COMMENT ON TABLE shop.orders IS
    'What a user bought at one time, with the totals and addresses of that moment.';

COMMENT ON COLUMN shop.orders.idempotency_key IS
    'The client''s own name for its wish to order: sent again, it is the same order.';

COMMENT ON COLUMN shop.orders.payment_status IS
    'What its payments come to; kept by a trigger on them.';

COMMENT ON COLUMN shop.orders.discount IS
    'What is taken off the goods. Free shipping is no discount of the goods.';

CREATE INDEX orders_user_id_created_at_id_idx
    ON shop.orders (user_id, created_at, id);

CREATE INDEX orders_status_created_at_id_idx
    ON shop.orders (status, created_at, id);

CREATE INDEX orders_created_at_id_idx ON shop.orders (created_at, id);

CREATE INDEX orders_created_at_total_idx
    ON shop.orders (created_at)
    INCLUDE (total)
    WHERE payment_status = 'COMPLETED';

CREATE INDEX orders_discount_id_idx
    ON shop.orders (discount_id)
    WHERE discount_id IS NOT NULL;

CREATE TRIGGER orders_set_updated_at
    BEFORE UPDATE ON shop.orders
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER orders_status_step
    BEFORE UPDATE OF status ON shop.orders
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('PENDING', 'CONFIRMED'),
            ('PENDING', 'CANCELLED'),
            ('CONFIRMED', 'PROCESSING'),
            ('CONFIRMED', 'CANCELLED'),
            ('CONFIRMED', 'REFUNDED'),
            ('PROCESSING', 'SHIPPED'),
            ('PROCESSING', 'CANCELLED'),
            ('PROCESSING', 'REFUNDED'),
            ('SHIPPED', 'DELIVERED'),
            ('SHIPPED', 'REFUNDED'),
            ('DELIVERED', 'REFUNDED')
        )
    )
    EXECUTE FUNCTION shop.refuse_step();

-- An order as it was placed is its own record: only what happens to it is logged.
CREATE TRIGGER orders_audit
    AFTER UPDATE OR DELETE ON shop.orders
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row('%_address');

CREATE TABLE shop.order_items (
    id uuid NOT NULL DEFAULT core.new_id(),
    order_id uuid NOT NULL,
    product_id uuid NOT NULL,
    variant_id uuid,
    sku text NOT NULL,
    product_name text NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric(10, 2) NOT NULL,
    line_total numeric(12, 2) NOT NULL
        GENERATED ALWAYS AS (quantity * unit_price) STORED,
    CONSTRAINT order_items_pkey PRIMARY KEY (id),
    CONSTRAINT order_items_order_id_product_id_variant_id_key
        UNIQUE NULLS NOT DISTINCT (order_id, product_id, variant_id),
    CONSTRAINT order_items_order_id_fkey
        FOREIGN KEY (order_id)
        REFERENCES shop.orders (id)
        ON DELETE CASCADE,
    CONSTRAINT order_items_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE RESTRICT,
    CONSTRAINT order_items_product_id_variant_id_fkey
        FOREIGN KEY (product_id, variant_id)
        REFERENCES shop.product_variants (product_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT order_items_quantity_check CHECK (quantity > 0),
    CONSTRAINT order_items_unit_price_check CHECK (unit_price >= 0)
);

COMMENT ON TABLE shop.order_items IS
    'What was bought, by the name and for the price that it had then.';

CREATE INDEX order_items_product_id_variant_id_idx
    ON shop.order_items (product_id, variant_id);

CREATE TABLE shop.payments (
    id uuid NOT NULL DEFAULT core.new_id(),
    order_id uuid NOT NULL,
    amount numeric(10, 2) NOT NULL,
    currency text NOT NULL DEFAULT 'USD',
    status shop.payment_status NOT NULL DEFAULT 'PENDING',
    method shop.payment_method NOT NULL,
    provider text NOT NULL DEFAULT 'stripe',
    provider_id text,
    provider_data jsonb,
    processed_at timestamptz,
    disputed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payments_pkey PRIMARY KEY (id),
    CONSTRAINT payments_provider_provider_id_key UNIQUE (provider, provider_id),
    CONSTRAINT payments_order_id_fkey
        FOREIGN KEY (order_id)
        REFERENCES shop.orders (id)
        ON DELETE RESTRICT,
    CONSTRAINT payments_amount_check CHECK (amount > 0),
    CONSTRAINT payments_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payments_provider_check CHECK (btrim(provider) <> ''),
    CONSTRAINT payments_provider_id_check CHECK (btrim(provider_id) <> ''),
    CONSTRAINT payments_processed_at_check
        CHECK (status NOT IN ('COMPLETED', 'REFUNDED') OR processed_at IS NOT NULL)
)
WITH (fillfactor = 80);

COMMENT ON TABLE shop.payments IS
    'A payment of an order; another try with the provider''s same id is the same one.';

COMMENT ON COLUMN shop.payments.provider_id IS
    'The provider''s id of it, such as that of Stripe''s PaymentIntent; NULL until the '
    'provider was asked.';

COMMENT ON COLUMN shop.payments.provider_data IS
    'What the provider last said of it.';

COMMENT ON COLUMN shop.payments.disputed_at IS
    'Since when the customer''s bank disputes it.';

CREATE INDEX payments_order_id_idx ON shop.payments (order_id);

CREATE INDEX payments_status_created_at_id_idx
    ON shop.payments (status, created_at, id);

CREATE TRIGGER payments_set_updated_at
    BEFORE UPDATE ON shop.payments
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER payments_status_step
    BEFORE UPDATE OF status ON shop.payments
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (
            OLD.status = 'REFUNDED'
            OR (OLD.status = 'COMPLETED' AND NEW.status <> 'REFUNDED')
            OR (NEW.status = 'REFUNDED' AND OLD.status <> 'COMPLETED')
        )
    )
    EXECUTE FUNCTION shop.refuse_step();

CREATE TRIGGER payments_audit
    AFTER UPDATE OR DELETE ON shop.payments
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row('provider_data');

CREATE FUNCTION shop.payment_status_of(order_id uuid)
RETURNS shop.payment_status
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT payment.status
    FROM shop.payments AS payment
    WHERE payment.order_id = payment_status_of.order_id
    ORDER BY
        CASE payment.status
            WHEN 'COMPLETED' THEN 1
            WHEN 'PROCESSING' THEN 2
            WHEN 'PENDING' THEN 3
            WHEN 'REFUNDED' THEN 4
            WHEN 'FAILED' THEN 5
            ELSE 6
        END,
        payment.created_at DESC
    LIMIT 1;
END;

COMMENT ON FUNCTION shop.payment_status_of(uuid) IS
    'What the payments of an order come to: the best of them; NULL without any.';

CREATE FUNCTION shop.set_payment_status()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE shop.orders AS ordered
    SET payment_status = shop.payment_status_of(ordered.id)
    WHERE
        ordered.id = NEW.order_id
        AND ordered.payment_status <> shop.payment_status_of(ordered.id);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.set_payment_status() IS
    'For payments: makes the payment status of their order what they come to.';

CREATE TRIGGER payments_set_order
    AFTER UPDATE OF status ON shop.payments
    FOR EACH ROW
    EXECUTE FUNCTION shop.set_payment_status();

-- An order begins with PENDING, as most payments do.
CREATE TRIGGER payments_set_order_at_once
    AFTER INSERT ON shop.payments
    FOR EACH ROW
    WHEN (NEW.status <> 'PENDING')
    EXECUTE FUNCTION shop.set_payment_status();

-- The redemption comes before the order whose total depends on it: its foreign key is
-- checked when the transaction ends.
CREATE TABLE shop.discount_redemptions (
    id uuid NOT NULL DEFAULT core.new_id(),
    discount_id uuid NOT NULL,
    user_id uuid NOT NULL,
    order_id uuid,
    amount numeric(10, 2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT discount_redemptions_pkey PRIMARY KEY (id),
    CONSTRAINT discount_redemptions_order_id_key UNIQUE (order_id),
    CONSTRAINT discount_redemptions_discount_id_fkey
        FOREIGN KEY (discount_id)
        REFERENCES shop.discounts (id)
        ON DELETE CASCADE,
    CONSTRAINT discount_redemptions_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE,
    CONSTRAINT discount_redemptions_order_id_fkey
        FOREIGN KEY (order_id)
        REFERENCES shop.orders (id)
        ON DELETE CASCADE
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT discount_redemptions_amount_check CHECK (amount >= 0)
);

COMMENT ON TABLE shop.discount_redemptions IS
    'Who used a discount, and for which order; gone when the order is cancelled.';

CREATE INDEX discount_redemptions_discount_id_user_id_idx
    ON shop.discount_redemptions (discount_id, user_id);

CREATE INDEX discount_redemptions_user_id_idx ON shop.discount_redemptions (user_id);

CREATE FUNCTION shop.count_redemptions()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE shop.discounts AS discount
    SET used_count = discount.used_count + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
    WHERE discount.id = coalesce(NEW.discount_id, OLD.discount_id);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.count_redemptions() IS
    'For redemptions: counts them in their discount, whose CHECK knows the limit.';

CREATE TRIGGER discount_redemptions_count
    AFTER INSERT OR DELETE ON shop.discount_redemptions
    FOR EACH ROW
    EXECUTE FUNCTION shop.count_redemptions();
