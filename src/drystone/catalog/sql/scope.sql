-- What every query of this folder starts from: these table expressions are put in
-- front of each, so that what is left out is said in one place.
--
-- Each query runs with an empty search_path: functions are found in pg_catalog alone,
-- and the server qualifies every name that it prints, except those of pg_catalog.
WITH
-- An owner who owns the database too is not worth a word.
here AS (
    SELECT
        oid,
        datdba AS owner
    FROM pg_catalog.pg_database
    WHERE datname = current_database()
),
-- No user can create a schema whose name begins with pg_.
schemas AS (
    SELECT
        oid,
        quote_ident(nspname) AS name
    FROM pg_catalog.pg_namespace
    WHERE
        nspname <> 'information_schema'
        AND nspname !~ '^pg_'
),
-- What belongs to an extension; and a range type's own functions and cast. To be looked
-- up by index: hardly any object that comes this far belongs to one.
members AS NOT MATERIALIZED (
    SELECT
        classid,
        objid
    FROM pg_catalog.pg_depend
    WHERE
        deptype = 'e'
        OR (
            deptype = 'i'
            AND classid IN (
                'pg_catalog.pg_proc'::regclass,
                'pg_catalog.pg_cast'::regclass
            )
        )
),
-- Tables, views, materialized views and foreign tables, without the ledgers' own.
relations AS (
    SELECT
        class.oid,
        class.relkind AS kind,
        schemas.name || '.' || quote_ident(class.relname) AS name
    FROM pg_catalog.pg_class AS class
    INNER JOIN schemas
        ON schemas.oid = class.relnamespace
    WHERE
        class.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT (
            schemas.name = 'public'
            AND class.relname
                ~ '^(_drystone_.*|_yoyo_(migrations?|log|version)|yoyo_lock)$'
        )
        AND NOT EXISTS (
            SELECT
            FROM members
            WHERE
                members.classid = 'pg_catalog.pg_class'::regclass
                AND members.objid = class.oid
        )
)
