-- Drops the functions of monitoring.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Loses: no data.

DROP FUNCTION core.connection_warnings(bigint, bigint, bigint, bigint);

DROP FUNCTION core.slow_queries(double precision, bigint);
