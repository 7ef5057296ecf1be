-- depends: promo-0011-create-analytics core-0009-create-roles
--
-- What the roles may do in promo: services read and write rows, reports read them, but
-- for the hashes of passwords and the tokens of accounts.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: takes the rights back, and no row.

GRANT USAGE ON SCHEMA promo TO drystone_app, drystone_readonly;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA promo TO drystone_app;

GRANT SELECT ON ALL TABLES IN SCHEMA promo TO drystone_readonly;

REVOKE SELECT ON promo.users, promo.social_accounts FROM drystone_readonly;

GRANT SELECT (
    id,
    email,
    name,
    image,
    plan,
    role,
    verified,
    created_at,
    updated_at,
    deleted_at
)
    ON promo.users
    TO drystone_readonly;

GRANT SELECT (
    id,
    organization_id,
    platform,
    handle,
    display_name,
    profile_url,
    token_key_id,
    token_type,
    scope,
    expires_at,
    account_id,
    followers_count,
    following_count,
    posts_count,
    is_active,
    last_sync_at,
    error_message,
    created_at,
    updated_at,
    deleted_at
)
    ON promo.social_accounts
    TO drystone_readonly;

-- Of the tables that later migrations of the same role make.
ALTER DEFAULT PRIVILEGES IN SCHEMA promo
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo
    GRANT USAGE, SELECT ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo
    GRANT SELECT ON TABLES TO drystone_readonly;
