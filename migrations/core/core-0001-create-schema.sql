-- Creates the schema that the systems share, the extension vector that four of the
-- five need, and the two functions that their tables are built with.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops what this file made; no data is lost.

CREATE SCHEMA core;

COMMENT ON SCHEMA core IS
    'What the systems share: keys, touch stamps, trigrams, audit log, job queues, '
    'ledgers.';

-- An extension that was here before stays here after a rollback: its comment tells
-- the two cases apart. In any other schema than public it could not be named.
DO $$
DECLARE
    home CONSTANT text := (
        SELECT schema.nspname
        FROM pg_catalog.pg_extension AS extension
        INNER JOIN pg_catalog.pg_namespace AS schema
            ON schema.oid = extension.extnamespace
        WHERE extension.extname = 'vector'
    );
BEGIN
    IF home IS NULL THEN
        CREATE EXTENSION vector WITH SCHEMA public;

        COMMENT ON EXTENSION vector IS
            'vector data type and ivfflat and hnsw access methods, '
            'installed by core-0001-create-schema';
    ELSIF home <> 'public' THEN
        RAISE EXCEPTION 'extension vector is installed in schema %, not in public', home
            USING
                ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Run: ALTER EXTENSION vector SET SCHEMA public';
    END IF;
END
$$;

CREATE FUNCTION core.set_updated_at()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.updated_at := pg_catalog.clock_timestamp();

    RETURN NEW;
END
$$;

COMMENT ON FUNCTION core.set_updated_at() IS
    'For BEFORE UPDATE ... FOR EACH ROW: stamps updated_at with the time of the '
    'change, whatever the statement says.';

-- One body for every server version: plpgsql looks a name up when it is first
-- executed, so that PostgreSQL 16 and 17 never look for uuidv7().
CREATE FUNCTION core.new_id()
RETURNS uuid
LANGUAGE plpgsql
VOLATILE
PARALLEL SAFE
AS $$
DECLARE
    microseconds bigint;
BEGIN
    IF pg_catalog.current_setting('server_version_num')::integer >= 180000 THEN
        RETURN pg_catalog.uuidv7();
    END IF;

    microseconds := extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000;

    -- RFC 9562, 5.7 and 6.2 method 3: 48 bits of milliseconds, the version, 12 bits
    -- of what is left of the millisecond; then variant and random bits of a v4 uuid.
    RETURN (
        pg_catalog.lpad(pg_catalog.to_hex(microseconds / 1000), 12, '0')
        || pg_catalog.to_hex(x'7000'::bigint + microseconds % 1000 * 4096 / 1000)
        || pg_catalog.right(pg_catalog.gen_random_uuid()::text, 17)
    )::uuid;
END
$$;

COMMENT ON FUNCTION core.new_id() IS
    'A uuid of version 7: ids sort by time of creation, to the microsecond, so that '
    'inserts stay at the right edge of a primary key.';
