-- Takes back what the roles may do in events and in its graph.
--
-- Lock: none on a live table. Rewrites: none.
-- Loses: the rights, and no row; services are refused from now on. USAGE on ag_catalog
-- goes too, where it is this role's to take; another graph's services may miss it.

ALTER DEFAULT PRIVILEGES IN SCHEMA events
    REVOKE SELECT ON TABLES FROM drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA events
    REVOKE USAGE, SELECT ON SEQUENCES FROM drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA events
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM drystone_app;

REVOKE ALL ON ALL SEQUENCES IN SCHEMA events FROM drystone_app;

REVOKE ALL ON ALL TABLES IN SCHEMA events FROM drystone_app, drystone_readonly;

REVOKE ALL ON SCHEMA events FROM drystone_app, drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA event_network
    REVOKE SELECT ON TABLES FROM drystone_app, drystone_readonly;

REVOKE ALL ON ALL TABLES IN SCHEMA event_network FROM drystone_app, drystone_readonly;

REVOKE ALL ON SCHEMA event_network FROM drystone_app, drystone_readonly;

DO $$
BEGIN
    IF pg_has_role(
        (
            SELECT schema.nspowner
            FROM pg_catalog.pg_namespace AS schema
            WHERE schema.nspname = 'ag_catalog'
        ),
        'USAGE'
    ) THEN
        REVOKE USAGE ON SCHEMA ag_catalog FROM drystone_app, drystone_readonly;
    END IF;
END
$$;
