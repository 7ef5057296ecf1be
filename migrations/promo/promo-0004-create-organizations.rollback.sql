-- Takes back the organisations.
--
-- Lock: ACCESS EXCLUSIVE on the three tables and promo.users. Rewrites: none.
-- Loses: every organisation, its founders and its brand rules.

DROP FUNCTION promo.brand_violations(uuid, text, text[]);

DROP TABLE promo.brand_rules;

DROP TABLE promo.founders;

DROP FUNCTION promo.organizations_left(uuid);

DROP TRIGGER users_delete_organizations ON promo.users;

DROP TABLE promo.organizations;
