-- What migrations do to tables, in many forms: the schema that lint reads from here is
-- held against the one that PostgreSQL makes.

CREATE SCHEMA shop;

CREATE SCHEMA attic
    CREATE TABLE boxes (id int PRIMARY KEY)
    CREATE SEQUENCE counted;

CREATE TYPE shop.state AS ENUM ('new', 'paid');

CREATE DOMAIN shop.amount AS numeric(12, 2) CHECK (VALUE >= 0);

CREATE TABLE shop.customers (
    id bigserial PRIMARY KEY,
    email varchar(200) NOT NULL UNIQUE,
    name text COLLATE "C" CHECK (name <> ''),
    tags text[] NOT NULL DEFAULT '{}',
    born date,
    small smallserial,
    rating numeric(3, 1) CHECK (rating > 0 AND rating < 10),
    spent shop.amount DEFAULT 0,
    seen timestamptz(3),
    code char(4),
    full_name text GENERATED ALWAYS AS (name || email) STORED,
    CHECK (born > '1900-01-01' AND rating > 1),
    CHECK (rating < 9),
    UNIQUE (name, born) INCLUDE (code)
);

CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer bigint NOT NULL REFERENCES shop.customers,
    also bigint REFERENCES shop.customers (id) ON DELETE SET NULL,
    state shop.state NOT NULL DEFAULT 'new',
    price decimal(10, 2),
    during tsrange,
    a_very_long_column_name_that_goes_on_and_on integer,
    PRIMARY KEY (id),
    EXCLUDE USING gist (during WITH &&),
    CONSTRAINT orders_price CHECK (price > 0) NOT ENFORCED
);

CREATE INDEX ON shop.orders (customer);

CREATE INDEX ON shop.orders (customer);

CREATE INDEX ON shop.orders (abs(price), (price * 2), price) WHERE price > 1;

CREATE UNIQUE INDEX ON shop.orders (customer, id DESC) INCLUDE (price);

CREATE INDEX ON shop.orders
    (a_very_long_column_name_that_goes_on_and_on, customer, also, state, price);

CREATE INDEX by_hash ON shop.customers USING hash (email);

CREATE INDEX ON shop.customers (coalesce(name, email), (small::text), (upper(code)));

CREATE TABLE shop.copies (
    LIKE shop.customers INCLUDING ALL,
    extra integer
);

CREATE TABLE shop.plain (LIKE shop.orders);

CREATE TABLE shop.children (more text NOT NULL) INHERITS (shop.customers);

CREATE TABLE shop.measures (
    at timestamptz NOT NULL,
    sensor integer NOT NULL,
    value double precision,
    owner bigint REFERENCES shop.customers,
    PRIMARY KEY (sensor, at)
) PARTITION BY RANGE (at);

CREATE INDEX ON shop.measures (value);

CREATE TABLE shop.measures_2026 PARTITION OF shop.measures
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

CREATE TABLE shop.measures_2027 (
    at timestamptz NOT NULL,
    sensor integer NOT NULL,
    value double precision,
    owner bigint
);

ALTER TABLE shop.measures ATTACH PARTITION shop.measures_2027
    FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');

CREATE INDEX ON shop.measures (owner);

ALTER TABLE shop.measures ADD COLUMN note text NOT NULL DEFAULT '';

CREATE TABLE shop.measures_2028 PARTITION OF shop.measures
    FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');

ALTER TABLE shop.measures DETACH PARTITION shop.measures_2028;

CREATE TABLE shop.measures_2029 PARTITION OF shop.measures
    FOR VALUES FROM ('2029-01-01') TO ('2030-01-01') PARTITION BY LIST (sensor);

CREATE TABLE shop.measures_2029_rest PARTITION OF shop.measures_2029 DEFAULT;

CREATE TABLE shop.measures_2030 (LIKE shop.measures) PARTITION BY LIST (sensor);

ALTER TABLE shop.measures ATTACH PARTITION shop.measures_2030
    FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');

CREATE INDEX ON shop.measures (note);

