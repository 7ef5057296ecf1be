"""Many runners at once, and readers beside them."""

from __future__ import annotations

import multiprocessing
import threading
import time
import uuid
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from drystone.errors import DrystoneError
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.migrations.history import State
from drystone.migrations.lock import runner_lock
from drystone.settings import Settings
from drystone.testing import embedded_server
from tests.migrations.conftest import Runner, Write

RUNNERS = 20
DEADLINE = 60.0
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", __name__])

_TRANSACTION = """
SELECT xact_start
FROM pg_stat_activity
WHERE datname = current_database()
    AND application_name = 'waiter'
    AND xact_start IS NOT NULL
"""


def migrate(
    url: str, folder: Path, name: str, start: Barrier, results: Queue[Any]
) -> None:
    """Migrate, in a process of its own, when all the others do."""
    migrations = read_migrations([folder])
    settings = Settings(application_name=name)
    start.wait(DEADLINE)
    try:
        done = runner.migrate(url, settings, migrations)
    except DrystoneError as error:
        results.put(str(error))
    else:
        results.put([each.id for each in done])


@pytest.fixture
def shop_files(write: Write, empty: Connection[Any]) -> None:
    """Files of each kind, which write down that they ran."""
    empty.execute("CREATE TABLE public.log (entry text NOT NULL)")
    write(
        "shop-0001",
        "CREATE TABLE public.t (id integer);"
        "INSERT INTO public.t SELECT generate_series(1, 1000);"
        "INSERT INTO public.log VALUES ('0001');",
        "DROP TABLE public.t;",
    )
    write(
        "shop-0002",
        "INSERT INTO public.log VALUES ('0002');"
        "CREATE INDEX CONCURRENTLY t_id_idx ON public.t (id);",
        "DROP INDEX CONCURRENTLY public.t_id_idx;",
    )
    write(
        "shop-0003",
        "ALTER TABLE public.t ADD COLUMN b text;"
        "INSERT INTO public.log VALUES ('0003');",
        "ALTER TABLE public.t DROP COLUMN b;",
    )


@pytest.mark.usefixtures("shop_files")
def test_of_many_runners_that_start_at_once_each_migration_meets_one(
    shop: Runner, empty: Connection[Any]
) -> None:
    name, before = f"crowd-{uuid.uuid4()}", embedded_server().log.stat().st_size
    start, results = PROCESSES.Barrier(RUNNERS), PROCESSES.Queue()
    processes = [
        PROCESSES.Process(
            target=migrate, args=(shop.url, shop.folder, name, start, results)
        )
        for _ in range(RUNNERS)
    ]
    for process in processes:
        process.start()
    done = [results.get(timeout=DEADLINE) for _ in processes]
    for process in processes:
        process.join(DEADLINE)
    assert all(isinstance(each, list) for each in done), done
    ids = ["shop-0001", "shop-0002", "shop-0003"]
    assert sorted(migration for each in done for migration in each) == ids
    entries = empty.execute("SELECT entry FROM public.log ORDER BY entry").fetchall()
    assert entries == [("0001",), ("0002",), ("0003",)]
    logged = empty.execute(
        "SELECT migration_id FROM public._yoyo_log ORDER BY migration_id"
    ).fetchall()
    assert [row[0] for row in logged] == ids
    valid = empty.execute(
        "SELECT indisvalid FROM pg_index"
        " WHERE indexrelid = to_regclass('public.t_id_idx')"
    ).fetchall()
    assert valid == [(True,)]
    assert problems(name, before) == []


@pytest.mark.usefixtures("shop_files")
def test_a_runner_that_waits_begins_a_transaction_for_each_look(
    shop: Runner, empty: Connection[Any]
) -> None:
    """An index build waits for the end of a transaction that it once saw looking."""
    waiting = threading.Event()
    done: list[str] = []

    class Waiting:
        def waiting(self, holder: str) -> None:
            waiting.set()

        def started(self, *_: object) -> None: ...

        blocked = finished = started

    def wait() -> None:
        settings = Settings(application_name="waiter")
        migrations = read_migrations([shop.folder])
        found = runner.migrate(shop.url, settings, migrations, progress=Waiting())
        done.extend(each.id for each in found)

    thread = threading.Thread(target=wait, daemon=True)
    seen: set[Any] = set()
    with runner_lock(shop.url, Settings(), on_wait=lambda _: None):
        thread.start()
        assert waiting.wait(DEADLINE)
        deadline = time.monotonic() + 10
        while len(seen) < 3 and time.monotonic() < deadline:
            seen.update(empty.execute(_TRANSACTION).fetchall())
    thread.join(DEADLINE)
    assert done == ["shop-0001", "shop-0002", "shop-0003"]
    assert len(seen) == 3


@pytest.fixture
def reader(empty: Connection[Any], shop: Runner, shop_files: None) -> Iterator[str]:
    """The name of a role that may read the ledger, and nothing else."""
    shop.migrate(to="shop-0002")
    name = f"reader_{uuid.uuid4().hex}"
    role = sql.Identifier(name)
    empty.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    empty.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    empty.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    empty.execute(
        sql.SQL(
            "GRANT SELECT ON public._yoyo_migration, public._drystone_source TO {}"
        ).format(role)
    )
    yield name
    empty.execute(sql.SQL("DROP OWNED BY {}").format(role))
    empty.execute(sql.SQL("DROP ROLE {}").format(role))


def test_the_status_needs_to_read_the_ledger_and_nothing_else(
    shop: Runner, empty: Connection[Any], reader: str
) -> None:
    """Not even a lock: others hold all that can be held without keeping readers out."""
    before = embedded_server().log.stat().st_size
    settings = Settings(
        application_name=reader,
        session={"default_transaction_read_only": "on", "lock_timeout": "1s"},
    )
    with (
        runner_lock(shop.url, Settings(), on_wait=lambda _: None),
        empty.transaction(),
    ):
        empty.execute(
            "LOCK TABLE public._yoyo_migration, public._yoyo_log, public._yoyo_version,"
            " public._drystone_source, public._drystone_progress"
            " IN EXCLUSIVE MODE"
        )
        entries = runner.status(
            make_conninfo(shop.url, user=reader),
            settings,
            read_migrations([shop.folder]),
        )
    assert [entry.state for entry in entries] == [
        State.APPLIED,
        State.APPLIED,
        State.PENDING,
    ]
    assert problems(reader, before) == []


def problems(application: str, start: int) -> list[str]:
    """Return what the server has logged of an application, but for slow statements."""
    with embedded_server().log.open("rb") as log:
        log.seek(start)
        lines = log.read().decode(errors="replace").splitlines()
    return [x for x in lines if f" {application} " in x and " duration: " not in x]
