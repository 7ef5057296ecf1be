-- depends: shop-0007-create-orders
--
-- Reservations: what of the stock is promised to whom, and until when. What happens to a
-- reservation is written to the ledger by triggers, so that what is reserved is the sum
-- of what reservations hold.
--
-- Whoever changes stock locks its rows by their ids, smallest first: two who want the
-- same wait for each other, and do not deadlock.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.inventory and shop.orders, for the foreign keys.
-- Rewrites: none.
-- Rollback: drops the table and every reservation in it.

CREATE TABLE shop.inventory_reservations (
    id uuid NOT NULL DEFAULT core.new_id(),
    inventory_id uuid NOT NULL,
    order_id uuid,
    quantity integer NOT NULL,
    status shop.reservation_status NOT NULL DEFAULT 'HELD',
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    CONSTRAINT inventory_reservations_pkey PRIMARY KEY (id),
    CONSTRAINT inventory_reservations_order_id_inventory_id_key
        UNIQUE (order_id, inventory_id),
    CONSTRAINT inventory_reservations_inventory_id_fkey
        FOREIGN KEY (inventory_id)
        REFERENCES shop.inventory (id)
        ON DELETE RESTRICT,
    CONSTRAINT inventory_reservations_order_id_fkey
        FOREIGN KEY (order_id)
        REFERENCES shop.orders (id)
        ON DELETE CASCADE,
    CONSTRAINT inventory_reservations_quantity_check CHECK (quantity > 0),
    CONSTRAINT inventory_reservations_settled_at_check
        CHECK ((status = 'HELD') = (settled_at IS NULL))
)
WITH (fillfactor = 80);

COMMENT ON TABLE shop.inventory_reservations IS
    'Stock that is kept for somebody, for an order or for what may become one.';

COMMENT ON COLUMN shop.inventory_reservations.expires_at IS
    'When somebody may give it back who is not its owner, by shop.expire_reservations().';

CREATE INDEX inventory_reservations_inventory_id_idx
    ON shop.inventory_reservations (inventory_id);

CREATE INDEX inventory_reservations_expires_at_idx
    ON shop.inventory_reservations (expires_at)
    WHERE status = 'HELD';

CREATE TRIGGER inventory_reservations_status_step
    BEFORE UPDATE OF status ON shop.inventory_reservations
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('HELD', 'COMMITTED'),
            ('HELD', 'RELEASED'),
            ('HELD', 'EXPIRED'),
            ('COMMITTED', 'RELEASED')
        )
    )
    EXECUTE FUNCTION shop.refuse_step();

CREATE TRIGGER inventory_reservations_begin_held
    BEFORE INSERT ON shop.inventory_reservations
    FOR EACH ROW
    WHEN (NEW.status <> 'HELD')
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_reservations_fixed
    BEFORE UPDATE OF id, inventory_id, quantity ON shop.inventory_reservations
    FOR EACH ROW
    WHEN (
        (OLD.id, OLD.inventory_id, OLD.quantity)
        <> (NEW.id, NEW.inventory_id, NEW.quantity)
    )
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_reservations_held_stay
    BEFORE DELETE ON shop.inventory_reservations
    FOR EACH ROW
    WHEN (OLD.status = 'HELD')
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE FUNCTION shop.post_reservations()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO shop.inventory_transactions (
        inventory_id,
        type,
        quantity,
        reason,
        reference
    )
    SELECT
        made.inventory_id,
        'RESERVE',
        made.quantity,
        'reserved',
        coalesce(made.order_id, made.id)
    FROM made
    ORDER BY made.inventory_id;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.post_reservations() IS
    'For reservations: writes what is held to the ledger.';

CREATE TRIGGER inventory_reservations_post
    AFTER INSERT ON shop.inventory_reservations
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT
    EXECUTE FUNCTION shop.post_reservations();

