-- depends: promo-0009-create-billing
--
-- The publishing queue: when which piece goes out by which account, and how that went.
-- What a post's state asks for is done with it, whoever changes it: its piece, series
-- and usage follow, and the jobs it needs are in core.outbox.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.organizations, promo.content_pieces and
-- promo.social_accounts, for foreign keys and triggers. Rewrites: none.
-- Rollback: drops the table; content keeps the status it has, jobs stay in core.outbox.

-- Each post is updated three times or more: vacuum after 2 %, not 20 %, of the rows, or
-- claims wade through dead index entries.
CREATE TABLE promo.scheduled_posts (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    content_piece_id uuid NOT NULL,
    social_account_id uuid NOT NULL,
    scheduled_at timestamptz NOT NULL,
    published_at timestamptz,
    status promo.post_status NOT NULL DEFAULT 'SCHEDULED',
    platform_post_id text,
    platform_url text,
    attempt_count smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL DEFAULT 3,
    next_attempt_at timestamptz,
    last_attempt_at timestamptz,
    locked_by text,
    lease_until timestamptz,
    error_message text,
    idempotency_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL
        GENERATED ALWAYS AS (coalesce(next_attempt_at, scheduled_at)) STORED,
    CONSTRAINT scheduled_posts_pkey PRIMARY KEY (id),
    CONSTRAINT scheduled_posts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT scheduled_posts_organization_id_idempotency_key_key
        UNIQUE (organization_id, idempotency_key),
    CONSTRAINT scheduled_posts_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT scheduled_posts_organization_id_content_piece_id_fkey
        FOREIGN KEY (organization_id, content_piece_id)
        REFERENCES promo.content_pieces (organization_id, id)
        ON DELETE CASCADE,
    CONSTRAINT scheduled_posts_organization_id_social_account_id_fkey
        FOREIGN KEY (organization_id, social_account_id)
        REFERENCES promo.social_accounts (organization_id, id)
        ON DELETE CASCADE,
    CONSTRAINT scheduled_posts_idempotency_key_check
        CHECK (
            btrim(idempotency_key) <> ''
            AND char_length(idempotency_key) <= 255
        ),
    CONSTRAINT scheduled_posts_max_attempts_check CHECK (max_attempts BETWEEN 1 AND 20),
    CONSTRAINT scheduled_posts_attempt_count_check
        CHECK (attempt_count BETWEEN 0 AND max_attempts),
    CONSTRAINT scheduled_posts_published_at_check
        CHECK ((status = 'PUBLISHED') = (published_at IS NOT NULL)),
    CONSTRAINT scheduled_posts_locked_by_check
        CHECK ((status = 'PUBLISHING') = (locked_by IS NOT NULL)),
    CONSTRAINT scheduled_posts_lease_until_check
        CHECK ((status = 'PUBLISHING') = (lease_until IS NOT NULL)),
    CONSTRAINT scheduled_posts_next_attempt_at_check
        CHECK ((status = 'RETRYING') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT scheduled_posts_error_message_check
        CHECK (status <> 'FAILED' OR error_message IS NOT NULL)
)
WITH (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);

COMMENT ON TABLE promo.scheduled_posts IS
    'A piece of content that goes out by an account at a time.';

COMMENT ON COLUMN promo.scheduled_posts.attempt_count IS
    'How often the post was claimed.';

COMMENT ON COLUMN promo.scheduled_posts.error_message IS
    'Why the last attempt that failed did so; kept when a later one succeeds.';

COMMENT ON COLUMN promo.scheduled_posts.idempotency_key IS
    'By which a request that is sent again is known, within its organisation.';

COMMENT ON COLUMN promo.scheduled_posts.due_at IS
    'From when on a worker may claim it.';

CREATE INDEX scheduled_posts_due_at_id_idx
    ON promo.scheduled_posts (due_at, id)
    WHERE status IN ('SCHEDULED', 'RETRYING');

CREATE INDEX scheduled_posts_lease_until_idx
    ON promo.scheduled_posts (lease_until)
    WHERE status = 'PUBLISHING';

CREATE INDEX scheduled_posts_organization_id_scheduled_at_id_idx
    ON promo.scheduled_posts (organization_id, scheduled_at, id);

CREATE INDEX scheduled_posts_content_piece_id_idx
    ON promo.scheduled_posts (content_piece_id);

CREATE INDEX scheduled_posts_social_account_id_scheduled_at_idx
    ON promo.scheduled_posts (social_account_id, scheduled_at);

CREATE INDEX scheduled_posts_published_at_idx
    ON promo.scheduled_posts (published_at)
    WHERE status = 'PUBLISHED';

CREATE TRIGGER scheduled_posts_set_updated_at
    BEFORE UPDATE ON promo.scheduled_posts
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER scheduled_posts_status_step
    BEFORE UPDATE OF status ON promo.scheduled_posts
    FOR EACH ROW
    WHEN (
        OLD.status <> NEW.status
        AND (OLD.status, NEW.status) NOT IN (
            ('SCHEDULED', 'PUBLISHING'),
            ('SCHEDULED', 'CANCELLED'),
            ('PUBLISHING', 'SCHEDULED'),
            ('PUBLISHING', 'PUBLISHED'),
            ('PUBLISHING', 'RETRYING'),
            ('PUBLISHING', 'FAILED'),
            ('RETRYING', 'PUBLISHING'),
            ('RETRYING', 'SCHEDULED'),
            ('RETRYING', 'CANCELLED'),
            ('FAILED', 'SCHEDULED'),
            ('CANCELLED', 'SCHEDULED')
        )
    )
    EXECUTE FUNCTION promo.refuse_step();

CREATE TRIGGER scheduled_posts_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.scheduled_posts
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();

-- The locks make the post wait for who is just deleting or changing either, and them for
-- the post; that of the piece is the one that its status is changed under later, since
-- two who share a weaker one would wait for each other then. That both are of the post's
-- organisation is the foreign keys' to say.
CREATE FUNCTION promo.require_publishable()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.require_publishable() IS
    'For scheduled_posts: refuses a post of content that is not approved, or by an '
    'account that is not usable for it.';

CREATE TRIGGER scheduled_posts_publishable
    BEFORE INSERT OR UPDATE OF status ON promo.scheduled_posts
    FOR EACH ROW
    WHEN (NEW.status = 'SCHEDULED')
    EXECUTE FUNCTION promo.require_publishable();

-- The piece is locked before its posts are looked at, in a statement of its own: of two
-- posts that end at the same time, the second one sees how the first did.
CREATE FUNCTION promo.follow_posts()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.follow_posts() IS
    'For scheduled_posts: makes an approved piece scheduled with its first post, and '
    'then published with the first that is out, failed, or approved again; counts it '
    'in its series when it is published.';

CREATE TRIGGER scheduled_posts_follow
    AFTER INSERT OR DELETE OR UPDATE OF status, scheduled_at ON promo.scheduled_posts
    FOR EACH ROW
    EXECUTE FUNCTION promo.follow_posts();

CREATE FUNCTION promo.count_published_post()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.count_published_post() IS
    'For scheduled_posts: counts a post that was published, and asks for its analytics '
    'one hour later.';

CREATE TRIGGER scheduled_posts_count
    AFTER UPDATE OF status ON promo.scheduled_posts
    FOR EACH ROW
    WHEN (OLD.status <> 'PUBLISHED' AND NEW.status = 'PUBLISHED')
    EXECUTE FUNCTION promo.count_published_post();

CREATE FUNCTION promo.enqueue_post()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.enqueue_post() IS
    'For scheduled_posts: asks for a post to be published when it is due. A job for a '
    'time that was changed does nothing: the post is not due, or has been claimed.';

CREATE TRIGGER scheduled_posts_enqueue_new
    AFTER INSERT ON promo.scheduled_posts
    FOR EACH ROW
    WHEN (NEW.status IN ('SCHEDULED', 'RETRYING'))
    EXECUTE FUNCTION promo.enqueue_post();

CREATE TRIGGER scheduled_posts_enqueue
    AFTER UPDATE ON promo.scheduled_posts
    FOR EACH ROW
    WHEN (
        NEW.status IN ('SCHEDULED', 'RETRYING')
        AND (OLD.status, OLD.due_at) IS DISTINCT FROM (NEW.status, NEW.due_at)
    )
    EXECUTE FUNCTION promo.enqueue_post();

CREATE FUNCTION promo.announce_failed_post()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.announce_failed_post() IS
    'For scheduled_posts: asks for an e-mail to the owner about a post that failed for '
    'good.';

CREATE TRIGGER scheduled_posts_announce_failed
    AFTER UPDATE OF status ON promo.scheduled_posts
    FOR EACH ROW
    WHEN (OLD.status <> 'FAILED' AND NEW.status = 'FAILED')
    EXECUTE FUNCTION promo.announce_failed_post();

-- What a worker holds is left to it. What was cancelled is not brought back with the
-- row: by then its time may be over.
CREATE FUNCTION promo.cancel_posts()
RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;

COMMENT ON FUNCTION promo.cancel_posts() IS
    'For AFTER UPDATE OF deleted_at, with a column of scheduled_posts that refers to '
    'this table: cancels the posts that are yet to come.';

CREATE TRIGGER content_pieces_cancel_posts
    AFTER UPDATE OF deleted_at ON promo.content_pieces
    FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION promo.cancel_posts('content_piece_id');

CREATE TRIGGER social_accounts_cancel_posts
    AFTER UPDATE OF deleted_at ON promo.social_accounts
    FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION promo.cancel_posts('social_account_id');
