"""Every role, every table: what may be done is done, and the rest is refused.

What a role may do is written down here by rule; the tables are read from the catalog,
so that a new one to which nobody gave rights, or too many, fails.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import pytest
from psycopg import Connection, RawCursor, sql
from psycopg.errors import InsufficientPrivilege

from drystone import systems
from drystone.queries.runtime.statement import Statement
from drystone.systems.core import health, jobs, outbox

TRY: LiteralString = Path(__file__).with_name("trying.sql").read_text(encoding="utf-8")

ROLES = (
    "drystone_app",
    "drystone_backup",
    "drystone_monitor",
    "drystone_owner",
    "drystone_promo_jobs",
    "drystone_readonly",
    "drystone_shop_admin",
    "drystone_shop_client",
)

NOTHING: frozenset[str] = frozenset()
READ = frozenset({"select"})
KEEP = frozenset({"select", "insert", "update", "delete"})
DRAW = frozenset({"next"})

# The log writes itself; seeds and backups are recorded by who makes them.
NOT_OF_SERVICES = {"core.audit_log", "core.backups", "core.seed_versions"}

# Of these reports may read what is no secret, column by column, or nothing.
WITH_SECRETS = {
    "ideas.users",
    "promo.social_accounts",
    "promo.users",
    "shop.accounts",
    "shop.sessions",
    "shop.users",
    "shop.verification_tokens",
}

CACHE = {"core.cache_invalidations", "core.cache_lease"}

CLIENT = {
    **dict.fromkeys(
        (
            "shop.bought_together",
            "shop.catalogue",
            "shop.categories",
            "shop.discounts",
            "shop.inventory",
            "shop.notifications",
            "shop.order_items",
            "shop.orders",
            "shop.payments",
            "shop.product_stats",
            "shop.product_stock",
            "shop.product_variants",
            "shop.settings",
            "shop.users",
        ),
        READ,
    ),
    **dict.fromkeys(
        (
            *CACHE,
            "nextauth.accounts",
            "nextauth.sessions",
            "nextauth.verification_token",
            "shop.accounts",
            "shop.addresses",
            "shop.cart_items",
            "shop.sessions",
            "shop.verification_tokens",
            "shop.wishlist_items",
        ),
        KEEP,
    ),
    "nextauth.users": KEEP - {"delete"},
    "shop.analytics": frozenset({"insert"}),
    "shop.reviews": frozenset({"select", "delete"}),
}


BEYOND_ROWS: tuple[LiteralString, ...] = (
    "CREATE SCHEMA tried",
    "CREATE TABLE public.tried ()",
    "CREATE TABLE core.tried ()",
    "CREATE FUNCTION shop.tried() RETURNS integer LANGUAGE sql RETURN 1",
    "CREATE ROLE tried",
    "CREATE EVENT TRIGGER tried ON ddl_command_start EXECUTE FUNCTION core.audit_row()",
    "ALTER ROLE drystone_app SUPERUSER",
    "ALTER TABLE promo.organizations DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY tried ON promo.organizations USING (true)",
    "ALTER FUNCTION core.audit_row() SECURITY INVOKER",
    "COPY core.queues TO PROGRAM 'cat'",
    "COPY core.queues FROM '/etc/hostname'",
    "SELECT pg_catalog.pg_read_file('/etc/hostname')",
    "SET session_replication_role = replica",
)


def expected(role: str, name: str, possible: set[str]) -> frozenset[str]:
    """Return what a role may do to a relation or sequence, of what can be done."""
    return _rights(role, name, name.partition(".")[0]) & possible


def _rights(role: str, name: str, schema: str) -> frozenset[str]:
    match role.removeprefix("drystone_"):
        case "app" | "promo_jobs":
            if name in NOT_OF_SERVICES:
                return NOTHING
            if name in {"core.outbox_batches", "shop.order_number_seq"}:
                return DRAW
            return READ if schema in {"public", "event_network"} else KEEP
        case "readonly":
            return NOTHING if name in WITH_SECRETS or schema == "nextauth" else READ
        case "backup":
            return KEEP - {"delete"} if name == "core.backups" else READ
        case "monitor":
            told = {"core.backups", "core.queues", "core.seed_versions"}
            return READ if name in told or schema == "public" else NOTHING
        case "shop_admin":
            if name == "shop.order_number_seq":
                return DRAW
            if name == "core.outbox":
                return frozenset({"insert"})
            if name == "core.webhook_events":
                return KEEP - {"delete"}
            return KEEP if schema in {"shop", "nextauth"} or name in CACHE else NOTHING
        case "shop_client":
            return CLIENT.get(name, NOTHING)
    return NOTHING  # to the owner, of what another role made


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_is_there_for_and_nothing_else(
    connection: Connection[Any], role: str
) -> None:
    connection.execute(TRY)
    tried = connection.execute("SELECT * FROM pg_temp.try(%s)", [role]).fetchall()
    possible: defaultdict[str, set[str]] = defaultdict(set)
    done: defaultdict[str, set[str]] = defaultdict(set)
    for name, action, outcome in tried:
        assert outcome in {"UNDO1", "42501"}, (name, action, outcome)
        possible[name].add(action)
        if outcome == "UNDO1":
            done[name].add(action)
    assert len(possible) > 100
    sequences = {name for name in possible if "next" in possible[name]}
    drawn = {"core.outbox_batches", "shop.order_number_seq"}
    assert drawn <= sequences
    wrong = {
        name: (sorted(done[name]), sorted(expected(role, name, actions)))
        for name, actions in possible.items()
        if done[name] != expected(role, name, actions)
    }
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reaches_beyond_rows(
    connection: Connection[Any], role: LiteralString
) -> None:
    allowed = []
    for statement in BEYOND_ROWS:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(f"SET LOCAL ROLE {role}")
                connection.execute(statement)
        except InsufficientPrivilege:
            continue
        allowed.append(statement)
    assert allowed == []


EXPLAINED = re.compile(rb"^(/\*.*?\*/ )?(SELECT|WITH|INSERT|UPDATE|DELETE)\b")


def statements() -> Iterator[tuple[str, bytes]]:
    """Every shipped query that can be explained, by its name."""
    for found in pkgutil.walk_packages(systems.__path__, "drystone.systems."):
        for each in vars(importlib.import_module(found.name)).values():
            if isinstance(each, Statement) and EXPLAINED.search(each._sql):
                yield each._name, each._sql


def test_a_service_may_ask_every_query_that_does_not_touch_the_records(
    connection: Connection[Any],
) -> None:
    """Functions inside are planned, not called: other tests call them."""
    refused, asked = set(), 0
    connection.execute("SET LOCAL ROLE drystone_app")
    for name, query in statements():
        asked += 1
        try:
            with connection.transaction():
                RawCursor(connection).execute(b"EXPLAIN (GENERIC_PLAN) " + query)
        except InsufficientPrivilege:
            refused.add(name)
    connection.execute("RESET ROLE")
    assert asked > 350
    assert refused == {
        "core.audit.audit_history",
        "core.backups.latest_backups",
        "core.backups.mark_backup_verified",
        "core.backups.record_backup",
        "core.seeds.record_seed",
        "core.seeds.seed_versions",
        "ideas.users.redact_erased",
    }


def test_monitoring_sees_how_things_are_and_not_what_they_hold(
    own: Connection[Any],
) -> None:
    own.execute("SET ROLE drystone_monitor")
    assert health.db_health(own) is not None
    assert health.db_connections(own) is not None
    assert health.db_sizes(own)
    assert health.slow_queries(own, min_ms=1, limit_rows=1)
    assert jobs.queue_health(own)
    assert outbox.outbox_health(own)
    for query in (
        "SELECT payload FROM core.outbox",
        "SELECT payload FROM core.jobs",
        "SELECT payload FROM core.webhook_events",
        "SELECT FROM core.audit_log",
        "SELECT FROM shop.orders",
    ):
        with pytest.raises(InsufficientPrivilege):
            own.execute(query)


def test_a_role_cannot_log_in_and_has_no_attribute_but_one(
    connection: Connection[Any],
) -> None:
    rows = connection.execute(
        """
        SELECT
            rolname,
            rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication,
            rolbypassrls
        FROM pg_catalog.pg_roles
        WHERE rolname = ANY (%s)
        """,
        [list(ROLES)],
    ).fetchall()
    assert {name for name, _, _ in rows} == set(ROLES)
    assert not any(powers for _, powers, _ in rows)
    assert {name for name, _, bypasses in rows if bypasses} == {"drystone_backup"}


def test_secrets_are_read_by_services_and_backups_alone(
    connection: Connection[Any],
) -> None:
    """Whatever table comes: a column of such a name is none for reports."""
    columns = connection.execute(
        r"""
        SELECT
            attribute.attrelid::regclass::text,
            attribute.attname,
            ARRAY(
                SELECT role
                FROM unnest(%s::text[]) AS role
                WHERE has_column_privilege(
                    role,
                    attribute.attrelid,
                    attribute.attnum,
                    'SELECT'
                )
            )
        FROM pg_catalog.pg_attribute AS attribute
        INNER JOIN pg_catalog.pg_class AS class
            ON class.oid = attribute.attrelid
        WHERE
            class.relkind IN ('r', 'p', 'v', 'm')
            AND class.relnamespace::regnamespace::text !~ '^(pg_|information_schema$)'
            AND attribute.attname ~* '(password|secret|encrypted|token$|^accessToken)'
        """,
        [["drystone_readonly", "drystone_monitor", "public"]],
    ).fetchall()
    assert len(columns) > 10
    assert [(table, name) for table, name, readers in columns if readers] == []


def test_a_table_that_comes_later_has_its_rights(connection: Connection[Any]) -> None:
    connection.execute(TRY)
    for schema in ("core", "dining", "events", "ideas", "promo", "shop"):
        connection.execute(
            sql.SQL("CREATE TABLE {} (id bigserial, value text)").format(
                sql.Identifier(schema, "later")
            )
        )
    rights = {
        "drystone_app": {*KEEP, *DRAW},
        "drystone_readonly": {*READ},
        "drystone_shop_client": set(),
    }
    for role, expected_of_role in rights.items():
        done = connection.execute(
            """
            SELECT split_part(object, '.', 1), array_agg(action)
            FROM pg_temp.try(%s, '%%.later%%')
            WHERE outcome = 'UNDO1'
            GROUP BY 1
            """,
            [role],
        ).fetchall()
        assert len(done) == (6 if expected_of_role else 0)
        assert all(set(actions) == expected_of_role for _, actions in done)


def test_what_runs_with_its_owners_rights_is_not_for_everybody(
    connection: Connection[Any],
) -> None:
    """Neither to call, nor by a search_path that the caller chooses."""
    functions = connection.execute(
        """
        SELECT
            function.oid::regprocedure::text,
            has_function_privilege('public', function.oid, 'EXECUTE'),
            function.proconfig
        FROM pg_catalog.pg_proc AS function
        WHERE
            function.prosecdef
            AND function.pronamespace::regnamespace::text !~ '^(pg_|ag_catalog$)'
        """
    ).fetchall()
    assert len(functions) > 10
    for name, is_public, settings in functions:
        assert not is_public, name
        assert any(each.startswith("search_path=") for each in settings or []), name
