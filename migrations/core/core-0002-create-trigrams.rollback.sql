-- Drops fuzzy matching by trigrams; refuses while a generated column or an index
-- still uses it.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Loses: no data.

DROP FUNCTION core.similarity(text, text);

DROP FUNCTION core.trigrams(text);
