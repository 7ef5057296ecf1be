-- depends: shop-0008-create-reservations
--
-- What users think of products, once each, with the figures that this makes of a product.
--
-- Lock: SHARE ROW EXCLUSIVE on shop.users, shop.products and shop.orders, for the foreign
-- keys. Rewrites: none.
-- Rollback: drops the table and every review in it.

CREATE TABLE shop.reviews (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    product_id uuid NOT NULL,
    order_id uuid,
    rating smallint NOT NULL,
    title text,
    content text NOT NULL,
    is_approved boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    is_verified boolean NOT NULL GENERATED ALWAYS AS (order_id IS NOT NULL) STORED,
    CONSTRAINT reviews_pkey PRIMARY KEY (id),
    CONSTRAINT reviews_user_id_product_id_key UNIQUE (user_id, product_id),
    CONSTRAINT reviews_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE,
    CONSTRAINT reviews_product_id_fkey
        FOREIGN KEY (product_id)
        REFERENCES shop.products (id)
        ON DELETE CASCADE,
    CONSTRAINT reviews_order_id_fkey
        FOREIGN KEY (order_id)
        REFERENCES shop.orders (id)
        ON DELETE SET NULL,
    CONSTRAINT reviews_rating_check CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT reviews_title_check CHECK (char_length(title) <= 255),
    CONSTRAINT reviews_content_check
        CHECK (char_length(btrim(content)) >= 1 AND char_length(content) <= 10000)
);

COMMENT ON TABLE shop.reviews IS
    'What a user thinks of a product.';

COMMENT ON COLUMN shop.reviews.order_id IS
    'The order by which the user got it.';

COMMENT ON COLUMN shop.reviews.is_approved IS
    'Whether it is shown, and counts.';

CREATE INDEX reviews_product_id_created_at_id_idx
    ON shop.reviews (product_id, created_at, id)
    INCLUDE (rating)
    WHERE is_approved;

-- Deleting a product asks for all its reviews.
CREATE INDEX reviews_product_id_idx ON shop.reviews (product_id);

CREATE INDEX reviews_created_at_id_idx
    ON shop.reviews (created_at, id)
    WHERE NOT is_approved;

CREATE INDEX reviews_order_id_idx
    ON shop.reviews (order_id)
    WHERE order_id IS NOT NULL;

CREATE TRIGGER reviews_set_updated_at
    BEFORE UPDATE ON shop.reviews
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER reviews_audit
    AFTER UPDATE OR DELETE ON shop.reviews
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE FUNCTION shop.count_review()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE shop.product_stats AS stats
    SET
        rating_count = stats.rating_count + change.reviews,
        rating_sum = stats.rating_sum + change.stars
    FROM (
        SELECT
            counted.product_id,
            sum(counted.sign) AS reviews,
            sum(counted.sign * counted.rating) AS stars
        FROM (
            VALUES
                (OLD.product_id, -1, OLD.rating, OLD.is_approved),
                (NEW.product_id, 1, NEW.rating, NEW.is_approved)
        ) AS counted (product_id, sign, rating, is_approved)
        WHERE counted.is_approved
        GROUP BY counted.product_id
    ) AS change
    WHERE
        stats.product_id = change.product_id
        AND (change.reviews, change.stars) <> (0, 0);

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION shop.count_review() IS
    'For reviews: counts those that are approved in the figures of their product.';

CREATE TRIGGER reviews_count
    AFTER INSERT OR DELETE OR UPDATE OF product_id, rating, is_approved
    ON shop.reviews
    FOR EACH ROW
    EXECUTE FUNCTION shop.count_review();
