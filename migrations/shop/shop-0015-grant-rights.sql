-- depends: shop-0014-create-search core-0009-create-roles
--
-- What the roles may do in shop. Besides those that every system has, the two apps have
-- one each: the client app's reads what customers see, keeps carts, addresses, reviews
-- and logins, and orders by place_order alone, so that it can set no price, stock,
-- status or role; the admin app's does everything but change the structure.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: takes the rights back, and no row; the two roles stay, since other databases
-- of the server may use them.

DO $$
DECLARE
    missing text;
BEGIN
    FOR missing IN
        SELECT wanted.name
        FROM unnest(
            ARRAY['drystone_shop_admin', 'drystone_shop_client']
        ) AS wanted (name)
        WHERE to_regrole(wanted.name) IS NULL
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', missing);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the role % is missing, and % may not create it',
                    missing, current_user
                    USING
                        ERRCODE = 'undefined_object',
                        HINT = 'Let a DBA create the roles: docs/security.md.';
        END;
    END LOOP;
END
$$;

-- Steps of a rule that reach where the client app must not: with their owner's rights.
-- Partitions are made by whoever sees that one will be missing.
ALTER FUNCTION shop.place_order(
    uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
)
    SECURITY DEFINER
    SET search_path = '';

ALTER FUNCTION shop.count_review() SECURITY DEFINER SET search_path = '';

ALTER FUNCTION shop.ensure_partitions(integer) SECURITY DEFINER SET search_path = '';

REVOKE EXECUTE
    ON FUNCTION
        shop.place_order(
            uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
        ),
        shop.count_review(),
        shop.ensure_partitions(integer)
    FROM PUBLIC;

GRANT EXECUTE
    ON FUNCTION
        shop.place_order(
            uuid, jsonb, jsonb, text, shop.payment_method, text, text, text
        )
    TO drystone_app, drystone_shop_admin, drystone_shop_client;

GRANT EXECUTE
    ON FUNCTION shop.ensure_partitions(integer)
    TO drystone_app, drystone_shop_admin;

GRANT USAGE
    ON SCHEMA shop
    TO drystone_app, drystone_readonly, drystone_shop_admin, drystone_shop_client;

GRANT USAGE
    ON SCHEMA nextauth
    TO drystone_app, drystone_shop_admin, drystone_shop_client;

GRANT USAGE ON SCHEMA core TO drystone_shop_admin, drystone_shop_client;

-- Services and the admin app.
GRANT SELECT, INSERT, UPDATE, DELETE
    ON ALL TABLES IN SCHEMA shop, nextauth
    TO drystone_app, drystone_shop_admin;

GRANT USAGE, SELECT
    ON SEQUENCE shop.order_number_seq
    TO drystone_app, drystone_shop_admin;

GRANT INSERT, SELECT (id) ON core.outbox TO drystone_shop_admin;

GRANT SELECT, INSERT, UPDATE ON core.webhook_events TO drystone_shop_admin;

GRANT SELECT, INSERT, UPDATE, DELETE
    ON core.cache_invalidations, core.cache_lease
    TO drystone_shop_admin, drystone_shop_client;

-- Reports: nothing that one could log in with.
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO drystone_readonly;

REVOKE SELECT
    ON shop.accounts, shop.sessions, shop.users, shop.verification_tokens
    FROM drystone_readonly;

GRANT SELECT (
    id,
    email,
    name,
    email_verified,
    image,
    phone,
    role,
    last_login,
    created_at,
    updated_at,
    deleted_at
)
    ON shop.users
    TO drystone_readonly;

-- The client app: what everybody sees, ...
GRANT SELECT
    ON
        shop.bought_together,
        shop.catalogue,
        shop.categories,
        shop.discounts,
        shop.inventory,
        shop.product_stats,
        shop.product_stock,
        shop.product_variants,
        shop.settings
    TO drystone_shop_client;

-- ... without cost_price, ...
GRANT SELECT (
    id,
    category_id,
    name,
    slug,
    description,
    short_description,
    sku,
    barcode,
    price,
    compare_price,
    images,
    thumbnail,
    track_quantity,
    low_stock_threshold,
    is_active,
    is_featured,
    is_digital,
    weight,
    length,
    width,
    height,
    meta_title,
    meta_description,
    embedding,
    created_at,
    updated_at,
    deleted_at,
    fts,
    name_trigrams
)
    ON shop.products
    TO drystone_shop_client;

-- ... what customers keep, ...
GRANT SELECT, INSERT, UPDATE, DELETE
    ON shop.addresses, shop.cart_items, shop.wishlist_items
    TO drystone_shop_client;

GRANT SELECT, DELETE, INSERT (
    user_id,
    product_id,
    order_id,
    rating,
    title,
    content
), UPDATE (
    rating,
    title,
    content
)
    ON shop.reviews
    TO drystone_shop_client;

GRANT SELECT, UPDATE (read_at) ON shop.notifications TO drystone_shop_client;

GRANT SELECT ON shop.order_items, shop.orders, shop.payments TO drystone_shop_client;

GRANT INSERT ON shop.analytics TO drystone_shop_client;

-- ... and how they log in.
GRANT SELECT, INSERT (
    email,
    name,
    password_hash,
    email_verified,
    image,
    phone
), UPDATE (
    email,
    name,
    password_hash,
    email_verified,
    image,
    phone,
    last_login
)
    ON shop.users
    TO drystone_shop_client;

GRANT SELECT, INSERT, UPDATE, DELETE
    ON shop.accounts, shop.sessions, shop.verification_tokens
    TO drystone_shop_client;

GRANT SELECT, INSERT, UPDATE, DELETE
    ON ALL TABLES IN SCHEMA nextauth
    TO drystone_shop_client;

REVOKE DELETE ON nextauth.users FROM drystone_shop_client;

-- Of the tables that later migrations of the same role make. The client app's rights
-- are given table by table.
ALTER DEFAULT PRIVILEGES IN SCHEMA shop, nextauth
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO drystone_app, drystone_shop_admin;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop
    GRANT USAGE, SELECT ON SEQUENCES TO drystone_app, drystone_shop_admin;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop
    GRANT SELECT ON TABLES TO drystone_readonly;
