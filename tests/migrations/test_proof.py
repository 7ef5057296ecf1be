from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, sql

from drystone.cli import main
from drystone.database.scratch import scratch_database
from drystone.database.session import connect
from drystone.errors import PermissionDenied
from drystone.migrations import proof
from drystone.migrations.files import read_migrations
from drystone.migrations.samples import fill_empty_tables
from drystone.settings import Settings
from drystone.systems import shipped
from tests.migrations.conftest import Runner, Write


def verify(shop: Runner, **options: Any) -> list[proof.Proof]:
    migrations = read_migrations([shop.folder])
    return proof.verify(shop.url, shop.settings, migrations, **options)


def drift(shop: Runner, applied: list[str]) -> list[str]:
    migrations = read_migrations([shop.folder])
    found = proof.drift(shop.url, shop.settings, migrations, applied=applied)
    return [f"{each.kind} {each.object}" for each in found]


@pytest.fixture
def scratch(
    empty: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], bool]:
    """Name this test's scratch databases; tell whether one is left."""
    token = f"of_{empty.info.dbname}"
    monkeypatch.setattr("secrets.token_hex", lambda _: token)

    def is_left() -> bool:
        found = empty.execute(
            "SELECT FROM pg_database WHERE datname = %s", [f"drystone_scratch_{token}"]
        )
        return found.fetchone() is not None

    return is_left


def test_every_shipped_migration_is_proven(empty_url: str, settings: Settings) -> None:
    """001-04, 002-03, 002-14"""
    migrations = read_migrations([shipped("migrations")])
    proofs = proof.verify(empty_url, settings, migrations)
    assert [each.id for each in proofs] == [m.id for m in migrations]
    for each in proofs:
        assert each.reversible is True, (each.id, each.differences, each.error)
        assert each.differences == []


def test_what_a_rollback_loses_is_named_with_before_and_after(
    shop: Runner, write: Write, scratch: Callable[[], bool]
) -> None:
    write("shop-0001", "CREATE TABLE public.t (id integer DEFAULT 7);", "DROP TABLE t;")
    write(
        "shop-0002",
        "ALTER TABLE public.t DROP COLUMN id;",
        "ALTER TABLE public.t ADD COLUMN id integer;",
    )
    heard: list[str] = []
    first, second = verify(shop, told=lambda each: heard.append(each.id))
    assert heard == ["shop-0001", "shop-0002"]
    assert (first.reversible, first.differences) == (True, [])
    assert second.reversible is False
    (difference,) = second.differences
    assert (difference.kind, difference.object) == ("column", "public.t.id")
    assert "7" in str(difference.before)
    assert difference.severity == "loss"
    assert not scratch()


def test_what_differs_the_second_time_is_told_once_more(
    shop: Runner, write: Write
) -> None:
    write("shop-0001", "CREATE TABLE public.t ();", "DROP TABLE public.t;")
    write(
        "shop-0002",
        "CREATE VIEW public.v AS SELECT 'now'::timestamptz AS at;",
        "DROP VIEW public.v;",
    )
    heard: list[tuple[str, bool]] = []
    first, second = verify(shop, told=lambda each: heard.append((each.id, each.failed)))
    assert heard == [("shop-0001", False), ("shop-0002", False), ("shop-0002", True)]
    assert not first.failed
    assert [each.kind for each in second.differences] == ["view"]


def test_another_order_of_columns_is_no_loss(shop: Runner, write: Write) -> None:
    write("shop-0001", "CREATE TABLE public.t (a integer, b integer);", "DROP TABLE t;")
    write(
        "shop-0002",
        "ALTER TABLE public.t DROP COLUMN a;",
        "ALTER TABLE public.t ADD COLUMN a integer;",
    )
    second = verify(shop)[1]
    assert second.reversible is True
    assert [each.severity for each in second.differences] == ["order"]


def test_a_rollback_that_rows_stand_against_is_found(
    shop: Runner, write: Write
) -> None:
    """Without a row in the table, the rollback would seem to work."""
    write(
        "shop-0001",
        "CREATE TABLE public.t (id integer);",
        "ALTER TABLE public.t ADD COLUMN b text NOT NULL; DROP TABLE public.t;",
    )
    write("shop-0002", "CREATE TABLE public.u (id integer);", "DROP TABLE public.u;")
    first, second = verify(shop)
    assert first.reversible is False
    assert "contains null values" in str(first.error)
    assert second.reversible is True


def test_a_missing_way_back_is_a_failure_unless_it_is_declared(
    shop: Runner, write: Write
) -> None:
    write("shop-0001", "CREATE TABLE public.t ();")
    write("shop-0002", "-- irreversible: who knows\nCREATE TABLE public.u ();")
    first, second = verify(shop)
    assert first.reversible is False
    assert "no rollback file" in str(first.error)
    assert second.reversible is None
    assert not second.failed


def test_a_system_is_proven_with_what_it_builds_on(
    empty_url: str, settings: Settings
) -> None:
    migrations = read_migrations([shipped("migrations")])
    proofs = proof.verify(empty_url, settings, migrations, systems=["core"])
    assert {each.id.partition("-")[0] for each in proofs} == {"core"}


