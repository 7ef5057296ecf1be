-- Takes back the accounts.
--
-- Lock: ACCESS EXCLUSIVE on promo.social_accounts and promo.organizations.
-- Rewrites: none. Loses: every account with its tokens.

DROP TRIGGER organizations_delete_social_accounts ON promo.organizations;

DROP TABLE promo.social_accounts;
