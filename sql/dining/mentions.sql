-- The evidence, and how much of it there is.

-- name: evidence(connection_id, as_of, limit_rows)
-- What people say of a connection: the mentions with most upvotes first, each faded with
-- its age. as_of, the moment that ages are counted from, may be NULL for now.
SELECT
    mention.source,
    mention.source_id,
    mention.url,
    mention.subreddit,
    mention.author,
    mention.excerpt,
    mention.upvotes,
    mention.posted_at,
    mention.upvotes * weight.freshness AS score
FROM dining.mentions AS mention
CROSS JOIN dining.freshness(
    mention.posted_at,
    coalesce(:as_of::timestamptz, now())
) AS weight (freshness)
WHERE
    mention.connection_id = :connection_id
    AND weight.freshness <= 1
ORDER BY
    score DESC,
    mention.posted_at DESC,
    mention.source,
    mention.source_id
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: mention_stats(subreddit, posted_from, posted_to, bucket)
-- Mentions and upvotes over time, in UTC, from posted_from up to posted_to; bucket is
-- hour, day, week, month or year, and empty ones are there too. subreddit may be NULL.
SELECT
    slot.start AS bucket_start,
    count(mention.source) AS mentions,
    count(DISTINCT mention.thread_id) AS threads,
    coalesce(sum(mention.upvotes), 0)::bigint AS upvotes
FROM generate_series(
    date_trunc(:bucket::text, :posted_from::timestamptz, 'UTC'),
    :posted_to::timestamptz - INTERVAL '1 microsecond',
    ('1 ' || :bucket::text)::interval,
    'UTC'
) AS slot (start)
LEFT JOIN dining.mentions AS mention
    ON date_trunc(:bucket::text, mention.posted_at, 'UTC') = slot.start
    AND mention.posted_at >= :posted_from::timestamptz
    AND mention.posted_at < :posted_to::timestamptz
    AND (:subreddit::text IS NULL OR lower(mention.subreddit) = lower(:subreddit::text))
GROUP BY slot.start
ORDER BY slot.start;

-- name: integrity_report()
-- How many rows break each rule: of kind reference none ever should, of kind figure none
-- after flows.recompute.
SELECT
    integrity.kind,
    integrity.rule,
    integrity.violations
FROM dining.integrity
ORDER BY
    integrity.kind,
    integrity.rule;
