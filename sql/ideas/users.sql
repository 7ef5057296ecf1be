-- Users: created, found, listed, deleted and brought back.

-- name: create_user(email, password_hash, name)<!
-- Creates a user; an address that a living user has, in any case, is refused by
-- users_lower_email_key.
INSERT INTO ideas.users (
    email,
    password_hash,
    name
)
VALUES (
    btrim(:email::text),
    :password_hash,
    btrim(:name::text)
)
RETURNING
    id,
    email,
    name,
    created_at;

-- name: get_user(user_id)^
-- A living user, without the password's hash.
-- replica: ok
SELECT
    account.id,
    account.email,
    account.name,
    account.created_at,
    account.updated_at
FROM ideas.users AS account
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: find_login(email)^
-- What a login is checked against: the living user with an address, in any case.
SELECT
    account.id,
    account.name,
    account.password_hash
FROM ideas.users AS account
WHERE
    lower(account.email) = lower(btrim(:email::text))
    AND account.deleted_at IS NULL;

-- name: email_taken(email, except_id)$
-- Whether a living user has the address, in any case; except_id is one that may.
-- replica: ok
SELECT EXISTS (
    SELECT
    FROM ideas.users AS account
    WHERE
        lower(account.email) = lower(btrim(:email::text))
        AND account.deleted_at IS NULL
        AND account.id IS DISTINCT FROM :except_id::uuid
) AS taken;

-- name: list_users(email, name, created_from, created_before, offset_rows, limit_rows)
-- A page of living users: all of them, or those with a part of the address or of the
-- name, or created in a period; 20 unless limit_rows says otherwise.
-- order newest: account.created_at DESC, account.id DESC
-- order oldest: account.created_at, account.id
-- order email: lower(account.email), account.id
-- order name: account.name, account.id
-- replica: ok
SELECT
    account.id,
    account.email,
    account.name,
    account.created_at
FROM ideas.users AS account
WHERE
    account.deleted_at IS NULL
    AND (:email::text IS NULL OR strpos(lower(account.email), lower(:email)) > 0)
    AND (:name::text IS NULL OR strpos(lower(account.name), lower(:name)) > 0)
    AND (:created_from::timestamptz IS NULL OR account.created_at >= :created_from)
    AND (:created_before::timestamptz IS NULL OR account.created_at < :created_before)
ORDER BY account.created_at DESC, account.id DESC
LIMIT coalesce(:limit_rows::bigint, 20)
OFFSET coalesce(:offset_rows::bigint, 0);

-- name: count_users(email, name, created_from, created_before)$
-- How many users list_users has in all its pages.
-- replica: ok
SELECT count(*) AS users
FROM ideas.users AS account
WHERE
    account.deleted_at IS NULL
    AND (:email::text IS NULL OR strpos(lower(account.email), lower(:email)) > 0)
    AND (:name::text IS NULL OR strpos(lower(account.name), lower(:name)) > 0)
    AND (:created_from::timestamptz IS NULL OR account.created_at >= :created_from)
    AND (:created_before::timestamptz IS NULL OR account.created_at < :created_before);

-- name: update_user(user_id, email, password_hash, name)^
-- Changes what is given of a living user, and leaves what is NULL.
-- nullable: email, name
UPDATE ideas.users AS account
SET
    email = coalesce(btrim(:email::text), account.email),
    password_hash = coalesce(:password_hash::text, account.password_hash),
    name = coalesce(btrim(:name::text), account.name)
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL
RETURNING
    account.id,
    account.email,
    account.name,
    account.created_at,
    account.updated_at;

-- name: soft_delete_user(user_id)!
-- 1 if the user was alive, and is now deleted with all ideas, evaluations and results.
UPDATE ideas.users AS account
SET deleted_at = clock_timestamp()
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: restore_user(user_id)!
-- 1 if the user was deleted, and is back with all that was deleted at the same moment.
UPDATE ideas.users AS account
SET deleted_at = NULL
WHERE
    account.id = :user_id
    AND account.deleted_at IS NOT NULL;

-- name: delete_user_for_good(user_id)!
-- 1 if there was such a user; the row is gone, with everything that belonged to it, but
-- not yet from the audit log: drystone.systems.ideas.erasing does both.
DELETE FROM ideas.users AS account
WHERE account.id = :user_id;

-- name: redact_erased()!
-- How many entries of the audit log lost their rows' images: all those of rows that
-- this transaction deletes. Who did what, and when, stays.
WITH erased AS (
    SELECT
        entry.table_name,
        entry.row_pk
    FROM core.audit_log AS entry
    WHERE
        entry.at >= now()
        AND entry.txid = pg_current_xact_id()::text::bigint
        AND entry.schema_name = 'ideas'
        AND entry.op = 'DELETE'
)
UPDATE core.audit_log AS entry
SET
    old_row = CASE WHEN entry.old_row IS NOT NULL THEN '{}'::jsonb END,
    new_row = CASE WHEN entry.new_row IS NOT NULL THEN '{}'::jsonb END
FROM erased
WHERE
    entry.schema_name = 'ideas'
    AND entry.table_name = erased.table_name
    AND entry.row_pk = erased.row_pk;
