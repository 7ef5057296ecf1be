"""Migrations that meet others' locks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import MigrationFailed, MigrationLocked
from drystone.migrations.blockers import Blocker
from drystone.migrations.history import State
from drystone.settings import Settings
from tests.migrations.conftest import Recorder, Runner, Write


@pytest.fixture
def table(shop: Runner, write: Write) -> Runner:
    """A table, and a migration that changes it."""
    write("shop-0001", "CREATE TABLE public.t (id integer);")
    shop.migrate()
    write("shop-0002", "CREATE TABLE public.new ();\nALTER TABLE public.t ADD b text;")
    return shop


@pytest.fixture
def reader(
    empty_url: str, settings: Settings, table: Runner
) -> Iterator[Connection[Any]]:
    """Another session, which has read the table and goes on and on."""
    with connect(empty_url, settings, application_name="report") as opened:
        opened.execute("BEGIN; SELECT id FROM public.t")
        yield opened


class Releasing(Recorder):
    """Let the reader go when the migration has given way a few times."""

    def __init__(self, reader: Connection[Any], times: int) -> None:
        super().__init__()
        self.reader, self.times = reader, times

    def blocked(self, migration: Any, blockers: Any) -> None:
        super().blocked(migration, blockers)
        self.times -= 1
        if self.times == 0:
            self.reader.execute("ROLLBACK")


def test_a_migration_gives_way_and_comes_again(
    table: Runner, reader: Connection[Any]
) -> None:
    table.settings = Settings(migration_lock_timeout=2)
    table.progress = Releasing(reader, times=3)
    assert table.migrate() == ["shop-0002"]
    pids = {blocker.pid for blocker in table.progress.blockers}
    assert pids == {reader.info.backend_pid}
    (blocker, *_) = table.progress.blockers
    assert (blocker.role, blocker.application) == ("postgres", "report")
    assert blocker.state == "idle in transaction"


def test_it_gives_up_after_its_budget_and_names_who_was_in_the_way(
    table: Runner, reader: Connection[Any]
) -> None:
    table.settings = Settings(migration_lock_timeout=2, migration_retry_budget=0.5)
    with pytest.raises(MigrationFailed) as caught:
        table.migrate()
    assert caught.value.sqlstate == "55P03"
    assert f"pid {reader.info.backend_pid} of postgres (report)" in str(
        caught.value.hint
    )
    assert "SELECT" not in str(caught.value.hint)
    assert table.states()["shop-0002"] is State.PENDING
    found = reader.execute("SELECT to_regclass('public.new')").fetchone()
    assert found == (None,)


def test_only_lost_transactions_are_tried_again(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    empty.execute("CREATE SEQUENCE public.tries")
    write(
        "shop-0002",
        "SELECT nextval('public.tries'); INSERT INTO public.t VALUES (1 / 0);",
    )
    with pytest.raises(MigrationFailed, match="division by zero"):
        table.migrate()
    assert empty.execute("SELECT last_value FROM public.tries").fetchone() == (1,)
    write(
        "shop-0002",
        "SELECT nextval('public.tries'); DO $$ BEGIN"
        " IF (SELECT last_value FROM public.tries) < 4 THEN"
        " RAISE SQLSTATE '40001'; END IF; END $$;",
    )
    assert table.migrate() == ["shop-0002"]
    assert empty.execute("SELECT last_value FROM public.tries").fetchone() == (4,)


def test_a_file_may_set_its_own_timeout(table: Runner, write: Write) -> None:
    write(
        "shop-0002",
        "CREATE TABLE public.seen AS SELECT current_setting('lock_timeout') AS first;\n"
        "SET LOCAL lock_timeout = '7s';\n"
        "INSERT INTO public.seen SELECT current_setting('lock_timeout');",
    )
    table.migrate()
    with connect(table.url, Settings()) as connection:
        found = connection.execute("SELECT first FROM public.seen").fetchall()
    assert found == [("2s",), ("7s",)]


def test_yoyos_lock_row_is_honoured(table: Runner, empty: Connection[Any]) -> None:
    empty.execute("INSERT INTO public.yoyo_lock VALUES (1, now(), 4242)")
    table.settings = Settings(migration_lock_wait=0.2)
    with pytest.raises(MigrationLocked, match=r"yoyo, by its row.*pid 4242") as caught:
        table.migrate()
    assert "break-lock" in str(caught.value.hint)
    empty.execute("DELETE FROM public.yoyo_lock")
    assert table.migrate() == ["shop-0002"]


def test_yoyo_waits_while_drystone_works(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    """A row in yoyo_lock cannot be written while a migration runs."""
    seen: list[str] = []

    class Trying(Recorder):
        def started(self, migration: Any) -> None:
            empty.execute("SET lock_timeout = '50ms'")
            try:
                empty.execute("INSERT INTO public.yoyo_lock VALUES (1, now(), 1)")
            except Exception as error:  # noqa: BLE001 -- looked at below
                seen.append(type(error).__name__)

    table.progress = Trying()
    assert table.migrate() == ["shop-0002"]
    assert seen == ["LockNotAvailable"]


def test_a_concurrent_build_does_not_wait_for_the_runners_own_lock(
    table: Runner, write: Write
) -> None:
    """It would wait for every transaction that holds a snapshot."""
    write("shop-0002", "CREATE INDEX CONCURRENTLY t_id_idx ON public.t (id);")
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.extend(table.migrate()), daemon=True)
    thread.start()
    thread.join(timeout=60)
    assert done == ["shop-0002"]


def test_a_blocker_is_told_in_one_line() -> None:
    blocker = Blocker(7, "app", "web", "active", 1.4, 3600.2)
    assert str(blocker) == (
        "pid 7 of app (web), active, its query 1 s old, its transaction 3600 s"
    )
