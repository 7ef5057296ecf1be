-- Takes back the schema of the promo system.
--
-- Lock: none on a live table. Rewrites: none. Loses: nothing but the empty schema.

DROP FUNCTION promo.current_month();

DROP FUNCTION promo.hashtag(text);

DROP FUNCTION promo.words(text);

DROP FUNCTION promo.delete_children();

DROP FUNCTION promo.require_live_parent();

DROP FUNCTION promo.refuse_step();

DROP TYPE promo.usage_metric;

DROP TYPE promo.subscription_status;

DROP TYPE promo.series_status;

DROP TYPE promo.asset_type;

DROP TYPE promo.approval_mode;

DROP TYPE promo.metric_type;

DROP TYPE promo.strategy_status;

DROP TYPE promo.post_status;

DROP TYPE promo.content_type;

DROP TYPE promo.content_status;

DROP TYPE promo.platform;

DROP TYPE promo.user_role;

DROP SCHEMA promo;
