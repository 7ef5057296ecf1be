"""Rules for queries: each finds its hazard, and is silent on the corrected twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, sql
from psycopg.errors import InsufficientPrivilege

from drystone.database.session import connect
from drystone.migrations.files import read_migrations
from drystone.migrations.statements import parse
from drystone.queries.reading.files import Area, read_areas
from drystone.queries.reading.lexer import parse_queries
from drystone.review.lint.findings import Finding, Severity
from drystone.review.lint.queries import RULES, lint_queries
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.replay import replay
from drystone.settings import Settings
from drystone.systems import shipped

FILE = Path("sql/shop/orders.sql")

MIGRATION = """
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO web;
CREATE TABLE shop.customers (
    id bigint PRIMARY KEY,
    email text NOT NULL,
    nickname text,
    invited_by bigint
);
CREATE INDEX customers_email_idx ON shop.customers (lower(email));
CREATE TABLE shop.orders (
    id bigint PRIMARY KEY,
    customer_id bigint REFERENCES shop.customers,
    state character varying NOT NULL,
    note text,
    tags text[],
    placed_at timestamptz NOT NULL,
    shipped_at timestamptz
);
CREATE INDEX orders_customer_id_idx ON shop.orders (customer_id, id);
CREATE INDEX orders_waiting_idx ON shop.orders (placed_at)
WHERE shipped_at IS NULL AND state = 'paid';
CREATE INDEX orders_tags_idx ON shop.orders USING gin (tags);
CREATE TABLE shop.notes (id bigint PRIMARY KEY, body text NOT NULL, code text);
CREATE INDEX notes_code_idx ON shop.notes (code);
CREATE INDEX notes_body_idx ON shop.notes USING gin (body gin_trgm_ops);
CREATE TABLE shop.secrets (id bigint PRIMARY KEY, body text);
CREATE SCHEMA vault;
CREATE TABLE vault.keys (id bigint PRIMARY KEY);
GRANT SELECT, INSERT ON shop.customers TO web;
GRANT SELECT, UPDATE ON shop.orders TO web;
GRANT INSERT ON shop.notes TO web;
GRANT SELECT ON vault.keys TO PUBLIC;
"""

# rule, what is wrong, and what is right in its stead
TWINS = [
    (
        "update-without-where",
        "UPDATE shop.orders SET note = NULL",
        "UPDATE shop.orders SET note = NULL WHERE id = 1",
    ),
    (
        "update-without-where",
        (
            "WITH done AS (UPDATE shop.orders SET note = '' WHERE true RETURNING id)"
            " SELECT count(*) FROM done"
        ),
        (
            "WITH done AS (UPDATE shop.orders SET note = '' WHERE id = 1 RETURNING id)"
            " SELECT count(*) FROM done"
        ),
    ),
    (
        "update-without-where",
        "UPDATE shop.orders SET note = '' WHERE 1 = 1",
        "UPDATE shop.orders SET note = '' WHERE id = id",
    ),
    (
        "delete-without-where",
        "DELETE FROM shop.orders",
        "DELETE FROM shop.orders WHERE shipped_at IS NOT NULL",
    ),
    (
        "delete-without-where",
        "TRUNCATE shop.orders",
        (
            "DELETE FROM shop.orders AS o USING shop.customers AS c"
            " WHERE c.id = o.customer_id"
        ),
    ),
    (
        "not-in-nullable",
        (
            "SELECT c.id FROM shop.customers AS c"
            " WHERE c.id NOT IN (SELECT o.customer_id FROM shop.orders AS o)"
        ),
        (
            "SELECT c.id FROM shop.customers AS c WHERE c.id NOT IN"
            " (SELECT customer_id FROM shop.orders AS o"
            " WHERE o.customer_id IS NOT NULL)"
        ),
    ),
    (
        "not-in-nullable",
        (
            "SELECT id FROM shop.orders"
            " WHERE customer_id <> ALL (SELECT invited_by FROM shop.customers)"
        ),
        (
            "SELECT id FROM shop.orders"
            " WHERE customer_id <> ALL (SELECT id FROM shop.customers)"
        ),
    ),
    (
        "not-in-nullable",
        (
            "SELECT id FROM shop.orders WHERE NOT customer_id = ANY (SELECT c.id"
            " FROM shop.customers AS i LEFT JOIN shop.customers AS c ON c.id = i.id)"
        ),
        (
            "SELECT id FROM shop.orders WHERE NOT customer_id = ANY (SELECT c.id"
            " FROM shop.customers AS i LEFT JOIN shop.customers AS c ON c.id = i.id"
            " WHERE c.email LIKE 'a%')"
        ),
    ),
    (
        "not-in-nullable",
        (
            "WITH buyer AS (SELECT customer_id AS who FROM shop.orders) SELECT id"
            " FROM shop.customers WHERE id NOT IN (SELECT b.who FROM buyer AS b)"
        ),
        (
            "WITH buyer AS (SELECT customer_id AS who FROM shop.orders"
            " WHERE customer_id > 0) SELECT id"
            " FROM shop.customers WHERE id NOT IN (SELECT b.who FROM buyer AS b)"
        ),
    ),
    (
        "not-in-nullable",
        "SELECT id FROM shop.orders WHERE state NOT IN ('paid', NULL)",
        "SELECT id FROM shop.orders WHERE state NOT IN ('paid', 'sent')",
    ),
    (
        "implicit-cross-join",
        "SELECT o.id FROM shop.orders AS o, shop.customers AS c WHERE c.id = 5",
        (
            "SELECT o.id FROM shop.orders AS o, shop.customers AS c"
            " WHERE c.id = 5 AND o.customer_id = c.id"
        ),
    ),
    (
        "implicit-cross-join",
        (
            "UPDATE shop.orders AS o SET note = c.email FROM shop.customers AS c"
            " WHERE o.id = 5"
        ),
        "SELECT o.id FROM shop.orders AS o CROSS JOIN shop.customers AS c",
    ),
    (
        "implicit-cross-join",
        (
            "SELECT o.id FROM shop.orders AS o, shop.customers AS c, shop.notes AS n"
            " WHERE o.id = c.id AND n.id = 5"
        ),
        (
            "SELECT o.id FROM shop.orders AS o, shop.customers AS c, shop.notes AS n"
            " WHERE o.id = c.id AND n.id = c.id"
        ),
    ),
    (
        "select-star",
        "SELECT * FROM shop.notes",
        (
            "SELECT n.id, count(*) FROM shop.notes AS n"
            " WHERE EXISTS (SELECT * FROM shop.orders) GROUP BY n.id"
        ),
    ),
    (
        "select-star",
        "SELECT o.* FROM shop.orders AS o, generate_series(1, 2) AS g",
        "SELECT g.* FROM shop.orders AS o, generate_series(1, 2) AS g",
    ),
    (
        "select-star",
        "INSERT INTO shop.notes (id, body) VALUES (1, '') RETURNING *",
        (
            "WITH new AS (INSERT INTO shop.notes (id, body) VALUES (1, '')"
            " RETURNING id)"
            " SELECT * FROM new"
        ),
    ),
    (
        "limit-without-order-by",
        "SELECT id FROM shop.notes LIMIT 10",
        "SELECT id FROM shop.notes ORDER BY id LIMIT 10",
    ),
    (
        "limit-without-order-by",
        "SELECT max(id) FROM shop.notes GROUP BY body LIMIT 10",
        "SELECT max(id) FROM shop.notes LIMIT 1",
    ),
    (
        "unqualified-table",
        "SELECT id FROM orders",
        "WITH orders AS (SELECT 1 AS id) SELECT id FROM orders",
    ),
    (
        "filter-without-index",
        "SELECT id FROM shop.orders WHERE note = 'x'",
        "SELECT id FROM shop.orders WHERE customer_id = 5 AND note = 'x'",
    ),
    (
        "filter-without-index",
        "SELECT id FROM shop.customers WHERE email = 'x'",
        "SELECT id FROM shop.customers AS c WHERE lower(c.email) = 'x'",
    ),
    (
        "filter-without-index",
        "SELECT id FROM shop.orders WHERE id::text = '5'",
        "SELECT id FROM shop.orders WHERE id::bigint = 5",
    ),
    (
        "filter-without-index",
        "SELECT id FROM shop.orders WHERE placed_at BETWEEN '2020-01-01' AND now()",
        (
            "SELECT id FROM shop.orders WHERE placed_at BETWEEN '2020-01-01' AND now()"
            " AND shipped_at IS NULL AND state = 'paid'"
        ),
    ),
    (
        "filter-without-index",
        "SELECT id FROM shop.orders WHERE shipped_at IS NULL AND state = 'sent'",
        "SELECT id FROM shop.orders WHERE shipped_at IS NULL AND state = 'paid'",
    ),
    (
        "filter-without-index",
        (
            "SELECT o.id FROM shop.orders AS o JOIN shop.customers AS c"
            " ON c.id = o.customer_id WHERE o.note = 'x'"
        ),
        (
            "SELECT o.id FROM shop.orders AS o JOIN shop.customers AS c"
            " ON c.id = o.customer_id WHERE o.note = 'x' AND lower(c.email) = 'y'"
        ),
    ),
    (
        "filter-without-index",
        "DELETE FROM shop.orders AS o WHERE o.state = ANY (ARRAY['lost'])",
        (
            "DELETE FROM shop.orders AS o WHERE o.state = ANY (ARRAY['lost'])"
            " AND o.tags @> ARRAY['old']"
        ),
    ),
    (
        "filter-without-index",
        (
            "SELECT id FROM shop.orders WHERE (placed_at, id) > (now(), 5)"
            " ORDER BY placed_at, id LIMIT 5"
        ),
        (
            "SELECT id FROM shop.orders WHERE (id, placed_at) > (5, now())"
            " ORDER BY id, placed_at LIMIT 5"
        ),
    ),
    (
        "filter-without-index",
        (
            "SELECT c.id, (SELECT count(*) FROM shop.customers AS i"
            " WHERE i.invited_by = c.id) FROM shop.customers AS c"
        ),
        (
            "SELECT c.id, (SELECT count(*) FROM shop.orders AS o"
            " WHERE o.customer_id = c.id) FROM shop.customers AS c"
        ),
    ),
    (
        "leading-wildcard-like",
        "SELECT id FROM shop.notes WHERE code LIKE '%' || :q",
        "SELECT id FROM shop.notes WHERE body LIKE '%' || :q",
    ),
    (
        "leading-wildcard-like",
        "SELECT id FROM shop.notes WHERE code LIKE '%x'",
        "SELECT id FROM shop.notes WHERE code LIKE 'x%'",
    ),
    (
        "offset-paging",
        "SELECT id FROM shop.orders ORDER BY id LIMIT 5 OFFSET :q",
        "SELECT id FROM shop.orders WHERE id > :q ORDER BY id LIMIT 5",
    ),
    (
        "missing-grant",
        "DELETE FROM shop.orders WHERE id = 5",
        "UPDATE shop.orders SET note = '' WHERE id = 5",
    ),
    (
        "missing-grant",
        (
            "INSERT INTO shop.customers (id, email) VALUES (1, '')"
            " ON CONFLICT (id) DO UPDATE SET email = excluded.email"
        ),
        (
            "INSERT INTO shop.customers (id, email) VALUES (1, '')"
            " ON CONFLICT (id) DO NOTHING"
        ),
    ),
    (
        "missing-grant",
        "INSERT INTO shop.notes (id, body) VALUES (1, '') RETURNING id",
        "INSERT INTO shop.notes (id, body) SELECT o.id, '' FROM shop.orders AS o",
    ),
    (
        "missing-grant",
        "SELECT s.id FROM shop.orders AS o JOIN shop.secrets AS s ON s.id = o.id",
        "WITH secrets AS (SELECT id FROM shop.orders) SELECT s.id FROM secrets AS s",
    ),
    (
        "missing-grant",
        "SELECT c.id FROM shop.customers AS c FOR UPDATE",
        "SELECT o.id FROM shop.orders AS o FOR UPDATE",
    ),
    (
        "missing-grant",
        "SELECT k.id FROM vault.keys AS k",
        "SELECT c.id FROM shop.customers AS c",
    ),
]


@dataclass(frozen=True)
class Rows:
    """Every table has as many rows, or nobody knows."""

    count: int | None

    def rows(self, table: str | None) -> int | None:
        return self.count if table else None


def schema_of(*texts: str) -> Schema:
    schema = Schema()
    for text in texts:
        for statement in parse(text, path=Path("migration.sql")):
            replay(schema, statement, "shop-0001-create")
    return schema


@pytest.fixture(scope="module")
def shop() -> Schema:
    return schema_of(MIGRATION)


def area(asked: str) -> Area:
    names = "q" if ":q" in asked else ""
    text = (
        f"-- What is asked of orders — all of it.\n\n-- name: asked({names})\n{asked};"
    )
    queries = parse_queries(text, path=FILE)
    return Area(("shop", "orders"), FILE.parent, FILE, tuple(queries))


def found(
    asked: str, schema: Schema, *, role: str | None = None, rows: int | None = 500_000
) -> list[Finding]:
    return lint_queries([area(asked)], schema, service_role=role, sizes=Rows(rows))


@pytest.mark.parametrize(("rule", "bad", "good"), TWINS)
def test_a_rule_finds_its_hazard_and_not_its_correction(
    rule: str, bad: str, good: str, shop: Schema
) -> None:
    role = "web" if rule == "missing-grant" else None
    assert [each.rule.name for each in found(bad, shop, role=role)].count(rule) == 1
    assert rule not in {each.rule.name for each in found(good, shop, role=role)}


def test_every_rule_has_a_hazard_and_a_correction_here() -> None:
    assert {rule.name for rule in RULES} == {rule for rule, _, _ in TWINS}


def test_a_finding_is_at_its_own_line_behind_parameters_and_foreign_letters(
    shop: Schema,
) -> None:
    asked = (
        "SELECT o.id, 'größer' AS note\nFROM shop.orders AS o\n"
        "WHERE\n    o.id = :q\n"
        "    AND o.customer_id NOT IN (SELECT invited_by FROM shop.customers)"
    )
    (finding,) = found(asked, shop)
    assert (finding.location.line, finding.location.column) == (8, 9)
    assert finding.message.startswith("shop.customers.invited_by can be NULL")


@pytest.mark.parametrize("rows", [None, 1_000])
def test_an_index_is_not_missed_on_a_table_that_is_small_or_of_unknown_size(
    rows: int | None, shop: Schema
) -> None:
    assert found("SELECT id FROM shop.orders WHERE note = 'x'", shop, rows=rows) == []


def test_what_may_use_several_indexes_or_none_is_left_to_the_planner(
    shop: Schema,
) -> None:
    for condition in (
        "note = 'x' OR id = 5",
        "(:q::text IS NULL OR note = :q)",
        "note = 'x' AND id IN (SELECT customer_id FROM shop.orders)",
        "'x' = ANY (tags)",
        "state <> 'x'",
        "shipped_at IS NULL AND state IN ('paid', 'sent')",
        "shipped_at IS NULL AND state = :q",
    ):
        assert not found(f"SELECT id FROM shop.orders WHERE {condition}", shop)


def test_an_index_in_the_order_of_a_cut_list_serves_it(shop: Schema) -> None:
    listed = "SELECT id AS no FROM shop.orders WHERE note = 'x' ORDER BY no"
    assert found(f"{listed} LIMIT 5", shop) == []
    assert [each.rule.name for each in found(listed, shop)] == ["filter-without-index"]


def test_a_column_that_may_be_of_two_tables_is_nobodys(shop: Schema) -> None:
    assert (
        found(
            "SELECT c.id FROM shop.customers AS c WHERE c.id NOT IN"
            " (SELECT customer_id FROM shop.orders AS o, somewhere.else_ AS e)",
            shop,
        )
        == []
    )


def test_columns_that_a_subquery_renames_are_followed_by_their_place(
    shop: Schema,
) -> None:
    listed = (
        "SELECT c.id FROM shop.customers AS c WHERE c.id NOT IN (SELECT x.{} FROM"
        " (SELECT i.id, o.id, o.customer_id FROM shop.orders AS o"
        " JOIN shop.customers AS i ON i.id = o.id) AS x (one, two))"
    )
    for column in ("one", "two"):
        assert found(listed.format(column), shop) == []
    (finding,) = found(listed.format("customer_id"), shop)
    assert finding.rule.name == "not-in-nullable"


def test_a_role_with_default_privileges_or_without_a_name_lacks_nothing() -> None:
    schema = schema_of(
        "CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO web;"
        " ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO web;"
        " CREATE TABLE shop.orders (id bigint PRIMARY KEY);"
    )
    asked = "SELECT id FROM shop.orders"
    assert found(asked, schema, role="web") == []
    assert found(asked, schema, role=None) == []
    assert [each.message for each in found(asked, schema, role="batch")] == [
        "batch has no USAGE on schema shop",
        "batch has no SELECT on shop.orders",
    ]


def test_a_merge_needs_what_its_branches_do(shop: Schema) -> None:
    (finding,) = found(
        "MERGE INTO shop.orders AS o USING shop.customers AS c ON c.id = o.customer_id"
        " WHEN MATCHED AND c.email = '' THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET note = c.email",
        shop,
        role="web",
    )
    assert finding.message == "web has no DELETE on shop.orders"


def explained(connection: Connection[Any], asked: str) -> str | None:
    """Return a query's plan; None where PostgreSQL refuses it for want of a grant."""
    (query,) = area(asked).queries
    plans = sql.SQL("EXPLAIN (GENERIC_PLAN) ") + sql.SQL(query.sql)
    try:
        with connection.transaction():
            return "\n".join(line for (line,) in connection.execute(plans))
    except InsufficientPrivilege:
        return None


