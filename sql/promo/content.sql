-- Content: its pillars and series, and the pieces from draft to archive.

-- name: create_pillar(organization_id, name, description, color, emoji, sort_order)<!
-- Creates a pillar; a name that the organisation has already is refused.
INSERT INTO promo.content_pillars (
    organization_id,
    name,
    description,
    color,
    emoji,
    sort_order
)
VALUES (
    :organization_id,
    :name,
    :description,
    :color,
    :emoji,
    coalesce(:sort_order::integer, 0)
)
RETURNING
    id,
    organization_id,
    name;

-- name: list_pillars(organization_id)
-- An organisation's active pillars in their order, with how many pieces each has.
-- replica: ok
SELECT
    pillar.id,
    pillar.name,
    pillar.description,
    pillar.color,
    pillar.emoji,
    pillar.sort_order,
    content.pieces
FROM promo.content_pillars AS pillar
CROSS JOIN LATERAL (
    SELECT count(*) AS pieces
    FROM promo.content_pieces AS piece
    WHERE
        piece.pillar_id = pillar.id
        AND piece.deleted_at IS NULL
) AS content
WHERE
    pillar.organization_id = :organization_id
    AND pillar.is_active
ORDER BY
    pillar.sort_order,
    pillar.name;

-- name: update_pillar(pillar_id, name, description, color, emoji, sort_order, is_active)^
-- Changes what is given of a pillar, and leaves what is NULL.
UPDATE promo.content_pillars AS pillar
SET
    name = coalesce(:name::text, pillar.name),
    description = coalesce(:description::text, pillar.description),
    color = coalesce(:color::text, pillar.color),
    emoji = coalesce(:emoji::text, pillar.emoji),
    sort_order = coalesce(:sort_order::integer, pillar.sort_order),
    is_active = coalesce(:is_active::boolean, pillar.is_active)
WHERE pillar.id = :pillar_id
RETURNING
    pillar.id,
    pillar.name,
    pillar.sort_order,
    pillar.is_active;

-- name: delete_pillar(pillar_id)!
-- 1 if there was such a pillar; its series and pieces stay, without one.
DELETE FROM promo.content_pillars AS pillar
WHERE pillar.id = :pillar_id;

-- name: create_series(organization_id, pillar_id, name, description, platform, cadence, total_posts, start_date, end_date)<!
-- Creates a series of as many pieces as total_posts says.
INSERT INTO promo.series (
    organization_id,
    pillar_id,
    name,
    description,
    platform,
    cadence,
    total_posts,
    start_date,
    end_date
)
VALUES (
    :organization_id,
    :pillar_id,
    :name,
    :description,
    :platform,
    :cadence,
    :total_posts,
    :start_date,
    :end_date
)
RETURNING
    id,
    organization_id,
    name,
    status;

-- name: list_series(organization_id, status)
-- An organisation's series by name: all of them, or those of a status.
-- replica: ok
SELECT
    series.id,
    series.pillar_id,
    series.name,
    series.platform,
    series.cadence,
    series.total_posts,
    series.published_posts,
    series.status,
    series.start_date,
    series.end_date
FROM promo.series AS series
WHERE
    series.organization_id = :organization_id
    AND (:status::promo.series_status IS NULL OR series.status = :status)
ORDER BY
    series.name,
    series.id;

-- name: update_series(series_id, name, description, cadence, total_posts, status, start_date, end_date)^
-- Changes what is given of a series, and leaves what is NULL.
UPDATE promo.series AS series
SET
    name = coalesce(:name::text, series.name),
    description = coalesce(:description::text, series.description),
    cadence = coalesce(:cadence::text, series.cadence),
    total_posts = coalesce(:total_posts::integer, series.total_posts),
    status = coalesce(:status::promo.series_status, series.status),
    start_date = coalesce(:start_date::date, series.start_date),
    end_date = coalesce(:end_date::date, series.end_date)
WHERE series.id = :series_id
RETURNING
    series.id,
    series.name,
    series.total_posts,
    series.published_posts,
    series.status;

-- name: delete_series(series_id)!
-- 1 if there was such a series; its pieces stay, without one.
DELETE FROM promo.series AS series
WHERE series.id = :series_id;

