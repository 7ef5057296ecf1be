from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import (
    HistoryError,
    MigrationError,
    MigrationFailed,
    MigrationLocked,
)
from drystone.migrations.history import State
from drystone.migrations.lock import runner_lock
from drystone.settings import Settings
from tests.migrations.conftest import Runner, Write


@pytest.fixture
def three(write: Write) -> None:
    """Three migrations, each of which makes a table."""
    for number in (1, 2, 3):
        write(
            f"shop-000{number}-create",
            f"CREATE TABLE public.t{number} (id integer);",
            f"DROP TABLE public.t{number};",
        )


def tables(connection: Connection[Any]) -> set[str]:
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND tablename !~ 'yoyo|drystone'"
    )
    return {name for (name,) in found}


@pytest.mark.usefixtures("three")
def test_up_and_down_and_up_again(shop: Runner, empty: Connection[Any]) -> None:
    """001-04"""
    ids = ["shop-0001-create", "shop-0002-create", "shop-0003-create"]
    assert shop.migrate() == ids
    assert shop.migrate() == []
    assert tables(empty) == {"t1", "t2", "t3"}
    assert shop.rollback() == ids[-1:]
    assert shop.rollback(to=ids[0]) == [ids[1]]
    assert tables(empty) == {"t1"}
    assert shop.migrate(to=ids[1]) == [ids[1]]
    assert shop.migrate() == [ids[2]]
    assert shop.rollback(steps=10) == ids[::-1]
    assert tables(empty) == set()
    assert set(shop.states().values()) == {State.PENDING}
    log = empty.execute("SELECT operation, count(*) FROM public._yoyo_log GROUP BY 1")
    assert dict(log.fetchall()) == {"apply": 5, "rollback": 5}


@pytest.mark.usefixtures("three")
def test_status_writes_nothing(shop: Runner, empty: Connection[Any]) -> None:
    assert set(shop.states().values()) == {State.PENDING}
    found = empty.execute("SELECT count(*) FROM pg_class WHERE relname ~ 'yoyo'")
    assert found.fetchone() == (0,)


