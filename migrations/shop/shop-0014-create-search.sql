-- depends: shop-0013-create-analytics
--
-- What the catalogue's pages are asked from: the products that are for sale with their
-- figures, the categories below one, what is bought together, and the types by which the
-- next page is asked for.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops them; no row is lost.

CREATE TYPE shop.name_position AS (
    name text,
    id uuid
);

COMMENT ON TYPE shop.name_position IS
    'The last row that was seen of a list by name: what the next page begins behind.';

CREATE TYPE shop.number_position AS (
    number numeric,
    id uuid
);

COMMENT ON TYPE shop.number_position IS
    'The last row that was seen of a list by a price or a figure.';

CREATE TYPE shop.time_position AS (
    at timestamptz,
    id uuid
);

COMMENT ON TYPE shop.time_position IS
    'The last row that was seen of a list by time.';

CREATE FUNCTION shop.category_subtree(slug text)
RETURNS SETOF uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE below AS (
        SELECT category.id
        FROM shop.categories AS category
        WHERE category.slug = category_subtree.slug
        UNION
        SELECT category.id
        FROM below
        INNER JOIN shop.categories AS category
            ON category.parent_id = below.id
    )
    SELECT below.id
    FROM below;
END;

COMMENT ON FUNCTION shop.category_subtree(text) IS
    'The ids of a category and of all that stand in it.';

-- Not EXISTS: for that the planner, which does not know here that a page has twenty rows,
-- would hash the stock of all products.
CREATE VIEW shop.catalogue AS
SELECT
    product.id,
    product.category_id,
    product.name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.fts,
    product.name_trigrams,
    product.embedding,
    lower(product.name) COLLATE "C" AS sort_name,
    stats.rating,
    stats.rating_count,
    stats.sold,
    (
        NOT product.track_quantity
        OR coalesce(
            (
                SELECT true
                FROM shop.inventory AS stock
                WHERE
                    stock.product_id = product.id
                    AND stock.available > 0
                LIMIT 1
            ),
            false
        )
    ) AS in_stock
FROM shop.products AS product
INNER JOIN shop.product_stats AS stats
    ON stats.product_id = product.id
WHERE
    product.is_active
    AND product.deleted_at IS NULL;

COMMENT ON VIEW shop.catalogue IS
    'The products that are for sale, with their figures.';

-- Counted anew now and then, not with every order: two orders of the same goods would
-- wait for each other, and a recommendation may be a day old.
CREATE MATERIALIZED VIEW shop.bought_together AS
SELECT
    pair.product_id,
    pair.other_id,
    pair.orders
FROM (
    SELECT
        bought.product_id,
        other.product_id AS other_id,
        count(DISTINCT bought.order_id) AS orders,
        row_number() OVER (
            PARTITION BY bought.product_id
            ORDER BY
                count(DISTINCT bought.order_id) DESC,
                other.product_id
        ) AS place
    FROM shop.order_items AS bought
    INNER JOIN shop.order_items AS other
        ON other.order_id = bought.order_id
        AND other.product_id <> bought.product_id
    INNER JOIN shop.orders AS entry
        ON entry.id = bought.order_id
        AND entry.payment_status = 'COMPLETED'
    GROUP BY
        bought.product_id,
        other.product_id
) AS pair
WHERE pair.place <= 50;

COMMENT ON MATERIALIZED VIEW shop.bought_together IS
    'For each product the fifty others that most paid orders of it hold, as of its last '
    'refresh by refresh_bought_together().';

CREATE UNIQUE INDEX bought_together_product_id_other_id_key
    ON shop.bought_together (product_id, other_id);

CREATE INDEX bought_together_product_id_orders_idx
    ON shop.bought_together (product_id, orders DESC, other_id);
