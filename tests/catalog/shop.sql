-- A small schema with something of almost every kind that PostgreSQL has.

CREATE SCHEMA shop;

CREATE SCHEMA stock;

CREATE COLLATION shop.plain (PROVIDER = libc, LOCALE = 'C');

CREATE TYPE shop.state AS ENUM ('new', 'paid', 'sent');

CREATE TYPE shop.place AS (street text, city text);

CREATE TYPE shop.span AS RANGE (
    SUBTYPE = double precision,
    MULTIRANGE_TYPE_NAME = shop.spans
);

CREATE TYPE shop.shell;

CREATE DOMAIN shop.amount AS numeric(10, 2)
    DEFAULT 0
    CONSTRAINT amount_check CHECK (VALUE >= 0);

CREATE FUNCTION shop.tax(price numeric, rate numeric DEFAULT 0.2)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
AS $$
    SELECT price * rate
$$;

CREATE FUNCTION shop.rounded(price numeric)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
RETURN round(price, 2);

CREATE FUNCTION shop.lines()
RETURNS SETOF integer
LANGUAGE sql
ROWS 10
AS $$
    SELECT 1
$$;

CREATE FUNCTION shop.touch()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN NEW;
END
$$;

CREATE FUNCTION shop.watch()
RETURNS event_trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN;
END
$$;

CREATE PROCEDURE shop.close_day(day date)
LANGUAGE sql
AS $$
    SELECT day
$$;

CREATE AGGREGATE shop.total(numeric) (
    SFUNC = numeric_add,
    STYPE = numeric,
    INITCOND = '0'
);

CREATE OPERATOR shop.=== (
    FUNCTION = int4eq,
    LEFTARG = integer,
    RIGHTARG = integer
);

CREATE OPERATOR FAMILY shop.numbers USING btree;

CREATE OPERATOR CLASS shop.hashed FOR TYPE integer USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 hashint4 (integer);

CREATE CAST (shop.place AS text) WITH INOUT AS ASSIGNMENT;

CREATE CONVERSION shop.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

CREATE LANGUAGE shoplang HANDLER plpgsql_call_handler;

CREATE ACCESS METHOD shoptree TYPE INDEX HANDLER bthandler;

CREATE TRANSFORM FOR integer LANGUAGE sql (
    FROM SQL WITH FUNCTION prsd_lextype(internal),
    TO SQL WITH FUNCTION int4recv(internal)
);

CREATE TEXT SEARCH CONFIGURATION shop.search (COPY = simple);

CREATE TEXT SEARCH DICTIONARY shop.words (TEMPLATE = simple, ACCEPT = true);

CREATE TEXT SEARCH PARSER shop.parts (
    START = prsd_start,
    GETTOKEN = prsd_nexttoken,
    END = prsd_end,
    LEXTYPES = prsd_lextype
);

CREATE TEXT SEARCH TEMPLATE shop.lexemes (LEXIZE = dsimple_lexize);

CREATE SEQUENCE shop.numbers INCREMENT BY 10;

CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL DEFAULT 'nobody',
    email text COLLATE "C",
    address shop.place,
    joined timestamptz NOT NULL DEFAULT TIMESTAMPTZ '2020-01-02 03:04:05+00',
    shout text GENERATED ALWAYS AS (upper(name)) STORED,
    CONSTRAINT customers_pkey PRIMARY KEY (id),
    CONSTRAINT customers_email_key UNIQUE (email)
        DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT customers_name_check CHECK (name <> '')
)
WITH (fillfactor = 80);

CREATE TABLE shop.orders (
    id integer NOT NULL,
    customer_id bigint NOT NULL,
    state shop.state NOT NULL DEFAULT 'new',
    price shop.amount,
    note varchar(50),
    CONSTRAINT orders_pkey PRIMARY KEY (id) WITH (fillfactor = 90),
    CONSTRAINT orders_customer_id_fkey
        FOREIGN KEY (customer_id)
        REFERENCES shop.customers (id)
        ON DELETE CASCADE
);

ALTER SEQUENCE shop.numbers OWNED BY shop.orders.id;

