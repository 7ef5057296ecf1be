-- depends: core-0001-create-schema
--
-- Creates fuzzy matching by trigrams with the rules of pg_trgm, for servers that
-- have no contrib modules. Store core.trigrams(name) as a generated column under a
-- GIN index, find candidates by &&, and rank them by core.similarity.
--
-- Locks: none on a live table. Rewrites: no rows.
-- Rollback: drops the functions; no data is lost.

-- As in pg_trgm, what a letter is and what its lower case is follow the database's
-- own collation, not the argument's. array_agg sorts for itself, where the planner,
-- guessing a million rows, would build a hash table of that size for SELECT DISTINCT.
CREATE FUNCTION core.trigrams(value text)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT
        coalesce(
            array_agg(
                DISTINCT substr('  ' || part.word || ' ', start.at, 3) COLLATE "C"
            ),
            '{}'
        )
    FROM
        string_to_table(
            lower(regexp_replace(value COLLATE "default", '[^[:alnum:]]+', ' ', 'g')),
            ' '
        ) AS part (word)
    CROSS JOIN generate_series(1, length(part.word) + 1) AS start (at)
    WHERE part.word <> ''
);

COMMENT ON FUNCTION core.trigrams(text) IS
    'The distinct trigrams of a text, sorted bytewise: of each run of letters and '
    'digits, in lower case, with two blanks before and one after it. pg_trgm''s '
    'show_trgm().';

CREATE FUNCTION core.similarity(one text, other text)
RETURNS real
LANGUAGE sql
IMMUTABLE
STRICT
PARALLEL SAFE
RETURN (
    SELECT
        coalesce(
            count(*) FILTER (WHERE mine.trigram = theirs.trigram)::real
                / nullif(count(*), 0)::real,
            0
        )
    FROM unnest(core.trigrams(one)) AS mine (trigram)
    FULL JOIN unnest(core.trigrams(other)) AS theirs (trigram)
        ON theirs.trigram = mine.trigram
);

COMMENT ON FUNCTION core.similarity(text, text) IS
    'How alike two texts are, 0 to 1: trigrams that both have, divided by trigrams '
    'that either has; 0 where neither has any. pg_trgm''s similarity().';
