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
