-- Takes back the reservations; what they hold stays reserved in the stock.
--
-- Lock: ACCESS EXCLUSIVE on the table and, for the foreign keys, on shop.inventory and
-- shop.orders. Rewrites: none. Loses: every reservation.

DROP FUNCTION shop.reserve_stock(jsonb, interval, uuid);

DROP TABLE shop.inventory_reservations;

DROP FUNCTION shop.post_settled_reservations();

DROP FUNCTION shop.post_reservations();
