"""The tables of `ideas`: what they hold and refuse, what follows from a change."""

from __future__ import annotations

from typing import Any, LiteralString, TypeAlias

import psycopg
import pytest

from drystone.errors import BadInput, CheckViolation, ForeignKeyViolation
from drystone.systems.core import audit
from drystone.systems.ideas import business_ideas, evaluations, tasks, users
from drystone.systems.ideas.evaluating import submit
from drystone.systems.ideas.inputs import BusinessIdeasInsert, UsersInsert
from drystone.systems.ideas.types import IdeaStatus
from tests.systems.catalogs import broken_rule, rules
from tests.systems.ideas_factories import (
    DESCRIPTION,
    HASH,
    add_evaluation,
    add_idea,
    add_user,
    complete_all,
)
from tests.systems.rows import found, seed_id, value

Connection: TypeAlias = psycopg.Connection[Any]

TABLES = ("users", "business_ideas", "evaluations", "agent_results")

# Each breaks one rule on the development seed, and no other.
VIOLATIONS: dict[str, LiteralString] = {
    "users_pkey": """
        INSERT INTO ideas.users (id, email, password_hash, name)
        SELECT account.id, 'x' || account.email, '$x$', 'X' FROM ideas.users AS account
    """,
    "users_email_check": "UPDATE ideas.users SET email = 'nobody@ example.org'",
    "users_password_hash_check": "UPDATE ideas.users SET password_hash = 'hunter2'",
    "users_name_check": "UPDATE ideas.users SET name = '   '",
    "users_lower_email_key": """
        INSERT INTO ideas.users (email, password_hash, name)
        VALUES ('LIN.MEI@example.org', '$x$', 'Another')
    """,
    "business_ideas_pkey": """
        INSERT INTO ideas.business_ideas (id, user_id, title, description)
        SELECT idea.id, idea.user_id, idea.title, idea.description
        FROM ideas.business_ideas AS idea
    """,
    "business_ideas_user_id_fkey": """
        UPDATE ideas.business_ideas SET user_id = gen_random_uuid()
    """,
    "business_ideas_title_check": """
        UPDATE ideas.business_ideas SET title = repeat('x', 501)
    """,
    "business_ideas_description_check": """
        UPDATE ideas.business_ideas SET description = repeat(' ', 30) || repeat('x', 49)
    """,
    "business_ideas_embedding_check": """
        UPDATE ideas.business_ideas
        SET embedding = array_fill(0, ARRAY[384])::real[]::vector
    """,
    "agent_types_pkey": """
        INSERT INTO ideas.agent_types (agent_type) VALUES ('market-research')
    """,
    "agent_types_agent_type_check": """
        INSERT INTO ideas.agent_types (agent_type) VALUES ('Market Research')
    """,
    "agent_types_weight_check": "UPDATE ideas.agent_types SET weight = 0",
    "agent_types_max_running_check": "UPDATE ideas.agent_types SET max_running = 0",
    "agent_types_max_attempts_check": "UPDATE ideas.agent_types SET max_attempts = 51",
    "agent_types_backoff_ms_check": "UPDATE ideas.agent_types SET backoff_ms = -1",
    "agent_types_lease_s_check": "UPDATE ideas.agent_types SET lease_s = 0",
    "evaluations_pkey": """
        INSERT INTO ideas.evaluations (id, business_idea_id)
        SELECT evaluation.id, idea.id
        FROM ideas.evaluations AS evaluation, ideas.business_ideas AS idea
        WHERE idea.status = 'draft'
    """,
    "evaluations_business_idea_id_revision_key": """
        INSERT INTO ideas.evaluations (business_idea_id)
        SELECT idea.id FROM ideas.business_ideas AS idea WHERE idea.status = 'completed'
    """,
    "evaluations_business_idea_id_live_key": """
        INSERT INTO ideas.evaluations (business_idea_id, revision)
        SELECT idea.id, 2
        FROM ideas.business_ideas AS idea
        WHERE idea.status = 'evaluating'
    """,
    "evaluations_business_idea_id_fkey": """
        INSERT INTO ideas.evaluations (business_idea_id) VALUES (gen_random_uuid())
    """,
    "evaluations_revision_check": "UPDATE ideas.evaluations SET revision = 0",
    "evaluations_started_at_check": """
        UPDATE ideas.evaluations SET started_at = NULL WHERE status = 'analyzing'
    """,
    "evaluations_completed_at_check": """
        UPDATE ideas.evaluations SET completed_at = now() WHERE status = 'analyzing'
    """,
    "evaluations_started_at_completed_at_check": """
        UPDATE ideas.evaluations SET completed_at = started_at - INTERVAL '1 second'
    """,
    "evaluations_results_check": """
        UPDATE ideas.evaluations SET results = '[]' WHERE status = 'completed'
    """,
    "evaluations_error_message_check": """
        UPDATE ideas.evaluations SET error_message = 'x' WHERE status = 'pending'
    """,
    "agent_results_pkey": """
        INSERT INTO ideas.agent_results (id, evaluation_id, agent_type)
        SELECT result.id, result.evaluation_id, 'new-agent'
        FROM ideas.agent_results AS result
    """,
    "agent_results_evaluation_id_agent_type_key": """
        INSERT INTO ideas.agent_results (evaluation_id, agent_type)
        SELECT result.evaluation_id, result.agent_type
        FROM ideas.agent_results AS result
    """,
    "agent_results_evaluation_id_fkey": """
        INSERT INTO ideas.agent_results (evaluation_id, agent_type)
        VALUES (gen_random_uuid(), 'market-research')
    """,
    "agent_results_agent_type_fkey": """
        UPDATE ideas.agent_results
        SET agent_type = 'astrology'
        WHERE agent_type = 'market-research'
    """,
    "agent_results_attempts_check": "UPDATE ideas.agent_results SET attempts = -1",
    "agent_results_locked_by_check": """
        UPDATE ideas.agent_results SET locked_by = NULL WHERE status = 'running'
    """,
    "agent_results_lease_until_check": """
        UPDATE ideas.agent_results SET lease_until = NULL WHERE status = 'running'
    """,
    "agent_results_score_check": """
        UPDATE ideas.agent_results SET score = 'NaN' WHERE status = 'completed'
    """,
    "agent_results_status_score_check": """
        UPDATE ideas.agent_results SET score = 50 WHERE status = 'pending'
    """,
    "agent_results_output_data_check": """
        UPDATE ideas.agent_results SET output_data = NULL WHERE status = 'completed'
    """,
    "agent_results_insights_check": "UPDATE ideas.agent_results SET insights = '[]'",
    "agent_results_started_at_check": """
        UPDATE ideas.agent_results SET started_at = NULL WHERE status = 'running'
    """,
    "agent_results_completed_at_check": """
        UPDATE ideas.agent_results SET completed_at = now() WHERE status = 'running'
    """,
    "agent_results_started_at_completed_at_check": """
        UPDATE ideas.agent_results SET completed_at = started_at - INTERVAL '1 second'
    """,
    "agent_results_error_message_check": """
        UPDATE ideas.agent_results SET error_message = NULL WHERE status = 'failed'
    """,
    "legacy_rejects_pkey": """
        INSERT INTO ideas.legacy_rejects (table_name, legacy_id, reason, original)
        VALUES ('users', '1', 'x', '{}'), ('users', '1', 'y', '{}')
    """,
    "legacy_rejects_original_check": """
        INSERT INTO ideas.legacy_rejects (table_name, legacy_id, reason, original)
        VALUES ('users', '1', 'x', '[]')
    """,
}


