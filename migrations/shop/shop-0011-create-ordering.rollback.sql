-- Takes back how orders are placed.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row.

DROP FUNCTION shop.expire_reservations(bigint);

DROP FUNCTION shop.place_order(
    uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
);

DROP FUNCTION shop.lacking(jsonb);

DROP FUNCTION shop.order_settings();

DROP FUNCTION shop.redeem_discount(text, uuid, numeric, uuid);

DROP FUNCTION shop.discount_amount(shop.discounts, numeric);
