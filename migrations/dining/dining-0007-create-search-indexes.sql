-- depends: dining-0006-create-users
--
-- The ways to find an entity: by how its name begins, by an alias, by a name that is
-- spelled almost like it, by meaning, by where it is; and what searches are asked with.
--
-- The HNSW build fits maintenance_work_mem up to about 40,000 entities in 64 MB; beyond
-- that, build it CONCURRENTLY with more memory.
--
-- Lock: SHARE on dining.entities while each index is built: reads go on, writes wait.
-- Rewrites: none.
-- Rollback: drops the indexes and no row.
--
-- drystone: ignore-file index-blocks-writes, work-under-lock: it comes in one release
-- with its table, which has no rows and no clients yet.

-- Bytewise: what begins with some text is one range.
CREATE INDEX entities_normalized_name_idx
    ON dining.entities (normalized_name COLLATE "C");

CREATE INDEX entities_known_as_idx
    ON dining.entities USING gin (known_as);

CREATE INDEX entities_trigrams_idx
    ON dining.entities USING gin (trigrams);

CREATE INDEX entities_embedding_idx
    ON dining.entities USING hnsw (embedding public.vector_cosine_ops);

-- Longitude first: cities of a country lie on more meridians than parallels.
CREATE INDEX entities_longitude_latitude_idx
    ON dining.entities (longitude, latitude)
    WHERE latitude IS NOT NULL;

CREATE TYPE dining.viewport AS (
    sw_latitude double precision,
    sw_longitude double precision,
    ne_latitude double precision,
    ne_longitude double precision
);

COMMENT ON TYPE dining.viewport IS
    'A part of the map by its south-western and north-eastern corner; it may lie across '
    'the 180th meridian.';

-- Plain comparisons, for which the planner has statistics; not STRICT, so that they
-- become a part of the query; four of them without OR, so that the index serves a plan
-- for any viewport. A box in a GiST index is found as fast, but is always taken for a
-- thousandth of the table.
CREATE FUNCTION dining.in_viewport(
    latitude double precision,
    longitude double precision,
    viewport dining.viewport
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN
    latitude >= (viewport).sw_latitude
    AND latitude <= (viewport).ne_latitude
    AND longitude >= CASE
        WHEN (viewport).ne_longitude < (viewport).sw_longitude THEN -180
        ELSE (viewport).sw_longitude
    END
    AND longitude <= CASE
        WHEN (viewport).ne_longitude < (viewport).sw_longitude THEN 180
        ELSE (viewport).ne_longitude
    END
    AND (
        (viewport).ne_longitude >= (viewport).sw_longitude
        OR longitude >= (viewport).sw_longitude
        OR longitude <= (viewport).ne_longitude
    );

COMMENT ON FUNCTION dining.in_viewport(
    double precision, double precision, dining.viewport
) IS
    'Whether a place lies in a part of the map.';

CREATE TYPE dining.list_position AS (
    score numeric,
    id uuid
);

COMMENT ON TYPE dining.list_position IS
    'The last row that was seen of a list by score: what the next page begins behind.';

CREATE VIEW dining.trigram_frequencies AS
SELECT
    common.trigram,
    common.frequency
FROM pg_catalog.pg_stats AS stats
CROSS JOIN LATERAL unnest(
    stats.most_common_elems::text::text[],
    stats.most_common_elem_freqs
) AS common (trigram, frequency)
WHERE
    stats.schemaname = 'dining'
    AND stats.tablename = 'entities'
    AND stats.attname = 'trigrams'
    AND common.trigram IS NOT NULL;

COMMENT ON VIEW dining.trigram_frequencies IS
    'The share of entities that have a common trigram, as ANALYZE last saw it: what to '
    'look for first when names are compared. Only speed depends on it.';
