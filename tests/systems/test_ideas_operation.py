"""How `ideas` is run: deployed, limited, watched, asked by strangers, documented."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString, TypeAlias

import click
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import drystone
from drystone.cli import cli
from drystone.database.session import connect
from drystone.errors import BadInput, StatementTimeout
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.queries.runtime import JsonInput
from drystone.settings import Settings
from drystone.systems import shipped
from drystone.systems.core import health
from drystone.systems.ideas import business_ideas, search, stats, tasks, users
from drystone.systems.ideas.types import IdeaStatus
from tests.conftest import PROJECT
from tests.systems.catalogs import without_comment
from tests.systems.ideas_factories import (
    AGENTS,
    DESCRIPTION,
    HASH,
    add_evaluation,
    add_idea,
    add_user,
    complete_all,
    take,
)
from tests.systems.named_queries import NamedQueries
from tests.systems.plans import explained, explained_without_indexes
from tests.systems.rows import found, seed_id, value

Connection: TypeAlias = psycopg.Connection[Any]

MIGRATIONS = sorted((shipped("migrations") / "ideas").glob("*.sql"))
NAMED = NamedQueries("ideas")


# --- Deployment -----------------------------------------------------------------


@pytest.fixture
def platform(own: Connection) -> Iterator[str]:
    """A URL like the one that was asked for: own database, own role, own password."""
    suffix = secrets.token_hex(4)
    role, name = f"dev_user_{suffix}", f"ai_validation_platform_{suffix}"
    role_id, name_id = sql.Identifier(role), sql.Identifier(name)
    create = "CREATE ROLE {} LOGIN PASSWORD 'dev_password'"
    own.execute(sql.SQL(create).format(role_id))
    own.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8'").format(name_id, role_id)
    )
    info = own.info
    # Where vector is not trusted, a superuser installs it; the migration leaves it be.
    with connect(f"{info.dsn} dbname={name}", Settings()) as owner:
        owner.execute("CREATE EXTENSION vector")
    yield make_conninfo(
        "",
        host=info.host,
        port=info.port,
        user=role,
        dbname=name,
        password="dev_password",
    )
    drop = "DROP DATABASE {} WITH (FORCE)"
    own.execute(sql.SQL(drop).format(name_id))
    own.execute(sql.SQL("DROP ROLE {}").format(role_id))


def test_a_role_of_its_own_migrates_and_uses_a_database_of_any_name(
    platform: str, settings: Settings
) -> None:
    """002-01, 002-03, 002-16, 002-25"""
    migrations = read_migrations([shipped("migrations")])
    done = runner.migrate(platform, settings, migrations, systems=["ideas"])
    assert {each.id.partition("-")[0] for each in done} == {"core", "ideas"}
    with connect(platform, settings) as session:
        assert value(session, "SHOW server_encoding") == "UTF8"
        assert value(session, "SELECT current_database()").startswith("ai_validation")
        evaluation = add_evaluation(session)
        assert complete_all(session).id == evaluation


def test_files_are_named_for_what_they_do_and_say_what_they_cost() -> None:
    """002-03, 002-15, 002-18"""
    assert len(MIGRATIONS) == 16
    for file in MIGRATIONS:
        assert re.fullmatch(
            r"ideas-\d{4}-(create|add|drop|alter|grant)(-[a-z]+)+(\.rollback)?\.sql",
            file.name,
        )
        text = file.read_text(encoding="utf-8")
        for word in ("Lock: ", "Rewrites: "):
            assert word in text
        other = "Loses: " if ".rollback" in file.name else "Rollback: "
        assert other in text


def test_what_continuous_integration_runs_is_what_proves_migrations() -> None:
    """002-17"""
    run = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)$", run, re.MULTILINE)
    assert targets == ["check", "test"]
    for target in targets:
        assert re.search(rf"^{target}: ", makefile, re.MULTILINE)
    proofs = (PROJECT / "tests" / "migrations" / "test_proof.py").read_text()
    assert "def test_every_shipped_migration_is_proven(" in proofs


# --- Limits ---------------------------------------------------------------------


def test_a_query_that_waits_too_long_is_cancelled_and_changes_nothing(
    ideas: Connection, database_url: str
) -> None:
    """002-21, 002-45"""
    idea = seed_id("b", 6)
    assert Settings().statement_timeout == 30
    assert value(ideas, "SHOW statement_timeout") == "30s"
    with (
        connect(database_url, Settings(statement_timeout=0.1)) as hurried,
        ideas.transaction(),
    ):
        business_ideas.update_idea(ideas, idea_id=idea, title="First")
        with pytest.raises(StatementTimeout) as caught:
            business_ideas.update_idea(hurried, idea_id=idea, title="Second")
        assert caught.value.sqlstate == "57014"
        assert caught.value.query == "ideas.business_ideas.update_idea"
        assert found(business_ideas.get_idea(hurried, idea_id=idea)).title != "Second"
    assert found(business_ideas.get_idea(ideas, idea_id=idea)).title == "First"


def test_the_database_tells_how_it_is(ideas: Connection) -> None:
    """002-22, 002-38"""
    state = found(health.db_health(ideas))
    assert state.database_name == ideas.info.dbname
    use = found(health.db_connections(ideas))
    assert 1 <= use.total <= found(use.max_connections)
    sizes = {row.table_name for row in health.db_sizes(ideas)}
    assert {"users", "business_ideas", "evaluations", "agent_results"} <= sizes


# --- Strangers ------------------------------------------------------------------

HOSTILE = (
    "'; DROP TABLE ideas.users; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(10); --",
    "$1 $$ :user_id %s %(x)s {0} ${jndi:ldap://x}",
    "/* */ -- \n ; COMMIT; \r\n",
    "Robert'); DELETE FROM ideas.business_ideas; --",
    "<script>alert(1)</script>",
    "\u202egnp.exe \ufeff \u0301",
    "%_\\%",
)


def test_hostile_text_is_text(ideas: Connection) -> None:
    """002-07, 002-35, 002-52"""
    owner = add_user(ideas, name=HOSTILE[0])
    for text in HOSTILE:
        title, description = f"T {text} T", text + DESCRIPTION
        idea = add_idea(ideas, user_id=owner, title=title, description=description)
        stored = found(business_ideas.get_idea(ideas, idea_id=idea))
        assert (stored.title, stored.description) == (title, description)
        named = business_ideas.list_ideas(ideas, title=text)
        assert idea in {row.id for row in named}
        search.search_ideas(ideas, q=text)
        assert not users.email_taken(ideas, email=text)
        assert not tasks.insights_containing(ideas, pattern={text: text})
        today = stored.created_at.date()
        (day,) = stats.score_series(
            ideas, bucket="day", done_from=today, done_to=today, agent_type=text
        )
        assert day.results == 0
        with pytest.raises(BadInput):
            business_ideas.list_ideas(ideas, order=text)  # type: ignore[call-overload]
    assert [row.id for row in users.list_users(ideas, name=HOSTILE[0])] == [owner]
    assert users.count_users(ideas) == 4
    assert business_ideas.count_ideas(ideas) == 6 + len(HOSTILE)


def test_what_no_text_can_hold_is_refused(ideas: Connection) -> None:
    """002-35, 002-45"""
    for text in ("nul \x00" * 20, "lone \ud800" * 20):
        with pytest.raises(BadInput):
            add_idea(ideas, user_id=seed_id("a", 1), description=text)
    assert business_ideas.count_ideas(ideas) == 6


# --- Replicas -------------------------------------------------------------------


def test_reads_that_may_be_a_moment_old_are_marked_for_replicas() -> None:
    """002-26"""
    marked = NAMED.for_replicas()
    assert {
        "get_idea_complete",
        "list_ideas",
        "search_ideas",
        "dashboard_stats",
    } <= marked
    # What somebody acts upon must be as it is now.
    assert not marked & {"find_login", "evaluation_progress", "abandoned_evaluations"}


def test_what_is_marked_runs_where_nothing_can_be_written(
    ideas: Connection, database_url: str
) -> None:
    """002-26"""
    with connect(database_url, Settings()) as replica:
        replica.execute("SET default_transaction_read_only = on")
        assert found(business_ideas.get_idea(replica, idea_id=seed_id("b", 1))).title
        assert len(business_ideas.list_ideas(replica, title="a")) == 6
        assert found(stats.dashboard_stats(replica)).ideas == 6
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            replica.execute("DELETE FROM ideas.users")
        assert NAMED.locking_for_replicas(replica) == set()


# --- Plans ----------------------------------------------------------------------

MANY: LiteralString = """
SET session_replication_role = replica;

