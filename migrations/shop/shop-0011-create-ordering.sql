-- depends: shop-0010-create-notifications
--
-- How an order is placed: one call, so that what is locked is locked for as long as the
-- server needs, and no longer. Refusals have SQLSTATEs of their own: SH001 not enough in
-- stock, with the lines as JSON in its detail; SH002 a discount that does not apply, and
-- SH003 one that is used up; SH004 an empty cart; SH005 what is not for sale, as SH001.
--
-- Locks are taken in this order: user, discount, stock by id. Whoever gives up an order
-- locks the order, then its discount, then its stock.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the functions and no row.

CREATE FUNCTION shop.discount_amount(discount shop.discounts, subtotal numeric)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
RETURN round(
    least(
        CASE discount.type
            WHEN 'PERCENTAGE' THEN subtotal * discount.value / 100
            WHEN 'FIXED_AMOUNT' THEN discount.value
            ELSE 0
        END,
        discount.max_amount,
        subtotal
    ),
    2
);

COMMENT ON FUNCTION shop.discount_amount(shop.discounts, numeric) IS
    'What a discount takes off goods of a price: to the cent, at most max_amount.';

CREATE FUNCTION shop.redeem_discount(
    code text,
    user_id uuid,
    subtotal numeric,
    order_id uuid DEFAULT NULL
)
RETURNS TABLE (
    discount_id uuid,
    type shop.discount_type,
    amount numeric
)
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    discount shop.discounts;
BEGIN
    -- Who comes at the same time waits here, and counts what this one made.
    SELECT entry.*
    INTO discount
    FROM shop.discounts AS entry
    WHERE upper(entry.code) = upper(btrim(redeem_discount.code))
    FOR NO KEY UPDATE;

    IF discount.id IS NULL OR NOT discount.is_active THEN
        RAISE EXCEPTION 'there is no such discount'
            USING ERRCODE = 'SH002', HINT = 'Check the code.';
    ELSIF discount.starts_at > now() THEN
        RAISE EXCEPTION 'the discount has not begun yet'
            USING ERRCODE = 'SH002', HINT = 'Order later, or without it.';
    ELSIF discount.expires_at <= now() THEN
        RAISE EXCEPTION 'the discount has ended'
            USING ERRCODE = 'SH002', HINT = 'Order without it.';
    ELSIF discount.min_amount > subtotal THEN
        RAISE EXCEPTION 'the order is too small for the discount'
            USING ERRCODE = 'SH002', HINT = 'Order more, or without it.';
    ELSIF discount.used_count >= discount.usage_limit THEN
        RAISE EXCEPTION 'the discount is used up'
            USING ERRCODE = 'SH003', HINT = 'Order without it.';
    ELSIF discount.per_user <= (
        SELECT count(*)
        FROM shop.discount_redemptions AS redemption
        WHERE
            redemption.discount_id = discount.id
            AND redemption.user_id = redeem_discount.user_id
    ) THEN
        RAISE EXCEPTION 'the discount was used as often as one user may'
            USING ERRCODE = 'SH003', HINT = 'Order without it.';
    END IF;

    discount_id := discount.id;
    type := discount.type;
    amount := shop.discount_amount(discount, subtotal);

    INSERT INTO shop.discount_redemptions (
        discount_id,
        user_id,
        order_id,
        amount
    )
    VALUES (
        discount.id,
        redeem_discount.user_id,
        redeem_discount.order_id,
        redeem_discount.amount
    );

    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION shop.redeem_discount(text, uuid, numeric, uuid) IS
    'Uses a discount, once more, for goods of a price, and returns what it takes off. '
    'Raises SH002 if it does not apply, SH003 if it is used up.';

