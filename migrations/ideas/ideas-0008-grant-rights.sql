-- depends: ideas-0007-create-legacy-import core-0009-create-roles
--
-- What the roles may do in ideas: services read and write rows, reports read them, but
-- for the hashes of passwords.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: takes the rights back, and no row.

GRANT USAGE ON SCHEMA ideas TO drystone_app, drystone_readonly;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ideas TO drystone_app;

GRANT SELECT ON ALL TABLES IN SCHEMA ideas TO drystone_readonly;

REVOKE SELECT ON ideas.users FROM drystone_readonly;

GRANT SELECT (id, email, name, created_at, updated_at, deleted_at)
    ON ideas.users
    TO drystone_readonly;

-- Of the tables that later migrations of the same role make.
ALTER DEFAULT PRIVILEGES IN SCHEMA ideas
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas
    GRANT USAGE, SELECT ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas
    GRANT SELECT ON TABLES TO drystone_readonly;
