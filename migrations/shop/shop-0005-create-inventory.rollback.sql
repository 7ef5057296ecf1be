-- Takes back the stock and its ledger.
--
-- Lock: ACCESS EXCLUSIVE on both tables and, for the foreign keys, on shop.products and
-- shop.product_variants. Rewrites: none. Loses: all stock and its history.

DROP VIEW shop.product_stock;

DROP TABLE shop.inventory_transactions;

DROP FUNCTION shop.post_inventory_transaction();

DROP TABLE shop.inventory;

DROP FUNCTION shop.refuse_stock_by_hand();
