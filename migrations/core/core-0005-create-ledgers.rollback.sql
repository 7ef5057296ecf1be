-- Drops the ledgers of seed data, backups and webhook events.
--
-- Locks: ACCESS EXCLUSIVE on the three tables. Rewrites: no rows.
-- Loses: their entries, also which webhook events are still to be processed.

DROP TABLE core.webhook_events;

DROP TABLE core.backups;

DROP TABLE core.seed_versions;
