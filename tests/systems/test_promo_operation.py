"""How `promo` is deployed, seeded, run and documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

import psycopg

from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import seeding, shipped
from drystone.systems.core import health, jobs
from drystone.systems.promo import (
    analytics,
    content,
    organizations,
    plans,
    posts,
    users,
)
from tests.conftest import PROJECT
from tests.systems.catalogs import without_comment
from tests.systems.named_queries import NamedQueries
from tests.systems.plans import explained
from tests.systems.promo_factories import (
    ADMIN,
    ORGANIZATION,
    add_content,
    add_organization,
)
from tests.systems.rows import found, value
from tests.systems.test_promo_schema import MODELS

Connection: TypeAlias = psycopg.Connection[Any]

SEED = shipped("sql") / "promo" / "seed" / "dev"
NAMED = NamedQueries("promo")


# --- Migrations -----------------------------------------------------------------


def test_the_whole_schema_is_made_by_migrations_alone(
    empty_url: str, settings: Settings
) -> None:
    """003-13, 003-16"""
    migrations = read_migrations([shipped("migrations")])
    done = runner.migrate(empty_url, settings, migrations, systems=["promo"])
    assert {each.id.partition("-")[0] for each in done} == {"core", "promo"}
    with connect(empty_url, settings) as session:
        add_content(session, add_organization(session))
        assert len(plans.list_plans(session)) == 5


def test_files_are_named_for_what_they_do_and_say_what_they_cost() -> None:
    """003-13, 003-16"""
    files = sorted((shipped("migrations") / "promo").glob("*.sql"))
    assert len(files) == 26
    for file in files:
        assert re.fullmatch(
            r"promo-\d{4}-(create|grant)(-[a-z]+)+(\.rollback)?\.sql", file.name
        )
        text = file.read_text(encoding="utf-8")
        other = "Loses: " if ".rollback" in file.name else "Rollback: "
        for word in ("Lock: ", "Rewrites: ", other):
            assert word in text


# --- The seed -------------------------------------------------------------------


def promo_seed() -> seeding.Seed:
    (seed,) = seeding.find_seeds([shipped("sql")], stage="dev", systems=["promo"])
    return seed


COUNTS = {
    "users": 2,
    "organizations": 1,
    "founders": 1,
    "ai_strategies": 1,
    "content_pieces": 2,
    "social_accounts": 2,
    "scheduled_posts": 2,
    "analytics": 30,
    "brand_rules": 1,
    "assets": 1,
    "content_pillars": 4,
    "series": 1,
    "weekly_summaries": 1,
    "subscriptions": 1,
    "usage": 1,
}


def counts(connection: Connection) -> dict[str, int]:
    return {
        table: value(connection, f"SELECT count(*) FROM promo.{table}")
        for table in MODELS
    }


def test_the_seed_has_rows_in_all_15_tables(seeded: Connection) -> None:
    """003-01, 003-13"""
    assert counts(seeded) == COUNTS
    (used,) = plans.usage_history(seeded, user_id=ADMIN)
    assert (
        used.posts_generated,
        used.posts_published,
        used.strategies_generated,
        used.organizations_created,
    ) == (12, 8, 1, 1)


def test_loading_twice_is_loading_once_and_a_reset_leaves_the_seed_alone(
    seeded: Connection,
) -> None:
    """003-13"""
    seeding.load(seeded, promo_seed())
    assert counts(seeded) == COUNTS
    add_content(seeded, add_organization(seeded))
    assert counts(seeded) != COUNTS
    seeded.execute("SET CONSTRAINTS ALL IMMEDIATE")  # for TRUNCATE
    seeding.load(seeded, promo_seed(), reset=True)
    assert counts(seeded) == COUNTS


def test_every_file_of_the_seed_says_what_it_is() -> None:
    """003-13"""
    files = sorted(SEED.glob("*.sql"))
    assert len(files) == 6
    for file in files:
        assert file.read_text(encoding="utf-8").startswith("-- ")


# --- Operation ------------------------------------------------------------------


def test_a_pool_serves_promo_and_the_database_tells_how_it_is(
    database_url: str,
) -> None:
    """003-12, 003-15, 003-16"""
    settings = Settings(pool_min_size=1, pool_max_size=3, pool_timeout=10)
    with open_pool(database_url, settings) as pool:
        with pool.connection() as connection:
            add_content(connection, add_organization(connection))
            sizes = {row.table_name for row in health.db_sizes(connection)}
            assert sizes >= MODELS
            use = found(health.db_connections(connection))
            assert 1 <= use.total <= found(use.max_connections)
        with pool.connection() as connection:
            assert users.count_users(connection) == 1
        assert pool.get_stats()["pool_max"] == 3


def test_the_five_queues_are_watched(connection: Connection) -> None:
    """003-06, 003-14"""
    assert {row.queue for row in jobs.queue_health(connection)} >= {
        "content-generation",
        "publishing",
        "analytics",
        "strategy-generation",
        "email",
    }


def test_encryption_is_an_extra_of_its_own() -> None:
    """003-11, 003-15"""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert any(
        each.startswith("cryptography")
        for each in project["optional-dependencies"]["encryption"]
    )
    lock = (PROJECT / "requirements.lock").read_text()
    assert re.search(r"^cryptography==", lock, re.MULTILINE)


HOSTILE = (
    "'; DROP TABLE promo.users; --",
    "$1 $$ :user_id %s %(x)s {0} ${jndi:ldap://x}",
    "/* */ -- \n ; COMMIT; \r\n",
    "<script>alert(1)</script>",
    "\u202egnp.exe \ufeff \u0301",
    "%_\\%",
)


def test_hostile_text_is_text(connection: Connection) -> None:
    """003-08, 003-11"""
    for text in HOSTILE:
        own = add_organization(connection, name=f"N {text}")
        piece = add_content(connection, own, body=text, title=text, hashtags=[text])
        stored = found(content.get_content(connection, content_id=piece))
        assert (stored.body, stored.hashtags) == (text, [text])
        content.list_content(connection, organization_id=own, q=text, hashtag=text)
        content.search_content(connection, organization_id=own, q=text)
        organizations.search_organizations(connection, q=text)
        organizations.brand_check(
            connection, organization_id=own, body=text, hashtags=[text]
        )
    assert users.count_users(connection) == len(HOSTILE)


# --- Replicas -------------------------------------------------------------------


def test_what_is_marked_for_replicas_runs_where_nothing_can_be_written(
    seeded: Connection,
) -> None:
    """003-12, 003-16"""
    marked = NAMED.for_replicas()
    assert {"list_content", "dashboard", "search_content", "get_user"} <= marked
    # What somebody acts upon must be as it is now.
    assert not marked & {"find_login", "get_account_tokens", "usage_check"}
    seeded.execute("SET TRANSACTION READ ONLY")
    organization = organizations.get_organization_full(
        seeded, organization_id=ORGANIZATION
    )
    assert found(organization).pillars
    assert NAMED.locking_for_replicas(seeded) == set()


# --- Plans ----------------------------------------------------------------------

MANY: LiteralString = """
SET LOCAL session_replication_role = replica;

