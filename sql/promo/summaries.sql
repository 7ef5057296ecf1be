-- What the coach reports of each week.

-- name: build_weekly_summary(organization_id, week_start)^
-- Builds the report of a week that begins on a Monday, UTC, or builds it anew from the
-- figures there are by now; no row if it was accepted, which it then stays.
WITH week AS (
    SELECT
        :week_start::date AS monday,
        (:week_start::date::timestamp AT TIME ZONE 'UTC') AS begins,
        ((:week_start::date + 7)::timestamp AT TIME ZONE 'UTC') AS ends
),
posted AS (
    SELECT count(*)::integer AS posts
    FROM week
    INNER JOIN promo.scheduled_posts AS post
        ON post.organization_id = :organization_id
        AND post.status = 'PUBLISHED'
        AND post.published_at >= week.begins
        AND post.published_at < week.ends
),
figures AS (
    SELECT
        coalesce(sum(figure.impressions), 0)::bigint AS impressions,
        coalesce(
            sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves),
            0
        )::bigint AS engagements,
        coalesce(sum(figure.followers_delta), 0)::bigint AS followers,
        sum(figure.likes::bigint + figure.comments + figure.shares + figure.saves)
            ::double precision
            / nullif(sum(figure.impressions), 0)::double precision AS rate
    FROM week
    INNER JOIN promo.analytics AS figure
        ON figure.organization_id = :organization_id
        AND figure.period_start >= week.begins
        AND figure.period_start < week.ends
),
top AS (
    SELECT
        figure.content_piece_id,
        sum(
            figure.likes::bigint + figure.comments + figure.shares + figure.saves
        )::bigint AS engagements
    FROM week
    INNER JOIN promo.analytics AS figure
        ON figure.organization_id = :organization_id
        AND figure.period_start >= week.begins
        AND figure.period_start < week.ends
        AND figure.content_piece_id IS NOT NULL
    GROUP BY figure.content_piece_id
    ORDER BY
        engagements DESC,
        figure.content_piece_id
    LIMIT 1
),
report AS (
    SELECT
        week.monday,
        posted.posts,
        figures.impressions,
        figures.engagements,
        figures.followers,
        figures.rate,
        top.content_piece_id,
        coalesce(piece.title, left(piece.body, 60)) AS top_name,
        piece.type AS top_type
    FROM week
    CROSS JOIN posted
    CROSS JOIN figures
    LEFT JOIN top
        ON true
    LEFT JOIN promo.content_pieces AS piece
        ON piece.id = top.content_piece_id
)
INSERT INTO promo.weekly_summaries AS summary (
    organization_id,
    week_start,
    report_md,
    recommendations,
    key_insights,
    total_posts,
    avg_engagement,
    top_content_piece_id
)
SELECT
    :organization_id::uuid,
    report.monday,
    format(
        E'# Week of %s\n\n%s posts, %s impressions, %s engagements, %s followers.\n',
        report.monday,
        report.posts,
        report.impressions,
        report.engagements,
        to_char(report.followers, 'SG999999990')
    )
        || coalesce(E'\nBest: ' || report.top_name || E'\n', ''),
    to_jsonb(
        array_remove(
            ARRAY[
                CASE
                    WHEN report.posts < 3 THEN 'Publish at least three times a week.'
                END,
                'More of what went best: ' || report.top_type::text,
                CASE WHEN report.followers < 0 THEN 'Ask why followers leave.' END
            ],
            NULL
        )
    ),
    jsonb_build_object(
        'impressions', report.impressions,
        'engagements', report.engagements,
        'follower_growth', report.followers
    ),
    report.posts,
    report.rate,
    report.content_piece_id
FROM report
ON CONFLICT (organization_id, week_start) DO UPDATE
SET
    report_md = EXCLUDED.report_md,
    recommendations = EXCLUDED.recommendations,
    key_insights = EXCLUDED.key_insights,
    total_posts = EXCLUDED.total_posts,
    avg_engagement = EXCLUDED.avg_engagement,
    top_content_piece_id = EXCLUDED.top_content_piece_id
WHERE summary.accepted_at IS NULL
RETURNING
    summary.id,
    summary.week_start,
    summary.report_md,
    summary.recommendations,
    summary.key_insights,
    summary.total_posts,
    summary.avg_engagement,
    summary.top_content_piece_id;

-- name: list_summaries(organization_id, limit_rows)
-- An organisation's reports, latest first; 10 unless limit_rows says otherwise.
-- replica: ok
SELECT
    summary.id,
    summary.week_start,
    summary.report_md,
    summary.recommendations,
    summary.key_insights,
    summary.total_posts,
    summary.avg_engagement,
    summary.top_content_piece_id,
    summary.resulting_strategy_id,
    summary.accepted_at
FROM promo.weekly_summaries AS summary
WHERE summary.organization_id = :organization_id
ORDER BY summary.week_start DESC
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: accept_summary(summary_id, strategy_id)!
-- 1 if the report's recommendations are accepted by this, with the strategy that they
-- led to, if any; the strategy must be the organisation's own.
UPDATE promo.weekly_summaries AS summary
SET
    accepted_at = clock_timestamp(),
    resulting_strategy_id = :strategy_id
WHERE
    summary.id = :summary_id
    AND summary.accepted_at IS NULL;

-- name: organizations_to_summarize(week_start, limit_rows)
-- The living organisations that have no report of a week yet; 100 unless limit_rows says
-- otherwise.
SELECT organization.id
FROM promo.organizations AS organization
WHERE
    organization.deleted_at IS NULL
    AND NOT EXISTS (
        SELECT
        FROM promo.weekly_summaries AS summary
        WHERE
            summary.organization_id = organization.id
            AND summary.week_start = :week_start
    )
ORDER BY organization.id
LIMIT coalesce(:limit_rows::bigint, 100);
