-- Takes back the quality score's definition.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row; stored scores stay.

DROP FUNCTION events.quality_score(
    text, date, text, boolean, bigint, bigint, bigint
);
