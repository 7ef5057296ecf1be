"""`promo`: a service sees the rows of the organisation that its transaction names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, TypeAlias
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege

from drystone.database.pool import open_pool
from drystone.errors import PermissionDenied
from drystone.migrations.samples import fill_empty_tables
from drystone.settings import Settings
from drystone.systems.promo import content, limits, organizations, posts, users
from tests.conftest import PROJECT
from tests.systems.plans import explained
from tests.systems.promo_factories import (
    ORGANIZATION,
    PUBLISHED_PIECE,
    USER,
    add_content,
    add_organization,
    add_post,
    add_user,
    take,
)
from tests.systems.rows import found, value
from tests.systems.test_promo_operation import MANY, questions

Connection: TypeAlias = psycopg.Connection[Any]

APP: LiteralString = "drystone_app"
JOBS: LiteralString = "drystone_promo_jobs"
READERS: tuple[LiteralString, ...] = ("drystone_readonly", "drystone_backup")


@contextmanager
def acting(
    connection: Connection,
    role: LiteralString = APP,
    organization: UUID | None = None,
    user: UUID | None = None,
) -> Iterator[None]:
    """Be a service for a while, in a transaction of its own."""
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {role}")
        organizations.set_organization(
            connection, organization_id=organization, user_id=user
        )
        yield
        connection.execute("RESET ROLE")
        organizations.set_organization(connection)


def tenant_tables(connection: Connection) -> list[tuple[str, str]]:
    """The tables that belong to an organisation, and by which column."""
    return connection.execute(
        """
        SELECT
            class.relname,
            attribute.attname
        FROM pg_catalog.pg_class AS class
        INNER JOIN pg_catalog.pg_attribute AS attribute
            ON attribute.attrelid = class.oid
            AND attribute.attname = CASE class.relname
                WHEN 'organizations' THEN 'id'
                ELSE 'organization_id'
            END
        WHERE
            class.relnamespace = 'promo'::regnamespace
            AND class.relkind IN ('r', 'p')
        ORDER BY class.relname
        """
    ).fetchall()


def seen(connection: Connection, table: str, column: str) -> set[UUID]:
    """The organisations whose rows are seen in a table."""
    query = sql.SQL("SELECT DISTINCT {} FROM {}").format(
        sql.Identifier(column), sql.Identifier("promo", table)
    )
    return {each for (each,) in connection.execute(query)}


def test_every_table_of_an_organisation_shows_that_of_the_transaction(
    seeded: Connection,
) -> None:
    """003-11; whatever table comes: one without policies fails here."""
    fill_empty_tables(seeded)
    tables = tenant_tables(seeded)
    assert len(tables) == 13
    other = add_organization(seeded)
    for table, column in tables:
        owners = seen(seeded, table, column)
        assert owners - {other}, f"{table} has no rows to hide"
        with acting(seeded):
            assert seen(seeded, table, column) == set(), table
        for owner in owners:
            with acting(seeded, organization=owner):
                assert seen(seeded, table, column) == {owner}, table
        with acting(seeded, JOBS):
            assert seen(seeded, table, column) == owners, table
        for role in READERS:
            with acting(seeded, role):
                readable = "organization_id" if column == "organization_id" else "id"
                assert seen(seeded, table, readable) == owners, table


def test_no_view_shows_what_the_policies_hide(connection: Connection) -> None:
    """A view reads with its owner's rights, who is exempt, unless it says otherwise."""
    views = connection.execute(
        """
        SELECT DISTINCT viewed.oid::regclass::text
        FROM pg_catalog.pg_depend AS used
        INNER JOIN pg_catalog.pg_rewrite AS rule
            ON rule.oid = used.objid
        INNER JOIN pg_catalog.pg_class AS viewed
            ON viewed.oid = rule.ev_class
        INNER JOIN pg_catalog.pg_class AS hidden
            ON hidden.oid = used.refobjid
            AND hidden.relrowsecurity
        WHERE
            used.classid = 'pg_rewrite'::regclass
            AND NOT 'security_invoker=true' = ANY (coalesce(viewed.reloptions, '{}'))
        """
    ).fetchall()
    assert views == []


