-- Takes back the users.
--
-- Lock: ACCESS EXCLUSIVE on the three tables. Rewrites: none.
-- Loses: every user, subscription and user event.

DROP TABLE dining.user_events;

DROP TABLE dining.subscriptions;

DROP TABLE dining.users;
