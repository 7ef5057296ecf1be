-- depends: dining-0007-create-search-indexes
--
-- How mentions become scores from 0 to 100: one definition for each, used by
-- sql/dining/scores.sql. What is said fades with a time constant of 60 days; what is
-- said much counts ever less. A restaurant's context is the mean strength of its
-- connections, not their scores, so that no score depends on itself.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the functions; stored scores stay.

CREATE FUNCTION dining.freshness(posted_at timestamptz, as_of timestamptz)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN exp(-extract(epoch FROM as_of - posted_at)::double precision / (60 * 86400));

COMMENT ON FUNCTION dining.freshness(timestamptz, timestamptz) IS
    'What is left of a mention''s weight: e to the power of -days / 60.';

CREATE FUNCTION dining.strength(
    mentions double precision,
    upvotes double precision,
    threads double precision
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN
    40 * mentions / (mentions + 5)
    + 40 * upvotes / (upvotes + 50)
    + 20 * threads / (threads + 3);

COMMENT ON FUNCTION dining.strength(
    double precision, double precision, double precision
) IS
    'How much is said of a connection: 40 for mentions, 40 for upvotes, both faded with '
    'age, and 20 for different threads. Half of each is reached at 5 mentions, 50 '
    'upvotes, 3 threads.';

CREATE FUNCTION dining.dish_score(
    strength double precision,
    context double precision
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN 0.88 * strength + 0.12 * context;

COMMENT ON FUNCTION dining.dish_score(double precision, double precision) IS
    'Its own strength, and a little of the mean strength at its restaurant.';

CREATE FUNCTION dining.restaurant_score(
    best double precision,
    overall double precision
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN 0.8 * best + 0.2 * overall;

COMMENT ON FUNCTION dining.restaurant_score(double precision, double precision) IS
    'The mean score of its five best dishes, and a little of the mean of all.';
