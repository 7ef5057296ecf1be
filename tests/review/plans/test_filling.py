from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.review.plans.examples import examples
from drystone.review.plans.filling import fill
from drystone.settings import Settings

# Rules of many kinds, as hand-written schemas have them.
SCHEMA = """
CREATE SCHEMA diner;
CREATE TYPE diner.state AS ENUM ('open', 'paid', 'void');
CREATE DOMAIN diner.currency AS text CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE TABLE diner.guests (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL UNIQUE CHECK (email ~ '^[^@ ]+@[^@ ]+\\.[a-z]+$'),
    phone text CHECK (phone ~ '^\\+[0-9]{8,15}$'),
    tier text NOT NULL CHECK (tier IN ('gold', 'silver')),
    points integer NOT NULL DEFAULT 0 CHECK (points BETWEEN 0 AND 500),
    likes text[] NOT NULL DEFAULT '{}',
    facts jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'object')
);
CREATE TABLE diner.bills (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    guest_id uuid NOT NULL REFERENCES diner.guests,
    parent bigint REFERENCES diner.bills,
    state diner.state NOT NULL DEFAULT 'open',
    currency diner.currency NOT NULL,
    cents integer NOT NULL CHECK (cents > 0),
    double_cents integer GENERATED ALWAYS AS (cents * 2) STORED,
    opened_at timestamptz NOT NULL DEFAULT now(),
    paid_at timestamptz,
    void_reason text CHECK (char_length(void_reason) BETWEEN 3 AND 80),
    CHECK ((state = 'paid') = (paid_at IS NOT NULL)),
    CHECK ((state = 'void') = (void_reason IS NOT NULL)),
    CHECK (paid_at >= opened_at)
);
CREATE TABLE diner.seats (
    hall text, place integer, PRIMARY KEY (hall, place)
);
CREATE TABLE diner.bookings (
    hall text NOT NULL,
    place integer NOT NULL,
    during tstzrange NOT NULL,
    guest_id uuid NOT NULL REFERENCES diner.guests,
    note varchar(12),
    FOREIGN KEY (hall, place) REFERENCES diner.seats
);
CREATE TABLE diner.logs (
    kind text NOT NULL, at timestamptz NOT NULL, line text
) PARTITION BY LIST (kind);
CREATE TABLE diner.logs_a PARTITION OF diner.logs FOR VALUES IN ('read', 'write');
CREATE TABLE diner.logs_b PARTITION OF diner.logs FOR VALUES IN ('error');
CREATE TABLE diner.never (id integer CHECK (id > 5 AND id < 5) NOT NULL);
CREATE FUNCTION diner.refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TABLE diner.refused (id integer);
CREATE TRIGGER refuse BEFORE INSERT ON diner.refused
    FOR EACH ROW EXECUTE FUNCTION diner.refuse();
"""
TABLES = ["guests", "bills", "seats", "bookings", "logs"]


