-- Users and their addresses: created, found, listed, changed, deleted and brought back.

-- name: create_user(email, name, password_hash, role)<!
-- Creates a user; an address that a living user has, in any case, is refused by
-- users_lower_email_key. A plain USER, unless role says otherwise.
-- nullable: name
INSERT INTO shop.users (
    email,
    name,
    password_hash,
    role
)
VALUES (
    btrim(:email::text),
    btrim(:name::text),
    :password_hash,
    coalesce(:role::shop.user_role, 'USER')
)
RETURNING
    id,
    email,
    name,
    role,
    created_at;

-- name: create_user_with_address(email, name, password_hash, address)^
-- Creates a user and the default address: street, city, state, zip_code and, if it is
-- not the US, country.
-- nullable: name, password_hash
WITH created AS (
    INSERT INTO shop.users (
        email,
        name,
        password_hash
    )
    VALUES (
        btrim(:email::text),
        btrim(:name::text),
        :password_hash
    )
    RETURNING
        id,
        email,
        name,
        role,
        created_at
),
placed AS (
    INSERT INTO shop.addresses (
        user_id,
        street,
        city,
        state,
        zip_code,
        country,
        is_default
    )
    SELECT
        created.id,
        :address::jsonb ->> 'street',
        :address::jsonb ->> 'city',
        coalesce(:address::jsonb ->> 'state', ''),
        :address::jsonb ->> 'zip_code',
        coalesce(:address::jsonb ->> 'country', 'US'),
        true
    FROM created
    RETURNING
        id,
        user_id,
        street,
        city,
        state,
        zip_code,
        country
)
SELECT
    created.id,
    created.email,
    created.name,
    created.role,
    created.created_at,
    placed.id AS "address.id",
    placed.street AS "address.street",
    placed.city AS "address.city",
    placed.state AS "address.state",
    placed.zip_code AS "address.zip_code",
    placed.country AS "address.country"
FROM created
INNER JOIN placed
    ON placed.user_id = created.id;

-- name: get_user(user_id)^
-- A living user with all addresses, the default one first; without the password's hash.
-- replica: ok
SELECT
    account.id,
    account.email,
    account.name,
    account.phone,
    account.image,
    account.role,
    account.email_verified,
    account.last_login,
    account.created_at,
    account.updated_at,
    address.id AS "addresses[].id",
    address.street AS "addresses[].street",
    address.city AS "addresses[].city",
    address.state AS "addresses[].state",
    address.zip_code AS "addresses[].zip_code",
    address.country AS "addresses[].country",
    address.is_default AS "addresses[].is_default"
FROM shop.users AS account
LEFT JOIN shop.addresses AS address
    ON address.user_id = account.id
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL
ORDER BY
    address.is_default DESC,
    address.created_at,
    address.id;

-- name: find_login(email)^
-- What a login is checked against: the living user with an address, in any case.
SELECT
    account.id,
    account.name,
    account.role,
    account.password_hash
FROM shop.users AS account
WHERE
    lower(account.email) = lower(btrim(:email::text))
    AND account.deleted_at IS NULL;

-- name: record_login(user_id)!
-- 1 if the user lives, and has just logged in.
UPDATE shop.users AS account
SET last_login = clock_timestamp()
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: session_user(session_token)^
-- Who is logged in with a session, while it lasts.
SELECT
    account.id,
    account.email,
    account.name,
    account.role,
    session.expires
FROM shop.sessions AS session
INNER JOIN shop.users AS account
    ON account.id = session.user_id
    AND account.deleted_at IS NULL
WHERE
    session.session_token = :session_token
    AND session.expires > statement_timestamp();

-- name: delete_expired_sessions()!
-- How many sessions had ended, and are gone.
DELETE FROM shop.sessions AS session
WHERE session.expires <= statement_timestamp();

-- name: delete_expired_tokens()!
-- How many links to log in with had ended, and are gone.
DELETE FROM shop.verification_tokens AS link
WHERE link.expires <= statement_timestamp();

-- name: list_users(role, after, limit_rows)
-- A page of living users, newest first: of all roles, or one; 20 unless limit_rows says
-- otherwise, 100 at most. after is created_at and id of the last one seen.
-- replica: ok
SELECT
    account.id,
    account.email,
    account.name,
    account.role,
    account.last_login,
    account.created_at