@pytest.fixture
def made(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """The shop in a database, without trigrams, which the server does not have."""
    script = MIGRATION.replace(" USING gin (body gin_trgm_ops)", " (body)")
    with (
        connect(empty_url, settings) as connection,
        connection.transaction(force_rollback=True),
    ):
        connection.execute("CREATE ROLE web")
        connection.execute(script.encode())
        yield connection


def test_postgresql_agrees_on_what_is_granted(
    made: Connection[Any], shop: Schema
) -> None:
    asked = [
        text
        for rule, *pair in TWINS
        for text in pair
        if rule != "unqualified-table" and not text.startswith("TRUNCATE")
    ]
    made.execute("SET LOCAL ROLE web")
    refused = {text for text in asked if explained(made, text) is None}
    missed = {
        text
        for text in asked
        for each in found(text, shop, role="web")
        if each.rule.name == "missing-grant"
    }
    assert missed == refused
    assert 10 < len(refused) < len(asked) - 10


def test_postgresql_agrees_on_which_filters_no_index_serves(
    made: Connection[Any],
) -> None:
    twins = [
        (bad, good)
        for rule, bad, good in TWINS
        if rule == "filter-without-index" and " AS c" not in bad
    ]

    def served(plan: str | None) -> bool:
        return "Index Cond" in (plan or "") or "orders_waiting_idx" in (plan or "")

    made.execute("SET LOCAL enable_seqscan = off")
    for bad, good in twins:
        assert not served(explained(made, bad)), bad
        assert served(explained(made, good)), good
    assert len(twins) >= 6


def test_the_projects_own_queries_have_nothing_to_hide() -> None:
    schema = Schema()
    for migration in read_migrations([shipped("migrations")]):
        for statement in parse(migration.up.text, path=migration.up.path):
            replay(schema, statement, migration.id)
    areas = read_areas([shipped("sql")])
    found = lint_queries(areas, schema, service_role=None, sizes=Rows(10_000_000))
    assert [each for each in found if each.severity is not Severity.NOTICE] == []
    # Not for want of looking: without the indexes, there is much to say.
    for table in schema.tables.values():
        table.indexes.clear()
    bare = lint_queries(areas, schema, service_role=None, sizes=Rows(10_000_000))
    assert len(bare) > 40
