-- What `drystone seed promo --reset` runs before it loads: no user is left, of the seed or
-- not, and nothing that belonged to one. Plans stay, and so does the audit log, where
-- TRUNCATE leaves no entry; jobs that are in core.outbox already find nothing to do.
--
-- Lock: ACCESS EXCLUSIVE on the tables, until the seed is loaded.

TRUNCATE
    promo.users,
    promo.organizations,
    promo.founders,
    promo.brand_rules,
    promo.ai_strategies,
    promo.content_pillars,
    promo.series,
    promo.content_pieces,
    promo.assets,
    promo.content_piece_assets,
    promo.social_accounts,
    promo.subscriptions,
    promo.usage,
    promo.scheduled_posts,
    promo.analytics,
    promo.weekly_summaries;