@pytest.fixture
def filled(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    with connect(empty_url, settings) as connection:
        connection.execute(SCHEMA.encode())
        assert fill(connection) == ["diner.never", "diner.refused"]
        yield connection


def counted(connection: Connection[Any]) -> dict[str, int]:
    found = {}
    for table in TABLES:
        row = connection.execute(f"SELECT count(*) FROM diner.{table}".encode())
        found[table] = (row.fetchone() or (0,))[0]
    return found


def test_tables_with_rules_of_many_kinds_are_filled(filled: Connection[Any]) -> None:
    counts = counted(filled)
    assert {name: count for name, count in counts.items() if count < 500} == {}


def test_the_rows_vary_as_rows_do(filled: Connection[Any]) -> None:
    states = filled.execute(
        "SELECT state::text, count(*) FROM diner.bills GROUP BY state"
    ).fetchall()
    assert {state for state, _ in states} == {"open", "paid", "void"}
    tiers = filled.execute("SELECT DISTINCT tier FROM diner.guests").fetchall()
    assert {tier for (tier,) in tiers} == {"gold", "silver"}
    per_guest = filled.execute(
        "SELECT count(*) FROM diner.bills GROUP BY guest_id ORDER BY 1 DESC"
    ).fetchall()
    assert len(per_guest) > 100
    assert per_guest[0][0] > 3 * per_guest[-1][0]


def test_the_rows_are_the_same_each_time(
    filled: Connection[Any], empty_url: str
) -> None:
    digest = (
        "SELECT md5(string_agg(g.email || g.points || g.facts, ',' ORDER BY g.id))"
        " FROM diner.guests AS g"
    )
    before = filled.execute(digest.encode()).fetchone()
    filled.execute("TRUNCATE diner.guests CASCADE")
    fill(filled)
    assert filled.execute(digest.encode()).fetchone() == before


# One table for things of two kinds, and another whose rows join one of each.
TYPED = """
CREATE SCHEMA diner;
CREATE TABLE diner.things (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    type text NOT NULL CHECK (type IN ('place', 'dish')),
    name text NOT NULL CHECK (char_length(name) < 60),
    name_key text GENERATED ALWAYS AS (lower(name)) STORED,
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    UNIQUE (id, type),
    UNIQUE (type, name_key),
    CHECK (type = 'place' OR latitude IS NULL)
);
CREATE TABLE diner.menu (
    place_id uuid NOT NULL,
    place_type text GENERATED ALWAYS AS ('place'::text) STORED,
    dish_id uuid NOT NULL,
    dish_type text GENERATED ALWAYS AS ('dish'::text) STORED,
    stars integer NOT NULL CHECK (stars BETWEEN 0 AND 5),
    PRIMARY KEY (place_id, dish_id),
    FOREIGN KEY (place_id, place_type) REFERENCES diner.things (id, type),
    FOREIGN KEY (dish_id, dish_type) REFERENCES diner.things (id, type)
);
CREATE TABLE diner.copies (
    place_id uuid,
    dish_id uuid,
    FOREIGN KEY (place_id, dish_id) REFERENCES diner.menu
);
CREATE FUNCTION diner.copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO diner.copies SELECT added.place_id, added.dish_id FROM added;
    RETURN NULL;
END $$;
CREATE TRIGGER copy AFTER INSERT ON diner.menu REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION diner.copy();
INSERT INTO diner.things (type, name, latitude)
VALUES ('place', 'Corner', 30.1), ('place', 'Garden', 30.2), ('dish', 'Soup', NULL);
INSERT INTO diner.menu (place_id, dish_id, stars)
SELECT place.id, dish.id, 4
FROM diner.things AS place
CROSS JOIN diner.things AS dish
WHERE place.name = 'Corner' AND dish.type = 'dish';
"""


@pytest.fixture
def topped_up(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    with connect(empty_url, settings) as connection:
        connection.execute(TYPED.encode())
        assert fill(connection) == []
        assert counts_of(connection) == [3, 1, 1]
        assert fill(connection, sparse={"diner"}) == []
        yield connection


def counts_of(connection: Connection[Any]) -> list[int]:
    row = connection.execute(
        "SELECT (SELECT count(*) FROM diner.things), (SELECT count(*) FROM diner.menu),"
        " (SELECT count(*) FROM diner.copies)"
    ).fetchone()
    return list(row or ())


def test_a_handful_of_rows_stays_and_gets_company(topped_up: Connection[Any]) -> None:
    things, menu, copies = counts_of(topped_up)
    assert things > 2_000
    assert menu > 1_000
    assert copies == menu  # by the trigger alone
    kept = topped_up.execute(
        "SELECT count(*) FROM diner.things WHERE name IN ('Corner', 'Garden', 'Soup')"
    ).fetchone()
    assert kept == (3,)


def test_new_rows_are_of_every_type_and_refer_to_many(
    topped_up: Connection[Any],
) -> None:
    types = topped_up.execute(
        "SELECT type, count(*) > 500 FROM diner.things GROUP BY type ORDER BY type"
    ).fetchall()
    assert types == [("dish", True), ("place", True)]
    (places,) = topped_up.execute(
        "SELECT count(DISTINCT place_id) FROM diner.menu"
    ).fetchone() or (0,)
    assert places > 200


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}$",
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        r"^https://lu\.ma/[A-Za-z0-9_-]+$",
        r"^\d{4}-\d{2}$",
        r"^(red|green|blue)$",
        r"^[^@\s]+@[^@\s]+$",
        r"^[[:upper:]]+[[:digit:]]$",
    ],
)
def test_examples_match_their_pattern(pattern: str) -> None:
    found = examples(pattern)
    assert len(found) > 1
    posix = {"[:upper:]": "A-Z", "[:digit:]": "0-9"}
    for name, members in posix.items():
        pattern = pattern.replace(name, members)
    assert all(re.search(pattern, text) for text in found)


@pytest.mark.parametrize("pattern", ["(", r"\mword\M", r"(?<!a)\1"])
def test_a_pattern_that_is_not_understood_has_no_examples(pattern: str) -> None:
    assert examples(pattern) == []
