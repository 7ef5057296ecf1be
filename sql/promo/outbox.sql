-- Jobs for the five queues; drystone.systems.promo.jobs has their payloads.

-- name: enqueue(queue, name, payload, priority, run_at)$
-- The id of the new job, which is sent on when the transaction is committed; without
-- priority it has the queue's, without run_at it is due at once.
INSERT INTO core.outbox (
    queue,
    name,
    payload,
    priority,
    run_at
)
VALUES (
    :queue,
    :name,
    :payload::jsonb,
    :priority,
    :run_at
)
RETURNING id;
