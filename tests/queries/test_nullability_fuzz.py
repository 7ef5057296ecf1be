"""A column described as never NULL holds no NULL, whatever the query and the rows.

FUZZ_QUERIES and FUZZ_SEED ask for more random queries, and for others.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import QueryError
from drystone.queries.describing.description import Describer
from drystone.settings import Settings
from tests.queries.fuzz import schema
from tests.queries.fuzz.builtin_calls import Call, calls
from tests.queries.fuzz.changes import Query, random_query
from tests.queries.fuzz.trial import Outcome, execute, tally, try_queries

QUERIES = int(os.environ.get("FUZZ_QUERIES", "1500"))
SEED = os.environ.get("FUZZ_SEED", "drystone")
LOT = 150

CASES = Path(__file__).with_name("nullability_cases.sql")


def read_cases() -> dict[str, list[bool]]:
    """Return statements with what is expected of their columns: may it be NULL?"""
    found = {}
    for block in CASES.read_text().split("\n\n"):
        first, _, statement = block.partition("\n")
        words = first.removeprefix("-- ").split(", ")
        if set(words) <= {"never", "null"}:
            found[statement.strip().rstrip(";")] = [word == "null" for word in words]
    return found


@pytest.fixture
def fuzz(empty_url: str) -> Iterator[Connection[Any]]:
    """A session on a database with the schema and rows of the random queries."""
    with connect(empty_url, Settings()) as opened:
        schema.create(opened)
        yield opened


@pytest.fixture
def describer(fuzz: Connection[Any], empty_url: str) -> Iterator[Describer]:
    """A describer of that database, on a session of its own."""
    with connect(empty_url, Settings()) as opened:
        yield Describer(opened)


def test_each_case_is_described_as_expected(describer: Describer) -> None:
    expected = read_cases()
    assert len(expected) > 180
    described = {
        statement: [c.nullable for c in describer.describe(statement).columns]
        for statement in expected
    }
    assert described == expected


def test_no_case_expects_too_much(fuzz: Connection[Any]) -> None:
    for number in range(5):
        schema.fill(fuzz, f"cases/{number}")
        for statement, nullable in read_cases().items():
            query = Query(statement, [None] * statement.count("$1"))
            outcome = Outcome("cases", query, [not may for may in nullable])
            execute(fuzz, outcome)
            assert not outcome.wrong(), outcome.report()


@pytest.mark.parametrize("first", range(0, QUERIES, LOT))
def test_random_queries_return_no_null_that_was_ruled_out(
    fuzz: Connection[Any], describer: Describer, first: int
) -> None:
    numbers = range(first, min(first + LOT, QUERIES))
    outcomes = try_queries(fuzz, describer, SEED, numbers)
    wrong = [outcome.report() for outcome in outcomes if outcome.wrong()]
    assert not wrong, "\n\n".join(sorted(wrong, key=len))
    if len(numbers) == LOT:
        counts = tally(outcomes)
        # Where most are refused, empty or nullable anyway, nothing was tried.
        assert counts["executed"] > 0.75 * LOT
        assert counts["with rows"] > 0.3 * LOT
        assert counts["claimed"] > 0.25 * counts["columns"] > 0


def test_the_same_seed_gives_the_same_query(fuzz: Connection[Any]) -> None:
    known = schema.relations(fuzz)
    numbers = range(50)
    first = [random_query(f"same/{number}", known) for number in numbers]
    again = [random_query(f"same/{number}", known) for number in numbers]
    assert first == again
    assert len({query.sql for query in first}) == len(numbers)


def test_no_call_of_a_builtin_returns_a_null_that_was_ruled_out(
    fuzz: Connection[Any], describer: Describer
) -> None:
    chance = random.Random(SEED)
    claimed = [
        call
        for call in calls(fuzz)
        if refute(fuzz, describer, call, list(call.arguments(chance)))
    ]
    assert len(claimed) > 800
    for call in claimed:
        for arguments in call.with_nulls():
            refute(fuzz, describer, call, [arguments])


def refute(
    fuzz: Connection[Any], describer: Describer, call: Call, drawn: list[list[str]]
) -> bool:
    """Execute a call if it is described as never NULL; tell whether it is."""
    try:
        (column,) = describer.describe(call.query(drawn[0])).columns
    except QueryError:  # ambiguous, say
        return False
    if column.nullable:
        return False
    for arguments in drawn:
        result = fuzz.pgconn.exec_(call.query(arguments).encode())
        # An error is no NULL either: few functions like all that they are given.
        if result.ntuples:
            assert result.get_value(0, 0) is not None, call.query(arguments)
    return True
