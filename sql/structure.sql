-- The structure of the database, as its catalog holds it: schema by schema, and what
-- belongs to none of them before and after. For reading and for diffs.

SET check_function_bodies = off;
SET search_path = '';

-- In no schema

CREATE EXTENSION age SCHEMA ag_catalog VERSION '1.7.0';

CREATE EXTENSION plpgsql SCHEMA pg_catalog VERSION '1.0';

CREATE EXTENSION vector SCHEMA public VERSION '0.8.1';

-- Schema ag_catalog

CREATE SCHEMA ag_catalog;

GRANT USAGE ON SCHEMA ag_catalog TO drystone_app;

GRANT USAGE ON SCHEMA ag_catalog TO drystone_readonly;

-- Schema core

CREATE SCHEMA core;

CREATE TYPE core.job_state AS ENUM (
    'waiting',
    'active',
    'completed',
    'failed',
    'dead',
    'cancelled'
);

CREATE OR REPLACE FUNCTION core.audit_row()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION core.begin_job(queue text, job_id text)
 RETURNS boolean
 LANGUAGE sql
BEGIN ATOMIC
 WITH begun AS (
          INSERT INTO core.job_receipts AS receipt (queue, job_id)
           VALUES (begin_job.queue, begin_job.job_id) ON CONFLICT ON CONSTRAINT job_receipts_pkey DO UPDATE SET state = 'completed'::core.job_state, error = NULL::text, finished_at = now()
           WHERE (receipt.state <> 'completed'::core.job_state)
           RETURNING receipt.job_id
         )
  SELECT (EXISTS ( SELECT
            FROM begun)) AS "exists";
END;

CREATE OR REPLACE FUNCTION core.connection_warnings(used bigint, active bigint, idle bigint, allowed bigint)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN array_remove(ARRAY[CASE WHEN ((used)::numeric > (0.8 * (allowed)::numeric)) THEN 'more than 80 % of the connections are in use'::text ELSE NULL::text END, CASE WHEN ((active)::numeric > (0.9 * (allowed)::numeric)) THEN 'more than 90 % of the connections are active'::text ELSE NULL::text END, CASE WHEN ((idle)::numeric > (0.5 * (allowed)::numeric)) THEN 'more than 50 % of the connections are idle'::text ELSE NULL::text END], NULL::text);

CREATE OR REPLACE FUNCTION core.free_slots(queue text)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
DECLARE
    slots integer;
    taken bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'jobs cannot be claimed under REPEATABLE READ'
            USING
                ERRCODE = 'feature_not_supported',
                DETAIL = 'Its snapshot may miss jobs that are active by now.',
                HINT = 'Claim jobs under READ COMMITTED or SERIALIZABLE.';
    END IF;

    SELECT CASE WHEN entry.paused THEN 0 ELSE entry.max_active END
    INTO slots
    FROM core.queues AS entry
    WHERE entry.queue = free_slots.queue
    FOR NO KEY UPDATE;

    SELECT count(*)
    INTO taken
    FROM core.jobs AS job
    WHERE
        job.queue = free_slots.queue
        AND job.state = 'active';

    RETURN greatest(slots - taken, 0);
END
$function$;

CREATE OR REPLACE FUNCTION core.new_id()
 RETURNS uuid
 LANGUAGE plpgsql
 PARALLEL SAFE
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION core.redact(image jsonb, patterns text[])
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT jsonb_object_agg(field.key, CASE WHEN ((field.key ~~ ANY (redact.patterns)) AND (field.value <> 'null'::jsonb)) THEN '"[redacted]"'::jsonb ELSE field.value END) AS jsonb_object_agg FROM jsonb_each(redact.image) field(key, value));

CREATE OR REPLACE FUNCTION core.set_updated_at()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at := pg_catalog.clock_timestamp();

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION core.settle_outbox()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF pg_input_is_valid(new.job_id, 'uuid') THEN
        DELETE FROM core.outbox AS job
        WHERE
            job.id = new.job_id::uuid
            AND job.queue = new.queue;
    END IF;
    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION core.similarity(one text, other text)
 RETURNS real
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(((count(*) FILTER (WHERE (mine.trigram = theirs.trigram)))::real / (NULLIF(count(*), 0))::real), (0)::real) AS "coalesce" FROM (unnest(core.trigrams(similarity.one)) mine(trigram) FULL JOIN unnest(core.trigrams(similarity.other)) theirs(trigram) ON ((theirs.trigram = mine.trigram))));

CREATE OR REPLACE FUNCTION core.slow_queries(min_ms double precision, limit_rows bigint)
 RETURNS TABLE(unavailable text, query_id bigint, query text, calls bigint, mean_ms double precision, max_ms double precision, total_ms double precision, rows_returned bigint, cache_hit_percent double precision)
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
    statistics CONSTANT text := (
        SELECT format('%I.pg_stat_statements', schema.nspname)
        FROM pg_catalog.pg_extension AS extension
        INNER JOIN pg_catalog.pg_namespace AS schema
            ON schema.oid = extension.extnamespace
        WHERE extension.extname = 'pg_stat_statements'
    );
BEGIN
    IF to_regclass(statistics) IS NULL THEN
        unavailable := 'extension pg_stat_statements is not installed';
        RETURN NEXT;
        RETURN;
    END IF;

    RETURN QUERY EXECUTE format(
        $query$
        SELECT
            NULL::text,
            statement.queryid,
            statement.query,
            statement.calls,
            statement.mean_exec_time,
            statement.max_exec_time,
            statement.total_exec_time,
            statement.rows,
            100.0::double precision * statement.shared_blks_hit
                / nullif(statement.shared_blks_hit + statement.shared_blks_read, 0)
        FROM %s AS statement
        INNER JOIN pg_catalog.pg_database AS database
            ON database.oid = statement.dbid
        WHERE
            database.datname = current_database()
            AND statement.mean_exec_time >= $1
        ORDER BY statement.mean_exec_time DESC
        LIMIT $2
        $query$,
        statistics
    )
    USING min_ms, limit_rows;
EXCEPTION
    WHEN object_not_in_prerequisite_state THEN
        unavailable := 'pg_stat_statements is not in shared_preload_libraries';
        RETURN NEXT;
END
$function$;

CREATE OR REPLACE FUNCTION core.trigrams(value text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(array_agg(DISTINCT (substr((('  '::text || part.word) || ' '::text), start.at, 3) COLLATE "C")), '{}'::text[]) AS "coalesce" FROM (string_to_table(lower(regexp_replace((trigrams.value COLLATE "default"), '[^[:alnum:]]+'::text, ' '::text, 'g'::text)), ' '::text) part(word) CROSS JOIN LATERAL generate_series(1, (length(part.word) + 1)) start(at)) WHERE (part.word <> ''::text));

CREATE SEQUENCE core.outbox_batches;

ALTER SEQUENCE core.outbox_batches OWNED BY core.outbox.batch;

CREATE TABLE core.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text DEFAULT COALESCE(NULLIF(current_setting('app.actor'::text, true), ''::text), (SESSION_USER)::text) NOT NULL,
    request_id text DEFAULT NULLIF(current_setting('app.request_id'::text, true), ''::text),
    schema_name text NOT NULL,
    table_name text NOT NULL,
    row_pk text NOT NULL,
    op text NOT NULL,
    changed text[],
    old_row jsonb,
    new_row jsonb,
    txid bigint DEFAULT ((pg_current_xact_id())::text)::bigint NOT NULL,
    CONSTRAINT audit_log_changed_check CHECK (((op = 'UPDATE'::text) = (changed IS NOT NULL))),
    CONSTRAINT audit_log_new_row_check CHECK (((op = 'DELETE'::text) = (new_row IS NULL))),
    CONSTRAINT audit_log_old_row_check CHECK (((op = 'INSERT'::text) = (old_row IS NULL))),
    CONSTRAINT audit_log_op_check CHECK ((op = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text]))),
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);

CREATE TABLE core.backups (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    filename text NOT NULL,
    size_bytes bigint,
    kind text DEFAULT 'full'::text NOT NULL,
    sha256 text,
    verified text DEFAULT 'pending'::text NOT NULL,
    notes text,
    CONSTRAINT backups_filename_check CHECK ((btrim(filename) <> ''::text)),
    CONSTRAINT backups_kind_check CHECK ((kind = ANY (ARRAY['full'::text, 'schema'::text, 'data'::text]))),
    CONSTRAINT backups_pkey PRIMARY KEY (id),
    CONSTRAINT backups_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT backups_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT backups_verified_check CHECK ((verified = ANY (ARRAY['pending'::text, 'verified'::text, 'failed'::text])))
);

CREATE TABLE core.cache_invalidations (
    "position" bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME core.cache_invalidations_position_seq) NOT NULL,
    tags text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cache_invalidations_pkey PRIMARY KEY ("position"),
    CONSTRAINT cache_invalidations_position_not_null NOT NULL "position",
    CONSTRAINT cache_invalidations_tags_check CHECK (((cardinality(tags) > 0) AND (array_position(tags, NULL::text) IS NULL)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

CREATE TABLE core.cache_lease (
    single boolean DEFAULT true NOT NULL,
    redis text NOT NULL,
    term bigint DEFAULT 1 NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    CONSTRAINT cache_lease_pkey PRIMARY KEY (single),
    CONSTRAINT cache_lease_single_check CHECK (single)
);

CREATE TABLE core.job_receipts (
    queue text NOT NULL,
    job_id text NOT NULL,
    state core.job_state DEFAULT 'completed'::core.job_state NOT NULL,
    error text,
    finished_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT job_receipts_error_check CHECK (((state = 'completed'::core.job_state) = (error IS NULL))),
    CONSTRAINT job_receipts_pkey PRIMARY KEY (queue, job_id),
    CONSTRAINT job_receipts_state_check CHECK ((state = ANY (ARRAY['completed'::core.job_state, 'failed'::core.job_state, 'dead'::core.job_state])))
);

CREATE TABLE core.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    queue text NOT NULL,
    name text NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    dedupe_key text,
    priority smallint NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    state core.job_state DEFAULT 'waiting'::core.job_state NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    max_attempts smallint NOT NULL,
    locked_by text,
    lease_until timestamp with time zone,
    last_error text,
    result jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT jobs_attempts_check CHECK (((attempts >= 0) AND (attempts <= max_attempts))),
    CONSTRAINT jobs_finished_at_check CHECK (((state = ANY (ARRAY['waiting'::core.job_state, 'active'::core.job_state])) = (finished_at IS NULL))),
    CONSTRAINT jobs_lease_until_check CHECK (((state = 'active'::core.job_state) = (lease_until IS NOT NULL))),
    CONSTRAINT jobs_locked_by_check CHECK (((state = 'active'::core.job_state) = (locked_by IS NOT NULL))),
    CONSTRAINT jobs_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 50))),
    CONSTRAINT jobs_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT jobs_payload_check CHECK ((jsonb_typeof(payload) = 'object'::text)),
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_queue_fkey FOREIGN KEY (queue) REFERENCES core.queues(queue) ON UPDATE CASCADE ON DELETE RESTRICT
)
WITH (autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_scale_factor='0.02');

CREATE TABLE core.outbox (
    "position" bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME core.outbox_position_seq) NOT NULL,
    id uuid DEFAULT core.new_id() NOT NULL,
    queue text NOT NULL,
    name text NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL,
    priority smallint,
    run_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    batch bigint,
    CONSTRAINT outbox_id_key UNIQUE (id),
    CONSTRAINT outbox_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT outbox_payload_check CHECK ((jsonb_typeof(payload) = 'object'::text)),
    CONSTRAINT outbox_pkey PRIMARY KEY ("position"),
    CONSTRAINT outbox_position_not_null NOT NULL "position",
    CONSTRAINT outbox_priority_check CHECK ((priority >= 0)),
    CONSTRAINT outbox_queue_fkey FOREIGN KEY (queue) REFERENCES core.queues(queue) ON UPDATE CASCADE ON DELETE RESTRICT,
    CONSTRAINT outbox_run_at_check CHECK (((run_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (run_at < '3000-01-01 00:00:00+00'::timestamp with time zone)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

CREATE TABLE core.queues (
    queue text NOT NULL,
    default_priority smallint DEFAULT 3 NOT NULL,
    max_attempts smallint DEFAULT 3 NOT NULL,
    backoff_kind text DEFAULT 'exponential'::text NOT NULL,
    backoff_ms integer DEFAULT 2000 NOT NULL,
    backoff_max_ms integer DEFAULT 86400000 NOT NULL,
    max_active integer DEFAULT 5 NOT NULL,
    lease_s integer DEFAULT 60 NOT NULL,
    keep_completed integer DEFAULT 10 NOT NULL,
    keep_failed integer DEFAULT 50 NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    receipts boolean DEFAULT true NOT NULL,
    CONSTRAINT queues_backoff_kind_check CHECK ((backoff_kind = ANY (ARRAY['exponential'::text, 'fixed'::text]))),
    CONSTRAINT queues_backoff_ms_check CHECK (((backoff_ms >= 0) AND (backoff_ms <= backoff_max_ms))),
    CONSTRAINT queues_keep_completed_check CHECK ((keep_completed >= 0)),
    CONSTRAINT queues_keep_failed_check CHECK ((keep_failed >= 0)),
    CONSTRAINT queues_lease_s_check CHECK ((lease_s > 0)),
    CONSTRAINT queues_max_active_check CHECK ((max_active > 0)),
    CONSTRAINT queues_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 50))),
    CONSTRAINT queues_pkey PRIMARY KEY (queue),
    CONSTRAINT queues_queue_check CHECK ((queue ~ '^[a-z0-9.-]{1,80}$'::text))
);

CREATE TABLE core.seed_versions (
    system text NOT NULL,
    stage text NOT NULL,
    version integer NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT seed_versions_pkey PRIMARY KEY (system, stage, version),
    CONSTRAINT seed_versions_stage_check CHECK ((stage = ANY (ARRAY['dev'::text, 'test'::text, 'demo'::text, 'bench'::text])))
);

CREATE TABLE core.webhook_events (
    provider text NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    processed_at timestamp with time zone,
    error text,
    CONSTRAINT webhook_events_error_check CHECK (((processed_at IS NULL) OR (error IS NULL))),
    CONSTRAINT webhook_events_event_id_check CHECK ((btrim(event_id) <> ''::text)),
    CONSTRAINT webhook_events_pkey PRIMARY KEY (provider, event_id),
    CONSTRAINT webhook_events_provider_check CHECK ((btrim(provider) <> ''::text))
);

CREATE INDEX audit_log_at_idx ON core.audit_log USING brin (at);

CREATE INDEX audit_log_schema_name_table_name_row_pk_id_idx ON core.audit_log USING btree (schema_name, table_name, row_pk, id DESC);

CREATE INDEX backups_at_idx ON core.backups USING btree (at DESC);

CREATE INDEX job_receipts_finished_at_idx ON core.job_receipts USING brin (finished_at);

CREATE UNIQUE INDEX jobs_queue_dedupe_key_key ON core.jobs USING btree (queue, dedupe_key) WHERE ((dedupe_key IS NOT NULL) AND (state = ANY (ARRAY['waiting'::core.job_state, 'active'::core.job_state])));

CREATE INDEX jobs_queue_lease_until_idx ON core.jobs USING btree (queue, lease_until) WHERE (state = 'active'::core.job_state);

CREATE INDEX jobs_queue_priority_run_at_id_idx ON core.jobs USING btree (queue, priority, run_at, id) WHERE (state = 'waiting'::core.job_state);

CREATE INDEX jobs_queue_state_finished_at_idx ON core.jobs USING btree (queue, state, finished_at DESC);

CREATE INDEX outbox_batch_idx ON core.outbox USING btree (batch) WHERE (batch IS NOT NULL);

CREATE INDEX outbox_queue_created_at_idx ON core.outbox USING btree (queue, created_at);

CREATE INDEX outbox_unsent_idx ON core.outbox USING btree ("position") WHERE (batch IS NULL);

CREATE INDEX webhook_events_received_at_idx ON core.webhook_events USING btree (received_at) WHERE (processed_at IS NULL);

CREATE CONSTRAINT TRIGGER job_receipts_settle_outbox AFTER INSERT OR UPDATE ON core.job_receipts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core.settle_outbox();

GRANT SELECT (id) ON TABLE core.jobs TO drystone_monitor;

GRANT SELECT (lease_until) ON TABLE core.jobs TO drystone_monitor;

GRANT SELECT (queue) ON TABLE core.jobs TO drystone_monitor;

GRANT SELECT (run_at) ON TABLE core.jobs TO drystone_monitor;

GRANT SELECT (state) ON TABLE core.jobs TO drystone_monitor;

GRANT SELECT ("position") ON TABLE core.outbox TO drystone_monitor;

GRANT SELECT (batch) ON TABLE core.outbox TO drystone_monitor;

GRANT SELECT (created_at) ON TABLE core.outbox TO drystone_monitor;

GRANT SELECT (id) ON TABLE core.outbox TO drystone_shop_admin;

GRANT SELECT (queue) ON TABLE core.outbox TO drystone_monitor;

GRANT SELECT (run_at) ON TABLE core.outbox TO drystone_monitor;

GRANT SELECT (processed_at) ON TABLE core.webhook_events TO drystone_monitor;

GRANT SELECT (provider) ON TABLE core.webhook_events TO drystone_monitor;

GRANT SELECT (received_at) ON TABLE core.webhook_events TO drystone_monitor;

REVOKE EXECUTE ON ROUTINE core.audit_row() FROM PUBLIC;

GRANT USAGE ON SCHEMA core TO drystone_app;

GRANT USAGE ON SCHEMA core TO drystone_backup;

GRANT USAGE ON SCHEMA core TO drystone_monitor;

GRANT USAGE ON SCHEMA core TO drystone_readonly;

GRANT USAGE ON SCHEMA core TO drystone_shop_admin;

GRANT USAGE ON SCHEMA core TO drystone_shop_client;

GRANT SELECT, USAGE ON SEQUENCE core.outbox_batches TO drystone_app;

GRANT SELECT ON TABLE core.audit_log TO drystone_readonly;

GRANT INSERT, SELECT, UPDATE ON TABLE core.backups TO drystone_backup;

GRANT SELECT ON TABLE core.backups TO drystone_monitor;

GRANT SELECT ON TABLE core.backups TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.cache_invalidations TO drystone_app;

GRANT SELECT ON TABLE core.cache_invalidations TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.cache_invalidations TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.cache_invalidations TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.cache_lease TO drystone_app;

GRANT SELECT ON TABLE core.cache_lease TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.cache_lease TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.cache_lease TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.job_receipts TO drystone_app;

GRANT SELECT ON TABLE core.job_receipts TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.jobs TO drystone_app;

GRANT SELECT ON TABLE core.jobs TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.outbox TO drystone_app;

GRANT SELECT ON TABLE core.outbox TO drystone_readonly;

GRANT INSERT ON TABLE core.outbox TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.queues TO drystone_app;

GRANT SELECT ON TABLE core.queues TO drystone_monitor;

GRANT SELECT ON TABLE core.queues TO drystone_readonly;

GRANT SELECT ON TABLE core.seed_versions TO drystone_monitor;

GRANT SELECT ON TABLE core.seed_versions TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE core.webhook_events TO drystone_app;

GRANT SELECT ON TABLE core.webhook_events TO drystone_readonly;

GRANT INSERT, SELECT, UPDATE ON TABLE core.webhook_events TO drystone_shop_admin;

ALTER DEFAULT PRIVILEGES IN SCHEMA core GRANT SELECT, USAGE ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA core GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA core GRANT SELECT ON TABLES TO drystone_readonly;

COMMENT ON FUNCTION core.audit_row() IS 'For AFTER INSERT OR UPDATE OR DELETE ... FOR EACH ROW: writes the change to core.audit_log, unless nothing but updated_at changed. Its arguments are the LIKE patterns of the columns to redact, in place of password_hash, %_token% and raw_html.';

COMMENT ON FUNCTION core.begin_job(text,text) IS 'Whether a job is to be done: call it first in the transaction of the effect, and do nothing if it says no. It waits for whoever has begun the job already.';

COMMENT ON FUNCTION core.connection_warnings(bigint,bigint,bigint,bigint) IS 'What is wrong with the use of connections, as sentences; empty if nothing is.';

COMMENT ON FUNCTION core.free_slots(text) IS 'How many more jobs of a queue may become active: none while it is paused. Holds off other claims of the queue until the transaction ends.';

COMMENT ON FUNCTION core.new_id() IS 'A uuid of version 7: ids sort by time of creation, to the microsecond, so that inserts stay at the right edge of a primary key.';

COMMENT ON FUNCTION core.redact(jsonb,text[]) IS 'The object with "[redacted]" for every value, other than null, whose key is LIKE one of the patterns. Objects inside it are not looked into.';

COMMENT ON FUNCTION core.set_updated_at() IS 'For BEFORE UPDATE ... FOR EACH ROW: stamps updated_at with the time of the change, whatever the statement says.';

COMMENT ON FUNCTION core.settle_outbox() IS 'Deletes the job of a receipt from the outbox.';

COMMENT ON FUNCTION core.similarity(text,text) IS 'How alike two texts are, 0 to 1: trigrams that both have, divided by trigrams that either has; 0 where neither has any. pg_trgm''s similarity().';

COMMENT ON FUNCTION core.slow_queries(double precision,bigint) IS 'The statements of this database that take min_ms or more on average, slowest first. Where pg_stat_statements cannot be read, one row that says why in unavailable, which is NULL otherwise.';

COMMENT ON FUNCTION core.trigrams(text) IS 'The distinct trigrams of a text, sorted bytewise: of each run of letters and digits, in lower case, with two blanks before and one after it. pg_trgm''s show_trgm().';

COMMENT ON SCHEMA core IS 'What the systems share: keys, touch stamps, trigrams, audit log, job queues, ledgers.';

COMMENT ON COLUMN core.audit_log.actor IS 'The setting app.actor of the transaction, otherwise the role that logged in.';

COMMENT ON COLUMN core.audit_log.changed IS 'The names of the columns that an UPDATE changed; redacted ones are among them.';

COMMENT ON COLUMN core.audit_log.new_row IS 'The row after the change, in the form of old_row.';

COMMENT ON COLUMN core.audit_log.old_row IS 'The row before the change without its generated columns; the value of a redacted column is "[redacted]".';

COMMENT ON COLUMN core.audit_log.request_id IS 'The setting app.request_id of the transaction.';

COMMENT ON COLUMN core.audit_log.row_pk IS 'The primary key before the change: the value itself, or a JSON array of the values of a key with several columns, in the order of the key.';

COMMENT ON COLUMN core.audit_log.table_name IS 'For a row of a partition, the partitioned table.';

COMMENT ON COLUMN core.backups.verified IS 'verified: the file was restored into another database and compared.';

COMMENT ON COLUMN core.cache_invalidations.tags IS 'Tags of cached values, such as product:7; * is all of them.';

COMMENT ON COLUMN core.cache_lease.redis IS 'The run id of the one Redis whose values are served.';

COMMENT ON COLUMN core.cache_lease.term IS 'How often another Redis, or another run of it, has taken over.';

COMMENT ON COLUMN core.cache_lease.valid_until IS 'Not before this time does a change count that Redis could not be told of.';

COMMENT ON COLUMN core.job_receipts.job_id IS 'The id of the job in the outbox; that of another job in its queue, followed by @ and its timestamp there, since queues may use an id again.';

COMMENT ON COLUMN core.job_receipts.state IS 'failed: given up, since no retry would help. dead: out of attempts. A job in either state may still be begun again.';

COMMENT ON COLUMN core.jobs.attempts IS 'How often the job was claimed.';

COMMENT ON COLUMN core.jobs.dedupe_key IS 'While a job with this key is waiting or active in its queue, a second one is not accepted.';

COMMENT ON COLUMN core.jobs.last_error IS 'Why the last attempt that failed did so; kept when a later one succeeds.';

COMMENT ON COLUMN core.jobs.locked_by IS 'The worker that holds the job.';

COMMENT ON COLUMN core.jobs.priority IS 'Smaller is sooner.';

COMMENT ON COLUMN core.outbox."position" IS 'The order in which jobs are sent. What one session wrote keeps its order; transactions at the same time have none.';

COMMENT ON COLUMN core.outbox.batch IS 'The batch that the job was last sent in; NULL while it is to be sent.';

COMMENT ON COLUMN core.outbox.id IS 'The id of the job in its queue, so that a job sent twice is there once.';

COMMENT ON COLUMN core.outbox.priority IS 'Smaller is sooner; NULL is the default of the queue.';

COMMENT ON COLUMN core.outbox.run_at IS 'Not before this time; NULL is at once.';

COMMENT ON COLUMN core.queues.backoff_ms IS 'The wait before the second attempt; an exponential backoff doubles it with each further one, up to backoff_max_ms.';

COMMENT ON COLUMN core.queues.default_priority IS 'Smaller is sooner.';

COMMENT ON COLUMN core.queues.keep_completed IS 'How many completed jobs prune_jobs leaves, the newest ones.';

COMMENT ON COLUMN core.queues.keep_failed IS 'How many failed, dead and cancelled jobs prune_jobs leaves, the newest ones.';

COMMENT ON COLUMN core.queues.lease_s IS 'How long a worker may hold a job without a heartbeat.';

COMMENT ON COLUMN core.queues.max_active IS 'The most jobs that all workers together may hold at one time.';

COMMENT ON COLUMN core.queues.receipts IS 'Whether the workers of this queue call core.begin_job. Without, a row leaves the outbox as soon as the queue has the job.';

COMMENT ON COLUMN core.webhook_events.error IS 'Why the event could not be processed yet.';

COMMENT ON COLUMN core.webhook_events.event_id IS 'The provider''s own id of the event.';

COMMENT ON TABLE core.audit_log IS 'Who changed which row of an audited table, when, and from what to what. TRUNCATE leaves no entry.';

COMMENT ON TABLE core.backups IS 'The backups that were made of this database.';

COMMENT ON TABLE core.cache_invalidations IS 'What committed changes have made stale; a row goes when whoever extends the lease has told Redis. Insert one in any transaction, from any client.';

COMMENT ON TABLE core.cache_lease IS 'One row: until when values in Redis may be served without looking here again.';

COMMENT ON TABLE core.job_receipts IS 'Jobs that are over. That of a completed one is written in the transaction of its effect, so that a job that is handed out twice takes effect once.';

COMMENT ON TABLE core.jobs IS 'Work to be done later, by a worker; one row from enqueue_job to prune_jobs.';

COMMENT ON TABLE core.outbox IS 'Jobs for queues outside the database, from the transaction that asks for one to the transaction that has done it.';

COMMENT ON TABLE core.queues IS 'The job queues and how each is worked off.';

COMMENT ON TABLE core.seed_versions IS 'The seed data that was loaded; checksum is that of the file as it was then.';

COMMENT ON TABLE core.webhook_events IS 'Every webhook event, once: providers deliver an event again until they hear that it arrived.';

COMMENT ON TYPE core.job_state IS 'waiting: to be claimed from run_at on. active: claimed, until lease_until. completed: done. failed: given up by its worker, since no retry would help. dead: out of attempts. cancelled: taken back before it was claimed.';

-- Schema dining

CREATE SCHEMA dining;

CREATE TYPE dining.activity_level AS ENUM (
    'trending',
    'active',
    'normal'
);

CREATE TYPE dining.entity_type AS ENUM (
    'restaurant',
    'dish_or_category',
    'dish_attribute',
    'restaurant_attribute'
);

CREATE TYPE dining.mention_source AS ENUM (
    'post',
    'comment'
);

CREATE TYPE dining.subscription_status AS ENUM (
    'trialing',
    'active',
    'cancelled',
    'expired'
);

CREATE TYPE dining.list_position AS (
    score numeric,
    id uuid
);

CREATE TYPE dining.staged_connection AS (
    restaurant_id uuid,
    dish_id uuid,
    dish_attributes uuid[],
    categories uuid[],
    is_menu_item boolean
);

CREATE TYPE dining.staged_entity AS (
    type dining.entity_type,
    name text,
    aliases text[],
    latitude double precision,
    longitude double precision,
    address text,
    google_place_id text,
    details jsonb,
    embedding public.vector(384)
);

CREATE TYPE dining.staged_mention AS (
    connection_id uuid,
    source dining.mention_source,
    source_id text,
    thread_id text,
    url text,
    subreddit text,
    author text,
    excerpt text,
    upvotes integer,
    posted_at timestamp with time zone
);

CREATE TYPE dining.viewport AS (
    sw_latitude double precision,
    sw_longitude double precision,
    ne_latitude double precision,
    ne_longitude double precision
);

CREATE OR REPLACE FUNCTION dining.alias_set(name text, aliases text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(array_agg(alias.spelling ORDER BY alias.spelling), '{}'::text[]) AS "coalesce" FROM (SELECT min((given.alias COLLATE "C")) AS spelling FROM unnest(alias_set.aliases) given(alias) WHERE (dining.normalize_name(given.alias) <> dining.normalize_name(alias_set.name)) GROUP BY (dining.normalize_name(given.alias))) alias);

CREATE OR REPLACE FUNCTION dining.dish_score(strength double precision, context double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((0.88)::double precision * strength) + ((0.12)::double precision * context));

CREATE OR REPLACE FUNCTION dining.freshness(posted_at timestamp with time zone, as_of timestamp with time zone)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN exp(((- (EXTRACT(epoch FROM (as_of - posted_at)))::double precision) / ((60 * 86400))::double precision));

CREATE OR REPLACE FUNCTION dining.in_viewport(latitude double precision, longitude double precision, viewport dining.viewport)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((latitude >= (viewport).sw_latitude) AND (latitude <= (viewport).ne_latitude) AND (longitude >= CASE WHEN ((viewport).ne_longitude < (viewport).sw_longitude) THEN ('-180'::integer)::double precision ELSE (viewport).sw_longitude END) AND (longitude <= CASE WHEN ((viewport).ne_longitude < (viewport).sw_longitude) THEN (180)::double precision ELSE (viewport).ne_longitude END) AND (((viewport).ne_longitude >= (viewport).sw_longitude) OR (longitude >= (viewport).sw_longitude) OR (longitude <= (viewport).ne_longitude)));

CREATE OR REPLACE FUNCTION dining.insert_members()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO dining.connection_dishes (connection_id, dish_id, dish_score)
    SELECT
        added.id,
        unnest(array_remove(added.categories, added.dish_id) || added.dish_id),
        added.dish_score
    FROM added;

    INSERT INTO dining.connection_attributes (connection_id, attribute_id)
    SELECT
        added.id,
        unnest(added.dish_attributes)
    FROM added;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION dining.merged_connections(keep_id uuid, drop_id uuid)
 RETURNS TABLE(id uuid, duplicates uuid[], restaurant_id uuid, dish_id uuid, dish_attributes uuid[], categories uuid[], is_menu_item boolean)
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 WITH renamed AS MATERIALIZED (
          SELECT connection.id,
             COALESCE(NULLIF(connection.restaurant_id, merged_connections.drop_id), merged_connections.keep_id) AS restaurant_id,
             COALESCE(NULLIF(connection.dish_id, merged_connections.drop_id), merged_connections.keep_id) AS dish_id,
             dining.sorted_set(array_replace(connection.dish_attributes, merged_connections.drop_id, merged_connections.keep_id)) AS dish_attributes,
             dining.sorted_set(array_replace(connection.categories, merged_connections.drop_id, merged_connections.keep_id)) AS categories,
             connection.is_menu_item
            FROM dining.connections connection
           WHERE (connection.id IN ( SELECT own.id
                    FROM dining.connections own
                   WHERE (own.restaurant_id = merged_connections.drop_id)
                 UNION ALL
                  SELECT tag.connection_id
                    FROM dining.connection_tags tag
                   WHERE (tag.tag_id = merged_connections.drop_id)))
         ), joined AS (
          SELECT renamed.id,
             renamed.restaurant_id,
             renamed.dish_id,
             renamed.dish_attributes,
             renamed.categories,
             renamed.is_menu_item,
             true AS is_renamed
            FROM renamed
         UNION
          SELECT connection.id,
             connection.restaurant_id,
             connection.dish_id,
             connection.dish_attributes,
             connection.categories,
             connection.is_menu_item,
             false
            FROM (renamed
              JOIN dining.connections connection USING (restaurant_id, dish_id, dish_attributes))
           WHERE (NOT (connection.id IN ( SELECT renamed_1.id
                    FROM renamed renamed_1)))
         ), merged AS (
          SELECT array_agg(joined.id ORDER BY joined.is_renamed, joined.id) AS ids,
             joined.restaurant_id,
             joined.dish_id,
             joined.dish_attributes,
             bool_or(joined.is_menu_item) AS is_menu_item
            FROM joined
           GROUP BY joined.restaurant_id, joined.dish_id, joined.dish_attributes
         )
  SELECT merged.ids[1] AS ids,
     merged.ids[2:] AS ids,
     merged.restaurant_id,
     merged.dish_id,
     merged.dish_attributes,
     ARRAY( SELECT DISTINCT category.id
            FROM (joined
              CROSS JOIN LATERAL unnest(joined.categories) category(id))
           WHERE (joined.id = ANY (merged.ids))
           ORDER BY category.id) AS "array",
     merged.is_menu_item
    FROM merged;
END;

CREATE OR REPLACE FUNCTION dining.name_trigrams(names text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN core.trigrams((SELECT COALESCE(string_agg(normalized.name, ' '::text), ''::text) AS "coalesce" FROM unnest(dining.normalize_names(name_trigrams.names)) normalized(name)));

CREATE OR REPLACE FUNCTION dining.normalize_name(name text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN NULLIF(btrim(regexp_replace(translate(lower(name), '''’‘`'::text, ''::text), '[\s!-/:-@\[-`{-~“”«»–—…·]+'::text, ' '::text, 'g'::text)), ''::text);

CREATE OR REPLACE FUNCTION dining.normalize_names(names text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(array_agg(DISTINCT (normalized.name COLLATE "C")) FILTER (WHERE (normalized.name IS NOT NULL)), '{}'::text[]) AS "coalesce" FROM (unnest(normalize_names.names) given(name) CROSS JOIN LATERAL dining.normalize_name(given.name) normalized(name)));

CREATE OR REPLACE FUNCTION dining.restaurant_score(best double precision, overall double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((0.8)::double precision * best) + ((0.2)::double precision * overall));

CREATE OR REPLACE FUNCTION dining.sorted_set(members uuid[])
 RETURNS uuid[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(array_agg(DISTINCT member.value ORDER BY member.value), '{}'::uuid[]) AS "coalesce" FROM unnest(sorted_set.members) member(value));

CREATE OR REPLACE FUNCTION dining.staged_connections()
 RETURNS SETOF dining.staged_connection
 LANGUAGE plpgsql
 STABLE ROWS 10000
AS $function$
BEGIN
    RETURN QUERY TABLE pg_temp.staged_connections;
END
$function$;

CREATE OR REPLACE FUNCTION dining.staged_entities()
 RETURNS SETOF dining.staged_entity
 LANGUAGE plpgsql
 STABLE ROWS 10000
AS $function$
BEGIN
    RETURN QUERY TABLE pg_temp.staged_entities;
END
$function$;

CREATE OR REPLACE FUNCTION dining.staged_mentions()
 RETURNS SETOF dining.staged_mention
 LANGUAGE plpgsql
 STABLE ROWS 10000
AS $function$
BEGIN
    RETURN QUERY TABLE pg_temp.staged_mentions;
END
$function$;

CREATE OR REPLACE FUNCTION dining.strength(mentions double precision, upvotes double precision, threads double precision)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((((40)::double precision * mentions) / (mentions + (5)::double precision)) + (((40)::double precision * upvotes) / (upvotes + (50)::double precision))) + (((20)::double precision * threads) / (threads + (3)::double precision)));

CREATE OR REPLACE FUNCTION dining.update_members()
 RETURNS trigger
 LANGUAGE plpgsql
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    changed CONSTANT uuid[] := ARRAY(
        SELECT difference.id
        FROM (
            SELECT
                after.id,
                after.dish_id,
                after.categories,
                after.dish_attributes
            FROM after
            EXCEPT
            SELECT
                before.id,
                before.dish_id,
                before.categories,
                before.dish_attributes
            FROM before
        ) AS difference
    );
BEGIN
    UPDATE dining.connection_dishes AS member
    SET dish_score = after.dish_score
    FROM after
    WHERE
        member.connection_id = after.id
        AND member.dish_score <> after.dish_score;

    IF changed = '{}' THEN
        RETURN NULL;
    END IF;

    DELETE FROM dining.connection_dishes AS member
    WHERE member.connection_id = ANY (changed);

    INSERT INTO dining.connection_dishes (connection_id, dish_id, dish_score)
    SELECT
        after.id,
        unnest(array_remove(after.categories, after.dish_id) || after.dish_id),
        after.dish_score
    FROM after
    WHERE after.id = ANY (changed);

    DELETE FROM dining.connection_attributes AS member
    WHERE member.connection_id = ANY (changed);

    INSERT INTO dining.connection_attributes (connection_id, attribute_id)
    SELECT
        after.id,
        unnest(after.dish_attributes)
    FROM after
    WHERE after.id = ANY (changed);

    RETURN NULL;
END
$function$;

CREATE TABLE dining.connection_attributes (
    connection_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    attribute_type dining.entity_type GENERATED ALWAYS AS ('dish_attribute'::dining.entity_type) STORED NOT NULL,
    CONSTRAINT connection_attributes_attribute_id_fkey FOREIGN KEY (attribute_id, attribute_type) REFERENCES dining.entities(id, type) ON DELETE RESTRICT,
    CONSTRAINT connection_attributes_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES dining.connections(id) ON DELETE CASCADE,
    CONSTRAINT connection_attributes_pkey PRIMARY KEY (connection_id, attribute_id)
);

CREATE TABLE dining.connection_dishes (
    connection_id uuid NOT NULL,
    dish_id uuid NOT NULL,
    dish_score numeric(10,4) NOT NULL,
    dish_type dining.entity_type GENERATED ALWAYS AS ('dish_or_category'::dining.entity_type) STORED NOT NULL,
    CONSTRAINT connection_dishes_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES dining.connections(id) ON DELETE CASCADE,
    CONSTRAINT connection_dishes_dish_id_fkey FOREIGN KEY (dish_id, dish_type) REFERENCES dining.entities(id, type) ON DELETE RESTRICT,
    CONSTRAINT connection_dishes_pkey PRIMARY KEY (connection_id, dish_id)
);

CREATE TABLE dining.connections (
    id uuid DEFAULT core.new_id() NOT NULL,
    restaurant_id uuid NOT NULL,
    dish_id uuid NOT NULL,
    dish_attributes uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    categories uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    is_menu_item boolean DEFAULT true NOT NULL,
    mention_count integer DEFAULT 0 NOT NULL,
    recent_mention_count integer DEFAULT 0 NOT NULL,
    source_diversity integer DEFAULT 0 NOT NULL,
    total_upvotes bigint DEFAULT 0 NOT NULL,
    last_mentioned_at timestamp with time zone,
    top_mentions jsonb DEFAULT '[]'::jsonb NOT NULL,
    activity_level dining.activity_level DEFAULT 'normal'::dining.activity_level NOT NULL,
    strength numeric(10,4) DEFAULT 0 NOT NULL,
    dish_score numeric(10,4) DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    restaurant_type dining.entity_type GENERATED ALWAYS AS ('restaurant'::dining.entity_type) STORED NOT NULL,
    dish_type dining.entity_type GENERATED ALWAYS AS ('dish_or_category'::dining.entity_type) STORED NOT NULL,
    CONSTRAINT connections_categories_check CHECK ((categories = dining.sorted_set(categories))),
    CONSTRAINT connections_dish_attributes_check CHECK ((dish_attributes = dining.sorted_set(dish_attributes))),
    CONSTRAINT connections_dish_id_fkey FOREIGN KEY (dish_id, dish_type) REFERENCES dining.entities(id, type) ON DELETE RESTRICT,
    CONSTRAINT connections_dish_score_check CHECK (((dish_score >= (0)::numeric) AND (dish_score <= (100)::numeric))),
    CONSTRAINT connections_last_mentioned_at_check CHECK (((last_mentioned_at IS NULL) = (mention_count = 0))),
    CONSTRAINT connections_mention_count_check CHECK ((mention_count >= 0)),
    CONSTRAINT connections_pkey PRIMARY KEY (id),
    CONSTRAINT connections_recent_mention_count_check CHECK (((recent_mention_count >= 0) AND (recent_mention_count <= mention_count))),
    CONSTRAINT connections_restaurant_id_dish_id_dish_attributes_key UNIQUE (restaurant_id, dish_id, dish_attributes),
    CONSTRAINT connections_restaurant_id_fkey FOREIGN KEY (restaurant_id, restaurant_type) REFERENCES dining.entities(id, type) ON DELETE RESTRICT,
    CONSTRAINT connections_source_diversity_check CHECK (((source_diversity >= 0) AND (source_diversity <= mention_count))),
    CONSTRAINT connections_strength_check CHECK (((strength >= (0)::numeric) AND (strength <= (100)::numeric))),
    CONSTRAINT connections_top_mentions_check CHECK (((jsonb_typeof(top_mentions) = 'array'::text) AND (jsonb_array_length(top_mentions) <= 5)))
)
WITH (fillfactor='70');

CREATE TABLE dining.entities (
    id uuid DEFAULT core.new_id() NOT NULL,
    type dining.entity_type NOT NULL,
    name text NOT NULL,
    aliases text[] DEFAULT '{}'::text[] NOT NULL,
    latitude double precision,
    longitude double precision,
    address text,
    google_place_id text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    restaurant_score numeric(10,4),
    embedding public.vector(384),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    normalized_name text GENERATED ALWAYS AS (dining.normalize_name(name)) STORED NOT NULL,
    known_as text[] GENERATED ALWAYS AS (dining.normalize_names((name || aliases))) STORED NOT NULL,
    trigrams text[] GENERATED ALWAYS AS (dining.name_trigrams((name || aliases))) STORED NOT NULL,
    CONSTRAINT entities_address_check CHECK (((char_length(address) >= 1) AND (char_length(address) <= 500))),
    CONSTRAINT entities_aliases_check CHECK ((aliases = dining.alias_set(name, aliases))),
    CONSTRAINT entities_details_check CHECK ((jsonb_typeof(details) = 'object'::text)),
    CONSTRAINT entities_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT entities_google_place_id_check CHECK (((char_length(google_place_id) >= 1) AND (char_length(google_place_id) <= 255))),
    CONSTRAINT entities_google_place_id_key UNIQUE (google_place_id),
    CONSTRAINT entities_id_type_key UNIQUE (id, type),
    CONSTRAINT entities_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
    CONSTRAINT entities_latitude_longitude_check CHECK (((latitude IS NULL) = (longitude IS NULL))),
    CONSTRAINT entities_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
    CONSTRAINT entities_name_check CHECK ((char_length(name) <= 255)),
    CONSTRAINT entities_pkey PRIMARY KEY (id),
    CONSTRAINT entities_restaurant_score_check CHECK (((restaurant_score >= (0)::numeric) AND (restaurant_score <= (100)::numeric))),
    CONSTRAINT entities_type_check CHECK (((type = 'restaurant'::dining.entity_type) OR ((latitude IS NULL) AND (address IS NULL) AND (google_place_id IS NULL) AND (details = '{}'::jsonb) AND (restaurant_score IS NULL)))),
    CONSTRAINT entities_type_normalized_name_key UNIQUE (type, normalized_name)
);

CREATE TABLE dining.mentions (
    connection_id uuid NOT NULL,
    source dining.mention_source NOT NULL,
    source_id text NOT NULL,
    thread_id text NOT NULL,
    url text NOT NULL,
    subreddit text NOT NULL,
    author text,
    excerpt text NOT NULL,
    upvotes integer DEFAULT 0 NOT NULL,
    posted_at timestamp with time zone NOT NULL,
    processed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT mentions_author_check CHECK (((char_length(author) >= 1) AND (char_length(author) <= 255))),
    CONSTRAINT mentions_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES dining.connections(id) ON DELETE CASCADE,
    CONSTRAINT mentions_excerpt_check CHECK (((char_length(excerpt) >= 1) AND (char_length(excerpt) <= 10000))),
    CONSTRAINT mentions_pkey PRIMARY KEY (connection_id, source, source_id),
    CONSTRAINT mentions_posted_at_check CHECK ((posted_at <= processed_at)),
    CONSTRAINT mentions_source_id_check CHECK (((char_length(source_id) >= 1) AND (char_length(source_id) <= 255))),
    CONSTRAINT mentions_subreddit_check CHECK (((char_length(subreddit) >= 1) AND (char_length(subreddit) <= 100))),
    CONSTRAINT mentions_thread_id_check CHECK (((char_length(thread_id) >= 1) AND (char_length(thread_id) <= 255))),
    CONSTRAINT mentions_url_check CHECK (((url ~ '^https?://[^\s]+$'::text) AND (char_length(url) <= 500)))
);

CREATE TABLE dining.restaurant_attributes (
    restaurant_id uuid NOT NULL,
    attribute_id uuid NOT NULL,
    restaurant_type dining.entity_type GENERATED ALWAYS AS ('restaurant'::dining.entity_type) STORED NOT NULL,
    attribute_type dining.entity_type GENERATED ALWAYS AS ('restaurant_attribute'::dining.entity_type) STORED NOT NULL,
    CONSTRAINT restaurant_attributes_attribute_id_fkey FOREIGN KEY (attribute_id, attribute_type) REFERENCES dining.entities(id, type) ON DELETE RESTRICT,
    CONSTRAINT restaurant_attributes_pkey PRIMARY KEY (restaurant_id, attribute_id),
    CONSTRAINT restaurant_attributes_restaurant_id_fkey FOREIGN KEY (restaurant_id, restaurant_type) REFERENCES dining.entities(id, type) ON DELETE CASCADE
);

CREATE TABLE dining.subscriptions (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    stripe_subscription_id text,
    status dining.subscription_status NOT NULL,
    current_period_start timestamp with time zone,
    current_period_end timestamp with time zone,
    cancel_at_period_end boolean DEFAULT false NOT NULL,
    cancelled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT subscriptions_cancelled_at_check CHECK (((cancelled_at IS NULL) OR (status = ANY (ARRAY['cancelled'::dining.subscription_status, 'expired'::dining.subscription_status])))),
    CONSTRAINT subscriptions_current_period_start_current_period_end_check CHECK ((((current_period_start IS NULL) = (current_period_end IS NULL)) AND (current_period_start <= current_period_end))),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
    CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES dining.users(id) ON DELETE RESTRICT
);

CREATE TABLE dining.user_events (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    event_type text NOT NULL,
    event_data jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT user_events_event_data_check CHECK ((jsonb_typeof(event_data) = 'object'::text)),
    CONSTRAINT user_events_event_type_check CHECK (((event_type ~ '\S'::text) AND (char_length(event_type) <= 50))),
    CONSTRAINT user_events_pkey PRIMARY KEY (id),
    CONSTRAINT user_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES dining.users(id) ON DELETE CASCADE
);

CREATE TABLE dining.users (
    id uuid DEFAULT core.new_id() NOT NULL,
    email text NOT NULL,
    subscription_status dining.subscription_status DEFAULT 'trialing'::dining.subscription_status NOT NULL,
    trial_started_at timestamp with time zone,
    trial_ends_at timestamp with time zone,
    stripe_customer_id text,
    referral_code text,
    referred_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK (((email ~ '^[^@\s]+@[^@\s]+$'::text) AND (char_length(email) <= 255))),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_referral_code_check CHECK (((char_length(referral_code) >= 1) AND (char_length(referral_code) <= 50))),
    CONSTRAINT users_referral_code_key UNIQUE (referral_code),
    CONSTRAINT users_referred_by_check CHECK ((referred_by <> id)),
    CONSTRAINT users_referred_by_fkey FOREIGN KEY (referred_by) REFERENCES dining.users(id) ON DELETE SET NULL,
    CONSTRAINT users_stripe_customer_id_key UNIQUE (stripe_customer_id),
    CONSTRAINT users_trial_started_at_trial_ends_at_check CHECK ((((trial_started_at IS NULL) = (trial_ends_at IS NULL)) AND (trial_started_at <= trial_ends_at)))
);

CREATE INDEX connection_attributes_attribute_id_connection_id_idx ON dining.connection_attributes USING btree (attribute_id, connection_id);

CREATE INDEX connection_dishes_dish_id_dish_score_connection_id_idx ON dining.connection_dishes USING btree (dish_id, dish_score, connection_id);

CREATE INDEX connections_activity_level_dish_score_id_idx ON dining.connections USING btree (activity_level, dish_score, id) WHERE (activity_level <> 'normal'::dining.activity_level);

CREATE INDEX connections_dish_attributes_idx ON dining.connections USING gin (dish_attributes);

CREATE INDEX connections_dish_id_dish_score_id_idx ON dining.connections USING btree (dish_id, dish_score, id);

CREATE INDEX connections_dish_score_id_idx ON dining.connections USING btree (dish_score, id);

CREATE INDEX connections_restaurant_id_dish_score_id_idx ON dining.connections USING btree (restaurant_id, dish_score, id);

CREATE INDEX entities_embedding_idx ON dining.entities USING hnsw (embedding public.vector_cosine_ops);

CREATE INDEX entities_known_as_idx ON dining.entities USING gin (known_as);

CREATE INDEX entities_longitude_latitude_idx ON dining.entities USING btree (longitude, latitude) WHERE (latitude IS NOT NULL);

CREATE INDEX entities_normalized_name_idx ON dining.entities USING btree (normalized_name COLLATE "C");

CREATE INDEX entities_restaurant_score_id_idx ON dining.entities USING btree (restaurant_score, id) WHERE (restaurant_score IS NOT NULL);

CREATE INDEX entities_trigrams_idx ON dining.entities USING gin (trigrams);

CREATE INDEX mentions_posted_at_idx ON dining.mentions USING btree (posted_at);

CREATE INDEX restaurant_attributes_attribute_id_idx ON dining.restaurant_attributes USING btree (attribute_id);

CREATE INDEX subscriptions_status_current_period_end_idx ON dining.subscriptions USING btree (status, current_period_end);

CREATE INDEX subscriptions_user_id_idx ON dining.subscriptions USING btree (user_id);

CREATE INDEX user_events_event_type_created_at_idx ON dining.user_events USING btree (event_type, created_at);

CREATE INDEX user_events_user_id_created_at_idx ON dining.user_events USING btree (user_id, created_at);

CREATE UNIQUE INDEX users_lower_email_key ON dining.users USING btree (lower(email));

CREATE INDEX users_referred_by_idx ON dining.users USING btree (referred_by) WHERE (referred_by IS NOT NULL);

CREATE INDEX users_subscription_status_trial_ends_at_idx ON dining.users USING btree (subscription_status, trial_ends_at);

CREATE VIEW dining.connection_tags AS
 SELECT member.connection_id,
    member.dish_id AS tag_id
   FROM dining.connection_dishes member
UNION ALL
 SELECT member.connection_id,
    member.attribute_id AS tag_id
   FROM dining.connection_attributes member;

-- Columns of dining.connection_tags
--     connection_id uuid
--     tag_id uuid

CREATE VIEW dining.integrity AS
 SELECT 'reference'::text AS kind,
    'a connection joins a restaurant with a dish'::text AS rule,
    count(*) AS violations
   FROM ((dining.connections connection
     LEFT JOIN dining.entities restaurant ON (((restaurant.id = connection.restaurant_id) AND (restaurant.type = 'restaurant'::dining.entity_type))))
     LEFT JOIN dining.entities dish ON (((dish.id = connection.dish_id) AND (dish.type = 'dish_or_category'::dining.entity_type))))
  WHERE ((restaurant.id IS NULL) OR (dish.id IS NULL))
UNION ALL
 SELECT 'reference'::text AS kind,
    'a dish and every member of categories has its foreign key'::text AS rule,
    count(*) AS violations
   FROM dining.connections connection
  WHERE (dining.sorted_set((connection.categories || connection.dish_id)) <> ARRAY( SELECT member.dish_id
           FROM dining.connection_dishes member
          WHERE (member.connection_id = connection.id)
          ORDER BY member.dish_id))
UNION ALL
 SELECT 'reference'::text AS kind,
    'every member of dish_attributes has its foreign key'::text AS rule,
    count(*) AS violations
   FROM dining.connections connection
  WHERE (connection.dish_attributes <> ARRAY( SELECT member.attribute_id
           FROM dining.connection_attributes member
          WHERE (member.connection_id = connection.id)
          ORDER BY member.attribute_id))
UNION ALL
 SELECT 'reference'::text AS kind,
    'a mention belongs to a connection'::text AS rule,
    count(*) AS violations
   FROM (dining.mentions mention
     LEFT JOIN dining.connections connection ON ((connection.id = mention.connection_id)))
  WHERE (connection.id IS NULL)
UNION ALL
 SELECT 'figure'::text AS kind,
    'mention_count counts the mentions'::text AS rule,
    count(*) AS violations
   FROM (dining.connections connection
     LEFT JOIN ( SELECT mention.connection_id,
            count(*) AS total
           FROM dining.mentions mention
          GROUP BY mention.connection_id) mentions ON ((mentions.connection_id = connection.id)))
  WHERE (connection.mention_count <> COALESCE(mentions.total, (0)::bigint))
UNION ALL
 SELECT 'figure'::text AS kind,
    'a dish of a connection has its score'::text AS rule,
    count(*) AS violations
   FROM (dining.connections connection
     JOIN dining.connection_dishes member ON ((member.connection_id = connection.id)))
  WHERE (member.dish_score <> connection.dish_score)
UNION ALL
 SELECT 'figure'::text AS kind,
    'a top mention is a mention'::text AS rule,
    count(*) AS violations
   FROM ((dining.connections connection
     CROSS JOIN LATERAL jsonb_to_recordset(connection.top_mentions) top(source dining.mention_source, source_id text))
     LEFT JOIN dining.mentions mention ON (((mention.connection_id = connection.id) AND (mention.source = top.source) AND (mention.source_id = top.source_id))))
  WHERE (mention.connection_id IS NULL)
UNION ALL
 SELECT 'figure'::text AS kind,
    'a restaurant has a score if it has a dish'::text AS rule,
    count(*) AS violations
   FROM dining.entities restaurant
  WHERE ((restaurant.type = 'restaurant'::dining.entity_type) AND ((restaurant.restaurant_score IS NOT NULL) <> (EXISTS ( SELECT
           FROM dining.connections connection
          WHERE (connection.restaurant_id = restaurant.id)))));

-- Columns of dining.integrity
--     kind text
--     rule text
--     violations bigint

CREATE VIEW dining.trigram_frequencies AS
 SELECT common.trigram,
    common.frequency
   FROM (pg_stats stats
     CROSS JOIN LATERAL UNNEST(((stats.most_common_elems)::text)::text[], stats.most_common_elem_freqs) common(trigram, frequency))
  WHERE ((stats.schemaname = 'dining'::name) AND (stats.tablename = 'entities'::name) AND (stats.attname = 'trigrams'::name) AND (common.trigram IS NOT NULL));

-- Columns of dining.trigram_frequencies
--     trigram text
--     frequency real

CREATE TRIGGER connections_insert_members AFTER INSERT ON dining.connections REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION dining.insert_members();

CREATE TRIGGER connections_set_updated_at BEFORE UPDATE ON dining.connections FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER connections_update_members AFTER UPDATE ON dining.connections REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION dining.update_members();

CREATE TRIGGER entities_set_updated_at BEFORE UPDATE ON dining.entities FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER subscriptions_set_updated_at BEFORE UPDATE ON dining.subscriptions FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON dining.users FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

GRANT USAGE ON SCHEMA dining TO drystone_app;

GRANT USAGE ON SCHEMA dining TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.connection_attributes TO drystone_app;

GRANT SELECT ON TABLE dining.connection_attributes TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.connection_dishes TO drystone_app;

GRANT SELECT ON TABLE dining.connection_dishes TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.connection_tags TO drystone_app;

GRANT SELECT ON TABLE dining.connection_tags TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.connections TO drystone_app;

GRANT SELECT ON TABLE dining.connections TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.entities TO drystone_app;

GRANT SELECT ON TABLE dining.entities TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.integrity TO drystone_app;

GRANT SELECT ON TABLE dining.integrity TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.mentions TO drystone_app;

GRANT SELECT ON TABLE dining.mentions TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.restaurant_attributes TO drystone_app;

GRANT SELECT ON TABLE dining.restaurant_attributes TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.subscriptions TO drystone_app;

GRANT SELECT ON TABLE dining.subscriptions TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.trigram_frequencies TO drystone_app;

GRANT SELECT ON TABLE dining.trigram_frequencies TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.user_events TO drystone_app;

GRANT SELECT ON TABLE dining.user_events TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE dining.users TO drystone_app;

GRANT SELECT ON TABLE dining.users TO drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA dining GRANT SELECT, USAGE ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA dining GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA dining GRANT SELECT ON TABLES TO drystone_readonly;

COMMENT ON FUNCTION dining.alias_set(text,text[]) IS 'The aliases that say more than the name does, once each, in bytewise order: one array for one set, the same under every locale.';

COMMENT ON FUNCTION dining.dish_score(double precision,double precision) IS 'Its own strength, and a little of the mean strength at its restaurant.';

COMMENT ON FUNCTION dining.freshness(timestamp with time zone,timestamp with time zone) IS 'What is left of a mention''s weight: e to the power of -days / 60.';

COMMENT ON FUNCTION dining.in_viewport(double precision,double precision,dining.viewport) IS 'Whether a place lies in a part of the map.';

COMMENT ON FUNCTION dining.insert_members() IS 'For AFTER INSERT ON dining.connections REFERENCING NEW TABLE AS added FOR EACH STATEMENT.';

COMMENT ON FUNCTION dining.merged_connections(uuid,uuid) IS 'The connections that would name keep_id instead of drop_id, as they would be, each with the duplicates that it would absorb. While they are moved it keeps telling what is left to do.';

COMMENT ON FUNCTION dining.name_trigrams(text[]) IS 'The trigrams that any of the normalised names has.';

COMMENT ON FUNCTION dining.normalize_name(text) IS 'Lower case, without apostrophes, a blank for any other punctuation, trimmed; NULL when nothing is left. Torchy''s Tacos, TORCHYS TACOS and Torchy’s-Tacos are one.';

COMMENT ON FUNCTION dining.normalize_names(text[]) IS 'The distinct normalised names, sorted bytewise.';

COMMENT ON FUNCTION dining.restaurant_score(double precision,double precision) IS 'The mean score of its five best dishes, and a little of the mean of all.';

COMMENT ON FUNCTION dining.sorted_set(uuid[]) IS 'The distinct members in order: one array for one set, so that unique constraints compare sets.';

COMMENT ON FUNCTION dining.staged_connections() IS 'The rows of the temporary table of this name.';

COMMENT ON FUNCTION dining.staged_entities() IS 'The rows of the temporary table of this name.';

COMMENT ON FUNCTION dining.staged_mentions() IS 'The rows of the temporary table of this name.';

COMMENT ON FUNCTION dining.strength(double precision,double precision,double precision) IS 'How much is said of a connection: 40 for mentions, 40 for upvotes, both faded with age, and 20 for different threads. Half of each is reached at 5 mentions, 50 upvotes, 3 threads.';

COMMENT ON FUNCTION dining.update_members() IS 'For AFTER UPDATE ON dining.connections REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT.';

COMMENT ON SCHEMA dining IS 'Restaurants and dishes as they are mentioned on Reddit: entities, connections between them, and the mentions that are the evidence.';

COMMENT ON COLUMN dining.connection_dishes.dish_score IS 'The score of the connection.';

COMMENT ON COLUMN dining.connections.categories IS 'The categories that the dish belongs to here: a set of dishes or categories, sorted.';

COMMENT ON COLUMN dining.connections.dish_attributes IS 'What this dish is like here: a set of dish attributes, sorted.';

COMMENT ON COLUMN dining.connections.dish_score IS 'How good it is, 0 to 100, by dining.dish_score().';

COMMENT ON COLUMN dining.connections.is_menu_item IS 'Whether it can be ordered by this name; false for a mere category.';

COMMENT ON COLUMN dining.connections.recent_mention_count IS 'The mentions of the last 30 days.';

COMMENT ON COLUMN dining.connections.source_diversity IS 'The different threads that the mentions are from.';

COMMENT ON COLUMN dining.connections.strength IS 'How much is said of it, 0 to 100, by dining.strength().';

COMMENT ON COLUMN dining.connections.top_mentions IS 'Up to five mentions by upvotes that fade with age, best first: source, source_id, url, upvotes, posted_at.';

COMMENT ON COLUMN dining.entities.aliases IS 'Other names, as they were written: a set by dining.alias_set().';

COMMENT ON COLUMN dining.entities.details IS 'What else is known of a restaurant, such as opening hours and prices.';

COMMENT ON COLUMN dining.entities.embedding IS 'Embedding of the name in its context; cosine distance. The zero vector has no direction and is refused.';

COMMENT ON COLUMN dining.entities.known_as IS 'Name and aliases, normalised.';

COMMENT ON COLUMN dining.entities.normalized_name IS 'What is unique within a type; a name of punctuation alone has none and is refused.';

COMMENT ON COLUMN dining.entities.restaurant_score IS 'How good its dishes are, 0 to 100, by dining.restaurant_score(); NULL without any.';

COMMENT ON COLUMN dining.entities.trigrams IS 'Trigrams of the name and of all aliases, for candidates by similarity.';

COMMENT ON COLUMN dining.mentions.author IS 'NULL for a deleted account.';

COMMENT ON COLUMN dining.mentions.source_id IS 'Reddit''s id of the post or comment.';

COMMENT ON COLUMN dining.mentions.subreddit IS 'Its name without r/.';

COMMENT ON COLUMN dining.mentions.thread_id IS 'Reddit''s id of the post that the discussion belongs to.';

COMMENT ON COLUMN dining.mentions.upvotes IS 'Reddit''s score when it was last seen: upvotes less downvotes.';

COMMENT ON COLUMN dining.users.referral_code IS 'What others name when they come by this user''s recommendation.';

COMMENT ON TABLE dining.connection_attributes IS 'The members of dish_attributes of each connection; written by triggers of dining.connections alone.';

COMMENT ON TABLE dining.connection_dishes IS 'The dish of each connection and the members of its categories; written by triggers of dining.connections alone.';

COMMENT ON TABLE dining.connections IS 'A dish or category at a restaurant, with what people say of it.';

COMMENT ON TABLE dining.entities IS 'A restaurant, a dish or category of dishes, or an attribute of either.';

COMMENT ON TABLE dining.mentions IS 'A post or comment that speaks of a connection: the evidence for its score.';

COMMENT ON TABLE dining.restaurant_attributes IS 'What a restaurant is like; an attribute that a restaurant has cannot be deleted.';

COMMENT ON TABLE dining.subscriptions IS 'A subscription as the payment provider last told of it.';

COMMENT ON TABLE dining.user_events IS 'What a user did: a search, a click, a share.';

COMMENT ON TABLE dining.users IS 'A person who uses the service, once by e-mail address in any case.';

COMMENT ON TYPE dining.activity_level IS 'trending: the top mentions, at least three, are all of the last 30 days. active: mentioned in the last 7 days. normal: neither.';

COMMENT ON TYPE dining.entity_type IS 'What an entity is. One name may be of several types: Italian is an attribute of dishes and, as another entity, of restaurants.';

COMMENT ON TYPE dining.list_position IS 'The last row that was seen of a list by score: what the next page begins behind.';

COMMENT ON TYPE dining.mention_source IS 'Where on Reddit a mention was found.';

COMMENT ON TYPE dining.staged_connection IS 'What is copied of a row of dining.connections.';

COMMENT ON TYPE dining.staged_entity IS 'What is copied of a row of dining.entities.';

COMMENT ON TYPE dining.staged_mention IS 'What is copied of a row of dining.mentions.';

COMMENT ON TYPE dining.subscription_status IS 'What a user may use: during the trial, while it is paid, until the paid period ends, nothing more.';

COMMENT ON TYPE dining.viewport IS 'A part of the map by its south-western and north-eastern corner; it may lie across the 180th meridian.';

COMMENT ON COLUMN dining.integrity.kind IS 'reference: what belongs to something has it, always. figure: what is computed from mentions is right, once it was computed after the last load.';

COMMENT ON VIEW dining.connection_tags IS 'Everything that a connection says of a restaurant: dish, categories, attributes.';

COMMENT ON VIEW dining.integrity IS 'How many rows break each rule.';

COMMENT ON VIEW dining.trigram_frequencies IS 'The share of entities that have a common trigram, as ANALYZE last saw it: what to look for first when names are compared. Only speed depends on it.';

-- Schema event_network

CREATE SCHEMA event_network;

-- graph event_network
--     schema: event_network

-- graph label event_network."COVERS"
--     graph: event_network
--     kind: edge
--     relation: event_network."COVERS"

-- graph label event_network."Company"
--     graph: event_network
--     kind: vertex
--     relation: event_network."Company"

-- graph label event_network."Event"
--     graph: event_network
--     kind: vertex
--     relation: event_network."Event"

-- graph label event_network."INVOLVED_IN"
--     graph: event_network
--     kind: edge
--     relation: event_network."INVOLVED_IN"

-- graph label event_network."SPEAKS_AT"
--     graph: event_network
--     kind: edge
--     relation: event_network."SPEAKS_AT"

-- graph label event_network."Speaker"
--     graph: event_network
--     kind: vertex
--     relation: event_network."Speaker"

-- graph label event_network."Topic"
--     graph: event_network
--     kind: vertex
--     relation: event_network."Topic"

-- graph label event_network."WORKS_FOR"
--     graph: event_network
--     kind: edge
--     relation: event_network."WORKS_FOR"

-- graph label event_network._ag_label_edge
--     graph: event_network
--     kind: edge
--     relation: event_network._ag_label_edge

-- graph label event_network._ag_label_vertex
--     graph: event_network
--     kind: vertex
--     relation: event_network._ag_label_vertex

CREATE SEQUENCE event_network."COVERS_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."COVERS_id_seq" OWNED BY event_network."COVERS".id;

CREATE SEQUENCE event_network."Company_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."Company_id_seq" OWNED BY event_network."Company".id;

CREATE SEQUENCE event_network."Event_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."Event_id_seq" OWNED BY event_network."Event".id;

CREATE SEQUENCE event_network."INVOLVED_IN_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."INVOLVED_IN_id_seq" OWNED BY event_network."INVOLVED_IN".id;

CREATE SEQUENCE event_network."SPEAKS_AT_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."SPEAKS_AT_id_seq" OWNED BY event_network."SPEAKS_AT".id;

CREATE SEQUENCE event_network."Speaker_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."Speaker_id_seq" OWNED BY event_network."Speaker".id;

CREATE SEQUENCE event_network."Topic_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."Topic_id_seq" OWNED BY event_network."Topic".id;

CREATE SEQUENCE event_network."WORKS_FOR_id_seq" MAXVALUE 281474976710655;

ALTER SEQUENCE event_network."WORKS_FOR_id_seq" OWNED BY event_network."WORKS_FOR".id;

CREATE SEQUENCE event_network._ag_label_edge_id_seq MAXVALUE 281474976710655;

ALTER SEQUENCE event_network._ag_label_edge_id_seq OWNED BY event_network._ag_label_edge.id;

CREATE SEQUENCE event_network._ag_label_vertex_id_seq MAXVALUE 281474976710655;

ALTER SEQUENCE event_network._ag_label_vertex_id_seq OWNED BY event_network._ag_label_vertex.id;

CREATE SEQUENCE event_network._label_id_seq AS integer MAXVALUE 65535 CYCLE;

CREATE TABLE event_network."COVERS" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'COVERS'::name))::integer, nextval('event_network."COVERS_id_seq"'::regclass)) NOT NULL,
    start_id ag_catalog.graphid NOT NULL,
    end_id ag_catalog.graphid NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT _ag_label_edge_end_id_not_null NOT NULL end_id,
    CONSTRAINT _ag_label_edge_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_edge_properties_not_null NOT NULL properties,
    CONSTRAINT _ag_label_edge_start_id_not_null NOT NULL start_id
)
INHERITS (event_network._ag_label_edge);

-- table event_network."COVERS"
--     inherited only: id, start_id, end_id, properties, _ag_label_edge_end_id_not_null, _ag_label_edge_id_not_null, _ag_label_edge_properties_not_null, _ag_label_edge_start_id_not_null

CREATE TABLE event_network."Company" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'Company'::name))::integer, nextval('event_network."Company_id_seq"'::regclass)) NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT "Company_pkey" PRIMARY KEY (id),
    CONSTRAINT _ag_label_vertex_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_vertex_properties_not_null NOT NULL properties
)
INHERITS (event_network._ag_label_vertex);

-- table event_network."Company"
--     inherited only: id, properties, _ag_label_vertex_id_not_null, _ag_label_vertex_properties_not_null

CREATE TABLE event_network."Event" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'Event'::name))::integer, nextval('event_network."Event_id_seq"'::regclass)) NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT "Event_pkey" PRIMARY KEY (id),
    CONSTRAINT _ag_label_vertex_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_vertex_properties_not_null NOT NULL properties
)
INHERITS (event_network._ag_label_vertex);

-- table event_network."Event"
--     inherited only: id, properties, _ag_label_vertex_id_not_null, _ag_label_vertex_properties_not_null

CREATE TABLE event_network."INVOLVED_IN" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'INVOLVED_IN'::name))::integer, nextval('event_network."INVOLVED_IN_id_seq"'::regclass)) NOT NULL,
    start_id ag_catalog.graphid NOT NULL,
    end_id ag_catalog.graphid NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT _ag_label_edge_end_id_not_null NOT NULL end_id,
    CONSTRAINT _ag_label_edge_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_edge_properties_not_null NOT NULL properties,
    CONSTRAINT _ag_label_edge_start_id_not_null NOT NULL start_id
)
INHERITS (event_network._ag_label_edge);

-- table event_network."INVOLVED_IN"
--     inherited only: id, start_id, end_id, properties, _ag_label_edge_end_id_not_null, _ag_label_edge_id_not_null, _ag_label_edge_properties_not_null, _ag_label_edge_start_id_not_null

CREATE TABLE event_network."SPEAKS_AT" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'SPEAKS_AT'::name))::integer, nextval('event_network."SPEAKS_AT_id_seq"'::regclass)) NOT NULL,
    start_id ag_catalog.graphid NOT NULL,
    end_id ag_catalog.graphid NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT _ag_label_edge_end_id_not_null NOT NULL end_id,
    CONSTRAINT _ag_label_edge_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_edge_properties_not_null NOT NULL properties,
    CONSTRAINT _ag_label_edge_start_id_not_null NOT NULL start_id
)
INHERITS (event_network._ag_label_edge);

-- table event_network."SPEAKS_AT"
--     inherited only: id, start_id, end_id, properties, _ag_label_edge_end_id_not_null, _ag_label_edge_id_not_null, _ag_label_edge_properties_not_null, _ag_label_edge_start_id_not_null

CREATE TABLE event_network."Speaker" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'Speaker'::name))::integer, nextval('event_network."Speaker_id_seq"'::regclass)) NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT "Speaker_pkey" PRIMARY KEY (id),
    CONSTRAINT _ag_label_vertex_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_vertex_properties_not_null NOT NULL properties
)
INHERITS (event_network._ag_label_vertex);

-- table event_network."Speaker"
--     inherited only: id, properties, _ag_label_vertex_id_not_null, _ag_label_vertex_properties_not_null

CREATE TABLE event_network."Topic" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'Topic'::name))::integer, nextval('event_network."Topic_id_seq"'::regclass)) NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT "Topic_pkey" PRIMARY KEY (id),
    CONSTRAINT _ag_label_vertex_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_vertex_properties_not_null NOT NULL properties
)
INHERITS (event_network._ag_label_vertex);

-- table event_network."Topic"
--     inherited only: id, properties, _ag_label_vertex_id_not_null, _ag_label_vertex_properties_not_null

CREATE TABLE event_network."WORKS_FOR" (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, 'WORKS_FOR'::name))::integer, nextval('event_network."WORKS_FOR_id_seq"'::regclass)) NOT NULL,
    start_id ag_catalog.graphid NOT NULL,
    end_id ag_catalog.graphid NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT _ag_label_edge_end_id_not_null NOT NULL end_id,
    CONSTRAINT _ag_label_edge_id_not_null NOT NULL id,
    CONSTRAINT _ag_label_edge_properties_not_null NOT NULL properties,
    CONSTRAINT _ag_label_edge_start_id_not_null NOT NULL start_id
)
INHERITS (event_network._ag_label_edge);

-- table event_network."WORKS_FOR"
--     inherited only: id, start_id, end_id, properties, _ag_label_edge_end_id_not_null, _ag_label_edge_id_not_null, _ag_label_edge_properties_not_null, _ag_label_edge_start_id_not_null

CREATE TABLE event_network._ag_label_edge (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, '_ag_label_edge'::name))::integer, nextval('event_network._ag_label_edge_id_seq'::regclass)) NOT NULL,
    start_id ag_catalog.graphid NOT NULL,
    end_id ag_catalog.graphid NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT _ag_label_edge_pkey PRIMARY KEY (id)
);

CREATE TABLE event_network._ag_label_vertex (
    id ag_catalog.graphid DEFAULT ag_catalog._graphid((ag_catalog._label_id('event_network'::name, '_ag_label_vertex'::name))::integer, nextval('event_network._ag_label_vertex_id_seq'::regclass)) NOT NULL,
    properties ag_catalog.agtype DEFAULT ag_catalog.agtype_build_map() NOT NULL,
    CONSTRAINT _ag_label_vertex_pkey PRIMARY KEY (id)
);

CREATE INDEX "COVERS_end_id_idx" ON event_network."COVERS" USING btree (end_id);

CREATE INDEX "COVERS_start_id_idx" ON event_network."COVERS" USING btree (start_id);

CREATE INDEX "INVOLVED_IN_end_id_idx" ON event_network."INVOLVED_IN" USING btree (end_id);

CREATE INDEX "INVOLVED_IN_start_id_idx" ON event_network."INVOLVED_IN" USING btree (start_id);

CREATE INDEX "SPEAKS_AT_end_id_idx" ON event_network."SPEAKS_AT" USING btree (end_id);

CREATE INDEX "SPEAKS_AT_start_id_idx" ON event_network."SPEAKS_AT" USING btree (start_id);

CREATE INDEX "WORKS_FOR_end_id_idx" ON event_network."WORKS_FOR" USING btree (end_id);

CREATE INDEX "WORKS_FOR_start_id_idx" ON event_network."WORKS_FOR" USING btree (start_id);

CREATE INDEX _ag_label_edge_end_id_idx ON event_network._ag_label_edge USING btree (end_id);

CREATE INDEX _ag_label_edge_start_id_idx ON event_network._ag_label_edge USING btree (start_id);

CREATE UNIQUE INDEX company_id_key ON event_network."Company" USING btree (ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]));

CREATE UNIQUE INDEX covers_start_id_end_id_key ON event_network."COVERS" USING btree (start_id, end_id);

CREATE UNIQUE INDEX event_id_key ON event_network."Event" USING btree (ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]));

CREATE UNIQUE INDEX involved_in_start_id_end_id_type_key ON event_network."INVOLVED_IN" USING btree (start_id, end_id, ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"type"'::ag_catalog.agtype]));

CREATE UNIQUE INDEX speaker_id_key ON event_network."Speaker" USING btree (ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]));

CREATE UNIQUE INDEX speaks_at_start_id_end_id_role_key ON event_network."SPEAKS_AT" USING btree (start_id, end_id, ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"role"'::ag_catalog.agtype]));

CREATE UNIQUE INDEX topic_id_key ON event_network."Topic" USING btree (ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]));

CREATE UNIQUE INDEX works_for_start_id_end_id_key ON event_network."WORKS_FOR" USING btree (start_id, end_id);

GRANT USAGE ON SCHEMA event_network TO drystone_app;

GRANT USAGE ON SCHEMA event_network TO drystone_readonly;

GRANT SELECT ON TABLE event_network."COVERS" TO drystone_app;

GRANT SELECT ON TABLE event_network."COVERS" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."Company" TO drystone_app;

GRANT SELECT ON TABLE event_network."Company" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."Event" TO drystone_app;

GRANT SELECT ON TABLE event_network."Event" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."INVOLVED_IN" TO drystone_app;

GRANT SELECT ON TABLE event_network."INVOLVED_IN" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."SPEAKS_AT" TO drystone_app;

GRANT SELECT ON TABLE event_network."SPEAKS_AT" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."Speaker" TO drystone_app;

GRANT SELECT ON TABLE event_network."Speaker" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."Topic" TO drystone_app;

GRANT SELECT ON TABLE event_network."Topic" TO drystone_readonly;

GRANT SELECT ON TABLE event_network."WORKS_FOR" TO drystone_app;

GRANT SELECT ON TABLE event_network."WORKS_FOR" TO drystone_readonly;

GRANT SELECT ON TABLE event_network._ag_label_edge TO drystone_app;

GRANT SELECT ON TABLE event_network._ag_label_edge TO drystone_readonly;

GRANT SELECT ON TABLE event_network._ag_label_vertex TO drystone_app;

GRANT SELECT ON TABLE event_network._ag_label_vertex TO drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA event_network GRANT SELECT ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA event_network GRANT SELECT ON TABLES TO drystone_readonly;

-- Schema events

CREATE SCHEMA events;

CREATE TYPE events.company_relationship AS ENUM (
    'host',
    'sponsor',
    'venue',
    'partner'
);

CREATE TYPE events.speaker_role AS ENUM (
    'speaker',
    'judge',
    'host',
    'panelist'
);

CREATE TYPE events.topic_category AS ENUM (
    'technology',
    'industry',
    'format'
);

CREATE OR REPLACE FUNCTION events.duplicate_companies(min_confidence real, since timestamp with time zone)
 RETURNS TABLE(left_id uuid, right_id uuid, name_similarity real, confidence real)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH frequency AS MATERIALIZED (
          SELECT trigram.value,
             count(*) AS companies
            FROM (events.companies company
              CROSS JOIN LATERAL unnest(company.name_trigrams) trigram(value))
           GROUP BY trigram.value
         ), ranked AS (
          SELECT company.id,
             frequency.value,
             cardinality(company.name_trigrams) AS trigrams,
             row_number() OVER (PARTITION BY company.id ORDER BY frequency.companies, frequency.value) AS rank
            FROM ((events.companies company
              CROSS JOIN LATERAL unnest(company.name_trigrams) trigram(value))
              JOIN frequency ON ((frequency.value = trigram.value)))
           WHERE ((duplicate_companies.since IS NULL) OR (company.created_at >= duplicate_companies.since))
         ), probe AS MATERIALIZED (
          SELECT ranked.id,
             array_agg(ranked.value) AS rarest
            FROM ranked
           WHERE ((ranked.rank)::double precision <= (((ranked.trigrams)::double precision - ceil(((GREATEST(duplicate_companies.min_confidence, (0.3)::real) * (ranked.trigrams)::double precision) - (0.001)::double precision))) + (1)::double precision))
           GROUP BY ranked.id
         ), pair AS (
          SELECT DISTINCT LEAST(probe.id, other.id) AS left_id,
             GREATEST(probe.id, other.id) AS right_id
            FROM (probe
              JOIN events.companies other ON (((other.name_trigrams && probe.rarest) AND (other.id <> probe.id))))
         ), overlapping AS (
          SELECT pair.left_id,
             pair.right_id,
             left_company.normalized_name AS left_name,
             right_company.normalized_name AS right_name,
             ( SELECT count(*) AS count
                    FROM unnest(left_company.name_trigrams) shared(value)
                   WHERE (shared.value = ANY (right_company.name_trigrams))) AS shared,
             (cardinality(left_company.name_trigrams) + cardinality(right_company.name_trigrams)) AS "both"
            FROM ((pair
              JOIN events.companies left_company ON ((left_company.id = pair.left_id)))
              JOIN events.companies right_company ON ((right_company.id = pair.right_id)))
         ), compared AS MATERIALIZED (
          SELECT overlapping.left_id,
             overlapping.right_id,
             core.similarity(overlapping.left_name, overlapping.right_name) AS name_similarity
            FROM overlapping
           WHERE ((overlapping.shared)::double precision >= ((((overlapping."both" - overlapping.shared))::double precision * duplicate_companies.min_confidence) - (0.001)::double precision))
         )
  SELECT compared.left_id,
     compared.right_id,
     compared.name_similarity,
     compared.name_similarity AS confidence
    FROM compared
   WHERE (compared.name_similarity >= duplicate_companies.min_confidence);
END;

CREATE OR REPLACE FUNCTION events.duplicate_events(min_confidence real, since timestamp with time zone)
 RETURNS TABLE(left_id uuid, right_id uuid, name_similarity real, confidence real)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH compared AS MATERIALIZED (
          SELECT left_event.id AS left_id,
             right_event.id AS right_id,
             left_event.name AS left_name,
             right_event.name AS right_name,
             (LEAST(GREATEST(((1)::double precision - (left_event.embedding OPERATOR(public.<=>) right_event.embedding)), (0)::double precision), (1)::double precision))::real AS confidence
            FROM (events.events left_event
              JOIN events.events right_event ON (((right_event.date = left_event.date) AND (right_event.id > left_event.id))))
           WHERE ((duplicate_events.since IS NULL) OR (left_event.created_at >= duplicate_events.since) OR (right_event.created_at >= duplicate_events.since))
         )
  SELECT compared.left_id,
     compared.right_id,
     core.similarity(compared.left_name, compared.right_name) AS name_similarity,
     compared.confidence
    FROM compared
   WHERE (compared.confidence >= duplicate_events.min_confidence);
END;

CREATE OR REPLACE FUNCTION events.duplicate_speakers(min_confidence real, since timestamp with time zone)
 RETURNS TABLE(left_id uuid, right_id uuid, name_similarity real, same_company boolean, confidence real)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH frequency AS MATERIALIZED (
          SELECT trigram.value,
             count(*) AS speakers
            FROM (events.speakers speaker
              CROSS JOIN LATERAL unnest(speaker.name_trigrams) trigram(value))
           WHERE (speaker.merged_into IS NULL)
           GROUP BY trigram.value
         ), threshold AS (
          SELECT GREATEST(((duplicate_speakers.min_confidence - (0.3)::double precision) / (0.7)::double precision), (0.3)::double precision) AS similarity
         ), ranked AS (
          SELECT speaker.id,
             frequency.value,
             cardinality(speaker.name_trigrams) AS trigrams,
             row_number() OVER (PARTITION BY speaker.id ORDER BY frequency.speakers, frequency.value) AS rank
            FROM ((events.speakers speaker
              CROSS JOIN LATERAL unnest(speaker.name_trigrams) trigram(value))
              JOIN frequency ON ((frequency.value = trigram.value)))
           WHERE ((speaker.merged_into IS NULL) AND ((duplicate_speakers.since IS NULL) OR (speaker.created_at >= duplicate_speakers.since)))
         ), probe AS MATERIALIZED (
          SELECT ranked.id,
             array_agg(ranked.value) AS rarest
            FROM (ranked
              CROSS JOIN threshold)
           WHERE ((ranked.rank)::double precision <= (((ranked.trigrams)::double precision - ceil(((threshold.similarity * (ranked.trigrams)::double precision) - (0.001)::double precision))) + (1)::double precision))
           GROUP BY ranked.id
         ), pair AS (
          SELECT DISTINCT LEAST(probe.id, other.id) AS left_id,
             GREATEST(probe.id, other.id) AS right_id
            FROM (probe
              JOIN events.speakers other ON (((other.name_trigrams && probe.rarest) AND (other.id <> probe.id) AND (other.merged_into IS NULL))))
         ), overlapping AS (
          SELECT pair.left_id,
             pair.right_id,
             left_speaker.normalized_name AS left_name,
             right_speaker.normalized_name AS right_name,
             (left_speaker.normalized_company = right_speaker.normalized_company) AS same_company,
             ( SELECT count(*) AS count
                    FROM unnest(left_speaker.name_trigrams) shared(value)
                   WHERE (shared.value = ANY (right_speaker.name_trigrams))) AS shared,
             (cardinality(left_speaker.name_trigrams) + cardinality(right_speaker.name_trigrams)) AS "both"
            FROM ((pair
              JOIN events.speakers left_speaker ON ((left_speaker.id = pair.left_id)))
              JOIN events.speakers right_speaker ON ((right_speaker.id = pair.right_id)))
         ), compared AS MATERIALIZED (
          SELECT overlapping.left_id,
             overlapping.right_id,
             core.similarity(overlapping.left_name, overlapping.right_name) AS name_similarity,
             overlapping.same_company
            FROM overlapping
           WHERE ((overlapping.shared)::double precision >= ((((overlapping."both" - overlapping.shared))::double precision *
                 CASE
                     WHEN overlapping.same_company THEN ((duplicate_speakers.min_confidence - (0.3)::double precision) / (0.7)::double precision)
                     WHEN (NOT overlapping.same_company) THEN (duplicate_speakers.min_confidence / (0.7)::double precision)
                     ELSE (duplicate_speakers.min_confidence)::double precision
                 END) - (0.001)::double precision))
         ), scored AS (
          SELECT compared.left_id,
             compared.right_id,
             compared.name_similarity,
             compared.same_company,
             (
                 CASE
                     WHEN compared.same_company THEN (((0.7)::double precision * compared.name_similarity) + (0.3)::double precision)
                     WHEN (NOT compared.same_company) THEN ((0.7)::double precision * compared.name_similarity)
                     ELSE (compared.name_similarity)::double precision
                 END)::real AS confidence
            FROM compared
         )
  SELECT scored.left_id,
     scored.right_id,
     scored.name_similarity,
     scored.same_company,
     scored.confidence
    FROM scored
   WHERE (scored.confidence >= duplicate_speakers.min_confidence);
END;

CREATE OR REPLACE FUNCTION events.graph_drift()
 RETURNS TABLE(label text, relational bigint, graph bigint, missing bigint, extra bigint, stale bigint)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
AS $function$
    WITH compared AS (
        SELECT
            'Event' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_event AS wanted
        FULL JOIN event_network."Event" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.event_id)
        UNION ALL
        SELECT
            'Speaker' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_speaker AS wanted
        FULL JOIN event_network."Speaker" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.speaker_id)
        UNION ALL
        SELECT
            'Company' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_company AS wanted
        FULL JOIN event_network."Company" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.company_id)
        UNION ALL
        SELECT
            'Topic' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_topic AS wanted
        FULL JOIN event_network."Topic" AS present
            ON events.graph_key(present.properties)
                = events.graph_key(wanted.topic_id)
        UNION ALL
        SELECT
            'SPEAKS_AT' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_speaks_at AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(speaker.properties) AS speaker_key,
                events.graph_key(event.properties) AS event_key
            FROM event_network."SPEAKS_AT" AS edge
            LEFT JOIN event_network."Speaker" AS speaker
                ON speaker.id = edge.start_id
            LEFT JOIN event_network."Event" AS event
                ON event.id = edge.end_id
        ) AS present
            ON present.speaker_key = events.graph_key(wanted.speaker_id)
            AND present.event_key = events.graph_key(wanted.event_id)
            AND present.properties ->> 'role'::text = wanted.role
        UNION ALL
        SELECT
            'INVOLVED_IN' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_involved_in AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(company.properties) AS company_key,
                events.graph_key(event.properties) AS event_key
            FROM event_network."INVOLVED_IN" AS edge
            LEFT JOIN event_network."Company" AS company
                ON company.id = edge.start_id
            LEFT JOIN event_network."Event" AS event
                ON event.id = edge.end_id
        ) AS present
            ON present.company_key = events.graph_key(wanted.company_id)
            AND present.event_key = events.graph_key(wanted.event_id)
            AND present.properties ->> 'type'::text = wanted.type
        UNION ALL
        SELECT
            'COVERS' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_covers AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(event.properties) AS event_key,
                events.graph_key(topic.properties) AS topic_key
            FROM event_network."COVERS" AS edge
            LEFT JOIN event_network."Event" AS event
                ON event.id = edge.start_id
            LEFT JOIN event_network."Topic" AS topic
                ON topic.id = edge.end_id
        ) AS present
            ON present.event_key = events.graph_key(wanted.event_id)
            AND present.topic_key = events.graph_key(wanted.topic_id)
        UNION ALL
        SELECT
            'WORKS_FOR' AS label,
            wanted.properties AS wanted,
            present.properties AS present
        FROM events.graph_works_for AS wanted
        FULL JOIN (
            SELECT
                edge.properties,
                events.graph_key(speaker.properties) AS speaker_key,
                events.graph_key(company.properties) AS company_key
            FROM event_network."WORKS_FOR" AS edge
            LEFT JOIN event_network."Speaker" AS speaker
                ON speaker.id = edge.start_id
            LEFT JOIN event_network."Company" AS company
                ON company.id = edge.end_id
        ) AS present
            ON present.speaker_key = events.graph_key(wanted.speaker_id)
            AND present.company_key = events.graph_key(wanted.company_id)
    )
    SELECT
        kind.label,
        count(compared.wanted) AS relational,
        count(compared.present) AS graph,
        count(compared.wanted) FILTER (WHERE compared.present IS NULL) AS missing,
        count(compared.present) FILTER (WHERE compared.wanted IS NULL) AS extra,
        count(*) FILTER (WHERE compared.wanted <> compared.present) AS stale
    FROM compared
    RIGHT JOIN (
        VALUES
            (1, 'Event'),
            (2, 'Speaker'),
            (3, 'Company'),
            (4, 'Topic'),
            (5, 'SPEAKS_AT'),
            (6, 'INVOLVED_IN'),
            (7, 'COVERS'),
            (8, 'WORKS_FOR')
    ) AS kind (position, label)
        ON kind.label = compared.label
    GROUP BY
        kind.position,
        kind.label
    ORDER BY kind.position;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_companies()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    touched uuid[];
    names text[];
    company_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."WORKS_FOR";

        DELETE FROM event_network."Company";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.id),
            array_agg(new_row.normalized_name)
        INTO
            touched,
            names
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.id),
            array_agg(old_row.normalized_name)
        INTO
            touched,
            names
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.id),
            array_agg(changed.normalized_name)
        INTO
            touched,
            names
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (
            VALUES
                (old_row.id, old_row.normalized_name),
                (new_row.id, new_row.normalized_name)
        ) AS changed (id, normalized_name)
        WHERE (
            old_row.id,
            old_row.name
        ) IS DISTINCT FROM (
            new_row.id,
            new_row.name
        );
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_lock_companies(names);

    PERFORM events.graph_sync_companies(touched);

    PERFORM events.graph_sync_works_for(NULL, touched);

    IF TG_OP <> 'INSERT' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(link.company_id),
        array_agg(link.event_id)
    INTO
        company_ids,
        event_ids
    FROM events.event_companies AS link
    WHERE link.company_id = ANY (touched);

    PERFORM events.graph_sync_involved_in(company_ids, event_ids);

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_event_companies()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    company_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."INVOLVED_IN";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.company_id),
            array_agg(new_row.event_id)
        INTO
            company_ids,
            event_ids
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.company_id),
            array_agg(old_row.event_id)
        INTO
            company_ids,
            event_ids
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.company_id),
            array_agg(changed.event_id)
        INTO
            company_ids,
            event_ids
        FROM (
            SELECT
                old_row.company_id,
                old_row.event_id
            FROM old_rows AS old_row
            UNION
            SELECT
                new_row.company_id,
                new_row.event_id
            FROM new_rows AS new_row
        ) AS changed;
    END IF;

    IF company_ids IS NOT NULL THEN
        PERFORM events.graph_sync_involved_in(company_ids, event_ids);
    END IF;

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_event_speakers()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    speaker_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."SPEAKS_AT";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.speaker_id),
            array_agg(new_row.event_id)
        INTO
            speaker_ids,
            event_ids
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.speaker_id),
            array_agg(old_row.event_id)
        INTO
            speaker_ids,
            event_ids
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.speaker_id),
            array_agg(changed.event_id)
        INTO
            speaker_ids,
            event_ids
        FROM (
            SELECT
                old_row.speaker_id,
                old_row.event_id
            FROM old_rows AS old_row
            UNION
            SELECT
                new_row.speaker_id,
                new_row.event_id
            FROM new_rows AS new_row
        ) AS changed;

        -- An INSERT holds its speakers by the foreign key; an UPDATE that leaves the
        -- keys alone does not, and would miss that one of them is being merged.
        PERFORM
        FROM events.speakers AS speaker
        WHERE speaker.id = ANY (speaker_ids)
        ORDER BY speaker.id
        FOR KEY SHARE;
    END IF;

    IF speaker_ids IS NOT NULL THEN
        PERFORM events.graph_sync_speaks_at(speaker_ids, event_ids);
    END IF;

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_event_topics()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    event_ids uuid[];
    topic_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."COVERS";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.event_id),
            array_agg(new_row.topic_id)
        INTO
            event_ids,
            topic_ids
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.event_id),
            array_agg(old_row.topic_id)
        INTO
            event_ids,
            topic_ids
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.event_id),
            array_agg(changed.topic_id)
        INTO
            event_ids,
            topic_ids
        FROM (
            SELECT
                old_row.event_id,
                old_row.topic_id
            FROM old_rows AS old_row
            UNION
            SELECT
                new_row.event_id,
                new_row.topic_id
            FROM new_rows AS new_row
        ) AS changed;
    END IF;

    IF event_ids IS NOT NULL THEN
        PERFORM events.graph_sync_covers(event_ids, topic_ids);
    END IF;

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_events()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    touched uuid[];
    speaker_ids uuid[];
    company_ids uuid[];
    event_ids uuid[];
    topic_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."Event";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(new_row.id)
        INTO touched
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(old_row.id)
        INTO touched
        FROM old_rows AS old_row;
    ELSE
        SELECT array_agg(changed.id)
        INTO touched
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (VALUES (old_row.id), (new_row.id)) AS changed (id)
        WHERE (
            old_row.id,
            old_row.name,
            old_row.date
        ) IS DISTINCT FROM (
            new_row.id,
            new_row.name,
            new_row.date
        );
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_sync_events(touched);

    IF TG_OP <> 'INSERT' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(link.speaker_id),
        array_agg(link.event_id)
    INTO
        speaker_ids,
        event_ids
    FROM events.event_speakers AS link
    WHERE link.event_id = ANY (touched);

    PERFORM events.graph_sync_speaks_at(speaker_ids, event_ids);

    SELECT
        array_agg(link.company_id),
        array_agg(link.event_id)
    INTO
        company_ids,
        event_ids
    FROM events.event_companies AS link
    WHERE link.event_id = ANY (touched);

    PERFORM events.graph_sync_involved_in(company_ids, event_ids);

    SELECT
        array_agg(link.event_id),
        array_agg(link.topic_id)
    INTO
        event_ids,
        topic_ids
    FROM events.event_topics AS link
    WHERE link.event_id = ANY (touched);

    PERFORM events.graph_sync_covers(event_ids, topic_ids);

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_speakers()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    touched uuid[];
    moved uuid[];
    companies text[];
    speaker_ids uuid[];
    event_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."WORKS_FOR";

        DELETE FROM event_network."Speaker";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT
            array_agg(new_row.id),
            array_agg(new_row.id),
            array_agg(new_row.normalized_company)
                FILTER (WHERE new_row.normalized_company IS NOT NULL)
        INTO
            touched,
            moved,
            companies
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT
            array_agg(old_row.id),
            array_agg(old_row.normalized_company)
                FILTER (WHERE old_row.normalized_company IS NOT NULL)
        INTO
            touched,
            companies
        FROM old_rows AS old_row;
    ELSE
        SELECT
            array_agg(changed.id),
            array_agg(changed.id) FILTER (WHERE changed.moved),
            array_agg(changed.company)
                FILTER (WHERE changed.moved AND changed.company IS NOT NULL)
        INTO
            touched,
            moved,
            companies
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (
            SELECT
                version.id,
                version.company,
                (
                    old_row.id,
                    old_row.normalized_company,
                    old_row.merged_into
                ) IS DISTINCT FROM (
                    new_row.id,
                    new_row.normalized_company,
                    new_row.merged_into
                ) AS moved
            FROM (
                VALUES
                    (old_row.id, old_row.normalized_company),
                    (new_row.id, new_row.normalized_company)
            ) AS version (id, company)
        ) AS changed
        WHERE
            changed.moved
            OR old_row.name <> new_row.name;
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_lock_companies(companies);

    -- Waits for whoever is linking a speaker that this statement merged: foreign keys
    -- hold no more than FOR KEY SHARE, which an UPDATE of merged_into does not meet.
    IF TG_OP = 'UPDATE' THEN
        PERFORM
        FROM events.speakers AS speaker
        WHERE speaker.id = ANY (moved)
        ORDER BY speaker.id
        FOR UPDATE;
    END IF;

    PERFORM events.graph_sync_speakers(touched);

    IF moved IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_sync_works_for(moved, NULL);

    SELECT
        array_agg(link.speaker_id),
        array_agg(link.event_id)
    INTO
        speaker_ids,
        event_ids
    FROM events.event_speakers AS link
    WHERE link.speaker_id = ANY (moved);

    PERFORM events.graph_sync_speaks_at(speaker_ids, event_ids);

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_follow_topics()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    touched uuid[];
    event_ids uuid[];
    topic_ids uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM event_network."Topic";

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(new_row.id)
        INTO touched
        FROM new_rows AS new_row;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(old_row.id)
        INTO touched
        FROM old_rows AS old_row;
    ELSE
        SELECT array_agg(changed.id)
        INTO touched
        FROM old_rows AS old_row
        FULL JOIN new_rows AS new_row
            ON new_row.id = old_row.id
        CROSS JOIN LATERAL (VALUES (old_row.id), (new_row.id)) AS changed (id)
        WHERE (
            old_row.id,
            old_row.name,
            old_row.category
        ) IS DISTINCT FROM (
            new_row.id,
            new_row.name,
            new_row.category
        );
    END IF;

    IF touched IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM events.graph_sync_topics(touched);

    IF TG_OP <> 'INSERT' THEN
        RETURN NULL;
    END IF;

    SELECT
        array_agg(link.event_id),
        array_agg(link.topic_id)
    INTO
        event_ids,
        topic_ids
    FROM events.event_topics AS link
    WHERE link.topic_id = ANY (touched);

    PERFORM events.graph_sync_covers(event_ids, topic_ids);

    RETURN NULL;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_key(properties ag_catalog.agtype)
 RETURNS ag_catalog.agtype
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ag_catalog.agtype_access_operator(VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]);

CREATE OR REPLACE FUNCTION events.graph_key(id uuid)
 RETURNS ag_catalog.agtype
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((('"'::text || id) || '"'::text))::ag_catalog.agtype;

CREATE OR REPLACE FUNCTION events.graph_lock_companies(names text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    IF cardinality(names) > 100 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('events.companies', 0));
        RETURN;
    END IF;

    PERFORM pg_advisory_xact_lock_shared(hashtextextended('events.companies', 0))
    WHERE cardinality(names) > 0;

    PERFORM pg_advisory_xact_lock(locked.key)
    FROM (
        SELECT DISTINCT hashtextextended('events.companies ' || given.name, 0) AS key
        FROM unnest(names) AS given (name)
        ORDER BY key
    ) AS locked;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_rebuild()
 RETURNS TABLE(label text, entries bigint)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
AS $function$
BEGIN
    LOCK TABLE
        events.events,
        events.speakers,
        events.companies,
        events.topics,
        events.event_speakers,
        events.event_companies,
        events.event_topics
    IN SHARE MODE;

    DELETE FROM event_network."SPEAKS_AT";

    DELETE FROM event_network."INVOLVED_IN";

    DELETE FROM event_network."COVERS";

    DELETE FROM event_network."WORKS_FOR";

    DELETE FROM event_network."Event";

    DELETE FROM event_network."Speaker";

    DELETE FROM event_network."Company";

    DELETE FROM event_network."Topic";

    INSERT INTO event_network."Event" (properties)
    SELECT wanted.properties
    FROM events.graph_event AS wanted
    ORDER BY wanted.event_id;

    label := 'Event';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."Speaker" (properties)
    SELECT wanted.properties
    FROM events.graph_speaker AS wanted
    ORDER BY wanted.speaker_id;

    label := 'Speaker';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."Company" (properties)
    SELECT wanted.properties
    FROM events.graph_company AS wanted
    ORDER BY wanted.company_id;

    label := 'Company';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."Topic" (properties)
    SELECT wanted.properties
    FROM events.graph_topic AS wanted
    ORDER BY wanted.topic_id;

    label := 'Topic';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."SPEAKS_AT" (start_id, end_id, properties)
    SELECT
        speaker.id,
        event.id,
        wanted.properties
    FROM events.graph_speaks_at AS wanted
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(wanted.speaker_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(wanted.event_id)
    ORDER BY
        wanted.speaker_id,
        wanted.event_id,
        wanted.role;

    label := 'SPEAKS_AT';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."INVOLVED_IN" (start_id, end_id, properties)
    SELECT
        company.id,
        event.id,
        wanted.properties
    FROM events.graph_involved_in AS wanted
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(wanted.company_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(wanted.event_id)
    ORDER BY
        wanted.company_id,
        wanted.event_id,
        wanted.type;

    label := 'INVOLVED_IN';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."COVERS" (start_id, end_id, properties)
    SELECT
        event.id,
        topic.id,
        wanted.properties
    FROM events.graph_covers AS wanted
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(wanted.event_id)
    INNER JOIN event_network."Topic" AS topic
        ON events.graph_key(topic.properties) = events.graph_key(wanted.topic_id)
    ORDER BY
        wanted.event_id,
        wanted.topic_id;

    label := 'COVERS';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;

    INSERT INTO event_network."WORKS_FOR" (start_id, end_id, properties)
    SELECT
        speaker.id,
        company.id,
        wanted.properties
    FROM events.graph_works_for AS wanted
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(wanted.speaker_id)
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(wanted.company_id)
    ORDER BY
        wanted.speaker_id,
        wanted.company_id;

    label := 'WORKS_FOR';
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN NEXT;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_companies(ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Company" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_company AS wanted
                WHERE wanted.company_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Company" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_company AS wanted
    WHERE wanted.company_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_covers(event_ids uuid[], topic_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    DELETE FROM event_network."COVERS" AS edge
    USING
        unnest(event_ids, topic_ids) AS pair (event_id, topic_id),
        event_network."Event" AS event,
        event_network."Topic" AS topic
    WHERE
        events.graph_key(event.properties) = events.graph_key(pair.event_id)
        AND events.graph_key(topic.properties) = events.graph_key(pair.topic_id)
        AND edge.start_id = event.id
        AND edge.end_id = topic.id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_covers AS wanted
            WHERE
                wanted.event_id = pair.event_id
                AND wanted.topic_id = pair.topic_id
        );

    INSERT INTO event_network."COVERS" AS edge (start_id, end_id, properties)
    SELECT
        event.id,
        topic.id,
        wanted.properties
    FROM (
        SELECT DISTINCT
            touched.event_id,
            touched.topic_id
        FROM unnest(event_ids, topic_ids) AS touched (event_id, topic_id)
    ) AS pair
    INNER JOIN events.graph_covers AS wanted
        ON wanted.event_id = pair.event_id
        AND wanted.topic_id = pair.topic_id
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(pair.event_id)
    INNER JOIN event_network."Topic" AS topic
        ON events.graph_key(topic.properties) = events.graph_key(pair.topic_id)
    ON CONFLICT (start_id, end_id)
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE edge.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_events(ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Event" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_event AS wanted
                WHERE wanted.event_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Event" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_event AS wanted
    WHERE wanted.event_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_involved_in(company_ids uuid[], event_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    DELETE FROM event_network."INVOLVED_IN" AS edge
    USING
        unnest(company_ids, event_ids) AS pair (company_id, event_id),
        event_network."Company" AS company,
        event_network."Event" AS event
    WHERE
        events.graph_key(company.properties) = events.graph_key(pair.company_id)
        AND events.graph_key(event.properties) = events.graph_key(pair.event_id)
        AND edge.start_id = company.id
        AND edge.end_id = event.id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_involved_in AS wanted
            WHERE
                wanted.company_id = pair.company_id
                AND wanted.event_id = pair.event_id
                AND wanted.type = edge.properties ->> 'type'::text
        );

    INSERT INTO event_network."INVOLVED_IN" AS edge (start_id, end_id, properties)
    SELECT
        company.id,
        event.id,
        wanted.properties
    FROM (
        SELECT DISTINCT
            touched.company_id,
            touched.event_id
        FROM unnest(company_ids, event_ids) AS touched (company_id, event_id)
    ) AS pair
    INNER JOIN events.graph_involved_in AS wanted
        ON wanted.company_id = pair.company_id
        AND wanted.event_id = pair.event_id
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(pair.company_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(pair.event_id)
    ON CONFLICT (
        start_id,
        end_id,
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"type"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE edge.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_speakers(ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Speaker" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_speaker AS wanted
                WHERE wanted.speaker_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Speaker" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_speaker AS wanted
    WHERE wanted.speaker_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_speaks_at(speaker_ids uuid[], event_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    DELETE FROM event_network."SPEAKS_AT" AS edge
    USING
        unnest(speaker_ids, event_ids) AS pair (speaker_id, event_id),
        event_network."Speaker" AS speaker,
        event_network."Event" AS event
    WHERE
        events.graph_key(speaker.properties) = events.graph_key(pair.speaker_id)
        AND events.graph_key(event.properties) = events.graph_key(pair.event_id)
        AND edge.start_id = speaker.id
        AND edge.end_id = event.id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_speaks_at AS wanted
            WHERE
                wanted.speaker_id = pair.speaker_id
                AND wanted.event_id = pair.event_id
                AND wanted.role = edge.properties ->> 'role'::text
        );

    INSERT INTO event_network."SPEAKS_AT" AS edge (start_id, end_id, properties)
    SELECT
        speaker.id,
        event.id,
        wanted.properties
    FROM (
        SELECT DISTINCT
            touched.speaker_id,
            touched.event_id
        FROM unnest(speaker_ids, event_ids) AS touched (speaker_id, event_id)
    ) AS pair
    INNER JOIN events.graph_speaks_at AS wanted
        ON wanted.speaker_id = pair.speaker_id
        AND wanted.event_id = pair.event_id
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(pair.speaker_id)
    INNER JOIN event_network."Event" AS event
        ON events.graph_key(event.properties) = events.graph_key(pair.event_id)
    ON CONFLICT (
        start_id,
        end_id,
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"role"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE edge.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_topics(ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    WITH gone AS (
        DELETE FROM event_network."Topic" AS vertex
        USING unnest(ids) AS touched (id)
        WHERE
            events.graph_key(vertex.properties) = events.graph_key(touched.id)
            AND NOT EXISTS (
                SELECT
                FROM events.graph_topic AS wanted
                WHERE wanted.topic_id = touched.id
            )
        RETURNING vertex.id
    ),
    cut_outgoing AS (
        DELETE FROM event_network._ag_label_edge AS edge
        USING gone
        WHERE edge.start_id = gone.id
    )
    DELETE FROM event_network._ag_label_edge AS edge
    USING gone
    WHERE edge.end_id = gone.id;

    INSERT INTO event_network."Topic" AS vertex (properties)
    SELECT wanted.properties
    FROM events.graph_topic AS wanted
    WHERE wanted.topic_id = ANY (ids)
    ON CONFLICT (
        (
            ag_catalog.agtype_access_operator(
                VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype]
            )
        )
    )
    DO UPDATE
        SET properties = EXCLUDED.properties
        WHERE vertex.properties <> EXCLUDED.properties;
END;
$function$;

CREATE OR REPLACE FUNCTION events.graph_sync_works_for(speaker_ids uuid[], company_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'ag_catalog', 'pg_temp'
 SET enable_seqscan TO 'off'
AS $function$
BEGIN
    WITH touched AS (
        SELECT
            edge.start_id,
            edge.end_id
        FROM unnest(speaker_ids) AS given (id)
        INNER JOIN event_network."Speaker" AS speaker
            ON events.graph_key(speaker.properties) = events.graph_key(given.id)
        INNER JOIN event_network."WORKS_FOR" AS edge
            ON edge.start_id = speaker.id
        UNION
        SELECT
            edge.start_id,
            edge.end_id
        FROM unnest(company_ids) AS given (id)
        INNER JOIN event_network."Company" AS company
            ON events.graph_key(company.properties) = events.graph_key(given.id)
        INNER JOIN event_network."WORKS_FOR" AS edge
            ON edge.end_id = company.id
    )
    DELETE FROM event_network."WORKS_FOR" AS edge
    USING
        touched,
        event_network."Speaker" AS speaker,
        event_network."Company" AS company
    WHERE
        edge.start_id = touched.start_id
        AND edge.end_id = touched.end_id
        AND speaker.id = touched.start_id
        AND company.id = touched.end_id
        AND NOT EXISTS (
            SELECT
            FROM events.graph_works_for AS wanted
            WHERE
                wanted.speaker_id = (speaker.properties ->> 'id'::text)::uuid
                AND wanted.company_id = (company.properties ->> 'id'::text)::uuid
        );

    INSERT INTO event_network."WORKS_FOR" AS edge (start_id, end_id)
    SELECT
        speaker.id,
        company.id
    FROM (
        SELECT
            by_speaker.speaker_id,
            by_speaker.company_id
        FROM events.graph_works_for AS by_speaker
        WHERE by_speaker.speaker_id = ANY (speaker_ids)
        UNION
        SELECT
            by_company.speaker_id,
            by_company.company_id
        FROM events.graph_works_for AS by_company
        WHERE by_company.company_id = ANY (company_ids)
    ) AS wanted
    INNER JOIN event_network."Speaker" AS speaker
        ON events.graph_key(speaker.properties) = events.graph_key(wanted.speaker_id)
    INNER JOIN event_network."Company" AS company
        ON events.graph_key(company.properties) = events.graph_key(wanted.company_id)
    ON CONFLICT (start_id, end_id) DO NOTHING;
END;
$function$;

CREATE OR REPLACE FUNCTION events.normalize_name(name text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN NULLIF(btrim(regexp_replace(regexp_replace(lower(name), '[!-/:-@\[-`{-~‘’“”«»–—…·]+'::text, ''::text, 'g'::text), '\s+'::text, ' '::text, 'g'::text)), ''::text);

CREATE OR REPLACE FUNCTION events.quality_score(description text, date date, location text, embedded boolean, speakers bigint, companies bigint, topics bigint)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (((((((10 + CASE WHEN (char_length(btrim(description)) >= 100) THEN 20 WHEN (char_length(btrim(description)) > 0) THEN 10 ELSE 0 END) + CASE WHEN (date IS NULL) THEN 0 ELSE 15 END) + CASE WHEN (btrim(location) <> ''::text) THEN 15 ELSE 0 END) + CASE WHEN embedded THEN 10 ELSE 0 END) + CASE WHEN (speakers > 0) THEN 10 ELSE 0 END) + CASE WHEN (companies > 0) THEN 10 ELSE 0 END) + CASE WHEN (topics > 0) THEN 10 ELSE 0 END);

CREATE TABLE events.companies (
    id uuid DEFAULT core.new_id() NOT NULL,
    name text NOT NULL,
    domain text,
    industry text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    normalized_name text GENERATED ALWAYS AS (events.normalize_name(name)) STORED NOT NULL,
    name_trigrams text[] GENERATED ALWAYS AS (core.trigrams(COALESCE(events.normalize_name(name), ''::text))) STORED NOT NULL,
    CONSTRAINT companies_domain_check CHECK ((domain ~* '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$'::text)),
    CONSTRAINT companies_normalized_name_key UNIQUE (normalized_name),
    CONSTRAINT companies_pkey PRIMARY KEY (id)
);

CREATE TABLE events.dedupe_reviews (
    id uuid DEFAULT core.new_id() NOT NULL,
    entity_kind text NOT NULL,
    left_id uuid NOT NULL,
    right_id uuid NOT NULL,
    confidence real NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    evidence jsonb DEFAULT '{}'::jsonb NOT NULL,
    claimed_by text,
    claimed_until timestamp with time zone,
    decided_by text,
    decided_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT dedupe_reviews_claimed_by_claimed_until_check CHECK (((claimed_by IS NULL) = (claimed_until IS NULL))),
    CONSTRAINT dedupe_reviews_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT dedupe_reviews_entity_kind_check CHECK ((entity_kind = ANY (ARRAY['event'::text, 'speaker'::text, 'company'::text]))),
    CONSTRAINT dedupe_reviews_entity_kind_left_id_right_id_key UNIQUE (entity_kind, left_id, right_id),
    CONSTRAINT dedupe_reviews_evidence_check CHECK ((jsonb_typeof(evidence) = 'object'::text)),
    CONSTRAINT dedupe_reviews_left_id_right_id_check CHECK ((left_id < right_id)),
    CONSTRAINT dedupe_reviews_pkey PRIMARY KEY (id),
    CONSTRAINT dedupe_reviews_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'merged'::text, 'rejected'::text]))),
    CONSTRAINT dedupe_reviews_status_decided_at_check CHECK (((status = 'pending'::text) = (decided_at IS NULL)))
);

CREATE TABLE events.event_companies (
    event_id uuid NOT NULL,
    company_id uuid NOT NULL,
    relationship_type events.company_relationship NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_companies_company_id_fkey FOREIGN KEY (company_id) REFERENCES events.companies(id) ON DELETE CASCADE,
    CONSTRAINT event_companies_event_id_fkey FOREIGN KEY (event_id) REFERENCES events.events(id) ON DELETE CASCADE,
    CONSTRAINT event_companies_pkey PRIMARY KEY (event_id, company_id, relationship_type)
);

CREATE TABLE events.event_speakers (
    event_id uuid NOT NULL,
    speaker_id uuid NOT NULL,
    role events.speaker_role DEFAULT 'speaker'::events.speaker_role NOT NULL,
    extraction_confidence real DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_speakers_event_id_fkey FOREIGN KEY (event_id) REFERENCES events.events(id) ON DELETE CASCADE,
    CONSTRAINT event_speakers_extraction_confidence_check CHECK (((extraction_confidence >= (0)::double precision) AND (extraction_confidence <= (1)::double precision))),
    CONSTRAINT event_speakers_pkey PRIMARY KEY (event_id, speaker_id, role),
    CONSTRAINT event_speakers_speaker_id_fkey FOREIGN KEY (speaker_id) REFERENCES events.speakers(id) ON DELETE CASCADE
);

CREATE TABLE events.event_topics (
    event_id uuid NOT NULL,
    topic_id uuid NOT NULL,
    relevance_score real DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT event_topics_event_id_fkey FOREIGN KEY (event_id) REFERENCES events.events(id) ON DELETE CASCADE,
    CONSTRAINT event_topics_pkey PRIMARY KEY (event_id, topic_id),
    CONSTRAINT event_topics_relevance_score_check CHECK (((relevance_score >= (0)::double precision) AND (relevance_score <= (1)::double precision))),
    CONSTRAINT event_topics_topic_id_fkey FOREIGN KEY (topic_id) REFERENCES events.topics(id) ON DELETE CASCADE
);

CREATE TABLE events.events (
    id uuid DEFAULT core.new_id() NOT NULL,
    name text NOT NULL,
    description text,
    date date,
    location text,
    luma_url text,
    raw_html text,
    extracted_data jsonb,
    embedding public.vector(1536),
    data_quality_score integer DEFAULT 0 NOT NULL,
    scraped_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_by text,
    claimed_until timestamp with time zone,
    processed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    listed_on date GENERATED ALWAYS AS (COALESCE(date, '0001-01-01'::date)) STORED NOT NULL,
    name_trigrams text[] GENERATED ALWAYS AS (core.trigrams(name)) STORED NOT NULL,
    fts tsvector GENERATED ALWAYS AS (((setweight(to_tsvector('english'::regconfig, name), 'A'::"char") || setweight(to_tsvector('english'::regconfig, COALESCE(description, ''::text)), 'B'::"char")) || setweight(to_tsvector('english'::regconfig, COALESCE(location, ''::text)), 'C'::"char"))) STORED NOT NULL,
    CONSTRAINT events_claimed_by_claimed_until_check CHECK (((claimed_by IS NULL) = (claimed_until IS NULL))),
    CONSTRAINT events_data_quality_score_check CHECK (((data_quality_score >= 0) AND (data_quality_score <= 100))),
    CONSTRAINT events_date_check CHECK ((date >= '1900-01-01'::date)),
    CONSTRAINT events_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT events_extracted_data_check CHECK ((jsonb_typeof(extracted_data) = 'object'::text)),
    CONSTRAINT events_luma_url_check CHECK ((luma_url ~* '^https?://([a-z0-9-]+\.)*lu\.ma/'::text)),
    CONSTRAINT events_luma_url_key UNIQUE (luma_url),
    CONSTRAINT events_name_check CHECK ((name ~ '\S'::text)),
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_raw_html_check CHECK (((char_length(raw_html) >= 100) AND (octet_length(raw_html) <= 1000000)))
)
WITH (fillfactor='70');

CREATE TABLE events.speakers (
    id uuid DEFAULT core.new_id() NOT NULL,
    name text NOT NULL,
    company text,
    bio text,
    confidence_score real DEFAULT 0 NOT NULL,
    embedding public.vector(1536),
    merged_into uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    normalized_name text GENERATED ALWAYS AS (events.normalize_name(name)) STORED NOT NULL,
    normalized_company text GENERATED ALWAYS AS (events.normalize_name(company)) STORED,
    name_trigrams text[] GENERATED ALWAYS AS (core.trigrams(COALESCE(events.normalize_name(name), ''::text))) STORED NOT NULL,
    CONSTRAINT speakers_confidence_score_check CHECK (((confidence_score >= (0)::double precision) AND (confidence_score <= (1)::double precision))),
    CONSTRAINT speakers_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT speakers_merged_into_check CHECK ((merged_into <> id)),
    CONSTRAINT speakers_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES events.speakers(id) ON DELETE SET NULL,
    CONSTRAINT speakers_normalized_name_normalized_company_key UNIQUE NULLS NOT DISTINCT (normalized_name, normalized_company),
    CONSTRAINT speakers_pkey PRIMARY KEY (id)
);

CREATE TABLE events.topics (
    id uuid DEFAULT core.new_id() NOT NULL,
    name text NOT NULL,
    category events.topic_category,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT topics_name_check CHECK ((name ~ '\S'::text)),
    CONSTRAINT topics_pkey PRIMARY KEY (id)
);

CREATE INDEX companies_industry_idx ON events.companies USING btree (industry);

CREATE UNIQUE INDEX companies_lower_domain_key ON events.companies USING btree (lower(domain));

CREATE INDEX companies_name_trigrams_idx ON events.companies USING gin (name_trigrams);

CREATE INDEX dedupe_reviews_confidence_id_idx ON events.dedupe_reviews USING btree (confidence DESC, id) WHERE (status = 'pending'::text);

CREATE INDEX event_companies_company_id_event_id_idx ON events.event_companies USING btree (company_id, event_id);

CREATE INDEX event_topics_topic_id_relevance_score_event_id_idx ON events.event_topics USING btree (topic_id, relevance_score DESC, event_id);

CREATE INDEX events_date_idx ON events.events USING btree (date);

CREATE INDEX events_extracted_data_idx ON events.events USING gin (extracted_data jsonb_path_ops);

CREATE INDEX events_listed_on_id_idx ON events.events USING btree (listed_on, id);

CREATE INDEX events_lower_location_listed_on_idx ON events.events USING btree (lower(location), listed_on, id);

CREATE INDEX events_name_trigrams_idx ON events.events USING gin (name_trigrams);

CREATE INDEX events_scraped_at_idx ON events.events USING btree (scraped_at, id) WHERE (processed_at IS NULL);

CREATE INDEX idx_event_speakers_event ON events.event_speakers USING btree (event_id);

CREATE INDEX idx_event_speakers_speaker ON events.event_speakers USING btree (speaker_id, event_id);

CREATE INDEX idx_events_embedding ON events.events USING hnsw (embedding public.vector_cosine_ops);

CREATE INDEX idx_events_fts ON events.events USING gin (fts);

CREATE INDEX speakers_confidence_score_idx ON events.speakers USING btree (confidence_score);

CREATE INDEX speakers_merged_into_idx ON events.speakers USING btree (merged_into) WHERE (merged_into IS NOT NULL);

CREATE INDEX speakers_name_trigrams_idx ON events.speakers USING gin (name_trigrams);

CREATE INDEX speakers_normalized_company_idx ON events.speakers USING btree (normalized_company);

CREATE INDEX topics_category_idx ON events.topics USING btree (category);

CREATE UNIQUE INDEX topics_lower_name_key ON events.topics USING btree (lower(name));

CREATE VIEW events.graph_company AS
 SELECT id AS company_id,
    ag_catalog.agtype_build_map('id', (id)::text, 'name', name) AS properties
   FROM events.companies company;

-- Columns of events.graph_company
--     company_id uuid
--     properties ag_catalog.agtype

CREATE VIEW events.graph_covers AS
 SELECT event_id,
    topic_id,
    ag_catalog.agtype_build_map('relevance', ((relevance_score)::text)::double precision) AS properties
   FROM events.event_topics link;

-- Columns of events.graph_covers
--     event_id uuid
--     topic_id uuid
--     properties ag_catalog.agtype

CREATE VIEW events.graph_event AS
 SELECT id AS event_id,
    ag_catalog.agtype_build_map_nonull('id', (id)::text, 'name', name, 'date', (date)::text) AS properties
   FROM events.events event;

-- Columns of events.graph_event
--     event_id uuid
--     properties ag_catalog.agtype

CREATE VIEW events.graph_involved_in AS
 SELECT company_id,
    event_id,
    (relationship_type)::text AS type,
    ag_catalog.agtype_build_map('type', (relationship_type)::text) AS properties
   FROM events.event_companies link;

-- Columns of events.graph_involved_in
--     company_id uuid
--     event_id uuid
--     type text
--     properties ag_catalog.agtype

CREATE VIEW events.graph_speaker AS
 SELECT id AS speaker_id,
    ag_catalog.agtype_build_map('id', (id)::text, 'name', name) AS properties
   FROM events.speakers speaker
  WHERE (merged_into IS NULL);

-- Columns of events.graph_speaker
--     speaker_id uuid
--     properties ag_catalog.agtype

CREATE VIEW events.graph_speaks_at AS
 SELECT link.speaker_id,
    link.event_id,
    (link.role)::text AS role,
    ag_catalog.agtype_build_map('role', (link.role)::text, 'confidence', ((link.extraction_confidence)::text)::double precision) AS properties
   FROM (events.event_speakers link
     JOIN events.speakers speaker ON ((speaker.id = link.speaker_id)))
  WHERE (speaker.merged_into IS NULL);

-- Columns of events.graph_speaks_at
--     speaker_id uuid
--     event_id uuid
--     role text
--     properties ag_catalog.agtype

CREATE VIEW events.graph_topic AS
 SELECT id AS topic_id,
    ag_catalog.agtype_build_map_nonull('id', (id)::text, 'name', name, 'category', (category)::text) AS properties
   FROM events.topics topic;

-- Columns of events.graph_topic
--     topic_id uuid
--     properties ag_catalog.agtype

CREATE VIEW events.graph_works_for AS
 SELECT speaker.id AS speaker_id,
    company.id AS company_id,
    ag_catalog.agtype_build_map() AS properties
   FROM (events.speakers speaker
     JOIN events.companies company ON ((company.normalized_name = speaker.normalized_company)))
  WHERE (speaker.merged_into IS NULL);

-- Columns of events.graph_works_for
--     speaker_id uuid
--     company_id uuid
--     properties ag_catalog.agtype

CREATE TRIGGER companies_graph_delete AFTER DELETE ON events.companies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_graph_insert AFTER INSERT ON events.companies REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_graph_truncate AFTER TRUNCATE ON events.companies FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_graph_update AFTER UPDATE ON events.companies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_companies();

CREATE TRIGGER companies_set_updated_at BEFORE UPDATE ON events.companies FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER event_companies_graph_delete AFTER DELETE ON events.event_companies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_companies_graph_insert AFTER INSERT ON events.event_companies REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_companies_graph_truncate AFTER TRUNCATE ON events.event_companies FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_companies_graph_update AFTER UPDATE ON events.event_companies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_companies();

CREATE TRIGGER event_speakers_graph_delete AFTER DELETE ON events.event_speakers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_speakers_graph_insert AFTER INSERT ON events.event_speakers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_speakers_graph_truncate AFTER TRUNCATE ON events.event_speakers FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_speakers_graph_update AFTER UPDATE ON events.event_speakers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_speakers();

CREATE TRIGGER event_topics_graph_delete AFTER DELETE ON events.event_topics REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER event_topics_graph_insert AFTER INSERT ON events.event_topics REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER event_topics_graph_truncate AFTER TRUNCATE ON events.event_topics FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER event_topics_graph_update AFTER UPDATE ON events.event_topics REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_event_topics();

CREATE TRIGGER events_graph_delete AFTER DELETE ON events.events REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_graph_insert AFTER INSERT ON events.events REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_graph_truncate AFTER TRUNCATE ON events.events FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_graph_update AFTER UPDATE ON events.events REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_events();

CREATE TRIGGER events_set_updated_at BEFORE UPDATE ON events.events FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER speakers_graph_delete AFTER DELETE ON events.speakers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_graph_insert AFTER INSERT ON events.speakers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_graph_truncate AFTER TRUNCATE ON events.speakers FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_graph_update AFTER UPDATE ON events.speakers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_speakers();

CREATE TRIGGER speakers_set_updated_at BEFORE UPDATE ON events.speakers FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER topics_graph_delete AFTER DELETE ON events.topics REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_topics();

CREATE TRIGGER topics_graph_insert AFTER INSERT ON events.topics REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_topics();

CREATE TRIGGER topics_graph_truncate AFTER TRUNCATE ON events.topics FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_topics();

CREATE TRIGGER topics_graph_update AFTER UPDATE ON events.topics REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION events.graph_follow_topics();

REVOKE EXECUTE ON ROUTINE events.graph_follow_companies() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE events.graph_follow_event_companies() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE events.graph_follow_event_speakers() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE events.graph_follow_event_topics() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE events.graph_follow_events() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE events.graph_follow_speakers() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE events.graph_follow_topics() FROM PUBLIC;

GRANT USAGE ON SCHEMA events TO drystone_app;

GRANT USAGE ON SCHEMA events TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.companies TO drystone_app;

GRANT SELECT ON TABLE events.companies TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.dedupe_reviews TO drystone_app;

GRANT SELECT ON TABLE events.dedupe_reviews TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.event_companies TO drystone_app;

GRANT SELECT ON TABLE events.event_companies TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.event_speakers TO drystone_app;

GRANT SELECT ON TABLE events.event_speakers TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.event_topics TO drystone_app;

GRANT SELECT ON TABLE events.event_topics TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.events TO drystone_app;

GRANT SELECT ON TABLE events.events TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_company TO drystone_app;

GRANT SELECT ON TABLE events.graph_company TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_covers TO drystone_app;

GRANT SELECT ON TABLE events.graph_covers TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_event TO drystone_app;

GRANT SELECT ON TABLE events.graph_event TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_involved_in TO drystone_app;

GRANT SELECT ON TABLE events.graph_involved_in TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_speaker TO drystone_app;

GRANT SELECT ON TABLE events.graph_speaker TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_speaks_at TO drystone_app;

GRANT SELECT ON TABLE events.graph_speaks_at TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_topic TO drystone_app;

GRANT SELECT ON TABLE events.graph_topic TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.graph_works_for TO drystone_app;

GRANT SELECT ON TABLE events.graph_works_for TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.speakers TO drystone_app;

GRANT SELECT ON TABLE events.speakers TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE events.topics TO drystone_app;

GRANT SELECT ON TABLE events.topics TO drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA events GRANT SELECT, USAGE ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA events GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA events GRANT SELECT ON TABLES TO drystone_readonly;

COMMENT ON FUNCTION events.duplicate_companies(real,timestamp with time zone) IS 'Pairs of companies with similar names, one of them created since then (NULL: ever).';

COMMENT ON FUNCTION events.duplicate_events(real,timestamp with time zone) IS 'Pairs of embedded events of one day by cosine similarity, one of them created since then (NULL: ever).';

COMMENT ON FUNCTION events.duplicate_speakers(real,timestamp with time zone) IS 'Pairs of unmerged speakers, one of them created since then (NULL: ever). Names weigh 0.7, company agreement 0.3; names alone count where a company is unknown.';

COMMENT ON FUNCTION events.graph_drift() IS 'Compares tables and graph by label: what is missing from the graph, what it has too much (edges without a vertex among it), what has other properties. All 0 when in step.';

COMMENT ON FUNCTION events.graph_follow_companies() IS 'Keeps Company vertices and WORKS_FOR edges.';

COMMENT ON FUNCTION events.graph_follow_event_companies() IS 'Keeps INVOLVED_IN edges.';

COMMENT ON FUNCTION events.graph_follow_event_speakers() IS 'Keeps SPEAKS_AT edges.';

COMMENT ON FUNCTION events.graph_follow_event_topics() IS 'Keeps COVERS edges.';

COMMENT ON FUNCTION events.graph_follow_events() IS 'Keeps Event vertices; a new event''s links may be older than this trigger.';

COMMENT ON FUNCTION events.graph_follow_speakers() IS 'Keeps Speaker vertices and WORKS_FOR edges; merged speakers leave the graph.';

COMMENT ON FUNCTION events.graph_follow_topics() IS 'Keeps Topic vertices.';

COMMENT ON FUNCTION events.graph_key(ag_catalog.agtype) IS 'The id in a vertex''s properties.';

COMMENT ON FUNCTION events.graph_key(uuid) IS 'A row''s id as vertices carry it.';

COMMENT ON FUNCTION events.graph_lock_companies(text[]) IS 'Holds these normalised company names until the transaction ends; more than 100 at once hold them all, which spares the lock table.';

COMMENT ON FUNCTION events.graph_rebuild() IS 'Empties event_network and fills it from the tables; returns the entries of each label. Writers of the tables wait until the transaction ends.';

COMMENT ON FUNCTION events.graph_sync_companies(uuid[]) IS 'Brings the Company vertices of these ids in step with events.companies.';

COMMENT ON FUNCTION events.graph_sync_covers(uuid[],uuid[]) IS 'Brings the COVERS edges between the n-th event and the n-th topic in step with events.event_topics.';

COMMENT ON FUNCTION events.graph_sync_events(uuid[]) IS 'Brings the Event vertices of these ids in step with events.events.';

COMMENT ON FUNCTION events.graph_sync_involved_in(uuid[],uuid[]) IS 'Brings the INVOLVED_IN edges between the n-th company and the n-th event in step with events.event_companies.';

COMMENT ON FUNCTION events.graph_sync_speakers(uuid[]) IS 'Brings the Speaker vertices of these ids in step with events.speakers.';

COMMENT ON FUNCTION events.graph_sync_speaks_at(uuid[],uuid[]) IS 'Brings the SPEAKS_AT edges between the n-th speaker and the n-th event in step with events.event_speakers.';

COMMENT ON FUNCTION events.graph_sync_topics(uuid[]) IS 'Brings the Topic vertices of these ids in step with events.topics.';

COMMENT ON FUNCTION events.graph_sync_works_for(uuid[],uuid[]) IS 'Brings every WORKS_FOR edge of these speakers and of these companies in step.';

COMMENT ON FUNCTION events.normalize_name(text) IS 'Lower case, no punctuation, single blanks, trimmed; NULL when nothing is left.';

COMMENT ON FUNCTION events.quality_score(text,date,text,boolean,bigint,bigint,bigint) IS 'Completeness: name 10, description 20 (10 below 100 characters), date 15, location 15, embedding, speakers, companies and topics 10 each.';

COMMENT ON SCHEMA events IS 'Events with speakers, companies and topics; the graph event_network mirrors them.';

COMMENT ON COLUMN events.companies.domain IS 'Its host name on the internet, without scheme and path; unique in any case.';

COMMENT ON COLUMN events.dedupe_reviews.evidence IS 'What the confidence was made of.';

COMMENT ON COLUMN events.dedupe_reviews.left_id IS 'The smaller id of the pair, so that a pair is one row whichever way it was found.';

COMMENT ON COLUMN events.event_speakers.extraction_confidence IS 'How sure the extraction is of this link, from 0 to 1.';

COMMENT ON COLUMN events.event_topics.relevance_score IS 'How much of the event the topic covers, from 0 to 1; 0.5 counts as shared.';

COMMENT ON COLUMN events.events.claimed_by IS 'The worker that is processing the event, until claimed_until.';

COMMENT ON COLUMN events.events.data_quality_score IS 'Completeness from 0 to 100, by events.quality_score().';

COMMENT ON COLUMN events.events.date IS 'The day on which the event takes place, at its location; NULL while unknown.';

COMMENT ON COLUMN events.events.embedding IS 'Embedding of the event''s text (at most 8000 characters); cosine distance. The zero vector has no direction and is refused.';

COMMENT ON COLUMN events.events.extracted_data IS 'What the extractor returned, as it returned it.';

COMMENT ON COLUMN events.events.fts IS 'Name (weight A), description (B) and location (C); found also when one is NULL.';

COMMENT ON COLUMN events.events.listed_on IS 'The date by which lists are ordered: undated events count as 1 January of year 1.';

COMMENT ON COLUMN events.events.luma_url IS 'The event''s page on lu.ma: what a scrape is matched by.';

COMMENT ON COLUMN events.events.name_trigrams IS 'Trigrams of the name, for candidates by similarity.';

COMMENT ON COLUMN events.events.processed_at IS 'When extraction succeeded; NULL while the event waits for it.';

COMMENT ON COLUMN events.speakers.company IS 'The company as the event''s page names it; not always a row of events.companies.';

COMMENT ON COLUMN events.speakers.confidence_score IS 'How sure the extraction is that this is a person of that name, from 0 to 1.';

COMMENT ON COLUMN events.speakers.merged_into IS 'The speaker that this one was recognised as; NULL for a speaker in its own right.';

COMMENT ON COLUMN events.topics.category IS 'NULL while nobody has sorted the topic.';

COMMENT ON TABLE events.companies IS 'A company, once, by its normalised name; a name of punctuation alone is refused.';

COMMENT ON TABLE events.dedupe_reviews IS 'Possible duplicates for a person to decide; a decided pair is not asked again.';

COMMENT ON TABLE events.event_companies IS 'A company''s part in an event, once for each relationship.';

COMMENT ON TABLE events.event_speakers IS 'A speaker at an event, once for each role.';

COMMENT ON TABLE events.event_topics IS 'What an event is about.';

COMMENT ON TABLE events.events IS 'One event, from the scraped page to the understood and embedded record.';

COMMENT ON TABLE events.speakers IS 'A person, once for each company, by normalised names; no company counts as one.';

COMMENT ON TABLE events.topics IS 'What events are about, once by name in any case; punctuation counts, as in C++.';

COMMENT ON TYPE events.company_relationship IS 'How a company takes part in an event.';

COMMENT ON TYPE events.speaker_role IS 'What a person does at an event; one person may hold several roles at it.';

COMMENT ON TYPE events.topic_category IS 'What a topic says of an event: what it is about, for which trade, in which form.';

COMMENT ON VIEW events.graph_company IS 'Vertices (:Company {id, name}).';

COMMENT ON VIEW events.graph_covers IS 'Edges (:Event)-[:COVERS {relevance}]->(:Topic).';

COMMENT ON VIEW events.graph_event IS 'Vertices (:Event {id, name, date}); date as YYYY-MM-DD, absent while unknown.';

COMMENT ON VIEW events.graph_involved_in IS 'Edges (:Company)-[:INVOLVED_IN {type}]->(:Event).';

COMMENT ON VIEW events.graph_speaker IS 'Vertices (:Speaker {id, name}).';

COMMENT ON VIEW events.graph_speaks_at IS 'Edges (:Speaker)-[:SPEAKS_AT {role, confidence}]->(:Event).';

COMMENT ON VIEW events.graph_topic IS 'Vertices (:Topic {id, name, category}); category absent while unsorted.';

COMMENT ON VIEW events.graph_works_for IS 'Edges (:Speaker)-[:WORKS_FOR]->(:Company), where the normalised names agree.';

-- Schema ideas

CREATE SCHEMA ideas;

CREATE TYPE ideas.agent_status AS ENUM (
    'pending',
    'running',
    'completed',
    'failed'
);

CREATE TYPE ideas.evaluation_priority AS ENUM (
    'low',
    'normal',
    'high'
);

CREATE TYPE ideas.evaluation_status AS ENUM (
    'pending',
    'analyzing',
    'completed',
    'failed'
);

CREATE TYPE ideas.idea_status AS ENUM (
    'draft',
    'submitted',
    'evaluating',
    'completed'
);

CREATE OR REPLACE FUNCTION ideas.delete_children()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE %s SET deleted_at = $1
        WHERE %I = $2 AND deleted_at IS NOT DISTINCT FROM $3',
        TG_ARGV[0]::regclass,
        TG_ARGV[1]
    )
    USING NEW.deleted_at, NEW.id, OLD.deleted_at;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION ideas.free_slots(agent text)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
DECLARE
    slots integer;
    taken bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'agent tasks cannot be claimed under REPEATABLE READ'
            USING
                ERRCODE = 'feature_not_supported',
                DETAIL = 'Its snapshot may miss tasks that are running by now.',
                HINT = 'Claim tasks under READ COMMITTED or SERIALIZABLE.';
    END IF;

    SELECT entry.max_running
    INTO slots
    FROM ideas.agent_types AS entry
    WHERE entry.agent_type = agent
    FOR NO KEY UPDATE;

    SELECT count(*)
    INTO taken
    FROM ideas.agent_results AS task
    WHERE
        task.agent_type = agent
        AND task.status = 'running'
        AND task.deleted_at IS NULL;

    RETURN greatest(slots - taken, 0);
END
$function$;

CREATE OR REPLACE FUNCTION ideas.import_legacy(source text DEFAULT 'public'::text)
 RETURNS TABLE(legacy_table text, imported bigint, rejected bigint)
 LANGUAGE plpgsql
AS $function$
DECLARE
    old_users CONSTANT text := format('%I.users', source);
    old_evaluations CONSTANT text := format('%I.business_evaluations', source);
    old_executions CONSTANT text := format('%I.agent_executions', source);
    take text;
    reading text;
    old_row jsonb;
BEGIN
    IF
        to_regclass(old_users) IS NULL
        OR to_regclass(old_evaluations) IS NULL
        OR to_regclass(old_executions) IS NULL
    THEN
        RETURN;
    END IF;

    FOR legacy_table, take, reading IN
        VALUES
            (
                'users',
                'SELECT ideas.import_legacy_user($1)',
                format(
                    'SELECT to_jsonb(old)
                    FROM %s AS old
                    WHERE NOT EXISTS (
                        SELECT FROM ideas.users AS new
                        WHERE lower(new.email) = lower(btrim(old.email))
                    )',
                    old_users
                )
            ),
            (
                'business_evaluations',
                'SELECT ideas.import_legacy_evaluation($1)',
                format(
                    'SELECT
                        to_jsonb(old) || jsonb_build_object(''user_email'', owner.email)
                    FROM %s AS old
                    LEFT JOIN %s AS owner
                        ON owner.id = old.user_id
                    WHERE NOT EXISTS (
                        SELECT FROM ideas.business_ideas AS new
                        WHERE new.id
                            = ideas.legacy_key(''business_evaluations'', old.id::text)
                    )',
                    old_evaluations,
                    old_users
                )
            ),
            (
                'agent_executions',
                'SELECT ideas.import_legacy_execution($1)',
                format(
                    'SELECT to_jsonb(old)
                    FROM %s AS old
                    WHERE NOT EXISTS (
                        SELECT FROM ideas.agent_results AS new
                        WHERE new.id
                            = ideas.legacy_key(''agent_executions'', old.id::text)
                    )',
                    old_executions
                )
            )
    LOOP
        imported := 0;
        rejected := 0;

        FOR old_row IN EXECUTE reading
        LOOP
            -- What is refused takes nothing of its own row along, and no other row.
            BEGIN
                EXECUTE take USING old_row;
                imported := imported + 1;

                DELETE FROM ideas.legacy_rejects AS reject
                WHERE
                    reject.table_name = legacy_table
                    AND reject.legacy_id = old_row ->> 'id';
            EXCEPTION
                WHEN integrity_constraint_violation OR data_exception THEN
                    rejected := rejected + 1;

                    INSERT INTO ideas.legacy_rejects AS reject (
                        table_name,
                        legacy_id,
                        reason,
                        original
                    )
                    VALUES (
                        legacy_table,
                        old_row ->> 'id',
                        SQLERRM,
                        old_row
                    )
                    ON CONFLICT (table_name, legacy_id) DO UPDATE
                    SET
                        reason = EXCLUDED.reason,
                        original = EXCLUDED.original,
                        rejected_at = EXCLUDED.rejected_at;
            END;
        END LOOP;

        RETURN NEXT;
    END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION ideas.import_legacy_evaluation(original jsonb)
 RETURNS void
 LANGUAGE sql
BEGIN ATOMIC
 INSERT INTO ideas.business_ideas (id, user_id, title, description, created_at)
   VALUES (ideas.legacy_key('business_evaluations'::text, (import_legacy_evaluation.original ->> 'id'::text)), ( SELECT owner.id
            FROM ideas.users owner
           WHERE ((lower(owner.email) = lower(btrim((import_legacy_evaluation.original ->> 'user_email'::text)))) AND (owner.deleted_at IS NULL))), (import_legacy_evaluation.original ->> 'title'::text), (import_legacy_evaluation.original ->> 'description'::text), COALESCE(((import_legacy_evaluation.original ->> 'created_at'::text))::timestamp with time zone, now()));
 INSERT INTO ideas.evaluations (id, business_idea_id, status, priority, started_at, completed_at, results, error_message, created_at)  SELECT idea.id,
             idea.id,
             (
                 CASE
                     WHEN old.completed THEN 'completed'::text
                     ELSE 'failed'::text
                 END)::ideas.evaluation_status AS evaluation_status,
             (
                 CASE (import_legacy_evaluation.original ->> 'urgency'::text)
                     WHEN 'low'::text THEN 'low'::text
                     WHEN 'high'::text THEN 'high'::text
                     ELSE 'normal'::text
                 END)::ideas.evaluation_priority AS evaluation_priority,
             idea.created_at,
             GREATEST(((import_legacy_evaluation.original ->> 'completed_at'::text))::timestamp with time zone, idea.created_at) AS "greatest",
                 CASE
                     WHEN old.completed THEN COALESCE(NULLIF((import_legacy_evaluation.original -> 'results'::text), 'null'::jsonb), '{}'::jsonb)
                     ELSE NULL::jsonb
                 END AS "case",
                 CASE
                     WHEN (NOT old.completed) THEN 'It had not finished when the earlier schema was replaced.'::text
                     ELSE NULL::text
                 END AS "case",
             idea.created_at
            FROM (ideas.business_ideas idea
              CROSS JOIN COALESCE(((import_legacy_evaluation.original ->> 'status'::text) = 'completed'::text), false) old(completed))
           WHERE (idea.id = ideas.legacy_key('business_evaluations'::text, (import_legacy_evaluation.original ->> 'id'::text)));
END;

CREATE OR REPLACE FUNCTION ideas.import_legacy_execution(original jsonb)
 RETURNS void
 LANGUAGE sql
BEGIN ATOMIC
 INSERT INTO ideas.agent_results (id, evaluation_id, agent_type, status, attempts, input_data, output_data, score, started_at, completed_at, error_message, created_at)  SELECT ideas.legacy_key('agent_executions'::text, (import_legacy_execution.original ->> 'id'::text)) AS legacy_key,
             ideas.legacy_key('business_evaluations'::text, (import_legacy_execution.original ->> 'evaluation_id'::text)) AS legacy_key,
             translate(lower((import_legacy_execution.original ->> 'agent_type'::text)), '_ '::text, '--'::text) AS translate,
             (
                 CASE
                     WHEN old.completed THEN 'completed'::text
                     ELSE 'failed'::text
                 END)::ideas.agent_status AS agent_status,
             1,
             NULLIF((import_legacy_execution.original -> 'input_data'::text), 'null'::jsonb) AS "nullif",
             NULLIF((import_legacy_execution.original -> 'output_data'::text), 'null'::jsonb) AS "nullif",
                 CASE
                     WHEN old.completed THEN ((import_legacy_execution.original ->> 'score'::text))::double precision
                     ELSE NULL::double precision
                 END AS "case",
             old.created_at,
             GREATEST(((import_legacy_execution.original ->> 'completed_at'::text))::timestamp with time zone, old.created_at) AS "greatest",
                 CASE
                     WHEN (NOT old.completed) THEN COALESCE((import_legacy_execution.original ->> 'error_message'::text), 'It had not finished when the earlier schema was replaced.'::text)
                     ELSE NULL::text
                 END AS "case",
             old.created_at
            FROM ( SELECT COALESCE(((import_legacy_execution.original ->> 'status'::text) = 'completed'::text), false) AS completed,
                     COALESCE(((import_legacy_execution.original ->> 'created_at'::text))::timestamp with time zone, now()) AS created_at) old;
END;

CREATE OR REPLACE FUNCTION ideas.import_legacy_user(original jsonb)
 RETURNS void
 LANGUAGE sql
BEGIN ATOMIC
 INSERT INTO ideas.users (id, email, password_hash, name, created_at)
   VALUES (ideas.legacy_key('users'::text, (import_legacy_user.original ->> 'id'::text)), btrim((import_legacy_user.original ->> 'email'::text)), COALESCE((import_legacy_user.original ->> 'password_hash'::text), '$none$'::text), COALESCE((import_legacy_user.original ->> 'name'::text), (import_legacy_user.original ->> 'email'::text)), COALESCE(((import_legacy_user.original ->> 'created_at'::text))::timestamp with time zone, now())) ON CONFLICT DO NOTHING;
END;

CREATE OR REPLACE FUNCTION ideas.inner_trigrams(part text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT COALESCE(array_agg(trigram.value), '{}'::text[]) AS "coalesce" FROM unnest(core.trigrams(inner_trigrams.part)) trigram(value) WHERE (strpos(trigram.value, ' '::text) = 0));

CREATE OR REPLACE FUNCTION ideas.legacy_key(table_name text, legacy_id text)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN (legacy_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text) THEN (legacy_id)::uuid ELSE (md5(((table_name || ' '::text) || legacy_id)))::uuid END;

CREATE OR REPLACE FUNCTION ideas.recommendation(score numeric)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN (score >= (70)::numeric) THEN 'GO'::text WHEN (score >= (50)::numeric) THEN 'PIVOT'::text ELSE 'NO-GO'::text END;

CREATE OR REPLACE FUNCTION ideas.refuse_step()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '%.% cannot go from % to %',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.status, NEW.status
        USING
            ERRCODE = 'check_violation',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$function$;

CREATE OR REPLACE FUNCTION ideas.require_live_parent()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    parent CONSTANT regclass := TG_ARGV[0];
    deleted_at timestamptz;
BEGIN
    EXECUTE format('SELECT deleted_at FROM %s WHERE id = $1 FOR SHARE', parent)
    INTO deleted_at
    USING (to_jsonb(NEW) ->> TG_ARGV[1])::uuid;

    IF deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'what a row of %.% belongs to in % is deleted',
            TG_TABLE_SCHEMA, TG_TABLE_NAME, parent
            USING
                ERRCODE = 'foreign_key_violation',
                SCHEMA = TG_TABLE_SCHEMA,
                TABLE = TG_TABLE_NAME,
                CONSTRAINT = TG_NAME;
    END IF;

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION ideas.require_own_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    own CONSTANT ideas.idea_status := CASE TG_OP
        WHEN 'INSERT' THEN 'draft'
        ELSE ideas.status_of(NEW.id)
    END;
BEGIN
    IF NEW.status <> own THEN
        RAISE EXCEPTION 'an idea cannot be made %', NEW.status
            USING
                ERRCODE = 'check_violation',
                HINT = 'Submit it; its status follows from its evaluations.',
                SCHEMA = 'ideas',
                TABLE = 'business_ideas',
                CONSTRAINT = 'business_ideas_status_own';
    END IF;

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION ideas.set_idea_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE ideas.business_ideas AS idea
    SET status = ideas.status_of(idea.id)
    WHERE
        idea.id IN (OLD.business_idea_id, NEW.business_idea_id)
        AND idea.status <> ideas.status_of(idea.id);

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION ideas.status_of(idea_id uuid)
 RETURNS ideas.idea_status
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT (
         CASE
             WHEN bool_or((evaluation.status = 'analyzing'::ideas.evaluation_status)) THEN 'evaluating'::text
             WHEN bool_or((evaluation.status = 'pending'::ideas.evaluation_status)) THEN 'submitted'::text
             WHEN bool_or((evaluation.status = 'completed'::ideas.evaluation_status)) THEN 'completed'::text
             ELSE 'draft'::text
         END)::ideas.idea_status AS idea_status
    FROM ideas.evaluations evaluation
   WHERE ((evaluation.business_idea_id = status_of.idea_id) AND (evaluation.deleted_at IS NULL));
END;

CREATE TABLE ideas.agent_results (
    id uuid DEFAULT core.new_id() NOT NULL,
    evaluation_id uuid NOT NULL,
    agent_type text NOT NULL,
    status ideas.agent_status DEFAULT 'pending'::ideas.agent_status NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    run_at timestamp with time zone,
    locked_by text,
    lease_until timestamp with time zone,
    input_data jsonb,
    output_data jsonb,
    score double precision,
    insights jsonb,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    error_message text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT agent_results_agent_type_fkey FOREIGN KEY (agent_type) REFERENCES ideas.agent_types(agent_type) ON UPDATE CASCADE ON DELETE RESTRICT,
    CONSTRAINT agent_results_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT agent_results_completed_at_check CHECK (((status = ANY (ARRAY['completed'::ideas.agent_status, 'failed'::ideas.agent_status])) = (completed_at IS NOT NULL))),
    CONSTRAINT agent_results_error_message_check CHECK (((status <> 'failed'::ideas.agent_status) OR (error_message IS NOT NULL))),
    CONSTRAINT agent_results_evaluation_id_agent_type_key UNIQUE (evaluation_id, agent_type),
    CONSTRAINT agent_results_evaluation_id_fkey FOREIGN KEY (evaluation_id) REFERENCES ideas.evaluations(id) ON DELETE CASCADE,
    CONSTRAINT agent_results_insights_check CHECK ((jsonb_typeof(insights) = 'object'::text)),
    CONSTRAINT agent_results_lease_until_check CHECK (((status = 'running'::ideas.agent_status) = (lease_until IS NOT NULL))),
    CONSTRAINT agent_results_locked_by_check CHECK (((status = 'running'::ideas.agent_status) = (locked_by IS NOT NULL))),
    CONSTRAINT agent_results_output_data_check CHECK (((status <> 'completed'::ideas.agent_status) OR (output_data IS NOT NULL))),
    CONSTRAINT agent_results_pkey PRIMARY KEY (id),
    CONSTRAINT agent_results_score_check CHECK (((score >= (0)::double precision) AND (score <= (100)::double precision))),
    CONSTRAINT agent_results_started_at_check CHECK (((status = ANY (ARRAY['pending'::ideas.agent_status, 'failed'::ideas.agent_status])) OR (started_at IS NOT NULL))),
    CONSTRAINT agent_results_started_at_completed_at_check CHECK ((completed_at >= started_at)),
    CONSTRAINT agent_results_status_score_check CHECK (((status = 'completed'::ideas.agent_status) = (score IS NOT NULL)))
)
WITH (autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_scale_factor='0.02');

CREATE TABLE ideas.agent_types (
    agent_type text NOT NULL,
    weight numeric(6,3) DEFAULT 1 NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    max_running integer DEFAULT 3 NOT NULL,
    max_attempts smallint DEFAULT 3 NOT NULL,
    backoff_ms integer DEFAULT 2000 NOT NULL,
    lease_s integer DEFAULT 300 NOT NULL,
    CONSTRAINT agent_types_agent_type_check CHECK (((agent_type ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (char_length(agent_type) <= 80))),
    CONSTRAINT agent_types_backoff_ms_check CHECK (((backoff_ms >= 0) AND (backoff_ms <= 86400000))),
    CONSTRAINT agent_types_lease_s_check CHECK ((lease_s > 0)),
    CONSTRAINT agent_types_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 50))),
    CONSTRAINT agent_types_max_running_check CHECK ((max_running > 0)),
    CONSTRAINT agent_types_pkey PRIMARY KEY (agent_type),
    CONSTRAINT agent_types_weight_check CHECK ((weight > (0)::numeric))
);

CREATE TABLE ideas.business_ideas (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    status ideas.idea_status DEFAULT 'draft'::ideas.idea_status NOT NULL,
    embedding public.vector(384),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    title_trigrams text[] GENERATED ALWAYS AS (core.trigrams(title)) STORED NOT NULL,
    fts tsvector GENERATED ALWAYS AS ((setweight(to_tsvector('english'::regconfig, title), 'A'::"char") || setweight(to_tsvector('english'::regconfig, description), 'B'::"char"))) STORED NOT NULL,
    CONSTRAINT business_ideas_description_check CHECK (((char_length(btrim(description)) >= 50) AND (char_length(description) <= 5000))),
    CONSTRAINT business_ideas_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT business_ideas_pkey PRIMARY KEY (id),
    CONSTRAINT business_ideas_title_check CHECK (((char_length(btrim(title)) >= 1) AND (char_length(title) <= 500))),
    CONSTRAINT business_ideas_user_id_fkey FOREIGN KEY (user_id) REFERENCES ideas.users(id) ON DELETE CASCADE
);

CREATE TABLE ideas.evaluations (
    id uuid DEFAULT core.new_id() NOT NULL,
    business_idea_id uuid NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    status ideas.evaluation_status DEFAULT 'pending'::ideas.evaluation_status NOT NULL,
    priority ideas.evaluation_priority DEFAULT 'normal'::ideas.evaluation_priority NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    results jsonb,
    error_message text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT evaluations_business_idea_id_fkey FOREIGN KEY (business_idea_id) REFERENCES ideas.business_ideas(id) ON DELETE CASCADE,
    CONSTRAINT evaluations_business_idea_id_revision_key UNIQUE (business_idea_id, revision),
    CONSTRAINT evaluations_completed_at_check CHECK (((status = ANY (ARRAY['completed'::ideas.evaluation_status, 'failed'::ideas.evaluation_status])) = (completed_at IS NOT NULL))),
    CONSTRAINT evaluations_error_message_check CHECK (((status = 'failed'::ideas.evaluation_status) = (error_message IS NOT NULL))),
    CONSTRAINT evaluations_pkey PRIMARY KEY (id),
    CONSTRAINT evaluations_results_check CHECK ((((status = 'completed'::ideas.evaluation_status) = (results IS NOT NULL)) AND (jsonb_typeof(results) = 'object'::text))),
    CONSTRAINT evaluations_revision_check CHECK ((revision > 0)),
    CONSTRAINT evaluations_started_at_check CHECK (
CASE status
    WHEN 'pending'::ideas.evaluation_status THEN (started_at IS NULL)
    WHEN 'failed'::ideas.evaluation_status THEN true
    ELSE (started_at IS NOT NULL)
END),
    CONSTRAINT evaluations_started_at_completed_at_check CHECK ((completed_at >= started_at))
);

CREATE TABLE ideas.legacy_rejects (
    table_name text NOT NULL,
    legacy_id text NOT NULL,
    reason text NOT NULL,
    original jsonb NOT NULL,
    rejected_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT legacy_rejects_original_check CHECK ((jsonb_typeof(original) = 'object'::text)),
    CONSTRAINT legacy_rejects_pkey PRIMARY KEY (table_name, legacy_id)
);

CREATE TABLE ideas.users (
    id uuid DEFAULT core.new_id() NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT users_email_check CHECK (((char_length(email) <= 255) AND (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text))),
    CONSTRAINT users_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT users_password_hash_check CHECK ((password_hash ~ '^\$[a-z0-9-]+\$'::text)),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

CREATE INDEX agent_results_agent_type_completed_at_idx ON ideas.agent_results USING btree (agent_type, completed_at);

CREATE INDEX agent_results_agent_type_lease_until_idx ON ideas.agent_results USING btree (agent_type, lease_until) WHERE ((status = 'running'::ideas.agent_status) AND (deleted_at IS NULL));

CREATE INDEX agent_results_agent_type_run_at_id_idx ON ideas.agent_results USING btree (agent_type, run_at, id) WHERE ((status = 'pending'::ideas.agent_status) AND (deleted_at IS NULL));

CREATE INDEX agent_results_insights_idx ON ideas.agent_results USING gin (insights jsonb_path_ops);

CREATE INDEX business_ideas_created_at_id_idx ON ideas.business_ideas USING btree (created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX business_ideas_embedding_idx ON ideas.business_ideas USING hnsw (embedding public.vector_cosine_ops) WHERE (deleted_at IS NULL);

CREATE INDEX business_ideas_fts_idx ON ideas.business_ideas USING gin (fts) WHERE (deleted_at IS NULL);

CREATE INDEX business_ideas_status_created_at_id_idx ON ideas.business_ideas USING btree (status, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX business_ideas_title_trigrams_idx ON ideas.business_ideas USING gin (title_trigrams) WHERE (deleted_at IS NULL);

CREATE INDEX business_ideas_user_id_created_at_id_idx ON ideas.business_ideas USING btree (user_id, created_at, id);

CREATE UNIQUE INDEX evaluations_business_idea_id_live_key ON ideas.evaluations USING btree (business_idea_id) WHERE ((status = ANY (ARRAY['pending'::ideas.evaluation_status, 'analyzing'::ideas.evaluation_status])) AND (deleted_at IS NULL));

CREATE INDEX evaluations_created_at_id_idx ON ideas.evaluations USING btree (created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX evaluations_priority_created_at_id_idx ON ideas.evaluations USING btree (priority DESC, created_at, id) WHERE ((status = 'pending'::ideas.evaluation_status) AND (deleted_at IS NULL));

CREATE INDEX evaluations_results_idx ON ideas.evaluations USING gin (results jsonb_path_ops);

CREATE INDEX evaluations_started_at_idx ON ideas.evaluations USING btree (started_at) WHERE ((status = 'analyzing'::ideas.evaluation_status) AND (deleted_at IS NULL));

CREATE INDEX evaluations_status_created_at_id_idx ON ideas.evaluations USING btree (status, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX users_created_at_id_idx ON ideas.users USING btree (created_at, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX users_lower_email_key ON ideas.users USING btree (lower(email)) WHERE (deleted_at IS NULL);

CREATE TRIGGER agent_results_audit AFTER INSERT OR DELETE OR UPDATE ON ideas.agent_results FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER agent_results_evaluation_id_live BEFORE INSERT OR UPDATE OF evaluation_id, deleted_at ON ideas.agent_results FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION ideas.require_live_parent('ideas.evaluations', 'evaluation_id');

CREATE TRIGGER agent_results_set_updated_at BEFORE UPDATE ON ideas.agent_results FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER agent_results_status_step BEFORE UPDATE OF status ON ideas.agent_results FOR EACH ROW WHEN (((old.status <> new.status) AND ((((((old.status <> 'pending'::ideas.agent_status) OR (new.status <> 'running'::ideas.agent_status)) AND ((old.status <> 'pending'::ideas.agent_status) OR (new.status <> 'failed'::ideas.agent_status))) AND ((old.status <> 'running'::ideas.agent_status) OR (new.status <> 'pending'::ideas.agent_status))) AND ((old.status <> 'running'::ideas.agent_status) OR (new.status <> 'completed'::ideas.agent_status))) AND ((old.status <> 'running'::ideas.agent_status) OR (new.status <> 'failed'::ideas.agent_status))))) EXECUTE FUNCTION ideas.refuse_step();

CREATE TRIGGER business_ideas_audit AFTER INSERT OR DELETE OR UPDATE ON ideas.business_ideas FOR EACH ROW EXECUTE FUNCTION core.audit_row('embedding');

CREATE TRIGGER business_ideas_delete_evaluations AFTER UPDATE OF deleted_at ON ideas.business_ideas FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION ideas.delete_children('ideas.evaluations', 'business_idea_id');

CREATE TRIGGER business_ideas_set_updated_at BEFORE UPDATE ON ideas.business_ideas FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER business_ideas_status_own BEFORE INSERT OR UPDATE OF status ON ideas.business_ideas FOR EACH ROW EXECUTE FUNCTION ideas.require_own_status();

CREATE TRIGGER business_ideas_user_id_live BEFORE INSERT OR UPDATE OF user_id, deleted_at ON ideas.business_ideas FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION ideas.require_live_parent('ideas.users', 'user_id');

CREATE TRIGGER evaluations_audit AFTER INSERT OR DELETE OR UPDATE ON ideas.evaluations FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER evaluations_business_idea_id_live BEFORE INSERT OR UPDATE OF business_idea_id, deleted_at ON ideas.evaluations FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION ideas.require_live_parent('ideas.business_ideas', 'business_idea_id');

CREATE TRIGGER evaluations_delete_agent_results AFTER UPDATE OF deleted_at ON ideas.evaluations FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION ideas.delete_children('ideas.agent_results', 'evaluation_id');

CREATE TRIGGER evaluations_set_idea_status AFTER INSERT OR DELETE OR UPDATE OF business_idea_id, status, deleted_at ON ideas.evaluations FOR EACH ROW EXECUTE FUNCTION ideas.set_idea_status();

CREATE TRIGGER evaluations_set_updated_at BEFORE UPDATE ON ideas.evaluations FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER evaluations_status_step BEFORE UPDATE OF status ON ideas.evaluations FOR EACH ROW WHEN (((old.status <> new.status) AND (((((old.status <> 'pending'::ideas.evaluation_status) OR (new.status <> 'analyzing'::ideas.evaluation_status)) AND ((old.status <> 'pending'::ideas.evaluation_status) OR (new.status <> 'failed'::ideas.evaluation_status))) AND ((old.status <> 'analyzing'::ideas.evaluation_status) OR (new.status <> 'completed'::ideas.evaluation_status))) AND ((old.status <> 'analyzing'::ideas.evaluation_status) OR (new.status <> 'failed'::ideas.evaluation_status))))) EXECUTE FUNCTION ideas.refuse_step();

CREATE TRIGGER users_audit AFTER INSERT OR DELETE OR UPDATE ON ideas.users FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER users_delete_ideas AFTER UPDATE OF deleted_at ON ideas.users FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION ideas.delete_children('ideas.business_ideas', 'user_id');

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON ideas.users FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

GRANT SELECT (created_at) ON TABLE ideas.users TO drystone_readonly;

GRANT SELECT (deleted_at) ON TABLE ideas.users TO drystone_readonly;

GRANT SELECT (email) ON TABLE ideas.users TO drystone_readonly;

GRANT SELECT (id) ON TABLE ideas.users TO drystone_readonly;

GRANT SELECT (name) ON TABLE ideas.users TO drystone_readonly;

GRANT SELECT (updated_at) ON TABLE ideas.users TO drystone_readonly;

GRANT USAGE ON SCHEMA ideas TO drystone_app;

GRANT USAGE ON SCHEMA ideas TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ideas.agent_results TO drystone_app;

GRANT SELECT ON TABLE ideas.agent_results TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ideas.agent_types TO drystone_app;

GRANT SELECT ON TABLE ideas.agent_types TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ideas.business_ideas TO drystone_app;

GRANT SELECT ON TABLE ideas.business_ideas TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ideas.evaluations TO drystone_app;

GRANT SELECT ON TABLE ideas.evaluations TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ideas.legacy_rejects TO drystone_app;

GRANT SELECT ON TABLE ideas.legacy_rejects TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE ideas.users TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas GRANT SELECT, USAGE ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA ideas GRANT SELECT ON TABLES TO drystone_readonly;

COMMENT ON FUNCTION ideas.delete_children() IS 'For AFTER UPDATE OF deleted_at, with a table and its column that refers to this one: what belongs to a row is deleted with it, and restored with it.';

COMMENT ON FUNCTION ideas.free_slots(text) IS 'How many more tasks of an agent type may run. Holds off other claims of the type until the transaction ends.';

COMMENT ON FUNCTION ideas.import_legacy(text) IS 'Takes over what the earlier schema has and this one has not, and counts it; without all three tables, nothing.';

COMMENT ON FUNCTION ideas.import_legacy_evaluation(jsonb) IS 'Takes over a business evaluation, whose user_email says whose it is.';

COMMENT ON FUNCTION ideas.import_legacy_execution(jsonb) IS 'Takes over what an agent did; its evaluation must have been before.';

COMMENT ON FUNCTION ideas.import_legacy_user(jsonb) IS 'Takes over a user, unless the address is known; without a hash nobody can log in.';

COMMENT ON FUNCTION ideas.inner_trigrams(text) IS 'The trigrams that every text has which holds this one as a part; none if it has no three letters or digits in a row.';

COMMENT ON FUNCTION ideas.legacy_key(text,text) IS 'The id of a row that was taken over: its own if that was a uuid, else made of it.';

COMMENT ON FUNCTION ideas.recommendation(numeric) IS 'What an overall score from 0 to 100 advises: GO from 70, PIVOT from 50, else NO-GO.';

COMMENT ON FUNCTION ideas.refuse_step() IS 'For BEFORE UPDATE OF status ... WHEN (no such step): refuses it as a broken CHECK that has the trigger''s name.';

COMMENT ON FUNCTION ideas.require_live_parent() IS 'For BEFORE INSERT OR UPDATE ... WHEN (NEW.deleted_at IS NULL), with a table and the column that refers to it: refuses a live row under a deleted one.';

COMMENT ON FUNCTION ideas.require_own_status() IS 'For business_ideas: refuses a status that the idea''s evaluations do not make.';

COMMENT ON FUNCTION ideas.set_idea_status() IS 'For evaluations: makes the status of their idea what they say.';

COMMENT ON FUNCTION ideas.status_of(uuid) IS 'The status that an idea has by its evaluations.';

COMMENT ON SCHEMA ideas IS 'Business ideas and what AI agents make of them: users, ideas, evaluations, agent results.';

COMMENT ON COLUMN ideas.agent_results.attempts IS 'How often the task was claimed.';

COMMENT ON COLUMN ideas.agent_results.error_message IS 'Why the last attempt that failed did so; kept when a later one succeeds.';

COMMENT ON COLUMN ideas.agent_results.insights IS 'What to show a reader; its next_steps, an array, go into the evaluation''s results.';

COMMENT ON COLUMN ideas.agent_results.run_at IS 'From when on a pending task may be claimed; NULL until the evaluation starts.';

COMMENT ON COLUMN ideas.agent_results.score IS 'From 0 to 100, greater is better; there is one if, and only if, it is completed.';

COMMENT ON COLUMN ideas.agent_types.backoff_ms IS 'The wait before the second attempt; it doubles with each further one.';

COMMENT ON COLUMN ideas.agent_types.enabled IS 'Whether new evaluations ask this agent; tasks that are there already are done.';

COMMENT ON COLUMN ideas.agent_types.lease_s IS 'How long a worker may hold a task, unless it extends its lease.';

COMMENT ON COLUMN ideas.agent_types.max_running IS 'The most tasks that all of its workers together may hold at one time.';

COMMENT ON COLUMN ideas.agent_types.weight IS 'How much the agent''s score counts against those of the others.';

COMMENT ON COLUMN ideas.business_ideas.description IS '50 to 5,000 characters; blanks around it do not count towards the 50.';

COMMENT ON COLUMN ideas.business_ideas.embedding IS 'Embedding of title and description; cosine distance. The zero vector has no direction and is refused.';

COMMENT ON COLUMN ideas.business_ideas.fts IS 'Title (weight A) and description (B).';

COMMENT ON COLUMN ideas.business_ideas.status IS 'Follows from the evaluations, by ideas.status_of(), and cannot be set otherwise.';

COMMENT ON COLUMN ideas.business_ideas.title_trigrams IS 'Trigrams of the title, for candidates by ideas.inner_trigrams().';

COMMENT ON COLUMN ideas.evaluations.results IS 'What the agents'' results come to: overall_score, recommendation, confidence_level, scores by agent, and next_steps.';

COMMENT ON COLUMN ideas.evaluations.revision IS 'Which evaluation of the idea this is, from 1.';

COMMENT ON COLUMN ideas.users.password_hash IS 'In a self-describing form, such as $argon2id$...; a bare password has none and is refused.';

COMMENT ON TABLE ideas.agent_results IS 'One agent''s task in an evaluation, and its result.';

COMMENT ON TABLE ideas.agent_types IS 'The agents that look at an idea, and how the work of each is handed out.';

COMMENT ON TABLE ideas.business_ideas IS 'An idea that a user has, to be evaluated as often as the user likes.';

COMMENT ON TABLE ideas.evaluations IS 'One evaluation of an idea by all agents that were enabled when it was submitted.';

COMMENT ON TABLE ideas.legacy_rejects IS 'The rows of the earlier schema that could not be taken over, as they were.';

COMMENT ON TABLE ideas.users IS 'A person, once for each e-mail address in any case, deleted ones aside.';

COMMENT ON TYPE ideas.agent_status IS 'pending: to be claimed from run_at on. running: a worker holds it until lease_until. completed: there is a score. failed: out of attempts or of time.';

COMMENT ON TYPE ideas.evaluation_priority IS 'In which order pending evaluations have their turn; greater is sooner.';

COMMENT ON TYPE ideas.evaluation_status IS 'pending: waits for its turn. analyzing: its agents are at work. completed: there are results. failed: there will be none; the idea can be submitted again.';

COMMENT ON TYPE ideas.idea_status IS 'What an idea''s evaluations make it. submitted: one is pending. evaluating: one is analyzing. completed: one is done, and none under way. draft: none of these.';

-- Schema nextauth

CREATE SCHEMA nextauth;

CREATE VIEW nextauth.accounts AS
 SELECT id,
    user_id AS "userId",
    type,
    provider,
    provider_account_id AS "providerAccountId",
    refresh_token,
    access_token,
    expires_at,
    id_token,
    scope,
    session_state,
    token_type
   FROM shop.accounts account;

-- Columns of nextauth.accounts
--     id uuid
--     "userId" uuid
--     type text
--     provider text
--     "providerAccountId" text
--     refresh_token text
--     access_token text
--     expires_at bigint
--     id_token text
--     scope text
--     session_state text
--     token_type text

CREATE VIEW nextauth.sessions AS
 SELECT id,
    user_id AS "userId",
    expires,
    session_token AS "sessionToken"
   FROM shop.sessions session;

-- Columns of nextauth.sessions
--     id uuid
--     "userId" uuid
--     expires timestamp with time zone
--     "sessionToken" text

CREATE VIEW nextauth.users AS
 SELECT id,
    name,
    email,
    email_verified AS "emailVerified",
    image
   FROM shop.users account_holder
  WHERE (deleted_at IS NULL);

-- Columns of nextauth.users
--     id uuid
--     name text
--     email text
--     "emailVerified" timestamp with time zone
--     image text

CREATE VIEW nextauth.verification_token AS
 SELECT identifier,
    token,
    expires
   FROM shop.verification_tokens link;

-- Columns of nextauth.verification_token
--     identifier text
--     token text
--     expires timestamp with time zone

GRANT USAGE ON SCHEMA nextauth TO drystone_app;

GRANT USAGE ON SCHEMA nextauth TO drystone_shop_admin;

GRANT USAGE ON SCHEMA nextauth TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.accounts TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.accounts TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.accounts TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.sessions TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.sessions TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.sessions TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.users TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.users TO drystone_shop_admin;

GRANT INSERT, SELECT, UPDATE ON TABLE nextauth.users TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.verification_token TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.verification_token TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE nextauth.verification_token TO drystone_shop_client;

ALTER DEFAULT PRIVILEGES IN SCHEMA nextauth GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA nextauth GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_shop_admin;

COMMENT ON SCHEMA nextauth IS 'The users, accounts and sessions of the shop as NextAuth wants to see them.';

COMMENT ON VIEW nextauth.accounts IS 'shop.accounts.';

COMMENT ON VIEW nextauth.sessions IS 'shop.sessions.';

COMMENT ON VIEW nextauth.users IS 'shop.users without the deleted ones.';

COMMENT ON VIEW nextauth.verification_token IS 'shop.verification_tokens.';

-- Schema promo

CREATE SCHEMA promo;

CREATE TYPE promo.approval_mode AS ENUM (
    'AUTO',
    'MANUAL',
    'CONDITIONAL'
);

CREATE TYPE promo.asset_type AS ENUM (
    'LOGO',
    'SCREENSHOT',
    'VIDEO',
    'DOCUMENT',
    'IMAGE',
    'AVATAR',
    'BANNER',
    'CASE_STUDY'
);

CREATE TYPE promo.content_status AS ENUM (
    'DRAFT',
    'PENDING_REVIEW',
    'APPROVED',
    'SCHEDULED',
    'PUBLISHED',
    'FAILED',
    'ARCHIVED'
);

CREATE TYPE promo.content_type AS ENUM (
    'POST',
    'THREAD',
    'STORY',
    'REEL',
    'SHORT',
    'CAROUSEL',
    'POLL'
);

CREATE TYPE promo.metric_type AS ENUM (
    'ENGAGEMENT',
    'REACH',
    'CONVERSION',
    'GROWTH'
);

CREATE TYPE promo.platform AS ENUM (
    'TWITTER',
    'LINKEDIN',
    'INSTAGRAM',
    'TIKTOK',
    'YOUTUBE_SHORTS',
    'REDDIT',
    'FACEBOOK',
    'THREADS'
);

CREATE TYPE promo.post_status AS ENUM (
    'SCHEDULED',
    'PUBLISHING',
    'PUBLISHED',
    'FAILED',
    'CANCELLED',
    'RETRYING'
);

CREATE TYPE promo.series_status AS ENUM (
    'ACTIVE',
    'COMPLETED',
    'PAUSED',
    'CANCELLED'
);

CREATE TYPE promo.strategy_status AS ENUM (
    'PROPOSED',
    'ACTIVE',
    'ARCHIVED',
    'REJECTED'
);

CREATE TYPE promo.subscription_status AS ENUM (
    'ACTIVE',
    'CANCELLED',
    'PAST_DUE',
    'TRIALING',
    'INCOMPLETE',
    'UNPAID'
);

CREATE TYPE promo.usage_metric AS ENUM (
    'POSTS',
    'STRATEGIES'
);

CREATE TYPE promo.user_role AS ENUM (
    'USER',
    'ADMIN',
    'MODERATOR'
);

CREATE OR REPLACE FUNCTION promo.announce_failed_post()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO core.outbox (queue, name, payload, priority)
    SELECT
        'email',
        'send-email',
        jsonb_build_object(
            'to', owner.email,
            'subject', 'A post could not be published',
            'template', 'post-failed',
            'data', jsonb_build_object(
                'scheduledPostId', NEW.id,
                'organizationId', NEW.organization_id,
                'contentPieceId', NEW.content_piece_id,
                'platform', account.platform,
                'handle', account.handle,
                'attempts', NEW.attempt_count,
                'error', NEW.error_message
            ),
            'priority', 'high'
        ),
        1
    FROM promo.organizations AS organization
    INNER JOIN promo.users AS owner
        ON owner.id = organization.user_id
    INNER JOIN promo.social_accounts AS account
        ON account.id = NEW.social_account_id
    WHERE organization.id = NEW.organization_id;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.archive_other_strategies()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM
    FROM promo.organizations AS organization
    WHERE organization.id = NEW.organization_id
    FOR NO KEY UPDATE;

    UPDATE promo.ai_strategies AS other
    SET status = 'ARCHIVED'
    WHERE
        other.organization_id = NEW.organization_id
        AND other.status = 'ACTIVE'
        AND other.id <> NEW.id;

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION promo.brand_violations(organization uuid, body text, hashtags text[])
 RETURNS TABLE(rule text, found text)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH RECURSIVE rules AS (
          SELECT own.allowed_phrases,
             own.forbidden_phrases,
             own.claims_to_avoid,
             own.allowed_hashtags,
             own.forbidden_hashtags
            FROM promo.brand_rules own
           WHERE (own.organization_id = brand_violations.organization)
         ), cut(text, number) AS (
          SELECT ((' '::text || promo.words(brand_violations.body)) || ' '::text) AS "?column?",
             1 AS "?column?"
         UNION ALL
          SELECT replace(cut.text, ((' '::text || promo.words(rules.allowed_phrases[cut.number])) || ' '::text), ' | '::text) AS replace,
             (cut.number + 1)
            FROM (cut
              CROSS JOIN rules)
           WHERE (cut.number <= cardinality(rules.allowed_phrases))
         ), checked AS (
          SELECT cut.text
            FROM cut
           ORDER BY cut.number DESC
          LIMIT 1
         ), phrase(rule, text) AS (
          SELECT 'forbidden phrase'::text AS "?column?",
             unnest(rules.forbidden_phrases) AS unnest
            FROM rules
         UNION ALL
          SELECT 'claim to avoid'::text,
             unnest(rules.claims_to_avoid) AS unnest
            FROM rules
         )
  SELECT phrase.rule,
     phrase.text
    FROM (phrase
      CROSS JOIN checked)
   WHERE ((btrim(phrase.text) <> ''::text) AND
         CASE promo.words(phrase.text)
             WHEN ''::text THEN (strpos(brand_violations.body, btrim(phrase.text)) > 0)
             ELSE (strpos(checked.text, ((' '::text || promo.words(phrase.text)) || ' '::text)) > 0)
         END)
 UNION ALL
  SELECT 'forbidden hashtag'::text,
     tag.text
    FROM (rules
      CROSS JOIN unnest(brand_violations.hashtags) tag(text))
   WHERE (EXISTS ( SELECT
            FROM unnest(rules.forbidden_hashtags) forbidden(text)
           WHERE (promo.hashtag(forbidden.text) = promo.hashtag(tag.text))))
 UNION ALL
  SELECT 'hashtag that is not allowed'::text,
     tag.text
    FROM (rules
      CROSS JOIN unnest(brand_violations.hashtags) tag(text))
   WHERE ((rules.allowed_hashtags <> '{}'::text[]) AND (NOT (EXISTS ( SELECT
            FROM unnest(rules.allowed_hashtags) allowed(text)
           WHERE (promo.hashtag(allowed.text) = promo.hashtag(tag.text))))));
END;

CREATE OR REPLACE FUNCTION promo.cancel_posts()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE promo.scheduled_posts
        SET status = ''CANCELLED'', next_attempt_at = NULL
        WHERE %I = $1 AND status IN (''SCHEDULED'', ''RETRYING'')',
        TG_ARGV[0]
    )
    USING NEW.id;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.count_published_post()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO promo.usage AS used (user_id, month, posts_published)
    SELECT
        organization.user_id,
        promo.current_month(),
        1
    FROM promo.organizations AS organization
    WHERE organization.id = NEW.organization_id
    ON CONFLICT (user_id, month) DO UPDATE
    SET posts_published = used.posts_published + 1;

    INSERT INTO core.outbox (queue, name, payload, run_at)
    VALUES (
        'analytics',
        'collect-analytics',
        jsonb_build_object(
            'organizationId', NEW.organization_id,
            'scheduledPostId', NEW.id,
            'contentPieceId', NEW.content_piece_id,
            'socialAccountId', NEW.social_account_id,
            'timeRange', jsonb_build_object(
                'start', NEW.published_at,
                'end', NEW.published_at + INTERVAL '1 hour'
            )
        ),
        NEW.published_at + INTERVAL '1 hour'
    );

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.current_month()
 RETURNS date
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (date_trunc('month'::text, (now() AT TIME ZONE 'UTC'::text)))::date;

CREATE OR REPLACE FUNCTION promo.current_organization()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (NULLIF(current_setting('promo.organization_id'::text, true), ''::text))::uuid;

CREATE OR REPLACE FUNCTION promo.current_owner()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (NULLIF(current_setting('promo.user_id'::text, true), ''::text))::uuid;

CREATE OR REPLACE FUNCTION promo.delete_children()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
    EXECUTE format(
        'UPDATE %s SET deleted_at = $1
        WHERE %I = $2 AND deleted_at IS NOT DISTINCT FROM $3',
        TG_ARGV[0]::regclass,
        TG_ARGV[1]
    )
    USING NEW.deleted_at, NEW.id, OLD.deleted_at;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.enqueue_post()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO core.outbox (queue, name, payload, run_at)
    VALUES (
        'publishing',
        'publish-post',
        jsonb_build_object(
            'scheduledPostId', NEW.id,
            'organizationId', NEW.organization_id,
            'contentPieceId', NEW.content_piece_id,
            'socialAccountId', NEW.social_account_id,
            'retryCount', NEW.attempt_count
        ),
        NEW.due_at
    );

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.follow_posts()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    piece_id CONSTANT uuid := coalesce(NEW.content_piece_id, OLD.content_piece_id);
    published_in uuid;
BEGIN
    PERFORM
    FROM promo.content_pieces AS piece
    WHERE piece.id = piece_id
    FOR NO KEY UPDATE;

    UPDATE promo.content_pieces AS piece
    SET
        status = due.status,
        scheduled_at = coalesce(due.scheduled_at, piece.scheduled_at),
        published_at = coalesce(NEW.published_at, piece.published_at)
    FROM (
        SELECT
            CASE
                WHEN NEW.status = 'PUBLISHED' THEN 'PUBLISHED'
                WHEN bool_or(post.status IN ('SCHEDULED', 'PUBLISHING', 'RETRYING'))
                    THEN 'SCHEDULED'
                WHEN bool_or(post.status = 'FAILED') THEN 'FAILED'
                ELSE 'APPROVED'
            END::promo.content_status AS status,
            min(post.scheduled_at)
                FILTER (WHERE post.status IN ('SCHEDULED', 'PUBLISHING', 'RETRYING'))
                AS scheduled_at
        FROM promo.scheduled_posts AS post
        WHERE post.content_piece_id = piece_id
    ) AS due
    WHERE
        piece.id = piece_id
        AND (
            piece.status = 'SCHEDULED'
            OR (
                piece.status IN ('APPROVED', 'FAILED')
                AND due.status IN ('SCHEDULED', 'PUBLISHED')
            )
        )
        AND (piece.status, piece.scheduled_at)
            IS DISTINCT FROM (due.status, coalesce(due.scheduled_at, piece.scheduled_at))
    RETURNING CASE piece.status WHEN 'PUBLISHED' THEN piece.series_id END
    INTO published_in;

    UPDATE promo.series AS series
    SET
        published_posts = least(series.published_posts + 1, series.total_posts),
        status = CASE
            WHEN series.published_posts + 1 >= series.total_posts THEN 'COMPLETED'
            ELSE series.status
        END
    WHERE series.id = published_in;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.hashtag(given text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN lower(ltrim(btrim(given), '#'::text));

CREATE OR REPLACE FUNCTION promo.next_strategy_version(organization uuid)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
DECLARE
    last_version integer;
BEGIN
    PERFORM
    FROM promo.organizations AS own
    WHERE own.id = organization
    FOR NO KEY UPDATE;

    SELECT max(strategy.version)
    INTO last_version
    FROM promo.ai_strategies AS strategy
    WHERE strategy.organization_id = organization;

    RETURN coalesce(last_version, 0) + 1;
END
$function$;

CREATE OR REPLACE FUNCTION promo.organizations_left(owner uuid)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
    allowed integer;
    taken bigint;
BEGIN
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION 'organisations cannot be counted under REPEATABLE READ'
            USING
                ERRCODE = 'feature_not_supported',
                DETAIL = 'Its snapshot may miss organisations that are there by now.',
                HINT = 'Create organisations under READ COMMITTED or SERIALIZABLE.';
    END IF;

    SELECT plan.max_organizations
    INTO allowed
    FROM promo.users AS account
    INNER JOIN promo.plans AS plan
        ON plan.plan = account.plan
    WHERE
        account.id = owner
        AND account.deleted_at IS NULL
    FOR NO KEY UPDATE OF account;

    SELECT count(*)
    INTO taken
    FROM promo.organizations AS organization
    WHERE
        organization.user_id = owner
        AND organization.deleted_at IS NULL;

    RETURN greatest(allowed - taken, 0);
END
$function$;

CREATE OR REPLACE FUNCTION promo.refuse_step()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '%.% cannot go from % to %',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.status, NEW.status
        USING
            ERRCODE = 'check_violation',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$function$;

CREATE OR REPLACE FUNCTION promo.require_live_parent()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    parent CONSTANT regclass := TG_ARGV[0];
    deleted_at timestamptz;
BEGIN
    EXECUTE format('SELECT deleted_at FROM %s WHERE id = $1 FOR SHARE', parent)
    INTO deleted_at
    USING (to_jsonb(NEW) ->> TG_ARGV[1])::uuid;

    IF deleted_at IS NOT NULL THEN
        RAISE EXCEPTION 'what a row of %.% belongs to in % is deleted',
            TG_TABLE_SCHEMA, TG_TABLE_NAME, parent
            USING
                ERRCODE = 'foreign_key_violation',
                SCHEMA = TG_TABLE_SCHEMA,
                TABLE = TG_TABLE_NAME,
                CONSTRAINT = TG_NAME;
    END IF;

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION promo.require_publishable()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    piece promo.content_pieces;
    account promo.social_accounts;
    problem text;
BEGIN
    SELECT own.*
    INTO account
    FROM promo.social_accounts AS own
    WHERE own.id = NEW.social_account_id
    FOR SHARE;

    SELECT own.*
    INTO piece
    FROM promo.content_pieces AS own
    WHERE own.id = NEW.content_piece_id
    FOR NO KEY UPDATE;

    problem := CASE
        WHEN piece.deleted_at IS NOT NULL THEN 'the content is deleted'
        WHEN piece.status NOT IN ('APPROVED', 'SCHEDULED', 'PUBLISHED', 'FAILED')
            THEN 'the content is not approved'
        WHEN account.deleted_at IS NOT NULL THEN 'the account is deleted'
        WHEN NOT account.is_active THEN 'the account is not active'
        WHEN account.platform <> piece.platform
            THEN 'the account is on another platform than the content'
    END;

    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'the post cannot be scheduled: %', problem
            USING
                ERRCODE = 'check_violation',
                SCHEMA = TG_TABLE_SCHEMA,
                TABLE = TG_TABLE_NAME,
                CONSTRAINT = TG_NAME;
    END IF;

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION promo.set_plan()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    subscriber CONSTANT uuid := coalesce(NEW.user_id, OLD.user_id);
BEGIN
    PERFORM
    FROM promo.users AS account
    WHERE account.id = subscriber
    FOR NO KEY UPDATE;

    UPDATE promo.users AS account
    SET plan = due.plan
    FROM (
        SELECT coalesce(max(live.plan), 'free') AS plan
        FROM promo.subscriptions AS live
        WHERE
            live.user_id = subscriber
            AND live.status IN ('ACTIVE', 'TRIALING', 'PAST_DUE')
    ) AS due
    WHERE
        account.id = subscriber
        AND account.plan <> due.plan;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION promo.words(given text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN btrim(regexp_replace(lower(given), '[^[:alnum:]%$€£]+'::text, ' '::text, 'g'::text));

CREATE TABLE promo.ai_strategies (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    previous_id uuid,
    status promo.strategy_status DEFAULT 'PROPOSED'::promo.strategy_status NOT NULL,
    positioning jsonb NOT NULL,
    audience_segments jsonb NOT NULL,
    content_pillars jsonb NOT NULL,
    channel_plan jsonb NOT NULL,
    cadence jsonb NOT NULL,
    calendar_skeleton jsonb NOT NULL,
    generated_by text,
    confidence double precision,
    accepted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ai_strategies_accepted_at_check CHECK (
CASE status
    WHEN 'ACTIVE'::promo.strategy_status THEN (accepted_at IS NOT NULL)
    WHEN 'PROPOSED'::promo.strategy_status THEN (accepted_at IS NULL)
    ELSE true
END),
    CONSTRAINT ai_strategies_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT ai_strategies_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT ai_strategies_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT ai_strategies_organization_id_previous_id_fkey FOREIGN KEY (organization_id, previous_id) REFERENCES promo.ai_strategies(organization_id, id) ON DELETE SET NULL (previous_id),
    CONSTRAINT ai_strategies_organization_id_version_key UNIQUE (organization_id, version),
    CONSTRAINT ai_strategies_pkey PRIMARY KEY (id),
    CONSTRAINT ai_strategies_previous_id_check CHECK ((previous_id <> id)),
    CONSTRAINT ai_strategies_version_check CHECK ((version >= 1))
);

ALTER TABLE promo.ai_strategies ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.analytics (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    organization_id uuid NOT NULL,
    content_piece_id uuid,
    scheduled_post_id uuid,
    social_account_id uuid,
    platform promo.platform NOT NULL,
    metric_type promo.metric_type NOT NULL,
    impressions bigint DEFAULT 0 NOT NULL,
    likes integer DEFAULT 0 NOT NULL,
    comments integer DEFAULT 0 NOT NULL,
    shares integer DEFAULT 0 NOT NULL,
    saves integer DEFAULT 0 NOT NULL,
    clicks integer DEFAULT 0 NOT NULL,
    reach bigint DEFAULT 0 NOT NULL,
    followers_delta integer DEFAULT 0 NOT NULL,
    website_clicks integer DEFAULT 0 NOT NULL,
    signups integer DEFAULT 0 NOT NULL,
    demos integer DEFAULT 0 NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    collected_at timestamp with time zone DEFAULT now() NOT NULL,
    engagement_rate double precision GENERATED ALWAYS AS (((((((likes)::bigint + comments) + shares) + saves))::double precision / (NULLIF(impressions, 0))::double precision)) STORED,
    ctr double precision GENERATED ALWAYS AS (((clicks)::double precision / (NULLIF(impressions, 0))::double precision)) STORED,
    CONSTRAINT analytics_clicks_check CHECK ((clicks >= 0)),
    CONSTRAINT analytics_comments_check CHECK ((comments >= 0)),
    CONSTRAINT analytics_demos_check CHECK ((demos >= 0)),
    CONSTRAINT analytics_impressions_check CHECK ((impressions >= 0)),
    CONSTRAINT analytics_likes_check CHECK ((likes >= 0)),
    CONSTRAINT analytics_organization_id_content_piece_id_fkey FOREIGN KEY (organization_id, content_piece_id) REFERENCES promo.content_pieces(organization_id, id) ON DELETE CASCADE,
    CONSTRAINT analytics_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT analytics_organization_id_scheduled_post_id_fkey FOREIGN KEY (organization_id, scheduled_post_id) REFERENCES promo.scheduled_posts(organization_id, id) ON DELETE CASCADE,
    CONSTRAINT analytics_organization_id_social_account_id_fkey FOREIGN KEY (organization_id, social_account_id) REFERENCES promo.social_accounts(organization_id, id) ON DELETE CASCADE,
    CONSTRAINT analytics_period_end_check CHECK ((period_end > period_start)),
    CONSTRAINT analytics_pkey PRIMARY KEY (id),
    CONSTRAINT analytics_reach_check CHECK ((reach >= 0)),
    CONSTRAINT analytics_saves_check CHECK ((saves >= 0)),
    CONSTRAINT analytics_shares_check CHECK ((shares >= 0)),
    CONSTRAINT analytics_signups_check CHECK ((signups >= 0)),
    CONSTRAINT analytics_subject_period_start_key UNIQUE NULLS NOT DISTINCT (organization_id, scheduled_post_id, social_account_id, metric_type, period_start),
    CONSTRAINT analytics_website_clicks_check CHECK ((website_clicks >= 0))
);

ALTER TABLE promo.analytics ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.assets (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    uploaded_by uuid,
    filename text NOT NULL,
    original_name text NOT NULL,
    type promo.asset_type NOT NULL,
    mime_type text NOT NULL,
    size_bytes bigint NOT NULL,
    s3_bucket text NOT NULL,
    s3_key text NOT NULL,
    url text NOT NULL,
    title text,
    description text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT assets_filename_check CHECK ((btrim(filename) <> ''::text)),
    CONSTRAINT assets_mime_type_check CHECK ((mime_type ~ '^[a-z]+/[^[:space:]]+$'::text)),
    CONSTRAINT assets_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT assets_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT assets_pkey PRIMARY KEY (id),
    CONSTRAINT assets_s3_bucket_s3_key_key UNIQUE (s3_bucket, s3_key),
    CONSTRAINT assets_size_bytes_check CHECK ((size_bytes >= 0)),
    CONSTRAINT assets_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES promo.users(id) ON DELETE SET NULL,
    CONSTRAINT assets_url_check CHECK ((url ~* '^https?://'::text))
);

ALTER TABLE promo.assets ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.brand_rules (
    organization_id uuid NOT NULL,
    tone text,
    voice text,
    allowed_phrases text[] DEFAULT '{}'::text[] NOT NULL,
    forbidden_phrases text[] DEFAULT '{}'::text[] NOT NULL,
    allowed_hashtags text[] DEFAULT '{}'::text[] NOT NULL,
    forbidden_hashtags text[] DEFAULT '{}'::text[] NOT NULL,
    compliance_notes text,
    legal_disclaimer text,
    claims_to_avoid text[] DEFAULT '{}'::text[] NOT NULL,
    approval_mode promo.approval_mode DEFAULT 'MANUAL'::promo.approval_mode NOT NULL,
    auto_approval_rules jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT brand_rules_approval_mode_check CHECK (((approval_mode <> 'CONDITIONAL'::promo.approval_mode) OR (auto_approval_rules IS NOT NULL))),
    CONSTRAINT brand_rules_auto_approval_rules_check CHECK ((jsonb_typeof(auto_approval_rules) = 'object'::text)),
    CONSTRAINT brand_rules_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT brand_rules_pkey PRIMARY KEY (organization_id)
);

ALTER TABLE promo.brand_rules ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.content_piece_assets (
    organization_id uuid NOT NULL,
    content_piece_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    "position" smallint DEFAULT 0 NOT NULL,
    CONSTRAINT content_piece_assets_organization_id_asset_id_fkey FOREIGN KEY (organization_id, asset_id) REFERENCES promo.assets(organization_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT content_piece_assets_organization_id_content_piece_id_fkey FOREIGN KEY (organization_id, content_piece_id) REFERENCES promo.content_pieces(organization_id, id) ON DELETE CASCADE,
    CONSTRAINT content_piece_assets_pkey PRIMARY KEY (content_piece_id, asset_id),
    CONSTRAINT content_piece_assets_position_check CHECK (("position" >= 0)),
    CONSTRAINT content_piece_assets_position_not_null NOT NULL "position"
);

ALTER TABLE promo.content_piece_assets ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.content_pieces (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    pillar_id uuid,
    series_id uuid,
    strategy_id uuid,
    sequence_no integer,
    platform promo.platform NOT NULL,
    status promo.content_status DEFAULT 'DRAFT'::promo.content_status NOT NULL,
    type promo.content_type DEFAULT 'POST'::promo.content_type NOT NULL,
    title text,
    body text NOT NULL,
    hashtags text[] DEFAULT '{}'::text[] NOT NULL,
    mentions text[] DEFAULT '{}'::text[] NOT NULL,
    cta text,
    hook text,
    media_refs jsonb,
    rationale text,
    confidence double precision,
    generated_by text,
    embedding public.vector(384),
    scheduled_at timestamp with time zone,
    published_at timestamp with time zone,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    body_hash text GENERATED ALWAYS AS (md5(lower(btrim(body)))) STORED NOT NULL,
    fts tsvector GENERATED ALWAYS AS ((setweight(to_tsvector('english'::regconfig, COALESCE(title, ''::text)), 'A'::"char") || setweight(to_tsvector('english'::regconfig, body), 'B'::"char"))) STORED NOT NULL,
    CONSTRAINT content_pieces_body_check CHECK (((btrim(body) <> ''::text) AND (char_length(body) <= 100000))),
    CONSTRAINT content_pieces_confidence_check CHECK (((confidence >= (0)::double precision) AND (confidence <= (1)::double precision))),
    CONSTRAINT content_pieces_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT content_pieces_media_refs_check CHECK ((jsonb_typeof(media_refs) = 'array'::text)),
    CONSTRAINT content_pieces_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT content_pieces_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT content_pieces_organization_id_pillar_id_fkey FOREIGN KEY (organization_id, pillar_id) REFERENCES promo.content_pillars(organization_id, id) ON DELETE SET NULL (pillar_id),
    CONSTRAINT content_pieces_organization_id_series_id_fkey FOREIGN KEY (organization_id, series_id) REFERENCES promo.series(organization_id, id) ON DELETE SET NULL (series_id),
    CONSTRAINT content_pieces_organization_id_strategy_id_fkey FOREIGN KEY (organization_id, strategy_id) REFERENCES promo.ai_strategies(organization_id, id) ON DELETE SET NULL (strategy_id),
    CONSTRAINT content_pieces_pkey PRIMARY KEY (id),
    CONSTRAINT content_pieces_published_at_check CHECK (((status <> 'PUBLISHED'::promo.content_status) OR (published_at IS NOT NULL))),
    CONSTRAINT content_pieces_scheduled_at_check CHECK (((status <> 'SCHEDULED'::promo.content_status) OR (scheduled_at IS NOT NULL))),
    CONSTRAINT content_pieces_sequence_no_check CHECK ((sequence_no > 0)),
    CONSTRAINT content_pieces_series_id_sequence_no_key UNIQUE (series_id, sequence_no)
);

ALTER TABLE promo.content_pieces ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.content_pillars (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    color text,
    emoji text,
    is_active boolean DEFAULT true NOT NULL,
    sort_order integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT content_pillars_color_check CHECK ((color ~ '^#[0-9A-Fa-f]{6}$'::text)),
    CONSTRAINT content_pillars_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT content_pillars_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT content_pillars_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT content_pillars_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT content_pillars_pkey PRIMARY KEY (id)
);

ALTER TABLE promo.content_pillars ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.founders (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    role text,
    email text,
    social_links jsonb DEFAULT '{}'::jsonb NOT NULL,
    bio text,
    image_url text,
    is_primary boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT founders_email_check CHECK ((email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text)),
    CONSTRAINT founders_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT founders_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT founders_pkey PRIMARY KEY (id),
    CONSTRAINT founders_social_links_check CHECK ((jsonb_typeof(social_links) = 'object'::text))
);

ALTER TABLE promo.founders ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.organizations (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    url text,
    stage text,
    pricing text,
    description text,
    tagline text,
    category text,
    markets text[] DEFAULT '{}'::text[] NOT NULL,
    languages text[] DEFAULT '{en}'::text[] NOT NULL,
    embedding public.vector(384),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    name_trigrams text[] GENERATED ALWAYS AS (core.trigrams(name)) STORED NOT NULL,
    CONSTRAINT organizations_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT organizations_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_url_check CHECK ((url ~* '^https?://'::text)),
    CONSTRAINT organizations_user_id_fkey FOREIGN KEY (user_id) REFERENCES promo.users(id) ON DELETE CASCADE
);

ALTER TABLE promo.organizations ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.plans (
    plan text NOT NULL,
    display_name text NOT NULL,
    price_monthly_cents integer NOT NULL,
    price_yearly_cents integer,
    stripe_price_id text,
    max_organizations integer NOT NULL,
    max_posts_per_month integer NOT NULL,
    max_strategies_per_month integer NOT NULL,
    analytics_days integer NOT NULL,
    platforms promo.platform[] DEFAULT enum_range(NULL::promo.platform) NOT NULL,
    features jsonb DEFAULT '[]'::jsonb NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    CONSTRAINT plans_analytics_days_check CHECK ((analytics_days > 0)),
    CONSTRAINT plans_display_name_check CHECK ((btrim(display_name) <> ''::text)),
    CONSTRAINT plans_features_check CHECK ((jsonb_typeof(features) = 'array'::text)),
    CONSTRAINT plans_max_organizations_check CHECK ((max_organizations > 0)),
    CONSTRAINT plans_max_posts_per_month_check CHECK ((max_posts_per_month >= 0)),
    CONSTRAINT plans_max_strategies_per_month_check CHECK ((max_strategies_per_month >= 0)),
    CONSTRAINT plans_pkey PRIMARY KEY (plan),
    CONSTRAINT plans_plan_check CHECK ((plan ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text)),
    CONSTRAINT plans_platforms_check CHECK ((cardinality(platforms) > 0)),
    CONSTRAINT plans_price_monthly_cents_check CHECK ((price_monthly_cents >= 0)),
    CONSTRAINT plans_price_yearly_cents_check CHECK ((price_yearly_cents >= 0)),
    CONSTRAINT plans_stripe_price_id_key UNIQUE (stripe_price_id)
);

CREATE TABLE promo.scheduled_posts (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    content_piece_id uuid NOT NULL,
    social_account_id uuid NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone,
    status promo.post_status DEFAULT 'SCHEDULED'::promo.post_status NOT NULL,
    platform_post_id text,
    platform_url text,
    attempt_count smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 3 NOT NULL,
    next_attempt_at timestamp with time zone,
    last_attempt_at timestamp with time zone,
    locked_by text,
    lease_until timestamp with time zone,
    error_message text,
    idempotency_key text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone GENERATED ALWAYS AS (COALESCE(next_attempt_at, scheduled_at)) STORED NOT NULL,
    CONSTRAINT scheduled_posts_attempt_count_check CHECK (((attempt_count >= 0) AND (attempt_count <= max_attempts))),
    CONSTRAINT scheduled_posts_error_message_check CHECK (((status <> 'FAILED'::promo.post_status) OR (error_message IS NOT NULL))),
    CONSTRAINT scheduled_posts_idempotency_key_check CHECK (((btrim(idempotency_key) <> ''::text) AND (char_length(idempotency_key) <= 255))),
    CONSTRAINT scheduled_posts_lease_until_check CHECK (((status = 'PUBLISHING'::promo.post_status) = (lease_until IS NOT NULL))),
    CONSTRAINT scheduled_posts_locked_by_check CHECK (((status = 'PUBLISHING'::promo.post_status) = (locked_by IS NOT NULL))),
    CONSTRAINT scheduled_posts_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 20))),
    CONSTRAINT scheduled_posts_next_attempt_at_check CHECK (((status = 'RETRYING'::promo.post_status) = (next_attempt_at IS NOT NULL))),
    CONSTRAINT scheduled_posts_organization_id_content_piece_id_fkey FOREIGN KEY (organization_id, content_piece_id) REFERENCES promo.content_pieces(organization_id, id) ON DELETE CASCADE,
    CONSTRAINT scheduled_posts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT scheduled_posts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT scheduled_posts_organization_id_idempotency_key_key UNIQUE (organization_id, idempotency_key),
    CONSTRAINT scheduled_posts_organization_id_social_account_id_fkey FOREIGN KEY (organization_id, social_account_id) REFERENCES promo.social_accounts(organization_id, id) ON DELETE CASCADE,
    CONSTRAINT scheduled_posts_pkey PRIMARY KEY (id),
    CONSTRAINT scheduled_posts_published_at_check CHECK (((status = 'PUBLISHED'::promo.post_status) = (published_at IS NOT NULL)))
)
WITH (autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_scale_factor='0.02');

ALTER TABLE promo.scheduled_posts ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.series (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    pillar_id uuid,
    name text NOT NULL,
    description text,
    platform promo.platform NOT NULL,
    cadence text NOT NULL,
    total_posts integer NOT NULL,
    published_posts integer DEFAULT 0 NOT NULL,
    status promo.series_status DEFAULT 'ACTIVE'::promo.series_status NOT NULL,
    start_date date,
    end_date date,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT series_cadence_check CHECK ((cadence = ANY (ARRAY['daily'::text, 'weekly'::text, 'biweekly'::text, 'monthly'::text]))),
    CONSTRAINT series_end_date_check CHECK ((end_date >= start_date)),
    CONSTRAINT series_name_check CHECK ((btrim(name) <> ''::text)),
    CONSTRAINT series_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT series_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT series_organization_id_pillar_id_fkey FOREIGN KEY (organization_id, pillar_id) REFERENCES promo.content_pillars(organization_id, id) ON DELETE SET NULL (pillar_id),
    CONSTRAINT series_pkey PRIMARY KEY (id),
    CONSTRAINT series_published_posts_check CHECK (((published_posts >= 0) AND (published_posts <= total_posts))),
    CONSTRAINT series_total_posts_check CHECK ((total_posts > 0))
);

ALTER TABLE promo.series ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.social_accounts (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    platform promo.platform NOT NULL,
    handle text NOT NULL,
    display_name text,
    profile_url text,
    access_token_encrypted bytea NOT NULL,
    refresh_token_encrypted bytea,
    token_key_id text NOT NULL,
    token_type text,
    scope text,
    expires_at timestamp with time zone,
    account_id text,
    followers_count integer DEFAULT 0 NOT NULL,
    following_count integer DEFAULT 0 NOT NULL,
    posts_count integer DEFAULT 0 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    last_sync_at timestamp with time zone,
    error_message text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT social_accounts_access_token_encrypted_check CHECK ((octet_length(access_token_encrypted) >= 28)),
    CONSTRAINT social_accounts_followers_count_check CHECK ((followers_count >= 0)),
    CONSTRAINT social_accounts_following_count_check CHECK ((following_count >= 0)),
    CONSTRAINT social_accounts_handle_check CHECK ((handle ~ '^[^@[:space:]][^[:space:]]*$'::text)),
    CONSTRAINT social_accounts_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT social_accounts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT social_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT social_accounts_posts_count_check CHECK ((posts_count >= 0)),
    CONSTRAINT social_accounts_refresh_token_encrypted_check CHECK ((octet_length(refresh_token_encrypted) >= 28)),
    CONSTRAINT social_accounts_token_key_id_check CHECK ((btrim(token_key_id) <> ''::text))
);

ALTER TABLE promo.social_accounts ENABLE ROW LEVEL SECURITY;

CREATE TABLE promo.subscriptions (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    plan text NOT NULL,
    status promo.subscription_status NOT NULL,
    stripe_subscription_id text,
    stripe_customer_id text,
    stripe_updated_at timestamp with time zone,
    stripe_invoiced_at timestamp with time zone,
    current_period_start timestamp with time zone,
    current_period_end timestamp with time zone,
    cancel_at_period_end boolean DEFAULT false NOT NULL,
    cancelled_at timestamp with time zone,
    trial_end timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT subscriptions_cancelled_at_check CHECK (((status <> 'CANCELLED'::promo.subscription_status) OR (cancelled_at IS NOT NULL))),
    CONSTRAINT subscriptions_current_period_end_check CHECK ((current_period_end > current_period_start)),
    CONSTRAINT subscriptions_pkey PRIMARY KEY (id),
    CONSTRAINT subscriptions_plan_fkey FOREIGN KEY (plan) REFERENCES promo.plans(plan) ON UPDATE CASCADE ON DELETE RESTRICT,
    CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
    CONSTRAINT subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES promo.users(id) ON DELETE CASCADE
);

CREATE TABLE promo.usage (
    user_id uuid NOT NULL,
    month date NOT NULL,
    posts_generated integer DEFAULT 0 NOT NULL,
    posts_published integer DEFAULT 0 NOT NULL,
    strategies_generated integer DEFAULT 0 NOT NULL,
    organizations_created integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT usage_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT usage_organizations_created_check CHECK ((organizations_created >= 0)),
    CONSTRAINT usage_pkey PRIMARY KEY (user_id, month),
    CONSTRAINT usage_posts_generated_check CHECK ((posts_generated >= 0)),
    CONSTRAINT usage_posts_published_check CHECK ((posts_published >= 0)),
    CONSTRAINT usage_strategies_generated_check CHECK ((strategies_generated >= 0)),
    CONSTRAINT usage_user_id_fkey FOREIGN KEY (user_id) REFERENCES promo.users(id) ON DELETE CASCADE
);

CREATE TABLE promo.users (
    id uuid DEFAULT core.new_id() NOT NULL,
    email text NOT NULL,
    password_hash text,
    name text,
    image text,
    plan text DEFAULT 'free'::text NOT NULL,
    role promo.user_role DEFAULT 'USER'::promo.user_role NOT NULL,
    verified boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT users_email_check CHECK (((char_length(email) <= 255) AND (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text))),
    CONSTRAINT users_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT users_password_hash_check CHECK ((password_hash ~ '^\$[a-z0-9-]+\$'::text)),
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_plan_fkey FOREIGN KEY (plan) REFERENCES promo.plans(plan) ON UPDATE CASCADE ON DELETE RESTRICT
);

CREATE TABLE promo.weekly_summaries (
    id uuid DEFAULT core.new_id() NOT NULL,
    organization_id uuid NOT NULL,
    week_start date NOT NULL,
    report_md text NOT NULL,
    recommendations jsonb,
    key_insights jsonb,
    total_posts integer DEFAULT 0 NOT NULL,
    avg_engagement double precision,
    top_content_piece_id uuid,
    resulting_strategy_id uuid,
    accepted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT weekly_summaries_key_insights_check CHECK ((jsonb_typeof(key_insights) = 'object'::text)),
    CONSTRAINT weekly_summaries_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES promo.organizations(id) ON DELETE CASCADE,
    CONSTRAINT weekly_summaries_organization_id_resulting_strategy_id_fkey FOREIGN KEY (organization_id, resulting_strategy_id) REFERENCES promo.ai_strategies(organization_id, id) ON DELETE SET NULL (resulting_strategy_id),
    CONSTRAINT weekly_summaries_organization_id_top_content_piece_id_fkey FOREIGN KEY (organization_id, top_content_piece_id) REFERENCES promo.content_pieces(organization_id, id) ON DELETE SET NULL (top_content_piece_id),
    CONSTRAINT weekly_summaries_organization_id_week_start_key UNIQUE (organization_id, week_start),
    CONSTRAINT weekly_summaries_pkey PRIMARY KEY (id),
    CONSTRAINT weekly_summaries_recommendations_check CHECK ((jsonb_typeof(recommendations) = 'array'::text)),
    CONSTRAINT weekly_summaries_total_posts_check CHECK ((total_posts >= 0)),
    CONSTRAINT weekly_summaries_week_start_check CHECK ((EXTRACT(isodow FROM week_start) = (1)::numeric))
);

ALTER TABLE promo.weekly_summaries ENABLE ROW LEVEL SECURITY;

CREATE UNIQUE INDEX ai_strategies_organization_id_active_key ON promo.ai_strategies USING btree (organization_id) WHERE (status = 'ACTIVE'::promo.strategy_status);

CREATE INDEX ai_strategies_previous_id_idx ON promo.ai_strategies USING btree (previous_id);

CREATE INDEX ai_strategies_status_idx ON promo.ai_strategies USING btree (status);

CREATE INDEX analytics_collected_at_idx ON promo.analytics USING brin (collected_at);

CREATE INDEX analytics_content_piece_id_idx ON promo.analytics USING btree (content_piece_id);

CREATE INDEX analytics_organization_id_period_start_platform_idx ON promo.analytics USING btree (organization_id, period_start, platform);

CREATE INDEX analytics_scheduled_post_id_idx ON promo.analytics USING btree (scheduled_post_id);

CREATE INDEX analytics_social_account_id_idx ON promo.analytics USING btree (social_account_id);

CREATE INDEX assets_organization_id_created_at_id_idx ON promo.assets USING btree (organization_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX assets_tags_idx ON promo.assets USING gin (tags);

CREATE INDEX assets_uploaded_by_idx ON promo.assets USING btree (uploaded_by);

CREATE INDEX content_piece_assets_asset_id_idx ON promo.content_piece_assets USING btree (asset_id);

CREATE INDEX content_pieces_embedding_idx ON promo.content_pieces USING hnsw (embedding public.vector_cosine_ops) WHERE (deleted_at IS NULL);

CREATE INDEX content_pieces_fts_idx ON promo.content_pieces USING gin (fts) WHERE (deleted_at IS NULL);

CREATE INDEX content_pieces_hashtags_idx ON promo.content_pieces USING gin (hashtags) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX content_pieces_live_key ON promo.content_pieces USING btree (organization_id, platform, body_hash) WHERE ((status = ANY (ARRAY['SCHEDULED'::promo.content_status, 'PUBLISHED'::promo.content_status])) AND (deleted_at IS NULL));

CREATE INDEX content_pieces_organization_id_created_at_id_idx ON promo.content_pieces USING btree (organization_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX content_pieces_organization_id_published_at_idx ON promo.content_pieces USING btree (organization_id, published_at) WHERE (published_at IS NOT NULL);

CREATE INDEX content_pieces_organization_id_status_created_at_id_idx ON promo.content_pieces USING btree (organization_id, status, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX content_pieces_pillar_id_idx ON promo.content_pieces USING btree (pillar_id);

CREATE INDEX content_pieces_strategy_id_idx ON promo.content_pieces USING btree (strategy_id);

CREATE INDEX content_pillars_organization_id_sort_order_idx ON promo.content_pillars USING btree (organization_id, sort_order) WHERE is_active;

CREATE INDEX founders_organization_id_idx ON promo.founders USING btree (organization_id);

CREATE UNIQUE INDEX founders_organization_id_primary_key ON promo.founders USING btree (organization_id) WHERE is_primary;

CREATE INDEX organizations_category_idx ON promo.organizations USING btree (category) WHERE (deleted_at IS NULL);

CREATE INDEX organizations_created_at_id_idx ON promo.organizations USING btree (created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX organizations_embedding_idx ON promo.organizations USING hnsw (embedding public.vector_cosine_ops) WHERE (deleted_at IS NULL);

CREATE INDEX organizations_markets_idx ON promo.organizations USING gin (markets) WHERE (deleted_at IS NULL);

CREATE INDEX organizations_name_trigrams_idx ON promo.organizations USING gin (name_trigrams) WHERE (deleted_at IS NULL);

CREATE INDEX organizations_user_id_idx ON promo.organizations USING btree (user_id);

CREATE INDEX scheduled_posts_content_piece_id_idx ON promo.scheduled_posts USING btree (content_piece_id);

CREATE INDEX scheduled_posts_due_at_id_idx ON promo.scheduled_posts USING btree (due_at, id) WHERE (status = ANY (ARRAY['SCHEDULED'::promo.post_status, 'RETRYING'::promo.post_status]));

CREATE INDEX scheduled_posts_lease_until_idx ON promo.scheduled_posts USING btree (lease_until) WHERE (status = 'PUBLISHING'::promo.post_status);

CREATE INDEX scheduled_posts_organization_id_scheduled_at_id_idx ON promo.scheduled_posts USING btree (organization_id, scheduled_at, id);

CREATE INDEX scheduled_posts_published_at_idx ON promo.scheduled_posts USING btree (published_at) WHERE (status = 'PUBLISHED'::promo.post_status);

CREATE INDEX scheduled_posts_social_account_id_scheduled_at_idx ON promo.scheduled_posts USING btree (social_account_id, scheduled_at);

CREATE INDEX series_organization_id_status_idx ON promo.series USING btree (organization_id, status);

CREATE INDEX series_pillar_id_idx ON promo.series USING btree (pillar_id);

CREATE INDEX series_platform_idx ON promo.series USING btree (platform);

CREATE INDEX social_accounts_expires_at_idx ON promo.social_accounts USING btree (expires_at) WHERE (is_active AND (deleted_at IS NULL));

CREATE UNIQUE INDEX social_accounts_organization_id_platform_handle_key ON promo.social_accounts USING btree (organization_id, platform, lower(handle)) WHERE (deleted_at IS NULL);

CREATE INDEX social_accounts_platform_idx ON promo.social_accounts USING btree (platform) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX social_accounts_token_key_id_idx ON promo.social_accounts USING btree (token_key_id);

CREATE INDEX subscriptions_plan_idx ON promo.subscriptions USING btree (plan);

CREATE INDEX subscriptions_stripe_customer_id_idx ON promo.subscriptions USING btree (stripe_customer_id);

CREATE INDEX subscriptions_user_id_idx ON promo.subscriptions USING btree (user_id);

CREATE UNIQUE INDEX subscriptions_user_id_live_key ON promo.subscriptions USING btree (user_id) WHERE (status = ANY (ARRAY['ACTIVE'::promo.subscription_status, 'TRIALING'::promo.subscription_status, 'PAST_DUE'::promo.subscription_status]));

CREATE INDEX users_created_at_id_idx ON promo.users USING btree (created_at, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX users_lower_email_key ON promo.users USING btree (lower(email)) WHERE (deleted_at IS NULL);

CREATE INDEX users_plan_idx ON promo.users USING btree (plan);

CREATE INDEX users_role_idx ON promo.users USING btree (role) WHERE (deleted_at IS NULL);

CREATE INDEX weekly_summaries_resulting_strategy_id_idx ON promo.weekly_summaries USING btree (resulting_strategy_id);

CREATE INDEX weekly_summaries_top_content_piece_id_idx ON promo.weekly_summaries USING btree (top_content_piece_id);

CREATE INDEX weekly_summaries_week_start_idx ON promo.weekly_summaries USING btree (week_start) WHERE (accepted_at IS NULL);

CREATE TRIGGER ai_strategies_archive_others BEFORE UPDATE OF status ON promo.ai_strategies FOR EACH ROW WHEN (((old.status <> 'ACTIVE'::promo.strategy_status) AND (new.status = 'ACTIVE'::promo.strategy_status))) EXECUTE FUNCTION promo.archive_other_strategies();

CREATE TRIGGER ai_strategies_audit AFTER INSERT OR DELETE OR UPDATE ON promo.ai_strategies FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER ai_strategies_set_updated_at BEFORE UPDATE ON promo.ai_strategies FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER ai_strategies_status_step BEFORE UPDATE OF status ON promo.ai_strategies FOR EACH ROW WHEN (((old.status <> new.status) AND ((((((old.status <> 'PROPOSED'::promo.strategy_status) OR (new.status <> 'ACTIVE'::promo.strategy_status)) AND ((old.status <> 'PROPOSED'::promo.strategy_status) OR (new.status <> 'REJECTED'::promo.strategy_status))) AND ((old.status <> 'PROPOSED'::promo.strategy_status) OR (new.status <> 'ARCHIVED'::promo.strategy_status))) AND ((old.status <> 'ACTIVE'::promo.strategy_status) OR (new.status <> 'ARCHIVED'::promo.strategy_status))) AND ((old.status <> 'ARCHIVED'::promo.strategy_status) OR (new.status <> 'ACTIVE'::promo.strategy_status))))) EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER assets_audit AFTER INSERT OR DELETE OR UPDATE ON promo.assets FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER assets_organization_id_live BEFORE INSERT OR UPDATE OF organization_id, deleted_at ON promo.assets FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION promo.require_live_parent('promo.organizations', 'organization_id');

CREATE TRIGGER assets_set_updated_at BEFORE UPDATE ON promo.assets FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER brand_rules_audit AFTER INSERT OR DELETE OR UPDATE ON promo.brand_rules FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER brand_rules_set_updated_at BEFORE UPDATE ON promo.brand_rules FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER content_piece_assets_audit AFTER INSERT OR DELETE OR UPDATE ON promo.content_piece_assets FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER content_pieces_audit AFTER INSERT OR DELETE OR UPDATE ON promo.content_pieces FOR EACH ROW EXECUTE FUNCTION core.audit_row('embedding');

CREATE TRIGGER content_pieces_cancel_posts AFTER UPDATE OF deleted_at ON promo.content_pieces FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION promo.cancel_posts('content_piece_id');

CREATE TRIGGER content_pieces_organization_id_live BEFORE INSERT OR UPDATE OF organization_id, deleted_at ON promo.content_pieces FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION promo.require_live_parent('promo.organizations', 'organization_id');

CREATE TRIGGER content_pieces_set_updated_at BEFORE UPDATE ON promo.content_pieces FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER content_pieces_status_step BEFORE UPDATE OF status ON promo.content_pieces FOR EACH ROW WHEN (((old.status <> new.status) AND ((((((((((((((((((((old.status <> 'DRAFT'::promo.content_status) OR (new.status <> 'PENDING_REVIEW'::promo.content_status)) AND ((old.status <> 'DRAFT'::promo.content_status) OR (new.status <> 'APPROVED'::promo.content_status))) AND ((old.status <> 'DRAFT'::promo.content_status) OR (new.status <> 'ARCHIVED'::promo.content_status))) AND ((old.status <> 'PENDING_REVIEW'::promo.content_status) OR (new.status <> 'DRAFT'::promo.content_status))) AND ((old.status <> 'PENDING_REVIEW'::promo.content_status) OR (new.status <> 'APPROVED'::promo.content_status))) AND ((old.status <> 'PENDING_REVIEW'::promo.content_status) OR (new.status <> 'ARCHIVED'::promo.content_status))) AND ((old.status <> 'APPROVED'::promo.content_status) OR (new.status <> 'DRAFT'::promo.content_status))) AND ((old.status <> 'APPROVED'::promo.content_status) OR (new.status <> 'SCHEDULED'::promo.content_status))) AND ((old.status <> 'APPROVED'::promo.content_status) OR (new.status <> 'PUBLISHED'::promo.content_status))) AND ((old.status <> 'APPROVED'::promo.content_status) OR (new.status <> 'ARCHIVED'::promo.content_status))) AND ((old.status <> 'SCHEDULED'::promo.content_status) OR (new.status <> 'APPROVED'::promo.content_status))) AND ((old.status <> 'SCHEDULED'::promo.content_status) OR (new.status <> 'PUBLISHED'::promo.content_status))) AND ((old.status <> 'SCHEDULED'::promo.content_status) OR (new.status <> 'FAILED'::promo.content_status))) AND ((old.status <> 'FAILED'::promo.content_status) OR (new.status <> 'DRAFT'::promo.content_status))) AND ((old.status <> 'FAILED'::promo.content_status) OR (new.status <> 'SCHEDULED'::promo.content_status))) AND ((old.status <> 'FAILED'::promo.content_status) OR (new.status <> 'PUBLISHED'::promo.content_status))) AND ((old.status <> 'FAILED'::promo.content_status) OR (new.status <> 'ARCHIVED'::promo.content_status))) AND ((old.status <> 'PUBLISHED'::promo.content_status) OR (new.status <> 'ARCHIVED'::promo.content_status))) AND ((old.status <> 'ARCHIVED'::promo.content_status) OR (new.status <> 'DRAFT'::promo.content_status))))) EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER content_pillars_audit AFTER INSERT OR DELETE OR UPDATE ON promo.content_pillars FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER content_pillars_set_updated_at BEFORE UPDATE ON promo.content_pillars FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER founders_audit AFTER INSERT OR DELETE OR UPDATE ON promo.founders FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER founders_set_updated_at BEFORE UPDATE ON promo.founders FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER organizations_audit AFTER INSERT OR DELETE OR UPDATE ON promo.organizations FOR EACH ROW EXECUTE FUNCTION core.audit_row('embedding');

CREATE TRIGGER organizations_delete_assets AFTER UPDATE OF deleted_at ON promo.organizations FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION promo.delete_children('promo.assets', 'organization_id');

CREATE TRIGGER organizations_delete_content_pieces AFTER UPDATE OF deleted_at ON promo.organizations FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION promo.delete_children('promo.content_pieces', 'organization_id');

CREATE TRIGGER organizations_delete_social_accounts AFTER UPDATE OF deleted_at ON promo.organizations FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION promo.delete_children('promo.social_accounts', 'organization_id');

CREATE TRIGGER organizations_set_updated_at BEFORE UPDATE ON promo.organizations FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER organizations_user_id_live BEFORE INSERT OR UPDATE OF user_id, deleted_at ON promo.organizations FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION promo.require_live_parent('promo.users', 'user_id');

CREATE TRIGGER plans_audit AFTER INSERT OR DELETE OR UPDATE ON promo.plans FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER scheduled_posts_announce_failed AFTER UPDATE OF status ON promo.scheduled_posts FOR EACH ROW WHEN (((old.status <> 'FAILED'::promo.post_status) AND (new.status = 'FAILED'::promo.post_status))) EXECUTE FUNCTION promo.announce_failed_post();

CREATE TRIGGER scheduled_posts_audit AFTER INSERT OR DELETE OR UPDATE ON promo.scheduled_posts FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER scheduled_posts_count AFTER UPDATE OF status ON promo.scheduled_posts FOR EACH ROW WHEN (((old.status <> 'PUBLISHED'::promo.post_status) AND (new.status = 'PUBLISHED'::promo.post_status))) EXECUTE FUNCTION promo.count_published_post();

CREATE TRIGGER scheduled_posts_enqueue AFTER UPDATE ON promo.scheduled_posts FOR EACH ROW WHEN (((new.status = ANY (ARRAY['SCHEDULED'::promo.post_status, 'RETRYING'::promo.post_status])) AND ((old.status IS DISTINCT FROM new.status) OR (old.due_at IS DISTINCT FROM new.due_at)))) EXECUTE FUNCTION promo.enqueue_post();

CREATE TRIGGER scheduled_posts_enqueue_new AFTER INSERT ON promo.scheduled_posts FOR EACH ROW WHEN ((new.status = ANY (ARRAY['SCHEDULED'::promo.post_status, 'RETRYING'::promo.post_status]))) EXECUTE FUNCTION promo.enqueue_post();

CREATE TRIGGER scheduled_posts_follow AFTER INSERT OR DELETE OR UPDATE OF status, scheduled_at ON promo.scheduled_posts FOR EACH ROW EXECUTE FUNCTION promo.follow_posts();

CREATE TRIGGER scheduled_posts_publishable BEFORE INSERT OR UPDATE OF status ON promo.scheduled_posts FOR EACH ROW WHEN ((new.status = 'SCHEDULED'::promo.post_status)) EXECUTE FUNCTION promo.require_publishable();

CREATE TRIGGER scheduled_posts_set_updated_at BEFORE UPDATE ON promo.scheduled_posts FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER scheduled_posts_status_step BEFORE UPDATE OF status ON promo.scheduled_posts FOR EACH ROW WHEN (((old.status <> new.status) AND ((((((((((((old.status <> 'SCHEDULED'::promo.post_status) OR (new.status <> 'PUBLISHING'::promo.post_status)) AND ((old.status <> 'SCHEDULED'::promo.post_status) OR (new.status <> 'CANCELLED'::promo.post_status))) AND ((old.status <> 'PUBLISHING'::promo.post_status) OR (new.status <> 'SCHEDULED'::promo.post_status))) AND ((old.status <> 'PUBLISHING'::promo.post_status) OR (new.status <> 'PUBLISHED'::promo.post_status))) AND ((old.status <> 'PUBLISHING'::promo.post_status) OR (new.status <> 'RETRYING'::promo.post_status))) AND ((old.status <> 'PUBLISHING'::promo.post_status) OR (new.status <> 'FAILED'::promo.post_status))) AND ((old.status <> 'RETRYING'::promo.post_status) OR (new.status <> 'PUBLISHING'::promo.post_status))) AND ((old.status <> 'RETRYING'::promo.post_status) OR (new.status <> 'SCHEDULED'::promo.post_status))) AND ((old.status <> 'RETRYING'::promo.post_status) OR (new.status <> 'CANCELLED'::promo.post_status))) AND ((old.status <> 'FAILED'::promo.post_status) OR (new.status <> 'SCHEDULED'::promo.post_status))) AND ((old.status <> 'CANCELLED'::promo.post_status) OR (new.status <> 'SCHEDULED'::promo.post_status))))) EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER series_audit AFTER INSERT OR DELETE OR UPDATE ON promo.series FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER series_set_updated_at BEFORE UPDATE ON promo.series FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER social_accounts_audit AFTER INSERT OR DELETE OR UPDATE ON promo.social_accounts FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER social_accounts_cancel_posts AFTER UPDATE OF deleted_at ON promo.social_accounts FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION promo.cancel_posts('social_account_id');

CREATE TRIGGER social_accounts_organization_id_live BEFORE INSERT OR UPDATE OF organization_id, deleted_at ON promo.social_accounts FOR EACH ROW WHEN ((new.deleted_at IS NULL)) EXECUTE FUNCTION promo.require_live_parent('promo.organizations', 'organization_id');

CREATE TRIGGER social_accounts_set_updated_at BEFORE UPDATE ON promo.social_accounts FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER subscriptions_audit AFTER INSERT OR DELETE OR UPDATE ON promo.subscriptions FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER subscriptions_set_plan AFTER INSERT OR DELETE OR UPDATE OF status, plan ON promo.subscriptions FOR EACH ROW EXECUTE FUNCTION promo.set_plan();

CREATE TRIGGER subscriptions_set_updated_at BEFORE UPDATE ON promo.subscriptions FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER subscriptions_status_step BEFORE UPDATE OF status ON promo.subscriptions FOR EACH ROW WHEN (((old.status = 'CANCELLED'::promo.subscription_status) AND (new.status <> 'CANCELLED'::promo.subscription_status))) EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER usage_set_updated_at BEFORE UPDATE ON promo.usage FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER users_audit AFTER INSERT OR DELETE OR UPDATE ON promo.users FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER users_delete_organizations AFTER UPDATE OF deleted_at ON promo.users FOR EACH ROW WHEN ((old.deleted_at IS DISTINCT FROM new.deleted_at)) EXECUTE FUNCTION promo.delete_children('promo.organizations', 'user_id');

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON promo.users FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER weekly_summaries_audit AFTER INSERT OR DELETE OR UPDATE ON promo.weekly_summaries FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER weekly_summaries_set_updated_at BEFORE UPDATE ON promo.weekly_summaries FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE POLICY ai_strategies_all on promo.ai_strategies
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY ai_strategies_own on promo.ai_strategies
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY ai_strategies_read on promo.ai_strategies
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY analytics_all on promo.analytics
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY analytics_own on promo.analytics
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY analytics_read on promo.analytics
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY assets_all on promo.assets
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY assets_own on promo.assets
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY assets_read on promo.assets
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY brand_rules_all on promo.brand_rules
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY brand_rules_own on promo.brand_rules
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY brand_rules_read on promo.brand_rules
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY content_piece_assets_all on promo.content_piece_assets
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY content_piece_assets_own on promo.content_piece_assets
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY content_piece_assets_read on promo.content_piece_assets
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY content_pieces_all on promo.content_pieces
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY content_pieces_own on promo.content_pieces
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY content_pieces_read on promo.content_pieces
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY content_pillars_all on promo.content_pillars
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY content_pillars_own on promo.content_pillars
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY content_pillars_read on promo.content_pillars
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY founders_all on promo.founders
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY founders_own on promo.founders
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY founders_read on promo.founders
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY organizations_all on promo.organizations
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY organizations_own on promo.organizations
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING (((id = promo.current_organization()) OR (user_id = promo.current_owner())));

CREATE POLICY organizations_read on promo.organizations
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY scheduled_posts_all on promo.scheduled_posts
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY scheduled_posts_own on promo.scheduled_posts
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY scheduled_posts_read on promo.scheduled_posts
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY series_all on promo.series
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY series_own on promo.series
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY series_read on promo.series
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY social_accounts_all on promo.social_accounts
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY social_accounts_own on promo.social_accounts
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY social_accounts_read on promo.social_accounts
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

CREATE POLICY weekly_summaries_all on promo.weekly_summaries
    AS PERMISSIVE
    FOR ALL
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY weekly_summaries_own on promo.weekly_summaries
    AS PERMISSIVE
    FOR ALL
    TO drystone_app
    USING ((organization_id = promo.current_organization()));

CREATE POLICY weekly_summaries_read on promo.weekly_summaries
    AS PERMISSIVE
    FOR SELECT
    TO drystone_backup, drystone_readonly
    USING (true);

GRANT SELECT (account_id) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (created_at) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (deleted_at) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (display_name) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (error_message) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (expires_at) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (followers_count) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (following_count) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (handle) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (id) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (is_active) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (last_sync_at) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (organization_id) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (platform) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (posts_count) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (profile_url) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (scope) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (token_key_id) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (token_type) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (updated_at) ON TABLE promo.social_accounts TO drystone_readonly;

GRANT SELECT (created_at) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (deleted_at) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (email) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (id) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (image) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (name) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (plan) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (role) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (updated_at) ON TABLE promo.users TO drystone_readonly;

GRANT SELECT (verified) ON TABLE promo.users TO drystone_readonly;

REVOKE EXECUTE ON ROUTINE promo.cancel_posts() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE promo.delete_children() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE promo.organizations_left(uuid) FROM PUBLIC;

GRANT EXECUTE ON ROUTINE promo.organizations_left(uuid) TO drystone_app;

GRANT USAGE ON SCHEMA promo TO drystone_app;

GRANT USAGE ON SCHEMA promo TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.ai_strategies TO drystone_app;

GRANT SELECT ON TABLE promo.ai_strategies TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.analytics TO drystone_app;

GRANT SELECT ON TABLE promo.analytics TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.assets TO drystone_app;

GRANT SELECT ON TABLE promo.assets TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.brand_rules TO drystone_app;

GRANT SELECT ON TABLE promo.brand_rules TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.content_piece_assets TO drystone_app;

GRANT SELECT ON TABLE promo.content_piece_assets TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.content_pieces TO drystone_app;

GRANT SELECT ON TABLE promo.content_pieces TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.content_pillars TO drystone_app;

GRANT SELECT ON TABLE promo.content_pillars TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.founders TO drystone_app;

GRANT SELECT ON TABLE promo.founders TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.organizations TO drystone_app;

GRANT SELECT ON TABLE promo.organizations TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.plans TO drystone_app;

GRANT SELECT ON TABLE promo.plans TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.scheduled_posts TO drystone_app;

GRANT SELECT ON TABLE promo.scheduled_posts TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.series TO drystone_app;

GRANT SELECT ON TABLE promo.series TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.social_accounts TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.subscriptions TO drystone_app;

GRANT SELECT ON TABLE promo.subscriptions TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.usage TO drystone_app;

GRANT SELECT ON TABLE promo.usage TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.users TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE promo.weekly_summaries TO drystone_app;

GRANT SELECT ON TABLE promo.weekly_summaries TO drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo GRANT SELECT, USAGE ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA promo GRANT SELECT ON TABLES TO drystone_readonly;

COMMENT ON FUNCTION promo.announce_failed_post() IS 'For scheduled_posts: asks for an e-mail to the owner about a post that failed for good.';

COMMENT ON FUNCTION promo.archive_other_strategies() IS 'For ai_strategies: archives the active one when another becomes it.';

COMMENT ON FUNCTION promo.brand_violations(uuid,text,text[]) IS 'Which of an organisation''s brand rules a text and its hashtags break; phrases count as whole words, in any case and punctuation.';

COMMENT ON FUNCTION promo.cancel_posts() IS 'For AFTER UPDATE OF deleted_at, with a column of scheduled_posts that refers to this table: cancels the posts that are yet to come.';

COMMENT ON FUNCTION promo.count_published_post() IS 'For scheduled_posts: counts a post that was published, and asks for its analytics one hour later.';

COMMENT ON FUNCTION promo.current_month() IS 'The first day of the month that usage is counted in, which begins at midnight UTC.';

COMMENT ON FUNCTION promo.current_organization() IS 'The organisation whose rows this transaction may see: the setting promo.organization_id.';

COMMENT ON FUNCTION promo.current_owner() IS 'The user whose organisations, though not what belongs to them, this transaction may see and create: the setting promo.user_id.';

COMMENT ON FUNCTION promo.delete_children() IS 'For AFTER UPDATE OF deleted_at, with a table and its column that refers to this one: what belongs to a row is deleted with it, and restored with it.';

COMMENT ON FUNCTION promo.enqueue_post() IS 'For scheduled_posts: asks for a post to be published when it is due. A job for a time that was changed does nothing: the post is not due, or has been claimed.';

COMMENT ON FUNCTION promo.follow_posts() IS 'For scheduled_posts: makes an approved piece scheduled with its first post, and then published with the first that is out, failed, or approved again; counts it in its series when it is published.';

COMMENT ON FUNCTION promo.hashtag(text) IS 'A hashtag as it is compared: in lower case, without its sign.';

COMMENT ON FUNCTION promo.next_strategy_version(uuid) IS 'The number of an organisation''s next strategy. Holds off others who ask until the transaction ends.';

COMMENT ON FUNCTION promo.organizations_left(uuid) IS 'How many more organisations a living user''s plan allows. Holds off other counts of the user until the transaction ends.';

COMMENT ON FUNCTION promo.refuse_step() IS 'For BEFORE UPDATE OF status ... WHEN (no such step): refuses it as a broken CHECK that has the trigger''s name.';

COMMENT ON FUNCTION promo.require_live_parent() IS 'For BEFORE INSERT OR UPDATE, with a table and the column that refers to it: refuses a live row under a deleted one.';

COMMENT ON FUNCTION promo.require_publishable() IS 'For scheduled_posts: refuses a post of content that is not approved, or by an account that is not usable for it.';

COMMENT ON FUNCTION promo.set_plan() IS 'For subscriptions: gives the user the plan of the live one, of which there is one at most, otherwise free.';

COMMENT ON FUNCTION promo.words(text) IS 'The words of a text in lower case with one blank between; percent and currencies count as letters.';

COMMENT ON SCHEMA promo IS 'Marketing automation: organisations, strategies, content, scheduled posts, analytics, billing.';

COMMENT ON COLUMN promo.ai_strategies.confidence IS 'How sure the model was, from 0 to 1.';

COMMENT ON COLUMN promo.ai_strategies.generated_by IS 'The model that wrote it.';

COMMENT ON COLUMN promo.analytics.ctr IS 'Clicks by impressions; NULL without impressions.';

COMMENT ON COLUMN promo.analytics.engagement_rate IS 'Likes, comments, shares and saves by impressions; NULL without impressions.';

COMMENT ON COLUMN promo.brand_rules.allowed_hashtags IS 'If there are any, no others are.';

COMMENT ON COLUMN promo.brand_rules.allowed_phrases IS 'What may be said although a forbidden phrase or claim is part of it.';

COMMENT ON COLUMN promo.brand_rules.auto_approval_rules IS 'min_confidence, platforms and types, each if it matters; what fulfils all of them is approved by itself.';

COMMENT ON COLUMN promo.content_pieces.body_hash IS 'By which two bodies count as the same: in any case, without blanks around.';

COMMENT ON COLUMN promo.content_pieces.confidence IS 'How sure the model was, from 0 to 1.';

COMMENT ON COLUMN promo.content_pieces.embedding IS 'Embedding of title and body; cosine distance.';

COMMENT ON COLUMN promo.content_pieces.fts IS 'Title (weight A) and body (B).';

COMMENT ON COLUMN promo.content_pieces.generated_by IS 'The model that wrote it; NULL if a person did.';

COMMENT ON COLUMN promo.content_pieces.media_refs IS 'What else is shown, as a list of objects; files are in content_piece_assets.';

COMMENT ON COLUMN promo.founders.social_links IS 'Addresses by platform.';

COMMENT ON COLUMN promo.organizations.embedding IS 'Embedding of the profile; cosine distance.';

COMMENT ON COLUMN promo.organizations.languages IS 'What it speaks to its customers, as ISO 639-1 codes.';

COMMENT ON COLUMN promo.organizations.markets IS 'Where it sells, as ISO 3166-1 alpha-2 codes.';

COMMENT ON COLUMN promo.organizations.name_trigrams IS 'Trigrams of the name, for candidates by &&.';

COMMENT ON COLUMN promo.plans.analytics_days IS 'How many days back analytics are shown.';

COMMENT ON COLUMN promo.plans.is_active IS 'Whether it is sold; who has it keeps it.';

COMMENT ON COLUMN promo.plans.max_organizations IS 'The most organisations at one time.';

COMMENT ON COLUMN promo.plans.platforms IS 'Of which platforms accounts can be connected.';

COMMENT ON COLUMN promo.plans.stripe_price_id IS 'By which price a Stripe subscription is one to this plan; set for each environment.';

COMMENT ON COLUMN promo.scheduled_posts.attempt_count IS 'How often the post was claimed.';

COMMENT ON COLUMN promo.scheduled_posts.due_at IS 'From when on a worker may claim it.';

COMMENT ON COLUMN promo.scheduled_posts.error_message IS 'Why the last attempt that failed did so; kept when a later one succeeds.';

COMMENT ON COLUMN promo.scheduled_posts.idempotency_key IS 'By which a request that is sent again is known, within its organisation.';

COMMENT ON COLUMN promo.series.published_posts IS 'How many of its pieces were published; kept by the posts.';

COMMENT ON COLUMN promo.social_accounts.access_token_encrypted IS 'AES-GCM: a nonce of 12 bytes, the token, a tag of 16 bytes.';

COMMENT ON COLUMN promo.social_accounts.account_id IS 'The platform''s own id.';

COMMENT ON COLUMN promo.social_accounts.error_message IS 'Why the account could not be used when it was last tried.';

COMMENT ON COLUMN promo.social_accounts.expires_at IS 'Until when the access token is good; NULL is for ever.';

COMMENT ON COLUMN promo.social_accounts.handle IS 'The name on the platform, without @.';

COMMENT ON COLUMN promo.social_accounts.token_key_id IS 'Which key of the key ring both tokens are encrypted with.';

COMMENT ON COLUMN promo.subscriptions.stripe_invoiced_at IS 'When the invoice event happened that was heeded last.';

COMMENT ON COLUMN promo.subscriptions.stripe_updated_at IS 'When Stripe made the subscription what it is here; events of before are late.';

COMMENT ON COLUMN promo.users.password_hash IS 'In a self-describing form, such as $argon2id$...; NULL for who logs in by another service.';

COMMENT ON COLUMN promo.users.plan IS 'The plan of the live subscription, as often as one changes; otherwise free, or what it was set to.';

COMMENT ON COLUMN promo.weekly_summaries.accepted_at IS 'Since when its recommendations are accepted; from then on it is not built anew.';

COMMENT ON TABLE promo.ai_strategies IS 'How an organisation is to be promoted, as an AI proposed it.';

COMMENT ON TABLE promo.analytics IS 'Figures of a post, or of an account as a whole, in a period. They grow fast, and are not audited.';

COMMENT ON TABLE promo.assets IS 'A file of an organisation, which lies in S3.';

COMMENT ON TABLE promo.brand_rules IS 'How an organisation''s content sounds, and what it must not say.';

COMMENT ON TABLE promo.content_piece_assets IS 'Which files a piece of content shows, in which order.';

COMMENT ON TABLE promo.content_pieces IS 'Something to publish on a platform, written by an AI or a person.';

COMMENT ON TABLE promo.content_pillars IS 'What an organisation''s content is about.';

COMMENT ON TABLE promo.founders IS 'Who founded an organisation, and speaks for it.';

COMMENT ON TABLE promo.organizations IS 'A startup that a user promotes.';

COMMENT ON TABLE promo.plans IS 'What users can have, and the limits of each plan.';

COMMENT ON TABLE promo.scheduled_posts IS 'A piece of content that goes out by an account at a time.';

COMMENT ON TABLE promo.series IS 'Pieces that belong together and come one after the other.';

COMMENT ON TABLE promo.social_accounts IS 'An organisation''s account on a platform, with what is needed to act for it.';

COMMENT ON TABLE promo.subscriptions IS 'A subscription of a user to a plan, past ones too.';

COMMENT ON TABLE promo.usage IS 'What a user used in a month that begins at midnight UTC. Counters are not audited.';

COMMENT ON TABLE promo.users IS 'A person, once for each e-mail address in any case, deleted ones aside.';

COMMENT ON TABLE promo.weekly_summaries IS 'What the AI coach reports of a week, which begins on Monday, UTC.';

COMMENT ON TYPE promo.approval_mode IS 'MANUAL: somebody approves content. AUTO: what breaks no brand rule is approved. CONDITIONAL: so is what fulfils auto_approval_rules as well.';

COMMENT ON TYPE promo.asset_type IS 'What a file is for.';

COMMENT ON TYPE promo.content_status IS 'SCHEDULED, PUBLISHED and FAILED follow from the posts of an approved piece: one is on its way; one is out; none is on its way, and one failed for good.';

COMMENT ON TYPE promo.content_type IS 'The form of a piece of content.';

COMMENT ON TYPE promo.metric_type IS 'Which figures a row of analytics is about.';

COMMENT ON TYPE promo.platform IS 'Where content is published.';

COMMENT ON TYPE promo.post_status IS 'PUBLISHING: a worker holds it until lease_until. RETRYING: an attempt failed, the next is due at next_attempt_at. FAILED: out of attempts, or refused.';

COMMENT ON TYPE promo.series_status IS 'COMPLETED: as many pieces are published as there are to be.';

COMMENT ON TYPE promo.strategy_status IS 'ACTIVE: accepted, at most one in an organisation; the one before is ARCHIVED.';

COMMENT ON TYPE promo.subscription_status IS 'ACTIVE, TRIALING and PAST_DUE are live: the user has the plan. CANCELLED is for good.';

COMMENT ON TYPE promo.usage_metric IS 'What a plan limits by the month: posts and strategies that are generated.';

COMMENT ON TYPE promo.user_role IS 'What a user may do beyond their own organisations.';

-- Schema public

CREATE SCHEMA IF NOT EXISTS public;

COMMENT ON SCHEMA public IS 'standard public schema';

-- Schema shop

CREATE SCHEMA shop;

CREATE TYPE shop.discount_type AS ENUM (
    'PERCENTAGE',
    'FIXED_AMOUNT',
    'FREE_SHIPPING'
);

CREATE TYPE shop.event_outcome AS ENUM (
    'APPLIED',
    'DUPLICATE',
    'STALE',
    'IGNORED',
    'UNKNOWN_PAYMENT',
    'AMOUNT_DIFFERS',
    'REFUND_DUE'
);

CREATE TYPE shop.inventory_tx_type AS ENUM (
    'IN',
    'OUT',
    'ADJUSTMENT',
    'TRANSFER',
    'RESERVE',
    'RELEASE'
);

CREATE TYPE shop.notification_type AS ENUM (
    'ORDER_UPDATE',
    'PAYMENT_SUCCESS',
    'PAYMENT_FAILED',
    'SHIPMENT_UPDATE',
    'REVIEW_REQUEST',
    'PROMOTION',
    'SYSTEM'
);

CREATE TYPE shop.order_status AS ENUM (
    'PENDING',
    'CONFIRMED',
    'PROCESSING',
    'SHIPPED',
    'DELIVERED',
    'CANCELLED',
    'REFUNDED'
);

CREATE TYPE shop.payment_method AS ENUM (
    'CREDIT_CARD',
    'DEBIT_CARD',
    'PAYPAL',
    'APPLE_PAY',
    'GOOGLE_PAY',
    'BANK_TRANSFER'
);

CREATE TYPE shop.payment_status AS ENUM (
    'PENDING',
    'PROCESSING',
    'COMPLETED',
    'FAILED',
    'CANCELLED',
    'REFUNDED'
);

CREATE TYPE shop.reservation_status AS ENUM (
    'HELD',
    'COMMITTED',
    'RELEASED',
    'EXPIRED'
);

CREATE TYPE shop.user_role AS ENUM (
    'ADMIN',
    'USER',
    'GUEST'
);

CREATE TYPE shop.name_position AS (
    name text,
    id uuid
);

CREATE TYPE shop.number_position AS (
    number numeric,
    id uuid
);

CREATE TYPE shop.time_position AS (
    at timestamp with time zone,
    id uuid
);

CREATE OR REPLACE FUNCTION shop.add_product_stats()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO shop.product_stats (product_id)
    VALUES (NEW.id);

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.apply_payment_event(provider text, event_id text, event_type text, provider_id text, data jsonb, amount numeric DEFAULT NULL::numeric, currency text DEFAULT NULL::text)
 RETURNS TABLE(outcome shop.event_outcome, order_id uuid)
 LANGUAGE plpgsql
AS $function$
DECLARE
    ledger CONSTANT text := 'shop.' || provider;
    is_open CONSTANT shop.payment_status[] := '{PENDING,PROCESSING,FAILED}';
    problem text;
    done_at timestamptz;
    order_status shop.order_status;
    paid shop.payments;
BEGIN
    -- Who brings the same event at the same time waits here until this one is done.
    INSERT INTO core.webhook_events AS event (
        provider,
        event_id,
        event_type,
        payload
    )
    VALUES (
        ledger,
        apply_payment_event.event_id,
        apply_payment_event.event_type,
        data
    )
    ON CONFLICT ON CONSTRAINT webhook_events_pkey DO NOTHING;

    IF NOT FOUND THEN
        SELECT event.processed_at
        INTO done_at
        FROM core.webhook_events AS event
        WHERE
            event.provider = ledger
            AND event.event_id = apply_payment_event.event_id
        FOR NO KEY UPDATE;
    END IF;

    -- An order before its payment, as everywhere.
    SELECT
        payment.order_id,
        entry.status
    INTO
        order_id,
        order_status
    FROM shop.payments AS payment
    INNER JOIN shop.orders AS entry
        ON entry.id = payment.order_id
    WHERE
        payment.provider = apply_payment_event.provider
        AND payment.provider_id = apply_payment_event.provider_id
    FOR NO KEY UPDATE OF entry;

    SELECT payment.*
    INTO paid
    FROM shop.payments AS payment
    WHERE
        payment.provider = apply_payment_event.provider
        AND payment.provider_id = apply_payment_event.provider_id
    FOR NO KEY UPDATE;

    IF done_at IS NOT NULL THEN
        outcome := 'DUPLICATE';
        RETURN NEXT;
        RETURN;
    END IF;

    outcome := CASE
        WHEN event_type NOT IN (
            'payment_intent.succeeded',
            'payment_intent.payment_failed',
            'payment_intent.canceled',
            'charge.dispute.created'
        ) THEN 'IGNORED'
        WHEN paid.id IS NULL THEN 'UNKNOWN_PAYMENT'
        WHEN event_type = 'charge.dispute.created' THEN 'APPLIED'
        WHEN event_type = 'payment_intent.succeeded' THEN CASE
            WHEN paid.status IN ('COMPLETED', 'REFUNDED') THEN 'STALE'
            WHEN amount <> paid.amount OR currency <> paid.currency
            THEN 'AMOUNT_DIFFERS'
            WHEN order_status <> 'PENDING' THEN 'REFUND_DUE'
            ELSE 'APPLIED'
        END
        WHEN paid.status <> ALL (is_open) THEN 'STALE'
        ELSE 'APPLIED'
    END;

    IF event_type = 'payment_intent.succeeded'
        AND outcome IN ('APPLIED', 'REFUND_DUE')
    THEN
        UPDATE shop.payments AS payment
        SET
            status = 'COMPLETED',
            processed_at = clock_timestamp(),
            provider_data = data
        WHERE payment.id = paid.id;

        UPDATE shop.orders AS entry
        SET status = 'CONFIRMED'
        WHERE
            entry.id = paid.order_id
            AND entry.status = 'PENDING';
    ELSIF event_type = 'payment_intent.payment_failed' AND outcome = 'APPLIED' THEN
        UPDATE shop.payments AS payment
        SET
            status = 'FAILED',
            provider_data = data
        WHERE payment.id = paid.id;
    ELSIF event_type = 'payment_intent.canceled' AND outcome = 'APPLIED' THEN
        UPDATE shop.payments AS payment
        SET
            status = 'CANCELLED',
            provider_data = data
        WHERE payment.id = paid.id;

        UPDATE shop.orders AS entry
        SET status = 'CANCELLED'
        WHERE
            entry.id = paid.order_id
            AND entry.status = 'PENDING'
            AND entry.payment_status = 'CANCELLED';
    ELSIF event_type = 'charge.dispute.created' AND outcome = 'APPLIED' THEN
        UPDATE shop.payments AS payment
        SET disputed_at = coalesce(payment.disputed_at, clock_timestamp())
        WHERE payment.id = paid.id;

        problem := 'A payment is disputed';
    END IF;

    IF outcome = 'REFUND_DUE' THEN
        problem := 'A payment is to be refunded';
    ELSIF outcome = 'AMOUNT_DIFFERS' THEN
        problem := 'A payment has another amount than its order';
    END IF;

    IF problem IS NOT NULL THEN
        INSERT INTO shop.notifications (
            type,
            title,
            message,
            data
        )
        VALUES (
            'SYSTEM',
            problem,
            'Order ' || paid.order_id || ', payment ' || paid.id || '.',
            jsonb_build_object('order_id', paid.order_id, 'payment_id', paid.id)
        );
    END IF;

    UPDATE core.webhook_events AS event
    SET
        processed_at = CASE
            WHEN outcome NOT IN ('UNKNOWN_PAYMENT', 'AMOUNT_DIFFERS')
            THEN clock_timestamp()
        END,
        error = CASE outcome
            WHEN 'UNKNOWN_PAYMENT' THEN 'there is no payment with this id yet'
            WHEN 'AMOUNT_DIFFERS' THEN 'the amount is not that of the payment'
        END
    WHERE
        event.provider = ledger
        AND event.event_id = apply_payment_event.event_id;

    RETURN NEXT;
END
$function$;

CREATE OR REPLACE FUNCTION shop.category_subtree(slug text)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 WITH RECURSIVE below AS (
          SELECT category.id
            FROM shop.categories category
           WHERE (category.slug = category_subtree.slug)
         UNION
          SELECT category.id
            FROM (below below_1
              JOIN shop.categories category ON ((category.parent_id = below_1.id)))
         )
  SELECT below.id
    FROM below;
END;

CREATE OR REPLACE FUNCTION shop.count_redemptions()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE shop.discounts AS discount
    SET used_count = discount.used_count + CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
    WHERE discount.id = coalesce(NEW.discount_id, OLD.discount_id);

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.count_review()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
BEGIN
    UPDATE shop.product_stats AS stats
    SET
        rating_count = stats.rating_count + change.reviews,
        rating_sum = stats.rating_sum + change.stars
    FROM (
        SELECT
            counted.product_id,
            sum(counted.sign) AS reviews,
            sum(counted.sign * counted.rating) AS stars
        FROM (
            VALUES
                (OLD.product_id, -1, OLD.rating, OLD.is_approved),
                (NEW.product_id, 1, NEW.rating, NEW.is_approved)
        ) AS counted (product_id, sign, rating, is_approved)
        WHERE counted.is_approved
        GROUP BY counted.product_id
    ) AS change
    WHERE
        stats.product_id = change.product_id
        AND (change.reviews, change.stars) <> (0, 0);

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.discount_amount(discount shop.discounts, subtotal numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
RETURN round(LEAST(CASE (discount).type WHEN 'PERCENTAGE'::shop.discount_type THEN ((subtotal * (discount).value) / (100)::numeric) WHEN 'FIXED_AMOUNT'::shop.discount_type THEN (discount).value ELSE (0)::numeric END, (discount).max_amount, subtotal), 2);

CREATE OR REPLACE FUNCTION shop.ensure_partitions(months integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
    this_month CONSTANT timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    first_day timestamp;
    partition_name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('shop.ensure_partitions', 0));

    FOR ahead IN 0..months - 1 LOOP
        first_day := this_month + make_interval(months => ahead);
        partition_name := to_char(first_day, '"analytics_"YYYY_MM');

        CONTINUE WHEN to_regclass(format('shop.%I', partition_name)) IS NOT NULL;

        LOCK TABLE shop.analytics_default IN ACCESS EXCLUSIVE MODE;

        EXECUTE format(
            'CREATE TABLE shop.%I (LIKE shop.analytics INCLUDING DEFAULTS '
            'INCLUDING CONSTRAINTS)',
            partition_name
        );

        EXECUTE format(
            'WITH moved AS (
                DELETE FROM shop.analytics_default
                WHERE created_at >= $1 AND created_at < $2
                RETURNING *
            )
            INSERT INTO shop.%I
            TABLE moved',
            partition_name
        )
        USING
            first_day AT TIME ZONE 'UTC',
            (first_day + INTERVAL '1 month') AT TIME ZONE 'UTC';

        EXECUTE format(
            'ALTER TABLE shop.analytics ATTACH PARTITION shop.%I
            FOR VALUES FROM (%L) TO (%L)',
            partition_name,
            first_day AT TIME ZONE 'UTC',
            (first_day + INTERVAL '1 month') AT TIME ZONE 'UTC'
        );

        made := made + 1;
    END LOOP;

    RETURN made;
END
$function$;

CREATE OR REPLACE FUNCTION shop.expire_reservations(limit_rows bigint)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
DECLARE
    given_up uuid[];
    loose uuid[];
    expired bigint;
BEGIN
    given_up := ARRAY(
        SELECT entry.id
        FROM shop.orders AS entry
        WHERE
            entry.status = 'PENDING'
            AND entry.id IN (
                SELECT reservation.order_id
                FROM shop.inventory_reservations AS reservation
                WHERE
                    reservation.status = 'HELD'
                    AND reservation.expires_at <= now()
            )
        ORDER BY entry.created_at
        LIMIT limit_rows
        FOR NO KEY UPDATE SKIP LOCKED
    );

    loose := ARRAY(
        SELECT reservation.id
        FROM shop.inventory_reservations AS reservation
        WHERE
            reservation.order_id IS NULL
            AND reservation.status = 'HELD'
            AND reservation.expires_at <= now()
        ORDER BY reservation.expires_at
        LIMIT limit_rows
        FOR NO KEY UPDATE SKIP LOCKED
    );

    PERFORM
    FROM shop.discounts AS discount
    WHERE discount.id IN (
        SELECT entry.discount_id
        FROM shop.orders AS entry
        WHERE entry.id = ANY (given_up)
    )
    ORDER BY discount.id
    FOR NO KEY UPDATE;

    PERFORM
    FROM shop.inventory AS stock
    WHERE stock.id IN (
        SELECT reservation.inventory_id
        FROM shop.inventory_reservations AS reservation
        WHERE
            reservation.order_id = ANY (given_up)
            OR reservation.id = ANY (loose)
    )
    ORDER BY stock.id
    FOR NO KEY UPDATE;

    UPDATE shop.inventory_reservations AS reservation
    SET
        status = 'EXPIRED',
        settled_at = clock_timestamp()
    WHERE
        reservation.status = 'HELD'
        AND (
            reservation.order_id = ANY (given_up)
            OR reservation.id = ANY (loose)
        );

    GET DIAGNOSTICS expired = ROW_COUNT;

    UPDATE shop.orders AS entry
    SET status = 'CANCELLED'
    WHERE entry.id = ANY (given_up);

    RETURN expired;
END
$function$;

CREATE OR REPLACE FUNCTION shop.follow_order()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    sign CONSTANT integer := CASE
        WHEN NEW.status = 'CONFIRMED' THEN 1
        WHEN NEW.status IN ('CANCELLED', 'REFUNDED') AND OLD.status <> 'PENDING' THEN -1
    END;
BEGIN
    -- Discounts before stock, as when an order is placed.
    IF NEW.status = 'CANCELLED' AND NEW.discount_id IS NOT NULL THEN
        DELETE FROM shop.discount_redemptions AS redemption
        WHERE redemption.order_id = NEW.id;
    END IF;

    IF NEW.status = 'CONFIRMED' THEN
        UPDATE shop.inventory_reservations AS reservation
        SET
            status = 'COMMITTED',
            settled_at = clock_timestamp()
        WHERE
            reservation.order_id = NEW.id
            AND reservation.status = 'HELD';
    ELSIF NEW.status IN ('CANCELLED', 'REFUNDED') THEN
        UPDATE shop.inventory_reservations AS reservation
        SET
            status = 'RELEASED',
            settled_at = clock_timestamp()
        WHERE
            reservation.order_id = NEW.id
            AND reservation.status IN ('HELD', 'COMMITTED');

        UPDATE shop.payments AS payment
        SET status = 'CANCELLED'
        WHERE
            payment.order_id = NEW.id
            AND payment.status IN ('PENDING', 'FAILED');
    END IF;

    -- In the order of ids: two orders of the same products do not deadlock.
    IF sign IS NOT NULL THEN
        INSERT INTO shop.product_stats AS stats (
            product_id,
            sold
        )
        SELECT
            item.product_id,
            sum(item.quantity)
        FROM shop.order_items AS item
        WHERE item.order_id = NEW.id
        GROUP BY item.product_id
        ORDER BY item.product_id
        ON CONFLICT (product_id) DO UPDATE
        SET sold = stats.sold + sign * excluded.sold;
    END IF;

    PERFORM shop.tell(
        NEW,
        CASE NEW.status
            WHEN 'SHIPPED' THEN 'SHIPMENT_UPDATE'
            ELSE 'ORDER_UPDATE'
        END::shop.notification_type,
        'order-' || lower(NEW.status::text),
        'Your order is ' || lower(NEW.status::text)
    );

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.follow_payment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    ordered shop.orders;
BEGIN
    SELECT entry.*
    INTO ordered
    FROM shop.orders AS entry
    WHERE entry.id = NEW.order_id;

    IF NEW.status = 'COMPLETED' THEN
        PERFORM shop.tell(
            ordered, 'PAYMENT_SUCCESS', NULL, 'Your payment has arrived'
        );
    ELSE
        PERFORM shop.tell(
            ordered, 'PAYMENT_FAILED', 'payment-failed', 'Your payment has failed'
        );
    END IF;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.lacking(lines jsonb)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT jsonb_agg(jsonb_build_object('product_id', product.id, 'variant_id', variant.id, 'name', concat_ws(', '::text, product.name, variant.name), 'wanted', line.quantity, 'available', stock.available) ORDER BY product.name, variant.name) AS jsonb_agg
    FROM (((jsonb_to_recordset(lacking.lines) line(product_id uuid, variant_id uuid, quantity integer)
      JOIN shop.products product ON (((product.id = line.product_id) AND product.track_quantity)))
      LEFT JOIN shop.product_variants variant ON ((variant.id = line.variant_id)))
      CROSS JOIN LATERAL ( SELECT COALESCE(sum(shelf.available), (0)::bigint) AS available
            FROM shop.inventory shelf
           WHERE ((shelf.product_id = line.product_id) AND (NOT (shelf.variant_id IS DISTINCT FROM line.variant_id)))) stock)
   WHERE (stock.available < line.quantity);
END;

CREATE OR REPLACE FUNCTION shop.lock_category_tree()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('shop.categories', 0));

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.order_settings()
 RETURNS TABLE(tax_rate numeric, standard numeric, express numeric, free_from numeric, hold interval)
 LANGUAGE plpgsql
 STABLE
AS $function$
BEGIN
    SELECT
        max(setting.value::numeric) FILTER (WHERE setting.key = 'tax.rate'),
        max(setting.value::numeric) FILTER (WHERE setting.key = 'shipping.standard'),
        max(setting.value::numeric) FILTER (WHERE setting.key = 'shipping.express'),
        max(setting.value::numeric) FILTER (WHERE setting.key = 'shipping.free_from'),
        make_interval(
            secs => max(60 * setting.value::double precision)
                FILTER (WHERE setting.key = 'order.hold_minutes')
        )
    INTO
        tax_rate,
        standard,
        express,
        free_from,
        hold
    FROM shop.settings AS setting
    WHERE setting.key IN (
        'tax.rate',
        'shipping.standard',
        'shipping.express',
        'shipping.free_from',
        'order.hold_minutes'
    );

    IF num_nulls(tax_rate, standard, express, free_from, hold) > 0 THEN
        RAISE EXCEPTION 'a setting that orders need is missing'
            USING
                ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Set tax.rate, shipping.standard, shipping.express, '
                    'shipping.free_from and order.hold_minutes in shop.settings.';
    END IF;

    RETURN NEXT;
END
$function$;

CREATE OR REPLACE FUNCTION shop.payment_status_of(order_id uuid)
 RETURNS shop.payment_status
 LANGUAGE sql
 STABLE
BEGIN ATOMIC
 SELECT payment.status
    FROM shop.payments payment
   WHERE (payment.order_id = payment_status_of.order_id)
   ORDER BY
         CASE payment.status
             WHEN 'COMPLETED'::shop.payment_status THEN 1
             WHEN 'PROCESSING'::shop.payment_status THEN 2
             WHEN 'PENDING'::shop.payment_status THEN 3
             WHEN 'REFUNDED'::shop.payment_status THEN 4
             WHEN 'FAILED'::shop.payment_status THEN 5
             ELSE 6
         END, payment.created_at DESC
  LIMIT 1;
END;

CREATE OR REPLACE FUNCTION shop.place_order(user_id uuid, shipping_address jsonb, billing_address jsonb, shipping_method text, payment_method shop.payment_method, discount_code text, idempotency_key text, notes text)
 RETURNS TABLE(order_id uuid, order_number text, status shop.order_status, subtotal numeric, discount numeric, tax numeric, shipping numeric, total numeric, currency text, payment_id uuid, is_new boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
DECLARE
    settings record;
    cart record;
    ordered shop.orders;
    reduction record;
    new_order_id CONSTANT uuid := core.new_id();
    discount_id uuid;
    ships_free boolean := false;
BEGIN
    -- One order of a user at a time: the cart is emptied once, and the same key, sent
    -- twice at once, finds what the first one made.
    PERFORM
    FROM shop.users AS customer
    WHERE
        customer.id = place_order.user_id
        AND customer.deleted_at IS NULL
    FOR NO KEY UPDATE;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such user'
            USING
                ERRCODE = 'foreign_key_violation',
                SCHEMA = 'shop',
                TABLE = 'orders',
                CONSTRAINT = 'orders_user_id_fkey';
    END IF;

    RETURN QUERY
    SELECT
        entry.id,
        entry.order_number,
        entry.status,
        entry.subtotal,
        entry.discount,
        entry.tax,
        entry.shipping,
        entry.total,
        entry.currency,
        (
            SELECT payment.id
            FROM shop.payments AS payment
            WHERE payment.order_id = entry.id
            ORDER BY payment.created_at
            LIMIT 1
        ),
        false
    FROM shop.orders AS entry
    WHERE
        entry.user_id = place_order.user_id
        AND entry.idempotency_key = place_order.idempotency_key;

    IF FOUND THEN
        RETURN;
    END IF;

    -- What is taken out of the cart is what is bought, whatever another window adds.
    WITH taken AS (
        DELETE FROM shop.cart_items AS item
        WHERE item.user_id = place_order.user_id
        RETURNING
            item.product_id,
            item.variant_id,
            item.quantity
    ),
    line AS (
        SELECT
            taken.product_id,
            taken.variant_id,
            taken.quantity,
            coalesce(variant.sku, product.sku) AS sku,
            concat_ws(', ', product.name, variant.name) AS name,
            coalesce(variant.price, product.price) AS price,
            product.track_quantity,
            product.is_digital,
            product.is_active
                AND product.deleted_at IS NULL
                AND coalesce(variant.is_active, true) AS for_sale
        FROM taken
        INNER JOIN shop.products AS product
            ON product.id = taken.product_id
        LEFT JOIN shop.product_variants AS variant
            ON variant.id = taken.variant_id
    )
    SELECT
        jsonb_agg(to_jsonb(line)) AS lines,
        jsonb_agg(
            jsonb_build_object(
                'product_id', line.product_id,
                'variant_id', line.variant_id,
                'name', line.name,
                'wanted', line.quantity,
                'available', 0
            )
        ) FILTER (WHERE NOT line.for_sale) AS not_for_sale,
        sum(line.quantity * line.price) AS subtotal,
        coalesce(sum(line.quantity) FILTER (WHERE line.track_quantity), 0) AS counted,
        bool_and(line.is_digital) AS is_digital
    INTO cart
    FROM line;

    IF cart.lines IS NULL THEN
        RAISE EXCEPTION 'the cart is empty'
            USING ERRCODE = 'SH004', HINT = 'Put something into it first.';
    ELSIF cart.not_for_sale IS NOT NULL THEN
        RAISE EXCEPTION 'something in the cart is not for sale any more'
            USING
                ERRCODE = 'SH005',
                DETAIL = cart.not_for_sale,
                HINT = 'Take it out of the cart.';
    END IF;

    SELECT entry.*
    INTO settings
    FROM shop.order_settings() AS entry;

    subtotal := cart.subtotal;
    discount := 0;

    IF discount_code IS NOT NULL THEN
        SELECT entry.*
        INTO reduction
        FROM shop.redeem_discount(
            discount_code, place_order.user_id, cart.subtotal, new_order_id
        ) AS entry;

        discount_id := reduction.discount_id;
        discount := reduction.amount;
        ships_free := reduction.type = 'FREE_SHIPPING';
    END IF;

    tax := round((subtotal - discount) * settings.tax_rate, 2);
    shipping := CASE
        WHEN ships_free OR cart.is_digital THEN 0
        WHEN shipping_method = 'express' THEN settings.express
        WHEN subtotal >= settings.free_from THEN 0
        ELSE settings.standard
    END;

    INSERT INTO shop.orders AS entry (
        id,
        user_id,
        idempotency_key,
        subtotal,
        discount,
        tax,
        shipping,
        total,
        discount_id,
        shipping_address,
        billing_address,
        shipping_method,
        notes
    )
    VALUES (
        new_order_id,
        place_order.user_id,
        place_order.idempotency_key,
        place_order.subtotal,
        place_order.discount,
        place_order.tax,
        place_order.shipping,
        place_order.subtotal - place_order.discount + place_order.tax
            + place_order.shipping,
        discount_id,
        place_order.shipping_address,
        place_order.billing_address,
        place_order.shipping_method,
        place_order.notes
    )
    RETURNING entry.*
    INTO ordered;

    INSERT INTO shop.order_items (
        order_id,
        product_id,
        variant_id,
        sku,
        product_name,
        quantity,
        unit_price
    )
    SELECT
        ordered.id,
        line.product_id,
        line.variant_id,
        line.sku,
        line.name,
        line.quantity,
        line.price
    FROM jsonb_to_recordset(cart.lines) AS line (
        product_id uuid,
        variant_id uuid,
        sku text,
        name text,
        quantity integer,
        price numeric
    );

    IF ordered.total > 0 THEN
        INSERT INTO shop.payments AS payment (
            order_id,
            amount,
            currency,
            method
        )
        VALUES (
            ordered.id,
            ordered.total,
            ordered.currency,
            payment_method
        )
        RETURNING payment.id
        INTO payment_id;
    END IF;

    PERFORM shop.tell(
        ordered, 'ORDER_UPDATE', 'order-placed', 'We have received your order'
    );

    -- Last, since others who want the same wait from here until the commit.
    IF cart.counted > (
        SELECT coalesce(sum(reserved.quantity), 0)
        FROM shop.reserve_stock(cart.lines, settings.hold, ordered.id) AS reserved
    ) THEN
        RAISE EXCEPTION 'there is not enough in stock'
            USING
                ERRCODE = 'SH001',
                DETAIL = coalesce(shop.lacking(cart.lines), '[]'),
                HINT = 'Order less of it.';
    END IF;

    -- Nothing is to be paid, so nothing is to be waited for.
    IF ordered.total = 0 THEN
        UPDATE shop.orders AS entry
        SET
            status = 'CONFIRMED',
            payment_status = 'COMPLETED'
        WHERE entry.id = ordered.id
        RETURNING entry.*
        INTO ordered;
    END IF;

    order_id := ordered.id;
    order_number := ordered.order_number;
    status := ordered.status;
    subtotal := ordered.subtotal;
    discount := ordered.discount;
    tax := ordered.tax;
    shipping := ordered.shipping;
    total := ordered.total;
    currency := ordered.currency;
    is_new := true;

    RETURN NEXT;
END
$function$;

CREATE OR REPLACE FUNCTION shop.post_inventory_transaction()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE shop.inventory AS stock
    SET
        quantity = stock.quantity + CASE
            WHEN NEW.type IN ('RESERVE', 'RELEASE') THEN 0
            ELSE NEW.quantity
        END,
        reserved = stock.reserved + CASE
            WHEN NEW.type IN ('RESERVE', 'RELEASE') THEN NEW.quantity
            ELSE 0
        END
    WHERE stock.id = NEW.inventory_id
    RETURNING
        stock.quantity,
        stock.reserved
    INTO
        NEW.quantity_after,
        NEW.reserved_after;

    -- Otherwise there is no such stock: the foreign key will say so.
    IF NOT FOUND THEN
        NEW.quantity_after := 0;
        NEW.reserved_after := 0;
    END IF;

    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION shop.post_reservations()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO shop.inventory_transactions (
        inventory_id,
        type,
        quantity,
        reason,
        reference
    )
    SELECT
        made.inventory_id,
        'RESERVE',
        made.quantity,
        'reserved',
        coalesce(made.order_id, made.id)
    FROM made
    ORDER BY made.inventory_id;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.post_settled_reservations()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO shop.inventory_transactions (
        inventory_id,
        type,
        quantity,
        reason,
        reference
    )
    SELECT
        after.inventory_id,
        entry.type,
        entry.quantity,
        lower(after.status::text),
        coalesce(after.order_id, after.id)
    FROM before
    INNER JOIN after
        ON after.id = before.id
    CROSS JOIN LATERAL (
        VALUES
            (
                1,
                'RELEASE'::shop.inventory_tx_type,
                -after.quantity,
                before.status = 'HELD'
            ),
            (2, 'OUT', -after.quantity, after.status = 'COMMITTED'),
            (2, 'IN', after.quantity, before.status = 'COMMITTED')
    ) AS entry (place, type, quantity, applies)
    WHERE
        before.status <> after.status
        AND entry.applies
    ORDER BY
        after.inventory_id,
        after.id,
        entry.place;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.redeem_discount(code text, user_id uuid, subtotal numeric, order_id uuid DEFAULT NULL::uuid)
 RETURNS TABLE(discount_id uuid, type shop.discount_type, amount numeric)
 LANGUAGE plpgsql
AS $function$
DECLARE
    discount shop.discounts;
BEGIN
    -- Who comes at the same time waits here, and counts what this one made.
    SELECT entry.*
    INTO discount
    FROM shop.discounts AS entry
    WHERE upper(entry.code) = upper(btrim(redeem_discount.code))
    FOR NO KEY UPDATE;

    IF discount.id IS NULL OR NOT discount.is_active THEN
        RAISE EXCEPTION 'there is no such discount'
            USING ERRCODE = 'SH002', HINT = 'Check the code.';
    ELSIF discount.starts_at > now() THEN
        RAISE EXCEPTION 'the discount has not begun yet'
            USING ERRCODE = 'SH002', HINT = 'Order later, or without it.';
    ELSIF discount.expires_at <= now() THEN
        RAISE EXCEPTION 'the discount has ended'
            USING ERRCODE = 'SH002', HINT = 'Order without it.';
    ELSIF discount.min_amount > subtotal THEN
        RAISE EXCEPTION 'the order is too small for the discount'
            USING ERRCODE = 'SH002', HINT = 'Order more, or without it.';
    ELSIF discount.used_count >= discount.usage_limit THEN
        RAISE EXCEPTION 'the discount is used up'
            USING ERRCODE = 'SH003', HINT = 'Order without it.';
    ELSIF discount.per_user <= (
        SELECT count(*)
        FROM shop.discount_redemptions AS redemption
        WHERE
            redemption.discount_id = discount.id
            AND redemption.user_id = redeem_discount.user_id
    ) THEN
        RAISE EXCEPTION 'the discount was used as often as one user may'
            USING ERRCODE = 'SH003', HINT = 'Order without it.';
    END IF;

    discount_id := discount.id;
    type := discount.type;
    amount := shop.discount_amount(discount, subtotal);

    INSERT INTO shop.discount_redemptions (
        discount_id,
        user_id,
        order_id,
        amount
    )
    VALUES (
        discount.id,
        redeem_discount.user_id,
        redeem_discount.order_id,
        redeem_discount.amount
    );

    RETURN NEXT;
END
$function$;

CREATE OR REPLACE FUNCTION shop.refuse_step()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION '%.% cannot go from % to %',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.status, NEW.status
        USING
            ERRCODE = 'check_violation',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$function$;

CREATE OR REPLACE FUNCTION shop.refuse_stock_by_hand()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'stock changes by its ledger only'
        USING
            ERRCODE = 'check_violation',
            HINT = 'Insert into shop.inventory_transactions, or use its queries.',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$function$;

CREATE OR REPLACE FUNCTION shop.require_acyclic_category()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE
    ancestor uuid := NEW.parent_id;
BEGIN
    WHILE ancestor IS NOT NULL LOOP
        IF ancestor = NEW.id THEN
            RAISE EXCEPTION 'a category cannot stand in itself, nor in what is in it'
                USING
                    ERRCODE = 'check_violation',
                    HINT = 'Choose a parent outside of the category.',
                    SCHEMA = TG_TABLE_SCHEMA,
                    TABLE = TG_TABLE_NAME,
                    CONSTRAINT = TG_NAME;
        END IF;

        SELECT category.parent_id
        INTO ancestor
        FROM shop.categories AS category
        WHERE category.id = ancestor
        FOR SHARE;
    END LOOP;

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.reserve_stock(lines jsonb, hold interval, order_id uuid DEFAULT NULL::uuid)
 RETURNS TABLE(reservation_id uuid, inventory_id uuid, quantity integer)
 LANGUAGE sql
BEGIN ATOMIC
 WITH wanted AS MATERIALIZED (
          SELECT line.product_id,
             line.variant_id,
             sum(line.quantity) AS quantity
            FROM (jsonb_to_recordset(reserve_stock.lines) line(product_id uuid, variant_id uuid, quantity integer)
              LEFT JOIN shop.products product ON ((product.id = line.product_id)))
           WHERE COALESCE(product.track_quantity, true)
           GROUP BY line.product_id, line.variant_id
         ), locked AS MATERIALIZED (
          SELECT stock.id,
             stock.product_id,
             stock.variant_id,
             stock.warehouse,
             stock.available
            FROM (wanted
              JOIN shop.inventory stock ON (((stock.product_id = wanted.product_id) AND (NOT (stock.variant_id IS DISTINCT FROM wanted.variant_id)))))
           ORDER BY stock.id
          FOR NO KEY UPDATE OF stock
         ), counted AS (
          SELECT locked.id,
             locked.product_id,
             locked.variant_id,
             locked.available,
             (sum(locked.available) OVER running - locked.available) AS before
            FROM locked
           WINDOW running AS (PARTITION BY locked.product_id, locked.variant_id ORDER BY (locked.warehouse <> 'main'::text), locked.warehouse)
         ), share AS (
          SELECT counted.id,
             LEAST((counted.available)::bigint, (wanted.quantity - counted.before)) AS quantity
            FROM (wanted
              JOIN counted ON (((counted.product_id = wanted.product_id) AND (NOT (counted.variant_id IS DISTINCT FROM wanted.variant_id)))))
           WHERE (LEAST((counted.available)::bigint, (wanted.quantity - counted.before)) > 0)
         )
  INSERT INTO shop.inventory_reservations AS reservation (inventory_id, order_id, quantity, expires_at)  SELECT share.id,
             reserve_stock.order_id AS order_id,
             share.quantity,
             (now() + reserve_stock.hold)
            FROM share
           WHERE (( SELECT sum(share_1.quantity) AS sum
                    FROM share share_1) = ( SELECT sum(wanted.quantity) AS sum
                    FROM wanted))
           ORDER BY share.id
   RETURNING reservation.id,
     reservation.inventory_id,
     reservation.quantity;
END;

CREATE OR REPLACE FUNCTION shop.set_payment_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    UPDATE shop.orders AS ordered
    SET payment_status = shop.payment_status_of(ordered.id)
    WHERE
        ordered.id = NEW.order_id
        AND ordered.payment_status <> shop.payment_status_of(ordered.id);

    RETURN NULL;
END
$function$;

CREATE OR REPLACE FUNCTION shop.tell(ordered shop.orders, type shop.notification_type, template text, title text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    INSERT INTO shop.notifications (
        user_id,
        type,
        title,
        message,
        data
    )
    VALUES (
        ordered.user_id,
        tell.type,
        tell.title,
        format(
            '%s: %s %s.',
            ordered.order_number,
            to_char(ordered.total, 'FM999999990.00'),
            ordered.currency
        ),
        jsonb_build_object('order_id', ordered.id)
    );

    INSERT INTO core.outbox (
        queue,
        name,
        payload
    )
    SELECT
        'email',
        'shop.order-email',
        jsonb_build_object('order_id', ordered.id, 'template', tell.template)
    WHERE tell.template IS NOT NULL;
END
$function$;

CREATE SEQUENCE shop.order_number_seq;

CREATE TABLE shop.accounts (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    type text NOT NULL,
    provider text NOT NULL,
    provider_account_id text NOT NULL,
    refresh_token text,
    access_token text,
    expires_at bigint,
    id_token text,
    scope text,
    session_state text,
    token_type text,
    CONSTRAINT accounts_pkey PRIMARY KEY (id),
    CONSTRAINT accounts_provider_provider_account_id_key UNIQUE (provider, provider_account_id),
    CONSTRAINT accounts_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE
);

CREATE TABLE shop.addresses (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    street text NOT NULL,
    city text NOT NULL,
    state text NOT NULL,
    zip_code text NOT NULL,
    country text DEFAULT 'US'::text NOT NULL,
    is_default boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT addresses_city_check CHECK (((char_length(btrim(city)) >= 1) AND (char_length(btrim(city)) <= 100))),
    CONSTRAINT addresses_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT addresses_pkey PRIMARY KEY (id),
    CONSTRAINT addresses_state_check CHECK ((char_length(state) <= 100)),
    CONSTRAINT addresses_street_check CHECK (((char_length(btrim(street)) >= 1) AND (char_length(btrim(street)) <= 255))),
    CONSTRAINT addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE,
    CONSTRAINT addresses_zip_code_check CHECK (((char_length(btrim(zip_code)) >= 1) AND (char_length(btrim(zip_code)) <= 20)))
);

CREATE TABLE shop.analytics (
    id uuid DEFAULT core.new_id() NOT NULL,
    event text NOT NULL,
    user_id uuid,
    session_id text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    page text,
    referrer text,
    user_agent text,
    ip inet,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT analytics_data_check CHECK ((jsonb_typeof(data) = 'object'::text)),
    CONSTRAINT analytics_event_check CHECK (((char_length(event) >= 1) AND (char_length(event) <= 100))),
    CONSTRAINT analytics_pkey PRIMARY KEY (created_at, id),
    CONSTRAINT analytics_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE SET NULL
)
PARTITION BY RANGE (created_at);

CREATE TABLE shop.analytics_default (
    id uuid DEFAULT core.new_id() NOT NULL,
    event text NOT NULL,
    user_id uuid,
    session_id text,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    page text,
    referrer text,
    user_agent text,
    ip inet,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT analytics_created_at_not_null NOT NULL created_at,
    CONSTRAINT analytics_data_check CHECK ((jsonb_typeof(data) = 'object'::text)),
    CONSTRAINT analytics_data_not_null NOT NULL data,
    CONSTRAINT analytics_default_pkey PRIMARY KEY (created_at, id),
    CONSTRAINT analytics_event_check CHECK (((char_length(event) >= 1) AND (char_length(event) <= 100))),
    CONSTRAINT analytics_event_not_null NOT NULL event,
    CONSTRAINT analytics_id_not_null NOT NULL id,
    CONSTRAINT analytics_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE SET NULL
);

ALTER TABLE ONLY shop.analytics ATTACH PARTITION shop.analytics_default DEFAULT;

-- table shop.analytics_default
--     inherited only: id, event, user_id, session_id, data, page, referrer, user_agent, ip, created_at, analytics_created_at_not_null, analytics_data_check, analytics_data_not_null, analytics_default_pkey, analytics_event_check, analytics_event_not_null, analytics_id_not_null, analytics_user_id_fkey

CREATE TABLE shop.cart_items (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    product_id uuid NOT NULL,
    variant_id uuid,
    quantity integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cart_items_pkey PRIMARY KEY (id),
    CONSTRAINT cart_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE,
    CONSTRAINT cart_items_product_id_variant_id_fkey FOREIGN KEY (product_id, variant_id) REFERENCES shop.product_variants(product_id, id) ON DELETE CASCADE,
    CONSTRAINT cart_items_quantity_check CHECK (((quantity >= 1) AND (quantity <= 999))),
    CONSTRAINT cart_items_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE,
    CONSTRAINT cart_items_user_id_product_id_variant_id_key UNIQUE NULLS NOT DISTINCT (user_id, product_id, variant_id)
);

CREATE TABLE shop.categories (
    id uuid DEFAULT core.new_id() NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    description text,
    image text,
    parent_id uuid,
    is_active boolean DEFAULT true NOT NULL,
    sort_order integer DEFAULT 0 NOT NULL,
    meta_title text,
    meta_description text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT categories_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(btrim(name)) <= 255))),
    CONSTRAINT categories_name_key UNIQUE (name),
    CONSTRAINT categories_parent_id_check CHECK ((parent_id <> id)),
    CONSTRAINT categories_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES shop.categories(id) ON DELETE RESTRICT,
    CONSTRAINT categories_pkey PRIMARY KEY (id),
    CONSTRAINT categories_slug_check CHECK ((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text)),
    CONSTRAINT categories_slug_key UNIQUE (slug)
);

CREATE TABLE shop.discount_redemptions (
    id uuid DEFAULT core.new_id() NOT NULL,
    discount_id uuid NOT NULL,
    user_id uuid NOT NULL,
    order_id uuid,
    amount numeric(10,2) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT discount_redemptions_amount_check CHECK ((amount >= (0)::numeric)),
    CONSTRAINT discount_redemptions_discount_id_fkey FOREIGN KEY (discount_id) REFERENCES shop.discounts(id) ON DELETE CASCADE,
    CONSTRAINT discount_redemptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT discount_redemptions_order_id_key UNIQUE (order_id),
    CONSTRAINT discount_redemptions_pkey PRIMARY KEY (id),
    CONSTRAINT discount_redemptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE
);

CREATE TABLE shop.discounts (
    id uuid DEFAULT core.new_id() NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    type shop.discount_type NOT NULL,
    value numeric(10,2) NOT NULL,
    min_amount numeric(10,2),
    max_amount numeric(10,2),
    usage_limit integer,
    used_count integer DEFAULT 0 NOT NULL,
    per_user integer DEFAULT 1 NOT NULL,
    starts_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT discounts_code_check CHECK ((code ~ '^[A-Za-z0-9_-]{1,50}$'::text)),
    CONSTRAINT discounts_expires_at_check CHECK ((expires_at > starts_at)),
    CONSTRAINT discounts_max_amount_check CHECK ((max_amount >= (0)::numeric)),
    CONSTRAINT discounts_min_amount_check CHECK ((min_amount >= (0)::numeric)),
    CONSTRAINT discounts_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(btrim(name)) <= 255))),
    CONSTRAINT discounts_per_user_check CHECK ((per_user > 0)),
    CONSTRAINT discounts_pkey PRIMARY KEY (id),
    CONSTRAINT discounts_usage_limit_check CHECK ((usage_limit >= 0)),
    CONSTRAINT discounts_used_count_check CHECK (((used_count >= 0) AND ((usage_limit IS NULL) OR (used_count <= usage_limit)))),
    CONSTRAINT discounts_value_check CHECK (((value >= (0)::numeric) AND ((type <> 'PERCENTAGE'::shop.discount_type) OR (value <= (100)::numeric))))
);

CREATE TABLE shop.inventory (
    id uuid DEFAULT core.new_id() NOT NULL,
    product_id uuid NOT NULL,
    variant_id uuid,
    warehouse text DEFAULT 'main'::text NOT NULL,
    location text,
    quantity integer DEFAULT 0 NOT NULL,
    reserved integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    available integer GENERATED ALWAYS AS ((quantity - reserved)) STORED NOT NULL,
    CONSTRAINT inventory_no_oversell CHECK ((reserved <= quantity)),
    CONSTRAINT inventory_pkey PRIMARY KEY (id),
    CONSTRAINT inventory_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE,
    CONSTRAINT inventory_product_id_variant_id_fkey FOREIGN KEY (product_id, variant_id) REFERENCES shop.product_variants(product_id, id) ON DELETE CASCADE,
    CONSTRAINT inventory_product_id_variant_id_warehouse_key UNIQUE NULLS NOT DISTINCT (product_id, variant_id, warehouse),
    CONSTRAINT inventory_quantity_check CHECK ((quantity >= 0)),
    CONSTRAINT inventory_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT inventory_warehouse_check CHECK (((char_length(btrim(warehouse)) >= 1) AND (char_length(btrim(warehouse)) <= 100)))
)
WITH (autovacuum_vacuum_scale_factor='0.05', fillfactor='50');

CREATE TABLE shop.inventory_reservations (
    id uuid DEFAULT core.new_id() NOT NULL,
    inventory_id uuid NOT NULL,
    order_id uuid,
    quantity integer NOT NULL,
    status shop.reservation_status DEFAULT 'HELD'::shop.reservation_status NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT inventory_reservations_inventory_id_fkey FOREIGN KEY (inventory_id) REFERENCES shop.inventory(id) ON DELETE RESTRICT,
    CONSTRAINT inventory_reservations_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE CASCADE,
    CONSTRAINT inventory_reservations_order_id_inventory_id_key UNIQUE (order_id, inventory_id),
    CONSTRAINT inventory_reservations_pkey PRIMARY KEY (id),
    CONSTRAINT inventory_reservations_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT inventory_reservations_settled_at_check CHECK (((status = 'HELD'::shop.reservation_status) = (settled_at IS NULL)))
)
WITH (fillfactor='80');

CREATE TABLE shop.inventory_transactions (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    inventory_id uuid NOT NULL,
    type shop.inventory_tx_type NOT NULL,
    quantity integer NOT NULL,
    reason text NOT NULL,
    reference text,
    quantity_after integer NOT NULL,
    reserved_after integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT inventory_transactions_inventory_id_fkey FOREIGN KEY (inventory_id) REFERENCES shop.inventory(id) ON DELETE RESTRICT,
    CONSTRAINT inventory_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT inventory_transactions_quantity_check CHECK (
CASE
    WHEN (type = ANY (ARRAY['IN'::shop.inventory_tx_type, 'RESERVE'::shop.inventory_tx_type])) THEN (quantity > 0)
    WHEN (type = ANY (ARRAY['OUT'::shop.inventory_tx_type, 'RELEASE'::shop.inventory_tx_type])) THEN (quantity < 0)
    ELSE (quantity <> 0)
END),
    CONSTRAINT inventory_transactions_reason_check CHECK ((btrim(reason) <> ''::text))
);

CREATE TABLE shop.notifications (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid,
    type shop.notification_type NOT NULL,
    title text NOT NULL,
    message text NOT NULL,
    data jsonb,
    read_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notifications_message_check CHECK ((btrim(message) <> ''::text)),
    CONSTRAINT notifications_pkey PRIMARY KEY (id),
    CONSTRAINT notifications_title_check CHECK (((char_length(btrim(title)) >= 1) AND (char_length(btrim(title)) <= 255))),
    CONSTRAINT notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE
)
WITH (fillfactor='80');

CREATE TABLE shop.order_items (
    id uuid DEFAULT core.new_id() NOT NULL,
    order_id uuid NOT NULL,
    product_id uuid NOT NULL,
    variant_id uuid,
    sku text NOT NULL,
    product_name text NOT NULL,
    quantity integer NOT NULL,
    unit_price numeric(10,2) NOT NULL,
    line_total numeric(12,2) GENERATED ALWAYS AS (((quantity)::numeric * unit_price)) STORED NOT NULL,
    CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE CASCADE,
    CONSTRAINT order_items_order_id_product_id_variant_id_key UNIQUE NULLS NOT DISTINCT (order_id, product_id, variant_id),
    CONSTRAINT order_items_pkey PRIMARY KEY (id),
    CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE RESTRICT,
    CONSTRAINT order_items_product_id_variant_id_fkey FOREIGN KEY (product_id, variant_id) REFERENCES shop.product_variants(product_id, id) ON DELETE RESTRICT,
    CONSTRAINT order_items_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT order_items_unit_price_check CHECK ((unit_price >= (0)::numeric))
);

CREATE TABLE shop.orders (
    id uuid DEFAULT core.new_id() NOT NULL,
    order_number text DEFAULT ((('ORD-'::text || to_char((now() AT TIME ZONE 'UTC'::text), 'YYYYMMDD'::text)) || '-'::text) || to_char(nextval('shop.order_number_seq'::regclass), 'FM00000000'::text)) NOT NULL,
    user_id uuid NOT NULL,
    idempotency_key text,
    status shop.order_status DEFAULT 'PENDING'::shop.order_status NOT NULL,
    payment_status shop.payment_status DEFAULT 'PENDING'::shop.payment_status NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    subtotal numeric(10,2) NOT NULL,
    discount numeric(10,2) DEFAULT 0 NOT NULL,
    tax numeric(10,2) NOT NULL,
    shipping numeric(10,2) NOT NULL,
    total numeric(10,2) NOT NULL,
    discount_id uuid,
    shipping_address jsonb NOT NULL,
    billing_address jsonb NOT NULL,
    shipping_method text DEFAULT 'standard'::text NOT NULL,
    tracking_number text,
    shipped_at timestamp with time zone,
    delivered_at timestamp with time zone,
    notes text,
    admin_notes text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT orders_billing_address_check CHECK (((jsonb_typeof(billing_address) = 'object'::text) AND (billing_address ?& '{street,city,zip_code,country}'::text[]))),
    CONSTRAINT orders_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT orders_delivered_at_check CHECK ((((status <> 'DELIVERED'::shop.order_status) OR (delivered_at IS NOT NULL)) AND (delivered_at >= shipped_at))),
    CONSTRAINT orders_discount_check CHECK (((discount >= (0)::numeric) AND (discount <= subtotal))),
    CONSTRAINT orders_discount_id_fkey FOREIGN KEY (discount_id) REFERENCES shop.discounts(id) ON DELETE SET NULL,
    CONSTRAINT orders_idempotency_key_check CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 255))),
    CONSTRAINT orders_order_number_key UNIQUE (order_number),
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_shipped_at_check CHECK (((status <> ALL (ARRAY['SHIPPED'::shop.order_status, 'DELIVERED'::shop.order_status])) OR (shipped_at IS NOT NULL))),
    CONSTRAINT orders_shipping_address_check CHECK (((jsonb_typeof(shipping_address) = 'object'::text) AND (shipping_address ?& '{street,city,zip_code,country}'::text[]))),
    CONSTRAINT orders_shipping_check CHECK ((shipping >= (0)::numeric)),
    CONSTRAINT orders_shipping_method_check CHECK ((shipping_method = ANY (ARRAY['standard'::text, 'express'::text]))),
    CONSTRAINT orders_tax_check CHECK ((tax >= (0)::numeric)),
    CONSTRAINT orders_total_check CHECK ((total = (((subtotal - discount) + tax) + shipping))),
    CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE RESTRICT,
    CONSTRAINT orders_user_id_idempotency_key_key UNIQUE (user_id, idempotency_key)
)
WITH (fillfactor='80');

CREATE TABLE shop.payments (
    id uuid DEFAULT core.new_id() NOT NULL,
    order_id uuid NOT NULL,
    amount numeric(10,2) NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    status shop.payment_status DEFAULT 'PENDING'::shop.payment_status NOT NULL,
    method shop.payment_method NOT NULL,
    provider text DEFAULT 'stripe'::text NOT NULL,
    provider_id text,
    provider_data jsonb,
    processed_at timestamp with time zone,
    disputed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT payments_amount_check CHECK ((amount > (0)::numeric)),
    CONSTRAINT payments_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT payments_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE RESTRICT,
    CONSTRAINT payments_pkey PRIMARY KEY (id),
    CONSTRAINT payments_processed_at_check CHECK (((status <> ALL (ARRAY['COMPLETED'::shop.payment_status, 'REFUNDED'::shop.payment_status])) OR (processed_at IS NOT NULL))),
    CONSTRAINT payments_provider_check CHECK ((btrim(provider) <> ''::text)),
    CONSTRAINT payments_provider_id_check CHECK ((btrim(provider_id) <> ''::text)),
    CONSTRAINT payments_provider_provider_id_key UNIQUE (provider, provider_id)
)
WITH (fillfactor='80');

CREATE TABLE shop.product_stats (
    product_id uuid NOT NULL,
    rating_count integer DEFAULT 0 NOT NULL,
    rating_sum integer DEFAULT 0 NOT NULL,
    sold bigint DEFAULT 0 NOT NULL,
    rating numeric(3,2) GENERATED ALWAYS AS (
CASE rating_count
    WHEN 0 THEN (0)::numeric
    ELSE ((rating_sum)::numeric / (rating_count)::numeric)
END) STORED NOT NULL,
    CONSTRAINT product_stats_pkey PRIMARY KEY (product_id),
    CONSTRAINT product_stats_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE,
    CONSTRAINT product_stats_rating_count_check CHECK ((rating_count >= 0)),
    CONSTRAINT product_stats_rating_sum_check CHECK (((rating_sum >= rating_count) AND (rating_sum <= (5 * rating_count)))),
    CONSTRAINT product_stats_sold_check CHECK ((sold >= 0))
)
WITH (fillfactor='80');

CREATE TABLE shop.product_variants (
    id uuid DEFAULT core.new_id() NOT NULL,
    product_id uuid NOT NULL,
    name text NOT NULL,
    sku text NOT NULL,
    price numeric(10,2),
    attributes jsonb DEFAULT '{}'::jsonb NOT NULL,
    image text,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT product_variants_attributes_check CHECK ((jsonb_typeof(attributes) = 'object'::text)),
    CONSTRAINT product_variants_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(btrim(name)) <= 255))),
    CONSTRAINT product_variants_pkey PRIMARY KEY (id),
    CONSTRAINT product_variants_price_check CHECK ((price >= (0)::numeric)),
    CONSTRAINT product_variants_product_id_attributes_key UNIQUE (product_id, attributes),
    CONSTRAINT product_variants_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE,
    CONSTRAINT product_variants_product_id_id_key UNIQUE (product_id, id),
    CONSTRAINT product_variants_sku_check CHECK (((char_length(btrim(sku)) >= 1) AND (char_length(btrim(sku)) <= 100))),
    CONSTRAINT product_variants_sku_key UNIQUE (sku)
);

CREATE TABLE shop.products (
    id uuid DEFAULT core.new_id() NOT NULL,
    category_id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    description text NOT NULL,
    short_description text,
    sku text NOT NULL,
    barcode text,
    price numeric(10,2) NOT NULL,
    compare_price numeric(10,2),
    cost_price numeric(10,2),
    images text[] DEFAULT '{}'::text[] NOT NULL,
    thumbnail text,
    track_quantity boolean DEFAULT true NOT NULL,
    low_stock_threshold integer DEFAULT 5 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    is_featured boolean DEFAULT false NOT NULL,
    is_digital boolean DEFAULT false NOT NULL,
    weight numeric(8,2),
    length numeric(8,2),
    width numeric(8,2),
    height numeric(8,2),
    meta_title text,
    meta_description text,
    embedding public.vector(384),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    fts tsvector GENERATED ALWAYS AS ((((setweight(to_tsvector('english'::regconfig, name), 'A'::"char") || setweight(to_tsvector('simple'::regconfig, sku), 'A'::"char")) || setweight(to_tsvector('english'::regconfig, COALESCE(short_description, ''::text)), 'B'::"char")) || setweight(to_tsvector('english'::regconfig, description), 'C'::"char"))) STORED NOT NULL,
    name_trigrams text[] GENERATED ALWAYS AS (core.trigrams(name)) STORED NOT NULL,
    CONSTRAINT products_category_id_fkey FOREIGN KEY (category_id) REFERENCES shop.categories(id) ON DELETE RESTRICT,
    CONSTRAINT products_compare_price_check CHECK ((compare_price >= price)),
    CONSTRAINT products_cost_price_check CHECK ((cost_price >= (0)::numeric)),
    CONSTRAINT products_embedding_check CHECK ((public.vector_norm(embedding) > (0)::double precision)),
    CONSTRAINT products_height_check CHECK ((height >= (0)::numeric)),
    CONSTRAINT products_length_check CHECK ((length >= (0)::numeric)),
    CONSTRAINT products_low_stock_threshold_check CHECK ((low_stock_threshold >= 0)),
    CONSTRAINT products_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(btrim(name)) <= 255))),
    CONSTRAINT products_pkey PRIMARY KEY (id),
    CONSTRAINT products_price_check CHECK ((price >= (0)::numeric)),
    CONSTRAINT products_sku_check CHECK (((char_length(btrim(sku)) >= 1) AND (char_length(btrim(sku)) <= 100))),
    CONSTRAINT products_sku_key UNIQUE (sku),
    CONSTRAINT products_slug_check CHECK ((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text)),
    CONSTRAINT products_slug_key UNIQUE (slug),
    CONSTRAINT products_weight_check CHECK ((weight >= (0)::numeric)),
    CONSTRAINT products_width_check CHECK ((width >= (0)::numeric))
);

CREATE TABLE shop.reviews (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    product_id uuid NOT NULL,
    order_id uuid,
    rating smallint NOT NULL,
    title text,
    content text NOT NULL,
    is_approved boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    is_verified boolean GENERATED ALWAYS AS ((order_id IS NOT NULL)) STORED NOT NULL,
    CONSTRAINT reviews_content_check CHECK (((char_length(btrim(content)) >= 1) AND (char_length(content) <= 10000))),
    CONSTRAINT reviews_order_id_fkey FOREIGN KEY (order_id) REFERENCES shop.orders(id) ON DELETE SET NULL,
    CONSTRAINT reviews_pkey PRIMARY KEY (id),
    CONSTRAINT reviews_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE,
    CONSTRAINT reviews_rating_check CHECK (((rating >= 1) AND (rating <= 5))),
    CONSTRAINT reviews_title_check CHECK ((char_length(title) <= 255)),
    CONSTRAINT reviews_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE,
    CONSTRAINT reviews_user_id_product_id_key UNIQUE (user_id, product_id)
);

CREATE TABLE shop.sessions (
    id uuid DEFAULT core.new_id() NOT NULL,
    user_id uuid NOT NULL,
    expires timestamp with time zone NOT NULL,
    session_token text NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_session_token_key UNIQUE (session_token),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE
);

CREATE TABLE shop.settings (
    key text NOT NULL,
    value jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT settings_key_check CHECK ((key ~ '^[a-z0-9_.]{1,100}$'::text)),
    CONSTRAINT settings_pkey PRIMARY KEY (key),
    CONSTRAINT settings_value_check CHECK (((key <> ALL (ARRAY['tax.rate'::text, 'shipping.standard'::text, 'shipping.express'::text, 'shipping.free_from'::text, 'order.hold_minutes'::text])) OR ((jsonb_typeof(value) = 'number'::text) AND (value >= '0'::jsonb))))
);

CREATE TABLE shop.users (
    id uuid DEFAULT core.new_id() NOT NULL,
    email text NOT NULL,
    name text,
    password_hash text,
    email_verified timestamp with time zone,
    image text,
    phone text,
    role shop.user_role DEFAULT 'USER'::shop.user_role NOT NULL,
    last_login timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT users_email_check CHECK (((char_length(email) <= 255) AND (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text))),
    CONSTRAINT users_name_check CHECK (((char_length(btrim(name)) >= 1) AND (char_length(btrim(name)) <= 255))),
    CONSTRAINT users_password_hash_check CHECK ((password_hash ~ '^\$[a-z0-9-]+\$'::text)),
    CONSTRAINT users_phone_check CHECK ((phone ~ '^\+?[0-9 ()./-]{5,30}$'::text)),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

CREATE TABLE shop.verification_tokens (
    identifier text NOT NULL,
    token text NOT NULL,
    expires timestamp with time zone NOT NULL,
    CONSTRAINT verification_tokens_pkey PRIMARY KEY (identifier, token)
);

CREATE TABLE shop.wishlist_items (
    user_id uuid NOT NULL,
    product_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT wishlist_items_pkey PRIMARY KEY (user_id, product_id),
    CONSTRAINT wishlist_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.products(id) ON DELETE CASCADE,
    CONSTRAINT wishlist_items_user_id_fkey FOREIGN KEY (user_id) REFERENCES shop.users(id) ON DELETE CASCADE
);

CREATE INDEX accounts_user_id_idx ON shop.accounts USING btree (user_id);

CREATE UNIQUE INDEX addresses_user_id_default_key ON shop.addresses USING btree (user_id) WHERE is_default;

CREATE INDEX addresses_user_id_idx ON shop.addresses USING btree (user_id);

CREATE INDEX analytics_default_event_created_at_idx ON shop.analytics_default USING btree (event, created_at);

ALTER INDEX shop.analytics_event_created_at_idx ATTACH PARTITION shop.analytics_default_event_created_at_idx;

ALTER INDEX shop.analytics_pkey ATTACH PARTITION shop.analytics_default_pkey;

CREATE INDEX analytics_default_session_id_idx ON shop.analytics_default USING btree (session_id) WHERE (session_id IS NOT NULL);

ALTER INDEX shop.analytics_session_id_idx ATTACH PARTITION shop.analytics_default_session_id_idx;

CREATE INDEX analytics_default_user_id_created_at_idx ON shop.analytics_default USING btree (user_id, created_at) WHERE (user_id IS NOT NULL);

ALTER INDEX shop.analytics_user_id_created_at_idx ATTACH PARTITION shop.analytics_default_user_id_created_at_idx;

CREATE INDEX analytics_event_created_at_idx ON ONLY shop.analytics USING btree (event, created_at);

CREATE INDEX analytics_session_id_idx ON ONLY shop.analytics USING btree (session_id) WHERE (session_id IS NOT NULL);

CREATE INDEX analytics_user_id_created_at_idx ON ONLY shop.analytics USING btree (user_id, created_at) WHERE (user_id IS NOT NULL);

CREATE INDEX bought_together_product_id_orders_idx ON shop.bought_together USING btree (product_id, orders DESC, other_id);

CREATE UNIQUE INDEX bought_together_product_id_other_id_key ON shop.bought_together USING btree (product_id, other_id);

CREATE INDEX cart_items_product_id_variant_id_idx ON shop.cart_items USING btree (product_id, variant_id);

CREATE INDEX categories_parent_id_sort_order_idx ON shop.categories USING btree (parent_id, sort_order);

CREATE INDEX discount_redemptions_discount_id_user_id_idx ON shop.discount_redemptions USING btree (discount_id, user_id);

CREATE INDEX discount_redemptions_user_id_idx ON shop.discount_redemptions USING btree (user_id);

CREATE UNIQUE INDEX discounts_upper_code_key ON shop.discounts USING btree (upper(code));

CREATE INDEX inventory_reservations_expires_at_idx ON shop.inventory_reservations USING btree (expires_at) WHERE (status = 'HELD'::shop.reservation_status);

CREATE INDEX inventory_reservations_inventory_id_idx ON shop.inventory_reservations USING btree (inventory_id);

CREATE INDEX inventory_transactions_created_at_idx ON shop.inventory_transactions USING brin (created_at);

CREATE INDEX inventory_transactions_inventory_id_id_idx ON shop.inventory_transactions USING btree (inventory_id, id);

CREATE INDEX inventory_transactions_reference_idx ON shop.inventory_transactions USING btree (reference) WHERE (reference IS NOT NULL);

CREATE INDEX inventory_warehouse_idx ON shop.inventory USING btree (warehouse);

CREATE INDEX notifications_user_id_created_at_id_idx ON shop.notifications USING btree (user_id, created_at, id);

CREATE INDEX notifications_user_id_unread_idx ON shop.notifications USING btree (user_id, created_at, id) WHERE (read_at IS NULL);

CREATE INDEX order_items_product_id_variant_id_idx ON shop.order_items USING btree (product_id, variant_id);

CREATE INDEX orders_created_at_id_idx ON shop.orders USING btree (created_at, id);

CREATE INDEX orders_created_at_total_idx ON shop.orders USING btree (created_at) INCLUDE (total) WHERE (payment_status = 'COMPLETED'::shop.payment_status);

CREATE INDEX orders_discount_id_idx ON shop.orders USING btree (discount_id) WHERE (discount_id IS NOT NULL);

CREATE INDEX orders_status_created_at_id_idx ON shop.orders USING btree (status, created_at, id);

CREATE INDEX orders_user_id_created_at_id_idx ON shop.orders USING btree (user_id, created_at, id);

CREATE INDEX payments_order_id_idx ON shop.payments USING btree (order_id);

CREATE INDEX payments_status_created_at_id_idx ON shop.payments USING btree (status, created_at, id);

CREATE INDEX product_stats_rating_product_id_idx ON shop.product_stats USING btree (rating, product_id);

CREATE INDEX product_stats_sold_product_id_idx ON shop.product_stats USING btree (sold, product_id);

CREATE INDEX product_variants_attributes_idx ON shop.product_variants USING gin (attributes jsonb_path_ops);

CREATE INDEX products_category_id_idx ON shop.products USING btree (category_id);

CREATE INDEX products_category_id_price_id_idx ON shop.products USING btree (category_id, price, id) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX products_created_at_id_idx ON shop.products USING btree (created_at, id) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX products_embedding_idx ON shop.products USING hnsw (embedding public.vector_cosine_ops) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX products_featured_created_at_id_idx ON shop.products USING btree (created_at, id) WHERE (is_featured AND is_active AND (deleted_at IS NULL));

CREATE INDEX products_fts_idx ON shop.products USING gin (fts) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX products_lower_name_id_idx ON shop.products USING btree (lower(name) COLLATE "C", id) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX products_name_trigrams_idx ON shop.products USING gin (name_trigrams) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX products_price_id_idx ON shop.products USING btree (price, id) WHERE (is_active AND (deleted_at IS NULL));

CREATE INDEX reviews_created_at_id_idx ON shop.reviews USING btree (created_at, id) WHERE (NOT is_approved);

CREATE INDEX reviews_order_id_idx ON shop.reviews USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX reviews_product_id_created_at_id_idx ON shop.reviews USING btree (product_id, created_at, id) INCLUDE (rating) WHERE is_approved;

CREATE INDEX reviews_product_id_idx ON shop.reviews USING btree (product_id);

CREATE INDEX sessions_expires_idx ON shop.sessions USING btree (expires);

CREATE INDEX sessions_user_id_idx ON shop.sessions USING btree (user_id);

CREATE INDEX users_created_at_id_idx ON shop.users USING btree (created_at, id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX users_lower_email_key ON shop.users USING btree (lower(email)) WHERE (deleted_at IS NULL);

CREATE INDEX users_role_created_at_id_idx ON shop.users USING btree (role, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX verification_tokens_expires_idx ON shop.verification_tokens USING btree (expires);

CREATE INDEX wishlist_items_product_id_idx ON shop.wishlist_items USING btree (product_id);

CREATE VIEW shop.catalogue AS
 SELECT product.id,
    product.category_id,
    product.name,
    product.slug,
    product.short_description,
    product.sku,
    product.price,
    product.compare_price,
    product.thumbnail,
    product.is_featured,
    product.created_at,
    product.fts,
    product.name_trigrams,
    product.embedding,
    (lower(product.name) COLLATE "C") AS sort_name,
    stats.rating,
    stats.rating_count,
    stats.sold,
    ((NOT product.track_quantity) OR COALESCE(( SELECT true
           FROM shop.inventory stock
          WHERE ((stock.product_id = product.id) AND (stock.available > 0))
         LIMIT 1), false)) AS in_stock
   FROM (shop.products product
     JOIN shop.product_stats stats ON ((stats.product_id = product.id)))
  WHERE (product.is_active AND (product.deleted_at IS NULL));

-- Columns of shop.catalogue
--     id uuid
--     category_id uuid
--     name text
--     slug text
--     short_description text
--     sku text
--     price numeric(10,2)
--     compare_price numeric(10,2)
--     thumbnail text
--     is_featured boolean
--     created_at timestamp with time zone
--     fts tsvector
--     name_trigrams text[]
--     embedding public.vector(384)
--     sort_name text COLLATE "C"
--     rating numeric(3,2)
--     rating_count integer
--     sold bigint
--     in_stock boolean

CREATE VIEW shop.product_stock AS
 SELECT product.id AS product_id,
    COALESCE(sum(stock.quantity), (0)::bigint) AS quantity,
    COALESCE(sum(stock.reserved), (0)::bigint) AS reserved,
    COALESCE(sum(stock.available), (0)::bigint) AS available,
    ((NOT product.track_quantity) OR (COALESCE(sum(stock.available), (0)::bigint) > 0)) AS in_stock
   FROM (shop.products product
     LEFT JOIN shop.inventory stock ON ((stock.product_id = product.id)))
  GROUP BY product.id;

-- Columns of shop.product_stock
--     product_id uuid
--     quantity bigint
--     reserved bigint
--     available bigint
--     in_stock boolean

CREATE MATERIALIZED VIEW shop.bought_together AS
 SELECT product_id,
    other_id,
    orders
   FROM ( SELECT bought.product_id,
            other.product_id AS other_id,
            count(DISTINCT bought.order_id) AS orders,
            row_number() OVER (PARTITION BY bought.product_id ORDER BY (count(DISTINCT bought.order_id)) DESC, other.product_id) AS place
           FROM ((shop.order_items bought
             JOIN shop.order_items other ON (((other.order_id = bought.order_id) AND (other.product_id <> bought.product_id))))
             JOIN shop.orders entry ON (((entry.id = bought.order_id) AND (entry.payment_status = 'COMPLETED'::shop.payment_status))))
          GROUP BY bought.product_id, other.product_id) pair
  WHERE (place <= 50);

-- Columns of shop.bought_together
--     product_id uuid
--     other_id uuid
--     orders bigint

CREATE TRIGGER accounts_audit AFTER INSERT OR DELETE OR UPDATE ON shop.accounts FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER addresses_audit AFTER INSERT OR DELETE OR UPDATE ON shop.addresses FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER addresses_set_updated_at BEFORE UPDATE ON shop.addresses FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER cart_items_set_updated_at BEFORE UPDATE ON shop.cart_items FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER categories_audit AFTER INSERT OR DELETE OR UPDATE ON shop.categories FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER categories_lock_tree BEFORE INSERT OR UPDATE OF id, parent_id ON shop.categories FOR EACH STATEMENT EXECUTE FUNCTION shop.lock_category_tree();

CREATE TRIGGER categories_parent_id_acyclic AFTER INSERT OR UPDATE OF id, parent_id ON shop.categories FOR EACH ROW WHEN ((new.parent_id IS NOT NULL)) EXECUTE FUNCTION shop.require_acyclic_category();

CREATE TRIGGER categories_set_updated_at BEFORE UPDATE ON shop.categories FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER discount_redemptions_count AFTER INSERT OR DELETE ON shop.discount_redemptions FOR EACH ROW EXECUTE FUNCTION shop.count_redemptions();

CREATE TRIGGER discounts_audit AFTER INSERT OR DELETE OR UPDATE OF code, name, type, value, min_amount, max_amount, usage_limit, per_user, starts_at, expires_at, is_active ON shop.discounts FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER discounts_set_updated_at BEFORE UPDATE ON shop.discounts FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER inventory_quantity_by_ledger BEFORE UPDATE OF quantity, reserved ON shop.inventory FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND ((old.quantity <> new.quantity) OR (old.reserved <> new.reserved)))) EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_reservations_begin_held BEFORE INSERT ON shop.inventory_reservations FOR EACH ROW WHEN ((new.status <> 'HELD'::shop.reservation_status)) EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_reservations_fixed BEFORE UPDATE OF id, inventory_id, quantity ON shop.inventory_reservations FOR EACH ROW WHEN (((old.id <> new.id) OR (old.inventory_id <> new.inventory_id) OR (old.quantity <> new.quantity))) EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_reservations_held_stay BEFORE DELETE ON shop.inventory_reservations FOR EACH ROW WHEN ((old.status = 'HELD'::shop.reservation_status)) EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_reservations_post AFTER INSERT ON shop.inventory_reservations REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION shop.post_reservations();

CREATE TRIGGER inventory_reservations_post_settled AFTER UPDATE ON shop.inventory_reservations REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION shop.post_settled_reservations();

CREATE TRIGGER inventory_reservations_status_step BEFORE UPDATE OF status ON shop.inventory_reservations FOR EACH ROW WHEN (((old.status <> new.status) AND (((((old.status <> 'HELD'::shop.reservation_status) OR (new.status <> 'COMMITTED'::shop.reservation_status)) AND ((old.status <> 'HELD'::shop.reservation_status) OR (new.status <> 'RELEASED'::shop.reservation_status))) AND ((old.status <> 'HELD'::shop.reservation_status) OR (new.status <> 'EXPIRED'::shop.reservation_status))) AND ((old.status <> 'COMMITTED'::shop.reservation_status) OR (new.status <> 'RELEASED'::shop.reservation_status))))) EXECUTE FUNCTION shop.refuse_step();

CREATE TRIGGER inventory_set_updated_at BEFORE UPDATE ON shop.inventory FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER inventory_starts_empty BEFORE INSERT ON shop.inventory FOR EACH ROW WHEN (((new.quantity <> 0) OR (new.reserved <> 0))) EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_transactions_by_reservation BEFORE INSERT ON shop.inventory_transactions FOR EACH ROW WHEN (((pg_trigger_depth() = 0) AND (new.type = ANY (ARRAY['RESERVE'::shop.inventory_tx_type, 'RELEASE'::shop.inventory_tx_type])))) EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_transactions_final BEFORE DELETE OR UPDATE ON shop.inventory_transactions FOR EACH ROW EXECUTE FUNCTION shop.refuse_stock_by_hand();

CREATE TRIGGER inventory_transactions_post BEFORE INSERT ON shop.inventory_transactions FOR EACH ROW EXECUTE FUNCTION shop.post_inventory_transaction();

CREATE TRIGGER orders_audit AFTER DELETE OR UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION core.audit_row('%_address');

CREATE TRIGGER orders_follow AFTER UPDATE OF status ON shop.orders FOR EACH ROW WHEN ((old.status <> new.status)) EXECUTE FUNCTION shop.follow_order();

CREATE TRIGGER orders_set_updated_at BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER orders_status_step BEFORE UPDATE OF status ON shop.orders FOR EACH ROW WHEN (((old.status <> new.status) AND ((((((((((((old.status <> 'PENDING'::shop.order_status) OR (new.status <> 'CONFIRMED'::shop.order_status)) AND ((old.status <> 'PENDING'::shop.order_status) OR (new.status <> 'CANCELLED'::shop.order_status))) AND ((old.status <> 'CONFIRMED'::shop.order_status) OR (new.status <> 'PROCESSING'::shop.order_status))) AND ((old.status <> 'CONFIRMED'::shop.order_status) OR (new.status <> 'CANCELLED'::shop.order_status))) AND ((old.status <> 'CONFIRMED'::shop.order_status) OR (new.status <> 'REFUNDED'::shop.order_status))) AND ((old.status <> 'PROCESSING'::shop.order_status) OR (new.status <> 'SHIPPED'::shop.order_status))) AND ((old.status <> 'PROCESSING'::shop.order_status) OR (new.status <> 'CANCELLED'::shop.order_status))) AND ((old.status <> 'PROCESSING'::shop.order_status) OR (new.status <> 'REFUNDED'::shop.order_status))) AND ((old.status <> 'SHIPPED'::shop.order_status) OR (new.status <> 'DELIVERED'::shop.order_status))) AND ((old.status <> 'SHIPPED'::shop.order_status) OR (new.status <> 'REFUNDED'::shop.order_status))) AND ((old.status <> 'DELIVERED'::shop.order_status) OR (new.status <> 'REFUNDED'::shop.order_status))))) EXECUTE FUNCTION shop.refuse_step();

CREATE TRIGGER payments_audit AFTER DELETE OR UPDATE ON shop.payments FOR EACH ROW EXECUTE FUNCTION core.audit_row('provider_data');

CREATE TRIGGER payments_follow AFTER UPDATE OF status ON shop.payments FOR EACH ROW WHEN (((old.status <> new.status) AND (new.status = ANY (ARRAY['COMPLETED'::shop.payment_status, 'FAILED'::shop.payment_status])))) EXECUTE FUNCTION shop.follow_payment();

CREATE TRIGGER payments_set_order AFTER UPDATE OF status ON shop.payments FOR EACH ROW EXECUTE FUNCTION shop.set_payment_status();

CREATE TRIGGER payments_set_order_at_once AFTER INSERT ON shop.payments FOR EACH ROW WHEN ((new.status <> 'PENDING'::shop.payment_status)) EXECUTE FUNCTION shop.set_payment_status();

CREATE TRIGGER payments_set_updated_at BEFORE UPDATE ON shop.payments FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER payments_status_step BEFORE UPDATE OF status ON shop.payments FOR EACH ROW WHEN (((old.status <> new.status) AND ((old.status = 'REFUNDED'::shop.payment_status) OR ((old.status = 'COMPLETED'::shop.payment_status) AND (new.status <> 'REFUNDED'::shop.payment_status)) OR ((new.status = 'REFUNDED'::shop.payment_status) AND (old.status <> 'COMPLETED'::shop.payment_status))))) EXECUTE FUNCTION shop.refuse_step();

CREATE TRIGGER product_variants_audit AFTER INSERT OR DELETE OR UPDATE ON shop.product_variants FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER product_variants_set_updated_at BEFORE UPDATE ON shop.product_variants FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER products_add_stats AFTER INSERT ON shop.products FOR EACH ROW EXECUTE FUNCTION shop.add_product_stats();

CREATE TRIGGER products_audit AFTER INSERT OR DELETE OR UPDATE ON shop.products FOR EACH ROW EXECUTE FUNCTION core.audit_row('embedding');

CREATE TRIGGER products_set_updated_at BEFORE UPDATE ON shop.products FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER reviews_audit AFTER DELETE OR UPDATE ON shop.reviews FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER reviews_count AFTER INSERT OR DELETE OR UPDATE OF product_id, rating, is_approved ON shop.reviews FOR EACH ROW EXECUTE FUNCTION shop.count_review();

CREATE TRIGGER reviews_set_updated_at BEFORE UPDATE ON shop.reviews FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER settings_audit AFTER INSERT OR DELETE OR UPDATE ON shop.settings FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER settings_set_updated_at BEFORE UPDATE ON shop.settings FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER users_audit AFTER INSERT OR DELETE OR UPDATE ON shop.users FOR EACH ROW EXECUTE FUNCTION core.audit_row();

CREATE TRIGGER users_set_updated_at BEFORE UPDATE ON shop.users FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

GRANT UPDATE (read_at) ON TABLE shop.notifications TO drystone_shop_client;

GRANT SELECT (barcode) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (category_id) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (compare_price) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (created_at) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (deleted_at) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (description) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (embedding) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (fts) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (height) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (id) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (images) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (is_active) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (is_digital) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (is_featured) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (length) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (low_stock_threshold) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (meta_description) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (meta_title) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (name) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (name_trigrams) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (price) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (short_description) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (sku) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (slug) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (thumbnail) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (track_quantity) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (updated_at) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (weight) ON TABLE shop.products TO drystone_shop_client;

GRANT SELECT (width) ON TABLE shop.products TO drystone_shop_client;

GRANT INSERT (content), UPDATE (content) ON TABLE shop.reviews TO drystone_shop_client;

GRANT INSERT (order_id) ON TABLE shop.reviews TO drystone_shop_client;

GRANT INSERT (product_id) ON TABLE shop.reviews TO drystone_shop_client;

GRANT INSERT (rating), UPDATE (rating) ON TABLE shop.reviews TO drystone_shop_client;

GRANT INSERT (title), UPDATE (title) ON TABLE shop.reviews TO drystone_shop_client;

GRANT INSERT (user_id) ON TABLE shop.reviews TO drystone_shop_client;

GRANT SELECT (created_at) ON TABLE shop.users TO drystone_readonly;

GRANT SELECT (deleted_at) ON TABLE shop.users TO drystone_readonly;

GRANT SELECT (email) ON TABLE shop.users TO drystone_readonly;

GRANT INSERT (email), UPDATE (email) ON TABLE shop.users TO drystone_shop_client;

GRANT SELECT (email_verified) ON TABLE shop.users TO drystone_readonly;

GRANT INSERT (email_verified), UPDATE (email_verified) ON TABLE shop.users TO drystone_shop_client;

GRANT SELECT (id) ON TABLE shop.users TO drystone_readonly;

GRANT SELECT (image) ON TABLE shop.users TO drystone_readonly;

GRANT INSERT (image), UPDATE (image) ON TABLE shop.users TO drystone_shop_client;

GRANT SELECT (last_login) ON TABLE shop.users TO drystone_readonly;

GRANT UPDATE (last_login) ON TABLE shop.users TO drystone_shop_client;

GRANT SELECT (name) ON TABLE shop.users TO drystone_readonly;

GRANT INSERT (name), UPDATE (name) ON TABLE shop.users TO drystone_shop_client;

GRANT INSERT (password_hash), UPDATE (password_hash) ON TABLE shop.users TO drystone_shop_client;

GRANT SELECT (phone) ON TABLE shop.users TO drystone_readonly;

GRANT INSERT (phone), UPDATE (phone) ON TABLE shop.users TO drystone_shop_client;

GRANT SELECT (role) ON TABLE shop.users TO drystone_readonly;

GRANT SELECT (updated_at) ON TABLE shop.users TO drystone_readonly;

REVOKE EXECUTE ON ROUTINE shop.count_review() FROM PUBLIC;

REVOKE EXECUTE ON ROUTINE shop.ensure_partitions(integer) FROM PUBLIC;

GRANT EXECUTE ON ROUTINE shop.ensure_partitions(integer) TO drystone_app;

GRANT EXECUTE ON ROUTINE shop.ensure_partitions(integer) TO drystone_shop_admin;

REVOKE EXECUTE ON ROUTINE shop.place_order(uuid,jsonb,jsonb,text,shop.payment_method,text,text,text) FROM PUBLIC;

GRANT EXECUTE ON ROUTINE shop.place_order(uuid,jsonb,jsonb,text,shop.payment_method,text,text,text) TO drystone_app;

GRANT EXECUTE ON ROUTINE shop.place_order(uuid,jsonb,jsonb,text,shop.payment_method,text,text,text) TO drystone_shop_admin;

GRANT EXECUTE ON ROUTINE shop.place_order(uuid,jsonb,jsonb,text,shop.payment_method,text,text,text) TO drystone_shop_client;

GRANT USAGE ON SCHEMA shop TO drystone_app;

GRANT USAGE ON SCHEMA shop TO drystone_readonly;

GRANT USAGE ON SCHEMA shop TO drystone_shop_admin;

GRANT USAGE ON SCHEMA shop TO drystone_shop_client;

GRANT SELECT, USAGE ON SEQUENCE shop.order_number_seq TO drystone_app;

GRANT SELECT, USAGE ON SEQUENCE shop.order_number_seq TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.accounts TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.accounts TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.accounts TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.addresses TO drystone_app;

GRANT SELECT ON TABLE shop.addresses TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.addresses TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.addresses TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.analytics TO drystone_app;

GRANT SELECT ON TABLE shop.analytics TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.analytics TO drystone_shop_admin;

GRANT INSERT ON TABLE shop.analytics TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.analytics_default TO drystone_app;

GRANT SELECT ON TABLE shop.analytics_default TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.analytics_default TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.bought_together TO drystone_app;

GRANT SELECT ON TABLE shop.bought_together TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.bought_together TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.bought_together TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.cart_items TO drystone_app;

GRANT SELECT ON TABLE shop.cart_items TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.cart_items TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.cart_items TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.catalogue TO drystone_app;

GRANT SELECT ON TABLE shop.catalogue TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.catalogue TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.catalogue TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.categories TO drystone_app;

GRANT SELECT ON TABLE shop.categories TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.categories TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.categories TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.discount_redemptions TO drystone_app;

GRANT SELECT ON TABLE shop.discount_redemptions TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.discount_redemptions TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.discounts TO drystone_app;

GRANT SELECT ON TABLE shop.discounts TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.discounts TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.discounts TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.inventory TO drystone_app;

GRANT SELECT ON TABLE shop.inventory TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.inventory TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.inventory TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.inventory_reservations TO drystone_app;

GRANT SELECT ON TABLE shop.inventory_reservations TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.inventory_reservations TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.inventory_transactions TO drystone_app;

GRANT SELECT ON TABLE shop.inventory_transactions TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.inventory_transactions TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.notifications TO drystone_app;

GRANT SELECT ON TABLE shop.notifications TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.notifications TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.notifications TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.order_items TO drystone_app;

GRANT SELECT ON TABLE shop.order_items TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.order_items TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.order_items TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.orders TO drystone_app;

GRANT SELECT ON TABLE shop.orders TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.orders TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.orders TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.payments TO drystone_app;

GRANT SELECT ON TABLE shop.payments TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.payments TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.payments TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.product_stats TO drystone_app;

GRANT SELECT ON TABLE shop.product_stats TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.product_stats TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.product_stats TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.product_stock TO drystone_app;

GRANT SELECT ON TABLE shop.product_stock TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.product_stock TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.product_stock TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.product_variants TO drystone_app;

GRANT SELECT ON TABLE shop.product_variants TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.product_variants TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.product_variants TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.products TO drystone_app;

GRANT SELECT ON TABLE shop.products TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.products TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.reviews TO drystone_app;

GRANT SELECT ON TABLE shop.reviews TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.reviews TO drystone_shop_admin;

GRANT DELETE, SELECT ON TABLE shop.reviews TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.sessions TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.sessions TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.sessions TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.settings TO drystone_app;

GRANT SELECT ON TABLE shop.settings TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.settings TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.settings TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.users TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.users TO drystone_shop_admin;

GRANT SELECT ON TABLE shop.users TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.verification_tokens TO drystone_app;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.verification_tokens TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.verification_tokens TO drystone_shop_client;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.wishlist_items TO drystone_app;

GRANT SELECT ON TABLE shop.wishlist_items TO drystone_readonly;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.wishlist_items TO drystone_shop_admin;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE shop.wishlist_items TO drystone_shop_client;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, USAGE ON SEQUENCES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, USAGE ON SEQUENCES TO drystone_shop_admin;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_app;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO drystone_readonly;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO drystone_shop_admin;

COMMENT ON FUNCTION shop.add_product_stats() IS 'For products: gives each new one its row of figures.';

COMMENT ON FUNCTION shop.apply_payment_event(text,text,text,text,jsonb,numeric,text) IS 'Takes an event in, once, and does what follows from it: payment, order, stock, notification. amount and currency are what was paid; the ledger has the event under shop.<provider>.';

COMMENT ON FUNCTION shop.category_subtree(text) IS 'The ids of a category and of all that stand in it.';

COMMENT ON FUNCTION shop.count_redemptions() IS 'For redemptions: counts them in their discount, whose CHECK knows the limit.';

COMMENT ON FUNCTION shop.count_review() IS 'For reviews: counts those that are approved in the figures of their product.';

COMMENT ON FUNCTION shop.discount_amount(shop.discounts,numeric) IS 'What a discount takes off goods of a price: to the cent, at most max_amount.';

COMMENT ON FUNCTION shop.ensure_partitions(integer) IS 'Makes the partitions of this month and the next ones, so many in all, each a month in UTC; returns how many were missing.';

COMMENT ON FUNCTION shop.expire_reservations(bigint) IS 'Gives back what was held for too long, of up to so many orders and of up to so many reservations without one, and cancels the orders. Returns how many were given back.';

COMMENT ON FUNCTION shop.follow_order() IS 'For orders: stock is sold or put back, sales are counted, a discount that was not used after all can be used again, and the customer is told.';

COMMENT ON FUNCTION shop.follow_payment() IS 'For payments: tells the customer that one is completed or has failed.';

COMMENT ON FUNCTION shop.lacking(jsonb) IS 'Of some lines, as for shop.reserve_stock(), those that there is not enough of.';

COMMENT ON FUNCTION shop.lock_category_tree() IS 'For BEFORE INSERT OR UPDATE OF parent_id ... FOR EACH STATEMENT: lets one transaction at a time change the tree.';

COMMENT ON FUNCTION shop.order_settings() IS 'The settings that totals are computed from, in one row.';

COMMENT ON FUNCTION shop.payment_status_of(uuid) IS 'What the payments of an order come to: the best of them; NULL without any.';

COMMENT ON FUNCTION shop.place_order(uuid,jsonb,jsonb,text,shop.payment_method,text,text,text) IS 'Makes an order of a user''s cart: stock is held, prices are kept, a discount is used, a payment is awaited, the cart is empty, and an e-mail is on its way. The same key is the same order. Raises SH001 to SH005, and changes nothing then.';

COMMENT ON FUNCTION shop.post_inventory_transaction() IS 'For the ledger: changes the stock by what an entry says.';

COMMENT ON FUNCTION shop.post_reservations() IS 'For reservations: writes what is held to the ledger.';

COMMENT ON FUNCTION shop.post_settled_reservations() IS 'For reservations: writes to the ledger that what was held is sold or free again, and that what was sold is back.';

COMMENT ON FUNCTION shop.redeem_discount(text,uuid,numeric,uuid) IS 'Uses a discount, once more, for goods of a price, and returns what it takes off. Raises SH002 if it does not apply, SH003 if it is used up.';

COMMENT ON FUNCTION shop.refuse_step() IS 'For BEFORE UPDATE OF status ... WHEN (no such step): refuses it as a broken CHECK that has the trigger''s name.';

COMMENT ON FUNCTION shop.refuse_stock_by_hand() IS 'For inventory and its ledger: refuses what would put the two out of step.';

COMMENT ON FUNCTION shop.require_acyclic_category() IS 'For categories: refuses a parent that is the category itself or stands in it.';

COMMENT ON FUNCTION shop.reserve_stock(jsonb,interval,uuid) IS 'Holds all lines, [{"product_id", "variant_id", "quantity"}], for a while, or none: no rows then. The warehouse main comes first, then the others. What is not counted needs no reservation.';

COMMENT ON FUNCTION shop.set_payment_status() IS 'For payments: makes the payment status of their order what they come to.';

COMMENT ON FUNCTION shop.tell(shop.orders,shop.notification_type,text,text) IS 'Tells the customer of an order what happened to it: on the site and, with a template, by e-mail.';

COMMENT ON MATERIALIZED VIEW shop.bought_together IS 'For each product the fifty others that most paid orders of it hold, as of its last refresh by refresh_bought_together().';

COMMENT ON SCHEMA shop IS 'An online shop: catalogue, stock, carts, orders, payments, reviews, analytics.';

COMMENT ON SEQUENCE shop.order_number_seq IS 'The last part of order numbers; numbers of orders that failed are left out.';

COMMENT ON COLUMN shop.accounts.expires_at IS 'When access_token ends, in seconds since 1970.';

COMMENT ON COLUMN shop.addresses.country IS 'ISO 3166-1, two letters.';

COMMENT ON COLUMN shop.addresses.state IS 'Empty where a country has none.';

COMMENT ON COLUMN shop.analytics.session_id IS 'Who it was, as long as nobody has logged in.';

COMMENT ON COLUMN shop.categories.sort_order IS 'The place among those with the same parent; smaller is first.';

COMMENT ON COLUMN shop.discounts.max_amount IS 'The most that it takes off.';

COMMENT ON COLUMN shop.discounts.min_amount IS 'The least that the goods must cost.';

COMMENT ON COLUMN shop.discounts.used_count IS 'How many redemptions there are; kept by a trigger on them.';

COMMENT ON COLUMN shop.discounts.value IS 'Percent of the goods, or dollars; without meaning for FREE_SHIPPING.';

COMMENT ON COLUMN shop.inventory.quantity IS 'The sum of the ledger''s IN, OUT, ADJUSTMENT and TRANSFER.';

COMMENT ON COLUMN shop.inventory.reserved IS 'The sum of the ledger''s RESERVE and RELEASE: what is promised, and still here.';

COMMENT ON COLUMN shop.inventory_reservations.expires_at IS 'When somebody may give it back who is not its owner, by shop.expire_reservations().';

COMMENT ON COLUMN shop.inventory_transactions.quantity IS 'What is added to the stock, or to what of it is reserved; taken away if negative.';

COMMENT ON COLUMN shop.inventory_transactions.quantity_after IS 'How many there were after it; set by the ledger.';

COMMENT ON COLUMN shop.inventory_transactions.reference IS 'What it was for, such as an order''s id.';

COMMENT ON COLUMN shop.inventory_transactions.reserved_after IS 'How many of them were reserved after it; set by the ledger.';

COMMENT ON COLUMN shop.notifications.user_id IS 'NULL if it is for those who run the shop.';

COMMENT ON COLUMN shop.orders.discount IS 'What is taken off the goods. Free shipping is no discount of the goods.';

COMMENT ON COLUMN shop.orders.idempotency_key IS 'The client''s own name for its wish to order: sent again, it is the same order.';

COMMENT ON COLUMN shop.orders.payment_status IS 'What its payments come to; kept by a trigger on them.';

COMMENT ON COLUMN shop.payments.disputed_at IS 'Since when the customer''s bank disputes it.';

COMMENT ON COLUMN shop.payments.provider_data IS 'What the provider last said of it.';

COMMENT ON COLUMN shop.payments.provider_id IS 'The provider''s id of it, such as that of Stripe''s PaymentIntent; NULL until the provider was asked.';

COMMENT ON COLUMN shop.product_stats.rating IS 'The mean of the reviews that are approved; 0 without any.';

COMMENT ON COLUMN shop.product_stats.sold IS 'How many were paid for and not given back.';

COMMENT ON COLUMN shop.product_variants.attributes IS 'What tells it from the others, such as {"color": "black"}.';

COMMENT ON COLUMN shop.product_variants.price IS 'NULL if it costs what the product does.';

COMMENT ON COLUMN shop.products.compare_price IS 'What it cost before; shown crossed out.';

COMMENT ON COLUMN shop.products.embedding IS 'Embedding of name and description; cosine distance. The zero vector has no direction and is refused.';

COMMENT ON COLUMN shop.products.fts IS 'Name and SKU (weight A), short description (B), description (C).';

COMMENT ON COLUMN shop.products.low_stock_threshold IS 'As soon as no more than so many are available, somebody should order more.';

COMMENT ON COLUMN shop.products.name_trigrams IS 'Trigrams of the name, for candidates by similarity.';

COMMENT ON COLUMN shop.products.track_quantity IS 'Whether there is a stock that can run out.';

COMMENT ON COLUMN shop.products.weight IS 'In kilograms; length, width and height are in centimetres.';

COMMENT ON COLUMN shop.reviews.is_approved IS 'Whether it is shown, and counts.';

COMMENT ON COLUMN shop.reviews.order_id IS 'The order by which the user got it.';

COMMENT ON COLUMN shop.users.password_hash IS 'In a self-describing form, such as $argon2id$...; a bare password has none and is refused. NULL for who logs in elsewhere, by shop.accounts.';

COMMENT ON TABLE shop.accounts IS 'Where else a user logs in, as NextAuth keeps it.';

COMMENT ON TABLE shop.addresses IS 'Where a user lives or has parcels sent. Orders keep a copy of their own.';

COMMENT ON TABLE shop.analytics IS 'What visitors do: product_view, cart_add, order_placed and whatever else clients want to count.';

COMMENT ON TABLE shop.analytics_default IS 'Events of months that have no partition.';

COMMENT ON TABLE shop.cart_items IS 'What a user has in the cart; prices are looked up when it is looked at.';

COMMENT ON TABLE shop.categories IS 'The shelves of the shop; each may stand in another one.';

COMMENT ON TABLE shop.discount_redemptions IS 'Who used a discount, and for which order; gone when the order is cancelled.';

COMMENT ON TABLE shop.discounts IS 'What a code takes off an order.';

COMMENT ON TABLE shop.inventory IS 'How many of a product, or of one of its variants, lie in a warehouse.';

COMMENT ON TABLE shop.inventory_reservations IS 'Stock that is kept for somebody, for an order or for what may become one.';

COMMENT ON TABLE shop.inventory_transactions IS 'The ledger: all that ever changed the stock. An entry is never changed.';

COMMENT ON TABLE shop.notifications IS 'What a user is told when the site is opened.';

COMMENT ON TABLE shop.order_items IS 'What was bought, by the name and for the price that it had then.';

COMMENT ON TABLE shop.orders IS 'What a user bought at one time, with the totals and addresses of that moment.';

COMMENT ON TABLE shop.payments IS 'A payment of an order; another try with the provider''s same id is the same one.';

COMMENT ON TABLE shop.product_stats IS 'How a product is rated and how often it was sold: one row for each product, kept by triggers on reviews and orders.';

COMMENT ON TABLE shop.product_variants IS 'A product in one colour, size and so on.';

COMMENT ON TABLE shop.products IS 'What is, or was, for sale; its slug and SKU are never given to another.';

COMMENT ON TABLE shop.reviews IS 'What a user thinks of a product.';

COMMENT ON TABLE shop.sessions IS 'Who is logged in, as NextAuth keeps it.';

COMMENT ON TABLE shop.settings IS 'What admins may change without a release.';

COMMENT ON TABLE shop.users IS 'A person, once for each e-mail address in any case, deleted ones aside.';

COMMENT ON TABLE shop.verification_tokens IS 'Links that were sent by e-mail to log in with, as NextAuth keeps them.';

COMMENT ON TABLE shop.wishlist_items IS 'What a user would like to have.';

COMMENT ON TYPE shop.discount_type IS 'What a discount takes off: a share or an amount of the goods, or the shipping.';

COMMENT ON TYPE shop.event_outcome IS 'What became of an event. DUPLICATE: it was applied before. STALE: a later one was. IGNORED: nobody needs it. UNKNOWN_PAYMENT, AMOUNT_DIFFERS: it waits. REFUND_DUE: there is money for an order that was cancelled or paid already.';

COMMENT ON TYPE shop.inventory_tx_type IS 'Why stock changed. IN, OUT, ADJUSTMENT and TRANSFER change what is there, RESERVE and RELEASE what of it is promised.';

COMMENT ON TYPE shop.name_position IS 'The last row that was seen of a list by name: what the next page begins behind.';

COMMENT ON TYPE shop.notification_type IS 'What a notification is about.';

COMMENT ON TYPE shop.number_position IS 'The last row that was seen of a list by a price or a figure.';

COMMENT ON TYPE shop.order_status IS 'PENDING: placed, its stock is held for a while. CONFIRMED: paid, its stock is gone. PROCESSING: being packed. SHIPPED, DELIVERED: on its way, there. CANCELLED: given up before it was shipped. REFUNDED: given up after it was paid.';

COMMENT ON TYPE shop.payment_method IS 'What a customer pays with.';

COMMENT ON TYPE shop.payment_status IS 'How far a payment is; one that has FAILED may still be COMPLETED by another try.';

COMMENT ON TYPE shop.reservation_status IS 'HELD: nobody else can have it. COMMITTED: it was sold. RELEASED, EXPIRED: it was given back, by somebody or by the clock.';

COMMENT ON TYPE shop.time_position IS 'The last row that was seen of a list by time.';

COMMENT ON TYPE shop.user_role IS 'What a user may do: run the shop, buy in it, or buy without an account.';

COMMENT ON VIEW shop.catalogue IS 'The products that are for sale, with their figures.';

COMMENT ON VIEW shop.product_stock IS 'How many there are of a product, in all variants and warehouses.';

-- In no schema

COMMENT ON EXTENSION age IS 'AGE database extension, installed by events-0009-create-graph';

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods, installed by core-0001-create-schema';
