-- depends: core-0008-create-cache-lease
--
-- Creates the roles that logins are given, where the server does not have them yet, and
-- says what each may do in core. Roles belong to the whole server, and outlive any one
-- database on it: docs/security.md has the SQL for a DBA who makes them beforehand, and
-- this file then needs no right to create roles.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: takes the rights back; the roles stay, since other databases may use them.
-- PUBLIC's right to create in the schema public, which a database from before
-- PostgreSQL 15 may still have, is not given back.

-- Two databases that are migrated at the same time may both miss a role: the second one
-- waits for the first, and then finds it. Attributes and memberships are part of CREATE
-- ROLE because two ALTER ROLE or GRANT of one role at a time fail.
DO $$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT
            wanted.name,
            wanted.options
        FROM (
            VALUES
                ('drystone_owner', ''),
                ('drystone_app', ''),
                ('drystone_readonly', ''),
                ('drystone_backup', 'BYPASSRLS IN ROLE pg_read_all_data'),
                ('drystone_monitor', 'IN ROLE pg_monitor')
        ) AS wanted (name, options)
        WHERE to_regrole(wanted.name) IS NULL
        ORDER BY wanted.name
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN %s', missing.name, missing.options);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the role % is missing, and % may not create it',
                    missing.name, current_user
                    USING
                        ERRCODE = 'undefined_object',
                        HINT = 'Let a DBA create the roles: docs/security.md.';
        END;
    END LOOP;
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- What is applied, a service may know; the ledger is the migrating role's to write.
DO $$
DECLARE
    ledger regclass;
BEGIN
    FOR ledger IN
        SELECT class.oid
        FROM pg_catalog.pg_class AS class
        WHERE
            class.relnamespace = 'public'::regnamespace
            AND class.relkind = 'r'
            AND class.relname ~ '^(_drystone_|_yoyo_|yoyo_lock$)'
    LOOP
        EXECUTE format(
            'GRANT SELECT ON TABLE %s
            TO drystone_app, drystone_readonly, drystone_monitor',
            ledger
        );
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA core
    TO drystone_app, drystone_readonly, drystone_backup, drystone_monitor;

-- The audit log writes itself, with its owner's rights; seeds are loaded by the owner,
-- and backups recorded by who makes them.
GRANT SELECT, INSERT, UPDATE, DELETE
    ON
        core.cache_invalidations,
        core.cache_lease,
        core.job_receipts,
        core.jobs,
        core.outbox,
        core.queues,
        core.webhook_events
    TO drystone_app;

GRANT USAGE, SELECT ON SEQUENCE core.outbox_batches TO drystone_app;

GRANT SELECT ON ALL TABLES IN SCHEMA core TO drystone_readonly;

GRANT SELECT, INSERT, UPDATE ON core.backups TO drystone_backup;

-- How much there is to do and since when, and not what.
GRANT SELECT ON core.queues, core.backups, core.seed_versions TO drystone_monitor;

GRANT SELECT (id, queue, state, run_at, lease_until) ON core.jobs TO drystone_monitor;

GRANT SELECT (position, queue, run_at, created_at, batch)
    ON core.outbox
    TO drystone_monitor;

GRANT SELECT (provider, received_at, processed_at)
    ON core.webhook_events
    TO drystone_monitor;

-- Of the tables that later migrations of the same role make.
ALTER DEFAULT PRIVILEGES IN SCHEMA core
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA core
    GRANT USAGE, SELECT ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA core
    GRANT SELECT ON TABLES TO drystone_readonly;
