-- Takes back what the catalogue's pages are asked from.
--
-- Lock: ACCESS EXCLUSIVE on shop.bought_together. Rewrites: none.
-- Loses: no row; what is bought together is counted anew.

DROP MATERIALIZED VIEW shop.bought_together;

DROP VIEW shop.catalogue;

DROP FUNCTION shop.category_subtree(text);

DROP TYPE shop.time_position;

DROP TYPE shop.number_position;

DROP TYPE shop.name_position;