CREATE INDEX orders_customer_id_idx
    ON shop.orders (customer_id)
    WITH (fillfactor = 70)
    WHERE state = 'new';

CREATE INDEX orders_note_idx
    ON shop.orders (lower(note), id DESC);

CREATE STATISTICS shop.orders_state ON customer_id, state FROM shop.orders;

CREATE TRIGGER orders_touch
    BEFORE UPDATE ON shop.orders
    FOR EACH ROW
    EXECUTE FUNCTION shop.touch();

CREATE RULE orders_keep AS
    ON DELETE TO shop.orders
    WHERE old.state = 'sent'
    DO INSTEAD NOTHING;

ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;

CREATE POLICY orders_read ON shop.orders
    FOR SELECT
    TO pg_monitor
    USING (price > 0);

CREATE TABLE stock.parent (
    id integer NOT NULL,
    label text
);

CREATE TABLE stock.uncle (
    age integer
);

CREATE TABLE stock.child (
    extra text
)
INHERITS (stock.parent, stock.uncle);

CREATE TABLE stock.moves (
    day date NOT NULL,
    amount integer,
    CONSTRAINT moves_day_key UNIQUE (day)
)
PARTITION BY RANGE (day);

CREATE TABLE stock.moves_2020
    PARTITION OF stock.moves
    FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');

CREATE TRIGGER moves_touch
    BEFORE UPDATE ON stock.moves
    FOR EACH ROW
    EXECUTE FUNCTION shop.touch();

CREATE UNLOGGED TABLE stock."Odd ""name""" (
    "a b" text
);

CREATE VIEW shop.open_orders
WITH (security_barrier = true)
AS
SELECT
    id,
    price
FROM shop.orders
WHERE state = 'new';

CREATE MATERIALIZED VIEW shop.sums AS
SELECT
    customer_id,
    sum(price) AS total
FROM shop.orders
GROUP BY customer_id;

CREATE INDEX sums_customer_id_idx
    ON shop.sums (customer_id);

CREATE FOREIGN DATA WRAPPER files OPTIONS (debug 'true');

CREATE SERVER depot FOREIGN DATA WRAPPER files OPTIONS (host 'depot');

CREATE USER MAPPING FOR pg_monitor
    SERVER depot
    OPTIONS (username 'reader', password 'hunter2');

CREATE FOREIGN TABLE shop.remote (
    id integer OPTIONS (column_name 'nr'),
    late text
)
SERVER depot
OPTIONS (path '/a');

CREATE EVENT TRIGGER shop_watch
    ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE INDEX')
    EXECUTE FUNCTION shop.watch();

CREATE PUBLICATION feed
    FOR TABLE shop.customers (id, name) WHERE (id > 0), shop.orders;

GRANT USAGE ON SCHEMA shop TO pg_monitor;

GRANT SELECT, INSERT ON shop.orders TO pg_monitor;

GRANT SELECT ON shop.orders TO pg_checkpoint WITH GRANT OPTION;

GRANT UPDATE (note) ON shop.orders TO pg_monitor;

GRANT USAGE ON SEQUENCE shop.numbers TO pg_monitor;

REVOKE EXECUTE ON FUNCTION shop.tax(numeric, numeric) FROM PUBLIC;

GRANT USAGE ON TYPE shop.state TO pg_monitor;

ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pg_monitor;

COMMENT ON SCHEMA shop IS 'Where things are sold';

COMMENT ON TABLE shop.orders IS 'The customers'' orders';

COMMENT ON COLUMN shop.orders.note IS 'What the customer says';

COMMENT ON CONSTRAINT orders_pkey ON shop.orders IS 'By number';

COMMENT ON CONSTRAINT amount_check ON DOMAIN shop.amount IS 'Nothing is negative';

COMMENT ON FUNCTION shop.tax(numeric, numeric) IS 'What the state takes';

COMMENT ON TRIGGER orders_touch ON shop.orders IS 'Does nothing yet';

COMMENT ON INDEX shop.orders_note_idx IS 'For search';

COMMENT ON PUBLICATION feed IS 'For the warehouse';
