-- What `drystone seed ideas --reset` runs before it loads: no user, idea, evaluation or
-- result is left, of the seed or not. Agent types stay, and so does the audit log, where
-- TRUNCATE leaves no entry.
--
-- Lock: ACCESS EXCLUSIVE on the tables, until the seed is loaded.

TRUNCATE
    ideas.users,
    ideas.business_ideas,
    ideas.evaluations,
    ideas.agent_results,
    ideas.legacy_rejects;
