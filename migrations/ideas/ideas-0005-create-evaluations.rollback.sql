-- Takes back the evaluations.
--
-- Lock: ACCESS EXCLUSIVE on ideas.evaluations and ideas.business_ideas. Rewrites: none.
-- Loses: every evaluation.

DROP TRIGGER business_ideas_status_own ON ideas.business_ideas;

DROP TRIGGER business_ideas_delete_evaluations ON ideas.business_ideas;

DROP FUNCTION ideas.require_own_status();

DROP FUNCTION ideas.status_of(uuid);

DROP TABLE ideas.evaluations;

DROP FUNCTION ideas.set_idea_status();
