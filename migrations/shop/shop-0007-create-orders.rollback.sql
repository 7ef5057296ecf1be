-- Takes back orders, payments, discounts and settings.
--
-- Lock: ACCESS EXCLUSIVE on the tables and, for the foreign keys, on shop.users,
-- shop.products and shop.product_variants. Rewrites: none.
-- Loses: every order, payment, discount and setting.

DROP TABLE shop.discount_redemptions;

DROP FUNCTION shop.count_redemptions();

DROP FUNCTION shop.payment_status_of(uuid);

DROP TABLE shop.payments;

DROP FUNCTION shop.set_payment_status();

DROP TABLE shop.order_items;

DROP TABLE shop.orders;

DROP SEQUENCE shop.order_number_seq;

DROP TABLE shop.discounts;

DROP TABLE shop.settings;
