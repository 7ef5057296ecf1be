-- Organisations, their founders, and their brand rules.

-- name: set_organization(organization_id, user_id)^
-- Names the organisation whose rows a service sees, and the user whose organisations it
-- sees and creates, until the transaction ends; NULL takes a name back, and outside a
-- transaction nothing is set.
-- nullable: organization_id, user_id
SELECT
    set_config(
        'promo.organization_id',
        coalesce(:organization_id::uuid::text, ''),
        true
    ) AS organization_id,
    set_config('promo.user_id', coalesce(:user_id::uuid::text, ''), true) AS user_id;

-- name: create_organization(user_id, name, url, stage, pricing, description, tagline, category, markets, languages)^
-- Creates an organisation and counts it, if the user lives and the plan allows one
-- more; otherwise there is no row.
WITH created AS (
    INSERT INTO promo.organizations (
        user_id,
        name,
        url,
        stage,
        pricing,
        description,
        tagline,
        category,
        markets,
        languages
    )
    SELECT
        :user_id::uuid,
        btrim(:name::text),
        :url,
        :stage,
        :pricing,
        :description,
        :tagline,
        :category,
        coalesce(:markets::text[], '{}'),
        coalesce(:languages::text[], '{en}')
    FROM promo.organizations_left(:user_id::uuid) AS allowed (organizations)
    WHERE allowed.organizations > 0
    RETURNING
        id,
        user_id,
        name,
        created_at
),
counted AS (
    INSERT INTO promo.usage AS used (user_id, month, organizations_created)
    SELECT
        created.user_id,
        promo.current_month(),
        1
    FROM created
    ON CONFLICT (user_id, month) DO UPDATE
    SET organizations_created = used.organizations_created + 1
)
SELECT
    created.id,
    created.user_id,
    created.name,
    created.created_at
FROM created;

-- name: get_organization(organization_id)^
-- A living organisation.
-- replica: ok
SELECT
    organization.id,
    organization.user_id,
    organization.name,
    organization.url,
    organization.stage,
    organization.pricing,
    organization.description,
    organization.tagline,
    organization.category,
    organization.markets,
    organization.languages,
    organization.created_at,
    organization.updated_at
FROM promo.organizations AS organization
WHERE
    organization.id = :organization_id
    AND organization.deleted_at IS NULL;

-- name: get_organization_full(organization_id)^
-- A living organisation with its founders, brand rules, active pillars and active
-- strategy.
-- replica: ok
SELECT
    organization.id,
    organization.user_id,
    organization.name,
    organization.url,
    organization.stage,
    organization.pricing,
    organization.description,
    organization.tagline,
    organization.category,
    organization.markets,
    organization.languages,
    rules.organization_id AS "brand_rules.organization_id",
    rules.tone AS "brand_rules.tone",
    rules.voice AS "brand_rules.voice",
    rules.forbidden_phrases AS "brand_rules.forbidden_phrases",
    rules.forbidden_hashtags AS "brand_rules.forbidden_hashtags",
    rules.claims_to_avoid AS "brand_rules.claims_to_avoid",
    rules.approval_mode AS "brand_rules.approval_mode",
    strategy.id AS "active_strategy.id",
    strategy.version AS "active_strategy.version",
    strategy.positioning AS "active_strategy.positioning",
    strategy.audience_segments AS "active_strategy.audience_segments",
    strategy.content_pillars AS "active_strategy.content_pillars",
    strategy.channel_plan AS "active_strategy.channel_plan",
    strategy.cadence AS "active_strategy.cadence",
    strategy.calendar_skeleton AS "active_strategy.calendar_skeleton",
    strategy.confidence AS "active_strategy.confidence",
    founder.id AS "founders[].id",
    founder.name AS "founders[].name",
    founder.role AS "founders[].role",
    founder.social_links AS "founders[].social_links",
    founder.is_primary AS "founders[].is_primary",
    pillar.id AS "pillars[].id",
    pillar.name AS "pillars[].name",
    pillar.color AS "pillars[].color",
    pillar.emoji AS "pillars[].emoji"
FROM promo.organizations AS organization
LEFT JOIN promo.brand_rules AS rules
    ON rules.organization_id = organization.id
LEFT JOIN promo.ai_strategies AS strategy
    ON strategy.organization_id = organization.id
    AND strategy.status = 'ACTIVE'
LEFT JOIN promo.founders AS founder
    ON founder.organization_id = organization.id
LEFT JOIN promo.content_pillars AS pillar
    ON pillar.organization_id = organization.id
    AND pillar.is_active
WHERE
    organization.id = :organization_id
    AND organization.deleted_at IS NULL
ORDER BY
    founder.is_primary DESC,
    founder.name,
    founder.id,
    pillar.sort_order,
    pillar.name;

-- name: list_organizations(user_id, category, market, offset_rows, limit_rows)
-- A page of living organisations: all of them, or those of a user, of a category, or in
-- a market; 20 unless limit_rows says otherwise.
-- order newest: organization.created_at DESC, organization.id DESC
-- order name: organization.name, organization.id
-- replica: ok
SELECT
    organization.id,
    organization.user_id,
    organization.name,
    organization.category,
    organization.markets,
    organization.created_at
