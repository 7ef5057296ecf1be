-- The audit log: who acts, and what was changed.

-- name: set_actor(actor, request_id)^
-- Names who acts, and for which request, to the audit log until the transaction ends;
-- NULL takes the name back, and outside a transaction nothing is set.
SELECT
    set_config('app.actor', coalesce(:actor::text, ''), true) AS actor,
    set_config('app.request_id', coalesce(:request_id::text, ''), true) AS request_id;

-- name: audit_history(schema_name, table_name, row_pk, limit_rows)
-- What happened to one row, latest first; without limit_rows, all of it.
SELECT
    entry.id,
    entry.at,
    entry.actor,
    entry.request_id,
    entry.op,
    entry.changed,
    entry.old_row,
    entry.new_row,
    entry.txid
FROM core.audit_log AS entry
WHERE
    entry.schema_name = :schema_name
    AND entry.table_name = :table_name
    AND entry.row_pk = :row_pk
ORDER BY entry.id DESC
LIMIT :limit_rows::bigint;
