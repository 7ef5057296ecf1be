-- What the random queries are asked of: every way known to us in which PostgreSQL
-- makes, keeps or loses a NULL. rows.py fills the tables.

CREATE SCHEMA fuzz;

SET search_path = fuzz;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');

CREATE TYPE pair AS (a integer, b text);

CREATE DOMAIN code AS integer NOT NULL;

CREATE DOMAIN label AS text CHECK (VALUE IS NOT NULL);

CREATE DOMAIN small AS integer CHECK (VALUE < 1000);

-- Tables

CREATE TABLE people (
    id integer PRIMARY KEY,
    name text NOT NULL,
    nick text,
    boss_id integer REFERENCES people (id),
    born date,
    joined timestamptz NOT NULL,
    score numeric,
    active boolean NOT NULL,
    feeling mood,
    tags integer[],
    place pair,
    doc jsonb
);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id integer REFERENCES people (id),
    code integer NOT NULL,
    total numeric NOT NULL,
    discount numeric,
    paid boolean,
    placed date NOT NULL,
    shipped timestamptz,
    items integer[] NOT NULL,
    doc jsonb NOT NULL,
    mood mood NOT NULL,
    net numeric GENERATED ALWAYS AS (total - discount) STORED,
    twice numeric NOT NULL GENERATED ALWAYS AS (total * 2) STORED
);

CREATE TABLE lines (
    order_id bigint NOT NULL,
    line integer NOT NULL,
    code integer,
    amount bigint,
    note text,
    seal code,
    title label,
    size small,
    doubled bigint GENERATED ALWAYS AS (amount * 2) VIRTUAL,
    PRIMARY KEY (order_id, line)
);

CREATE TABLE codes (
    code integer UNIQUE,
    word text DEFAULT 'none',
    weight numeric DEFAULT 1,
    flag boolean NOT NULL DEFAULT true
);

-- Partitioned; inherited, with a column that only the parent's own rows must fill.

CREATE TABLE parts (
    id integer NOT NULL,
    day date NOT NULL,
    word text,
    PRIMARY KEY (id, day)
) PARTITION BY RANGE (id);

CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (3);

CREATE TABLE parts_high PARTITION OF parts DEFAULT;

CREATE TABLE parents (
    id integer NOT NULL,
    own integer,
    word text NOT NULL,
    CONSTRAINT parents_own_not_null NOT NULL own NO INHERIT
);

CREATE TABLE children (extra text) INHERITS (parents);

-- rows.py puts NULLs into it before the constraint is declared NOT VALID.
CREATE TABLE doubtful (
    id integer PRIMARY KEY,
    word text
);

-- rows.py refreshes `stale` while `word` may hold NULL, and then forbids it.
CREATE TABLE fresh (
    id integer NOT NULL,
    word text NOT NULL
);

CREATE MATERIALIZED VIEW stale AS
SELECT
    f.id,
    f.word
FROM fresh AS f;

CREATE TABLE never (
    id integer NOT NULL,
    word text NOT NULL
);

-- Triggers that lose or change values

CREATE TABLE touched (
    id integer PRIMARY KEY,
    word text,
    code integer,
    kept text NOT NULL DEFAULT 'kept'
);

CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.word := NULL;
    IF TG_OP = 'UPDATE' THEN
        NEW.code := NULL;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER touched_forget
BEFORE INSERT OR UPDATE ON touched
FOR EACH ROW EXECUTE FUNCTION forget();

-- Views

CREATE VIEW adults AS
SELECT
    p.id,
    p.name,
    p.nick
FROM people AS p
WHERE p.nick IS NOT NULL;

CREATE VIEW placed AS
SELECT
    o.id,
    p.id AS person_id,
    p.name,
    o.total,
    coalesce(o.discount, 0) AS discount
FROM orders AS o
LEFT JOIN people AS p ON p.id = o.person_id;

CREATE VIEW placed_well AS
SELECT
    v.id,
    v.person_id,
    v.name,
    w.name AS again
FROM placed AS v
INNER JOIN placed AS w ON w.id = v.id
WHERE v.name > 'b';

CREATE VIEW totals AS
SELECT
    o.person_id,
    count(*) AS orders,
    sum(o.total) AS total,
    max(o.discount) AS discount,
    min(o.placed) AS first
FROM orders AS o
GROUP BY ROLLUP (o.person_id);

CREATE VIEW words AS
SELECT
    p.id,
    p.name AS word
FROM people AS p
UNION
SELECT
    c.code,
    c.word
FROM codes AS c
EXCEPT
SELECT
    l.code,
    l.note
FROM lines AS l;

CREATE VIEW both_codes AS
SELECT
    code,
    c.word,
    l.line
FROM codes AS c
FULL JOIN lines AS l USING (code);