FROM promo.organizations AS organization
WHERE
    organization.deleted_at IS NULL
    AND (:user_id::uuid IS NULL OR organization.user_id = :user_id)
    AND (:category::text IS NULL OR organization.category = :category)
    AND (:market::text IS NULL OR organization.markets @> ARRAY[:market])
ORDER BY organization.created_at DESC, organization.id DESC
LIMIT coalesce(:limit_rows::bigint, 20)
OFFSET coalesce(:offset_rows::bigint, 0);

-- name: count_organizations(user_id, category, market)$
-- How many organisations list_organizations has in all its pages.
-- replica: ok
SELECT count(*) AS organizations
FROM promo.organizations AS organization
WHERE
    organization.deleted_at IS NULL
    AND (:user_id::uuid IS NULL OR organization.user_id = :user_id)
    AND (:category::text IS NULL OR organization.category = :category)
    AND (:market::text IS NULL OR organization.markets @> ARRAY[:market]);

-- name: search_organizations(q, limit_rows)
-- The living organisations whose name is most like a text, also one that is misspelt;
-- 10 unless limit_rows says otherwise.
-- replica: ok
SELECT
    organization.id,
    organization.name,
    organization.category,
    core.similarity(organization.name, :q::text) AS similarity
FROM promo.organizations AS organization
WHERE
    organization.deleted_at IS NULL
    AND organization.name_trigrams && core.trigrams(:q::text)
ORDER BY
    similarity DESC,
    organization.name,
    organization.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: similar_organizations(organization_id, limit_rows)
-- The living organisations whose profile is nearest in meaning to that of a given one;
-- 10 unless limit_rows says otherwise.
-- replica: ok
WITH nearest AS MATERIALIZED (
    SELECT
        organization.id,
        organization.name,
        organization.category,
        organization.embedding <=> (
            SELECT origin.embedding
            FROM promo.organizations AS origin
            WHERE origin.id = :organization_id
        ) AS distance
    FROM promo.organizations AS organization
    WHERE organization.deleted_at IS NULL
    ORDER BY organization.embedding <=> (
        SELECT origin.embedding
        FROM promo.organizations AS origin
        WHERE origin.id = :organization_id
    )
    LIMIT coalesce(:limit_rows::bigint, 10) + 1
)
SELECT
    nearest.id,
    nearest.name,
    nearest.category,
    1 - nearest.distance AS similarity
FROM nearest
WHERE
    nearest.distance IS NOT NULL
    AND nearest.id <> :organization_id
ORDER BY
    nearest.distance,
    nearest.id
LIMIT coalesce(:limit_rows::bigint, 10);

-- name: update_organization(organization_id, name, url, stage, pricing, description, tagline, category, markets, languages, embedding)^
-- Changes what is given of a living organisation, and leaves what is NULL.
-- nullable: name
UPDATE promo.organizations AS organization
SET
    name = coalesce(btrim(:name::text), organization.name),
    url = coalesce(:url::text, organization.url),
    stage = coalesce(:stage::text, organization.stage),
    pricing = coalesce(:pricing::text, organization.pricing),
    description = coalesce(:description::text, organization.description),
    tagline = coalesce(:tagline::text, organization.tagline),
    category = coalesce(:category::text, organization.category),
    markets = coalesce(:markets::text[], organization.markets),
    languages = coalesce(:languages::text[], organization.languages),
    embedding = coalesce(:embedding::public.vector, organization.embedding)
WHERE
    organization.id = :organization_id
    AND organization.deleted_at IS NULL
RETURNING
    organization.id,
    organization.name,
    organization.category,
    organization.markets,
    organization.languages,
    organization.updated_at;

-- name: soft_delete_organization(organization_id)!
-- 1 if the organisation was alive, and is now deleted with its content, accounts and
-- assets; posts that were yet to come are cancelled.
UPDATE promo.organizations AS organization
SET deleted_at = clock_timestamp()
WHERE
    organization.id = :organization_id
    AND organization.deleted_at IS NULL;

-- name: restore_organization(organization_id)!
-- 1 if the organisation was deleted, and the user's plan allows one more: it is back
-- with all that was deleted at the same moment.
UPDATE promo.organizations AS organization
SET deleted_at = NULL
WHERE
    organization.id = :organization_id
    AND organization.deleted_at IS NOT NULL
    AND promo.organizations_left(organization.user_id) > 0;

-- name: add_founder(organization_id, name, role, email, social_links, bio, image_url)<!
-- Adds a founder, who becomes the primary one by set_primary_founder.
INSERT INTO promo.founders (
    organization_id,
    name,
    role,
    email,
    social_links,
    bio,
    image_url
)
VALUES (
    :organization_id,
    :name,
    :role,
    :email,
    coalesce(:social_links::jsonb, '{}'),
    :bio,
    :image_url
)
RETURNING
    id,
    organization_id,
    name,
    is_primary;