-- name: bulk_create_content(organization_id, pieces)
-- The drafts that were written down of an array of objects, whose keys are the columns;
-- those that a unique key refuses, such as a number that its series has already, are
-- passed by.
INSERT INTO promo.content_pieces (
    organization_id,
    pillar_id,
    series_id,
    strategy_id,
    sequence_no,
    platform,
    type,
    title,
    body,
    hashtags,
    mentions,
    cta,
    hook,
    media_refs,
    rationale,
    confidence,
    generated_by,
    expires_at
)
SELECT
    :organization_id::uuid,
    piece.pillar_id,
    piece.series_id,
    piece.strategy_id,
    piece.sequence_no,
    piece.platform,
    coalesce(piece.type, 'POST'),
    piece.title,
    piece.body,
    coalesce(piece.hashtags, '{}'),
    coalesce(piece.mentions, '{}'),
    piece.cta,
    piece.hook,
    nullif(piece.media_refs, 'null'),
    piece.rationale,
    piece.confidence,
    piece.generated_by,
    piece.expires_at
FROM jsonb_to_recordset(:pieces::jsonb) AS piece (
    pillar_id uuid,
    series_id uuid,
    strategy_id uuid,
    sequence_no integer,
    platform promo.platform,
    type promo.content_type,
    title text,
    body text,
    hashtags text[],
    mentions text[],
    cta text,
    hook text,
    media_refs jsonb,
    rationale text,
    confidence double precision,
    generated_by text,
    expires_at timestamptz
)
ON CONFLICT DO NOTHING
RETURNING
    id,
    platform,
    type,
    series_id,
    sequence_no;

-- name: get_content(content_id)^
-- A living piece of content with its files and its posts, in their order.
-- replica: ok
SELECT
    piece.id,
    piece.organization_id,
    piece.pillar_id,
    piece.series_id,
    piece.strategy_id,
    piece.sequence_no,
    piece.platform,
    piece.status,
    piece.type,
    piece.title,
    piece.body,
    piece.hashtags,
    piece.mentions,
    piece.cta,
    piece.hook,
    piece.media_refs,
    piece.rationale,
    piece.confidence,
    piece.generated_by,
    piece.scheduled_at,
    piece.published_at,
    piece.expires_at,
    piece.created_at,
    piece.updated_at,
    asset.id AS "assets[].id",
    asset.type AS "assets[].type",
    asset.url AS "assets[].url",
    post.id AS "posts[].id",
    post.social_account_id AS "posts[].social_account_id",
    post.status AS "posts[].status",
    post.scheduled_at AS "posts[].scheduled_at",
    post.platform_url AS "posts[].platform_url",
    post.error_message AS "posts[].error_message"
FROM promo.content_pieces AS piece
LEFT JOIN promo.content_piece_assets AS shown
    ON shown.content_piece_id = piece.id
LEFT JOIN promo.assets AS asset
    ON asset.id = shown.asset_id
    AND asset.deleted_at IS NULL
LEFT JOIN promo.scheduled_posts AS post
    ON post.content_piece_id = piece.id
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NULL
ORDER BY
    shown.position,
    asset.id,
    post.scheduled_at,
    post.id;

-- name: list_content(organization_id, status, platform, type, series_id, pillar_id, hashtag, q, before_created_at, before_id, limit_rows)
-- An organisation's living content, newest first: all of it, or that of a status, a
-- platform, a type, a series, a pillar, with a hashtag, or with all words of a web-style
-- search. before_created_at and before_id are those of the last row that was seen; 20
-- unless limit_rows says otherwise.
-- replica: ok
SELECT
    piece.id,
    piece.platform,
    piece.status,
    piece.type,
    piece.title,
    left(piece.body, 280) AS excerpt,
    piece.hashtags,
    piece.series_id,
    piece.sequence_no,
    piece.pillar_id,
    piece.scheduled_at,
    piece.published_at,
    piece.created_at
FROM promo.content_pieces AS piece
WHERE
    piece.organization_id = :organization_id
    AND piece.deleted_at IS NULL
    AND (piece.created_at, piece.id) < (
        coalesce(:before_created_at::timestamptz, 'infinity'::timestamptz),
        coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    )
    AND (:status::promo.content_status IS NULL OR piece.status = :status)
    AND (:platform::promo.platform IS NULL OR piece.platform = :platform)
    AND (:type::promo.content_type IS NULL OR piece.type = :type)
    -- No index serves these two: that of the organisation has the order, too.
    AND (:series_id::uuid IS NULL OR piece.series_id IS NOT DISTINCT FROM :series_id)
    AND (:pillar_id::uuid IS NULL OR piece.pillar_id IS NOT DISTINCT FROM :pillar_id)
    AND (:hashtag::text IS NULL OR piece.hashtags @> ARRAY[:hashtag])
    AND (
        :q::text IS NULL
        OR piece.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    )
