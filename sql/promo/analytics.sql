-- How content did: collected once however often, and shown in dashboards.
--
-- Periods include their beginning and not their end. A plan shows analytics only so many
-- days back: analytics_since tells from when on.

-- name: upsert_analytics(organization_id, figures)!
-- How many rows of an array of objects, whose keys are the columns, were stored; figures
-- of the same post, account, metric and period replace those from before.
INSERT INTO promo.analytics (
    organization_id,
    content_piece_id,
    scheduled_post_id,
    social_account_id,
    platform,
    metric_type,
    impressions,
    likes,
    comments,
    shares,
    saves,
    clicks,
    reach,
    followers_delta,
    website_clicks,
    signups,
    demos,
    period_start,
    period_end
)
SELECT
    :organization_id::uuid,
    figure.content_piece_id,
    figure.scheduled_post_id,
    figure.social_account_id,
    figure.platform,
    figure.metric_type,
    coalesce(figure.impressions, 0),
    coalesce(figure.likes, 0),
    coalesce(figure.comments, 0),
    coalesce(figure.shares, 0),
    coalesce(figure.saves, 0),
    coalesce(figure.clicks, 0),
    coalesce(figure.reach, 0),
    coalesce(figure.followers_delta, 0),
    coalesce(figure.website_clicks, 0),
    coalesce(figure.signups, 0),
    coalesce(figure.demos, 0),
    figure.period_start,
    figure.period_end
FROM jsonb_to_recordset(:figures::jsonb) AS figure (
    content_piece_id uuid,
    scheduled_post_id uuid,
    social_account_id uuid,
    platform promo.platform,
    metric_type promo.metric_type,
    impressions bigint,
    likes integer,
    comments integer,
    shares integer,
    saves integer,
    clicks integer,
    reach bigint,
    followers_delta integer,
    website_clicks integer,
    signups integer,
    demos integer,
    period_start timestamptz,
    period_end timestamptz
)
ON CONFLICT ON CONSTRAINT analytics_subject_period_start_key DO UPDATE
SET
    content_piece_id = EXCLUDED.content_piece_id,
    platform = EXCLUDED.platform,
    impressions = EXCLUDED.impressions,
    likes = EXCLUDED.likes,
    comments = EXCLUDED.comments,
    shares = EXCLUDED.shares,
    saves = EXCLUDED.saves,
    clicks = EXCLUDED.clicks,
    reach = EXCLUDED.reach,
    followers_delta = EXCLUDED.followers_delta,
    website_clicks = EXCLUDED.website_clicks,
    signups = EXCLUDED.signups,
    demos = EXCLUDED.demos,
    period_end = EXCLUDED.period_end,
    collected_at = now();

-- name: posts_to_collect(published_from, collected_before, limit_rows)
-- The posts that were published since a time and whose figures are older than another,
-- or not there yet; 100 unless limit_rows says otherwise.
SELECT
    post.id,
    post.organization_id,
    post.content_piece_id,
    post.social_account_id,
    post.platform_post_id,
    post.published_at
FROM promo.scheduled_posts AS post
WHERE
    post.status = 'PUBLISHED'
    AND post.published_at >= :published_from::timestamptz
    AND NOT EXISTS (
        SELECT
        FROM promo.analytics AS figure
        WHERE
            figure.scheduled_post_id = post.id
            AND figure.collected_at >= :collected_before::timestamptz
    )
ORDER BY
    post.published_at,
    post.id
LIMIT coalesce(:limit_rows::bigint, 100);

-- name: analytics_since(organization_id)$
-- From when on the plan of an organisation's user shows analytics.
-- replica: ok
SELECT now() - make_interval(days => plan.analytics_days) AS since
FROM promo.organizations AS organization
INNER JOIN promo.users AS owner
    ON owner.id = organization.user_id
INNER JOIN promo.plans AS plan
    ON plan.plan = owner.plan
WHERE organization.id = :organization_id;