CREATE FUNCTION shop.order_settings()
RETURNS TABLE (
    tax_rate numeric,
    standard numeric,
    express numeric,
    free_from numeric,
    hold interval
)
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
    SELECT
        max(setting.value::numeric) FILTER (WHERE setting.key = 'tax.rate'),
        max(setting.value::numeric) FILTER (WHERE setting.key = 'shipping.standard'),
        max(setting.value::numeric) FILTER (WHERE setting.key = 'shipping.express'),
        max(setting.value::numeric) FILTER (WHERE setting.key = 'shipping.free_from'),
        make_interval(
            secs => max(60 * setting.value::double precision)
                FILTER (WHERE setting.key = 'order.hold_minutes')
        )
    INTO
        tax_rate,
        standard,
        express,
        free_from,
        hold
    FROM shop.settings AS setting
    WHERE setting.key IN (
        'tax.rate',
        'shipping.standard',
        'shipping.express',
        'shipping.free_from',
        'order.hold_minutes'
    );

    IF num_nulls(tax_rate, standard, express, free_from, hold) > 0 THEN
        RAISE EXCEPTION 'a setting that orders need is missing'
            USING
                ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Set tax.rate, shipping.standard, shipping.express, '
                    'shipping.free_from and order.hold_minutes in shop.settings.';
    END IF;

    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION shop.order_settings() IS
    'The settings that totals are computed from, in one row.';

CREATE FUNCTION shop.lacking(lines jsonb)
RETURNS jsonb
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        jsonb_agg(
            jsonb_build_object(
                'product_id', product.id,
                'variant_id', variant.id,
                'name', concat_ws(', ', product.name, variant.name),
                'wanted', line.quantity,
                'available', stock.available
            )
            ORDER BY product.name, variant.name
        )
    FROM jsonb_to_recordset(lines) AS line (
        product_id uuid,
        variant_id uuid,
        quantity integer
    )
    INNER JOIN shop.products AS product
        ON product.id = line.product_id
        AND product.track_quantity
    LEFT JOIN shop.product_variants AS variant
        ON variant.id = line.variant_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(shelf.available), 0) AS available
        FROM shop.inventory AS shelf
        WHERE
            shelf.product_id = line.product_id
            AND shelf.variant_id IS NOT DISTINCT FROM line.variant_id
    ) AS stock
    WHERE stock.available < line.quantity;
END;

COMMENT ON FUNCTION shop.lacking(jsonb) IS
    'Of some lines, as for shop.reserve_stock(), those that there is not enough of.';

CREATE FUNCTION shop.place_order(
    user_id uuid,
    shipping_address jsonb,
    billing_address jsonb,
    shipping_method text,
    payment_method shop.payment_method,
    discount_code text,
    idempotency_key text,
    notes text
)
RETURNS TABLE (
    order_id uuid,
    order_number text,
    status shop.order_status,
    subtotal numeric,
    discount numeric,
    tax numeric,
    shipping numeric,
    total numeric,
    currency text,
    payment_id uuid,
    is_new boolean
)
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    settings record;
    cart record;
    ordered shop.orders;
    reduction record;
    new_order_id CONSTANT uuid := core.new_id();
    discount_id uuid;
    ships_free boolean := false;
