-- Users: created, found, listed, deleted and brought back.

-- name: create_user(email, password_hash, name, role)<!
-- Creates a user on the free plan; an address that a living user has, in any case, is
-- refused by users_lower_email_key. Who logs in by another service has no hash.
INSERT INTO promo.users (
    email,
    password_hash,
    name,
    role
)
VALUES (
    btrim(:email::text),
    :password_hash,
    :name,
    coalesce(:role::promo.user_role, 'USER')
)
RETURNING
    id,
    email,
    name,
    plan,
    role,
    created_at;

-- name: get_user(user_id)^
-- A living user, without the password's hash.
-- replica: ok
SELECT
    account.id,
    account.email,
    account.name,
    account.image,
    account.plan,
    account.role,
    account.verified,
    account.created_at,
    account.updated_at
FROM promo.users AS account
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: find_login(email)^
-- What a login is checked against: the living user with an address, in any case.
SELECT
    account.id,
    account.password_hash,
    account.role,
    account.verified
FROM promo.users AS account
WHERE
    lower(account.email) = lower(btrim(:email::text))
    AND account.deleted_at IS NULL;

-- name: list_users(plan, role, offset_rows, limit_rows)
-- A page of living users: all of them, or those of a plan or of a role; 20 unless
-- limit_rows says otherwise.
-- order newest: account.created_at DESC, account.id DESC
-- order oldest: account.created_at, account.id
-- order email: lower(account.email), account.id
-- replica: ok
SELECT
    account.id,
    account.email,
    account.name,
    account.plan,
    account.role,
    account.verified,
    account.created_at
FROM promo.users AS account
WHERE
    account.deleted_at IS NULL
    AND (:plan::text IS NULL OR account.plan = :plan)
    AND (:role::promo.user_role IS NULL OR account.role = :role)
ORDER BY account.created_at DESC, account.id DESC
LIMIT coalesce(:limit_rows::bigint, 20)
OFFSET coalesce(:offset_rows::bigint, 0);

-- name: count_users(plan, role)$
-- How many users list_users has in all its pages.
-- replica: ok
SELECT count(*) AS users
FROM promo.users AS account
WHERE
    account.deleted_at IS NULL
    AND (:plan::text IS NULL OR account.plan = :plan)
    AND (:role::promo.user_role IS NULL OR account.role = :role);

-- name: update_user(user_id, email, password_hash, name, image, role, verified)^
-- Changes what is given of a living user, and leaves what is NULL.
-- nullable: email
UPDATE promo.users AS account
SET
    email = coalesce(btrim(:email::text), account.email),
    password_hash = coalesce(:password_hash::text, account.password_hash),
    name = coalesce(:name::text, account.name),
    image = coalesce(:image::text, account.image),
    role = coalesce(:role::promo.user_role, account.role),
    verified = coalesce(:verified::boolean, account.verified)
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL
RETURNING
    account.id,
    account.email,
    account.name,
    account.role,
    account.verified,
    account.updated_at;

-- name: set_user_plan(user_id, plan)!
-- 1 if the living user now has the plan, until a subscription changes it again.
UPDATE promo.users AS account
SET plan = :plan
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: soft_delete_user(user_id)!
-- 1 if the user was alive, and is now deleted with all organisations; posts that were
-- yet to come are cancelled.
UPDATE promo.users AS account
SET deleted_at = clock_timestamp()
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: restore_user(user_id)!
-- 1 if the user was deleted, and is back with all that was deleted at the same moment;
-- cancelled posts stay cancelled.
UPDATE promo.users AS account
SET deleted_at = NULL
WHERE
    account.id = :user_id
    AND account.deleted_at IS NOT NULL;

-- name: delete_user_for_good(user_id)!
-- 1 if there was such a user; the row is gone, with everything that belonged to it. The
-- audit log keeps what it held.
DELETE FROM promo.users AS account
WHERE account.id = :user_id;
