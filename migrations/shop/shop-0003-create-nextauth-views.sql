-- depends: shop-0002-create-users
--
-- The tables of NextAuth by the names that its adapter for PostgreSQL uses, as views that
-- can be written through: connect it with search_path = nextauth. What a view leaves out
-- gets its default; users that are deleted cannot be seen.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the views; the tables below them keep every row.

CREATE SCHEMA nextauth;

COMMENT ON SCHEMA nextauth IS
    'The users, accounts and sessions of the shop as NextAuth wants to see them.';

CREATE VIEW nextauth.users AS
SELECT
    account_holder.id,
    account_holder.name,
    account_holder.email,
    account_holder.email_verified AS "emailVerified",
    account_holder.image
FROM shop.users AS account_holder
WHERE account_holder.deleted_at IS NULL;

COMMENT ON VIEW nextauth.users IS
    'shop.users without the deleted ones.';

CREATE VIEW nextauth.accounts AS
SELECT
    account.id,
    account.user_id AS "userId",
    account.type,
    account.provider,
    account.provider_account_id AS "providerAccountId",
    account.refresh_token,
    account.access_token,
    account.expires_at,
    account.id_token,
    account.scope,
    account.session_state,
    account.token_type
FROM shop.accounts AS account;

COMMENT ON VIEW nextauth.accounts IS
    'shop.accounts.';

CREATE VIEW nextauth.sessions AS
SELECT
    session.id,
    session.user_id AS "userId",
    session.expires,
    session.session_token AS "sessionToken"
FROM shop.sessions AS session;

COMMENT ON VIEW nextauth.sessions IS
    'shop.sessions.';

CREATE VIEW nextauth.verification_token AS
SELECT
    link.identifier,
    link.token,
    link.expires
FROM shop.verification_tokens AS link;

COMMENT ON VIEW nextauth.verification_token IS
    'shop.verification_tokens.';
