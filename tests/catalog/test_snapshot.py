from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from drystone.catalog import compare, read_snapshot
from drystone.database.session import connect
from drystone.errors import DatabaseUnavailable, PermissionDenied
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import shipped

HARMLESS = {
    "ANALYZE": "ANALYZE",
    "VACUUM": "VACUUM FULL shop.orders",
    "REINDEX": "REINDEX TABLE shop.orders",
    "freezing": "VACUUM (ANALYZE, FREEZE)",
    "rows": """
        INSERT INTO shop.customers (name) SELECT n FROM generate_series(1, 9) AS n;
        INSERT INTO shop.orders (id, customer_id)
        SELECT nextval('shop.numbers'), id FROM shop.customers;
        """,
    "a sequence advancing": "SELECT nextval('shop.numbers')",
    "values in TOAST": """
        INSERT INTO shop.customers (name) SELECT repeat(gen_random_uuid()::text, 9999)
        """,
    "a TOAST table of its own": """
        ALTER TABLE stock.uncle ADD COLUMN long text;
        ALTER TABLE stock.uncle DROP COLUMN long;
        """,
    "the owner's default rights, granted again": """
        GRANT ALL ON shop.customers TO postgres;
        GRANT EXECUTE ON FUNCTION shop.touch() TO PUBLIC;
        GRANT USAGE ON TYPE shop.place TO PUBLIC;
        """,
    "a grant repeated": "GRANT SELECT ON shop.orders TO pg_monitor",
    "a grant made and taken back": """
        GRANT UPDATE ON shop.customers TO pg_monitor;
        REVOKE UPDATE ON shop.customers FROM pg_monitor;
        """,
    "a default privilege made and taken back": """
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;
        ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pg_monitor;
        """,
    "a table dropped and created identically": """
        DROP TABLE stock.uncle CASCADE;
        CREATE TABLE stock.uncle (age integer);
        CREATE TABLE stock.child (extra text) INHERITS (stock.parent, stock.uncle);
        """,
    "a column that came and went": """
        ALTER TABLE shop.orders ADD COLUMN brief integer;
        ALTER TABLE shop.orders DROP COLUMN brief;
        """,
    "an index dropped and created identically": """
        DROP INDEX shop.orders_note_idx;
        CREATE INDEX orders_note_idx ON shop.orders (lower(note), id DESC);
        COMMENT ON INDEX shop.orders_note_idx IS 'For search';
        """,
    "a statistics target set and reset": """
        ALTER TABLE shop.orders ALTER COLUMN note SET STATISTICS 50;
        ALTER TABLE shop.orders ALTER COLUMN note SET STATISTICS -1;
        """,
    "options in another order": """
        ALTER VIEW shop.open_orders SET (check_option = local);
        ALTER VIEW shop.open_orders RESET (security_barrier);
        ALTER VIEW shop.open_orders SET (security_barrier = true);
        ALTER VIEW shop.open_orders RESET (check_option);
        """,
    "a procedure dropped and created identically": """
        DROP PROCEDURE shop.close_day;
        CREATE PROCEDURE shop.close_day(day date) LANGUAGE sql AS $$
    SELECT day
$$;
        """,
    "a materialized view refreshed": "REFRESH MATERIALIZED VIEW shop.sums",
    "temporary tables": "CREATE TEMPORARY TABLE passing (id integer PRIMARY KEY)",
    "a large object": "SELECT lo_create(0)",
    "the ledgers' tables and what hangs on them": """
        CREATE TABLE public._yoyo_migration (id serial PRIMARY KEY);
        CREATE TABLE public._drystone_source (
            id integer REFERENCES public._yoyo_migration
        );
        CREATE INDEX by_id ON public._drystone_source (id);
        CREATE TRIGGER touch BEFORE UPDATE ON public._drystone_source
        FOR EACH ROW EXECUTE FUNCTION shop.touch();
        COMMENT ON TABLE public._drystone_source IS 'What was applied';
        COMMENT ON COLUMN public._drystone_source.id IS 'Which';
        COMMENT ON INDEX public.by_id IS 'By id';
        COMMENT ON TRIGGER touch ON public._drystone_source IS 'Touched';
        GRANT SELECT ON public._drystone_source TO pg_monitor;
        """,
}


def test_two_snapshots_of_the_same_database_are_equal(
    connection: Connection[Any],
) -> None:
    first, second = read_snapshot(connection), read_snapshot(connection)
    assert first == second
    assert list(first.objects) == sorted(first.objects)
    assert compare(first, second) == []


def test_databases_made_by_the_same_migrations_have_equal_snapshots(
    empty_url: str, settings: Settings, connection: Connection[Any]
) -> None:
    """One is made, unmade and made again, so that no oid is the same."""
    migrations = read_migrations([shipped("migrations")])
    runner.migrate(empty_url, settings, migrations)
    runner.rollback(empty_url, settings, migrations, steps=len(migrations))
    runner.migrate(empty_url, settings, migrations)
    with connect(empty_url, settings) as other:
        again = read_snapshot(other)
    assert compare(read_snapshot(connection), again) == []
    assert ("table", "events.events") in again.objects


