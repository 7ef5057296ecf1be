-- Takes back the catalogue.
--
-- Lock: ACCESS EXCLUSIVE on the four tables. Rewrites: none.
-- Loses: every category, product and variant, with figures.

DROP TABLE shop.product_stats;

DROP TABLE shop.product_variants;

DROP TABLE shop.products;

DROP FUNCTION shop.add_product_stats();

DROP TABLE shop.categories;

DROP FUNCTION shop.require_acyclic_category();

DROP FUNCTION shop.lock_category_tree();