-- name: dashboard(organization_id, period_from, period_before, platform)^
-- An organisation's figures in a period, of all platforms or of one, with the platform
-- that had most engagements; rates are of the sums, and NULL without impressions.
-- replica: ok
WITH by_platform AS (
    SELECT
        figure.platform,
        sum(figure.impressions)::bigint AS impressions,
        sum(figure.reach)::bigint AS reach,
        sum(
            figure.likes::bigint + figure.comments + figure.shares + figure.saves
        )::bigint AS engagements,
        sum(figure.clicks)::bigint AS clicks,
        sum(figure.followers_delta)::bigint AS followers,
        sum(figure.website_clicks)::bigint AS website_clicks,
        sum(figure.signups)::bigint AS signups,
        sum(figure.demos)::bigint AS demos
    FROM promo.analytics AS figure
    WHERE
        figure.organization_id = :organization_id
        AND figure.period_start >= :period_from::timestamptz
        AND figure.period_start < :period_before::timestamptz
        AND (:platform::promo.platform IS NULL OR figure.platform = :platform)
    GROUP BY figure.platform
)
SELECT
    coalesce(sum(by_platform.impressions), 0)::bigint AS impressions,
    coalesce(sum(by_platform.reach), 0)::bigint AS reach,
    coalesce(sum(by_platform.engagements), 0)::bigint AS engagements,
    coalesce(sum(by_platform.clicks), 0)::bigint AS clicks,
    coalesce(sum(by_platform.followers), 0)::bigint AS follower_growth,
    coalesce(sum(by_platform.website_clicks), 0)::bigint AS website_clicks,
    coalesce(sum(by_platform.signups), 0)::bigint AS signups,
    coalesce(sum(by_platform.demos), 0)::bigint AS demos,
    sum(by_platform.engagements)::double precision
        / nullif(sum(by_platform.impressions), 0)::double precision AS engagement_rate,
    sum(by_platform.clicks)::double precision
        / nullif(sum(by_platform.impressions), 0)::double precision AS ctr,
    (
        array_agg(
            by_platform.platform
            ORDER BY by_platform.engagements DESC, by_platform.platform
        )
    )[1] AS top_platform
FROM by_platform;

-- name: dashboard_series(organization_id, bucket, time_zone, period_from, period_to, platform)
-- An organisation's figures of each day, week or month, in a time zone, from the one of
-- period_from to the one of period_to; empty ones are there too.
-- replica: ok
SELECT
    series.start AS bucket_start,
    coalesce(sum(figure.impressions), 0)::bigint AS impressions,
    coalesce(
        sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves),
        0
    )::bigint AS engagements,
    coalesce(sum(figure.clicks), 0)::bigint AS clicks,
    coalesce(sum(figure.followers_delta), 0)::bigint AS follower_growth,
    sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)
        ::double precision
        / nullif(sum(figure.impressions), 0)::double precision AS engagement_rate
FROM generate_series(
    date_trunc(:bucket::text, :period_from::timestamptz, :time_zone::text),
    :period_to::timestamptz,
    ('1 ' || :bucket::text)::interval,
    :time_zone::text
) AS series (start)
LEFT JOIN promo.analytics AS figure
    ON figure.organization_id = :organization_id
    AND figure.period_start
        >= date_trunc(:bucket::text, :period_from::timestamptz, :time_zone::text)
    AND date_trunc(:bucket::text, figure.period_start, :time_zone::text) = series.start
    AND (:platform::promo.platform IS NULL OR figure.platform = :platform)
GROUP BY series.start
ORDER BY series.start;

-- name: top_content(organization_id, period_from, period_before, limit_rows)
-- The content of an organisation with most engagements in a period; 10 unless limit_rows
-- says otherwise.
-- replica: ok
WITH best AS (
    SELECT
        figure.content_piece_id,
        sum(figure.impressions)::bigint AS impressions,
        sum(
            figure.likes::bigint + figure.comments + figure.shares + figure.saves
        )::bigint AS engagements
    FROM promo.analytics AS figure
    WHERE
        figure.organization_id = :organization_id
        AND figure.period_start >= :period_from::timestamptz
        AND figure.period_start < :period_before::timestamptz
        AND figure.content_piece_id IS NOT NULL
    GROUP BY figure.content_piece_id
    ORDER BY
        engagements DESC,
        figure.content_piece_id
    LIMIT coalesce(:limit_rows::bigint, 10)
)
SELECT
    piece.id,
    piece.platform,
    piece.type,
    piece.title,
    best.impressions,
    best.engagements,
    best.engagements::double precision / nullif(best.impressions, 0) AS engagement_rate
FROM best
INNER JOIN promo.content_pieces AS piece
    ON piece.id = best.content_piece_id
ORDER BY
    best.engagements DESC,
    piece.id;

-- name: pillar_performance(organization_id, period_from, period_before)
-- How the content of each pillar did in a period, best rate first; content without a
-- pillar counts as one.
-- replica: ok
SELECT
    pillar.id AS pillar_id,
    pillar.name,
    count(DISTINCT piece.id) AS pieces,
    sum(figure.impressions)::bigint AS impressions,
    sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)::bigint
        AS engagements,
    sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)
        ::double precision
        / nullif(sum(figure.impressions), 0)::double precision AS engagement_rate