INSERT INTO ideas.business_ideas (user_id, title, description, status, created_at)
SELECT
    account.id,
    'Idea number ' || n || CASE WHEN n % 500 = 0 THEN ' about zeppelins' ELSE '' END,
    repeat('A description of some length. ', 5 + n % 20),
    CASE WHEN n % 50 = 0 THEN 'draft' ELSE 'completed' END::ideas.idea_status,
    now() - make_interval(mins => n)
FROM generate_series(1, 3000) AS n
CROSS JOIN LATERAL (
    SELECT id FROM ideas.users ORDER BY id LIMIT 1 OFFSET 1 + n % 2
) AS account;

INSERT INTO ideas.evaluations (
    business_idea_id, started_at, completed_at, status, results
)
SELECT id, created_at, created_at, 'completed', '{}'
FROM ideas.business_ideas
WHERE status = 'completed' AND title LIKE 'Idea number%';

INSERT INTO ideas.agent_results (
    evaluation_id, agent_type, status, score, output_data, insights, started_at,
    completed_at
)
SELECT
    evaluation.id, 'market-research', 'completed', 50, '{}',
    jsonb_build_object('region', row_number() OVER ()), now(), now()
FROM ideas.evaluations AS evaluation
WHERE results = '{}';

RESET session_replication_role;
"""

# Until a vacuum, what is new in a GIN index lies in a list that is read as a whole.
VACUUM: LiteralString = """
VACUUM (ANALYZE) ideas.business_ideas, ideas.evaluations, ideas.agent_results
"""


def add_many(connection: Connection) -> None:
    connection.execute(MANY)
    connection.execute(VACUUM)


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "business_ideas_fts_idx": lambda c: search.search_ideas(c, q="zeppelins"),
    "business_ideas_title_trigrams_idx": lambda c: business_ideas.list_ideas(
        c, title="zeppelin"
    ),
    "business_ideas_created_at_id_idx": lambda c: business_ideas.list_ideas(c),
    "business_ideas_user_id_created_at_id_idx": lambda c: business_ideas.list_ideas(
        c, user_id=seed_id("a", 1)
    ),
    "business_ideas_status_created_at_id_idx": lambda c: business_ideas.list_ideas(
        c, status=IdeaStatus.DRAFT
    ),
    "agent_results_insights_idx": lambda c: tasks.insights_containing(
        c, pattern={"region": 1000}
    ),
    "agent_results_agent_type_run_at_id_idx": lambda c: tasks.claim_agent_tasks(
        c, agent_types=["market-research"], worker="w", limit_rows=1
    ),
    "evaluations_created_at_id_idx": lambda c: stats.evaluation_summary(c),
}


def test_pages_and_claims_read_by_index_a_fraction_of_what_they_would_without(
    ideas: Connection,
) -> None:
    """002-12, 002-34, 002-43, 002-51"""
    add_many(ideas)
    for index, ask in QUESTIONS.items():
        plan = explained(ideas, ask)
        without = explained_without_indexes(ideas, ask)
        assert index in plan.indexes - without.indexes, index
        assert 2 * plan.blocks < without.blocks, index


def test_the_first_page_costs_the_same_with_a_hundred_times_the_rows(
    ideas: Connection,
) -> None:
    """002-34, 002-43, 002-51"""

    def most_rows() -> int:
        plan = explained(ideas, lambda c: business_ideas.list_ideas(c, limit_rows=5))
        return max(int(node["Actual Rows"]) for node in plan.nodes)

    ideas.execute("SET enable_seqscan = off; SET enable_sort = off")
    few = most_rows()
    add_many(ideas)
    ideas.execute("SET enable_seqscan = off; SET enable_sort = off")
    assert most_rows() == few == 5


# --- Tests and documents ----------------------------------------------------------


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_with_a_database_without_rows(
    connection: Connection, turn: int
) -> None:
    """002-39"""
    assert users.count_users(connection) == 0
    trail = "SELECT count(*) FROM core.audit_log WHERE schema_name = 'ideas'"
    assert value(connection, trail) == 0
    add_user(connection, email="the.same@example.org")
    assert value(connection, "SELECT current_database()") not in {
        *("drystone", "postgres", "ai_validation_platform")
    }


def test_factories_make_valid_rows_unless_told_otherwise(
    connection: Connection,
) -> None:
    """002-40"""
    assert len({add_user(connection) for _ in range(3)}) == 3
    named = add_user(connection, name="Ada", email="ada@example.org")
    assert found(users.get_user(connection, user_id=named)).name == "Ada"
    idea = add_idea(connection, user_id=named, title="Tea")
    assert found(business_ideas.get_idea(connection, idea_id=idea)).title == "Tea"
    evaluation = add_evaluation(connection, input_data={"depth": 2})
    task = take(connection, AGENTS[2])
    assert (task.evaluation_id, task.input_data) == (evaluation, {"depth": 2})
    assert complete_all(connection) is None  # one task is still held
    with pytest.raises(BadInput):
        add_user(connection, password_hash="hunter2")
    assert HASH.startswith("$argon2id$")


def test_every_query_is_run_by_a_test() -> None:
    """002-06, 002-33, 002-41, 002-47"""
    assert len(NAMED.queries) > 50
    assert NAMED.never_run(flows=["evaluating", "erasing"]) == set()


def test_every_table_type_function_and_query_says_what_it_is_for(
    connection: Connection,
) -> None:
    """002-18, 002-48"""
    assert without_comment(connection, "ideas") == []
    assert NAMED.without_documentation() == []


def test_every_command_is_documented() -> None:
    """002-18, 002-32, 002-48"""
    pages = [*PROJECT.glob("docs/*.md"), PROJECT / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    context = click.Context(cli)
    for command in cli.list_commands(context):
        assert re.search(rf"(drystone|make) {command}\b", text), command


def test_types_are_shared_with_other_packages() -> None:
    """002-49"""
    package = Path(drystone.__file__).parent
    assert (package / "py.typed").is_file()
    row = business_ideas.GetIdeaRow
    assert row.__annotations__["status"] == "IdeaStatus"
    assert [*IdeaStatus] == ["draft", "submitted", "evaluating", "completed"]
    given: JsonInput = {"any": [1, None]}
    assert given == {"any": [1, None]}