-- name: list_founders(organization_id)
-- An organisation's founders, the primary one first.
-- replica: ok
SELECT
    founder.id,
    founder.name,
    founder.role,
    founder.email,
    founder.social_links,
    founder.bio,
    founder.image_url,
    founder.is_primary
FROM promo.founders AS founder
WHERE founder.organization_id = :organization_id
ORDER BY
    founder.is_primary DESC,
    founder.name,
    founder.id;

-- name: update_founder(founder_id, name, role, email, social_links, bio, image_url)^
-- Changes what is given of a founder, and leaves what is NULL.
UPDATE promo.founders AS founder
SET
    name = coalesce(:name::text, founder.name),
    role = coalesce(:role::text, founder.role),
    email = coalesce(:email::text, founder.email),
    social_links = coalesce(:social_links::jsonb, founder.social_links),
    bio = coalesce(:bio::text, founder.bio),
    image_url = coalesce(:image_url::text, founder.image_url)
WHERE founder.id = :founder_id
RETURNING
    founder.id,
    founder.name,
    founder.role,
    founder.email,
    founder.social_links,
    founder.is_primary;

-- name: set_primary_founder(organization_id, founder_id)!
-- 1 if the founder is one of the organisation's and is now its primary one, in place of
-- the one before.
WITH replaced AS (
    UPDATE promo.founders AS founder
    SET is_primary = false
    WHERE
        founder.organization_id = :organization_id
        AND founder.is_primary
        AND founder.id <> :founder_id
        AND EXISTS (
            SELECT
            FROM promo.founders AS chosen
            WHERE
                chosen.id = :founder_id
                AND chosen.organization_id = :organization_id
        )
    RETURNING founder.id
)
UPDATE promo.founders AS founder
SET is_primary = true
FROM (SELECT count(*) AS founders FROM replaced) AS done
WHERE
    founder.id = :founder_id
    AND founder.organization_id = :organization_id
    AND done.founders >= 0;

-- name: remove_founder(founder_id)!
-- 1 if there was such a founder, who is gone.
DELETE FROM promo.founders AS founder
WHERE founder.id = :founder_id;

-- name: set_brand_rules(organization_id, tone, voice, allowed_phrases, forbidden_phrases, allowed_hashtags, forbidden_hashtags, claims_to_avoid, compliance_notes, legal_disclaimer, approval_mode, auto_approval_rules)<!
-- Writes an organisation's brand rules down, in place of those it had.
INSERT INTO promo.brand_rules AS rules (
    organization_id,
    tone,
    voice,
    allowed_phrases,
    forbidden_phrases,
    allowed_hashtags,
    forbidden_hashtags,
    claims_to_avoid,
    compliance_notes,
    legal_disclaimer,
    approval_mode,
    auto_approval_rules
)
VALUES (
    :organization_id,
    :tone,
    :voice,
    coalesce(:allowed_phrases::text[], '{}'),
    coalesce(:forbidden_phrases::text[], '{}'),
    coalesce(:allowed_hashtags::text[], '{}'),
    coalesce(:forbidden_hashtags::text[], '{}'),
    coalesce(:claims_to_avoid::text[], '{}'),
    :compliance_notes,
    :legal_disclaimer,
    coalesce(:approval_mode::promo.approval_mode, 'MANUAL'),
    :auto_approval_rules
)
ON CONFLICT (organization_id) DO UPDATE
SET
    tone = EXCLUDED.tone,
    voice = EXCLUDED.voice,
    allowed_phrases = EXCLUDED.allowed_phrases,
    forbidden_phrases = EXCLUDED.forbidden_phrases,
    allowed_hashtags = EXCLUDED.allowed_hashtags,
    forbidden_hashtags = EXCLUDED.forbidden_hashtags,
    claims_to_avoid = EXCLUDED.claims_to_avoid,
    compliance_notes = EXCLUDED.compliance_notes,
    legal_disclaimer = EXCLUDED.legal_disclaimer,
    approval_mode = EXCLUDED.approval_mode,
    auto_approval_rules = EXCLUDED.auto_approval_rules
RETURNING
    rules.organization_id,
    rules.approval_mode;

-- name: get_brand_rules(organization_id)^
-- An organisation's brand rules, if it has any.
-- replica: ok
SELECT
    rules.organization_id,
    rules.tone,
    rules.voice,
    rules.allowed_phrases,
    rules.forbidden_phrases,
    rules.allowed_hashtags,
    rules.forbidden_hashtags,
    rules.claims_to_avoid,
    rules.compliance_notes,
    rules.legal_disclaimer,
    rules.approval_mode,
    rules.auto_approval_rules,
    rules.updated_at
FROM promo.brand_rules AS rules
WHERE rules.organization_id = :organization_id;

-- name: brand_check(organization_id, body, hashtags)
-- Which brand rules of an organisation a text and its hashtags break, and by what.
-- replica: ok
SELECT
    violation.rule,
    violation.found
FROM promo.brand_violations(
    :organization_id::uuid,
    :body::text,
    :hashtags::text[]
) AS violation
ORDER BY
    violation.rule,
    violation.found;
