-- What `drystone seed shop --reset` runs before it loads: nobody and nothing is left, of
-- the seed or not. Settings stay, and so does the audit log, where TRUNCATE leaves no
-- entry.
--
-- Lock: ACCESS EXCLUSIVE on the tables, until the seed is loaded.

TRUNCATE
    shop.users,
    shop.accounts,
    shop.sessions,
    shop.verification_tokens,
    shop.addresses,
    shop.categories,
    shop.products,
    shop.product_variants,
    shop.product_stats,
    shop.inventory,
    shop.inventory_transactions,
    shop.inventory_reservations,
    shop.cart_items,
    shop.wishlist_items,
    shop.discounts,
    shop.discount_redemptions,
    shop.orders,
    shop.order_items,
    shop.payments,
    shop.reviews,
    shop.notifications,
    shop.analytics;

DELETE FROM core.webhook_events
WHERE provider = 'shop.stripe';
