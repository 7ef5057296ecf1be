-- Accounts on social platforms. drystone.systems.promo.tokens encrypts and decrypts their
-- tokens, and rotates the keys.

-- name: find_account(organization_id, platform, handle)^
-- The id of an organisation's living account, or the one that a new account is to have:
-- its tokens are bound to it.
SELECT
    coalesce(account.id, core.new_id()) AS id,
    account.id IS NULL AS is_new
FROM (VALUES (lower(ltrim(btrim(:handle::text), '@')))) AS asked (handle)
LEFT JOIN promo.social_accounts AS account
    ON account.organization_id = :organization_id
    AND account.platform = :platform
    AND lower(account.handle) = asked.handle
    AND account.deleted_at IS NULL;

-- name: connect_account(id, organization_id, platform, handle, display_name, profile_url, access_token_encrypted, refresh_token_encrypted, token_key_id, token_type, scope, expires_at, account_id)^
-- Connects an account, or connects it again with new tokens; no row if the plan of the
-- organisation's user does not have the platform.
-- nullable: handle
INSERT INTO promo.social_accounts AS account (
    id,
    organization_id,
    platform,
    handle,
    display_name,
    profile_url,
    access_token_encrypted,
    refresh_token_encrypted,
    token_key_id,
    token_type,
    scope,
    expires_at,
    account_id
)
SELECT
    :id::uuid,
    organization.id,
    :platform::promo.platform,
    ltrim(btrim(:handle::text), '@'),
    :display_name,
    :profile_url,
    :access_token_encrypted,
    :refresh_token_encrypted,
    :token_key_id,
    :token_type,
    :scope,
    :expires_at,
    :account_id
FROM promo.organizations AS organization
INNER JOIN promo.users AS owner
    ON owner.id = organization.user_id
INNER JOIN promo.plans AS plan
    ON plan.plan = owner.plan
WHERE
    organization.id = :organization_id
    AND :platform::promo.platform = ANY (plan.platforms)
ON CONFLICT (id) DO UPDATE
SET
    display_name = coalesce(EXCLUDED.display_name, account.display_name),
    profile_url = coalesce(EXCLUDED.profile_url, account.profile_url),
    access_token_encrypted = EXCLUDED.access_token_encrypted,
    refresh_token_encrypted = EXCLUDED.refresh_token_encrypted,
    token_key_id = EXCLUDED.token_key_id,
    token_type = EXCLUDED.token_type,
    scope = EXCLUDED.scope,
    expires_at = EXCLUDED.expires_at,
    account_id = coalesce(EXCLUDED.account_id, account.account_id),
    is_active = true,
    error_message = NULL
WHERE account.organization_id = EXCLUDED.organization_id
RETURNING
    account.id,
    account.organization_id,
    account.platform,
    account.handle,
    account.is_active,
    account.expires_at;

-- name: get_account(account_id)^
-- A living account, without its tokens.
-- replica: ok
SELECT
    account.id,
    account.organization_id,
    account.platform,
    account.handle,
    account.display_name,
    account.profile_url,
    account.scope,
    account.expires_at,
    account.followers_count,
    account.following_count,
    account.posts_count,
    account.is_active,
    account.last_sync_at,
    account.error_message,
    account.created_at
FROM promo.social_accounts AS account
WHERE
    account.id = :account_id
    AND account.deleted_at IS NULL;

-- name: get_account_tokens(account_id)^
-- The encrypted tokens of a living account, and what they are bound to.
SELECT
    account.id,
    account.organization_id,
    account.access_token_encrypted,
    account.refresh_token_encrypted,
    account.token_key_id,
    account.expires_at
FROM promo.social_accounts AS account
WHERE
    account.id = :account_id
    AND account.deleted_at IS NULL;

-- name: list_accounts(organization_id, platform)
-- An organisation's living accounts: all of them, or those on a platform.
-- replica: ok
SELECT
    account.id,
    account.platform,
    account.handle,
    account.display_name,
    account.followers_count,
    account.is_active,
    account.expires_at,
    account.error_message
