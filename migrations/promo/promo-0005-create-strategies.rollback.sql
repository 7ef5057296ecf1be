-- Takes back the strategies.
--
-- Lock: ACCESS EXCLUSIVE on promo.ai_strategies and promo.organizations.
-- Rewrites: none. Loses: every strategy.

DROP FUNCTION promo.next_strategy_version(uuid);

DROP TABLE promo.ai_strategies;

DROP FUNCTION promo.archive_other_strategies();
