-- depends: shop-0004-create-catalogue
--
-- The stock, and the ledger of all that ever changed it. Nobody writes a quantity: an
-- entry of the ledger does, as it is made, and entries cannot be changed. So the stock is
-- the sum of its ledger by construction.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.products and shop.product_variants, for the foreign
-- keys. Rewrites: none.
-- Rollback: drops the stock and its history.

-- Room for the new version of a row on its page: what sells is updated all the time, and
-- no index holds what changes.
CREATE TABLE shop.inventory (
    id uuid NOT NULL DEFAULT core.new_id(),
    product_id uuid NOT NULL,
    variant_id uuid,
    warehouse text NOT NULL DEFAULT 'main',
    location text,
    quantity integer NOT NULL DEFAULT 0,
    reserved integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    available integer NOT NULL GENERATED ALWAYS AS (quantity - reserved) STORED,
    CONSTRAINT inventory_pkey PRIMARY KEY (id),
    CONSTRAINT inventory_product_id_variant_id_warehouse_key
        UNIQUE NULLS NOT DISTINCT (product_id, variant_id, warehouse),
    CONSTRAINT inventory_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE CASCADE,
    CONSTRAINT inventory_product_id_variant_id_fkey
        FOREIGN KEY (product_id, variant_id)
        REFERENCES shop.product_variants (product_id, id)
        ON DELETE CASCADE,
    CONSTRAINT inventory_warehouse_check
        CHECK (char_length(btrim(warehouse)) BETWEEN 1 AND 100),
    CONSTRAINT inventory_quantity_check CHECK (quantity >= 0),
    CONSTRAINT inventory_reserved_check CHECK (reserved >= 0),
    CONSTRAINT inventory_no_oversell CHECK (reserved <= quantity)
)
WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

COMMENT ON TABLE shop.inventory IS
    'How many of a product, or of one of its variants, lie in a warehouse.';

COMMENT ON COLUMN shop.inventory.quantity IS
    'The sum of the ledger''s IN, OUT, ADJUSTMENT and TRANSFER.';

COMMENT ON COLUMN shop.inventory.reserved IS
    'The sum of the ledger''s RESERVE and RELEASE: what is promised, and still here.';

CREATE INDEX inventory_warehouse_idx ON shop.inventory (warehouse);

CREATE FUNCTION shop.refuse_stock_by_hand()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'stock changes by its ledger only'
        USING
            ERRCODE = 'check_violation',
            HINT = 'Insert into shop.inventory_transactions, or use its queries.',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION shop.refuse_stock_by_hand() IS
    'For inventory and its ledger: refuses what would put the two out of step.';

CREATE TRIGGER inventory_starts_empty
    BEFORE INSERT ON shop.inventory
    FOR EACH ROW
    WHEN (NEW.quantity <> 0 OR NEW.reserved <> 0)
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

-- An entry of the ledger updates the stock from within its own trigger, at depth 1.
CREATE TRIGGER inventory_quantity_by_ledger
    BEFORE UPDATE OF quantity, reserved ON shop.inventory
    FOR EACH ROW
    WHEN (
        pg_trigger_depth() = 0
        AND (OLD.quantity, OLD.reserved) <> (NEW.quantity, NEW.reserved)
    )
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_set_updated_at
    BEFORE UPDATE ON shop.inventory
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE shop.inventory_transactions (
    id bigint GENERATED ALWAYS AS IDENTITY,
    inventory_id uuid NOT NULL,
    type shop.inventory_tx_type NOT NULL,
    quantity integer NOT NULL,
    reason text NOT NULL,
    reference text,
    quantity_after integer NOT NULL,
    reserved_after integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inventory_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT inventory_transactions_inventory_id_fkey
        FOREIGN KEY (inventory_id)
        REFERENCES shop.inventory (id)
        ON DELETE RESTRICT,
    CONSTRAINT inventory_transactions_quantity_check
        CHECK (
            CASE
                WHEN type IN ('IN', 'RESERVE') THEN quantity > 0
                WHEN type IN ('OUT', 'RELEASE') THEN quantity < 0
                ELSE quantity <> 0
            END
        ),
    CONSTRAINT inventory_transactions_reason_check CHECK (btrim(reason) <> '')
);

COMMENT ON TABLE shop.inventory_transactions IS
    'The ledger: all that ever changed the stock. An entry is never changed.';

COMMENT ON COLUMN shop.inventory_transactions.quantity IS
    'What is added to the stock, or to what of it is reserved; taken away if negative.';

COMMENT ON COLUMN shop.inventory_transactions.reference IS
    'What it was for, such as an order''s id.';

COMMENT ON COLUMN shop.inventory_transactions.quantity_after IS
    'How many there were after it; set by the ledger.';

COMMENT ON COLUMN shop.inventory_transactions.reserved_after IS
    'How many of them were reserved after it; set by the ledger.';

CREATE INDEX inventory_transactions_inventory_id_id_idx
    ON shop.inventory_transactions (inventory_id, id);

CREATE INDEX inventory_transactions_reference_idx
    ON shop.inventory_transactions (reference)
    WHERE reference IS NOT NULL;

CREATE INDEX inventory_transactions_created_at_idx
    ON shop.inventory_transactions USING brin (created_at);

CREATE FUNCTION shop.post_inventory_transaction()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE shop.inventory AS stock
    SET
        quantity = stock.quantity + CASE
            WHEN NEW.type IN ('RESERVE', 'RELEASE') THEN 0
            ELSE NEW.quantity
        END,
        reserved = stock.reserved + CASE
            WHEN NEW.type IN ('RESERVE', 'RELEASE') THEN NEW.quantity
            ELSE 0
        END
    WHERE stock.id = NEW.inventory_id
    RETURNING
        stock.quantity,
        stock.reserved
    INTO
        NEW.quantity_after,
        NEW.reserved_after;

    -- Otherwise there is no such stock: the foreign key will say so.
    IF NOT FOUND THEN
        NEW.quantity_after := 0;
        NEW.reserved_after := 0;
    END IF;

    RETURN NEW;
END
$$;

COMMENT ON FUNCTION shop.post_inventory_transaction() IS
    'For the ledger: changes the stock by what an entry says.';

CREATE TRIGGER inventory_transactions_post
    BEFORE INSERT ON shop.inventory_transactions
    FOR EACH ROW
    EXECUTE FUNCTION shop.post_inventory_transaction();

-- What is reserved is what reservations hold: their own trigger writes these entries.
CREATE TRIGGER inventory_transactions_by_reservation
    BEFORE INSERT ON shop.inventory_transactions
    FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 AND NEW.type IN ('RESERVE', 'RELEASE'))
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_transactions_final
    BEFORE UPDATE OR DELETE ON shop.inventory_transactions
    FOR EACH ROW
    EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE VIEW shop.product_stock AS
SELECT
    product.id AS product_id,
    coalesce(sum(stock.quantity), 0) AS quantity,
    coalesce(sum(stock.reserved), 0) AS reserved,
    coalesce(sum(stock.available), 0) AS available,
    NOT product.track_quantity OR coalesce(sum(stock.available), 0) > 0 AS in_stock
FROM shop.products AS product
LEFT JOIN shop.inventory AS stock
    ON stock.product_id = product.id
GROUP BY product.id;

COMMENT ON VIEW shop.product_stock IS
    'How many there are of a product, in all variants and warehouses.';
