-- depends: promo-0007-create-assets
--
-- Accounts on social platforms. Tokens are encrypted before they come here, by
-- drystone.systems.promo.tokens; the database never sees a key.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.organizations, for a foreign key and a trigger.
-- Rewrites: none.
-- Rollback: drops the table; every account must be connected again.

CREATE TABLE promo.social_accounts (
    id uuid NOT NULL DEFAULT core.new_id(),
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
    expires_at timestamptz,
    account_id text,
    followers_count integer NOT NULL DEFAULT 0,
    following_count integer NOT NULL DEFAULT 0,
    posts_count integer NOT NULL DEFAULT 0,
    is_active boolean NOT NULL DEFAULT true,
    last_sync_at timestamptz,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT social_accounts_pkey PRIMARY KEY (id),
    CONSTRAINT social_accounts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT social_accounts_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT social_accounts_handle_check
        CHECK (handle ~ '^[^@[:space:]][^[:space:]]*$'),
    CONSTRAINT social_accounts_access_token_encrypted_check
        CHECK (octet_length(access_token_encrypted) >= 28),
    CONSTRAINT social_accounts_refresh_token_encrypted_check
        CHECK (octet_length(refresh_token_encrypted) >= 28),
    CONSTRAINT social_accounts_token_key_id_check CHECK (btrim(token_key_id) <> ''),
    CONSTRAINT social_accounts_followers_count_check CHECK (followers_count >= 0),
    CONSTRAINT social_accounts_following_count_check CHECK (following_count >= 0),
    CONSTRAINT social_accounts_posts_count_check CHECK (posts_count >= 0)
);

COMMENT ON TABLE promo.social_accounts IS
    'An organisation''s account on a platform, with what is needed to act for it.';

COMMENT ON COLUMN promo.social_accounts.handle IS
    'The name on the platform, without @.';

COMMENT ON COLUMN promo.social_accounts.access_token_encrypted IS
    'AES-GCM: a nonce of 12 bytes, the token, a tag of 16 bytes.';

COMMENT ON COLUMN promo.social_accounts.token_key_id IS
    'Which key of the key ring both tokens are encrypted with.';

COMMENT ON COLUMN promo.social_accounts.expires_at IS
    'Until when the access token is good; NULL is for ever.';

COMMENT ON COLUMN promo.social_accounts.account_id IS
    'The platform''s own id.';

COMMENT ON COLUMN promo.social_accounts.error_message IS
    'Why the account could not be used when it was last tried.';

CREATE UNIQUE INDEX social_accounts_organization_id_platform_handle_key
    ON promo.social_accounts (organization_id, platform, lower(handle))
    WHERE deleted_at IS NULL;

CREATE INDEX social_accounts_platform_idx
    ON promo.social_accounts (platform)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX social_accounts_expires_at_idx
    ON promo.social_accounts (expires_at)
    WHERE is_active AND deleted_at IS NULL;

CREATE INDEX social_accounts_token_key_id_idx ON promo.social_accounts (token_key_id);

CREATE TRIGGER social_accounts_set_updated_at
    BEFORE UPDATE ON promo.social_accounts
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER social_accounts_organization_id_live
    BEFORE INSERT OR UPDATE OF organization_id, deleted_at ON promo.social_accounts
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION promo.require_live_parent(
        'promo.organizations',
        'organization_id'
    );

CREATE TRIGGER organizations_delete_social_accounts
    AFTER UPDATE OF deleted_at ON promo.organizations
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION promo.delete_children('promo.social_accounts', 'organization_id');

CREATE TRIGGER social_accounts_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.social_accounts
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();
