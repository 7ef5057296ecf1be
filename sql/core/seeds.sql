-- The ledger of seed data.

-- name: record_seed(system, stage, version, checksum)!
-- 1 if the ledger changed, 0 if this version was recorded with this checksum before.
INSERT INTO core.seed_versions AS seed (
    system,
    stage,
    version,
    checksum
)
VALUES (
    :system,
    :stage,
    :version,
    :checksum
)
ON CONFLICT (system, stage, version) DO UPDATE
SET
    checksum = EXCLUDED.checksum,
    applied_at = now()
WHERE seed.checksum <> EXCLUDED.checksum;

-- name: seed_versions(system)
-- The seed data that is loaded; without system, that of all systems.
SELECT
    seed.system,
    seed.stage,
    seed.version,
    seed.checksum,
    seed.applied_at
FROM core.seed_versions AS seed
WHERE :system::text IS NULL OR seed.system = :system::text
ORDER BY
    seed.system,
    seed.stage,
    seed.version;
