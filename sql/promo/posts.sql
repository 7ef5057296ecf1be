-- The publishing queue: scheduled, claimed under a lease, published or failed.
--
-- Triggers let the content follow, and write the jobs to core.outbox.
-- drystone.systems.promo.publishing puts the statements together.

-- name: schedule_post(content_id, social_account_id, scheduled_at, idempotency_key, max_attempts)^
-- Schedules approved content by an account of the same organisation; no row if the
-- organisation has used the key before, see find_post_by_key, or if the content does not
-- exist.
INSERT INTO promo.scheduled_posts (
    organization_id,
    content_piece_id,
    social_account_id,
    scheduled_at,
    idempotency_key,
    max_attempts
)
SELECT
    piece.organization_id,
    piece.id,
    :social_account_id::uuid,
    :scheduled_at::timestamptz,
    :idempotency_key,
    coalesce(:max_attempts::smallint, queue.max_attempts)
FROM promo.content_pieces AS piece
CROSS JOIN core.queues AS queue
WHERE
    piece.id = :content_id
    AND piece.deleted_at IS NULL
    AND queue.queue = 'publishing'
ON CONFLICT (organization_id, idempotency_key) DO NOTHING
RETURNING
    id,
    organization_id,
    content_piece_id,
    social_account_id,
    scheduled_at,
    status;

-- name: find_post_by_key(content_id, idempotency_key)^
-- The post that the organisation of a piece has scheduled by a key, of this piece or of
-- another.
SELECT
    post.id,
    post.organization_id,
    post.content_piece_id,
    post.social_account_id,
    post.scheduled_at,
    post.status
FROM promo.scheduled_posts AS post
WHERE
    post.idempotency_key = :idempotency_key
    AND post.organization_id = (
        SELECT piece.organization_id
        FROM promo.content_pieces AS piece
        WHERE piece.id = :content_id
    );

-- name: lock_account(social_account_id)$
-- Locks an account until the transaction ends, so that nobody else takes its free slots.
SELECT account.id
FROM promo.social_accounts AS account
WHERE account.id = :social_account_id
FOR NO KEY UPDATE;

-- name: next_free_slot(social_account_id, from_time, gap)$
-- The first time, from one on, that is at least a gap away from every other post of the
-- account that is not cancelled or failed.
SELECT candidate.slot
FROM (
    SELECT :from_time::timestamptz AS slot
    UNION ALL
    SELECT post.scheduled_at + :gap::interval
    FROM promo.scheduled_posts AS post
    WHERE
        post.social_account_id = :social_account_id
        AND post.scheduled_at > :from_time::timestamptz - :gap::interval
        AND post.status NOT IN ('CANCELLED', 'FAILED')
) AS candidate
WHERE
    NOT EXISTS (
        SELECT
        FROM promo.scheduled_posts AS post
        WHERE
            post.social_account_id = :social_account_id
            AND post.scheduled_at > candidate.slot - :gap::interval
            AND post.scheduled_at < candidate.slot + :gap::interval
            AND post.status NOT IN ('CANCELLED', 'FAILED')
    )
ORDER BY candidate.slot
LIMIT 1;

-- name: schedule_conflicts(organization_id, social_account_id, scheduled_at, window)
-- The organisation's posts by an account that are less than a window away from a time,
-- nearest first.
SELECT
    post.id,
    post.content_piece_id,
    post.scheduled_at,
    post.status
FROM promo.scheduled_posts AS post
WHERE
    post.organization_id = :organization_id
    AND post.social_account_id = :social_account_id
    AND post.scheduled_at > :scheduled_at::timestamptz - :window::interval
    AND post.scheduled_at < :scheduled_at::timestamptz + :window::interval
    AND post.status NOT IN ('CANCELLED', 'FAILED')
ORDER BY
    abs(extract(EPOCH FROM post.scheduled_at - :scheduled_at::timestamptz)),
    post.id;

-- name: get_post(post_id)^
-- A post.
-- replica: ok
SELECT
    post.id,
    post.organization_id,
    post.content_piece_id,
    post.social_account_id,
    post.status,
    post.scheduled_at,
    post.due_at,
    post.published_at,
    post.platform_post_id,
    post.platform_url,
    post.attempt_count,
    post.max_attempts,
    post.last_attempt_at,
    post.lease_until,
    post.error_message
FROM promo.scheduled_posts AS post
WHERE post.id = :post_id;

-- name: list_posts(organization_id, scheduled_from, scheduled_before, status, social_account_id, after_scheduled_at, after_id, limit_rows)
-- An organisation's posts of a period in the order of their times, as a calendar shows
-- them: all of them, or those of a status or an account. after_scheduled_at and after_id
-- are those of the last row that was seen; 50 unless limit_rows says otherwise.
-- replica: ok
SELECT
    post.id,
    post.content_piece_id,
    post.social_account_id,
    post.status,
    post.scheduled_at,
    post.published_at,
    post.platform_url,
    post.attempt_count,
    post.error_message
