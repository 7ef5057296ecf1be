-- The structure of the database, as its catalog holds it: schema by schema, and what
-- belongs to none of them before and after. For reading and for diffs.

SET check_function_bodies = off;
SET search_path = '';

-- In no schema

CREATE EXTENSION plpgsql SCHEMA pg_catalog VERSION '1.0';

CREATE LANGUAGE shoplang HANDLER plpgsql_call_handler;

CREATE ACCESS METHOD shoptree TYPE INDEX HANDLER bthandler;

CREATE FOREIGN DATA WRAPPER files OPTIONS (debug 'true');

CREATE SERVER depot FOREIGN DATA WRAPPER files OPTIONS (host 'depot');

CREATE USER MAPPING FOR pg_monitor SERVER depot OPTIONS (password '***', username 'reader');

-- Schema public

CREATE SCHEMA IF NOT EXISTS public;

COMMENT ON SCHEMA public IS 'standard public schema';

-- Schema shop

CREATE SCHEMA shop;

CREATE COLLATION shop.plain (
    PROVIDER = libc,
    LC_COLLATE = 'C',
    LC_CTYPE = 'C',
    DETERMINISTIC = t
);

CREATE CONVERSION shop.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

CREATE TYPE shop.shell;

CREATE TYPE shop.state AS ENUM (
    'new',
    'paid',
    'sent'
);

CREATE TYPE shop.place AS (
    street text,
    city text
);

CREATE DOMAIN shop.amount AS numeric(10,2)
    DEFAULT 0
    CONSTRAINT amount_check CHECK ((VALUE >= (0)::numeric));

CREATE TYPE shop.span AS RANGE (
    SUBTYPE = double precision,
    SUBTYPE_OPCLASS = pg_catalog.float8_ops,
    MULTIRANGE_TYPE_NAME = shop.spans
);

CREATE TEXT SEARCH PARSER shop.parts (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);

CREATE TEXT SEARCH TEMPLATE shop.lexemes (LEXIZE = dsimple_lexize);

CREATE TEXT SEARCH DICTIONARY shop.words (TEMPLATE = pg_catalog.simple, accept = 'true');

CREATE TEXT SEARCH CONFIGURATION shop.search (PARSER = pg_catalog."default");

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR asciihword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR asciiword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR email WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR file WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR float WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR host WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR hword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR hword_asciipart WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR hword_numpart WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR hword_part WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR int WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR numhword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR numword WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR sfloat WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR uint WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR url WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR url_path WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR version WITH simple;

ALTER TEXT SEARCH CONFIGURATION shop.search ADD MAPPING FOR word WITH simple;

CREATE OR REPLACE FUNCTION shop.lines()
 RETURNS SETOF integer
 LANGUAGE sql
 ROWS 10
AS $function$
    SELECT 1
$function$;

CREATE OR REPLACE FUNCTION shop.rounded(price numeric)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
RETURN round(price, 2);

CREATE OR REPLACE FUNCTION shop.tax(price numeric, rate numeric DEFAULT 0.2)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE
AS $function$
    SELECT price * rate
$function$;

CREATE OR REPLACE FUNCTION shop.touch()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION shop.watch()
 RETURNS event_trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RETURN;
END
$function$;

CREATE OR REPLACE PROCEDURE shop.close_day(IN day date)
 LANGUAGE sql
AS $procedure$
    SELECT day
$procedure$;

CREATE AGGREGATE shop.total(numeric) (
    sfunc = numeric_add,
    stype = numeric,
    initcond = '0',
    parallel = unsafe
);

CREATE OPERATOR shop.=== (
    FUNCTION = int4eq,
    LEFTARG = integer,
    RIGHTARG = integer
);

-- operator family shop.hashed USING hash
--     functions: FUNCTION 1 (integer, integer) hashint4(integer)
--     operators: OPERATOR 1 =(integer,integer)

-- operator family shop.numbers USING btree

CREATE OPERATOR CLASS shop.hashed
    FOR TYPE integer USING hash
    FAMILY shop.hashed
    AS STORAGE integer;

CREATE SEQUENCE shop.numbers INCREMENT BY 10;

ALTER SEQUENCE shop.numbers OWNED BY shop.orders.id;

CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    name text DEFAULT 'nobody'::text NOT NULL,
    email text COLLATE "C",
    address shop.place,
    joined timestamp with time zone DEFAULT '2020-01-02 03:04:05+00'::timestamp with time zone NOT NULL,
    shout text GENERATED ALWAYS AS (upper(name)) STORED,
    CONSTRAINT customers_email_key UNIQUE (email) DEFERRABLE,
    CONSTRAINT customers_name_check CHECK ((name <> ''::text)),
    CONSTRAINT customers_pkey PRIMARY KEY (id)
)
WITH (fillfactor='80');

CREATE TABLE shop.orders (
    id integer NOT NULL,
    customer_id bigint NOT NULL,
    state shop.state DEFAULT 'new'::shop.state NOT NULL,
    price shop.amount,
    note character varying(50),
    CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES shop.customers(id) ON DELETE CASCADE,
    CONSTRAINT orders_pkey PRIMARY KEY (id)
);

ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;

