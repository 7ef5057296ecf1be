"""What migrations do to queries is told: neither less nor more than what they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.queries.describing.described import describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.generation.impact import Impact, impacts
from drystone.queries.generation.project import signature
from drystone.queries.reading.files import Area, read_areas
from drystone.settings import Settings

SCHEMA = """
CREATE SCHEMA shop;

CREATE TYPE shop.state AS ENUM ('open', 'paid');

CREATE DOMAIN shop.email AS text CHECK (VALUE LIKE '%@%');

CREATE TABLE shop.customers (
    id bigint PRIMARY KEY,
    email shop.email NOT NULL UNIQUE,
    name text,
    street text NOT NULL,
    city text NOT NULL,
    note text
);

CREATE TABLE shop.orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES shop.customers,
    state shop.state NOT NULL DEFAULT 'open',
    amount integer NOT NULL,
    placed_on date NOT NULL
);

CREATE TABLE shop.ledger (entry integer NOT NULL);

CREATE VIEW shop.open_orders AS
SELECT o.id, o.amount
FROM shop.orders AS o
WHERE o.state = 'open';

CREATE FUNCTION shop.tax(amount integer) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN amount / 5;
"""

QUERIES = """
-- name: find_customer(id)^
SELECT c.id, c.email, c.name FROM shop.customers AS c WHERE c.id = :id;

-- name: address(id)^
SELECT c.street, c.city FROM shop.customers AS c WHERE c.id = :id;

-- name: add_customer(id, email, street, city)!
INSERT INTO shop.customers (id, email, street, city)
VALUES (:id, :email, :street, :city)
ON CONFLICT (email) DO NOTHING;

-- name: rename_customer(id, name)!
UPDATE shop.customers SET name = :name WHERE id = :id;

-- name: orders_of(customer_id)
SELECT o.id, o.state, o.amount
FROM shop.orders AS o
WHERE o.customer_id = :customer_id;

-- name: pay(id)!
UPDATE shop.orders SET state = 'paid' WHERE id = :id;

-- name: turnover(day)$
SELECT coalesce(sum(o.amount), 0) AS turnover
FROM shop.orders AS o
WHERE o.placed_on = :day;

-- name: open_orders()
SELECT o.id, shop.tax(o.amount) AS tax FROM shop.open_orders AS o;