ORDER BY
    piece.created_at DESC,
    piece.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: count_content(organization_id, status, platform, type, series_id, pillar_id, hashtag, q)$
-- How many pieces list_content has in all its pages.
-- replica: ok
SELECT count(*) AS pieces
FROM promo.content_pieces AS piece
WHERE
    piece.organization_id = :organization_id
    AND piece.deleted_at IS NULL
    AND (:status::promo.content_status IS NULL OR piece.status = :status)
    AND (:platform::promo.platform IS NULL OR piece.platform = :platform)
    AND (:type::promo.content_type IS NULL OR piece.type = :type)
    AND (:series_id::uuid IS NULL OR piece.series_id = :series_id)
    AND (:pillar_id::uuid IS NULL OR piece.pillar_id = :pillar_id)
    AND (:hashtag::text IS NULL OR piece.hashtags @> ARRAY[:hashtag])
    AND (
        :q::text IS NULL
        OR piece.fts @@ websearch_to_tsquery('pg_catalog.english', :q)
    );

-- name: search_content(organization_id, q, limit_rows)
-- An organisation's living content that has all words of a web-style search, best first,
-- with the words marked; 10 unless limit_rows says otherwise.
-- replica: ok
WITH search AS (
    SELECT websearch_to_tsquery('pg_catalog.english', :q::text) AS query
),
hit AS (
    SELECT
        piece.id,
        piece.platform,
        piece.status,
        piece.title,
        piece.body,
        search.query,
        ts_rank_cd(piece.fts, search.query) AS rank
    FROM search
    INNER JOIN promo.content_pieces AS piece
        ON piece.fts @@ search.query
        AND piece.deleted_at IS NULL
    WHERE piece.organization_id = :organization_id
    ORDER BY
        rank DESC,
        piece.id
    LIMIT coalesce(:limit_rows::bigint, 10)
)
SELECT
    hit.id,
    hit.platform,
    hit.status,
    hit.title,
    hit.rank,
    ts_headline(
        'pg_catalog.english',
        hit.body,
        hit.query,
        'StartSel=<mark>, StopSel=</mark>, MaxFragments=2, MaxWords=30, MinWords=10'
    ) AS headline
FROM hit
ORDER BY
    hit.rank DESC,
    hit.id;

-- name: similar_content(content_id, limit_rows)
-- The living content of the same organisation that is nearest in meaning to a piece,
-- without itself; 10 unless limit_rows says otherwise.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        piece.id,
        piece.platform,
        piece.status,
        piece.title,
        piece.embedding <=> (
            SELECT origin.embedding
            FROM promo.content_pieces AS origin
            WHERE origin.id = :content_id
        ) AS distance
    FROM promo.content_pieces AS piece
    WHERE
        piece.deleted_at IS NULL
        AND piece.organization_id = (
            SELECT origin.organization_id
            FROM promo.content_pieces AS origin
            WHERE origin.id = :content_id
        )
    ORDER BY piece.embedding <=> (
        SELECT origin.embedding
        FROM promo.content_pieces AS origin
        WHERE origin.id = :content_id
    )
    LIMIT coalesce(:limit_rows::bigint, 10) + 1
)
SELECT
    nearest.id,
    nearest.platform,
    nearest.status,
    nearest.title,
    1 - nearest.distance AS similarity
FROM nearest
WHERE
    nearest.distance IS NOT NULL
    AND nearest.id <> :content_id
ORDER BY
    nearest.distance,
    nearest.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: update_content(content_id, pillar_id, title, body, hashtags, mentions, cta, hook, media_refs, embedding)^
-- Changes what is given of a living piece that is not on its way, and leaves what is
-- NULL. What was approved was another text: it is a draft again.
UPDATE promo.content_pieces AS piece
SET
    pillar_id = coalesce(:pillar_id::uuid, piece.pillar_id),
    title = coalesce(:title::text, piece.title),
    body = coalesce(:body::text, piece.body),
    hashtags = coalesce(:hashtags::text[], piece.hashtags),
    mentions = coalesce(:mentions::text[], piece.mentions),
    cta = coalesce(:cta::text, piece.cta),
    hook = coalesce(:hook::text, piece.hook),
    media_refs = coalesce(:media_refs::jsonb, piece.media_refs),
    embedding = coalesce(:embedding::public.vector, piece.embedding),
    status = CASE
        WHEN piece.status IN ('APPROVED', 'FAILED') THEN 'DRAFT'
        ELSE piece.status
    END
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NULL
    AND piece.status IN ('DRAFT', 'PENDING_REVIEW', 'APPROVED', 'FAILED')
