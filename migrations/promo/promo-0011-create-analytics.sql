-- depends: promo-0010-create-posts
--
-- How content did, and what the coach makes of a week. From some 50 million rows on,
-- analytics is to be partitioned by months of period_start, which its key has.
--
-- Lock: SHARE ROW EXCLUSIVE on promo.organizations, promo.content_pieces,
-- promo.scheduled_posts, promo.social_accounts and promo.ai_strategies, for foreign
-- keys. Rewrites: none.
-- Rollback: drops both tables.

-- Deleting an account deletes its figures: were they kept without it, those of two
-- accounts could not be told apart, and the key would refuse the second deletion.
CREATE TABLE promo.analytics (
    id bigint GENERATED ALWAYS AS IDENTITY,
    organization_id uuid NOT NULL,
    content_piece_id uuid,
    scheduled_post_id uuid,
    social_account_id uuid,
    platform promo.platform NOT NULL,
    metric_type promo.metric_type NOT NULL,
    impressions bigint NOT NULL DEFAULT 0,
    likes integer NOT NULL DEFAULT 0,
    comments integer NOT NULL DEFAULT 0,
    shares integer NOT NULL DEFAULT 0,
    saves integer NOT NULL DEFAULT 0,
    clicks integer NOT NULL DEFAULT 0,
    reach bigint NOT NULL DEFAULT 0,
    followers_delta integer NOT NULL DEFAULT 0,
    website_clicks integer NOT NULL DEFAULT 0,
    signups integer NOT NULL DEFAULT 0,
    demos integer NOT NULL DEFAULT 0,
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    collected_at timestamptz NOT NULL DEFAULT now(),
    engagement_rate double precision
        GENERATED ALWAYS AS (
            (likes::bigint + comments + shares + saves)::double precision
            / nullif(impressions, 0)
        ) STORED,
    ctr double precision
        GENERATED ALWAYS AS (
            clicks::double precision / nullif(impressions, 0)
        ) STORED,
    CONSTRAINT analytics_pkey PRIMARY KEY (id),
    CONSTRAINT analytics_subject_period_start_key
        UNIQUE NULLS NOT DISTINCT (
            organization_id,
            scheduled_post_id,
            social_account_id,
            metric_type,
            period_start
        ),
    CONSTRAINT analytics_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT analytics_organization_id_content_piece_id_fkey
        FOREIGN KEY (organization_id, content_piece_id)
        REFERENCES promo.content_pieces (organization_id, id)
        ON DELETE CASCADE,
    CONSTRAINT analytics_organization_id_scheduled_post_id_fkey
        FOREIGN KEY (organization_id, scheduled_post_id)
        REFERENCES promo.scheduled_posts (organization_id, id)
        ON DELETE CASCADE,
    CONSTRAINT analytics_organization_id_social_account_id_fkey
        FOREIGN KEY (organization_id, social_account_id)
        REFERENCES promo.social_accounts (organization_id, id)
        ON DELETE CASCADE,
    CONSTRAINT analytics_impressions_check CHECK (impressions >= 0),
    CONSTRAINT analytics_likes_check CHECK (likes >= 0),
    CONSTRAINT analytics_comments_check CHECK (comments >= 0),
    CONSTRAINT analytics_shares_check CHECK (shares >= 0),
    CONSTRAINT analytics_saves_check CHECK (saves >= 0),
    CONSTRAINT analytics_clicks_check CHECK (clicks >= 0),
    CONSTRAINT analytics_reach_check CHECK (reach >= 0),
    CONSTRAINT analytics_website_clicks_check CHECK (website_clicks >= 0),
    CONSTRAINT analytics_signups_check CHECK (signups >= 0),
    CONSTRAINT analytics_demos_check CHECK (demos >= 0),
    CONSTRAINT analytics_period_end_check CHECK (period_end > period_start)
);

COMMENT ON TABLE promo.analytics IS
    'Figures of a post, or of an account as a whole, in a period. They grow fast, and '
    'are not audited.';

COMMENT ON COLUMN promo.analytics.engagement_rate IS
    'Likes, comments, shares and saves by impressions; NULL without impressions.';

COMMENT ON COLUMN promo.analytics.ctr IS
    'Clicks by impressions; NULL without impressions.';

CREATE INDEX analytics_organization_id_period_start_platform_idx
    ON promo.analytics (organization_id, period_start, platform);

CREATE INDEX analytics_content_piece_id_idx ON promo.analytics (content_piece_id);

CREATE INDEX analytics_scheduled_post_id_idx ON promo.analytics (scheduled_post_id);

CREATE INDEX analytics_social_account_id_idx ON promo.analytics (social_account_id);

CREATE INDEX analytics_collected_at_idx
    ON promo.analytics USING brin (collected_at);

CREATE TABLE promo.weekly_summaries (
    id uuid NOT NULL DEFAULT core.new_id(),
    organization_id uuid NOT NULL,
    week_start date NOT NULL,
    report_md text NOT NULL,
    recommendations jsonb,
    key_insights jsonb,
    total_posts integer NOT NULL DEFAULT 0,
    avg_engagement double precision,
    top_content_piece_id uuid,
    resulting_strategy_id uuid,
    accepted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT weekly_summaries_pkey PRIMARY KEY (id),
    CONSTRAINT weekly_summaries_organization_id_week_start_key
        UNIQUE (organization_id, week_start),
    CONSTRAINT weekly_summaries_organization_id_fkey
        FOREIGN KEY (organization_id)
        REFERENCES promo.organizations (id)
        ON DELETE CASCADE,
    CONSTRAINT weekly_summaries_organization_id_top_content_piece_id_fkey
        FOREIGN KEY (organization_id, top_content_piece_id)
        REFERENCES promo.content_pieces (organization_id, id)
        ON DELETE SET NULL (top_content_piece_id),
    CONSTRAINT weekly_summaries_organization_id_resulting_strategy_id_fkey
        FOREIGN KEY (organization_id, resulting_strategy_id)
        REFERENCES promo.ai_strategies (organization_id, id)
        ON DELETE SET NULL (resulting_strategy_id),
    CONSTRAINT weekly_summaries_week_start_check
        CHECK (extract(ISODOW FROM week_start) = 1),
    CONSTRAINT weekly_summaries_recommendations_check
        CHECK (jsonb_typeof(recommendations) = 'array'),
    CONSTRAINT weekly_summaries_key_insights_check
        CHECK (jsonb_typeof(key_insights) = 'object'),
    CONSTRAINT weekly_summaries_total_posts_check CHECK (total_posts >= 0)
);

COMMENT ON TABLE promo.weekly_summaries IS
    'What the AI coach reports of a week, which begins on Monday, UTC.';

COMMENT ON COLUMN promo.weekly_summaries.accepted_at IS
    'Since when its recommendations are accepted; from then on it is not built anew.';

CREATE INDEX weekly_summaries_top_content_piece_id_idx
    ON promo.weekly_summaries (top_content_piece_id);

CREATE INDEX weekly_summaries_resulting_strategy_id_idx
    ON promo.weekly_summaries (resulting_strategy_id);

CREATE INDEX weekly_summaries_week_start_idx
    ON promo.weekly_summaries (week_start)
    WHERE accepted_at IS NULL;

CREATE TRIGGER weekly_summaries_set_updated_at
    BEFORE UPDATE ON promo.weekly_summaries
    FOR EACH ROW
    EXECUTE FUNCTION core.set_updated_at();

CREATE TRIGGER weekly_summaries_audit
    AFTER INSERT OR UPDATE OR DELETE ON promo.weekly_summaries
    FOR EACH ROW
    EXECUTE FUNCTION core.audit_row();
