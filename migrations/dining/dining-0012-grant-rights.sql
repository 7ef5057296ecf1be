-- depends: dining-0011-create-integrity core-0009-create-roles
--
-- What the roles may do in dining: services read and write rows, reports read them.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: takes the rights back, and no row.

GRANT USAGE ON SCHEMA dining TO drystone_app, drystone_readonly;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dining TO drystone_app;

GRANT SELECT ON ALL TABLES IN SCHEMA dining TO drystone_readonly;

-- Of the tables that later migrations of the same role make.
ALTER DEFAULT PRIVILEGES IN SCHEMA dining
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA dining
    GRANT USAGE, SELECT ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA dining
    GRANT SELECT ON TABLES TO drystone_readonly;
