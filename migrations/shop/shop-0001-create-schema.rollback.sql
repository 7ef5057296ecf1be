-- Takes back the schema of the shop; refuses while a table still uses one of its types.
--
-- Lock: none on a live table. Rewrites: none. Loses: nothing but the empty schema.

DROP FUNCTION shop.refuse_step();

DROP TYPE shop.discount_type;

DROP TYPE shop.notification_type;

DROP TYPE shop.reservation_status;

DROP TYPE shop.inventory_tx_type;

DROP TYPE shop.payment_method;

DROP TYPE shop.payment_status;

DROP TYPE shop.order_status;

DROP TYPE shop.user_role;

DROP SCHEMA shop;
