-- Drops the shared functions, the schema, and the extension vector if it came with
-- the migration; refuses while other tables still use one of them.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Loses: no data.

DROP FUNCTION core.new_id();

DROP FUNCTION core.set_updated_at();

DO $$
BEGIN
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_extension AS extension
        WHERE
            extension.extname = 'vector'
            AND pg_catalog.obj_description(extension.oid, 'pg_extension')
                LIKE '%installed by core-0001-create-schema'
    ) THEN
        DROP EXTENSION vector;
    END IF;
END
$$;

DROP SCHEMA core;