def test_a_row_that_breaks_a_rule_is_refused_by_its_name(ideas: Connection) -> None:
    """002-12, 002-35, 002-42"""
    ideas.execute("INSERT INTO ideas.agent_types (agent_type) VALUES ('new-agent')")
    broken = {
        rule: broken_rule(ideas, statement) for rule, statement in VIOLATIONS.items()
    }
    assert broken == {rule: rule for rule in VIOLATIONS}


def test_every_constraint_has_a_row_that_breaks_it(connection: Connection) -> None:
    """002-12, 002-42"""
    assert rules(connection, "ideas") == set(VIOLATIONS)


COLUMNS = {
    "users": "id email password_hash name created_at updated_at",
    "business_ideas": "id user_id title description status created_at updated_at",
    "evaluations": "id business_idea_id status priority started_at completed_at results"
    " error_message created_at updated_at",
    "agent_results": "id evaluation_id agent_type status input_data output_data score"
    " insights started_at completed_at error_message created_at updated_at",
}


DOCUMENTS = {"results", "input_data", "output_data", "insights"}


def test_the_four_tables_have_the_columns_that_were_asked_for(
    connection: Connection,
) -> None:
    """002-02, 002-08, 002-09, 002-10, 002-11"""
    for table in TABLES:
        rows = connection.execute(
            """
            SELECT column_name, data_type
            FROM information_schema.columns
            WHERE table_schema = 'ideas' AND table_name = %s
            """,
            [table],
        )
        types = dict(rows.fetchall())
        assert set(COLUMNS[table].split()) <= types.keys()
        assert types["id"] == "uuid"
        assert {types[name] for name in types.keys() & DOCUMENTS} <= {"jsonb"}


