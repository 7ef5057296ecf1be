"""What tests of `ideas` are made of: rows that are valid unless told otherwise."""

from __future__ import annotations

from itertools import count
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from drystone.systems.ideas import business_ideas, users
from drystone.systems.ideas.evaluating import Answer, Task, claim, complete, submit
from tests.systems.rows import found

DESCRIPTION: Final = "A shop that sells one thing, on one day, to one street. " * 2
HASH: Final = "$argon2id$v=19$test"
AGENTS: Final = (
    "competitive-analysis",
    "customer-research",
    "financial-analysis",
    "market-research",
    "technical-feasibility",
)
ANSWER: Final = Answer(score=80, output={"summary": "fine"})

_numbers = count(1)


def add_user(connection: Connection[Any], **given: Any) -> UUID:
    number = next(_numbers)
    row = {"email": f"user{number}@example.org", "name": f"User {number}"} | given
    return found(users.create_user(connection, **({"password_hash": HASH} | row))).id


def add_idea(connection: Connection[Any], **given: Any) -> UUID:
    owner = given.pop("user_id", None) or add_user(connection)
    row = {"title": f"Idea {next(_numbers)}", "description": DESCRIPTION} | given
    return found(business_ideas.create_idea(connection, user_id=owner, **row)).id


def add_evaluation(connection: Connection[Any], **given: Any) -> UUID:
    """A pending evaluation, with a pending task for each of the five agents."""
    (submitted,) = submit(connection, [add_idea(connection)], **given)
    return submitted.id


def take(connection: Connection[Any], agent: str = AGENTS[0], **given: Any) -> Task:
    """Claim one task, which must be there."""
    (task,) = claim(connection, [agent], **({"worker": "w1"} | given))
    return task


def complete_all(connection: Connection[Any], answer: Answer = ANSWER) -> Any:
    """Complete what can be claimed; return the last evaluation that this finished."""
    finished = None
    while claimed := claim(connection, AGENTS, worker="w1", limit=5):
        for task in claimed:
            finished = complete(connection, task, answer) or finished
    return finished
