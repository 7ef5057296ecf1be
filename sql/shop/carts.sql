-- Carts and wishlists.

-- name: cart_add(user_id, product_id, variant_id, quantity)^
-- Puts so many more of a product, or of a variant of it, into the cart; no row if it is
-- not for sale. The cart holds 999 of a thing at most.
-- nullable: variant_id
INSERT INTO shop.cart_items AS line (
    user_id,
    product_id,
    variant_id,
    quantity
)
SELECT
    :user_id,
    product.id,
    :variant_id,
    coalesce(:quantity::integer, 1)
FROM shop.products AS product
WHERE
    product.id = :product_id
    AND product.is_active
    AND product.deleted_at IS NULL
ON CONFLICT ON CONSTRAINT cart_items_user_id_product_id_variant_id_key DO UPDATE
SET quantity = line.quantity + excluded.quantity
RETURNING
    line.id,
    line.quantity;

-- name: cart_set(user_id, item_id, quantity)!
-- 1 if the user has the line in the cart, which now has so many.
UPDATE shop.cart_items AS line
SET quantity = :quantity
WHERE
    line.id = :item_id
    AND line.user_id = :user_id;

-- name: cart_remove(user_id, item_id)!
-- 1 if the user had the line in the cart.
DELETE FROM shop.cart_items AS line
WHERE
    line.id = :item_id
    AND line.user_id = :user_id;

-- name: cart_clear(user_id)!
-- How many lines the cart had, which is empty now.
DELETE FROM shop.cart_items AS line
WHERE line.user_id = :user_id;

-- name: cart_view(user_id)
-- The lines of the cart, oldest first, at today's prices: what is left in stock of each,
-- whether it can still be bought, and what all lines together cost.
SELECT
    line.id,
    line.product_id,
    line.variant_id,
    product.name,
    product.slug,
    variant.name AS variant_name,
    coalesce(variant.image, product.thumbnail) AS image,
    line.quantity,
    price.unit_price,
    line.quantity * price.unit_price AS line_total,
    stock.available,
    (
        product.is_active
        AND product.deleted_at IS NULL
        AND coalesce(variant.is_active, true)
        AND (NOT product.track_quantity OR stock.available >= line.quantity)
    ) AS can_be_bought,
    sum(line.quantity * price.unit_price) OVER () AS subtotal
FROM shop.cart_items AS line
INNER JOIN shop.products AS product
    ON product.id = line.product_id
LEFT JOIN shop.product_variants AS variant
    ON variant.id = line.variant_id
CROSS JOIN LATERAL (
    SELECT coalesce(variant.price, product.price) AS unit_price
) AS price
CROSS JOIN LATERAL (
    SELECT coalesce(sum(shelf.available), 0) AS available
    FROM shop.inventory AS shelf
    WHERE
        shelf.product_id = line.product_id
        AND shelf.variant_id IS NOT DISTINCT FROM line.variant_id
) AS stock
WHERE line.user_id = :user_id
ORDER BY
    line.created_at,
    line.id;

-- name: wishlist_toggle(user_id, product_id)$
-- Puts a product on the wishlist, or takes it off; whether it is on it now.
WITH taken AS (
    DELETE FROM shop.wishlist_items AS wish
    WHERE
        wish.user_id = :user_id
        AND wish.product_id = :product_id
    RETURNING wish.product_id
),
added AS (
    INSERT INTO shop.wishlist_items (
        user_id,
        product_id
    )
    SELECT
        :user_id,
        :product_id
    WHERE NOT EXISTS (SELECT FROM taken)
    ON CONFLICT DO NOTHING
)
SELECT NOT EXISTS (SELECT FROM taken) AS wished;

-- name: wishlist(user_id)
-- What a user would like to have, latest wish first, as long as it is for sale.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.slug,
    product.price,
    product.thumbnail,
    product.in_stock,
    wish.created_at AS wished_at
FROM shop.wishlist_items AS wish
INNER JOIN shop.catalogue AS product
    ON product.id = wish.product_id
WHERE wish.user_id = :user_id
ORDER BY
    wish.created_at DESC,
    product.id;