RETURNING
    piece.id,
    piece.status,
    piece.title,
    piece.body,
    piece.hashtags,
    piece.updated_at;

-- name: submit_content(content_ids)
-- The drafts that are handed in for review by this.
UPDATE promo.content_pieces AS piece
SET status = 'PENDING_REVIEW'
WHERE
    piece.id = ANY (:content_ids::uuid[])
    AND piece.deleted_at IS NULL
    AND piece.status = 'DRAFT'
RETURNING piece.id;

-- name: approve_content(content_ids)
-- The pieces that are approved by this, whatever the brand rules say.
UPDATE promo.content_pieces AS piece
SET status = 'APPROVED'
WHERE
    piece.id = ANY (:content_ids::uuid[])
    AND piece.deleted_at IS NULL
    AND piece.status IN ('DRAFT', 'PENDING_REVIEW')
RETURNING piece.id;

-- name: auto_approve_content(organization_id, limit_rows)
-- The pieces that wait for review and are approved by this: what breaks no brand rule,
-- if the mode is AUTO, or CONDITIONAL and the conditions are fulfilled; oldest first,
-- 100 unless limit_rows says otherwise.
WITH chosen AS MATERIALIZED (
    SELECT piece.id
    FROM promo.content_pieces AS piece
    INNER JOIN promo.brand_rules AS rules
        ON rules.organization_id = piece.organization_id
    WHERE
        piece.organization_id = :organization_id
        AND piece.deleted_at IS NULL
        AND piece.status = 'PENDING_REVIEW'
        AND CASE rules.approval_mode
            WHEN 'AUTO' THEN true
            WHEN 'CONDITIONAL'
                THEN coalesce(
                        piece.confidence
                            >= (rules.auto_approval_rules ->> 'min_confidence')
                                ::double precision,
                        NOT rules.auto_approval_rules ? 'min_confidence'
                    )
                    AND coalesce(
                        rules.auto_approval_rules -> 'platforms'
                            @> to_jsonb(piece.platform),
                        true
                    )
                    AND coalesce(
                        rules.auto_approval_rules -> 'types' @> to_jsonb(piece.type),
                        true
                    )
            ELSE false
        END
        AND NOT EXISTS (
            SELECT
            FROM promo.brand_violations(
                piece.organization_id,
                concat_ws(' ', piece.title, piece.hook, piece.body, piece.cta),
                piece.hashtags
            )
        )
    ORDER BY
        piece.created_at,
        piece.id
    LIMIT coalesce(:limit_rows::bigint, 100)
    FOR NO KEY UPDATE OF piece SKIP LOCKED
)
UPDATE promo.content_pieces AS piece
SET status = 'APPROVED'
FROM chosen
WHERE piece.id = chosen.id
RETURNING piece.id;

-- name: return_content(content_id)!
-- 1 if the piece was handed in, approved, failed or archived, and is a draft again.
UPDATE promo.content_pieces AS piece
SET status = 'DRAFT'
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NULL
    AND piece.status IN ('PENDING_REVIEW', 'APPROVED', 'FAILED', 'ARCHIVED');

-- name: archive_content(content_id)!
-- 1 if the piece is not on its way to be published, and is archived now.
UPDATE promo.content_pieces AS piece
SET status = 'ARCHIVED'
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NULL
    AND piece.status NOT IN ('SCHEDULED', 'ARCHIVED')
    AND NOT EXISTS (
        SELECT
        FROM promo.scheduled_posts AS post
        WHERE
            post.content_piece_id = piece.id
            AND post.status IN ('SCHEDULED', 'PUBLISHING', 'RETRYING')
    );

-- name: soft_delete_content(content_id)!
-- 1 if the piece was alive, and is now deleted; its posts that were yet to come are
-- cancelled.
UPDATE promo.content_pieces AS piece
SET deleted_at = clock_timestamp()
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NULL;

-- name: restore_content(content_id)!
-- 1 if the piece was deleted, and is back; refused while its organisation is deleted, or
-- if the same text is published by now.
UPDATE promo.content_pieces AS piece
SET deleted_at = NULL
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NOT NULL;
