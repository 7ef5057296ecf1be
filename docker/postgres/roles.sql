-- The roles that log in, with the passwords that lie in /run/secrets. Run by psql as a
-- superuser; it may run again, and gives the roles their passwords anew: that is how a
-- password is rotated.
--
--     drystone_migrate   owns the database and what migrations make; member of drystone_owner
--     drystone_service   what services log in as; member of drystone_app
--     drystone_worker    the relay and workers; member of drystone_app and drystone_promo_jobs
--     drystone_watch     monitoring; member of drystone_monitor
--     drystone_copy      backups, and standbys; member of drystone_backup
--     drystone_pool      PgBouncer, which may ask for other roles' SCRAM verifiers
--
-- What the groups may do is said by the migrations, which take them as they find them;
-- they are made here, since the migrating role is not allowed to make roles.

-- Statements with a password are kept from the log and from pg_stat_statements.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track_utility = off;
SET password_encryption = 'scram-sha-256';

SELECT pg_catalog.format('CREATE ROLE %I NOLOGIN %s', name, options)
FROM (
    VALUES
        ('drystone_owner', ''),
        ('drystone_app', ''),
        ('drystone_readonly', ''),
        ('drystone_backup', 'BYPASSRLS IN ROLE pg_read_all_data'),
        ('drystone_monitor', 'IN ROLE pg_monitor'),
        ('drystone_promo_jobs', 'IN ROLE drystone_app'),
        ('drystone_shop_client', ''),
        ('drystone_shop_admin', '')
) AS wanted (name, options)
WHERE pg_catalog.to_regrole(name) IS NULL
\gexec

SELECT pg_catalog.format('CREATE ROLE %I LOGIN', name)
FROM pg_catalog.unnest(ARRAY[
    'drystone_migrate',
    'drystone_service',
    'drystone_worker',
    'drystone_watch',
    'drystone_copy',
    'drystone_pool'
]) AS name
WHERE pg_catalog.to_regrole(name) IS NULL
\gexec

ALTER ROLE drystone_migrate CONNECTION LIMIT 10;
ALTER ROLE drystone_copy REPLICATION BYPASSRLS CONNECTION LIMIT 10;
ALTER ROLE drystone_watch CONNECTION LIMIT 10;
ALTER ROLE drystone_pool CONNECTION LIMIT 5;

GRANT drystone_owner TO drystone_migrate;

GRANT drystone_app TO drystone_service;

GRANT drystone_app, drystone_promo_jobs TO drystone_worker;

GRANT drystone_monitor, pg_use_reserved_connections TO drystone_watch;

GRANT drystone_backup TO drystone_copy;

\set password `cat /run/secrets/migrate_password`
ALTER ROLE drystone_migrate PASSWORD :'password';
\set password `cat /run/secrets/service_password`
ALTER ROLE drystone_service PASSWORD :'password';
\set password `cat /run/secrets/worker_password`
ALTER ROLE drystone_worker PASSWORD :'password';
\set password `cat /run/secrets/watch_password`
ALTER ROLE drystone_watch PASSWORD :'password';
\set password `cat /run/secrets/copy_password`
ALTER ROLE drystone_copy PASSWORD :'password';
\set password `cat /run/secrets/pool_password`
ALTER ROLE drystone_pool PASSWORD :'password';
\unset password

-- PgBouncer asks for the verifier of whoever logs in, so that passwords live in one
-- place. In the database postgres, since the other belongs to the migrations.
\set database :DBNAME
\connect postgres
SET client_min_messages = 'warning';

CREATE SCHEMA IF NOT EXISTS drystone_pool AUTHORIZATION postgres;

CREATE OR REPLACE FUNCTION drystone_pool.login(
    wanted text,
    OUT name text,
    OUT verifier text
)
RETURNS SETOF record
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
SELECT
    role.rolname::text,
    role.rolpassword
FROM pg_catalog.pg_authid AS role
WHERE
    role.rolname = wanted
    AND role.rolcanlogin
    AND NOT role.rolsuper
    AND NOT role.rolreplication
    AND (role.rolvaliduntil IS NULL OR role.rolvaliduntil > pg_catalog.now())
$$;

REVOKE ALL ON FUNCTION drystone_pool.login FROM PUBLIC;

GRANT USAGE ON SCHEMA drystone_pool TO drystone_pool;

GRANT EXECUTE ON FUNCTION drystone_pool.login TO drystone_pool;

\connect :database
