-- Takes back the views of NextAuth.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row.

DROP VIEW nextauth.verification_token;

DROP VIEW nextauth.sessions;

DROP VIEW nextauth.accounts;

DROP VIEW nextauth.users;

DROP SCHEMA nextauth;
