-- The catalogue: categories in their tree, products and variants.

-- name: create_category(name, slug, description, image, parent_id, sort_order)<!
-- Adds a category, at the top unless there is a parent.
INSERT INTO shop.categories (
    name,
    slug,
    description,
    image,
    parent_id,
    sort_order
)
VALUES (
    btrim(:name::text),
    :slug,
    :description,
    :image,
    :parent_id,
    coalesce(:sort_order::integer, 0)
)
RETURNING
    id,
    name,
    slug,
    parent_id;

-- name: update_category(category_id, name, slug, description, image, sort_order, is_active)^
-- Changes what is given of a category, and leaves what is NULL.
-- nullable: name
UPDATE shop.categories AS category
SET
    name = coalesce(btrim(:name::text), category.name),
    slug = coalesce(:slug::text, category.slug),
    description = coalesce(:description::text, category.description),
    image = coalesce(:image::text, category.image),
    sort_order = coalesce(:sort_order::integer, category.sort_order),
    is_active = coalesce(:is_active::boolean, category.is_active)
WHERE category.id = :category_id
RETURNING
    category.id,
    category.name,
    category.slug,
    category.parent_id,
    category.is_active,
    category.updated_at;

-- name: move_category(category_id, parent_id)!
-- 1 if there is such a category, which now stands in another one, or at the top; refused
-- by categories_parent_id_acyclic if that one stands in it.
UPDATE shop.categories AS category
SET parent_id = :parent_id
WHERE category.id = :category_id;

-- name: delete_category(category_id)!
-- 1 if there was such a category, which is gone; refused while something stands in it.
DELETE FROM shop.categories AS category
WHERE category.id = :category_id;

-- name: category_tree(root)
-- The active categories below the one with a slug, and itself, or all of them: each
-- after its parent, with how deep it stands and how many products it has for sale.
-- replica: ok
WITH RECURSIVE tree AS (
    SELECT
        category.id,
        category.parent_id,
        category.name,
        category.slug,
        category.image,
        0 AS depth,
        ARRAY[(category.sort_order, category.name, category.id)] AS place
    FROM shop.categories AS category
    WHERE
        category.is_active
        AND CASE
            WHEN :root::text IS NULL THEN category.parent_id IS NULL
            ELSE category.slug = :root
        END
    UNION ALL
    SELECT
        category.id,
        category.parent_id,
        category.name,
        category.slug,
        category.image,
        tree.depth + 1,
        tree.place || (category.sort_order, category.name, category.id)
    FROM tree
    INNER JOIN shop.categories AS category
        ON category.parent_id = tree.id
        AND category.is_active
)
SELECT
    tree.id,
    tree.parent_id,
    tree.name,
    tree.slug,
    tree.image,
    tree.depth,
    (
        SELECT count(*)
        FROM shop.products AS product
        WHERE
            product.category_id = tree.id
            AND product.is_active
            AND product.deleted_at IS NULL
    ) AS products
FROM tree
ORDER BY tree.place;

-- name: category_subtree_ids(slug)
-- The ids of a category and of all that stand in it.
-- replica: ok
SELECT category.id
FROM shop.category_subtree(:slug) AS category (id)
ORDER BY category.id;