-- name: customers_orders()
SELECT c.id, o.id AS order_id
FROM shop.customers AS c
LEFT JOIN shop.orders AS o ON o.customer_id = c.id;
"""

BREAKS = "breaks"


class Scenario(NamedTuple):
    """A migration, and for each query that it concerns what must be said of it.

    That is BREAKS, or a line for each type that changes.
    """

    name: str
    sql: str
    expected: dict[str, str | list[str]]


EXPANSIONS = [
    Scenario(name, sql, {})
    for name, sql in {
        "a nullable column": "ALTER TABLE shop.orders ADD COLUMN note text;",
        "a required column with a default": """
            ALTER TABLE shop.orders ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
        """,
        "a generated column": """
            ALTER TABLE shop.orders
                ADD COLUMN gross integer GENERATED ALWAYS AS (amount * 2) STORED;
        """,
        "a default": "ALTER TABLE shop.customers ALTER COLUMN name SET DEFAULT 'n/a';",
        "a label": "ALTER TYPE shop.state ADD VALUE 'sent' AFTER 'paid';",
        "a table": "CREATE TABLE shop.returns (id bigint PRIMARY KEY);",
        "a view": """
            CREATE VIEW shop.cities AS SELECT DISTINCT c.city FROM shop.customers AS c;
        """,
        "a column of a view": """
            CREATE OR REPLACE VIEW shop.open_orders AS
            SELECT o.id, o.amount, o.placed_on
            FROM shop.orders AS o
            WHERE o.state = 'open';
        """,
        "an index": "CREATE INDEX orders_day_idx ON shop.orders (placed_on);",
        "a unique key": """
            ALTER TABLE shop.orders ADD CONSTRAINT orders_once UNIQUE (customer_id, id);
        """,
        "a CHECK": "ALTER TABLE shop.orders ADD CHECK (amount > 0) NOT VALID;",
        "a foreign key": """
            ALTER TABLE shop.ledger
                ADD COLUMN order_id bigint REFERENCES shop.orders;
        """,
        "a trigger": """
            CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RETURN new; END';

            CREATE TRIGGER touch BEFORE UPDATE ON shop.orders
            FOR EACH ROW EXECUTE FUNCTION shop.touch();
        """,
        "a function of other arguments": """
            CREATE FUNCTION shop.tax(amount text) RETURNS text LANGUAGE sql
            RETURN amount;
        """,
        "another body of a function": """
            CREATE OR REPLACE FUNCTION shop.tax(amount integer) RETURNS integer
            LANGUAGE sql IMMUTABLE
            RETURN amount / 4;
        """,
        "a comment": "COMMENT ON COLUMN shop.orders.amount IS 'In cents.';",
        "a CHECK of a domain": """
            ALTER DOMAIN shop.email ADD CHECK (length(VALUE) < 300);
        """,
    }.items()
]

CONTRACTIONS = [
    Scenario(
        "a column that no query uses is dropped",
        "ALTER TABLE shop.customers DROP COLUMN note;",
        {},
    ),
    Scenario("a table that no query uses is dropped", "DROP TABLE shop.ledger;", {}),
    Scenario(
        "a column that is read is dropped",
        "ALTER TABLE shop.orders DROP COLUMN amount CASCADE;",
        {"orders_of": BREAKS, "turnover": BREAKS, "open_orders": BREAKS},
    ),
    Scenario(
        "a column that is written is dropped",
        "ALTER TABLE shop.customers DROP COLUMN name;",
        {"find_customer": BREAKS, "rename_customer": BREAKS},
    ),
    Scenario(
        "a column is renamed, and not in its view",
        "ALTER TABLE shop.orders RENAME COLUMN amount TO cents;",
        {"orders_of": BREAKS, "turnover": BREAKS},
    ),
    Scenario(
        "a table is renamed",
        "ALTER TABLE shop.orders RENAME TO purchases;",
        {
            "orders_of": BREAKS,
            "pay": BREAKS,
            "turnover": BREAKS,
            "customers_orders": BREAKS,
        },
    ),
    Scenario(
        "a renamed table leaves a view of its name",
        """
        ALTER TABLE shop.customers RENAME TO people;

        CREATE VIEW shop.customers AS
        SELECT p.id, p.email, p.name, p.street, p.city
        FROM shop.people AS p;
        """,
        {},
    ),
    Scenario(
        "a column gets a wider type",
        """
        DROP VIEW shop.open_orders;

        ALTER TABLE shop.orders ALTER COLUMN amount TYPE bigint;
        """,
        {
            "orders_of": ["column amount: integer becomes bigint"],
            "turnover": ["column turnover: bigint becomes numeric"],
            "open_orders": BREAKS,
        },
    ),
    Scenario(
        "the type of a parameter changes",
        "ALTER TABLE shop.orders ALTER COLUMN placed_on TYPE timestamptz;",
        {"turnover": ["parameter day: date becomes timestamp with time zone"]},
    ),
    Scenario(
        "a column may be NULL",
        "ALTER TABLE shop.orders ALTER COLUMN amount DROP NOT NULL;",
        {"orders_of": ["column amount: integer becomes integer or NULL"]},
    ),
    Scenario(
        "a column may not be NULL any more",
        "ALTER TABLE shop.customers ALTER COLUMN name SET NOT NULL;",
        {
            "find_customer": ["column name: text or NULL becomes text"],
            "rename_customer": ["parameter name: text or NULL becomes text"],
        },
    ),
    Scenario(
        "a view loses a column",
        """
        DROP VIEW shop.open_orders;

        CREATE VIEW shop.open_orders AS
        SELECT o.id FROM shop.orders AS o WHERE o.state = 'open';
        """,
        {"open_orders": BREAKS},
    ),
    Scenario(
        "a view is dropped", "DROP VIEW shop.open_orders;", {"open_orders": BREAKS}
    ),
    Scenario(
        "a function is dropped",
        "DROP FUNCTION shop.tax(integer);",
        {"open_orders": BREAKS},
    ),
    Scenario(
        "a function returns another type",
        """
        DROP FUNCTION shop.tax(integer);

        CREATE FUNCTION shop.tax(amount integer) RETURNS numeric
        LANGUAGE sql IMMUTABLE
        RETURN amount / 5.0;
        """,
        {"open_orders": ["column tax: integer or NULL becomes numeric or NULL"]},
    ),
    Scenario(
        "a label is renamed",
        "ALTER TYPE shop.state RENAME VALUE 'paid' TO 'settled';",
        {"pay": BREAKS},
    ),
    Scenario(
        "an enum is renamed",
        "ALTER TYPE shop.state RENAME TO order_state;",
        {"orders_of": ["column state: shop.state becomes shop.order_state"]},
    ),
    Scenario(
        "an enum becomes a text",
        """
        DROP VIEW shop.open_orders;

        ALTER TABLE shop.orders
            ALTER COLUMN state DROP DEFAULT,
            ALTER COLUMN state TYPE text;

        CREATE VIEW shop.open_orders AS
        SELECT o.id, o.amount FROM shop.orders AS o WHERE o.state = 'open';
        """,
        {"orders_of": ["column state: shop.state becomes text"]},
    ),
    Scenario(
        "a unique key is dropped",
        "ALTER TABLE shop.customers DROP CONSTRAINT customers_email_key;",
        {"add_customer": BREAKS},
    ),
    Scenario(
        "a column without a default becomes required",
        "ALTER TABLE shop.orders ALTER COLUMN state DROP DEFAULT;",
        {},  # no query inserts orders
    ),
    Scenario(
        "a table is split",
        """
        CREATE TABLE shop.addresses (
            customer_id bigint PRIMARY KEY REFERENCES shop.customers,
            street text NOT NULL,
            city text NOT NULL
        );

        INSERT INTO shop.addresses (customer_id, street, city)
        SELECT id, street, city FROM shop.customers;

        ALTER TABLE shop.customers DROP COLUMN street, DROP COLUMN city;
        """,
        {"address": BREAKS, "add_customer": BREAKS},
    ),
    Scenario(
        "a domain moves to another schema",
        """
        CREATE SCHEMA crm;

        ALTER DOMAIN shop.email SET SCHEMA crm;
        """,
        {
            "find_customer": ["column email: shop.email becomes crm.email"],
            "add_customer": ["parameter email: shop.email becomes crm.email"],
        },
    ),
]

SCENARIOS = {each.name: each for each in [*EXPANSIONS, *CONTRACTIONS]}


@pytest.fixture
def shop(empty_url: str) -> Iterator[Connection[Any]]:
    """A session on a database with the schema that the queries were written for."""
    with connect(empty_url, Settings()) as connection:
        connection.execute(SCHEMA)
        yield connection


@pytest.fixture
def areas(tmp_path: Path) -> list[Area]:
    path = tmp_path / "shop" / "sales.sql"
    path.parent.mkdir()
    path.write_text(QUERIES)
    return read_areas([tmp_path])


def _said(impact: Impact) -> str | list[str]:
    return BREAKS if impact.error is not None else impact.lines()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_migration_is_told_with_what_it_does_to_queries(
    shop: Connection[Any], empty_url: str, areas: list[Area], name: str
) -> None:
    scenario = SCENARIOS[name]
    with connect(empty_url, Settings()) as describing:
        described = list(describe_areas(Describer(describing), areas))
    assert [each.error for each in described] == [None] * len(described)
    before = {each.name: signature(each) for each in described}
    shop.execute(dedent(scenario.sql))
    with connect(empty_url, Settings()) as describing:
        found = impacts(before, describe_areas(Describer(describing), areas))
    said = {each.name.removeprefix("shop.sales."): _said(each) for each in found}
    assert said == scenario.expected


def test_there_are_scenarios_of_both_kinds() -> None:
    assert len(SCENARIOS) == len(EXPANSIONS) + len(CONTRACTIONS) >= 30
    assert all(not scenario.expected for scenario in EXPANSIONS)


def test_a_query_that_is_new_is_named_only_if_it_breaks(
    shop: Connection[Any], areas: list[Area]
) -> None:
    shop.execute("DROP VIEW shop.open_orders")
    found = impacts({}, describe_areas(Describer(shop), areas))
    (impact,) = found
    assert impact.name == "shop.sales.open_orders"
    (line,) = impact.lines()
    assert line.endswith('relation "shop.open_orders" does not exist')
    lines = areas[0].path.read_text().splitlines()
    assert "FROM shop.open_orders" in lines[impact.location.line - 1]
