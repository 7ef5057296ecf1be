"""What tests of all systems ask of rows: that one is there, its value, its id."""

from __future__ import annotations

from typing import Any, LiteralString, TypeVar
from uuid import UUID

from psycopg import Connection

T = TypeVar("T")


def found(row: T | None) -> T:
    """The row that a query must have found."""
    assert row is not None
    return row


def value(connection: Connection[Any], statement: LiteralString, *given: object) -> Any:
    """The first value of the row that a statement must find."""
    return found(connection.execute(statement, given or None).fetchone())[0]


def seed_id(kind: str, number: int) -> UUID:
    """An id of a development seed, which begins with the kind of the row.

    dining: a restaurants, d dishes, f and b attributes, c connections;
    events: c companies, 5 speakers, 7 topics, e events;
    ideas: a users, b ideas, e evaluations, f results;
    shop: a users, c products, e inventory, f orders...
    """
    return UUID(f"01900000-0000-7000-8000-{kind}{number:0{12 - len(kind)}x}")
