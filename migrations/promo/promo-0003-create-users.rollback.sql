-- Takes back the users.
--
-- Lock: ACCESS EXCLUSIVE on promo.users and promo.plans. Rewrites: none.
-- Loses: every user.

DROP TABLE promo.users;
