-- Takes back the plans.
--
-- Lock: ACCESS EXCLUSIVE on promo.plans. Rewrites: none.
-- Loses: plans that were added, and changes to the five that came with the migration.

DROP TABLE promo.plans;
