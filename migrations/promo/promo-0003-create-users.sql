-- depends: promo-0002-create-plans
--
-- Who logs in and pays. A deleted user keeps the row, and with it all that was theirs,
-- until it is restored or erased; meanwhile the address is free for another.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.plans, for the foreign key. Rewrites: none.
-- Rollback: drops the table and every user in it.

CREATE TABLE promo.users (
    id uuid NOT NULL DEFAULT core.new_id(),
    email text NOT NULL,
    password_hash text,
    name text,
    image text,
    plan text NOT NULL DEFAULT 'free',
    role promo.user_role NOT NULL DEFAULT 'USER',
    verified boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_plan_fkey
        FOREIGN KEY (plan)
        REFERENCES promo.plans (plan)
        ON UPDATE CASCADE
        ON DELETE RESTRICT,
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

COMMENT ON TABLE promo.users IS
    'A person, once for each e-mail address in any case, deleted ones aside.';

COMMENT ON COLUMN promo.users.password_hash IS
    'In a self-describing form, such as $argon2id$...; NULL for who logs in by another '
    'service.';

COMMENT ON COLUMN promo.users.plan IS
    'The plan of the live subscription, as often as one changes; otherwise free, or '
    'what it was set to.';

CREATE UNIQUE INDEX users_lower_email_key
    ON promo.users (lower(email))
    WHERE deleted_at IS NULL;

CREATE INDEX users_plan_idx ON promo.users (plan);

CREATE INDEX users_role_idx
    ON promo.users (role)
    WHERE deleted_at IS NULL;

CREATE INDEX users_created_at_id_idx
    ON promo.users (created_at, id)
    WHERE deleted_at IS NULL;

CREATE TRIGGER users_set_updated_at
    BEFORE UPDATE ON promo.users
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER users_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.users
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();
