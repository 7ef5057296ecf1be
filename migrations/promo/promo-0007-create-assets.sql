-- depends: promo-0006-create-content
--
-- Files, of which only the place is kept here, and which pieces of content show them.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.organizations, promo.users and
-- promo.content_pieces, for foreign keys and a trigger. Rewrites: none.
-- Rollback: drops the tables; the files stay where they are.

CREATE TABLE promo.assets (
    id uuid NOT NULL DEFAULT core.new_id(),
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
    tags text[] NOT NULL DEFAULT '{}',
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT assets_pkey PRIMARY KEY (id),
    CONSTRAINT assets_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT assets_s3_bucket_s3_key_key UNIQUE (s3_bucket, s3_key),
    CONSTRAINT assets_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT assets_uploaded_by_fkey
        FOREIGN KEY (uploaded_by)
        REFERENCES promo.users (id)
        ON DELETE SET NULL,
    CONSTRAINT assets_filename_check CHECK (btrim(filename) <> ''),
    CONSTRAINT assets_mime_type_check CHECK (mime_type ~ '^[a-z]+/[^[:space:]]+$'),
    CONSTRAINT assets_size_bytes_check CHECK (size_bytes >= 0),
    CONSTRAINT assets_url_check CHECK (url ~* '^https?://')
);

COMMENT ON TABLE promo.assets IS
    'A file of an organisation, which lies in S3.';

CREATE INDEX assets_organization_id_created_at_id_idx
    ON promo.assets (organization_id, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX assets_tags_idx ON promo.assets USING gin (tags);

CREATE INDEX assets_uploaded_by_idx ON promo.assets (uploaded_by);

CREATE TRIGGER assets_set_updated_at
    BEFORE UPDATE ON promo.assets
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER assets_organization_id_live
    BEFORE INSERT OR UPDATE OF organization_id, deleted_at ON promo.assets
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION promo.require_live_parent(
        'promo.organizations',
        'organization_id'
    );

CREATE TRIGGER organizations_delete_assets
    AFTER UPDATE OF deleted_at ON promo.organizations
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION promo.delete_children('promo.assets', 'organization_id');

CREATE TRIGGER assets_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.assets
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- That a file in use stays is checked at the end of a transaction: an organisation
-- that is deleted takes its files and its content along, in whichever order.
CREATE TABLE promo.content_piece_assets (
    organization_id uuid NOT NULL,
    content_piece_id uuid NOT NULL,
    asset_id uuid NOT NULL,
    position smallint NOT NULL DEFAULT 0,
    CONSTRAINT content_piece_assets_pkey PRIMARY KEY (content_piece_id, asset_id),
    CONSTRAINT content_piece_assets_organization_id_content_piece_id_fkey
        FOREIGN KEY (organization_id, content_piece_id)
        REFERENCES promo.content_pieces (organization_id, id)
        ON DELETE CASCADE,
    CONSTRAINT content_piece_assets_organization_id_asset_id_fkey
        FOREIGN KEY (organization_id, asset_id)
        REFERENCES promo.assets (organization_id, id)
        ON DELETE NO ACTION
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT content_piece_assets_position_check CHECK (position >= 0)
);

COMMENT ON TABLE promo.content_piece_assets IS
    'Which files a piece of content shows, in which order.';

CREATE INDEX content_piece_assets_asset_id_idx
    ON promo.content_piece_assets (asset_id);

CREATE TRIGGER content_piece_assets_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.content_piece_assets
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();
