-- Takes back the analytics.
--
-- Lock: ACCESS EXCLUSIVE on both tables and those they refer to. Rewrites: none.
-- Loses: all figures and all summaries.

DROP TABLE promo.weekly_summaries;

DROP TABLE promo.analytics;
