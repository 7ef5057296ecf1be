-- depends: events-0006-create-search-indexes
--
-- How complete an event is, from 0 to 100: one definition for the scrape, the
-- recalculation and the report.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the function; stored scores stay.

CREATE FUNCTION events.quality_score(
    description text,
    date date,
    location text,
    embedded boolean,
    speakers bigint,
    companies bigint,
    topics bigint
)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN
    10
    + CASE
        WHEN char_length(btrim(description)) >= 100 THEN 20
        WHEN char_length(btrim(description)) > 0 THEN 10
        ELSE 0
    END
    + CASE WHEN date IS NULL THEN 0 ELSE 15 END
    + CASE WHEN btrim(location) <> '' THEN 15 ELSE 0 END
    + CASE WHEN embedded THEN 10 ELSE 0 END
    + CASE WHEN speakers > 0 THEN 10 ELSE 0 END
    + CASE WHEN companies > 0 THEN 10 ELSE 0 END
    + CASE WHEN topics > 0 THEN 10 ELSE 0 END;

COMMENT ON FUNCTION events.quality_score(
    text, date, text, boolean, bigint, bigint, bigint
) IS
    'Completeness: name 10, description 20 (10 below 100 characters), date 15, '
    'location 15, embedding, speakers, companies and topics 10 each.';
