-- Takes back the content.
--
-- Lock: ACCESS EXCLUSIVE on the three tables, promo.organizations and
-- promo.ai_strategies. Rewrites: none. Loses: all content.

DROP TRIGGER organizations_delete_content_pieces ON promo.organizations;

DROP TABLE promo.content_pieces;

DROP TABLE promo.series;

DROP TABLE promo.content_pillars;
