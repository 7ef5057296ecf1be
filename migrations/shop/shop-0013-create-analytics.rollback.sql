-- Takes back the analytics.
--
-- Lock: ACCESS EXCLUSIVE on the table, its partitions and, for the foreign key,
-- shop.users. Rewrites: none. Loses: every event.

DROP FUNCTION shop.ensure_partitions(integer);

DROP TABLE shop.analytics;
