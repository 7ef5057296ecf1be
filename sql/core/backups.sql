-- The ledger of backups.

-- name: record_backup(filename, kind, size_bytes, sha256, notes)$
-- The id of the new entry, still to be verified; without kind, a full backup.
INSERT INTO core.backups (
    filename,
    kind,
    size_bytes,
    sha256,
    notes
)
VALUES (
    :filename,
    coalesce(:kind::text, 'full'),
    :size_bytes,
    :sha256,
    :notes
)
RETURNING id;

-- name: mark_backup_verified(id, verified, notes)!
-- 1 if the backup exists: whether it could be restored is now on record, and notes
-- replace those before unless NULL.
UPDATE core.backups AS backup
SET
    verified = CASE WHEN :verified::boolean THEN 'verified' ELSE 'failed' END,
    notes = coalesce(:notes::text, backup.notes)
WHERE backup.id = :id;

-- name: latest_backups(limit_rows)
-- The backups that were made, latest first; without limit_rows, all of them.
SELECT
    backup.id,
    backup.at,
    backup.filename,
    backup.size_bytes,
    backup.kind,
    backup.sha256,
    backup.verified,
    backup.notes
FROM core.backups AS backup
ORDER BY
    backup.at DESC,
    backup.id DESC
LIMIT :limit_rows::bigint;
