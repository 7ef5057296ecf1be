-- Takes back the import of the earlier schema.
--
-- Lock: ACCESS EXCLUSIVE on ideas.legacy_rejects. Rewrites: none.
-- Loses: the record of rows that could not be taken over; the earlier tables have them.

DROP FUNCTION ideas.import_legacy(text);

DROP FUNCTION ideas.import_legacy_execution(jsonb);

DROP FUNCTION ideas.import_legacy_evaluation(jsonb);

DROP FUNCTION ideas.import_legacy_user(jsonb);

DROP FUNCTION ideas.legacy_key(text, text);

DROP TABLE ideas.legacy_rejects;