CREATE FUNCTION shop.post_settled_reservations()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO shop.inventory_transactions (
        inventory_id,
        type,
        quantity,
        reason,
        reference
    )
    SELECT
        after.inventory_id,
        entry.type,
        entry.quantity,
        lower(after.status::text),
        coalesce(after.order_id, after.id)
    FROM before
    INNER JOIN after
        ON after.id = before.id
    CROSS JOIN LATERAL (
        VALUES
            (
                1,
                'RELEASE'::shop.inventory_tx_type,
                -after.quantity,
                before.status = 'HELD'
            ),
            (2, 'OUT', -after.quantity, after.status = 'COMMITTED'),
            (2, 'IN', after.quantity, before.status = 'COMMITTED')
    ) AS entry (place, type, quantity, applies)
    WHERE
        before.status <> after.status
        AND entry.applies
    ORDER BY
        after.inventory_id,
        after.id,
        entry.place;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.post_settled_reservations() IS
    'For reservations: writes to the ledger that what was held is sold or free again, '
    'and that what was sold is back.';

CREATE TRIGGER inventory_reservations_post_settled
    AFTER UPDATE ON shop.inventory_reservations
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT
    EXECUTE FUNCTION shop.post_settled_reservations();

CREATE FUNCTION shop.reserve_stock(
    lines jsonb,
    hold interval,
    order_id uuid DEFAULT NULL
)
RETURNS TABLE (
    reservation_id uuid,
    inventory_id uuid,
    quantity integer
)
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    WITH wanted AS MATERIALIZED (
        SELECT
            line.product_id,
            line.variant_id,
            sum(line.quantity) AS quantity
        FROM jsonb_to_recordset(lines) AS line (
            product_id uuid,
            variant_id uuid,
            quantity integer
        )
        LEFT JOIN shop.products AS product
            ON product.id = line.product_id
        WHERE coalesce(product.track_quantity, true)
        GROUP BY
            line.product_id,
            line.variant_id
    ),
    -- What is available is read after the lock, from the row's latest version.
    locked AS MATERIALIZED (
        SELECT
            stock.id,
            stock.product_id,
            stock.variant_id,
            stock.warehouse,
            stock.available
        FROM wanted
        INNER JOIN shop.inventory AS stock
            ON stock.product_id = wanted.product_id
            AND stock.variant_id IS NOT DISTINCT FROM wanted.variant_id
        ORDER BY stock.id
        FOR NO KEY UPDATE OF stock
    ),
    counted AS (
        SELECT
            locked.id,
            locked.product_id,
            locked.variant_id,
            locked.available,
            sum(locked.available) OVER running - locked.available AS before
        FROM locked
        WINDOW running AS (
            PARTITION BY
                locked.product_id,
                locked.variant_id
            ORDER BY
                locked.warehouse <> 'main',
                locked.warehouse
        )
    ),
    share AS (
        SELECT
            counted.id,
            least(counted.available, wanted.quantity - counted.before) AS quantity
        FROM wanted
        INNER JOIN counted
            ON counted.product_id = wanted.product_id
            AND counted.variant_id IS NOT DISTINCT FROM wanted.variant_id
        WHERE least(counted.available, wanted.quantity - counted.before) > 0
    )
    INSERT INTO shop.inventory_reservations AS reservation (
        inventory_id,
        order_id,
        quantity,
        expires_at
    )
    SELECT
        share.id,
        reserve_stock.order_id,
        share.quantity,
        now() + hold
    FROM share
    WHERE
        (SELECT sum(share.quantity) FROM share)
        = (SELECT sum(wanted.quantity) FROM wanted)
    ORDER BY share.id
    RETURNING
        reservation.id,
        reservation.inventory_id,
        reservation.quantity;
END;

COMMENT ON FUNCTION shop.reserve_stock(jsonb, interval, uuid) IS
    'Holds all lines, [{"product_id", "variant_id", "quantity"}], for a while, or none: '
    'no rows then. The warehouse main comes first, then the others. What is not counted '
    'needs no reservation.';
