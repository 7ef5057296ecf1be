-- Takes back the schema of the ideas system.
--
-- Lock: none on a live table. Rewrites: none. Loses: nothing but the empty schema.

DROP FUNCTION ideas.recommendation(numeric);

DROP FUNCTION ideas.delete_children();

DROP FUNCTION ideas.require_live_parent();

DROP FUNCTION ideas.refuse_step();

DROP TYPE ideas.agent_status;

DROP TYPE ideas.evaluation_priority;

DROP TYPE ideas.evaluation_status;

DROP TYPE ideas.idea_status;

DROP SCHEMA ideas;
