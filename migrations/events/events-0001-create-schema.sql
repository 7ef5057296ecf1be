-- depends: core-0005-create-ledgers
--
-- The schema of the events system, its three closed vocabularies, and the one rule
-- by which names are compared.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the schema, the types and the function; they hold no rows.

CREATE SCHEMA events;

COMMENT ON SCHEMA events IS
    'Events with speakers, companies and topics; the graph event_network mirrors them.';

CREATE TYPE events.speaker_role AS ENUM (
    'speaker',
    'judge',
    'host',
    'panelist'
);

COMMENT ON TYPE events.speaker_role IS
    'What a person does at an event; one person may hold several roles at it.';

CREATE TYPE events.company_relationship AS ENUM (
    'host',
    'sponsor',
    'venue',
    'partner'
);

COMMENT ON TYPE events.company_relationship IS
    'How a company takes part in an event.';

CREATE TYPE events.topic_category AS ENUM (
    'technology',
    'industry',
    'format'
);

COMMENT ON TYPE events.topic_category IS
    'What a topic says of an event: what it is about, for which trade, in which form.';

-- ASCII and typographic punctuation is listed, not matched as [[:punct:]], so that the
-- result, which unique constraints store, does not depend on the database's locale.
CREATE FUNCTION events.normalize_name(name text)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN nullif(
    btrim(
        regexp_replace(
            regexp_replace(
                lower(name),
                '[!-/:-@\[-`{-~‘’“”«»–—…·]+',
                '',
                'g'
            ),
            '\s+',
            ' ',
            'g'
        )
    ),
    ''
);

COMMENT ON FUNCTION events.normalize_name(text) IS
    'Lower case, no punctuation, single blanks, trimmed; NULL when nothing is left.';