-- name: create_product(category_id, name, slug, sku, price, description, short_description, compare_price, cost_price, images, is_featured, is_digital, embedding, quantity)^
-- Adds a product with its stock in the main warehouse: quantity pieces, by an entry of
-- the ledger; none unless it says otherwise. What is digital is not counted.
-- nullable: short_description, compare_price, cost_price, embedding, quantity
WITH created AS (
    INSERT INTO shop.products (
        category_id,
        name,
        slug,
        sku,
        price,
        description,
        short_description,
        compare_price,
        cost_price,
        images,
        thumbnail,
        is_featured,
        is_digital,
        track_quantity,
        embedding
    )
    VALUES (
        :category_id,
        btrim(:name::text),
        :slug,
        :sku,
        :price,
        :description,
        :short_description,
        :compare_price,
        :cost_price,
        coalesce(:images::text[], '{}'),
        (:images::text[])[1],
        coalesce(:is_featured::boolean, false),
        coalesce(:is_digital::boolean, false),
        NOT coalesce(:is_digital::boolean, false),
        :embedding
    )
    RETURNING
        id,
        category_id,
        name,
        slug,
        sku,
        price,
        track_quantity,
        created_at
),
stocked AS (
    INSERT INTO shop.inventory (product_id)
    SELECT created.id
    FROM created
    WHERE created.track_quantity
    RETURNING
        id,
        product_id
),
posted AS (
    INSERT INTO shop.inventory_transactions (
        inventory_id,
        type,
        quantity,
        reason
    )
    SELECT
        stocked.id,
        'IN',
        :quantity::integer,
        'first stock'
    FROM stocked
    WHERE coalesce(:quantity::integer, 0) <> 0
    RETURNING
        inventory_id,
        quantity_after
)
SELECT
    created.id,
    created.category_id,
    created.name,
    created.slug,
    created.sku,
    created.price,
    created.created_at,
    stocked.id AS inventory_id,
    coalesce(posted.quantity_after, 0) AS quantity
FROM created
LEFT JOIN stocked
    ON stocked.product_id = created.id
LEFT JOIN posted
    ON posted.inventory_id = stocked.id;

-- name: update_product(product_id, category_id, name, slug, price, description, short_description, compare_price, images, low_stock_threshold, is_active, is_featured, embedding)^
-- Changes what is given of a living product, and leaves what is NULL.
-- nullable: name
UPDATE shop.products AS product
SET
    category_id = coalesce(:category_id::uuid, product.category_id),
    name = coalesce(btrim(:name::text), product.name),
    slug = coalesce(:slug::text, product.slug),
    price = coalesce(:price::numeric, product.price),
    description = coalesce(:description::text, product.description),
    short_description = coalesce(:short_description::text, product.short_description),
    compare_price = coalesce(:compare_price::numeric, product.compare_price),
    images = coalesce(:images::text[], product.images),
    thumbnail = coalesce((:images::text[])[1], product.thumbnail),
    low_stock_threshold = coalesce(
        :low_stock_threshold::integer,
        product.low_stock_threshold
    ),
    is_active = coalesce(:is_active::boolean, product.is_active),
    is_featured = coalesce(:is_featured::boolean, product.is_featured),
    embedding = coalesce(:embedding::public.vector, product.embedding)
WHERE
    product.id = :product_id
    AND product.deleted_at IS NULL
RETURNING
    product.id,
    product.category_id,
    product.name,
    product.slug,
    product.sku,
    product.price,
    product.compare_price,
    product.is_active,
    product.is_featured,
    product.updated_at;

-- name: soft_delete_product(product_id)!
-- 1 if the product was alive, and is now deleted; orders keep what they have of it.
UPDATE shop.products AS product
SET deleted_at = clock_timestamp()
WHERE
    product.id = :product_id
    AND product.deleted_at IS NULL;

-- name: restore_product(product_id)!
-- 1 if the product was deleted, and is back.
UPDATE shop.products AS product
SET deleted_at = NULL
WHERE
    product.id = :product_id
    AND product.deleted_at IS NOT NULL;

-- name: create_variant(product_id, name, sku, price, attributes, image)<!
-- Adds a variant; without a price it costs what the product does.
INSERT INTO shop.product_variants (
    product_id,
    name,
    sku,
    price,
    attributes,
    image
)
VALUES (
    :product_id,
    btrim(:name::text),
    :sku,
    :price,
    :attributes,
    :image
)
RETURNING
    id,
    product_id,
    name,
    sku,
    price;

-- name: update_variant(variant_id, name, price, attributes, image, is_active)!
-- 1 if there is such a variant: what is given is changed, and what is NULL is left.
-- nullable: name
UPDATE shop.product_variants AS variant
SET
    name = coalesce(btrim(:name::text), variant.name),
    price = coalesce(:price::numeric, variant.price),
    attributes = coalesce(:attributes::jsonb, variant.attributes),
    image = coalesce(:image::text, variant.image),
    is_active = coalesce(:is_active::boolean, variant.is_active)
