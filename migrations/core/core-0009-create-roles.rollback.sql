-- Takes back what the roles may do in core. The roles stay: other databases of the
-- server may use them.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Loses: the rights; services that log in by these roles are refused from now on.

ALTER DEFAULT PRIVILEGES IN SCHEMA core
    REVOKE SELECT ON TABLES FROM drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA core
    REVOKE USAGE, SELECT ON SEQUENCES FROM drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA core
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM drystone_app;

-- This takes the rights on columns back, too.
REVOKE ALL ON ALL TABLES IN SCHEMA core
    FROM drystone_app, drystone_readonly, drystone_backup, drystone_monitor;

REVOKE ALL ON ALL SEQUENCES IN SCHEMA core FROM drystone_app;

REVOKE ALL ON SCHEMA core
    FROM drystone_app, drystone_readonly, drystone_backup, drystone_monitor;

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
            'REVOKE SELECT ON TABLE %s
            FROM drystone_app, drystone_readonly, drystone_monitor',
            ledger
        );
    END LOOP;
END
$$;