INSERT INTO promo.organizations (id, user_id, name)
SELECT
    md5('o' || n)::uuid, '01900000-0000-7000-8000-a00000000001',
    CASE WHEN n % 500 = 0 THEN 'Zeppelin' ELSE 'Bakery of a town' END
FROM generate_series(1, 3000) AS n;

INSERT INTO promo.content_pieces (id, organization_id, platform, title, body, status)
SELECT
    md5('c' || n)::uuid, md5('o' || 1 + n % 200)::uuid, 'TWITTER', 'Piece ' || n,
    CASE WHEN n % 900 = 0 THEN 'about zeppelins' ELSE repeat('words of a text ', 9) END,
    'APPROVED'
FROM generate_series(1, 6000) AS n;

INSERT INTO promo.scheduled_posts (
    organization_id, content_piece_id, social_account_id, scheduled_at, status,
    published_at, idempotency_key
)
SELECT
    md5('o' || 1 + n % 200)::uuid, md5('c' || n)::uuid, md5('a')::uuid,
    now() - make_interval(mins => n),
    CASE WHEN n % 100 = 0 THEN 'SCHEDULED' ELSE 'PUBLISHED' END::promo.post_status,
    CASE WHEN n % 100 = 0 THEN NULL ELSE now() END, 'k' || n
FROM generate_series(1, 6000) AS n;

INSERT INTO promo.analytics (
    organization_id, platform, metric_type, likes, period_start, period_end
)
SELECT
    md5('o' || 1 + n % 200)::uuid, 'TWITTER', 'REACH', 1,
    now() - make_interval(hours => n), now()
FROM generate_series(1, 20000) AS n;

SELECT gin_clean_pending_list('promo.organizations_name_trigrams_idx');

SET LOCAL session_replication_role = origin;

ANALYZE promo.organizations, promo.content_pieces, promo.scheduled_posts,
    promo.analytics;
"""


def questions(own: UUID) -> dict[str, Callable[[Any], Any]]:
    """What is asked often, by the index that is to answer it."""
    now = datetime.now(UTC)
    month = timedelta(days=30)
    return {
        "organizations_name_trigrams_idx": partial(
            organizations.search_organizations, q="zepelin"
        ),
        "content_pieces_organization_id_created_at_id_idx": partial(
            content.list_content, organization_id=own
        ),
        "scheduled_posts_due_at_id_idx": partial(
            posts.claim_due_posts, worker="w", limit_rows=1
        ),
        "scheduled_posts_organization_id_scheduled_at_id_idx": partial(
            posts.list_posts,
            organization_id=own,
            scheduled_from=now - month / 60,
            scheduled_before=now,
        ),
        "scheduled_posts_social_account_id_scheduled_at_idx": partial(
            posts.next_free_slot,
            social_account_id=own,
            from_time=now,
            gap=timedelta(minutes=5),
        ),
        "analytics_organization_id_period_start_platform_idx": partial(
            analytics.dashboard,
            organization_id=own,
            period_from=now - month,
            period_before=now,
        ),
    }


def test_hot_queries_read_by_index(seeded: Connection) -> None:
    """003-03, 003-12"""
    seeded.execute(MANY)
    own = value(seeded, "SELECT md5('o1')::uuid")
    seeded.execute("SET LOCAL enable_seqscan = off")  # tables are small
    for index, ask in questions(own).items():
        plan = explained(seeded, ask, execute=False)
        assert index in plan.indexes, index


# --- Tests and documents --------------------------------------------------------


def test_every_query_is_run_by_a_test() -> None:
    """003-01, 003-13"""
    flows = ["billing", "collecting", "jobs", "limits", "publishing"]
    flows += ["scheduling", "tokens"]
    assert len(NAMED.queries) > 90
    assert NAMED.never_run(flows=flows) == set()


def test_every_table_type_function_and_query_says_what_it_is_for(
    connection: Connection,
) -> None:
    """003-15"""
    assert without_comment(connection, "promo") == []
    assert NAMED.without_documentation() == []


def test_the_program_of_the_documents_does_what_it_says(
    database_url: str, tmp_path: Path
) -> None:
    """003-15"""
    text = (PROJECT / "docs" / "promo.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "DATABASE_URL": database_url},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "TWITTER It computes. 6\n1\n", done.stderr
    assert "It prints `TWITTER It computes. 6` and `1`." in text
