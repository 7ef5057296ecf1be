-- Takes back the table of events.
--
-- Lock: ACCESS EXCLUSIVE on events.events. Rewrites: none. Loses: every event.

DROP TABLE events.events;