CREATE FOREIGN TABLE shop.remote (
    id integer OPTIONS (column_name 'nr'),
    late text
)
SERVER depot
OPTIONS (path '/a');

CREATE INDEX orders_customer_id_idx ON shop.orders USING btree (customer_id) WITH (fillfactor='70') WHERE (state = 'new'::shop.state);

CREATE INDEX orders_note_idx ON shop.orders USING btree (lower((note)::text), id DESC);

ALTER INDEX shop.orders_pkey SET (fillfactor='90');

CREATE INDEX sums_customer_id_idx ON shop.sums USING btree (customer_id);

CREATE STATISTICS shop.orders_state ON customer_id, state FROM shop.orders;

CREATE VIEW shop.open_orders WITH (security_barrier='true') AS
 SELECT id,
    price
   FROM shop.orders
  WHERE (state = 'new'::shop.state);

-- Columns of shop.open_orders
--     id integer
--     price shop.amount

CREATE MATERIALIZED VIEW shop.sums AS
 SELECT customer_id,
    sum((price)::numeric) AS total
   FROM shop.orders
  GROUP BY customer_id;

-- Columns of shop.sums
--     customer_id bigint
--     total numeric

CREATE RULE orders_keep AS
    ON DELETE TO shop.orders
   WHERE (old.state = 'sent'::shop.state) DO INSTEAD NOTHING;

CREATE TRIGGER orders_touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();

CREATE POLICY orders_read on shop.orders
    AS PERMISSIVE
    FOR SELECT
    TO pg_monitor
    USING (((price)::numeric > (0)::numeric));

GRANT UPDATE (note) ON TABLE shop.orders TO pg_monitor;

REVOKE EXECUTE ON ROUTINE shop.tax(numeric,numeric) FROM PUBLIC;

GRANT USAGE ON SCHEMA shop TO pg_monitor;

GRANT USAGE ON SEQUENCE shop.numbers TO pg_monitor;

GRANT SELECT ON TABLE shop.orders TO pg_checkpoint WITH GRANT OPTION;

GRANT INSERT, SELECT ON TABLE shop.orders TO pg_monitor;

GRANT USAGE ON TYPE shop.state TO pg_monitor;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pg_monitor;

COMMENT ON CONSTRAINT amount_check ON DOMAIN shop.amount IS 'Nothing is negative';

COMMENT ON FUNCTION shop.tax(numeric,numeric) IS 'What the state takes';

COMMENT ON INDEX shop.orders_note_idx IS 'For search';

COMMENT ON SCHEMA shop IS 'Where things are sold';

COMMENT ON COLUMN shop.orders.note IS 'What the customer says';

COMMENT ON CONSTRAINT orders_pkey on shop.orders IS 'By number';

COMMENT ON TABLE shop.orders IS 'The customers'' orders';

COMMENT ON TRIGGER orders_touch on shop.orders IS 'Does nothing yet';

-- Schema stock

CREATE SCHEMA stock;

CREATE UNLOGGED TABLE stock."Odd ""name""" (
    "a b" text
);

CREATE TABLE stock.child (
    id integer NOT NULL,
    label text,
    age integer,
    extra text,
    CONSTRAINT parent_id_not_null NOT NULL id
)
INHERITS (stock.parent, stock.uncle);

-- table stock.child
--     inherited only: id, label, age, parent_id_not_null

CREATE TABLE stock.moves (
    day date NOT NULL,
    amount integer,
    CONSTRAINT moves_day_key UNIQUE (day)
)
PARTITION BY RANGE (day);

CREATE TABLE stock.moves_2020 (
    day date NOT NULL,
    amount integer,
    CONSTRAINT moves_2020_day_key UNIQUE (day),
    CONSTRAINT moves_day_not_null NOT NULL day
);

ALTER TABLE ONLY stock.moves ATTACH PARTITION stock.moves_2020 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');

-- table stock.moves_2020
--     inherited only: day, amount, moves_2020_day_key, moves_day_not_null

CREATE TABLE stock.parent (
    id integer NOT NULL,
    label text
);

CREATE TABLE stock.uncle (
    age integer
);

ALTER INDEX stock.moves_day_key ATTACH PARTITION stock.moves_2020_day_key;

CREATE TRIGGER moves_touch BEFORE UPDATE ON stock.moves FOR EACH ROW EXECUTE FUNCTION shop.touch();

-- trigger moves_touch on stock.moves_2020
--     inherited: yes

-- In no schema

CREATE CAST (shop.place AS pg_catalog.text) WITH INOUT AS ASSIGNMENT;

CREATE EVENT TRIGGER shop_watch
    ON ddl_command_end
    WHEN TAG IN ('CREATE INDEX', 'CREATE TABLE')
    EXECUTE FUNCTION shop.watch();

CREATE PUBLICATION feed
    FOR TABLE shop.customers (id, name) WHERE ((id > 0)), TABLE shop.orders
    WITH (publish = 'insert, update, delete, truncate');

CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));

COMMENT ON PUBLICATION feed IS 'For the warehouse';
