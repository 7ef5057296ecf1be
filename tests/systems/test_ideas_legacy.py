"""The schema that `ideas` replaces: what it holds is taken over, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
import pytest

from drystone.database.session import connect
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import shipped
from drystone.systems.ideas import business_ideas, users
from tests.systems.ideas_factories import DESCRIPTION
from tests.systems.rows import found, value

Connection: TypeAlias = psycopg.Connection[Any]

# As tools/postgres-init/01-init-database.sql made it, with development data.
EARLIER = """
CREATE TABLE public.users (
    id uuid PRIMARY KEY,
    email varchar(255) UNIQUE NOT NULL,
    password_hash varchar(255),
    name varchar(255),
    created_at timestamp DEFAULT now()
);

CREATE TABLE public.business_evaluations (
    id uuid PRIMARY KEY,
    user_id uuid REFERENCES public.users (id),
    title text,
    description text,
    status varchar(50),
    urgency varchar(50),
    results jsonb,
    created_at timestamp DEFAULT '2025-07-01 12:00',
    completed_at timestamp
);

CREATE TABLE public.agent_executions (
    id uuid PRIMARY KEY,
    evaluation_id uuid REFERENCES public.business_evaluations (id),
    agent_type varchar(50),
    status varchar(50),
    input_data jsonb,
    output_data jsonb,
    score numeric,
    error_message text,
    created_at timestamp DEFAULT '2025-07-01 12:00',
    completed_at timestamp
);

INSERT INTO public.users (id, email, password_hash, name)
VALUES
    ('00000000-0000-4000-8000-00000000000a', 'ada@example.org', '$2b$12$x', 'Ada'),
    ('00000000-0000-4000-8000-00000000000b', 'bob@example.org', NULL, NULL),
    ('00000000-0000-4000-8000-00000000000c', 'nobody', NULL, NULL);

INSERT INTO public.business_evaluations (
    id, user_id, title, description, status, urgency, results, completed_at
)
SELECT
    ('00000000-0000-4000-8000-0000000000' || given.number)::uuid,
    ('00000000-0000-4000-8000-00000000000' || given.owner)::uuid,
    'Idea ' || given.number,
    repeat('x', given.length),
    given.status,
    given.urgency,
    given.results::jsonb,
    given.completed_at::timestamp
FROM (
    VALUES
        ('e1', 'a', 50, 'completed', 'medium', '{"overall_score": 72}', '2025-07-02'),
        ('e2', 'a', 5000, 'in_progress', 'high', NULL, NULL),
        ('e3', 'b', 80, 'completed', NULL, NULL, NULL),
        ('e4', 'b', 49, 'completed', 'low', '{}', NULL),
        ('e5', 'c', 80, 'completed', 'low', '{}', NULL)
) AS given (number, owner, length, status, urgency, results, completed_at);

INSERT INTO public.agent_executions (
    id, evaluation_id, agent_type, status, output_data, score, error_message
)
SELECT
    ('00000000-0000-4000-8000-0000000000' || given.number)::uuid,
    ('00000000-0000-4000-8000-0000000000' || given.evaluation)::uuid,
    given.agent,
    given.status,
    '{"text": "kept"}',
    given.score,
    given.error