def test_a_failed_file_is_undone_wholly_and_located(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0001-create", "CREATE TABLE public.t1 (id integer);")
    path = write(
        "shop-0002-break",
        "CREATE TABLE public.t2 (id integer);\n\n"
        "INSERT INTO public.t2 (id) VALUES ('é' || :nothing);".replace(":", ""),
    )
    with pytest.raises(MigrationFailed) as caught:
        shop.migrate()
    assert str(caught.value.location) == f"{path}:3:43"
    assert caught.value.sqlstate == "42703"
    assert caught.value.excerpt is not None
    assert caught.value.excerpt.splitlines()[1].index("^") == 50
    assert tables(empty) == {"t1"}
    assert shop.states()["shop-0001-create"] is State.APPLIED
    assert shop.states()["shop-0002-break"] is State.PENDING


def test_an_error_without_a_position_names_its_statement(
    shop: Runner, write: Write
) -> None:
    path = write(
        "shop-0001-create",
        "CREATE TABLE public.t1 (id integer);\n\nSELECT 1;\n"
        "CREATE TABLE public.t1 (id integer);\nSELECT 2;",
    )
    with pytest.raises(MigrationFailed, match="already exists") as caught:
        shop.migrate()
    assert str(caught.value.location) == f"{path}:4"


def test_a_typing_error_anywhere_stops_the_run_before_it_begins(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0001-create", "CREATE TABLE public.t1 (id integer);")
    write("shop-0002-break", "CREATE TABEL public.t2 (id integer);")
    with pytest.raises(MigrationError, match="TABEL"):
        shop.migrate()
    assert tables(empty) == set()


@pytest.mark.usefixtures("three")
def test_another_projects_migrations_are_left_alone(
    shop: Runner, tmp_path: Path, empty_url: str
) -> None:
    shop.migrate()
    other = tmp_path / "elsewhere" / "blog"
    other.mkdir(parents=True)
    (other / "blog-1.sql").write_text("CREATE TABLE public.posts (id integer);")
    assert Runner(empty_url, other.parent).migrate() == ["blog-1"]
    assert set(shop.states()) == {f"shop-000{n}-create" for n in (1, 2, 3)}


def test_a_rollback_without_a_file_is_refused(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0001-create", "CREATE TABLE public.t1 (id integer);")
    shop.migrate()
    with pytest.raises(MigrationError, match="has no rollback file"):
        shop.rollback()
    assert shop.states()["shop-0001-create"] is State.APPLIED
    assert tables(empty) == {"t1"}


def test_what_others_build_on_is_not_rolled_back(
    tmp_path: Path, empty_url: str, empty: Connection[Any]
) -> None:
    for name, text in {
        "core/core-1.sql": "CREATE TABLE public.core (id integer);",
        "core/core-1.rollback.sql": "DROP TABLE public.core;",
        "shop/shop-1.sql": "-- depends: core-1\nCREATE TABLE public.shop ();",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    both = Runner(empty_url, tmp_path)
    both.migrate()
    with pytest.raises(HistoryError, match="shop-1 builds on it"):
        both.rollback(systems=["core"])
    assert tables(empty) == {"core", "shop"}


def test_a_setting_does_not_reach_the_next_file(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0001-set", "SET lock_timeout = 0; SET search_path = pg_catalog;")
    write("shop-0002-create", "CREATE TABLE t2 (id integer);")
    shop.migrate()
    assert tables(empty) == {"t2"}


def test_a_file_that_needs_no_transaction_runs_statement_by_statement(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0001-create", "CREATE TABLE public.t1 (id integer);", "")
    write(
        "shop-0002-index",
        "CREATE INDEX CONCURRENTLY t1_id_idx ON public.t1 (id);\nVACUUM public.t1;",
        "DROP INDEX CONCURRENTLY public.t1_id_idx;",
    )
    assert len(shop.migrate()) == 2
    assert empty.execute("SELECT to_regclass('public.t1_id_idx')").fetchone() != (None,)
    assert shop.rollback() == ["shop-0002-index"]
    assert empty.execute("SELECT to_regclass('public.t1_id_idx')").fetchone() == (None,)


def test_an_error_outside_a_transaction_is_located_too(
    shop: Runner, write: Write
) -> None:
    path = write("shop-0001-index", "VACUUM;\nDROP INDEX CONCURRENTLY public.nothing;")
    with pytest.raises(MigrationFailed, match="nothing") as caught:
        shop.migrate()
    assert str(caught.value.location) == f"{path}:2"
    assert caught.value.hint is not None
    assert "go on from here" in caught.value.hint


@pytest.mark.usefixtures("three")
def test_eight_runners_at_once_apply_each_migration_once(
    empty_url: str, folder: Path, empty: Connection[Any]
) -> None:
    runners = [Runner(empty_url, folder) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda each: each.migrate(), runners))
    assert sorted(chain(*done)) == [f"shop-000{n}-create" for n in (1, 2, 3)]
    log = empty.execute("SELECT count(*) FROM public._yoyo_log")
    assert log.fetchone() == (3,)


@pytest.mark.usefixtures("three")
def test_a_runner_that_waits_says_for_whom_and_gives_up(
    shop: Runner, empty_url: str, settings: Settings
) -> None:
    shop.settings = Settings(migration_lock_wait=0.3)
    with (
        runner_lock(empty_url, settings, on_wait=lambda _: None),
        pytest.raises(MigrationLocked, match=r"pid \d+ of postgres") as caught,
    ):
        shop.migrate()
    assert caught.value.exit_code == 5
    assert len(shop.progress.holders) == 1
    assert len(shop.migrate()) == 3


def test_the_lock_dies_with_its_holder(empty_url: str, settings: Settings) -> None:
    with runner_lock(empty_url, settings, on_wait=lambda _: None):
        with connect(empty_url, settings) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
                " WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database"
                "                 WHERE datname = current_database())"
            )
        waited: list[str] = []
        with runner_lock(empty_url, settings, on_wait=waited.append):
            assert waited == []


def test_an_unknown_migration_is_named(shop: Runner, write: Write) -> None:
    write("shop-0001-create", "SELECT 1;")
    with pytest.raises(MigrationError, match="no migration called nothing"):
        shop.migrate(to="nothing")
    with pytest.raises(MigrationError, match="not an applied migration"):
        shop.rollback(to="shop-0001-create")