BEGIN
    -- One order of a user at a time: the cart is emptied once, and the same key, sent
    -- twice at once, finds what the first one made.
    PERFORM
    FROM shop.users AS customer
    WHERE
        customer.id = place_order.user_id
        AND customer.deleted_at IS NULL
    FOR NO KEY UPDATE;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such user'
            USING
                ERRCODE = 'foreign_key_violation',
                SCHEMA = 'shop',
                TABLE = 'orders',
                CONSTRAINT = 'orders_user_id_fkey';
    END IF;

    RETURN QUERY
    SELECT
        entry.id,
        entry.order_number,
        entry.status,
        entry.subtotal,
        entry.discount,
        entry.tax,
        entry.shipping,
        entry.total,
        entry.currency,
        (
            SELECT payment.id
            FROM shop.payments AS payment
            WHERE payment.order_id = entry.id
            ORDER BY payment.created_at
            LIMIT 1
        ),
        false
    FROM shop.orders AS entry
    WHERE
        entry.user_id = place_order.user_id
        AND entry.idempotency_key = place_order.idempotency_key;

    IF FOUND THEN
        RETURN;
    END IF;

    -- What is taken out of the cart is what is bought, whatever another window adds.
    WITH taken AS (
        DELETE FROM shop.cart_items AS item
        WHERE item.user_id = place_order.user_id
        RETURNING
            item.product_id,
            item.variant_id,
            item.quantity
    ),
    line AS (
        SELECT
            taken.product_id,
            taken.variant_id,
            taken.quantity,
            coalesce(variant.sku, product.sku) AS sku,
            concat_ws(', ', product.name, variant.name) AS name,
            coalesce(variant.price, product.price) AS price,
            product.track_quantity,
            product.is_digital,
            product.is_active
                AND product.deleted_at IS NULL
                AND coalesce(variant.is_active, true) AS for_sale
        FROM taken
        INNER JOIN shop.products AS product
            ON product.id = taken.product_id
        LEFT JOIN shop.product_variants AS variant
            ON variant.id = taken.variant_id
    )
    SELECT
        jsonb_agg(to_jsonb(line)) AS lines,
        jsonb_agg(
            jsonb_build_object(
                'product_id', line.product_id,
                'variant_id', line.variant_id,
                'name', line.name,
                'wanted', line.quantity,
                'available', 0
            )
        ) FILTER (WHERE NOT line.for_sale) AS not_for_sale,
        sum(line.quantity * line.price) AS subtotal,
        coalesce(sum(line.quantity) FILTER (WHERE line.track_quantity), 0) AS counted,
        bool_and(line.is_digital) AS is_digital
    INTO cart
    FROM line;

    IF cart.lines IS NULL THEN
        RAISE EXCEPTION 'the cart is empty'
            USING ERRCODE = 'SH004', HINT = 'Put something into it first.';
    ELSIF cart.not_for_sale IS NOT NULL THEN
        RAISE EXCEPTION 'something in the cart is not for sale any more'
            USING
                ERRCODE = 'SH005',
                DETAIL = cart.not_for_sale,
                HINT = 'Take it out of the cart.';
    END IF;

    SELECT entry.*
    INTO settings
    FROM shop.order_settings() AS entry;

    subtotal := cart.subtotal;
    discount := 0;

    IF discount_code IS NOT NULL THEN
        SELECT entry.*
        INTO reduction
        FROM shop.redeem_discount(
            discount_code, place_order.user_id, cart.subtotal, new_order_id
        ) AS entry;

        discount_id := reduction.discount_id;
        discount := reduction.amount;
        ships_free := reduction.type = 'FREE_SHIPPING';
    END IF;

    tax := round((subtotal - discount) * settings.tax_rate, 2);
    shipping := CASE
        WHEN ships_free OR cart.is_digital THEN 0
        WHEN shipping_method = 'express' THEN settings.express
        WHEN subtotal >= settings.free_from THEN 0
        ELSE settings.standard
    END;

    INSERT INTO shop.orders AS entry (
        id,
        user_id,
        idempotency_key,
        subtotal,
        discount,
        tax,
        shipping,
        total,
        discount_id,
        shipping_address,
        billing_address,
        shipping_method,
        notes
    )
    VALUES (
        new_order_id,
        place_order.user_id,
        place_order.idempotency_key,
        place_order.subtotal,
        place_order.discount,
        place_order.tax,
        place_order.shipping,
        place_order.subtotal - place_order.discount + place_order.tax
            + place_order.shipping,
        discount_id,
        place_order.shipping_address,
        place_order.billing_address,
        place_order.shipping_method,
        place_order.notes
    )
    RETURNING entry.*
    INTO ordered;

    INSERT INTO shop.order_items (
        order_id,
        product_id,
        variant_id,
        sku,
        product_name,
        quantity,
        unit_price
    )
    SELECT
        ordered.id,
        line.product_id,
        line.variant_id,
        line.sku,
        line.name,
        line.quantity,
        line.price
    FROM jsonb_to_recordset(cart.lines) AS line (
        product_id uuid,
        variant_id uuid,
        sku text,
        name text,
        quantity integer,
        price numeric
    );

    IF ordered.total > 0 THEN
        INSERT INTO shop.payments AS payment (
            order_id,
            amount,
            currency,
            method
        )
        VALUES (
            ordered.id,
            ordered.total,
            ordered.currency,
            payment_method
        )
        RETURNING payment.id
        INTO payment_id;
    END IF;

    PERFORM shop.tell(
        ordered, 'ORDER_UPDATE', 'order-placed', 'We have received your order'
    );

    -- Last, since others who want the same wait from here until the commit.
    IF cart.counted > (
        SELECT coalesce(sum(reserved.quantity), 0)
        FROM shop.reserve_stock(cart.lines, settings.hold, ordered.id) AS reserved
    ) THEN
        RAISE EXCEPTION 'there is not enough in stock'
            USING
                ERRCODE = 'SH001',
                DETAIL = coalesce(shop.lacking(cart.lines), '[]'),
                HINT = 'Order less of it.';
    END IF;

    -- Nothing is to be paid, so nothing is to be waited for.
    IF ordered.total = 0 THEN
        UPDATE shop.orders AS entry
        SET
            status = 'CONFIRMED',
            payment_status = 'COMPLETED'
        WHERE entry.id = ordered.id
        RETURNING entry.*
        INTO ordered;
    END IF;

    order_id := ordered.id;
    order_number := ordered.order_number;
    status := ordered.status;
    subtotal := ordered.subtotal;
    discount := ordered.discount;
    tax := ordered.tax;
    shipping := ordered.shipping;
    total := ordered.total;
    currency := ordered.currency;
    is_new := true;

    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION shop.place_order(
    uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
) IS
    'Makes an order of a user''s cart: stock is held, prices are kept, a discount is '
    'used, a payment is awaited, the cart is empty, and an e-mail is on its way. The '
    'same key is the same order. Raises SH001 to SH005, and changes nothing then.';

