-- Takes back subscriptions and usage.
--
-- Lock: ACCESS EXCLUSIVE on both tables, promo.users and promo.plans. Rewrites: none.
-- Loses: every subscription, and what was used.

DROP TABLE promo.usage;

DROP TABLE promo.subscriptions;

DROP FUNCTION promo.set_plan();
