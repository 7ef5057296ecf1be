-- Takes back the integrity report.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row.

DROP VIEW dining.integrity;
