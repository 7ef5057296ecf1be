-- depends: core-0007-create-outbox
--
-- The schema of the promo system, its closed vocabularies, and the rules that its
-- tables share: an order of states, what deletion means, and how texts are compared.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the schema, the types and the functions; they hold no rows.

CREATE SCHEMA promo;

COMMENT ON SCHEMA promo IS
    'Marketing automation: organisations, strategies, content, scheduled posts, '
    'analytics, billing.';

CREATE TYPE promo.user_role AS ENUM ('USER', 'ADMIN', 'MODERATOR');

COMMENT ON TYPE promo.user_role IS
    'What a user may do beyond their own organisations.';

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

COMMENT ON TYPE promo.platform IS
    'Where content is published.';

CREATE TYPE promo.content_status AS ENUM (
    'DRAFT',
    'PENDING_REVIEW',
    'APPROVED',
    'SCHEDULED',
    'PUBLISHED',
    'FAILED',
    'ARCHIVED'
);

COMMENT ON TYPE promo.content_status IS
    'SCHEDULED, PUBLISHED and FAILED follow from the posts of an approved piece: one '
    'is on its way; one is out; none is on its way, and one failed for good.';

CREATE TYPE promo.content_type AS ENUM (
    'POST',
    'THREAD',
    'STORY',
    'REEL',
    'SHORT',
    'CAROUSEL',
    'POLL'
);

COMMENT ON TYPE promo.content_type IS
    'The form of a piece of content.';

CREATE TYPE promo.post_status AS ENUM (
    'SCHEDULED',
    'PUBLISHING',
    'PUBLISHED',
    'FAILED',
    'CANCELLED',
    'RETRYING'
);

COMMENT ON TYPE promo.post_status IS
    'PUBLISHING: a worker holds it until lease_until. RETRYING: an attempt failed, '
    'the next is due at next_attempt_at. FAILED: out of attempts, or refused.';

CREATE TYPE promo.strategy_status AS ENUM (
    'PROPOSED',
    'ACTIVE',
    'ARCHIVED',
    'REJECTED'
);

COMMENT ON TYPE promo.strategy_status IS
    'ACTIVE: accepted, at most one in an organisation; the one before is ARCHIVED.';

CREATE TYPE promo.metric_type AS ENUM (
    'ENGAGEMENT',
    'REACH',
    'CONVERSION',
    'GROWTH'
);

COMMENT ON TYPE promo.metric_type IS
    'Which figures a row of analytics is about.';

CREATE TYPE promo.approval_mode AS ENUM ('AUTO', 'MANUAL', 'CONDITIONAL');

COMMENT ON TYPE promo.approval_mode IS
    'MANUAL: somebody approves content. AUTO: what breaks no brand rule is approved. '
    'CONDITIONAL: so is what fulfils auto_approval_rules as well.';

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

COMMENT ON TYPE promo.asset_type IS
    'What a file is for.';

CREATE TYPE promo.series_status AS ENUM (
    'ACTIVE',
    'COMPLETED',
    'PAUSED',
    'CANCELLED'
);

COMMENT ON TYPE promo.series_status IS
    'COMPLETED: as many pieces are published as there are to be.';

CREATE TYPE promo.subscription_status AS ENUM (
    'ACTIVE',
    'CANCELLED',
    'PAST_DUE',
    'TRIALING',
    'INCOMPLETE',
    'UNPAID'
);

COMMENT ON TYPE promo.subscription_status IS
    'ACTIVE, TRIALING and PAST_DUE are live: the user has the plan. CANCELLED is for '
    'good.';

CREATE TYPE promo.usage_metric AS ENUM ('POSTS', 'STRATEGIES');

COMMENT ON TYPE promo.usage_metric IS
    'What a plan limits by the month: posts and strategies that are generated.';

-- For triggers whose WHEN lists the steps that exist; this is what the others meet.
CREATE FUNCTION promo.refuse_step()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '%.% cannot go from % to %',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, OLD.status, NEW.status
        USING
            ERRCODE = 'check_violation',
            SCHEMA = TG_TABLE_SCHEMA,
            TABLE = TG_TABLE_NAME,
            CONSTRAINT = TG_NAME;
END
$$;

COMMENT ON FUNCTION promo.refuse_step() IS
    'For BEFORE UPDATE OF status ... WHEN (no such step): refuses it as a broken CHECK '
    'that has the trigger''s name.';

-- FOR SHARE makes an insert wait for a deletion that is not committed yet, and the
-- deletion for the insert, so that neither misses the other.
CREATE FUNCTION promo.require_live_parent()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.require_live_parent() IS
    'For BEFORE INSERT OR UPDATE, with a table and the column that refers to it: '
    'refuses a live row under a deleted one.';

-- One statement for both ways: what stood as this row did follows it. Children that
-- were deleted before, by themselves, have another time and stay deleted.
CREATE FUNCTION promo.delete_children()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.delete_children() IS
    'For AFTER UPDATE OF deleted_at, with a table and its column that refers to this '
    'one: what belongs to a row is deleted with it, and restored with it.';

CREATE FUNCTION promo.words(given text)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN btrim(regexp_replace(lower(given), '[^[:alnum:]%$€£]+', ' ', 'g'));

COMMENT ON FUNCTION promo.words(text) IS
    'The words of a text in lower case with one blank between; percent and currencies '
    'count as letters.';

CREATE FUNCTION promo.hashtag(given text)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN lower(ltrim(btrim(given), '#'));

COMMENT ON FUNCTION promo.hashtag(text) IS
    'A hashtag as it is compared: in lower case, without its sign.';

CREATE FUNCTION promo.current_month()
RETURNS date
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN date_trunc('month', now() AT TIME ZONE 'UTC')::date;

COMMENT ON FUNCTION promo.current_month() IS
    'The first day of the month that usage is counted in, which begins at midnight '
    'UTC.';