-- One who is paying at this moment has the order locked: it is left for the next time.
CREATE FUNCTION shop.expire_reservations(limit_rows bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    given_up uuid[];
    loose uuid[];
    expired bigint;
BEGIN
    given_up := ARRAY(
        SELECT entry.id
        FROM shop.orders AS entry
        WHERE
            entry.status = 'PENDING'
            AND entry.id IN (
                SELECT reservation.order_id
                FROM shop.inventory_reservations AS reservation
                WHERE
                    reservation.status = 'HELD'
                    AND reservation.expires_at <= now()
            )
        ORDER BY entry.created_at
        LIMIT limit_rows
        FOR NO KEY UPDATE SKIP LOCKED
    );

    loose := ARRAY(
        SELECT reservation.id
        FROM shop.inventory_reservations AS reservation
        WHERE
            reservation.order_id IS NULL
            AND reservation.status = 'HELD'
            AND reservation.expires_at <= now()
        ORDER BY reservation.expires_at
        LIMIT limit_rows
        FOR NO KEY UPDATE SKIP LOCKED
    );

    PERFORM
    FROM shop.discounts AS discount
    WHERE discount.id IN (
        SELECT entry.discount_id
        FROM shop.orders AS entry
        WHERE entry.id = ANY (given_up)
    )
    ORDER BY discount.id
    FOR NO KEY UPDATE;

    PERFORM
    FROM shop.inventory AS stock
    WHERE stock.id IN (
        SELECT reservation.inventory_id
        FROM shop.inventory_reservations AS reservation
        WHERE
            reservation.order_id = ANY (given_up)
            OR reservation.id = ANY (loose)
    )
    ORDER BY stock.id
    FOR NO KEY UPDATE;

    UPDATE shop.inventory_reservations AS reservation
    SET
        status = 'EXPIRED',
        settled_at = clock_timestamp()
    WHERE
        reservation.status = 'HELD'
        AND (
            reservation.order_id = ANY (given_up)
            OR reservation.id = ANY (loose)
        );

    GET DIAGNOSTICS expired = ROW_COUNT;

    UPDATE shop.orders AS entry
    SET status = 'CANCELLED'
    WHERE entry.id = ANY (given_up);

    RETURN expired;
END
$$;

COMMENT ON FUNCTION shop.expire_reservations(bigint) IS
    'Gives back what was held for too long, of up to so many orders and of up to so many '
    'reservations without one, and cancels the orders. Returns how many were given back.';
