-- Takes back the publishing queue.
--
-- Lock: ACCESS EXCLUSIVE on promo.scheduled_posts, promo.organizations,
-- promo.content_pieces and promo.social_accounts. Rewrites: none.
-- Loses: every post, those that are yet to come too.

DROP TRIGGER social_accounts_cancel_posts ON promo.social_accounts;

DROP TRIGGER content_pieces_cancel_posts ON promo.content_pieces;

DROP FUNCTION promo.cancel_posts();

DROP TABLE promo.scheduled_posts;

DROP FUNCTION promo.announce_failed_post();

DROP FUNCTION promo.enqueue_post();

DROP FUNCTION promo.count_published_post();

DROP FUNCTION promo.follow_posts();

DROP FUNCTION promo.require_publishable();