CREATE VIEW chain AS
WITH RECURSIVE up (id, boss_id, depth) AS (
    SELECT
        p.id,
        p.boss_id,
        0
    FROM people AS p
    UNION ALL
    SELECT
        u.boss_id,
        p.boss_id,
        u.depth + 1
    FROM up AS u
    LEFT JOIN people AS p ON p.id = u.boss_id
    WHERE u.depth < 3
)
SELECT
    up.id,
    up.boss_id,
    up.depth
FROM up;

CREATE VIEW ruled AS
SELECT
    n.id,
    n.word
FROM never AS n;

CREATE RULE ruled_insert AS ON INSERT TO ruled DO INSTEAD
INSERT INTO codes (code, word) VALUES (NEW.id, NULL)
RETURNING codes.code, codes.word;

CREATE RULE ruled_delete AS ON DELETE TO ruled DO INSTEAD
DELETE FROM codes
RETURNING codes.code, codes.word;

-- What a rule returns is not what the table holds.
CREATE TABLE diverted (
    id integer NOT NULL,
    word text
);

CREATE RULE diverted_insert AS ON INSERT TO diverted DO INSTEAD
INSERT INTO codes (code, word) VALUES (NULL, NEW.word)
RETURNING codes.code, codes.word;

CREATE VIEW hooked AS
SELECT
    f.id,
    f.word
FROM fresh AS f;

CREATE FUNCTION forget_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.word := NULL;
    RETURN NEW;
END
$$;

CREATE TRIGGER hooked_forget
INSTEAD OF INSERT OR UPDATE ON hooked
FOR EACH ROW EXECUTE FUNCTION forget_word();

-- Functions

CREATE FUNCTION none_sql(x integer) RETURNS integer
LANGUAGE sql STABLE
RETURN CASE WHEN x > 2 THEN x END;

CREATE FUNCTION none_plpgsql(x integer) RETURNS integer
LANGUAGE plpgsql STRICT AS $$
BEGIN
    RETURN nullif(x, 1);
END
$$;

CREATE FUNCTION any_sql(x integer) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN x IS NULL OR x > 1;

CREATE FUNCTION any_plpgsql(x integer) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN coalesce(x, 2) > 1;
END
$$;

CREATE FUNCTION all_strict(x integer) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
RETURN x > 0;

-- In the place of a built-in one.
CREATE FUNCTION lower(x text, y integer) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN y > 1 THEN pg_catalog.lower(x) END;

CREATE FUNCTION series(n integer) RETURNS SETOF integer
LANGUAGE sql STABLE
AS $$ SELECT nullif(i, 2) FROM pg_catalog.generate_series(1, n) AS i $$;

CREATE FUNCTION people_of(n integer) RETURNS SETOF people
LANGUAGE sql STABLE ROWS 5
AS $$ SELECT p.* FROM fuzz.people AS p WHERE p.id < n $$;

CREATE FUNCTION person_of(n integer) RETURNS people
LANGUAGE sql STABLE
AS $$ SELECT p.* FROM fuzz.people AS p WHERE p.id = n $$;

CREATE FUNCTION grid(n integer) RETURNS TABLE (x integer, y text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT i, CASE WHEN i > 1 THEN 'y' END
    FROM pg_catalog.generate_series(1, n) AS i;
END
$$;

CREATE FUNCTION outs(n integer, OUT x integer, OUT y text)
LANGUAGE plpgsql AS $$
BEGIN
    IF n > 1 THEN
        x := n;
    END IF;
    y := 'y';
END
$$;

-- Operators, an aggregate and casts of our own

CREATE FUNCTION first_if(x integer, y integer) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN x > y THEN x END;

CREATE OPERATOR +? (LEFTARG = integer, RIGHTARG = integer, FUNCTION = first_if);

CREATE FUNCTION pair_plus(x pair, y integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT
RETURN (x).a + y;

CREATE OPERATOR + (LEFTARG = pair, RIGHTARG = integer, FUNCTION = pair_plus);

CREATE FUNCTION same_word(x text, y integer) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN x IS NULL OR y IS NULL OR pg_catalog.length(x) = y;

CREATE OPERATOR = (LEFTARG = text, RIGHTARG = integer, FUNCTION = same_word);

CREATE FUNCTION last_step(state integer, x integer) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN nullif(x, 2);

CREATE AGGREGATE last (integer) (SFUNC = last_step, STYPE = integer);

CREATE FUNCTION pair_step(state integer, x pair) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN state + (x).a;

CREATE AGGREGATE sum (pair) (SFUNC = pair_step, STYPE = integer, INITCOND = '0');

CREATE FUNCTION pair_number(x pair) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT
RETURN (x).a;

CREATE CAST (pair AS integer) WITH FUNCTION pair_number (pair);

CREATE FUNCTION mood_number(x mood) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT
RETURN CASE x WHEN 'ok' THEN 1 WHEN 'glad' THEN 2 END;

CREATE CAST (mood AS integer) WITH FUNCTION mood_number (mood) AS ASSIGNMENT;

RESET search_path;
