-- Reviews: written, shown, approved.

-- name: add_review(user_id, product_id, rating, title, content)<!
-- Adds a user's only review of a product; it is verified if an order with the product
-- was delivered to the user.
-- nullable: title
INSERT INTO shop.reviews (
    user_id,
    product_id,
    order_id,
    rating,
    title,
    content
)
VALUES (
    :user_id,
    :product_id,
    (
        SELECT entry.id
        FROM shop.orders AS entry
        INNER JOIN shop.order_items AS item
            ON item.order_id = entry.id
        WHERE
            entry.user_id = :user_id
            AND entry.status = 'DELIVERED'
            AND item.product_id = :product_id
        ORDER BY entry.created_at DESC
        LIMIT 1
    ),
    :rating,
    :title,
    :content
)
RETURNING
    id,
    is_verified,
    is_approved;

-- name: update_review(review_id, user_id, rating, title, content)!
-- 1 if the review is the user's: what is given is changed, and what is NULL is left.
UPDATE shop.reviews AS review
SET
    rating = coalesce(:rating::smallint, review.rating),
    title = coalesce(:title::text, review.title),
    content = coalesce(:content::text, review.content)
WHERE
    review.id = :review_id
    AND review.user_id = :user_id;

-- name: delete_review(review_id, user_id)!
-- 1 if the review was the user's, and is gone.
DELETE FROM shop.reviews AS review
WHERE
    review.id = :review_id
    AND review.user_id = :user_id;

-- name: approve_review(review_id, is_approved)!
-- 1 if there is such a review, which is shown and counts from now on, or does not.
UPDATE shop.reviews AS review
SET is_approved = :is_approved
WHERE review.id = :review_id;

-- name: list_reviews(product_id, after, limit_rows)
-- A page of a product's approved reviews, newest first; 20 unless limit_rows says
-- otherwise, 100 at most. after is created_at and id of the last one seen.
-- replica: ok
SELECT
    review.id,
    reviewer.name AS reviewer,
    review.rating,
    review.title,
    review.content,
    review.is_verified,
    review.created_at
FROM shop.reviews AS review
INNER JOIN shop.users AS reviewer
    ON reviewer.id = review.user_id
WHERE
    review.product_id = :product_id
    AND review.is_approved
    AND (
        :after::shop.time_position IS NULL
        OR (review.created_at, review.id) < (
            (:after::shop.time_position).at,
            (:after::shop.time_position).id
        )
    )
ORDER BY
    review.created_at DESC,
    review.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: rating_summary(product_id)^
-- How a product is rated: reviews that are approved, their mean, and how many gave one,
-- two, three, four and five stars.
-- replica: ok
SELECT
    count(*) AS reviews,
    avg(review.rating) AS rating,
    count(*) FILTER (WHERE review.is_verified) AS verified,
    count(*) FILTER (WHERE review.rating = 1) AS one_star,
    count(*) FILTER (WHERE review.rating = 2) AS two_stars,
    count(*) FILTER (WHERE review.rating = 3) AS three_stars,
    count(*) FILTER (WHERE review.rating = 4) AS four_stars,
    count(*) FILTER (WHERE review.rating = 5) AS five_stars
FROM shop.reviews AS review
WHERE
    review.product_id = :product_id
    AND review.is_approved;

-- name: reviews_to_moderate(limit_rows)
-- The reviews that are not approved, oldest first; 20 unless limit_rows says otherwise,
-- 100 at most.
SELECT
    review.id,
    review.user_id,
    review.product_id,
    product.name AS product_name,
    review.rating,
    review.title,
    review.content,
    review.created_at
FROM shop.reviews AS review
INNER JOIN shop.products AS product
    ON product.id = review.product_id
WHERE NOT review.is_approved
ORDER BY
    review.created_at,
    review.id
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);
