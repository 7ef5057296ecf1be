-- Files: where they lie, and which content shows them.

-- name: create_asset(organization_id, uploaded_by, filename, original_name, type, mime_type, size_bytes, s3_bucket, s3_key, url, title, description, tags)<!
-- Records a file that was uploaded to S3.
INSERT INTO promo.assets (
    organization_id,
    uploaded_by,
    filename,
    original_name,
    type,
    mime_type,
    size_bytes,
    s3_bucket,
    s3_key,
    url,
    title,
    description,
    tags
)
VALUES (
    :organization_id,
    :uploaded_by,
    :filename,
    :original_name,
    :type,
    :mime_type,
    :size_bytes,
    :s3_bucket,
    :s3_key,
    :url,
    :title,
    :description,
    coalesce(:tags::text[], '{}')
)
RETURNING
    id,
    organization_id,
    type,
    url,
    created_at;

-- name: list_assets(organization_id, type, tag, before_created_at, before_id, limit_rows)
-- An organisation's living files, newest first: all of them, or those of a type or with
-- a tag. before_created_at and before_id are those of the last row that was seen; 20
-- unless limit_rows says otherwise.
-- replica: ok
SELECT
    asset.id,
    asset.type,
    asset.filename,
    asset.mime_type,
    asset.size_bytes,
    asset.url,
    asset.title,
    asset.tags,
    asset.last_used_at,
    asset.created_at
FROM promo.assets AS asset
WHERE
    asset.organization_id = :organization_id
    AND asset.deleted_at IS NULL
    AND (asset.created_at, asset.id) < (
        coalesce(:before_created_at::timestamptz, 'infinity'::timestamptz),
        coalesce(:before_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    )
    AND (:type::promo.asset_type IS NULL OR asset.type = :type)
    AND (:tag::text IS NULL OR asset.tags @> ARRAY[:tag])
ORDER BY
    asset.created_at DESC,
    asset.id DESC
LIMIT coalesce(:limit_rows::bigint, 20);

-- name: update_asset(asset_id, title, description, tags)^
-- Changes what is given of a living file, and leaves what is NULL.
UPDATE promo.assets AS asset
SET
    title = coalesce(:title::text, asset.title),
    description = coalesce(:description::text, asset.description),
    tags = coalesce(:tags::text[], asset.tags)
WHERE
    asset.id = :asset_id
    AND asset.deleted_at IS NULL
RETURNING
    asset.id,
    asset.title,
    asset.description,
    asset.tags;

-- name: attach_asset(content_id, asset_id, position)!
-- 1 if the piece, of the same organisation, now shows the living file at the position.
WITH used AS (
    UPDATE promo.assets AS asset
    SET last_used_at = clock_timestamp()
    FROM promo.content_pieces AS piece
    WHERE
        asset.id = :asset_id
        AND asset.deleted_at IS NULL
        AND piece.id = :content_id
        AND piece.organization_id = asset.organization_id
        AND piece.deleted_at IS NULL
    RETURNING
        piece.organization_id,
        piece.id AS content_piece_id,
        asset.id AS asset_id
)
INSERT INTO promo.content_piece_assets (
    organization_id,
    content_piece_id,
    asset_id,
    position
)
SELECT
    used.organization_id,
    used.content_piece_id,
    used.asset_id,
    coalesce(:position::smallint, 0)
FROM used
ON CONFLICT (content_piece_id, asset_id) DO UPDATE
SET position = EXCLUDED.position;

-- name: detach_asset(content_id, asset_id)!
-- 1 if the piece showed the file, and no longer does.
DELETE FROM promo.content_piece_assets AS shown
WHERE
    shown.content_piece_id = :content_id
    AND shown.asset_id = :asset_id;

-- name: soft_delete_asset(asset_id)!
-- 1 if the file was alive and no living content shows it; it is deleted now.
UPDATE promo.assets AS asset
SET deleted_at = clock_timestamp()
WHERE
    asset.id = :asset_id
    AND asset.deleted_at IS NULL
    AND NOT EXISTS (
        SELECT
        FROM promo.content_piece_assets AS shown
        INNER JOIN promo.content_pieces AS piece
            ON piece.id = shown.content_piece_id
        WHERE
            shown.asset_id = asset.id
            AND piece.deleted_at IS NULL
    );

-- name: restore_asset(asset_id)!
-- 1 if the file was deleted, and is back.
UPDATE promo.assets AS asset
SET deleted_at = NULL
WHERE
    asset.id = :asset_id
    AND asset.deleted_at IS NOT NULL;
