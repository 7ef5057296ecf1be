-- Takes back the schema of the events system.
--
-- Lock: none on a live table. Rewrites: none. Loses: nothing but the empty schema.

DROP FUNCTION events.normalize_name(text);

DROP TYPE events.topic_category;

DROP TYPE events.company_relationship;

DROP TYPE events.speaker_role;

DROP SCHEMA events;
