-- depends: core-0005-create-ledgers
--
-- The schema of the dining system: its closed vocabularies, the one rule by which names
-- are compared, and what makes an array a set.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the schema, the types and the functions; they hold no rows.

CREATE SCHEMA dining;

COMMENT ON SCHEMA dining IS
    'Restaurants and dishes as they are mentioned on Reddit: entities, connections '
    'between them, and the mentions that are the evidence.';

CREATE TYPE dining.entity_type AS ENUM (
    'restaurant',
    'dish_or_category',
    'dish_attribute',
    'restaurant_attribute'
);

COMMENT ON TYPE dining.entity_type IS
    'What an entity is. One name may be of several types: Italian is an attribute of '
    'dishes and, as another entity, of restaurants.';

CREATE TYPE dining.activity_level AS ENUM (
    'trending',
    'active',
    'normal'
);

COMMENT ON TYPE dining.activity_level IS
    'trending: the top mentions, at least three, are all of the last 30 days. active: '
    'mentioned in the last 7 days. normal: neither.';

CREATE TYPE dining.mention_source AS ENUM (
    'post',
    'comment'
);

COMMENT ON TYPE dining.mention_source IS
    'Where on Reddit a mention was found.';

CREATE TYPE dining.subscription_status AS ENUM (
    'trialing',
    'active',
    'cancelled',
    'expired'
);

COMMENT ON TYPE dining.subscription_status IS
    'What a user may use: during the trial, while it is paid, until the paid period '
    'ends, nothing more.';

-- Punctuation is listed, not matched as [[:punct:]], so that the result, which unique
-- constraints store, does not depend on the database's locale.
CREATE FUNCTION dining.normalize_name(name text)
RETURNS text
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN nullif(
    btrim(
        regexp_replace(
            translate(lower(name), '''’‘`', ''),
            '[\s!-/:-@\[-`{-~“”«»–—…·]+',
            ' ',
            'g'
        )
    ),
    ''
);

COMMENT ON FUNCTION dining.normalize_name(text) IS
    'Lower case, without apostrophes, a blank for any other punctuation, trimmed; NULL '
    'when nothing is left. Torchy''s Tacos, TORCHYS TACOS and Torchy’s-Tacos are one.';

CREATE FUNCTION dining.normalize_names(names text[])
RETURNS text[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT
        coalesce(
            array_agg(DISTINCT normalized.name COLLATE "C")
                FILTER (WHERE normalized.name IS NOT NULL),
            '{}'
        )
    FROM unnest(names) AS given (name)
    CROSS JOIN dining.normalize_name(given.name) AS normalized (name)
);

COMMENT ON FUNCTION dining.normalize_names(text[]) IS
    'The distinct normalised names, sorted bytewise.';

CREATE FUNCTION dining.name_trigrams(names text[])
RETURNS text[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN core.trigrams(
    (
        SELECT coalesce(string_agg(normalized.name, ' '), '')
        FROM unnest(dining.normalize_names(names)) AS normalized (name)
    )
);

COMMENT ON FUNCTION dining.name_trigrams(text[]) IS
    'The trigrams that any of the normalised names has.';

CREATE FUNCTION dining.sorted_set(members uuid[])
RETURNS uuid[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT coalesce(array_agg(DISTINCT member.value ORDER BY member.value), '{}')
    FROM unnest(members) AS member (value)
);

COMMENT ON FUNCTION dining.sorted_set(uuid[]) IS
    'The distinct members in order: one array for one set, so that unique constraints '
    'compare sets.';

-- Each normalised name once, in the spelling that sorts first.
CREATE FUNCTION dining.alias_set(name text, aliases text[])
RETURNS text[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT coalesce(array_agg(alias.spelling ORDER BY alias.spelling), '{}')
    FROM (
        SELECT min(given.alias COLLATE "C") AS spelling
        FROM unnest(aliases) AS given (alias)
        WHERE dining.normalize_name(given.alias) <> dining.normalize_name(name)
        GROUP BY dining.normalize_name(given.alias)
    ) AS alias
);

COMMENT ON FUNCTION dining.alias_set(text, text[]) IS
    'The aliases that say more than the name does, once each, in bytewise order: one '
    'array for one set, the same under every locale.';
