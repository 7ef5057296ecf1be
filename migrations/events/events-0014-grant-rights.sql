-- depends: events-0013-create-graph-proof core-0009-create-roles
--
-- What the roles may do in events and in its graph. Services read and write rows; the
-- graph follows by triggers that run with their owner's rights, so that nobody else
-- needs to write to it. To build it anew is the owner's.
--
-- Cypher needs USAGE on ag_catalog, which belongs to whoever installed AGE: if that is
-- not the migrating role, a DBA grants it (docs/security.md).
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: takes the rights back, and no row.

GRANT USAGE ON SCHEMA events TO drystone_app, drystone_readonly;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA events TO drystone_app;

GRANT SELECT ON ALL TABLES IN SCHEMA events TO drystone_readonly;

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
        GRANT USAGE ON SCHEMA ag_catalog TO drystone_app, drystone_readonly;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA event_network TO drystone_app, drystone_readonly;

GRANT SELECT ON ALL TABLES IN SCHEMA event_network TO drystone_app, drystone_readonly;

-- Of the tables and labels that later migrations of the same role make.
ALTER DEFAULT PRIVILEGES IN SCHEMA events
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA events
    GRANT USAGE, SELECT ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA events
    GRANT SELECT ON TABLES TO drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA event_network
    GRANT SELECT ON TABLES TO drystone_app, drystone_readonly;