FROM promo.scheduled_posts AS post
WHERE
    post.organization_id = :organization_id
    AND post.scheduled_at >= :scheduled_from::timestamptz
    AND post.scheduled_at < :scheduled_before::timestamptz
    AND (post.scheduled_at, post.id) > (
        coalesce(:after_scheduled_at::timestamptz, '-infinity'::timestamptz),
        coalesce(:after_id::uuid, '00000000-0000-0000-0000-000000000000'::uuid)
    )
    AND (:status::promo.post_status IS NULL OR post.status = :status)
    AND (
        :social_account_id::uuid IS NULL
        OR post.social_account_id = :social_account_id
    )
ORDER BY
    post.scheduled_at,
    post.id
LIMIT coalesce(:limit_rows::bigint, 50);

-- name: reschedule_post(post_id, scheduled_at)^
-- Gives a post that is not out and not held another time and all its attempts again, also
-- one that failed or was cancelled.
UPDATE promo.scheduled_posts AS post
SET
    status = 'SCHEDULED',
    scheduled_at = :scheduled_at::timestamptz,
    attempt_count = 0,
    next_attempt_at = NULL
WHERE
    post.id = :post_id
    AND post.status IN ('SCHEDULED', 'RETRYING', 'FAILED', 'CANCELLED')
RETURNING
    post.id,
    post.status,
    post.scheduled_at;

-- name: cancel_post(post_id)!
-- 1 if the post was yet to come, and will not.
UPDATE promo.scheduled_posts AS post
SET
    status = 'CANCELLED',
    next_attempt_at = NULL
WHERE
    post.id = :post_id
    AND post.status IN ('SCHEDULED', 'RETRYING');

-- name: claim_due_posts(worker, limit_rows, lease_s, post_id)
-- The posts that are due and that the worker holds from now on until their leases end,
-- longest due first, or one of them by its id; none while the queue publishing is paused.
-- Without lease_s a lease is as long as the queue says.
WITH candidate AS MATERIALIZED (
    SELECT post.id
    FROM promo.scheduled_posts AS post
    WHERE
        post.status IN ('SCHEDULED', 'RETRYING')
        AND post.due_at <= statement_timestamp()
        AND (:post_id::uuid IS NULL OR post.id = :post_id)
        AND NOT (
            SELECT queue.paused
            FROM core.queues AS queue
            WHERE queue.queue = 'publishing'
        )
    ORDER BY
        post.due_at,
        post.id
    LIMIT :limit_rows::bigint
    FOR NO KEY UPDATE SKIP LOCKED
),
claimed AS (
    UPDATE promo.scheduled_posts AS post
    SET
        status = 'PUBLISHING',
        attempt_count = post.attempt_count + 1,
        last_attempt_at = clock_timestamp(),
        next_attempt_at = NULL,
        locked_by = :worker::text,
        lease_until = clock_timestamp() + make_interval(
            secs => coalesce(:lease_s::double precision, queue.lease_s)
        )
    FROM core.queues AS queue
    WHERE
        post.id = ANY (ARRAY(SELECT candidate.id FROM candidate))
        AND queue.queue = 'publishing'
    RETURNING
        post.id,
        post.organization_id,
        post.content_piece_id,
        post.social_account_id,
        post.scheduled_at,
        post.attempt_count,
        post.max_attempts,
        post.lease_until
)
SELECT
    claimed.id,
    claimed.organization_id,
    claimed.content_piece_id,
    claimed.social_account_id,
    claimed.scheduled_at,
    claimed.attempt_count,
    claimed.max_attempts,
    claimed.lease_until,
    piece.platform,
    piece.type,
    piece.title,
    piece.body,
    piece.hashtags,
    piece.mentions,
    piece.media_refs,
    account.handle,
    account.is_active,
    account.access_token_encrypted,
    account.token_key_id
FROM claimed
INNER JOIN promo.content_pieces AS piece
    ON piece.id = claimed.content_piece_id
INNER JOIN promo.social_accounts AS account
    ON account.id = claimed.social_account_id
ORDER BY
    claimed.scheduled_at,
    claimed.id;

-- name: extend_lease(post_id, worker, attempt, lease_s)$
-- Until when the worker, which holds the post in this attempt, holds it now; no row if it
-- does not, or no longer.
UPDATE promo.scheduled_posts AS post
SET lease_until = clock_timestamp() + make_interval(secs => :lease_s::double precision)
WHERE
    post.id = :post_id
    AND post.status = 'PUBLISHING'
    AND post.locked_by = :worker
    AND post.attempt_count = :attempt
    AND post.lease_until > clock_timestamp()
RETURNING post.lease_until;