def test_empty_tables_get_a_row_where_their_rules_allow(
    connection: Connection[Any],
) -> None:
    fill_empty_tables(connection)
    empty = [
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname IN ('core', 'dining', 'events', 'ideas')"
        ).fetchall()
        if connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
        ).fetchone()
        == (0,)
    ]
    ruled = {
        *("core.audit_log", "core.cache_invalidations", "core.jobs"),
        *("core.seed_versions", "events.dedupe_reviews"),
    }
    assert set(empty) <= ruled
    once = connection.execute("SELECT count(*) FROM events.events").fetchone()
    fill_empty_tables(connection)
    again = connection.execute("SELECT count(*) FROM events.events").fetchone()
    assert once == again == (1,)


def test_a_database_that_is_as_its_migrations_make_it_has_no_drift(
    shop: Runner, write: Write, folder: Path
) -> None:
    write("shop-0001", "CREATE TABLE public.t (id integer);", "DROP TABLE public.t;")
    write("shop-0002", "CREATE TABLE public.u (id integer);", "DROP TABLE public.u;")
    shop.migrate(to="shop-0001")
    assert drift(shop, ["shop-0001"]) == []


def test_what_was_done_by_hand_is_drift(
    shop: Runner,
    write: Write,
    empty: Connection[Any],
    scratch: Callable[[], bool],
) -> None:
    write("shop-0001", "CREATE TABLE public.t (id integer);", "DROP TABLE public.t;")
    shop.migrate()
    empty.execute("CREATE INDEX by_hand ON public.t (id)")
    empty.execute("COMMENT ON TABLE public.t IS 'by hand'")
    assert drift(shop, ["shop-0001"]) == [
        "comment table public.t",
        "index public.by_hand",
    ]
    assert not scratch()


def test_partitions_that_were_added_are_no_drift_but_what_only_they_have_is(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write(
        "shop-0001",
        "CREATE TABLE public.visits (at date NOT NULL, page text CHECK (page <> ''))"
        " PARTITION BY RANGE (at);"
        "CREATE INDEX visits_at_idx ON public.visits (at);"
        "GRANT SELECT ON public.visits TO pg_monitor;",
        "DROP TABLE public.visits;",
    )
    shop.migrate()
    empty.execute(
        "CREATE TABLE public.visits_2026 PARTITION OF public.visits"
        " FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY RANGE (at)"
    )
    empty.execute("CREATE TABLE public.visits_may (LIKE public.visits INCLUDING ALL)")
    empty.execute(
        "ALTER TABLE public.visits_2026 ATTACH PARTITION public.visits_may"
        " FOR VALUES FROM ('2026-05-01') TO ('2026-06-01')"
    )
    empty.execute("GRANT SELECT ON public.visits_may TO pg_monitor")
    assert drift(shop, ["shop-0001"]) == []
    empty.execute("GRANT INSERT ON public.visits_2026 TO pg_monitor")
    empty.execute("CREATE INDEX by_hand ON public.visits_may (page)")
    empty.execute("CREATE TABLE public.other (at date) PARTITION BY RANGE (at)")
    empty.execute("CREATE TABLE public.other_0 PARTITION OF public.other DEFAULT")
    assert [each for each in drift(shop, ["shop-0001"]) if "column" not in each] == [
        "grant table public.visits_2026 to pg_monitor",
        "index public.by_hand",
        "table public.other",
        "table public.other_0",
    ]


def test_a_role_that_may_not_create_databases_is_told(
    empty_url: str, settings: Settings, empty: Connection[Any]
) -> None:
    empty.execute("CREATE ROLE unprivileged LOGIN")
    try:
        with (
            pytest.raises(PermissionDenied, match="create database") as caught,
            scratch_database(f"{empty_url} user=unprivileged", settings),
        ):
            raise AssertionError("it was created")
        assert "CREATEDB" in str(caught.value.hint)
    finally:
        empty.execute("DROP ROLE unprivileged")


def test_the_contract_of_the_command_line_holds(
    shop: Runner,
    write: Write,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("shop-0001", "CREATE TABLE public.t (id integer);", "SELECT 1;")
    write("shop-0002", "-- irreversible: why not\nSELECT 1;")
    arguments = ["--database-url", shop.url, "--migrations", str(shop.folder)]

    def run(*command: str) -> tuple[int, Any]:
        monkeypatch.setattr("sys.argv", ["drystone", *arguments, *command, "--json"])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), json.loads(capfd.readouterr().out)

    code, document = run("verify")
    assert code == 1
    first, second = document["migrations"]
    assert first.keys() == {"id", "reversible", "differences", "error", "seconds"}
    assert (first["id"], first["reversible"]) == ("shop-0001", False)
    assert first["differences"][0] == {
        "kind": "column",
        "object": "public.t.id",
        "before": None,
        "after": first["differences"][0]["after"],
        "severity": "loss",
    }
    assert second["reversible"] == "declared-irreversible"
    assert second["error"] is None
    code, document = run("drift")
    assert (code, document) == (0, {"differences": []})
    with connect(shop.url, shop.settings) as connection:
        connection.execute("CREATE TABLE public.by_hand ()")
    code, document = run("drift")
    assert code == 1
    assert document["differences"][0]["object"] == "public.by_hand"
