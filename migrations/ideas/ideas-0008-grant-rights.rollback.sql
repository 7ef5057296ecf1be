-- Takes back what the roles may do in ideas.
--
-- Lock: none on a live table. Rewrites: none.
-- Loses: the rights, and no row; services are refused from now on.

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas
    REVOKE SELECT ON TABLES FROM drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas
    REVOKE USAGE, SELECT ON SEQUENCES FROM drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM drystone_app;

REVOKE ALL ON ALL SEQUENCES IN SCHEMA ideas FROM drystone_app;

REVOKE ALL ON ALL TABLES IN SCHEMA ideas FROM drystone_app, drystone_readonly;

REVOKE ALL ON SCHEMA ideas FROM drystone_app, drystone_readonly;
