-- Takes back the ideas.
--
-- Lock: ACCESS EXCLUSIVE on ideas.business_ideas and ideas.users. Rewrites: none.
-- Loses: every idea.

DROP FUNCTION ideas.inner_trigrams(text);

DROP TRIGGER users_delete_ideas ON ideas.users;

DROP TABLE ideas.business_ideas;