def test_a_clone_s_snapshot_equals_its_template_s(own_shop: Connection[Any]) -> None:
    original = read_snapshot(own_shop)
    info, name = own_shop.info, sql.Identifier(own_shop.info.dbname)
    clone_name = f"{info.dbname}_clone"
    place = make_conninfo("", host=info.host, port=info.port, user=info.user)
    own_shop.close()
    with psycopg.connect(place, dbname="postgres", autocommit=True) as server:
        clone = sql.Identifier(clone_name)
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(clone))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(clone, name))
        try:
            with psycopg.connect(place, dbname=clone_name) as cloned:
                copy = read_snapshot(cloned)
        finally:
            server.execute(sql.SQL("DROP DATABASE {}").format(clone))
    assert compare(original, copy) == []
    assert len(original.objects) > 100


@pytest.mark.parametrize("sentence", HARMLESS)
def test_what_changes_no_schema_makes_no_difference(
    own_shop: Connection[Any], sentence: str
) -> None:
    before = read_snapshot(own_shop)
    own_shop.execute(HARMLESS[sentence].encode())
    assert compare(before, read_snapshot(own_shop)) == []


def test_what_belongs_to_extensions_is_left_out(connection: Connection[Any]) -> None:
    names = {name for _, name in read_snapshot(connection).objects}
    assert "vector" in names
    assert not {name for name in names if name.startswith("public.vector")}
    assert not {name for name in names if name.startswith("ag_catalog.")}


def test_the_ledgers_are_left_out(connection: Connection[Any]) -> None:
    row = connection.execute(
        "SELECT to_regclass('public._drystone_source') IS NOT NULL"
    ).fetchone()
    assert row == (True,)
    names = {name for _, name in read_snapshot(connection).objects}
    assert not {name for name in names if "_drystone" in name or "yoyo" in name}


def test_the_session_s_settings_do_not_matter(shop: Connection[Any]) -> None:
    before = read_snapshot(shop)
    for setting in (
        "search_path = shop, stock, public",
        "DateStyle = 'SQL, DMY'",
        "TimeZone = 'Asia/Tokyo'",
        "IntervalStyle = iso_8601",
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
        "escape_string_warning = off",
    ):
        shop.execute("SET " + setting)
    assert compare(before, read_snapshot(shop)) == []
    row = shop.execute("SHOW search_path").fetchone()
    assert row == ("shop, stock, public",)


def test_in_an_open_transaction_it_reads_what_that_one_sees(
    own_shop: Connection[Any],
) -> None:
    before = read_snapshot(own_shop)
    with own_shop.transaction(force_rollback=True):
        own_shop.execute("SET LOCAL search_path = stock")
        own_shop.execute("CREATE TABLE stock.passing ()")
        inside = read_snapshot(own_shop)
        assert own_shop.execute("SHOW search_path").fetchone() == ("stock",)
        # The transaction is as writable as before.
        own_shop.execute("CREATE TABLE stock.second ()")
    assert [each.object for each in compare(before, inside)] == ["stock.passing"]
    assert compare(before, read_snapshot(own_shop)) == []


def test_a_connection_without_autocommit_is_left_idle(
    own_shop: Connection[Any],
) -> None:
    expected = read_snapshot(own_shop)
    own_shop.autocommit = False
    assert read_snapshot(own_shop) == expected
    assert own_shop.info.transaction_status.name == "IDLE"


def test_a_connection_s_row_factory_and_json_loader_do_not_matter(
    shop: Connection[Any],
) -> None:
    expected = read_snapshot(shop)
    shop.row_factory = dict_row
    set_json_loads(lambda text: "another", shop)
    assert read_snapshot(shop) == expected


def test_a_connection_that_keeps_no_plans_is_asked_to_keep_none(
    shop: Connection[Any],
) -> None:
    shop.prepare_threshold = None
    read_snapshot(shop)
    row = shop.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert row == (0,)


def test_a_role_without_rights_misses_the_user_mappings_options_only(
    shop: Connection[Any],
) -> None:
    expected = read_snapshot(shop)
    shop.execute("SET ROLE pg_monitor")
    (difference,) = compare(expected, read_snapshot(shop))
    assert difference.kind == "user mapping"
    assert difference.after == "options: none"


def test_no_object_of_a_plain_database_but_the_schema_public(
    empty_url: str, settings: Settings
) -> None:
    with connect(empty_url, settings) as connection:
        objects = read_snapshot(connection).objects
    assert set(objects) == {
        ("comment", "schema public"),
        ("extension", "plpgsql"),
        ("schema", "public"),
    }


def test_a_role_that_may_not_read_the_graphs_is_told_so(
    own: Connection[Any],
) -> None:
    expected = read_snapshot(own)
    own.execute("REVOKE ALL ON SCHEMA ag_catalog FROM PUBLIC")
    own.execute("REVOKE ALL ON ag_catalog.ag_graph FROM PUBLIC")
    own.execute("SET ROLE pg_monitor")
    with pytest.raises(PermissionDenied):
        read_snapshot(own)
    own.execute("RESET ROLE")
    assert {name for _, name in read_snapshot(own).objects} >= {
        name for kind, name in expected.objects if kind == "graph"
    }


def test_an_unavailable_database_is_one_of_the_library_s_errors(
    shop: Connection[Any],
) -> None:
    shop.close()
    with pytest.raises(DatabaseUnavailable):
        read_snapshot(shop)
