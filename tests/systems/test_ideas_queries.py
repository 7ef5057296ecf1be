"""The named queries of `ideas`: data access for each model, search, numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias
from uuid import uuid4

import psycopg
import pytest

from drystone.errors import BadInput, CheckViolation, InvalidValue, UniqueViolation
from drystone.systems.core import audit
from drystone.systems.ideas import (
    agents,
    business_ideas,
    evaluations,
    search,
    stats,
    tasks,
    users,
)
from drystone.systems.ideas.business_ideas import BulkInsertIdeasSet
from drystone.systems.ideas.erasing import erase_user
from drystone.systems.ideas.types import EvaluationStatus
from tests.systems.ideas_factories import (
    AGENTS,
    DESCRIPTION,
    HASH,
    add_evaluation,
    add_idea,
    add_user,
)
from tests.systems.rows import found, seed_id, value

Connection: TypeAlias = psycopg.Connection[Any]

NOW = dt.datetime.now(dt.UTC)


def direction(*numbers: float) -> list[float]:
    return [*numbers, *[0.0] * (384 - len(numbers))]


# --- Users ----------------------------------------------------------------------


def test_a_user_is_created_read_changed_and_found_by_address(
    connection: Connection,
) -> None:
    """002-06, 002-08, 002-33, 002-41"""
    created = found(
        users.create_user(
            connection, email=" Ada@example.org ", password_hash=HASH, name=" Ada "
        )
    )
    # Blanks around them are nobody's intention.
    assert (created.email, created.name) == ("Ada@example.org", "Ada")
    assert found(users.get_user(connection, user_id=created.id)).name == "Ada"
    changed = found(users.update_user(connection, user_id=created.id, name="Ada L."))
    assert (changed.email, changed.name) == ("Ada@example.org", "Ada L.")
    login = found(users.find_login(connection, email="ADA@EXAMPLE.ORG"))
    assert (login.id, login.password_hash) == (created.id, HASH)
    assert users.get_user(connection, user_id=uuid4()) is None
    assert users.update_user(connection, user_id=uuid4(), name="X") is None


def test_an_address_is_taken_once_in_any_case(connection: Connection) -> None:
    """002-08, 002-35, 002-45"""
    ada = add_user(connection, email="ada@example.org")
    assert users.email_taken(connection, email="ADA@example.org") is True
    assert (
        users.email_taken(connection, email="ada@example.org", except_id=ada) is False
    )
    assert users.email_taken(connection, email="bob@example.org") is False
    with pytest.raises(UniqueViolation) as caught:
        add_user(connection, email="Ada@Example.Org")
    assert caught.value.constraint == "users_lower_email_key"
    assert "example" not in str(caught.value)


def test_users_come_in_pages_filtered_and_ordered(connection: Connection) -> None:
    """002-33, 002-34"""
    for name in ("Zoë", "Ada", "Mia", "Ben", "Eva"):
        add_user(connection, name=name, email=f"{name.lower()}@example.org")
    pages = [
        [
            row.name
            for row in users.list_users(
                connection, order="name", limit_rows=2, offset_rows=offset
            )
        ]
        for offset in (0, 2, 4)
    ]
    assert pages == [["Ada", "Ben"], ["Eva", "Mia"], ["Zoë"]]
    assert users.count_users(connection) == 5
    filters: dict[str, dict[str, Any]] = {
        "Zoë": {"email": "ZOË@"},
        "Eva": {"name": "ev"},
        "": {"created_before": NOW - dt.timedelta(days=1)},
    }
    for name, given in filters.items():
        rows = users.list_users(connection, **given)
        assert [row.name for row in rows] == ([name] if name else [])
        assert users.count_users(connection, **given) == len(rows)


# --- Ideas ----------------------------------------------------------------------


def test_an_idea_is_created_read_and_changed_unless_it_is_being_evaluated(
    ideas: Connection,
) -> None:
    """002-06, 002-09, 002-33, 002-41"""
    idea = add_idea(ideas, title="  Tea by drone  ", embedding=direction(1))
    row = found(business_ideas.get_idea(ideas, idea_id=idea))
    assert (row.title, row.status) == ("Tea by drone", "draft")
    changed = found(
        business_ideas.update_idea(ideas, idea_id=idea, title="Tea by post")
    )
    assert (changed.title, changed.description) == ("Tea by post", DESCRIPTION)
    evaluating = seed_id("b", 3)
    assert business_ideas.update_idea(ideas, idea_id=evaluating, title="X") is None
    assert business_ideas.get_idea(ideas, idea_id=uuid4()) is None


def test_an_idea_comes_with_its_user_its_evaluations_and_their_results(
    ideas: Connection,
) -> None:
    """002-33, 002-34"""
    idea = found(business_ideas.get_idea_complete(ideas, idea_id=seed_id("b", 2)))
    assert idea.user.name == "Amara Nwosu"
    (evaluation,) = idea.evaluations
    assert [each.agent_type for each in evaluation.agent_results] == list(AGENTS)
    failed = [each for each in evaluation.agent_results if each.status == "failed"]
    assert [each.agent_type for each in failed] == ["financial-analysis"]
    draft = found(business_ideas.get_idea_complete(ideas, idea_id=seed_id("b", 6)))
    assert draft.evaluations == []


def test_ideas_come_in_pages_filtered_and_ordered(ideas: Connection) -> None:
    """002-34"""

    def numbers(**given: Any) -> list[int]:
        rows = business_ideas.list_ideas(ideas, **given)
        paging = {"order", "limit_rows", "offset_rows"}
        filters = {key: each for key, each in given.items() if key not in paging}
        if "limit_rows" not in given:
            assert business_ideas.count_ideas(ideas, **filters) == len(rows)
        return [row.id.int & 0xF for row in rows]

    assert numbers() == [6, 5, 4, 3, 2, 1]
    assert numbers(order="oldest") == [1, 2, 3, 4, 5, 6]
    assert numbers(order="title") == [2, 4, 3, 6, 1, 5]
    assert numbers(limit_rows=2, offset_rows=2) == [4, 3]
    assert numbers(user_id=seed_id("a", 2)) == [4, 3]
    assert numbers(status="completed") == [2, 1]
    assert numbers(status="evaluating", user_id=seed_id("a", 1)) == []
    # A part of a title, in any case, however short; no wildcards.
    assert numbers(title="WATER SENS") == [3]
    assert numbers(title="ch") == [4, 2, 1]
    assert numbers(title="%") == []
    week = NOW - dt.timedelta(days=7)
    assert numbers(created_from=week) == [6, 5, 4]
    assert numbers(created_before=week) == [3, 2, 1]


def test_many_ideas_are_inserted_together_or_not_at_all(connection: Connection) -> None:
    """002-36"""
    owner = add_user(connection)
    rows = [BulkInsertIdeasSet(owner, f"Idea {n}", DESCRIPTION) for n in range(50)]
    with connection.transaction():
        assert business_ideas.bulk_insert_ideas(connection, sets=rows) == 50
    short = BulkInsertIdeasSet(owner, "Short", "x" * 49)
    with pytest.raises(CheckViolation), connection.transaction():
        business_ideas.bulk_insert_ideas(connection, sets=[*rows, short])
    assert business_ideas.count_ideas(connection, user_id=owner) == 50


# --- Search ---------------------------------------------------------------------


def test_words_find_ideas_and_are_marked(ideas: Connection) -> None:
    """002-34"""
    hits = search.search_ideas(ideas, q="interpreter")
    assert [hit.id for hit in hits] == [seed_id("b", 5)]
    assert "<mark>interpreter</mark>" in hits[0].headline
    # A word in the title counts for more than the same in the description.
    assert search.search_ideas(ideas, q="kitchens")[0].id == seed_id("b", 2)
    business_ideas.soft_delete_idea(ideas, idea_id=seed_id("b", 5))
    assert search.search_ideas(ideas, q="interpreter") == []


def test_what_means_the_like_is_near(ideas: Connection) -> None:
    """002-34"""
    similar = search.similar_ideas(ideas, idea_id=seed_id("b", 1), limit_rows=2)
    assert [row.id for row in similar] == [seed_id("b", 2), seed_id("b", 6)]
    nearest = search.nearest_ideas(ideas, embedding=direction(0, 0, 1), limit_rows=1)
    assert [row.id for row in nearest] == [seed_id("b", 4)]
    assert nearest[0].similarity == pytest.approx(0.9 / 0.83**0.5, abs=1e-4)
    with pytest.raises(InvalidValue):
        search.nearest_ideas(ideas, embedding=[1.0, 2.0])


# --- Documents ------------------------------------------------------------------


def test_insights_are_found_by_what_they_contain_and_changed_in_place(
    ideas: Connection,
) -> None:
    """002-11, 002-46"""
    hits = tasks.insights_containing(
        ideas, pattern={"confidence": "high"}, limit_rows=9
    )
    assert len(hits) == 7
    assert {hit.score >= 70 for hit in hits if hit.score is not None} == {True}
    result = hits[0].id
    changed = found(
        tasks.update_insight(ideas, result_id=result, path=["risk"], value={"a": [1]})
    )
    assert isinstance(changed.insights, dict)
    assert changed.insights["risk"] == {"a": [1]}
    assert changed.insights["confidence"] == "high"
    (hit,) = tasks.insights_containing(ideas, pattern={"risk": {"a": [1]}})
    assert hit.id == result
    assert tasks.insights_containing(ideas, pattern={"risk": {"a": [2]}}) == []


def test_documents_come_back_as_they_went_in(connection: Connection) -> None:
    """002-10, 002-46"""
    sent = {"text": "漢字 🐘 \\ \" ' </script>", "deep": [{"a": None}, 1.5, True, []]}
    evaluation = add_evaluation(connection, input_data=sent)
    (first, *_) = evaluations.evaluation_progress(connection, evaluation_id=evaluation)
    task = found(tasks.get_agent_result(connection, result_id=first.id))
    assert task.input_data == sent
    with pytest.raises(BadInput):
        tasks.update_insight(connection, result_id=first.id, path=["nul"], value="\x00")


# --- Agents ---------------------------------------------------------------------


def test_an_agent_is_added_tuned_and_left_out_without_a_migration(
    connection: Connection,
) -> None:
    """002-11, 002-19"""
    assert [row.agent_type for row in agents.list_agent_types(connection)] == [*AGENTS]
    agents.set_agent_type(connection, agent_type="legal-review", max_running=1)
    agents.set_agent_type(connection, agent_type="market-research", enabled=False)
    evaluation = add_evaluation(connection)
    asked = {
        row.agent_type
        for row in evaluations.evaluation_progress(connection, evaluation_id=evaluation)
    }
    assert asked == {*AGENTS, "legal-review"} - {"market-research"}
    kept = found(agents.set_agent_type(connection, agent_type="market-research"))
    assert (float(kept.weight), kept.enabled) == (1.5, False)


# --- Numbers --------------------------------------------------------------------


def test_an_evaluation_tells_how_far_it_is(ideas: Connection) -> None:
    """002-34"""
    rows = evaluations.evaluation_progress(ideas, evaluation_id=seed_id("e", 2))
    assert {row.percent_done for row in rows} == {100}
    rows = evaluations.evaluation_progress(ideas, evaluation_id=seed_id("e", 3))
    assert {row.percent_done for row in rows} == {40}
    states = {row.agent_type: row.status for row in rows}
    assert states["customer-research"] == "running"
    seconds = {row.agent_type: row.seconds for row in rows}
    assert seconds["market-research"] == 120
    assert seconds["financial-analysis"] is None


def test_the_latest_evaluations_are_summed_up(ideas: Connection) -> None:
    """002-34"""
    rows = stats.evaluation_summary(ideas)
    assert [row.id.int & 0xF for row in rows] == [5, 4, 3, 2, 1]
    second = rows[3]
    assert (second.total, second.completed, second.failed) == (5, 4, 1)
    assert second.mean_score == pytest.approx((61 + 48 + 70 + 80) / 4)
    assert second.recommendation == "PIVOT"
    only = stats.evaluation_summary(
        ideas, status=EvaluationStatus.ANALYZING, user_id=seed_id("a", 2)
    )
    assert [row.id.int & 0xF for row in only] == [4, 3]
    month = NOW - dt.timedelta(days=25)
    old = stats.evaluation_summary(ideas, created_before=month, limit_rows=5)
    assert [row.id.int & 0xF for row in old] == [1]
    assert len(stats.evaluation_summary(ideas, created_from=month)) == 4


def test_agents_are_compared_by_what_they_finished(ideas: Connection) -> None:
    """002-34"""
    month = NOW - dt.timedelta(days=40)
    rows = {
        row.agent_type: row
        for row in stats.agent_performance(
            ideas, done_from=month, done_before=NOW + dt.timedelta(days=1)
        )
    }
    assert [*rows] == [*AGENTS]
    assert rows["financial-analysis"].runs == 2
    assert rows["financial-analysis"].success_percent == 50
    market = rows["market-research"]
    assert (market.min_score, market.max_score) == (61, 82)
    assert market.mean_score == pytest.approx((82 + 61 + 77) / 3)
    assert market.mean_seconds == pytest.approx((120 + 180 + 120) / 3)
    idle = stats.agent_performance(ideas, done_from=month, done_before=month)
    assert {(row.runs, row.success_percent) for row in idle} == {(0, None)}


def test_the_dashboard_adds_up(ideas: Connection) -> None:
    """002-34"""
    row = found(stats.dashboard_stats(ideas))
    assert (row.users, row.ideas, row.evaluations) == (3, 6, 5)
    states = (row.drafts, row.submitted, row.evaluating, row.completed)
    assert states == (1, 1, 2, 2)
    assert row.last_7_days == 3
    assert (row.evaluations_pending, row.evaluations_analyzing) == (1, 2)
    assert (row.evaluations_completed, row.evaluations_failed) == (2, 0)
    assert 250 < row.mean_description_length < 400


def test_an_empty_database_has_a_dashboard_too(connection: Connection) -> None:
    """002-34"""
    row = found(stats.dashboard_stats(connection))
    assert (row.users, row.ideas, row.mean_description_length) == (0, 0, 0)
    assert stats.evaluation_summary(connection) == []


def test_scores_become_a_series_without_gaps(ideas: Connection) -> None:
    """002-34"""
    today = value(ideas, "SELECT current_date")
    rows = stats.score_series(
        ideas, bucket="day", done_from=today - dt.timedelta(days=31), done_to=today
    )
    assert len(rows) == 32
    assert sum(row.results for row in rows) == 12
    assert {row.mean_score is None for row in rows if row.results == 0} == {True}
    market = stats.score_series(
        ideas,
        bucket="month",
        done_from=today - dt.timedelta(days=31),
        done_to=today,
        agent_type="market-research",
    )
    assert sum(row.results for row in market) == 3
    with pytest.raises(InvalidValue):
        stats.score_series(ideas, bucket="blink", done_from=today, done_to=today)


# --- Erasing --------------------------------------------------------------------


def test_an_erased_user_is_gone_from_the_trail_as_well(ideas: Connection) -> None:
    """002-07, 002-37"""
    assert erase_user(ideas, seed_id("a", 1)) is True
    assert business_ideas.count_ideas(ideas) == 4
    assert value(ideas, "SELECT count(*) FROM ideas.agent_results") == 15
    left = value(
        ideas,
        """
        SELECT string_agg(concat(entry.old_row, entry.new_row), ' ')
        FROM core.audit_log AS entry
        """,
    )
    assert "amara" not in left.lower()
    assert "toasters" not in left
    assert "jonas" in left.lower()
    history = audit.audit_history(
        ideas,
        schema_name="ideas",
        table_name="users",
        row_pk=str(seed_id("a", 1)),
        limit_rows=9,
    )
    assert [(entry.op, entry.old_row or {}) for entry in history] == [
        ("DELETE", {}),
        ("INSERT", {}),
    ]
    assert erase_user(ideas, seed_id("a", 1)) is False
