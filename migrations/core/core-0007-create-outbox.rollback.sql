-- Drops the outbox and the receipts.
--
-- Locks: ACCESS EXCLUSIVE on core.outbox and core.job_receipts. Rewrites: no rows.
-- Loses: jobs that were not moved on yet, and the record of those that are done.

DROP TABLE core.job_receipts;

DROP TABLE core.outbox;
