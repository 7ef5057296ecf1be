-- Takes back the users, and what belongs to them alone.
--
-- Lock: ACCESS EXCLUSIVE on the five tables. Rewrites: none.
-- Loses: every user, login, session and address.

DROP TABLE shop.addresses;

DROP TABLE shop.verification_tokens;

DROP TABLE shop.sessions;

DROP TABLE shop.accounts;

DROP TABLE shop.users;