WHERE variant.id = :variant_id;

-- name: delete_variant(variant_id)!
-- 1 if there was such a variant, which is gone; refused once it was ordered or stocked.
DELETE FROM shop.product_variants AS variant
WHERE variant.id = :variant_id;

-- name: variants_with(attributes, limit_rows)
-- Variants that are for sale and have all the given attributes, by SKU; 20 unless
-- limit_rows says otherwise, 100 at most.
-- replica: ok
SELECT
    variant.id,
    variant.product_id,
    variant.name,
    variant.sku,
    variant.attributes
FROM shop.product_variants AS variant
INNER JOIN shop.products AS product
    ON product.id = variant.product_id
    AND product.is_active
    AND product.deleted_at IS NULL
WHERE
    variant.attributes @> :attributes::jsonb
    AND variant.is_active
ORDER BY variant.sku
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: get_product(slug)^
-- All that a product's page shows: the product with its category and the way to it, what
-- is in stock, how it is rated, and its variants, each with its own price and stock.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.slug,
    product.sku,
    product.barcode,
    product.description,
    product.short_description,
    product.price,
    product.compare_price,
    product.images,
    product.thumbnail,
    product.is_featured,
    product.is_digital,
    product.weight,
    product.length,
    product.width,
    product.height,
    product.meta_title,
    product.meta_description,
    product.created_at,
    product.updated_at,
    stats.rating,
    stats.rating_count,
    stats.sold,
    stock.available,
    NOT product.track_quantity OR stock.available > 0 AS in_stock,
    category.id AS "category.id",
    category.name AS "category.name",
    category.slug AS "category.slug",
    (
        WITH RECURSIVE path AS (
            SELECT
                step.id,
                step.parent_id,
                step.name,
                step.slug,
                0 AS height
            FROM shop.categories AS step
            WHERE step.id = product.category_id
            UNION ALL
            SELECT
                step.id,
                step.parent_id,
                step.name,
                step.slug,
                path.height + 1
            FROM path
            INNER JOIN shop.categories AS step
                ON step.id = path.parent_id
        )
        SELECT
            jsonb_agg(
                jsonb_build_object('name', path.name, 'slug', path.slug)
                ORDER BY path.height DESC
            )
        FROM path
    ) AS category_path,
    variant.id AS "variants[].id",
    variant.name AS "variants[].name",
    variant.sku AS "variants[].sku",
    variant.price AS "variants[].price",
    variant.attributes AS "variants[].attributes",
    variant.image AS "variants[].image",
    variant.available AS "variants[].available"
FROM shop.products AS product
INNER JOIN shop.categories AS category
    ON category.id = product.category_id
INNER JOIN shop.product_stats AS stats
    ON stats.product_id = product.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(shelf.available), 0) AS available
    FROM shop.inventory AS shelf
    WHERE shelf.product_id = product.id
) AS stock
LEFT JOIN LATERAL (
    SELECT
        choice.id,
        choice.name,
        choice.sku,
        coalesce(choice.price, product.price) AS price,
        choice.attributes,
        choice.image,
        (
            SELECT coalesce(sum(shelf.available), 0)
            FROM shop.inventory AS shelf
            WHERE
                shelf.product_id = product.id
                AND shelf.variant_id = choice.id
        ) AS available
    FROM shop.product_variants AS choice
    WHERE
        choice.product_id = product.id
        AND choice.is_active
) AS variant
    ON true
WHERE
    product.slug = :slug
    AND product.is_active
    AND product.deleted_at IS NULL
ORDER BY
    variant.name,
    variant.id;

-- name: get_product_for_admin(product_id)^
-- A product with what only those see who run the shop, deleted or not.
SELECT
    product.id,
    product.category_id,
    product.name,
    product.slug,
    product.sku,
    product.price,
    product.cost_price,
    product.track_quantity,
    product.low_stock_threshold,
    product.is_active,
    product.deleted_at,
    stock.quantity,
    stock.reserved,
    stock.available
FROM shop.products AS product
INNER JOIN shop.product_stock AS stock
    ON stock.product_id = product.id
WHERE product.id = :product_id;