-- name: post_published(post_id, worker, attempt, platform_post_id, platform_url)^
-- Ends an attempt that the worker holds: the post is out. No row if the worker does not
-- hold it, or its lease has ended.
UPDATE promo.scheduled_posts AS post
SET
    status = 'PUBLISHED',
    published_at = clock_timestamp(),
    platform_post_id = :platform_post_id,
    platform_url = :platform_url,
    locked_by = NULL,
    lease_until = NULL
WHERE
    post.id = :post_id
    AND post.status = 'PUBLISHING'
    AND post.locked_by = :worker
    AND post.attempt_count = :attempt
    AND post.lease_until > clock_timestamp()
RETURNING
    post.id,
    post.status,
    post.published_at;

-- name: post_failed(post_id, worker, attempt, error, retry)^
-- Ends an attempt that the worker holds: the next one comes after the backoff of the
-- queue publishing, which doubles with each, or the post has failed for good, after its
-- last attempt or if there is no use in trying again. No row as with post_published.
UPDATE promo.scheduled_posts AS post
SET
    status = CASE WHEN next.due_at IS NULL THEN 'FAILED' ELSE 'RETRYING' END
        ::promo.post_status,
    next_attempt_at = next.due_at,
    error_message = left(:error::text, 1000),
    locked_by = NULL,
    lease_until = NULL
FROM promo.scheduled_posts AS held
CROSS JOIN core.queues AS queue
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN held.attempt_count < held.max_attempts AND :retry::boolean
            THEN clock_timestamp() + INTERVAL '1 millisecond' * least(
                queue.backoff_ms * 2.0 ^ (held.attempt_count - 1),
                queue.backoff_max_ms
            )::double precision
        END AS due_at
) AS next
WHERE
    post.id = :post_id
    AND held.id = post.id
    AND queue.queue = 'publishing'
    AND post.status = 'PUBLISHING'
    AND post.locked_by = :worker
    AND post.attempt_count = :attempt
    AND post.lease_until > clock_timestamp()
RETURNING
    post.id,
    post.status,
    post.next_attempt_at,
    post.attempt_count;

-- name: release_post(post_id, worker, attempt)!
-- 1 if the worker held the post, and gives it back as if it had not been claimed.
UPDATE promo.scheduled_posts AS post
SET
    status = 'SCHEDULED',
    attempt_count = post.attempt_count - 1,
    locked_by = NULL,
    lease_until = NULL
WHERE
    post.id = :post_id
    AND post.status = 'PUBLISHING'
    AND post.locked_by = :worker
    AND post.attempt_count = :attempt
    AND post.lease_until > clock_timestamp();

-- name: reap_publishing(limit_rows)
-- The posts that were taken from workers whose leases have ended: they are due again
-- after the queue's backoff or, after their last attempt, have failed for good; 1,000
-- unless limit_rows says otherwise.
WITH expired AS MATERIALIZED (
    SELECT
        post.id,
        CASE
            WHEN post.attempt_count < post.max_attempts
            THEN clock_timestamp() + INTERVAL '1 millisecond' * least(
                queue.backoff_ms * 2.0 ^ (post.attempt_count - 1),
                queue.backoff_max_ms
            )::double precision
        END AS due_at
    FROM promo.scheduled_posts AS post
    INNER JOIN core.queues AS queue
        ON queue.queue = 'publishing'
    WHERE
        post.status = 'PUBLISHING'
        AND post.lease_until <= statement_timestamp()
    ORDER BY
        post.lease_until,
        post.id
    LIMIT coalesce(:limit_rows::bigint, 1000)
    FOR NO KEY UPDATE OF post SKIP LOCKED
)
UPDATE promo.scheduled_posts AS post
SET
    status = CASE WHEN expired.due_at IS NULL THEN 'FAILED' ELSE 'RETRYING' END
        ::promo.post_status,
    next_attempt_at = expired.due_at,
    error_message = 'the worker did not finish before its lease ended',
    locked_by = NULL,
    lease_until = NULL
FROM expired
WHERE post.id = expired.id
RETURNING
    post.id,
    post.status,
    post.next_attempt_at,
    post.attempt_count;

-- name: publishing_health()^
-- How the publishing queue is: how many posts are due and since how many seconds the
-- first of them, how many are held, and held for too long.
-- replica: ok
SELECT
    due.posts AS due_posts,
    due.oldest_wait_s,
    held.posts AS held_posts,
    held.expired_posts
FROM (
    SELECT
        count(*) AS posts,
        extract(EPOCH FROM statement_timestamp() - min(post.due_at))::double precision
            AS oldest_wait_s
    FROM promo.scheduled_posts AS post
    WHERE
        post.status IN ('SCHEDULED', 'RETRYING')
        AND post.due_at <= statement_timestamp()
) AS due
CROSS JOIN (
    SELECT
        count(*) AS posts,
        count(*) FILTER (WHERE post.lease_until <= statement_timestamp())
            AS expired_posts
    FROM promo.scheduled_posts AS post
    WHERE post.status = 'PUBLISHING'
) AS held;
