-- depends: shop-0001-create-schema
--
-- Who buys and who runs the shop, with addresses and with what NextAuth keeps of logins.
-- A deleted user keeps the row, since orders refer to it; the e-mail address is free for
-- another then.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the tables, and every user, login and address in them.

CREATE TABLE shop.users (
    id uuid NOT NULL DEFAULT core.new_id(),
    email text NOT NULL,
    name text,
    password_hash text,
    email_verified timestamptz,
    image text,
    phone text,
    role shop.user_role NOT NULL DEFAULT 'USER',
    last_login timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_check
        CHECK (
            char_length(email) <= 255
            AND email ~ '^[^@[:space:]]+@[^@[:space:]]+$'
        ),
    CONSTRAINT users_name_check CHECK (char_length(btrim(name)) BETWEEN 1 AND 255),
    CONSTRAINT users_password_hash_check
        CHECK (password_hash ~ '^\$[a-z0-9-]+\$'),
    CONSTRAINT users_phone_check CHECK (phone ~ '^\+?[0-9 ()./-]{5,30}$')
);

COMMENT ON TABLE shop.users IS
    'A person, once for each e-mail address in any case, deleted ones aside.';

COMMENT ON COLUMN shop.users.password_hash IS
    'In a self-describing form, such as $argon2id$...; a bare password has none and is '
    'refused. NULL for who logs in elsewhere, by shop.accounts.';

CREATE UNIQUE INDEX users_lower_email_key
    ON shop.users (lower(email))
    WHERE deleted_at IS NULL;

CREATE INDEX users_role_created_at_id_idx
    ON shop.users (role, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX users_created_at_id_idx
    ON shop.users (created_at, id)
    WHERE deleted_at IS NULL;

CREATE TRIGGER users_set_updated_at
    BEFORE UPDATE ON shop.users
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER users_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.users
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE TABLE shop.accounts (
    id uuid NOT NULL DEFAULT core.new_id(),
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
    CONSTRAINT accounts_provider_provider_account_id_key
        UNIQUE (provider, provider_account_id),
    CONSTRAINT accounts_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE
);

COMMENT ON TABLE shop.accounts IS
    'Where else a user logs in, as NextAuth keeps it.';

COMMENT ON COLUMN shop.accounts.expires_at IS
    'When access_token ends, in seconds since 1970.';

CREATE INDEX accounts_user_id_idx ON shop.accounts (user_id);

CREATE TRIGGER accounts_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.accounts
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE TABLE shop.sessions (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    expires timestamptz NOT NULL,
    session_token text NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_session_token_key UNIQUE (session_token),
    CONSTRAINT sessions_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE
);

COMMENT ON TABLE shop.sessions IS
    'Who is logged in, as NextAuth keeps it.';

CREATE INDEX sessions_user_id_idx ON shop.sessions (user_id);

CREATE INDEX sessions_expires_idx ON shop.sessions (expires);

CREATE TABLE shop.verification_tokens (
    identifier text NOT NULL,
    token text NOT NULL,
    expires timestamptz NOT NULL,
    CONSTRAINT verification_tokens_pkey PRIMARY KEY (identifier, token)
);

COMMENT ON TABLE shop.verification_tokens IS
    'Links that were sent by e-mail to log in with, as NextAuth keeps them.';

CREATE INDEX verification_tokens_expires_idx ON shop.verification_tokens (expires);

CREATE TABLE shop.addresses (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    street text NOT NULL,
    city text NOT NULL,
    state text NOT NULL,
    zip_code text NOT NULL,
    country text NOT NULL DEFAULT 'US',
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT addresses_pkey PRIMARY KEY (id),
    CONSTRAINT addresses_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES shop.users (id)
        ON DELETE CASCADE,
    CONSTRAINT addresses_street_check
        CHECK (char_length(btrim(street)) BETWEEN 1 AND 255),
    CONSTRAINT addresses_city_check CHECK (char_length(btrim(city)) BETWEEN 1 AND 100),
    CONSTRAINT addresses_state_check CHECK (char_length(state) <= 100),
    CONSTRAINT addresses_zip_code_check
        CHECK (char_length(btrim(zip_code)) BETWEEN 1 AND 20),
    CONSTRAINT addresses_country_check CHECK (country ~ '^[A-Z]{2}$')
);

COMMENT ON TABLE shop.addresses IS
    'Where a user lives or has parcels sent. Orders keep a copy of their own.';

COMMENT ON COLUMN shop.addresses.state IS
    'Empty where a country has none.';

COMMENT ON COLUMN shop.addresses.country IS
    'ISO 3166-1, two letters.';

CREATE INDEX addresses_user_id_idx ON shop.addresses (user_id);

CREATE UNIQUE INDEX addresses_user_id_default_key
    ON shop.addresses (user_id)
    WHERE is_default;

CREATE TRIGGER addresses_set_updated_at
    BEFORE UPDATE ON shop.addresses
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER addresses_audit
    AFTER INSERT OR UPDATE OR DELETE ON shop.addresses
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();