def test_what_is_not_said_has_its_default(connection: Connection) -> None:
    """002-09, 002-10, 002-11"""
    evaluation = found(
        evaluations.get_evaluation(connection, evaluation_id=add_evaluation(connection))
    )
    assert (evaluation.status, evaluation.priority) == ("pending", "normal")
    progress = evaluations.evaluation_progress(connection, evaluation_id=evaluation.id)
    assert {each.status for each in progress} == {"pending"}
    assert value(
        connection,
        "SELECT status FROM ideas.business_ideas WHERE id = %s",
        add_idea(connection),
    ) == ("draft")


def test_every_foreign_key_and_every_usual_filter_has_an_index(
    connection: Connection,
) -> None:
    """002-12"""
    rows = connection.execute(
        """
        SELECT DISTINCT relation.relname, attribute.attname
        FROM pg_catalog.pg_index AS entry
        INNER JOIN pg_catalog.pg_class AS relation
            ON relation.oid = entry.indrelid
        INNER JOIN pg_catalog.pg_attribute AS attribute
            ON attribute.attrelid = relation.oid
            AND attribute.attnum = entry.indkey[0]
        WHERE relation.relnamespace = 'ideas'::regnamespace
        """
    )
    assert {
        ("users", "created_at"),
        ("business_ideas", "user_id"),
        ("business_ideas", "status"),
        ("business_ideas", "created_at"),
        ("evaluations", "business_idea_id"),
        ("evaluations", "status"),
        ("evaluations", "created_at"),
        ("agent_results", "evaluation_id"),
        ("agent_results", "agent_type"),
    } <= set(rows.fetchall())


# --- Lengths --------------------------------------------------------------------


def test_a_description_has_50_to_5000_characters_not_bytes(
    own: Connection,
) -> None:
    """002-09, 002-35"""
    owner = add_user(own)
    for letter in "xé漢🐘":
        for length in (50, 5000):
            add_idea(own, user_id=owner, description=letter * length)
        for length in (49, 5001):
            with pytest.raises(CheckViolation) as caught:
                add_idea(own, user_id=owner, description=letter * length)
            assert caught.value.constraint == "business_ideas_description_check"
    assert business_ideas.count_ideas(own, user_id=owner) == 8


@pytest.mark.parametrize("length", [0, 49, 50, 5000, 5001])
def test_the_input_model_draws_the_same_line(length: int) -> None:
    """002-09, 002-35, 002-49"""
    row = {"user_id": seed_id("a", 1), "title": "X", "description": "ü" * length}
    if 50 <= length <= 5000:
        assert BusinessIdeasInsert.parse(row).description == "ü" * length
    else:
        with pytest.raises(BadInput, match="description"):
            BusinessIdeasInsert.parse(row)


def test_a_bare_password_is_refused_and_not_told(connection: Connection) -> None:
    """002-07, 002-35"""
    with pytest.raises(CheckViolation) as caught:
        add_user(connection, password_hash="hunter2")
    assert caught.value.constraint == "users_password_hash_check"
    assert "hunter2" not in str(caught.value)
    given = {"email": "a@example.org", "password_hash": "hunter2", "name": "A"}
    with pytest.raises(BadInput) as refused:
        UsersInsert.parse(given)
    assert "hunter2" not in str(refused.value)


# --- States ---------------------------------------------------------------------

