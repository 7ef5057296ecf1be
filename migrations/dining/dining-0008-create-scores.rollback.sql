-- Takes back the definition of the scores.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row; stored scores stay.

DROP FUNCTION dining.restaurant_score(double precision, double precision);

DROP FUNCTION dining.dish_score(double precision, double precision);

DROP FUNCTION dining.strength(double precision, double precision, double precision);

DROP FUNCTION dining.freshness(timestamptz, timestamptz);
