-- Takes back the agents' tasks and results.
--
-- Lock: ACCESS EXCLUSIVE on ideas.agent_results, ideas.evaluations and, for the foreign
-- key, ideas.agent_types. Rewrites: none.
-- Loses: every task and every result.

DROP FUNCTION ideas.free_slots(text);

DROP TRIGGER evaluations_delete_agent_results ON ideas.evaluations;

DROP TABLE ideas.agent_results;
