-- Drops the outbox and the receipts.
--
-- Locks: ACCESS EXCLUSIVE on core.outbox, core.job_receipts and core.queues.
-- Rewrites: no rows.
-- Loses: jobs that are not done yet, and the record of those that are.

DROP FUNCTION core.begin_job(text, text);

DROP TABLE core.job_receipts;

DROP FUNCTION core.settle_outbox();

DROP TABLE core.outbox;

ALTER TABLE core.queues
    DROP COLUMN receipts;
