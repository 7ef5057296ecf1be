-- depends: promo-0005-create-strategies
--
-- Content: what it is about (pillars), what it is a part of (series), and the pieces
-- themselves, found by their words and by their meaning. HNSW is right before there is
-- data and while it grows.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.organizations and promo.ai_strategies, for foreign
-- keys and a trigger. Rewrites: none.
-- Rollback: drops the tables and all content.

CREATE TABLE promo.content_pillars (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    color text,
    emoji text,
    is_active boolean NOT NULL DEFAULT true,
    sort_order integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT content_pillars_pkey PRIMARY KEY (id),
    CONSTRAINT content_pillars_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT content_pillars_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT content_pillars_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT content_pillars_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT content_pillars_color_check CHECK (color ~ '^#[0-9A-Fa-f]{6}$')
);

COMMENT ON TABLE promo.content_pillars IS
    'What an organisation''s content is about.';

CREATE INDEX content_pillars_organization_id_sort_order_idx
    ON promo.content_pillars (organization_id, sort_order)
    WHERE is_active;

CREATE TRIGGER content_pillars_set_updated_at
    BEFORE UPDATE ON promo.content_pillars
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER content_pillars_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.content_pillars
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE TABLE promo.series (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    pillar_id uuid,
    name text NOT NULL,
    description text,
    platform promo.platform NOT NULL,
    cadence text NOT NULL,
    total_posts integer NOT NULL,
    published_posts integer NOT NULL DEFAULT 0,
    status promo.series_status NOT NULL DEFAULT 'ACTIVE',
    start_date date,
    end_date date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT series_pkey PRIMARY KEY (id),
    CONSTRAINT series_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT series_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT series_organization_id_pillar_id_fkey
        FOREIGN KEY (organization_id, pillar_id)
        REFERENCES promo.content_pillars (organization_id, id)
        ON DELETE SET NULL (pillar_id),
    CONSTRAINT series_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT series_cadence_check
        CHECK (cadence IN ('daily', 'weekly', 'biweekly', 'monthly')),
    CONSTRAINT series_total_posts_check CHECK (total_posts > 0),
    CONSTRAINT series_published_posts_check
        CHECK (published_posts BETWEEN 0 AND total_posts),
    CONSTRAINT series_end_date_check CHECK (end_date >= start_date)
);

COMMENT ON TABLE promo.series IS
    'Pieces that belong together and come one after the other.';

COMMENT ON COLUMN promo.series.published_posts IS
    'How many of its pieces were published; kept by the posts.';

CREATE INDEX series_organization_id_status_idx
    ON promo.series (organization_id, status);

CREATE INDEX series_platform_idx ON promo.series (platform);

CREATE INDEX series_pillar_id_idx ON promo.series (pillar_id);

CREATE TRIGGER series_set_updated_at
    BEFORE UPDATE ON promo.series
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER series_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.series
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE TABLE promo.content_pieces (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    pillar_id uuid,
    series_id uuid,
    strategy_id uuid,
    sequence_no integer,
    platform promo.platform NOT NULL,
    status promo.content_status NOT NULL DEFAULT 'DRAFT',
    type promo.content_type NOT NULL DEFAULT 'POST',
    title text,
    body text NOT NULL,
    hashtags text[] NOT NULL DEFAULT '{}',
    mentions text[] NOT NULL DEFAULT '{}',
    cta text,
    hook text,
    media_refs jsonb,
    rationale text,
    confidence double precision,
    generated_by text,
    embedding public.vector(384),
    scheduled_at timestamptz,
    published_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    body_hash text NOT NULL
        GENERATED ALWAYS AS (md5(lower(btrim(body)))) STORED,
    fts tsvector NOT NULL
        GENERATED ALWAYS AS (
            setweight(to_tsvector('pg_catalog.english', coalesce(title, '')), 'A')
            || setweight(to_tsvector('pg_catalog.english', body), 'B')
        ) STORED,
    CONSTRAINT content_pieces_pkey PRIMARY KEY (id),
    CONSTRAINT content_pieces_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT content_pieces_series_id_sequence_no_key
        UNIQUE (series_id, sequence_no),
    CONSTRAINT content_pieces_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT content_pieces_organization_id_pillar_id_fkey
        FOREIGN KEY (organization_id, pillar_id)
        REFERENCES promo.content_pillars (organization_id, id)
        ON DELETE SET NULL (pillar_id),
    CONSTRAINT content_pieces_organization_id_series_id_fkey
        FOREIGN KEY (organization_id, series_id)
        REFERENCES promo.series (organization_id, id)
        ON DELETE SET NULL (series_id),
    CONSTRAINT content_pieces_organization_id_strategy_id_fkey
        FOREIGN KEY (organization_id, strategy_id)
        REFERENCES promo.ai_strategies (organization_id, id)
        ON DELETE SET NULL (strategy_id),
    CONSTRAINT content_pieces_sequence_no_check CHECK (sequence_no > 0),
    CONSTRAINT content_pieces_body_check
        CHECK (btrim(body) <> '' AND char_length(body) <= 100000),
    CONSTRAINT content_pieces_media_refs_check
        CHECK (jsonb_typeof(media_refs) = 'array'),
    CONSTRAINT content_pieces_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT content_pieces_embedding_check
        CHECK (public.vector_norm(embedding) > 0),
    CONSTRAINT content_pieces_scheduled_at_check
        CHECK (status <> 'SCHEDULED' OR scheduled_at IS NOT NULL),
    CONSTRAINT content_pieces_published_at_check
        CHECK (status <> 'PUBLISHED' OR published_at IS NOT NULL)
);

