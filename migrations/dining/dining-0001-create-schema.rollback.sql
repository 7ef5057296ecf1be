-- Takes back the dining schema; refuses while a table still uses one of its types.
--
-- Lock: none on a live table. Rewrites: none. Loses: no data.

DROP FUNCTION dining.alias_set(text, text[]);

DROP FUNCTION dining.sorted_set(uuid[]);

DROP FUNCTION dining.name_trigrams(text[]);

DROP FUNCTION dining.normalize_names(text[]);

DROP FUNCTION dining.normalize_name(text);

DROP TYPE dining.subscription_status;

DROP TYPE dining.mention_source;

DROP TYPE dining.activity_level;

DROP TYPE dining.entity_type;

DROP SCHEMA dining;
