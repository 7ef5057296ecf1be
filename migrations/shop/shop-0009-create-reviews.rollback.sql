-- Takes back the reviews; products keep the figures that they have.
--
-- Lock: ACCESS EXCLUSIVE on the table and, for the foreign keys, on shop.users,
-- shop.products and shop.orders. Rewrites: none. Loses: every review.

DROP TABLE shop.reviews;

DROP FUNCTION shop.count_review();