FROM (
    VALUES
        ('f1', 'e1', 'market_research', 'completed', 72, NULL),
        ('f2', 'e1', 'Financial Analysis', 'failed', NULL, 'no prices'),
        ('f3', 'e2', 'market-research', 'running', NULL, NULL),
        ('f4', 'e1', 'astrology', 'completed', 99, NULL),
        ('f5', 'e3', 'market-research', 'completed', 101, NULL),
        ('f6', 'e4', 'market-research', 'completed', 50, NULL)
) AS given (number, evaluation, agent, status, score, error);
"""


def key(number: str) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:>012}")


@pytest.fixture
def replaced(empty_url: str) -> Iterator[Connection]:
    """A database with the earlier schema, migrated while its data was in place."""
    migrations = read_migrations([shipped("migrations")])
    with connect(empty_url, Settings()) as session:
        session.execute(EARLIER)
        runner.migrate(empty_url, Settings(), migrations, systems=["ideas"])
        yield session


def rejects(connection: Connection) -> dict[str, str]:
    """Why rows were rejected, by the end of their ids."""
    rows = connection.execute("SELECT legacy_id, reason FROM ideas.legacy_rejects")
    return {legacy_id[-2:]: reason for legacy_id, reason in rows}


def imported(connection: Connection, schema: str = "public") -> dict[str, Any]:
    rows = connection.execute(
        "SELECT legacy_table, imported, rejected FROM ideas.import_legacy(%s)", [schema]
    )
    return {table: (taken, refused) for table, taken, refused in rows}


def test_the_migration_takes_the_earlier_data_over(replaced: Connection) -> None:
    """002-13, 002-44"""
    ada = found(users.find_login(replaced, email="ada@example.org"))
    assert (ada.id, ada.name, ada.password_hash) == (key("a"), "Ada", "$2b$12$x")
    bob = found(users.find_login(replaced, email="bob@example.org"))
    assert (bob.name, bob.password_hash) == ("bob@example.org", "$none$")

    done = found(business_ideas.get_idea_complete(replaced, idea_id=key("e1")))
    assert (done.title, done.description, done.status) == (
        *("Idea e1", "x" * 50),
        "completed",
    )
    (evaluation,) = done.evaluations
    assert (evaluation.status, evaluation.priority) == ("completed", "normal")
    assert evaluation.results == {"overall_score": 72}
    results = {each.agent_type: each for each in evaluation.agent_results}
    assert results["market-research"].score == 72
    assert results["financial-analysis"].error_message == "no prices"

    # What had not finished is kept as it stood, and can be submitted again.
    broken = found(business_ideas.get_idea_complete(replaced, idea_id=key("e2")))
    assert broken.status == "draft"
    (evaluation,) = broken.evaluations
    assert (evaluation.status, evaluation.priority) == ("failed", "high")
    assert [each.status for each in evaluation.agent_results] == ["failed"]


def test_what_cannot_be_taken_over_is_kept_with_the_reason(
    replaced: Connection,
) -> None:
    """002-13, 002-35, 002-44"""
    reasons = rejects(replaced)
    assert reasons.keys() == {"0c", "e4", "e5", "f4", "f5", "f6"}
    assert "users_email_check" in reasons["0c"]
    assert "business_ideas_description_check" in reasons["e4"]
    assert "user_id" in reasons["e5"]
    assert "agent_results_agent_type_fkey" in reasons["f4"]
    assert "agent_results_score_check" in reasons["f5"]
    assert "agent_results_evaluation_id_fkey" in reasons["f6"]
    original = value(
        replaced,
        "SELECT original FROM ideas.legacy_rejects WHERE legacy_id = %s",
        str(key("f5")),
    )
    assert (original["score"], original["output_data"]) == (101, {"text": "kept"})
    assert value(replaced, "SELECT count(*) FROM public.business_evaluations") == 5


def test_the_import_can_be_run_again_when_rows_were_mended(
    replaced: Connection,
) -> None:
    """002-13, 002-44"""
    again = imported(replaced)
    assert [taken for taken, _ in again.values()] == [0, 0, 0]
    replaced.execute(
        "UPDATE public.users SET email = 'cy@example.org' WHERE name IS NULL"
        " AND email = 'nobody'"
    )
    replaced.execute("UPDATE public.agent_executions SET score = 100 WHERE score = 101")
    assert imported(replaced) == {
        "users": (1, 0),
        "business_evaluations": (1, 1),
        "agent_executions": (1, 2),
    }
    assert rejects(replaced).keys() == {"e4", "f4", "f6"}
    # What its owner has done since is not undone.
    business_ideas.update_idea(replaced, idea_id=key("e1"), title="Renamed")
    business_ideas.soft_delete_idea(replaced, idea_id=key("e3"))
    assert [taken for taken, _ in imported(replaced).values()] == [0, 0, 0]
    assert (
        found(business_ideas.get_idea(replaced, idea_id=key("e1"))).title == "Renamed"
    )


def test_an_earlier_schema_with_numbers_and_other_columns_is_taken_over_too(
    connection: Connection,
) -> None:
    """002-13, 002-44"""
    assert imported(connection) == {}  # there is none in public
    connection.execute(
        f"""
        CREATE SCHEMA old;
        CREATE TABLE old.users AS SELECT 7 AS id, 'ada@example.org' AS email;
        CREATE TABLE old.business_evaluations AS
        SELECT 1 AS id, 7 AS user_id, 'Tea' AS title, '{DESCRIPTION}' AS description;
        CREATE TABLE old.agent_executions AS
        SELECT 1 AS id, 1 AS evaluation_id, 'market-research' AS agent_type
        """.encode()
    )
    one_each = dict.fromkeys(
        ("users", "business_evaluations", "agent_executions"), (1, 0)
    )
    assert imported(connection, "old") == one_each
    assert imported(connection, "old") == dict.fromkeys(one_each, (0, 0))
    (idea,) = business_ideas.list_ideas(connection, title="tea")
    assert idea.status == "draft"


def test_the_import_goes_back_and_forward_with_data_in_place(
    replaced: Connection, empty_url: str
) -> None:
    """002-14, 002-44"""
    migrations = read_migrations([shipped("migrations")])
    before = "ideas-0006-create-agent-results"
    runner.rollback(empty_url, Settings(), migrations, to=before)
    assert value(replaced, "SELECT to_regclass('ideas.legacy_rejects') IS NULL")
    assert business_ideas.count_ideas(replaced) == 3
    runner.migrate(empty_url, Settings(), migrations, systems=["ideas"])
    assert business_ideas.count_ideas(replaced) == 3
    assert rejects(replaced).keys() == {"0c", "e4", "e5", "f4", "f5", "f6"}
