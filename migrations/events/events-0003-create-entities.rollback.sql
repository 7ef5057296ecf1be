-- Takes back topics, speakers and companies.
--
-- Lock: ACCESS EXCLUSIVE on the three tables. Rewrites: none. Loses: every row of them.

DROP TABLE events.topics;

DROP TABLE events.speakers;

DROP TABLE events.companies;
