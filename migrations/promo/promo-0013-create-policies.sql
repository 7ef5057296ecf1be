-- depends: promo-0012-grant-rights
--
-- Row-level security: a service sees the rows of the one organisation that its
-- transaction names, and none without; docs/security.md tells how. So a forgotten
-- condition shows nobody another organisation's rows. Who owns the tables is exempt.
--
-- Reports and backups read all organisations, and so does what works for all of them:
-- the publisher, the collector and whoever turns keys log in by drystone_promo_jobs.
--
-- Lock: ACCESS EXCLUSIVE on every table that belongs to an organisation, for a moment.
-- Rewrites: none.
-- Rollback: drops the policies: services see all organisations again. The role stays.

DO $$
BEGIN
    IF to_regrole('drystone_promo_jobs') IS NULL THEN
        CREATE ROLE drystone_promo_jobs NOLOGIN IN ROLE drystone_app;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role drystone_promo_jobs is missing, and % may not create it',
            current_user
            USING
                ERRCODE = 'undefined_object',
                HINT = 'Let a DBA create the roles: docs/security.md.';
END
$$;

CREATE FUNCTION promo.current_organization()
RETURNS uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN nullif(current_setting('promo.organization_id', true), '')::uuid;

COMMENT ON FUNCTION promo.current_organization() IS
    'The organisation whose rows this transaction may see: the setting '
    'promo.organization_id.';

CREATE FUNCTION promo.current_owner()
RETURNS uuid
LANGUAGE sql
STABLE
PARALLEL SAFE
RETURN nullif(current_setting('promo.user_id', true), '')::uuid;

COMMENT ON FUNCTION promo.current_owner() IS
    'The user whose organisations, though not what belongs to them, this transaction '
    'may see and create: the setting promo.user_id.';

-- These keep rules that reach beyond one organisation: how many a user has, and that
-- what belongs to a deleted row is deleted. So they run with their owner's rights.

ALTER FUNCTION promo.organizations_left(uuid) SECURITY DEFINER SET search_path = '';

REVOKE EXECUTE ON FUNCTION promo.organizations_left(uuid) FROM PUBLIC;

ALTER FUNCTION promo.delete_children() SECURITY DEFINER SET search_path = '';

REVOKE EXECUTE ON FUNCTION promo.delete_children() FROM PUBLIC;

ALTER FUNCTION promo.cancel_posts() SECURITY DEFINER SET search_path = '';

REVOKE EXECUTE ON FUNCTION promo.cancel_posts() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION promo.organizations_left(uuid) TO drystone_app;

ALTER TABLE promo.organizations
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY organizations_own ON promo.organizations
    TO drystone_app
    USING (id = promo.current_organization() OR user_id = promo.current_owner());

CREATE POLICY organizations_all ON promo.organizations
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY organizations_read ON promo.organizations
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.ai_strategies
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY ai_strategies_own ON promo.ai_strategies
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY ai_strategies_all ON promo.ai_strategies
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY ai_strategies_read ON promo.ai_strategies
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.analytics
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY analytics_own ON promo.analytics
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY analytics_all ON promo.analytics
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY analytics_read ON promo.analytics
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.assets
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY assets_own ON promo.assets
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY assets_all ON promo.assets
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY assets_read ON promo.assets
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.brand_rules
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY brand_rules_own ON promo.brand_rules
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY brand_rules_all ON promo.brand_rules
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY brand_rules_read ON promo.brand_rules
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.content_piece_assets
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY content_piece_assets_own ON promo.content_piece_assets
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY content_piece_assets_all ON promo.content_piece_assets
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY content_piece_assets_read ON promo.content_piece_assets
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.content_pieces
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY content_pieces_own ON promo.content_pieces
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY content_pieces_all ON promo.content_pieces
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY content_pieces_read ON promo.content_pieces
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.content_pillars
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY content_pillars_own ON promo.content_pillars
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY content_pillars_all ON promo.content_pillars
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY content_pillars_read ON promo.content_pillars
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.founders
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY founders_own ON promo.founders
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY founders_all ON promo.founders
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY founders_read ON promo.founders
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.scheduled_posts
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY scheduled_posts_own ON promo.scheduled_posts
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY scheduled_posts_all ON promo.scheduled_posts
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY scheduled_posts_read ON promo.scheduled_posts
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.series
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY series_own ON promo.series
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY series_all ON promo.series
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY series_read ON promo.series
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.social_accounts
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY social_accounts_own ON promo.social_accounts
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY social_accounts_all ON promo.social_accounts
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY social_accounts_read ON promo.social_accounts
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);

ALTER TABLE promo.weekly_summaries
    ENABLE ROW LEVEL SECURITY;

CREATE POLICY weekly_summaries_own ON promo.weekly_summaries
    TO drystone_app
    USING (organization_id = promo.current_organization());

CREATE POLICY weekly_summaries_all ON promo.weekly_summaries
    TO drystone_promo_jobs
    USING (true);

CREATE POLICY weekly_summaries_read ON promo.weekly_summaries
    FOR SELECT
    TO drystone_readonly, drystone_backup
    USING (true);