def test_nothing_can_be_written_for_another_organisation(seeded: Connection) -> None:
    """003-11"""
    other = add_organization(seeded)
    theirs = add_content(seeded, other)
    with acting(seeded, organization=ORGANIZATION):
        assert content.get_content(seeded, content_id=PUBLISHED_PIECE) is not None
        assert content.get_content(seeded, content_id=theirs) is None
        assert content.soft_delete_content(seeded, content_id=theirs) == 0
        with pytest.raises(PermissionDenied), seeded.transaction():
            add_content(seeded, other)
        with pytest.raises(InsufficientPrivilege), seeded.transaction():
            seeded.execute(
                "UPDATE promo.content_pillars SET organization_id = %s", [other]
            )
        add_content(seeded, ORGANIZATION)
    assert content.get_content(seeded, content_id=theirs) is not None


def test_the_name_of_the_organisation_ends_with_the_transaction(
    own_seeded: Connection,
) -> None:
    own_seeded.execute("SET ROLE drystone_app")
    for _ in range(2):
        assert (
            organizations.list_founders(own_seeded, organization_id=ORGANIZATION) == []
        )
        with own_seeded.transaction():
            organizations.set_organization(own_seeded, organization_id=ORGANIZATION)
            assert organizations.list_founders(own_seeded, organization_id=ORGANIZATION)


def test_the_example_of_the_page_lists_an_organisations_content(
    seeded_url: str, settings: Settings
) -> None:
    page = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    service = make_conninfo(seeded_url, options="-c role=drystone_app")
    with open_pool(service, settings) as pool:
        names: dict[str, Any] = {"pool": pool, "organization": ORGANIZATION}
        exec(program, names)  # noqa: S102 - it is ours
    assert len(names["pieces"]) == 2


def test_a_user_finds_and_founds_organisations_by_name(seeded: Connection) -> None:
    user = add_user(seeded, plan="starter")
    with acting(seeded, user=user):
        assert organizations.list_organizations(seeded, user_id=user) == []
        created = limits.create_organization(seeded, user, name="Bakery").id
        # Their own, and nobody else's.
        listed = organizations.list_organizations(seeded)
        assert [each.id for each in listed] == [created]
    with (
        acting(seeded, user=user),
        pytest.raises(PermissionDenied),
        seeded.transaction(),
    ):
        limits.create_organization(seeded, USER, name="Somebody else's")


def test_the_limit_of_a_plan_counts_organisations_that_are_hidden(
    seeded: Connection,
) -> None:
    user = add_user(seeded, plan="starter")
    first = add_organization(seeded, user_id=user)
    with acting(seeded, organization=ORGANIZATION):
        assert value(seeded, "SELECT promo.organizations_left(%s)", user) == 0
    with (
        acting(seeded, organization=first, user=user),
        pytest.raises(limits.PlanLimitReached),
        seeded.transaction(),
    ):
        limits.create_organization(seeded, user, name="One too many")


def test_what_belongs_to_a_deleted_user_is_deleted_although_it_is_hidden(
    seeded: Connection,
) -> None:
    user = add_user(seeded)
    organization = add_organization(seeded, user_id=user)
    post = add_post(seeded, organization_id=organization)
    with acting(seeded):
        assert users.soft_delete_user(seeded, user_id=user) == 1
    assert organizations.get_organization(seeded, organization_id=organization) is None
    assert found(posts.get_post(seeded, post_id=post)).status == "CANCELLED"


def test_the_publisher_works_for_all_organisations(seeded: Connection) -> None:
    """003-11"""
    both = {add_post(seeded), add_post(seeded)}
    with acting(seeded, organization=ORGANIZATION):
        assert {posts.get_post(seeded, post_id=post) for post in both} == {None}
    with acting(seeded, JOBS):
        assert {take(seeded, post_id=post).id for post in both} == both


def test_hot_queries_read_by_index_under_the_policies(seeded: Connection) -> None:
    """003-03, 003-12; each by the index that it was given without them."""
    seeded.execute(MANY)
    own = value(seeded, "SELECT md5('o1')::uuid")
    seeded.execute("SET LOCAL enable_seqscan = off")  # tables are small
    asked = questions(own)
    of_all = {"organizations_name_trigrams_idx", "scheduled_posts_due_at_id_idx"}
    for index, ask in asked.items():
        role, named = (JOBS, None) if index in of_all else (APP, own)
        with acting(seeded, role, named):
            plan = explained(seeded, ask, execute=False)
            assert index in plan.indexes, index
