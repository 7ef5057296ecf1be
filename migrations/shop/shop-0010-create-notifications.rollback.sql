-- Takes back the notifications, and what follows from the steps of an order.
--
-- Lock: ACCESS EXCLUSIVE on shop.notifications, shop.orders, shop.payments and, for the
-- foreign key, shop.users. Rewrites: none. Loses: every notification.

DROP TRIGGER payments_follow ON shop.payments;

DROP FUNCTION shop.follow_payment();

DROP TRIGGER orders_follow ON shop.orders;

DROP FUNCTION shop.follow_order();

DROP FUNCTION shop.tell(shop.orders, shop.notification_type, text, text);

DROP TABLE shop.notifications;
