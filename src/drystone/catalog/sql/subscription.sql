-- Subscriptions, without what they connect to: only a superuser may read that, and it
-- may hold a password. So the row cannot be read as a whole, and subfailover, which
-- PostgreSQL 16 lacks, is looked for in the table first and around the query then.
SELECT
    quote_ident(subscription.subname) AS name,
    jsonb_strip_nulls(jsonb_build_object(
        'enabled', subscription.subenabled,
        'publications', (
            SELECT jsonb_agg(publication.name ORDER BY publication.name COLLATE "C")
            FROM unnest(subscription.subpublications) AS publication (name)
        ),
        'options', jsonb_build_object(
            'slot_name', subscription.subslotname,
            'binary', subscription.subbinary,
            'streaming', CASE subscription.substream
                WHEN 'f' THEN 'off'
                WHEN 't' THEN 'on'
                ELSE 'parallel'
            END,
            'synchronous_commit', subscription.subsynccommit,
            'two_phase', subscription.subtwophasestate <> 'd',
            'disable_on_error', subscription.subdisableonerr,
            'password_required', subscription.subpasswordrequired,
            'run_as_owner', subscription.subrunasowner,
            'origin', subscription.suborigin,
            'failover', (
                SELECT subfailover
                FROM pg_catalog.pg_subscription AS same
                WHERE same.oid = subscription.oid
            )
        ),
        'owner', NULLIF(subscription.subowner, here.owner)::regrole
    )) AS properties
FROM pg_catalog.pg_subscription AS subscription
INNER JOIN here
    ON here.oid = subscription.subdbid
CROSS JOIN (
    VALUES (NULL::boolean)
) AS older (subfailover)
