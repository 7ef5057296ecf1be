-- The webhook ledger: every event is taken in once and processed once.

-- name: record_webhook(provider, event_id, event_type, payload)$
-- Whether the event is new; false if it was delivered before.
WITH recorded AS (
    INSERT INTO core.webhook_events (
        provider,
        event_id,
        event_type,
        payload
    )
    VALUES (
        :provider,
        :event_id,
        :event_type,
        :payload::jsonb
    )
    ON CONFLICT (provider, event_id) DO NOTHING
    RETURNING event_id
)
SELECT EXISTS (SELECT FROM recorded) AS is_new;

-- name: mark_webhook_processed(provider, event_id, error)!
-- 1 if the event was still to be processed: now it is done or, given an error, still
-- pending with that error.
UPDATE core.webhook_events AS event
SET
    processed_at = CASE WHEN :error::text IS NULL THEN clock_timestamp() END,
    error = :error::text
WHERE
    event.provider = :provider
    AND event.event_id = :event_id
    AND event.processed_at IS NULL;

-- name: pending_webhooks(provider, limit_rows)
-- The events that are still to be processed, oldest first and locked until the
-- transaction ends; those locked by others are left out, and without provider all
-- providers count.
SELECT
    event.provider,
    event.event_id,
    event.event_type,
    event.payload,
    event.received_at,
    event.error
FROM core.webhook_events AS event
WHERE
    event.processed_at IS NULL
    AND (:provider::text IS NULL OR event.provider = :provider::text)
ORDER BY
    event.received_at,
    event.provider,
    event.event_id
LIMIT :limit_rows::bigint
FOR NO KEY UPDATE SKIP LOCKED;
