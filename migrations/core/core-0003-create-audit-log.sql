-- depends: core-0002-create-trigrams
--
-- Creates the audit log and the one trigger function that fills it, for any table
-- with a primary key:
--
--     CREATE TRIGGER users_audit
--     AFTER INSERT OR UPDATE OR DELETE ON ideas.users
--     FOR EACH ROW EXECUTE FUNCTION core.audit_row();
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops the log; the history of every audited table is lost.

CREATE TABLE core.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL DEFAULT coalesce(
        nullif(current_setting('app.actor', true), ''),
        session_user
    ),
    request_id text DEFAULT nullif(current_setting('app.request_id', true), ''),
    schema_name text NOT NULL,
    table_name text NOT NULL,
    row_pk text NOT NULL,
    op text NOT NULL,
    changed text[],
    old_row jsonb,
    new_row jsonb,
    txid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_op_check CHECK (op IN ('INSERT', 'UPDATE', 'DELETE')),
    CONSTRAINT audit_log_changed_check CHECK (
        (op = 'UPDATE') = (changed IS NOT NULL)
    ),
    CONSTRAINT audit_log_old_row_check CHECK (
        (op = 'INSERT') = (old_row IS NULL)
    ),
    CONSTRAINT audit_log_new_row_check CHECK (
        (op = 'DELETE') = (new_row IS NULL)
    )
);

COMMENT ON TABLE core.audit_log IS
    'Who changed which row of an audited table, when, and from what to what. '
    'TRUNCATE leaves no entry.';

COMMENT ON COLUMN core.audit_log.actor IS
    'The setting app.actor of the transaction, otherwise the role that logged in.';

COMMENT ON COLUMN core.audit_log.request_id IS
    'The setting app.request_id of the transaction.';

COMMENT ON COLUMN core.audit_log.table_name IS
    'For a row of a partition, the partitioned table.';

COMMENT ON COLUMN core.audit_log.row_pk IS
    'The primary key before the change: the value itself, or a JSON array of the '
    'values of a key with several columns, in the order of the key.';

COMMENT ON COLUMN core.audit_log.changed IS
    'The names of the columns that an UPDATE changed; redacted ones are among them.';

COMMENT ON COLUMN core.audit_log.old_row IS
    'The row before the change without its generated columns; the value of a '
    'redacted column is "[redacted]".';

COMMENT ON COLUMN core.audit_log.new_row IS
    'The row after the change, in the form of old_row.';

CREATE INDEX audit_log_schema_name_table_name_row_pk_id_idx
    ON core.audit_log (schema_name, table_name, row_pk, id DESC);

CREATE INDEX audit_log_at_idx ON core.audit_log USING brin (at);

CREATE FUNCTION core.redact(image jsonb, patterns text[])
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT
        jsonb_object_agg(
            field.key,
            CASE
                WHEN field.key LIKE ANY (patterns) AND field.value <> 'null'
                THEN '"[redacted]"'
                ELSE field.value
            END
        )
    FROM jsonb_each(image) AS field
);

COMMENT ON FUNCTION core.redact(jsonb, text[]) IS
    'The object with "[redacted]" for every value, other than null, whose key is '
    'LIKE one of the patterns. Objects inside it are not looked into.';

-- Runs with the rights of its owner, so that a service can be audited without a
-- right to write, or forge, the log.
CREATE FUNCTION core.audit_row()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = ''
AS $$
DECLARE
    patterns CONSTANT text[] := CASE TG_NARGS
        WHEN 0 THEN ARRAY['password_hash', '%_token%', 'raw_html']
        ELSE TG_ARGV
    END;
    audited CONSTANT oid := coalesce(pg_partition_root(TG_RELID), TG_RELID);
    old_image jsonb := to_jsonb(OLD);
    new_image jsonb := to_jsonb(NEW);
    generated_columns text[];
    key_columns text[];
    key_values jsonb;
    changed_columns text[];
BEGIN
    SELECT
        array_agg(attribute.attname) FILTER (WHERE attribute.attgenerated <> ''),
        array_agg(attribute.attname ORDER BY place.of_key)
            FILTER (WHERE place.of_key IS NOT NULL)
    INTO
        generated_columns,
        key_columns
    FROM pg_attribute AS attribute
    LEFT JOIN pg_index AS index
        ON index.indrelid = attribute.attrelid
        AND index.indisprimary
    CROSS JOIN array_position(index.indkey, attribute.attnum) AS place (of_key)
    WHERE
        attribute.attrelid = TG_RELID
        AND attribute.attnum > 0
        AND NOT attribute.attisdropped;

    IF key_columns IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key and cannot be audited',
            TG_RELID::regclass
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    old_image := old_image - coalesce(generated_columns, '{}');
    new_image := new_image - coalesce(generated_columns, '{}');

    IF TG_OP = 'UPDATE' THEN
        changed_columns := ARRAY(
            SELECT field.key
            FROM jsonb_each(new_image) AS field
            WHERE
                field.value <> old_image -> field.key
                AND field.key <> 'updated_at'
            ORDER BY field.key
        );

        IF changed_columns = '{}' THEN
            RETURN NULL;
        END IF;
    END IF;

    old_image := core.redact(old_image, patterns);
    new_image := core.redact(new_image, patterns);

    key_values := (
        SELECT jsonb_agg(coalesce(old_image, new_image) -> name ORDER BY position)
        FROM unnest(key_columns) WITH ORDINALITY AS key_column (name, position)
    );

    INSERT INTO core.audit_log (
        schema_name,
        table_name,
        row_pk,
        op,
        changed,
        old_row,
        new_row
    )
    SELECT
        schema.nspname,
        relation.relname,
        CASE cardinality(key_columns)
            WHEN 1 THEN key_values ->> 0
            ELSE key_values::text
        END,
        TG_OP,
        changed_columns,
        old_image,
        new_image
    FROM pg_class AS relation
    INNER JOIN pg_namespace AS schema
        ON schema.oid = relation.relnamespace
    WHERE relation.oid = audited;

    RETURN NULL;
END
$$;

COMMENT ON FUNCTION core.audit_row() IS
    'For AFTER INSERT OR UPDATE OR DELETE ... FOR EACH ROW: writes the change to '
    'core.audit_log, unless nothing but updated_at changed. Its arguments are the '
    'LIKE patterns of the columns to redact, in place of password_hash, %_token% '
    'and raw_html.';

-- Whoever may attach a function that runs with its owner's rights chooses the types,
-- and so the code, that it runs on.
REVOKE EXECUTE ON FUNCTION core.audit_row() FROM PUBLIC;
