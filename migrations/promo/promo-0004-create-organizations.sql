-- depends: promo-0003-create-users
--
-- Organisations, who founded them, and the rules that their content keeps to. What
-- belongs to an organisation refers, from here on, to the organization_id and id of
-- its parents, so that no row can be joined to another organisation's.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.users, for the foreign key and a trigger.
-- Rewrites: none.
-- Rollback: drops the tables and every organisation.

CREATE TABLE promo.organizations (
    id uuid NOT NULL DEFAULT core.new_id(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    url text,
    stage text,
    pricing text,
    description text,
    tagline text,
    category text,
    markets text[] NOT NULL DEFAULT '{}',
    languages text[] NOT NULL DEFAULT '{en}',
    embedding public.vector(384),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    name_trigrams text[] NOT NULL
        GENERATED ALWAYS AS (core.trigrams(name)) STORED,
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_user_id_fkey
        FOREIGN KEY (user_id)
        REFERENCES promo.users (id)
        ON DELETE CASCADE,
    CONSTRAINT organizations_name_check
        CHECK (char_length(btrim(name)) >= 1 AND char_length(name) <= 255),
    CONSTRAINT organizations_url_check CHECK (url ~* '^https?://'),
    CONSTRAINT organizations_embedding_check
        CHECK (public.vector_norm(embedding) > 0)
);

COMMENT ON TABLE promo.organizations IS
    'A startup that a user promotes.';

COMMENT ON COLUMN promo.organizations.markets IS
    'Where it sells, as ISO 3166-1 alpha-2 codes.';

COMMENT ON COLUMN promo.organizations.languages IS
    'What it speaks to its customers, as ISO 639-1 codes.';

COMMENT ON COLUMN promo.organizations.embedding IS
    'Embedding of the profile; cosine distance.';

COMMENT ON COLUMN promo.organizations.name_trigrams IS
    'Trigrams of the name, for candidates by &&.';

CREATE INDEX organizations_user_id_idx ON promo.organizations (user_id);

CREATE INDEX organizations_created_at_id_idx
    ON promo.organizations (created_at, id)
    WHERE deleted_at IS NULL;

CREATE INDEX organizations_category_idx
    ON promo.organizations (category)
    WHERE deleted_at IS NULL;

CREATE INDEX organizations_markets_idx
    ON promo.organizations USING gin (markets)
    WHERE deleted_at IS NULL;

CREATE INDEX organizations_name_trigrams_idx
    ON promo.organizations USING gin (name_trigrams)
    WHERE deleted_at IS NULL;

CREATE INDEX organizations_embedding_idx
    ON promo.organizations USING hnsw (embedding public.vector_cosine_ops)
    WHERE deleted_at IS NULL;

CREATE TRIGGER organizations_set_updated_at
    BEFORE UPDATE ON promo.organizations
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER organizations_user_id_live
    BEFORE INSERT OR UPDATE OF user_id, deleted_at ON promo.organizations
    FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION promo.require_live_parent('promo.users', 'user_id');

CREATE TRIGGER users_delete_organizations
    AFTER UPDATE OF deleted_at ON promo.users
    FOR EACH ROW
    WHEN (OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION promo.delete_children('promo.organizations', 'user_id');

CREATE TRIGGER organizations_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.organizations
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row('embedding');

-- The row lock lets one creation of a user's organisations at a time count them, which
-- is a statement of its own: under READ COMMITTED it sees what those before committed.
CREATE FUNCTION promo.organizations_left(owner uuid)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
AS $$
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
$$;

COMMENT ON FUNCTION promo.organizations_left(uuid) IS
    'How many more organisations a living user''s plan allows. Holds off other counts '
    'of the user until the transaction ends.';

CREATE TABLE promo.founders (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    name text NOT NULL,
    role text,
    email text,
    social_links jsonb NOT NULL DEFAULT '{}',
    bio text,
    image_url text,
    is_primary boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT founders_pkey PRIMARY KEY (id),
    CONSTRAINT founders_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT founders_name_check CHECK (btrim(name) <> ''),
    CONSTRAINT founders_email_check
        CHECK (email ~ '^[^@[:space:]]+@[^@[:space:]]+$'),
    CONSTRAINT founders_social_links_check
        CHECK (jsonb_typeof(social_links) = 'object')
);

COMMENT ON TABLE promo.founders IS
    'Who founded an organisation, and speaks for it.';

COMMENT ON COLUMN promo.founders.social_links IS
    'Addresses by platform.';

CREATE INDEX founders_organization_id_idx ON promo.founders (organization_id);

CREATE UNIQUE INDEX founders_organization_id_primary_key
    ON promo.founders (organization_id)
    WHERE is_primary;

CREATE TRIGGER founders_set_updated_at
    BEFORE UPDATE ON promo.founders
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER founders_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.founders
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

CREATE TABLE promo.brand_rules (
    organization_id uuid NOT NULL,
    tone text,
    voice text,
    allowed_phrases text[] NOT NULL DEFAULT '{}',
    forbidden_phrases text[] NOT NULL DEFAULT '{}',
    allowed_hashtags text[] NOT NULL DEFAULT '{}',
    forbidden_hashtags text[] NOT NULL DEFAULT '{}',
    compliance_notes text,
    legal_disclaimer text,
    claims_to_avoid text[] NOT NULL DEFAULT '{}',
    approval_mode promo.approval_mode NOT NULL DEFAULT 'MANUAL',
    auto_approval_rules jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT brand_rules_pkey PRIMARY KEY (organization_id),
    CONSTRAINT brand_rules_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT brand_rules_auto_approval_rules_check
        CHECK (jsonb_typeof(auto_approval_rules) = 'object'),
    CONSTRAINT brand_rules_approval_mode_check
        CHECK (approval_mode <> 'CONDITIONAL' OR auto_approval_rules IS NOT NULL)
);

COMMENT ON TABLE promo.brand_rules IS
    'How an organisation''s content sounds, and what it must not say.';

COMMENT ON COLUMN promo.brand_rules.allowed_phrases IS
    'What may be said although a forbidden phrase or claim is part of it.';

COMMENT ON COLUMN promo.brand_rules.allowed_hashtags IS
    'If there are any, no others are.';

COMMENT ON COLUMN promo.brand_rules.auto_approval_rules IS
    'min_confidence, platforms and types, each if it matters; what fulfils all of them '
    'is approved by itself.';

CREATE TRIGGER brand_rules_set_updated_at
    BEFORE UPDATE ON promo.brand_rules
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER brand_rules_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.brand_rules
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- An allowed phrase is cut out before a forbidden one is looked for; the bar in its
-- place, which is no letter, keeps the words beside it apart.
CREATE FUNCTION promo.brand_violations(organization uuid, body text, hashtags text[])
RETURNS TABLE (rule text, found text)
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE rules AS (
        SELECT
            own.allowed_phrases,
            own.forbidden_phrases,
            own.claims_to_avoid,
            own.allowed_hashtags,
            own.forbidden_hashtags
        FROM promo.brand_rules AS own
        WHERE own.organization_id = organization
    ),
    cut (text, number) AS (
        SELECT
            ' ' || promo.words(body) || ' ',
            1
        UNION ALL
        SELECT
            replace(
                cut.text,
                ' ' || promo.words(rules.allowed_phrases[cut.number]) || ' ',
                ' | '
            ),
            cut.number + 1
        FROM cut
        CROSS JOIN rules
        WHERE cut.number <= cardinality(rules.allowed_phrases)
    ),
    checked AS (
        SELECT cut.text
        FROM cut
        ORDER BY cut.number DESC
        LIMIT 1
    ),
    phrase (rule, text) AS (
        SELECT
            'forbidden phrase',
            unnest(rules.forbidden_phrases)
        FROM rules
        UNION ALL
        SELECT
            'claim to avoid',
            unnest(rules.claims_to_avoid)
        FROM rules
    )
    SELECT
        phrase.rule,
        phrase.text
    FROM phrase
    CROSS JOIN checked
    WHERE
        btrim(phrase.text) <> ''
        AND CASE promo.words(phrase.text)
            WHEN '' THEN strpos(body, btrim(phrase.text)) > 0
            ELSE strpos(checked.text, ' ' || promo.words(phrase.text) || ' ') > 0
        END
    UNION ALL
    SELECT
        'forbidden hashtag',
        tag.text
    FROM rules
    CROSS JOIN unnest(hashtags) AS tag (text)
    WHERE
        EXISTS (
            SELECT
            FROM unnest(rules.forbidden_hashtags) AS forbidden (text)
            WHERE promo.hashtag(forbidden.text) = promo.hashtag(tag.text)
        )
    UNION ALL
    SELECT
        'hashtag that is not allowed',
        tag.text
    FROM rules
    CROSS JOIN unnest(hashtags) AS tag (text)
    WHERE
        rules.allowed_hashtags <> '{}'
        AND NOT EXISTS (
            SELECT
            FROM unnest(rules.allowed_hashtags) AS allowed (text)
            WHERE promo.hashtag(allowed.text) = promo.hashtag(tag.text)
        );
END;

COMMENT ON FUNCTION promo.brand_violations(uuid, text, text[]) IS
    'Which of an organisation''s brand rules a text and its hashtags break; phrases '
    'count as whole words, in any case and punctuation.';
