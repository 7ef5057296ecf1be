-- What only a superuser may give a database, run by psql in that database as one. It may
-- run again, and must after a restore into a new database: settings of a database do not
-- travel in a dump.

SELECT pg_catalog.format('ALTER DATABASE %I OWNER TO drystone_migrate', :'DBNAME')
\gexec

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

-- AGE is no trusted extension: an owner who is no superuser cannot create it.
CREATE EXTENSION IF NOT EXISTS age;

CREATE EXTENSION IF NOT EXISTS pg_stat_statements WITH SCHEMA public;

-- It belongs to the superuser, so the migrations cannot grant it.
GRANT USAGE ON SCHEMA ag_catalog
    TO drystone_owner, drystone_migrate, drystone_app, drystone_readonly;

-- What a restore mends: graphs are known by numbers that a dump carries over.
GRANT SELECT, INSERT, UPDATE
    ON ag_catalog.ag_graph, ag_catalog.ag_label
    TO drystone_migrate;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

GRANT CREATE ON SCHEMA public TO drystone_migrate;

-- What Drystone's sessions send as start-up options when they come directly. PgBouncer
-- shares a server connection among clients, so it cannot keep one client's options; they
-- have to be the server's. AGE's library, for the same reason, is loaded by the server.
-- (To undo, RESET it: an empty session_preload_libraries lets nobody in.)
SELECT pg_catalog.format(setting, :'DBNAME')
FROM pg_catalog.unnest(ARRAY[
    'ALTER DATABASE %I SET session_preload_libraries = ''age''',
    'ALTER DATABASE %I SET search_path = "$user", public, ag_catalog',
    'ALTER DATABASE %I SET hnsw.ef_search = 100',
    'ALTER DATABASE %I SET hnsw.iterative_scan = ''strict_order''',
    'ALTER ROLE drystone_service IN DATABASE %I SET statement_timeout = ''30s''',
    'ALTER ROLE drystone_service IN DATABASE %I'
    || ' SET idle_in_transaction_session_timeout = ''60s''',
    'ALTER ROLE drystone_worker IN DATABASE %I SET statement_timeout = ''30s''',
    'ALTER ROLE drystone_worker IN DATABASE %I'
    || ' SET idle_in_transaction_session_timeout = ''60s'''
]) AS setting
\gexec

SELECT pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'DBNAME')
\gexec

SELECT pg_catalog.format(
    'GRANT CONNECT, TEMPORARY ON DATABASE %I TO'
    ' drystone_service, drystone_worker, drystone_watch, drystone_copy, drystone_pool,'
    ' drystone_owner, drystone_app, drystone_readonly, drystone_backup,'
    ' drystone_monitor',
    :'DBNAME'
)
\gexec
