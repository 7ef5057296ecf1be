-- Takes back the agents.
--
-- Lock: ACCESS EXCLUSIVE on ideas.agent_types. Rewrites: none.
-- Loses: agents that were added, and changes to the five that came with the migration.

DROP TABLE ideas.agent_types;
