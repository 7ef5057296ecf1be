-- Takes back the links between events and what they have in common.
--
-- Lock: ACCESS EXCLUSIVE on the three tables and, for the foreign keys, on events,
-- speakers, companies and topics. Rewrites: none. Loses: every link.

DROP TABLE events.event_topics;

DROP TABLE events.event_companies;

DROP TABLE events.event_speakers;
