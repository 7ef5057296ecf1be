-- How the catalogue is searched and browsed: pages in six orders, facets, suggestions,
-- and what is like a product.
--
-- Each order has a query of its own, whose next page begins behind a row of an index.
-- Every filter may be NULL: words, as in a web search; a category with all that stand in
-- it; prices; what is in stock or featured; the least rating.

-- name: newest(q, category, min_price, max_price, in_stock, featured, min_rating, after, limit_rows)
-- Products for sale, newest first, that pass the filters; 20 unless limit_rows says
-- otherwise, 100 at most. after is created_at and id of the last one seen.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.sort_name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.rating,
    product.rating_count,
    product.sold,
    product.in_stock
FROM shop.catalogue AS product
WHERE
    (
        :q::text IS NULL
        OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
    AND (
        :category::text IS NULL
        OR product.category_id = ANY (
            ARRAY(SELECT below.id FROM shop.category_subtree(:category) AS below (id))
        )
    )
    AND (:featured::boolean IS NULL OR product.is_featured = :featured)
    AND product.price >= coalesce(:min_price::numeric, 0)
    AND product.price <= coalesce(:max_price::numeric, 'Infinity')
    AND product.rating >= coalesce(:min_rating::numeric, 0)
    AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
    AND (
        :after::shop.time_position IS NULL
        OR (product.created_at, product.id) < (
            (:after::shop.time_position).at,
            (:after::shop.time_position).id
        )
    )
ORDER BY
    product.created_at DESC,
    product.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: cheapest(q, category, min_price, max_price, in_stock, featured, min_rating, after, limit_rows)
-- Products for sale, cheapest first, that pass the filters; 20 unless limit_rows says
-- otherwise, 100 at most. after is price and id of the last one seen.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.sort_name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.rating,
    product.rating_count,
    product.sold,
    product.in_stock
FROM shop.catalogue AS product
WHERE
    (
        :q::text IS NULL
        OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
    AND (
        :category::text IS NULL
        OR product.category_id = ANY (
            ARRAY(SELECT below.id FROM shop.category_subtree(:category) AS below (id))
        )
    )
    AND (:featured::boolean IS NULL OR product.is_featured = :featured)
    AND product.price >= coalesce(:min_price::numeric, 0)
    AND product.price <= coalesce(:max_price::numeric, 'Infinity')
    AND product.rating >= coalesce(:min_rating::numeric, 0)
    AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
    AND (
        :after::shop.number_position IS NULL
        OR (product.price, product.id) > (
            (:after::shop.number_position).number,
            (:after::shop.number_position).id
        )
    )
ORDER BY
    product.price,
    product.id
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: dearest(q, category, min_price, max_price, in_stock, featured, min_rating, after, limit_rows)
-- Products for sale, dearest first, that pass the filters; 20 unless limit_rows says
-- otherwise, 100 at most. after is price and id of the last one seen.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.sort_name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.rating,
    product.rating_count,
    product.sold,
    product.in_stock
FROM shop.catalogue AS product
WHERE
    (
        :q::text IS NULL
        OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
    AND (
        :category::text IS NULL
        OR product.category_id = ANY (
            ARRAY(SELECT below.id FROM shop.category_subtree(:category) AS below (id))
        )
    )
    AND (:featured::boolean IS NULL OR product.is_featured = :featured)
    AND product.price >= coalesce(:min_price::numeric, 0)
    AND product.price <= coalesce(:max_price::numeric, 'Infinity')
    AND product.rating >= coalesce(:min_rating::numeric, 0)
    AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
    AND (
        :after::shop.number_position IS NULL
        OR (product.price, product.id) < (
            (:after::shop.number_position).number,
            (:after::shop.number_position).id
        )
    )
ORDER BY
    product.price DESC,
    product.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: by_name(q, category, min_price, max_price, in_stock, featured, min_rating, after, limit_rows)
-- Products for sale, by name, that pass the filters; 20 unless limit_rows says
-- otherwise, 100 at most. after is sort_name and id of the last one seen.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.sort_name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.rating,
    product.rating_count,
    product.sold,
    product.in_stock
FROM shop.catalogue AS product
WHERE
    (
        :q::text IS NULL
        OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
    AND (
        :category::text IS NULL
        OR product.category_id = ANY (
            ARRAY(SELECT below.id FROM shop.category_subtree(:category) AS below (id))
        )
    )
    AND (:featured::boolean IS NULL OR product.is_featured = :featured)
    AND product.price >= coalesce(:min_price::numeric, 0)
    AND product.price <= coalesce(:max_price::numeric, 'Infinity')
    AND product.rating >= coalesce(:min_rating::numeric, 0)
    AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
    AND (
        :after::shop.name_position IS NULL
        OR (product.sort_name, product.id) > (
            (:after::shop.name_position).name,
            (:after::shop.name_position).id
        )
    )
ORDER BY
    product.sort_name,
    product.id
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: best_rated(q, category, min_price, max_price, in_stock, featured, min_rating, after, limit_rows)
-- Products for sale, best rated first, that pass the filters; 20 unless limit_rows
-- says otherwise, 100 at most. after is rating and id of the last one seen.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.sort_name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.rating,
    product.rating_count,
    product.sold,
    product.in_stock
FROM shop.catalogue AS product
WHERE
    (
        :q::text IS NULL
        OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
    AND (
        :category::text IS NULL
        OR product.category_id = ANY (
            ARRAY(SELECT below.id FROM shop.category_subtree(:category) AS below (id))
        )
    )
    AND (:featured::boolean IS NULL OR product.is_featured = :featured)
    AND product.price >= coalesce(:min_price::numeric, 0)
    AND product.price <= coalesce(:max_price::numeric, 'Infinity')
    AND product.rating >= coalesce(:min_rating::numeric, 0)
    AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
    AND (
        :after::shop.number_position IS NULL
        OR (product.rating, product.id) < (
            (:after::shop.number_position).number,
            (:after::shop.number_position).id
        )
    )
ORDER BY
    product.rating DESC,
    product.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: best_selling(q, category, min_price, max_price, in_stock, featured, min_rating, after, limit_rows)
-- Products for sale, what sold most first, that pass the filters; 20 unless limit_rows
-- says otherwise, 100 at most. after is sold and id of the last one seen.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.sort_name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.rating,
    product.rating_count,
    product.sold,
    product.in_stock
FROM shop.catalogue AS product
WHERE
    (
        :q::text IS NULL
        OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
    AND (
        :category::text IS NULL
        OR product.category_id = ANY (
            ARRAY(SELECT below.id FROM shop.category_subtree(:category) AS below (id))
        )
    )
    AND (:featured::boolean IS NULL OR product.is_featured = :featured)
    AND product.price >= coalesce(:min_price::numeric, 0)
    AND product.price <= coalesce(:max_price::numeric, 'Infinity')
    AND product.rating >= coalesce(:min_rating::numeric, 0)
    AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
    AND (
        :after::shop.number_position IS NULL
        OR (product.sold, product.id) < (
            (:after::shop.number_position).number::bigint,
            (:after::shop.number_position).id
        )
    )
ORDER BY
    product.sold DESC,
    product.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: search_facets(q, category, min_price, max_price, in_stock, featured, min_rating)^
-- What the products that pass the filters have: how many there are, the prices between
-- which they lie, and how many each category has, most first.
-- replica: ok
WITH matching AS MATERIALIZED (
    SELECT
        product.category_id,
        product.price
    FROM shop.catalogue AS product
    WHERE
        (
            :q::text IS NULL
            OR product.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
        )
        AND (
            :category::text IS NULL
            OR product.category_id = ANY (
                ARRAY(
                    SELECT below.id
                    FROM shop.category_subtree(:category) AS below (id)
                )
            )
        )
        AND (:featured::boolean IS NULL OR product.is_featured = :featured)
        AND product.price >= coalesce(:min_price::numeric, 0)
        AND product.price <= coalesce(:max_price::numeric, 'Infinity')
        AND product.rating >= coalesce(:min_rating::numeric, 0)
        AND (NOT coalesce(:in_stock::boolean, false) OR product.in_stock)
),
whole AS (
    SELECT
        count(*) AS products,
        min(matching.price) AS min_price,
        max(matching.price) AS max_price
    FROM matching
),
shelf AS (
    SELECT
        category.id,
        category.name,
        category.slug,
        count(*) AS products
    FROM matching
    INNER JOIN shop.categories AS category
        ON category.id = matching.category_id
    GROUP BY category.id
)
SELECT
    whole.products,
    whole.min_price,
    whole.max_price,
    shelf.id AS "categories[].id",
    shelf.name AS "categories[].name",
    shelf.slug AS "categories[].slug",
    shelf.products AS "categories[].products"
FROM whole
LEFT JOIN shelf
    ON true
ORDER BY
    shelf.products DESC,
    shelf.name;

-- name: suggest(prefix, limit_rows)
-- Names of products for sale that begin with a prefix, in any case; 10 unless limit_rows
-- says otherwise, 100 at most.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.slug
FROM shop.products AS product
WHERE
    product.is_active
    AND product.deleted_at IS NULL
    AND lower(product.name) COLLATE "C" >= lower(:prefix::text)
    AND lower(product.name) COLLATE "C" < lower(:prefix::text) || chr(1114111)
ORDER BY
    lower(product.name) COLLATE "C",
    product.id
LIMIT least(coalesce(:limit_rows::bigint, 10), 100);

-- name: did_you_mean(q, limit_rows)
-- Products for sale whose names are spelt like q, most alike first; 5 unless limit_rows
-- says otherwise, 100 at most.
-- replica: ok
WITH asked AS MATERIALIZED (
    SELECT core.trigrams(:q::text) AS trigrams
),
alike AS (
    SELECT
        product.id,
        product.name,
        product.slug,
        shared.trigrams::real / (
            cardinality(product.name_trigrams) + cardinality(asked.trigrams)
            - shared.trigrams
        ) AS similarity
    FROM asked
    INNER JOIN shop.products AS product
        ON product.name_trigrams && asked.trigrams
        AND product.is_active
        AND product.deleted_at IS NULL
    CROSS JOIN LATERAL (
        SELECT count(*) AS trigrams
        FROM unnest(product.name_trigrams) AS own (trigram)
        WHERE own.trigram = ANY (asked.trigrams)
    ) AS shared
)
SELECT
    alike.id,
    alike.name,
    alike.slug,
    alike.similarity
FROM alike
WHERE alike.similarity >= 0.3
ORDER BY
    alike.similarity DESC,
    alike.name,
    alike.id
LIMIT least(coalesce(:limit_rows::bigint, 5), 100);

-- name: similar_products(product_id, limit_rows)
-- The products for sale that are nearest in meaning to a given one, without itself; 10
-- unless limit_rows says otherwise, 100 at most.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        product.id,
        product.name,
        product.slug,
        product.price,
        product.thumbnail,
        product.embedding <=> (
            SELECT origin.embedding
            FROM shop.products AS origin
            WHERE origin.id = :product_id
        ) AS distance
    FROM shop.products AS product
    WHERE
        product.is_active
        AND product.deleted_at IS NULL
    ORDER BY product.embedding <=> (
        SELECT origin.embedding
        FROM shop.products AS origin
        WHERE origin.id = :product_id
    )
    LIMIT least(coalesce(:limit_rows::bigint, 10), 100) + 1
)
SELECT
    nearest.id,
    nearest.name,
    nearest.slug,
    nearest.price,
    nearest.thumbnail,
    1 - nearest.distance AS similarity
FROM nearest
WHERE
    nearest.distance IS NOT NULL
    AND nearest.id <> :product_id
ORDER BY
    nearest.distance,
    nearest.id
LIMIT least(coalesce(:limit_rows::bigint, 10), 100);

-- name: bought_together(product_id, limit_rows)
-- What most paid orders of a product hold beside it, as of the last refresh; 10 unless
-- limit_rows says otherwise, 50 at most.
-- replica: ok
SELECT
    product.id,
    product.name,
    product.slug,
    product.price,
    product.thumbnail,
    pair.orders
FROM shop.bought_together AS pair
INNER JOIN shop.products AS product
    ON product.id = pair.other_id
    AND product.is_active
    AND product.deleted_at IS NULL
WHERE pair.product_id = :product_id
ORDER BY
    pair.orders DESC,
    pair.other_id
LIMIT least(coalesce(:limit_rows::bigint, 10), 50);

-- name: refresh_bought_together()!
-- Counts anew what is bought together; it blocks no reader.
REFRESH MATERIALIZED VIEW CONCURRENTLY shop.bought_together;