STEPS: dict[str, tuple[LiteralString, LiteralString]] = {
    "evaluations_status_step": (
        """
        UPDATE ideas.evaluations
        SET status = 'analyzing', completed_at = NULL, results = NULL
        WHERE status = 'completed'
        """,
        """
        UPDATE ideas.evaluations
        SET
            status = 'completed',
            started_at = now(),
            completed_at = now(),
            results = '{}'
        WHERE status = 'pending'
        """,
    ),
    "agent_results_status_step": (
        """
        UPDATE ideas.agent_results
        SET status = 'pending', completed_at = NULL, score = NULL
        WHERE status = 'completed'
        """,
        """
        UPDATE ideas.agent_results
        SET
            status = 'completed',
            started_at = now(),
            completed_at = now(),
            score = 1,
            output_data = '{}'
        WHERE status = 'pending'
        """,
    ),
    "business_ideas_status_own": (
        "UPDATE ideas.business_ideas SET status = 'completed' WHERE status = 'draft'",
        """
        INSERT INTO ideas.business_ideas (user_id, title, description, status)
        SELECT idea.user_id, idea.title, idea.description, 'submitted'
        FROM ideas.business_ideas AS idea
        """,
    ),
}


def test_a_step_that_does_not_exist_is_refused_as_a_broken_rule(
    ideas: Connection,
) -> None:
    """002-10, 002-11, 002-35"""
    for rule, statements in STEPS.items():
        broken = [broken_rule(ideas, statement) for statement in statements]
        assert broken == [rule, rule]


def test_an_idea_has_the_status_that_its_evaluations_make(
    connection: Connection,
) -> None:
    """002-09, 002-10"""

    def status() -> IdeaStatus:
        return found(business_ideas.get_idea(connection, idea_id=idea)).status

    idea = add_idea(connection)
    assert status() == "draft"
    (first,) = submit(connection, [idea])
    assert status() == "submitted"
    evaluations.start_evaluations(connection, limit_rows=1)
    assert status() == "evaluating"
    complete_all(connection)
    assert status() == "completed"
    (second,) = submit(connection, [idea])
    assert (second.revision, status()) == (2, "submitted")
    evaluations.fail_evaluation(connection, evaluation_id=second.id, error="given up")
    assert status() == "completed"
    evaluations.soft_delete_evaluation(connection, evaluation_id=first.id)
    assert status() == "draft"


# --- Deletion -------------------------------------------------------------------


def alive(connection: Connection) -> dict[str, int]:
    """How many rows of each table are not deleted."""
    return {
        "users": value(
            connection, "SELECT count(*) FROM ideas.users WHERE deleted_at IS NULL"
        ),
        "business_ideas": value(
            connection,
            "SELECT count(*) FROM ideas.business_ideas WHERE deleted_at IS NULL",
        ),
        "evaluations": value(
            connection,
            "SELECT count(*) FROM ideas.evaluations WHERE deleted_at IS NULL",
        ),
        "agent_results": value(
            connection,
            "SELECT count(*) FROM ideas.agent_results WHERE deleted_at IS NULL",
        ),
    }


def test_what_belongs_to_a_user_is_deleted_and_restored_with_the_user(
    ideas: Connection,
) -> None:
    """002-37, 002-42"""
    user = seed_id("a", 1)
    assert business_ideas.soft_delete_idea(ideas, idea_id=seed_id("b", 1)) == 1
    before = alive(ideas)
    assert users.soft_delete_user(ideas, user_id=user) == 1
    assert alive(ideas) == {
        "users": 2,
        "business_ideas": 4,
        "evaluations": 3,
        "agent_results": 15,
    }
    assert users.get_user(ideas, user_id=user) is None
    assert users.soft_delete_user(ideas, user_id=user) == 0
    assert users.restore_user(ideas, user_id=user) == 1
    # What was deleted before, by itself, stays so.
    assert alive(ideas) == before
    assert business_ideas.restore_idea(ideas, idea_id=seed_id("b", 1)) == 1
    assert alive(ideas)["agent_results"] == 25


