"""The development seed of `ideas`: what it holds, how it is reset, what watches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest

from drystone.cli.seed import seed as command
from drystone.errors import BadInput, MigrationFailed
from drystone.systems import seeding, shipped
from drystone.systems.core import seeds
from drystone.systems.ideas import business_ideas, evaluations, stats, users
from drystone.systems.ideas.types import IdeaStatus
from tests.cli.conftest import Drystone, drystone
from tests.systems.ideas_factories import add_idea, complete_all
from tests.systems.rows import seed_id, value

Connection: TypeAlias = psycopg.Connection[Any]

__all__ = ["drystone"]

SEED = shipped("sql") / "ideas" / "seed" / "dev"


def ideas_seed() -> seeding.Seed:
    (found,) = seeding.find_seeds([shipped("sql")], stage="dev", systems=["ideas"])
    return found


def test_the_seed_is_3_users_6_ideas_5_evaluations_and_25_results(
    ideas: Connection,
) -> None:
    """002-04, 002-27"""
    assert stats.seed_check(ideas) == []
    counts = [business_ideas.count_ideas(ideas, status=each) for each in IdeaStatus]
    assert counts == [1, 1, 2, 2]


def test_the_check_tells_what_is_missing_and_what_is_too_much(
    ideas: Connection,
) -> None:
    """002-31"""
    ideas.execute("DELETE FROM ideas.evaluations WHERE status = 'pending'")
    add_idea(ideas)
    differing = {row.table_name: row.found_rows for row in stats.seed_check(ideas)}
    assert differing == {
        "users": 4,
        "business_ideas": 7,
        "evaluations": 4,
        "agent_results": 20,
    }


def test_rows_that_contradict_each_other_are_found(ideas: Connection) -> None:
    """002-31, 002-42"""
    assert stats.violations(ideas) == []
    # What only somebody who switches the triggers off can do.
    ideas.execute(
        """
        SET session_replication_role = replica;
        UPDATE ideas.business_ideas SET status = 'completed' WHERE status = 'draft';
        UPDATE ideas.users SET deleted_at = now() WHERE name = 'Amara Nwosu';
        UPDATE ideas.business_ideas SET deleted_at = now() WHERE status = 'submitted';
        UPDATE ideas.evaluations SET deleted_at = now() WHERE priority = 'high';
        UPDATE ideas.evaluations
        SET status = 'failed', completed_at = now(), error_message = 'x'
        WHERE status = 'analyzing' AND priority = 'normal';
        UPDATE ideas.agent_results AS result
        SET run_at = now()
        FROM ideas.evaluations AS evaluation
        WHERE evaluation.id = result.evaluation_id AND evaluation.status = 'pending';
        RESET session_replication_role;
        """
    )
    found = {row.rule for row in stats.violations(ideas)}
    assert found == {
        "an idea has another status than its evaluations make",
        "an idea lives under a deleted user",
        "an evaluation lives under a deleted idea",
        "a result lives under a deleted evaluation",
        "a finished evaluation has an open task",
        "a pending evaluation has a task that began",
    }


def test_the_seed_has_work_of_every_kind_to_go_on_with(ideas: Connection) -> None:
    """002-28"""
    rows = ideas.execute(
        """
        SELECT
            result.status::text
                || CASE WHEN result.attempts > 0 THEN ', tried' ELSE '' END
                || CASE WHEN result.run_at <= now() THEN ', due' ELSE '' END
        FROM ideas.agent_results AS result
        """
    )
    assert {kind for (kind,) in rows} == {
        *("completed, tried", "failed, tried, due", "running, tried, due"),
        *("pending", "pending, due", "pending, tried, due"),
    }
    ideas.execute(
        "UPDATE ideas.agent_results SET lease_until = now() - INTERVAL '1 s'"
        " WHERE status = 'running'"
    )
    finished = complete_all(ideas)
    assert finished is not None
    assert evaluations.get_evaluation(ideas, evaluation_id=seed_id("e", 5)) is not None


def test_loading_twice_is_loading_once_and_is_recorded(ideas: Connection) -> None:
    """002-04, 002-30"""
    seeding.load(ideas, ideas_seed())
    assert stats.seed_check(ideas) == []
    (row,) = seeds.seed_versions(ideas, system="ideas")
    assert (row.stage, row.version) == ("dev", 1)
    changed = seeding.Seed("ideas", "dev", "another checksum", lambda _: None)
    seeding.load(ideas, changed)
    versions = seeds.seed_versions(ideas, system="ideas")
    assert [row.version for row in versions] == [1, 2]


def test_a_reset_leaves_the_seed_and_nothing_else(ideas: Connection) -> None:
    """002-29"""
    users.soft_delete_user(ideas, user_id=seed_id("a", 1))
    add_idea(ideas)
    seeding.load(ideas, ideas_seed(), reset=True)
    assert stats.seed_check(ideas) == []
    assert (
        value(ideas, "SELECT count(*) FROM ideas.users WHERE deleted_at IS NULL") == 3
    )


def test_a_reset_that_cannot_load_deletes_nothing(
    ideas: Connection, tmp_path: Path
) -> None:
    """002-29, 002-45"""
    folder = tmp_path / "ideas" / "seed" / "dev"
    folder.mkdir(parents=True)
    (folder / "reset.sql").write_text((SEED / "reset.sql").read_text())
    (folder / "01.sql").write_text("INSERT INTO ideas.nowhere VALUES (1);")
    (broken,) = seeding.find_seeds([tmp_path], stage="dev", systems=["ideas"])
    with pytest.raises(MigrationFailed):
        seeding.load(ideas, broken, reset=True)
    assert stats.seed_check(ideas) == []
    other = seeding.Seed("ideas", "demo", "x", lambda _: None)
    with pytest.raises(BadInput, match="cannot be reset"):
        seeding.load(ideas, other, reset=True)


def test_the_command_asks_before_it_resets_somebodys_own_database(
    ideas: Connection, drystone: Drystone
) -> None:
    """002-29"""
    info = ideas.info
    url = f"postgresql:///{info.dbname}?host={info.host}&port={info.port}&user=postgres"
    add_idea(ideas)
    refused = drystone("--database-url", url, "seed", "ideas", "--reset")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert len(stats.seed_check(ideas)) == 2
    drystone("--database-url", url, "seed", "ideas", "--reset", "--yes")
    assert stats.seed_check(ideas) == []


def test_every_file_of_the_seed_says_what_it_is() -> None:
    """002-15, 002-32"""
    files = sorted(SEED.glob("*.sql"))
    assert len(files) == 5
    for file in files:
        assert file.read_text(encoding="utf-8").startswith("-- ")
    assert not [*(shipped("migrations") / "ideas").glob("*seed*")]
    shown = command.get_help(command.make_context("seed", [], resilient_parsing=True))
    for option in ("--reset", "--stage", "--yes"):
        assert option in shown
