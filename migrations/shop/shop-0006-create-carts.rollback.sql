-- Takes back carts and wishlists.
--
-- Lock: ACCESS EXCLUSIVE on both tables and, for the foreign keys, on shop.users,
-- shop.products and shop.product_variants. Rewrites: none.
-- Loses: every cart and wishlist.

DROP TABLE shop.wishlist_items;

DROP TABLE shop.cart_items;