COMMENT ON TABLE promo.content_pieces IS
    'Something to publish on a platform, written by an AI or a person.';

COMMENT ON COLUMN promo.content_pieces.media_refs IS
    'What else is shown, as a list of objects; files are in content_piece_assets.';

COMMENT ON COLUMN promo.content_pieces.generated_by IS
    'The model that wrote it; NULL if a person did.';

COMMENT ON COLUMN promo.content_pieces.confidence IS
    'How sure the model was, from 0 to 1.';

COMMENT ON COLUMN promo.content_pieces.embedding IS
    'Embedding of title and body; cosine distance.';

COMMENT ON COLUMN promo.content_pieces.body_hash IS
    'By which two bodies count as the same: in any case, without blanks around.';

COMMENT ON COLUMN promo.content_pieces.fts IS
    'Title (weight A) and body (B).';

CREATE UNIQUE INDEX content_pieces_live_key
    ON promo.content_pieces (organization_id, platform, body_hash)
    WHERE status IN ('SCHEDULED', 'PUBLISHED') AND deleted_at IS NULL;

CREATE INDEX content_pieces_organization_id_created_at_id_idx
    ON promo.content_pieces (organization_id, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX content_pieces_organization_id_status_created_at_id_idx
    ON promo.content_pieces (organization_id, status, created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX content_pieces_organization_id_published_at_idx
    ON promo.content_pieces (organization_id, published_at)
    WHERE published_at IS NOT NULL;

CREATE INDEX content_pieces_pillar_id_idx ON promo.content_pieces (pillar_id);

CREATE INDEX content_pieces_strategy_id_idx ON promo.content_pieces (strategy_id);

CREATE INDEX content_pieces_fts_idx
    ON promo.content_pieces USING gin (fts)
    WHERE deleted_at IS NULL;

CREATE INDEX content_pieces_hashtags_idx
    ON promo.content_pieces USING gin (hashtags)
    WHERE deleted_at IS NULL;

CREATE INDEX content_pieces_embedding_idx
    ON promo.content_pieces USING hnsw (embedding public.vector_cosine_ops)
    WHERE deleted_at IS NULL;

CREATE TRIGGER content_pieces_set_updated_at
    BEFORE UPDATE ON promo.content_pieces
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER content_pieces_status_step
    BEFORE UPDATE OF status ON promo.content_pieces
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('DRAFT', 'PENDING_REVIEW'),
            ('DRAFT', 'APPROVED'),
            ('DRAFT', 'ARCHIVED'),
            ('PENDING_REVIEW', 'DRAFT'),
            ('PENDING_REVIEW', 'APPROVED'),
            ('PENDING_REVIEW', 'ARCHIVED'),
            ('APPROVED', 'DRAFT'),
            ('APPROVED', 'SCHEDULED'),
            ('APPROVED', 'PUBLISHED'),
            ('APPROVED', 'ARCHIVED'),
            ('SCHEDULED', 'APPROVED'),
            ('SCHEDULED', 'PUBLISHED'),
            ('SCHEDULED', 'FAILED'),
            ('FAILED', 'DRAFT'),
            ('FAILED', 'SCHEDULED'),
            ('FAILED', 'PUBLISHED'),
            ('FAILED', 'ARCHIVED'),
            ('PUBLISHED', 'ARCHIVED'),
            ('ARCHIVED', 'DRAFT')
        )
    )
    EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER content_pieces_organization_id_live
    BEFORE INSERT OR UPDATE OF organization_id, deleted_at ON promo.content_pieces
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION promo.require_live_parent(
        'promo.organizations',
        'organization_id'
    );

CREATE TRIGGER organizations_delete_content_pieces
    AFTER UPDATE OF deleted_at ON promo.organizations
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION promo.delete_children('promo.content_pieces', 'organization_id');

CREATE TRIGGER content_pieces_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.content_pieces
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row('embedding');