FROM shop.users AS account
WHERE
    account.deleted_at IS NULL
    AND (:role::shop.user_role IS NULL OR account.role = :role)
    AND (
        :after::shop.time_position IS NULL
        OR (account.created_at, account.id) < (
            (:after::shop.time_position).at,
            (:after::shop.time_position).id
        )
    )
ORDER BY
    account.created_at DESC,
    account.id DESC
LIMIT least(coalesce(:limit_rows::bigint, 20), 100);

-- name: count_users()$
-- How many users live.
-- replica: ok
SELECT count(*) AS users
FROM shop.users AS account
WHERE account.deleted_at IS NULL;

-- name: update_user(user_id, email, name, password_hash, phone, image, role)^
-- Changes what is given of a living user, and leaves what is NULL.
-- nullable: email, name
UPDATE shop.users AS account
SET
    email = coalesce(btrim(:email::text), account.email),
    name = coalesce(btrim(:name::text), account.name),
    password_hash = coalesce(:password_hash::text, account.password_hash),
    phone = coalesce(:phone::text, account.phone),
    image = coalesce(:image::text, account.image),
    role = coalesce(:role::shop.user_role, account.role)
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL
RETURNING
    account.id,
    account.email,
    account.name,
    account.phone,
    account.image,
    account.role,
    account.updated_at;

-- name: soft_delete_user(user_id)!
-- 1 if the user was alive, and is now deleted and logged out everywhere; orders stay.
WITH ended AS (
    DELETE FROM shop.sessions AS session
    WHERE session.user_id = :user_id
)
UPDATE shop.users AS account
SET deleted_at = clock_timestamp()
WHERE
    account.id = :user_id
    AND account.deleted_at IS NULL;

-- name: restore_user(user_id)!
-- 1 if the user was deleted, and is back; refused by users_lower_email_key if another
-- one has the address by now.
UPDATE shop.users AS account
SET deleted_at = NULL
WHERE
    account.id = :user_id
    AND account.deleted_at IS NOT NULL;

-- name: add_address(user_id, street, city, state, zip_code, country)<!
-- Adds an address; the first one of a user is the default.
INSERT INTO shop.addresses (
    user_id,
    street,
    city,
    state,
    zip_code,
    country,
    is_default
)
VALUES (
    :user_id,
    btrim(:street::text),
    btrim(:city::text),
    coalesce(btrim(:state::text), ''),
    btrim(:zip_code::text),
    coalesce(:country::text, 'US'),
    NOT EXISTS (
        SELECT
        FROM shop.addresses AS address
        WHERE
            address.user_id = :user_id
            AND address.is_default
    )
)
RETURNING
    id,
    is_default;

-- name: update_address(address_id, user_id, street, city, state, zip_code, country)!
-- 1 if the user has the address: what is given is changed, and what is NULL is left.
-- nullable: street, city, state, zip_code
UPDATE shop.addresses AS address
SET
    street = coalesce(btrim(:street::text), address.street),
    city = coalesce(btrim(:city::text), address.city),
    state = coalesce(btrim(:state::text), address.state),
    zip_code = coalesce(btrim(:zip_code::text), address.zip_code),
    country = coalesce(:country::text, address.country)
WHERE
    address.id = :address_id
    AND address.user_id = :user_id;

-- name: clear_default_address(user_id, except_id)!
-- 1 if another address of the user was the default, and is no longer.
UPDATE shop.addresses AS address
SET is_default = false
WHERE
    address.user_id = :user_id
    AND address.is_default
    AND address.id <> :except_id;

-- name: make_default_address(address_id, user_id)!
-- 1 if the user has the address, which is now the default; clear_default_address first.
UPDATE shop.addresses AS address
SET is_default = true
WHERE
    address.id = :address_id
    AND address.user_id = :user_id;

-- name: delete_address(address_id, user_id)!
-- 1 if the user had the address, which is gone; orders keep their copies.
DELETE FROM shop.addresses AS address
WHERE
    address.id = :address_id
    AND address.user_id = :user_id;
