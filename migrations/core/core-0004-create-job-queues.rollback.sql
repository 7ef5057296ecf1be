-- Drops the job queues.
--
-- Locks: ACCESS EXCLUSIVE on core.jobs and core.queues. Rewrites: no rows.
-- Loses: all queues and jobs, waiting ones too.

DROP FUNCTION core.free_slots(text);

DROP TABLE core.jobs;

DROP TABLE core.queues;

DROP TYPE core.job_state;
