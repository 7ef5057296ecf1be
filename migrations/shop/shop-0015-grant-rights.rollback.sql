-- Takes back what the roles may do in shop. The roles stay: other databases of the
-- server may use them.
--
-- Lock: none on a live table. Rewrites: none.
-- Loses: the rights, and no row; services and both apps are refused from now on.

ALTER DEFAULT PRIVILEGES IN SCHEMA shop
    REVOKE SELECT ON TABLES FROM drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop
    REVOKE USAGE, SELECT ON SEQUENCES FROM drystone_app, drystone_shop_admin;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop, nextauth
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES
    FROM drystone_app, drystone_shop_admin;

-- This takes the rights on columns back, too.
REVOKE ALL
    ON ALL TABLES IN SCHEMA shop, nextauth
    FROM drystone_app, drystone_readonly, drystone_shop_admin, drystone_shop_client;

REVOKE ALL
    ON ALL SEQUENCES IN SCHEMA shop
    FROM drystone_app, drystone_shop_admin;

REVOKE ALL
    ON
        core.cache_invalidations,
        core.cache_lease,
        core.outbox,
        core.webhook_events
    FROM drystone_shop_admin, drystone_shop_client;

REVOKE ALL ON SCHEMA core FROM drystone_shop_admin, drystone_shop_client;

REVOKE ALL
    ON SCHEMA shop, nextauth
    FROM drystone_app, drystone_readonly, drystone_shop_admin, drystone_shop_client;

REVOKE EXECUTE
    ON FUNCTION
        shop.place_order(
            uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
        ),
        shop.ensure_partitions(integer)
    FROM drystone_app, drystone_shop_admin, drystone_shop_client;

GRANT EXECUTE
    ON FUNCTION
        shop.place_order(
            uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
        ),
        shop.count_review(),
        shop.ensure_partitions(integer)
    TO PUBLIC;

ALTER FUNCTION shop.ensure_partitions(integer) SECURITY INVOKER RESET search_path;

ALTER FUNCTION shop.count_review() SECURITY INVOKER RESET search_path;

ALTER FUNCTION shop.place_order(
    uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
)
    SECURITY INVOKER
    RESET search_path;
