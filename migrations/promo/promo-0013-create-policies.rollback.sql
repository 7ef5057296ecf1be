-- Takes row-level security back. The role drystone_promo_jobs stays: other databases
-- of the server may use it.
--
-- Lock: ACCESS EXCLUSIVE on every table that belongs to an organisation, for a moment.
-- Rewrites: none.
-- Loses: no row; services see the rows of all organisations from now on.

DROP POLICY weekly_summaries_read ON promo.weekly_summaries;

DROP POLICY weekly_summaries_all ON promo.weekly_summaries;

DROP POLICY weekly_summaries_own ON promo.weekly_summaries;

ALTER TABLE promo.weekly_summaries
    DISABLE ROW LEVEL SECURITY;

DROP POLICY social_accounts_read ON promo.social_accounts;

DROP POLICY social_accounts_all ON promo.social_accounts;

DROP POLICY social_accounts_own ON promo.social_accounts;

ALTER TABLE promo.social_accounts
    DISABLE ROW LEVEL SECURITY;

DROP POLICY series_read ON promo.series;

DROP POLICY series_all ON promo.series;

DROP POLICY series_own ON promo.series;

ALTER TABLE promo.series
    DISABLE ROW LEVEL SECURITY;

DROP POLICY scheduled_posts_read ON promo.scheduled_posts;

DROP POLICY scheduled_posts_all ON promo.scheduled_posts;

DROP POLICY scheduled_posts_own ON promo.scheduled_posts;

ALTER TABLE promo.scheduled_posts
    DISABLE ROW LEVEL SECURITY;

DROP POLICY founders_read ON promo.founders;

DROP POLICY founders_all ON promo.founders;

DROP POLICY founders_own ON promo.founders;

ALTER TABLE promo.founders
    DISABLE ROW LEVEL SECURITY;

DROP POLICY content_pillars_read ON promo.content_pillars;

DROP POLICY content_pillars_all ON promo.content_pillars;

DROP POLICY content_pillars_own ON promo.content_pillars;

ALTER TABLE promo.content_pillars
    DISABLE ROW LEVEL SECURITY;

DROP POLICY content_pieces_read ON promo.content_pieces;

DROP POLICY content_pieces_all ON promo.content_pieces;

DROP POLICY content_pieces_own ON promo.content_pieces;

ALTER TABLE promo.content_pieces
    DISABLE ROW LEVEL SECURITY;

DROP POLICY content_piece_assets_read ON promo.content_piece_assets;

DROP POLICY content_piece_assets_all ON promo.content_piece_assets;

DROP POLICY content_piece_assets_own ON promo.content_piece_assets;

ALTER TABLE promo.content_piece_assets
    DISABLE ROW LEVEL SECURITY;

DROP POLICY brand_rules_read ON promo.brand_rules;

DROP POLICY brand_rules_all ON promo.brand_rules;

DROP POLICY brand_rules_own ON promo.brand_rules;

ALTER TABLE promo.brand_rules
    DISABLE ROW LEVEL SECURITY;

DROP POLICY assets_read ON promo.assets;

DROP POLICY assets_all ON promo.assets;

DROP POLICY assets_own ON promo.assets;

ALTER TABLE promo.assets
    DISABLE ROW LEVEL SECURITY;

DROP POLICY analytics_read ON promo.analytics;

DROP POLICY analytics_all ON promo.analytics;

DROP POLICY analytics_own ON promo.analytics;

ALTER TABLE promo.analytics
    DISABLE ROW LEVEL SECURITY;

DROP POLICY ai_strategies_read ON promo.ai_strategies;

DROP POLICY ai_strategies_all ON promo.ai_strategies;

DROP POLICY ai_strategies_own ON promo.ai_strategies;

ALTER TABLE promo.ai_strategies
    DISABLE ROW LEVEL SECURITY;

DROP POLICY organizations_read ON promo.organizations;

DROP POLICY organizations_all ON promo.organizations;

DROP POLICY organizations_own ON promo.organizations;

ALTER TABLE promo.organizations
    DISABLE ROW LEVEL SECURITY;

REVOKE EXECUTE ON FUNCTION promo.organizations_left(uuid) FROM drystone_app;

GRANT EXECUTE ON FUNCTION promo.cancel_posts() TO PUBLIC;

ALTER FUNCTION promo.cancel_posts() SECURITY INVOKER RESET search_path;

GRANT EXECUTE ON FUNCTION promo.delete_children() TO PUBLIC;

ALTER FUNCTION promo.delete_children() SECURITY INVOKER RESET search_path;

GRANT EXECUTE ON FUNCTION promo.organizations_left(uuid) TO PUBLIC;

ALTER FUNCTION promo.organizations_left(uuid) SECURITY INVOKER RESET search_path;

DROP FUNCTION promo.current_owner();

DROP FUNCTION promo.current_organization();
