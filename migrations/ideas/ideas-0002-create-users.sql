-- depends: ideas-0001-create-schema
--
-- Who has ideas. A deleted user keeps the row, and with it all that was theirs, until
-- it is restored or erased; meanwhile the address is free for another.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the table and every user in it.

CREATE TABLE ideas.users (
    id uuid NOT NULL DEFAULT core.new_id(),
    email text NOT NULL,
    password_hash text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_check
        CHECK (
            char_length(email) <= 255
            AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'
        ),
    CONSTRAINT users_password_hash_check
        CHECK (password_hash ~ '^\$[a-z0-9-]+\$'),
    CONSTRAINT users_name_check
        CHECK (char_length(btrim(name)) >= 1 AND char_length(name) <= 255)
);

COMMENT ON TABLE ideas.users IS
    'A person, once for each e-mail address in any case, deleted ones aside.';

COMMENT ON COLUMN ideas.users.password_hash IS
    'In a self-describing form, such as $argon2id$...; a bare password has none and is '
    'refused.';

CREATE UNIQUE INDEX users_lower_email_key
    ON ideas.users (lower(email))
    WHERE deleted_at IS NULL;

CREATE INDEX users_created_at_id_idx
    ON ideas.users (created_at, id)
    WHERE deleted_at IS NULL;

CREATE TRIGGER users_set_updated_at
    BEFORE UPDATE ON ideas.users
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER users_audit
    AFTER INSERT OR UPDATE OR DELETE ON ideas.users
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();