FROM promo.social_accounts AS account
WHERE
    account.organization_id = :organization_id
    AND account.deleted_at IS NULL
    AND (:platform::promo.platform IS NULL OR account.platform = :platform)
ORDER BY
    account.platform,
    account.handle;

-- name: accounts_to_refresh(before, limit_rows)
-- The active accounts whose access token ends before a time and can be renewed, those
-- that end first first; 100 unless limit_rows says otherwise.
SELECT
    account.id,
    account.organization_id,
    account.platform,
    account.access_token_encrypted,
    account.refresh_token_encrypted,
    account.token_key_id,
    account.expires_at
FROM promo.social_accounts AS account
WHERE
    account.is_active
    AND account.deleted_at IS NULL
    AND account.expires_at < :before::timestamptz
    AND account.refresh_token_encrypted IS NOT NULL
ORDER BY
    account.expires_at,
    account.id
LIMIT coalesce(:limit_rows::bigint, 100);

-- name: store_tokens(account_id, access_token_encrypted, refresh_token_encrypted, token_key_id, expires_at)!
-- 1 if the living account now has the tokens, both encrypted with one key.
UPDATE promo.social_accounts AS account
SET
    access_token_encrypted = :access_token_encrypted,
    refresh_token_encrypted = :refresh_token_encrypted,
    token_key_id = :token_key_id,
    expires_at = :expires_at,
    is_active = true,
    error_message = NULL
WHERE
    account.id = :account_id
    AND account.deleted_at IS NULL;

-- name: deactivate_account(account_id, error)!
-- 1 if the living account is not used from now on, until it is connected again.
UPDATE promo.social_accounts AS account
SET
    is_active = false,
    error_message = :error
WHERE
    account.id = :account_id
    AND account.deleted_at IS NULL;

-- name: record_sync(account_id, followers_count, following_count, posts_count)!
-- 1 if the living account's figures are those now.
UPDATE promo.social_accounts AS account
SET
    followers_count = coalesce(:followers_count::integer, account.followers_count),
    following_count = coalesce(:following_count::integer, account.following_count),
    posts_count = coalesce(:posts_count::integer, account.posts_count),
    last_sync_at = clock_timestamp()
WHERE
    account.id = :account_id
    AND account.deleted_at IS NULL;

-- name: soft_delete_account(account_id)!
-- 1 if the account was alive, and is now deleted; its posts that were yet to come are
-- cancelled.
UPDATE promo.social_accounts AS account
SET deleted_at = clock_timestamp()
WHERE
    account.id = :account_id
    AND account.deleted_at IS NULL;

-- name: restore_account(account_id)!
-- 1 if the account was deleted, and is back.
UPDATE promo.social_accounts AS account
SET deleted_at = NULL
WHERE
    account.id = :account_id
    AND account.deleted_at IS NOT NULL;

-- name: lock_tokens_of_key(token_key_id, after_id, limit_rows)
-- Accounts, deleted ones too, whose tokens are encrypted with a key, beyond an id if one
-- is given; they are locked until the transaction ends, and those that another locked
-- are left out.
SELECT
    account.id,
    account.organization_id,
    account.access_token_encrypted,
    account.refresh_token_encrypted
FROM promo.social_accounts AS account
WHERE
    account.token_key_id = :token_key_id
    AND (:after_id::uuid IS NULL OR account.id > :after_id)
ORDER BY account.id
LIMIT :limit_rows::bigint
FOR NO KEY UPDATE SKIP LOCKED;

-- name: replace_tokens(account_id, access_token_encrypted, refresh_token_encrypted, token_key_id)*!
-- How many accounts now have the same tokens as before, encrypted with another key.
UPDATE promo.social_accounts AS account
SET
    access_token_encrypted = :access_token_encrypted,
    refresh_token_encrypted = :refresh_token_encrypted,
    token_key_id = :token_key_id
WHERE account.id = :account_id;

-- name: count_tokens_by_key()
-- How many accounts there are of each key; a key that has none can be thrown away.
SELECT
    account.token_key_id,
    count(*) AS accounts
FROM promo.social_accounts AS account
GROUP BY account.token_key_id
ORDER BY account.token_key_id;
