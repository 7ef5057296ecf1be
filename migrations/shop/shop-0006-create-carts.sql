-- depends: shop-0005-create-inventory
--
-- What users want: carts and wishlists. NULLS NOT DISTINCT makes a product without a
-- variant one line of a cart, too.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.users, shop.products and shop.product_variants, for
-- the foreign keys. Rewrites: none.
-- Rollback: drops the tables, and every cart and wishlist in them.

CREATE TABLE shop.cart_items (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    product_id uuid NOT NULL,
    variant_id uuid,
    quantity integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cart_items_pkey PRIMARY KEY (id),
    CONSTRAINT cart_items_user_id_product_id_variant_id_key
        UNIQUE NULLS NOT DISTINCT (user_id, product_id, variant_id),
    CONSTRAINT cart_items_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE,
    CONSTRAINT cart_items_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE CASCADE,
    CONSTRAINT cart_items_product_id_variant_id_fkey
        FOREIGN KEY (product_id, variant_id)
        REFERENCES shop.product_variants (product_id, id)
        ON DELETE CASCADE,
    CONSTRAINT cart_items_quantity_check CHECK (quantity BETWEEN 1 AND 999)
);

COMMENT ON TABLE shop.cart_items IS
    'What a user has in the cart; prices are looked up when it is looked at.';

CREATE INDEX cart_items_product_id_variant_id_idx
    ON shop.cart_items (product_id, variant_id);

CREATE TRIGGER cart_items_set_updated_at
    BEFORE UPDATE ON shop.cart_items
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TABLE shop.wishlist_items (
    user_id uuid NOT NULL,
    product_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT wishlist_items_pkey PRIMARY KEY (user_id, product_id),
    CONSTRAINT wishlist_items_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE,
    CONSTRAINT wishlist_items_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE CASCADE
);

COMMENT ON TABLE shop.wishlist_items IS
    'What a user would like to have.';

CREATE INDEX wishlist_items_product_id_idx ON shop.wishlist_items (product_id);