def test_an_evaluation_and_a_result_can_be_deleted_alone(ideas: Connection) -> None:
    """002-06, 002-37"""
    result, evaluation = seed_id("f", 1), seed_id("e", 2)
    assert tasks.soft_delete_agent_result(ideas, result_id=result) == 1
    assert tasks.get_agent_result(ideas, result_id=result) is None
    assert tasks.restore_agent_result(ideas, result_id=result) == 1
    assert tasks.get_agent_result(ideas, result_id=result) is not None
    assert evaluations.soft_delete_evaluation(ideas, evaluation_id=evaluation) == 1
    assert evaluations.get_evaluation(ideas, evaluation_id=evaluation) is None
    assert evaluations.restore_evaluation(ideas, evaluation_id=evaluation) == 1
    assert alive(ideas)["agent_results"] == 25


def test_nothing_lives_under_what_is_deleted(ideas: Connection) -> None:
    """002-37, 002-42"""
    users.soft_delete_user(ideas, user_id=seed_id("a", 3))
    with pytest.raises(ForeignKeyViolation) as caught:
        add_idea(ideas, user_id=seed_id("a", 3))
    assert caught.value.constraint == "business_ideas_user_id_live"
    with pytest.raises(ForeignKeyViolation):
        business_ideas.restore_idea(ideas, idea_id=seed_id("b", 5))
    with pytest.raises(ForeignKeyViolation) as caught:
        evaluations.restore_evaluation(ideas, evaluation_id=seed_id("e", 5))
    assert caught.value.constraint == "evaluations_business_idea_id_live"
    with pytest.raises(ForeignKeyViolation) as caught:
        tasks.restore_agent_result(ideas, result_id=seed_id("f", 0x25))
    assert caught.value.constraint == "agent_results_evaluation_id_live"


def test_a_deleted_users_address_is_free_until_it_is_restored(
    connection: Connection,
) -> None:
    """002-08, 002-37"""
    first = add_user(connection, email="ada@example.org")
    users.soft_delete_user(connection, user_id=first)
    add_user(connection, email="Ada@Example.org")
    with pytest.raises(BadInput) as caught:
        users.restore_user(connection, user_id=first)
    assert getattr(caught.value, "constraint", None) == "users_lower_email_key"


def test_deleting_a_row_for_good_takes_what_hangs_on_it_along(
    ideas: Connection,
) -> None:
    """002-42"""
    ideas.execute("DELETE FROM ideas.users WHERE id = %s", [seed_id("a", 1)])
    assert alive(ideas) == {
        "users": 2,
        "business_ideas": 4,
        "evaluations": 3,
        "agent_results": 15,
    }
    # Not an agent that results are of, however: 23503, since PostgreSQL 18 23001.
    assert broken_rule(ideas, "DELETE FROM ideas.agent_types") == (
        "agent_results_agent_type_fkey"
    )


def test_every_table_leaves_a_trail(ideas: Connection) -> None:
    """002-37"""
    users.soft_delete_user(ideas, user_id=seed_id("a", 1))
    keys = dict(zip(TABLES, "abef", strict=True))
    for table, kind in keys.items():
        trail = audit.audit_history(
            ideas,
            schema_name="ideas",
            table_name=table,
            row_pk=str(seed_id(kind, 1)),
            limit_rows=10,
        )
        assert {entry.op for entry in trail} == {"INSERT", "UPDATE"}
        assert any("deleted_at" in (entry.changed or []) for entry in trail)
        assert "seed$not-a-login" not in str(trail)
        assert "0.9,0.4,0.1" not in str(trail)  # an embedding


def test_a_changed_password_leaves_a_trail_without_its_hash(
    connection: Connection,
) -> None:
    """002-07, 002-37"""
    user = add_user(connection)
    new = "$argon2id$v=19$changed"
    users.update_user(connection, user_id=user, password_hash=new)
    trail = audit.audit_history(
        connection,
        schema_name="ideas",
        table_name="users",
        row_pk=str(user),
        limit_rows=10,
    )
    assert [entry.op for entry in trail] == ["UPDATE", "INSERT"]
    assert trail[0].changed == ["password_hash"]
    assert new not in str(trail)
    assert HASH not in str(trail)


def test_an_update_stamps_its_time(connection: Connection) -> None:
    """002-08, 002-09"""
    idea = add_idea(connection)
    before = found(business_ideas.get_idea(connection, idea_id=idea))
    after = found(
        business_ideas.update_idea(
            connection, idea_id=idea, description=DESCRIPTION + "!"
        )
    )
    assert after.updated_at > before.updated_at
    assert after.created_at == before.created_at