CREATE TABLE shop.summary AS
SELECT o.id, o.price AS paid, o.customer FROM shop.orders AS o;

CREATE MATERIALIZED VIEW shop.totals AS
SELECT o.customer, o.price FROM shop.orders AS o;

CREATE UNIQUE INDEX ON shop.totals (customer);

CREATE VIEW shop.names AS
SELECT c.id, c.name, c.email AS address FROM shop.customers AS c;

CREATE VIEW shop.every AS SELECT * FROM attic.boxes;

ALTER TABLE shop.plain
    ADD COLUMN first integer NOT NULL DEFAULT 1,
    ADD COLUMN second text UNIQUE,
    ADD COLUMN third bigint REFERENCES shop.customers,
    ADD CHECK (first > 0),
    ADD CONSTRAINT plain_price CHECK (price IS NOT NULL) NOT VALID,
    ADD FOREIGN KEY (customer) REFERENCES shop.customers (id) NOT VALID,
    ALTER COLUMN price TYPE numeric(14, 2),
    ALTER COLUMN during SET NOT NULL,
    DROP COLUMN also;

ALTER TABLE shop.plain VALIDATE CONSTRAINT plain_price;

ALTER TABLE shop.plain ADD CONSTRAINT plain_named NOT NULL price NOT VALID;

ALTER TABLE shop.plain VALIDATE CONSTRAINT plain_named;

ALTER TABLE shop.plain ADD CONSTRAINT plain_second NOT NULL second NOT VALID;

ALTER TABLE shop.plain ALTER COLUMN state DROP NOT NULL;

CREATE UNIQUE INDEX plain_id_key ON shop.plain (id);

ALTER TABLE shop.plain ADD CONSTRAINT plain_pk PRIMARY KEY USING INDEX plain_id_key;

ALTER TABLE shop.plain RENAME COLUMN first TO one;

ALTER TABLE shop.plain RENAME CONSTRAINT plain_pk TO plain_main;

ALTER TABLE shop.plain RENAME TO simple;

ALTER INDEX shop.by_hash RENAME TO hashed;

ALTER TABLE shop.simple SET SCHEMA attic;

ALTER TABLE attic.simple ALTER COLUMN one DROP DEFAULT;

ALTER TABLE attic.simple DROP CONSTRAINT plain_third_fkey;

ALTER TABLE attic.simple ADD COLUMN IF NOT EXISTS one bigint;

ALTER TABLE IF EXISTS attic.nothing ADD COLUMN one bigint;

CREATE TABLE IF NOT EXISTS attic.boxes (id text, more text);

CREATE TABLE attic.doomed (id int PRIMARY KEY);

CREATE TABLE attic.pointing (id int REFERENCES attic.doomed);

DROP TABLE attic.doomed CASCADE;

CREATE TABLE attic.lost (id int PRIMARY KEY, was int, CHECK (was > id));

CREATE INDEX ON attic.lost (was, id);

ALTER TABLE attic.lost DROP COLUMN was;

ALTER TABLE attic.lost DROP CONSTRAINT lost_pkey;

CREATE SCHEMA gone;

CREATE TABLE gone.one (id int);

DROP SCHEMA gone CASCADE;

CREATE INDEX doomed_idx ON attic.boxes (id);

DROP INDEX attic.doomed_idx;

ALTER SCHEMA attic RENAME TO loft;

SELECT o.id AS number INTO shop.chosen FROM shop.orders AS o;

CREATE ROLE drystone_reader;

ALTER DEFAULT PRIVILEGES IN SCHEMA loft GRANT SELECT, INSERT ON TABLES TO drystone_reader;

CREATE TABLE loft.granted (id int);

GRANT ALL ON shop.customers TO drystone_reader;

REVOKE TRUNCATE, DELETE ON shop.customers FROM drystone_reader;

GRANT SELECT ON ALL TABLES IN SCHEMA shop TO drystone_reader;

REVOKE SELECT ON shop.summary FROM drystone_reader;

GRANT USAGE ON SCHEMA shop TO drystone_reader;