FROM promo.analytics AS figure
INNER JOIN promo.content_pieces AS piece
    ON piece.id = figure.content_piece_id
LEFT JOIN promo.content_pillars AS pillar
    ON pillar.id = piece.pillar_id
WHERE
    figure.organization_id = :organization_id
    AND figure.period_start >= :period_from::timestamptz
    AND figure.period_start < :period_before::timestamptz
GROUP BY pillar.id
ORDER BY
    engagement_rate DESC NULLS LAST,
    pillar.name;

-- name: content_type_performance(organization_id, period_from, period_before)
-- How each type of content did in a period, best rate first.
-- replica: ok
SELECT
    piece.type,
    count(DISTINCT piece.id) AS pieces,
    sum(figure.impressions)::bigint AS impressions,
    sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)::bigint
        AS engagements,
    sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)
        ::double precision
        / nullif(sum(figure.impressions), 0)::double precision AS engagement_rate
FROM promo.analytics AS figure
INNER JOIN promo.content_pieces AS piece
    ON piece.id = figure.content_piece_id
WHERE
    figure.organization_id = :organization_id
    AND figure.period_start >= :period_from::timestamptz
    AND figure.period_start < :period_before::timestamptz
GROUP BY piece.type
ORDER BY
    engagement_rate DESC NULLS LAST,
    piece.type;

-- name: channel_mix(organization_id, period_from, period_before)
-- Which part of an organisation's engagements in a period each platform had, and of its
-- posts that went out.
-- replica: ok
WITH engaged AS (
    SELECT
        figure.platform,
        sum(
            figure.likes::bigint + figure.comments + figure.shares + figure.saves
        )::bigint AS engagements
    FROM promo.analytics AS figure
    WHERE
        figure.organization_id = :organization_id
        AND figure.period_start >= :period_from::timestamptz
        AND figure.period_start < :period_before::timestamptz
    GROUP BY figure.platform
),
posted AS (
    SELECT
        account.platform,
        count(*) AS posts
    FROM promo.scheduled_posts AS post
    INNER JOIN promo.social_accounts AS account
        ON account.id = post.social_account_id
    WHERE
        post.organization_id = :organization_id
        AND post.status = 'PUBLISHED'
        AND post.published_at >= :period_from::timestamptz
        AND post.published_at < :period_before::timestamptz
    GROUP BY account.platform
),
channel AS (
    SELECT
        platform,
        coalesce(posted.posts, 0) AS posts,
        coalesce(engaged.engagements, 0) AS engagements
    FROM engaged
    FULL JOIN posted USING (platform)
)
SELECT
    channel.platform,
    channel.posts,
    channel.engagements,
    channel.posts::double precision
        / nullif(sum(channel.posts) OVER (), 0)::double precision AS share_of_posts,
    channel.engagements::double precision
        / nullif(sum(channel.engagements) OVER (), 0)::double precision
        AS share_of_engagements
FROM channel
ORDER BY
    channel.engagements DESC,
    channel.platform;

-- name: best_posting_times(organization_id, platform, time_zone, limit_rows)
-- The hours of the week, in a time zone, whose posts on a platform had the best
-- engagement rates, with how many posts tell so. A score is drawn to the mean of all
-- posts as if 5 more had had it; confidence is posts / (posts + 5). Days count from 1 for
-- Monday; 10 unless limit_rows says otherwise.
-- replica: ok
WITH rated AS (
    SELECT
        post.id,
        post.published_at AT TIME ZONE :time_zone::text AS local_time,
        sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)
            ::double precision
            / nullif(sum(figure.impressions), 0)::double precision AS rate
    FROM promo.scheduled_posts AS post
    INNER JOIN promo.analytics AS figure
        ON figure.scheduled_post_id = post.id
        AND figure.organization_id = post.organization_id
    WHERE
        post.organization_id = :organization_id
        AND post.status = 'PUBLISHED'
        AND figure.platform = :platform::promo.platform
    GROUP BY post.id
    HAVING sum(figure.impressions) > 0
),
overall AS (
    SELECT avg(rated.rate) AS mean
    FROM rated
)
SELECT
    extract(ISODOW FROM rated.local_time)::integer AS day_of_week,
    extract(HOUR FROM rated.local_time)::integer AS hour,
    (sum(rated.rate) + 5 * overall.mean) / (count(*) + 5) AS score,
    count(*) AS posts,
    count(*)::double precision / (count(*) + 5) AS confidence
FROM rated
CROSS JOIN overall
GROUP BY
    day_of_week,
    hour,
    overall.mean
ORDER BY
    score DESC,
    posts DESC,
    day_of_week,
    hour
LIMIT coalesce(:limit_rows::bigint, 10);
