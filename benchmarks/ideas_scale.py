"""The ideas system at full size and at a tenth of it: what grows, and what does not.

At full size there are 10,000 users, 50,000 ideas of 50 to 5,000 characters, 80,000
evaluations and 400,000 agent results, one evaluation in twenty of which still waits for
its turn. 40 ideas hold the words that are searched for, at either size.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from faker import Faker
from psycopg import Connection

from benchmarks.growth import Question, show_growth, show_plan
from drystone.database.copy import copy_rows
from drystone.systems.ideas import (
    business_ideas,
    evaluations,
    search,
    stats,
    tasks,
    users,
)
from drystone.systems.ideas.evaluating import claim

_HITS = 40

_AGENTS = (
    "market-research",
    "competitive-analysis",
    "customer-research",
    "technical-feasibility",
    "financial-analysis",
)
_NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Size:
    """How many rows there are."""

    ideas: int

    @property
    def users(self) -> int:
        """One for five ideas."""
        return self.ideas // 5

    @property
    def evaluations(self) -> int:
        """Eight for five ideas: most of them were evaluated twice."""
        return self.ideas * 8 // 5


FULL: Final = Size(ideas=50_000)
TENTH: Final = Size(ideas=5_000)


def load(connection: Connection[Any], size: Size) -> None:
    """Replace all rows of the system by generated ones, without its triggers."""
    chance = random.Random(size.ideas)
    faker = Faker()
    faker.seed_instance(1)
    prose = " ".join(faker.paragraph(nb_sentences=8) for _ in range(500))
    people = [_id(chance) for _ in range(size.users)]
    ideas = [_id(chance) for _ in range(size.ideas)]
    ages = [timedelta(minutes=10 * number) for number in range(size.ideas)]
    found = set(range(0, size.ideas, size.ideas // _HITS))
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("TRUNCATE ideas.users CASCADE")
        copy_rows(
            connection,
            "ideas.users",
            ("id", "email", "password_hash", "name"),
            ((key, f"{key}@example.org", "$x$", faker.name()) for key in people),
        )
        copy_rows(
            connection,
            "ideas.business_ideas",
            ("id", "user_id", "title", "description", "created_at"),
            (
                (
                    key,
                    people[number % size.users],
                    _title(chance, prose, marked=number in found),
                    _cut(chance, prose, chance.randint(50, 5000)),
                    _NOW - ages[number],
                )
                for number, key in enumerate(ideas)
            ),
        )
        _load_evaluations(connection, chance, ideas, size)
        connection.execute(
            "UPDATE ideas.business_ideas AS idea SET status = ideas.status_of(idea.id)"
            " WHERE idea.status <> ideas.status_of(idea.id)"
        )
    connection.execute("VACUUM (ANALYZE) ideas.users, ideas.business_ideas")
    connection.execute("VACUUM (ANALYZE) ideas.evaluations, ideas.agent_results")


def _load_evaluations(
    connection: Connection[Any], chance: random.Random, ideas: list[Any], size: Size
) -> None:
    """One in twenty waits, one in a hundred is under way, the others are done."""
    rows, results = [], []
    for number in range(size.evaluations):
        key, revision = _id(chance), number // size.ideas + 1
        last = number >= size.evaluations - size.ideas
        waits, works = last and number % 20 == 0, last and number % 100 == 1
        status = "pending" if waits else "analyzing" if works else "completed"
        made = _NOW - timedelta(minutes=10 * (size.evaluations - number))
        done = made + timedelta(minutes=9)
        rows.append(
            (
                *(key, ideas[number % size.ideas], revision, status, made),
                None if waits else made,
                done if status == "completed" else None,
                {"overall_score": 60} if status == "completed" else None,
            )
        )
        for agent in _AGENTS:
            ready = status == "completed"
            results.append(
                (
                    *(_id(chance), key, agent, "completed" if ready else "pending"),
                    None if waits else made,
                    round(100 * chance.random(), 1) if ready else None,
                    {} if ready else None,
                    {"region": chance.randrange(1000)} if ready else None,
                    made if ready else None,
                    done if ready else None,
                )
            )
    copy_rows(
        connection,
        "ideas.evaluations",
        (
            *("id", "business_idea_id", "revision", "status", "created_at"),
            *("started_at", "completed_at", "results"),
        ),
        rows,
    )
    copy_rows(
        connection,
        "ideas.agent_results",
        (
            *("id", "evaluation_id", "agent_type", "status", "run_at", "score"),
            *("output_data", "insights", "started_at", "completed_at"),
        ),
        results,
    )


def _id(chance: random.Random) -> uuid.UUID:
    return uuid.UUID(int=chance.getrandbits(128), version=4)


def _cut(chance: random.Random, prose: str, length: int) -> str:
    begin = chance.randrange(len(prose) - length)
    return prose[begin : begin + length].replace(" ", "-", 1).strip().ljust(50, ".")


def _title(chance: random.Random, prose: str, *, marked: bool) -> str:
    title = _cut(chance, prose, chance.randint(20, 60))
    return f"Zeppelin logistics {title}" if marked else title


def run(connection: Connection[Any]) -> None:
    """Print the median of each query at both sizes, and without indexes, and plans."""
    show_growth(
        connection,
        _questions,
        load=load,
        sizes=(TENTH, FULL),
        labels=("5 k ideas", "50 k ideas", "50 k, no index"),
        unindexed=("search", "title part", "list", "user's list", "insights"),
        calls=40,
    )
    for name in ("search", "title part", "claim"):
        question = _questions(connection)[name]
        show_plan(connection, question, title=f"{name}, 50 k ideas")


def _questions(connection: Connection[Any]) -> dict[str, Question]:
    """Return the queries of pages and workers, by what they are called here."""
    row = connection.execute(
        "SELECT idea.user_id, idea.id FROM ideas.business_ideas AS idea LIMIT 1"
    ).fetchone()
    user, idea = row or (None, None)
    return {
        "search": partial(search.search_ideas, q="zeppelin logistics"),
        "title part": partial(business_ideas.list_ideas, title="eppelin logis"),
        "list": business_ideas.list_ideas,
        "user's list": partial(business_ideas.list_ideas, user_id=user),
        "one idea": partial(business_ideas.get_idea_complete, idea_id=idea),
        "users": users.list_users,
        "insights": partial(tasks.insights_containing, pattern={"region": 7}),
        "latest evaluations": stats.evaluation_summary,
        "agents, a month": partial(
            stats.agent_performance,
            done_from=_NOW - timedelta(days=30),
            done_before=_NOW,
        ),
        "dashboard": stats.dashboard_stats,
        "start": partial(evaluations.start_evaluations, limit_rows=1),
        "claim": partial(
            tasks.claim_agent_tasks,
            agent_types=list(_AGENTS),
            worker="w",
            limit_rows=1,
        ),
        "claim, 5 tasks": partial(claim, agents=list(_AGENTS), worker="w", limit=5),
    }
