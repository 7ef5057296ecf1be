-- Takes back the ways to find an entity.
--
-- Lock: ACCESS EXCLUSIVE on dining.entities, for a moment. Rewrites: none.
-- Loses: nothing; searches scan the table until the indexes are back.
--
-- drystone: ignore-file index-drop-blocks: all go in one transaction, at once.

DROP VIEW dining.trigram_frequencies;

DROP TYPE dining.list_position;

DROP FUNCTION dining.in_viewport(double precision, double precision, dining.viewport);

DROP TYPE dining.viewport;

DROP INDEX dining.entities_longitude_latitude_idx;

DROP INDEX dining.entities_embedding_idx;

DROP INDEX dining.entities_trigrams_idx;

DROP INDEX dining.entities_known_as_idx;

DROP INDEX dining.entities_normalized_name_idx;
