-- Takes back the review queue for duplicates.
--
-- Lock: ACCESS EXCLUSIVE on events.dedupe_reviews. Rewrites: none.
-- Loses: every open pair and every decision; found pairs can be found again.

DROP TABLE events.dedupe_reviews;
