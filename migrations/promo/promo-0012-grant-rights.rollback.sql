-- Takes back what the roles may do in promo.
--
-- Lock: none on a live table. Rewrites: none.
-- Loses: the rights, and no row; services are refused from now on.

ALTER DEFAULT PRIVILEGES IN SCHEMA promo
    REVOKE SELECT ON TABLES FROM drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo
    REVOKE USAGE, SELECT ON SEQUENCES FROM drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo
    REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM drystone_app;

REVOKE ALL ON ALL SEQUENCES IN SCHEMA promo FROM drystone_app;

REVOKE ALL ON ALL TABLES IN SCHEMA promo FROM drystone_app, drystone_readonly;

REVOKE ALL ON SCHEMA promo FROM drystone_app, drystone_readonly;
