-- depends: dining-0008-create-scores
--
-- What comes in bulk is first copied into a temporary table of the transaction, of one
-- of these types, and then stored by one statement of sql/dining/load.sql. The functions
-- give that statement the rows of a table which is not there when it is prepared.
--
-- Lock: none on a live table. Rewrites: none.
-- Rollback: drops the types and functions; no data is lost.

CREATE TYPE dining.staged_entity AS (
    type dining.entity_type,
    name text,
    aliases text[],
    latitude double precision,
    longitude double precision,
    address text,
    google_place_id text,
    details jsonb,
    embedding public.vector(384)
);

COMMENT ON TYPE dining.staged_entity IS
    'What is copied of a row of dining.entities.';

CREATE TYPE dining.staged_connection AS (
    restaurant_id uuid,
    dish_id uuid,
    dish_attributes uuid[],
    categories uuid[],
    is_menu_item boolean
);

COMMENT ON TYPE dining.staged_connection IS
    'What is copied of a row of dining.connections.';

CREATE TYPE dining.staged_mention AS (
    connection_id uuid,
    source dining.mention_source,
    source_id text,
    thread_id text,
    url text,
    subreddit text,
    author text,
    excerpt text,
    upvotes integer,
    posted_at timestamptz
);

COMMENT ON TYPE dining.staged_mention IS
    'What is copied of a row of dining.mentions.';

CREATE FUNCTION dining.staged_entities()
RETURNS SETOF dining.staged_entity
LANGUAGE plpgsql
STABLE
ROWS 10000
AS $$
BEGIN
    RETURN QUERY TABLE pg_temp.staged_entities;
END
$$;

COMMENT ON FUNCTION dining.staged_entities() IS
    'The rows of the temporary table of this name.';

CREATE FUNCTION dining.staged_connections()
RETURNS SETOF dining.staged_connection
LANGUAGE plpgsql
STABLE
ROWS 10000
AS $$
BEGIN
    RETURN QUERY TABLE pg_temp.staged_connections;
END
$$;

COMMENT ON FUNCTION dining.staged_connections() IS
    'The rows of the temporary table of this name.';

CREATE FUNCTION dining.staged_mentions()
RETURNS SETOF dining.staged_mention
LANGUAGE plpgsql
STABLE
ROWS 10000
AS $$
BEGIN
    RETURN QUERY TABLE pg_temp.staged_mentions;
END
$$;

COMMENT ON FUNCTION dining.staged_mentions() IS
    'The rows of the temporary table of this name.';
