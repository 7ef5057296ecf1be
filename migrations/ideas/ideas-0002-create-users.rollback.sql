-- Takes back the users.
--
-- Lock: ACCESS EXCLUSIVE on ideas.users. Rewrites: none. Loses: every user.

DROP TABLE ideas.users;
