-- Takes back the search for duplicates.
--
-- Lock: none on a live table. Rewrites: none. Loses: no row; reviews stay.

DROP FUNCTION events.duplicate_events(real, timestamptz);

DROP FUNCTION events.duplicate_companies(real, timestamptz);

DROP FUNCTION events.duplicate_speakers(real, timestamptz);
