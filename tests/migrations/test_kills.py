"""Killed at any moment: what is left is what the ledger says, and the next run ends it.

A round trip is one question to the server and its answer. A runner dies before it
sends the n-th one, when it has sent it, or when it has the answer: its client is
killed, or its session on the server is ended. A death on the way matters where the
question, a COMMIT or a statement alone, leaves no transaction open. What a file sends
in one round trip has points between its statements, where it can die too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from psycopg import Connection
from psycopg.pq import TransactionStatus

from drystone.database.session import connect
from drystone.errors import DatabaseUnavailable
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings

Direction = Literal["up", "down"]
Moment = Literal["before", "sent", "after"]

DEADLINE = 60.0
# The points are dealt out: `make test` sees half of them, `make test-faults` the rest.
PARTS = 4
DEALT = [
    *range(PARTS // 2),
    *(pytest.param(n, marks=pytest.mark.long) for n in range(PARTS // 2, PARTS)),
]
# A server process of its own forks the clients: one without threads or connections.
CLIENTS = multiprocessing.get_context("forkserver")
CLIENTS.set_forkserver_preload(["__main__", __name__])
SETTINGS = Settings(application_name="killed")
# Statements that a file sends in one round trip, by the points between them.
POINTS = {"up": 8, "down": 6}

# The point where a migration dies, or waits to be killed; the log of what was done.
_SETUP = """
CREATE TABLE public.log (entry text NOT NULL);
CREATE TABLE public.death (point integer, by text);
CREATE FUNCTION public.point(number integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.death WHERE point = number AND by = 'server') THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(60);
    END IF;
    IF EXISTS (SELECT FROM public.death WHERE point = number AND by = 'client') THEN
        PERFORM pg_advisory_xact_lock(1);
    END IF;
END $$;
"""

FILES = {
    # One transaction.
    "shop-0001": (
        """
        SELECT public.point(1);
        CREATE SCHEMA shop;
        SELECT public.point(2);
        CREATE TABLE shop.orders (
            id integer PRIMARY KEY,
            number integer NOT NULL,
            changes integer NOT NULL DEFAULT 0
        );
        SELECT public.point(3);
        INSERT INTO shop.orders SELECT n, 100 - n FROM generate_series(1, 25) AS n;
        INSERT INTO public.log VALUES ('0001 up');
        SELECT public.point(4);
        """,
        """
        SELECT public.point(4);
        INSERT INTO public.log
        SELECT '0001 down, of changes: ' || sum(changes) FROM shop.orders;
        DROP TABLE shop.orders;
        SELECT public.point(5);
        DROP SCHEMA shop;
        SELECT public.point(6);
        """,
    ),
    # Statement by statement.
    "shop-0002": (
        """
        INSERT INTO public.log VALUES ('0002 up, first');
        CREATE UNIQUE INDEX CONCURRENTLY orders_number_key ON shop.orders (number);
        INSERT INTO public.log VALUES ('0002 up, last');
        CREATE INDEX CONCURRENTLY orders_changes_idx ON shop.orders (changes);
        """,
        """
        INSERT INTO public.log VALUES ('0002 down, first');
        DROP INDEX CONCURRENTLY shop.orders_changes_idx;
        VACUUM shop.orders;
        DROP INDEX CONCURRENTLY shop.orders_number_key;
        INSERT INTO public.log VALUES ('0002 down, last');
        """,
    ),
    # In batches: each row is changed once, and a change is not its own repetition.
    "shop-0003": (
        """-- batch: shop.orders by id, 10 rows
        UPDATE shop.orders SET changes = changes * 2 + 1 WHERE id BETWEEN $1 AND $2;
        """,
        """-- batch: shop.orders by id, 10 rows
        UPDATE shop.orders SET changes = changes + 7 WHERE id BETWEEN $1 AND $2;
        """,
    ),
    "shop-0004": (
        """
        SELECT public.point(5);
        ALTER TABLE shop.orders ADD COLUMN note text;
        SELECT public.point(6);
        UPDATE shop.orders SET note = changes || ' changes';
        SELECT public.point(7);
        CREATE INDEX orders_note_idx ON shop.orders (note);
        INSERT INTO public.log VALUES ('0004 up');
        SELECT public.point(8);
        """,
        """
        SELECT public.point(1);
        INSERT INTO public.log VALUES ('0004 down');
        ALTER TABLE shop.orders ADD COLUMN was integer;
        SELECT public.point(2);
        ALTER TABLE shop.orders DROP COLUMN note;
        SELECT public.point(3);
        """,
    ),
    "shop-0005": (
        """
        DROP INDEX CONCURRENTLY shop.orders_note_idx;
        VACUUM shop.orders;
        INSERT INTO public.log VALUES ('0005 up');
        """,
        """
        CREATE INDEX CONCURRENTLY orders_note_idx ON shop.orders (note);
        INSERT INTO public.log VALUES ('0005 down');
        """,
    ),
}

# Files that run in one transaction: what they make is there if they are recorded.
_TRUE_LEDGER = """
SELECT
    (to_regnamespace('shop') IS NOT NULL) = coalesce('shop-0001' = ANY (found), false),
    EXISTS (
        SELECT
        FROM pg_attribute
        WHERE attrelid = to_regclass('shop.orders')
            AND attname = 'note'
    ) = coalesce('shop-0004' = ANY (found), false)
FROM (SELECT %s::text[] AS found) AS ledger
"""

_INDEXES = """
SELECT c.relname, i.indisvalid
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = to_regnamespace('shop')
ORDER BY c.relname
"""

_COLUMNS = """
SELECT attname
FROM pg_attribute
WHERE attrelid = to_regclass('shop.orders')
    AND attnum > 0
    AND NOT attisdropped
ORDER BY attname
"""

_CLEAR = """
DROP SCHEMA IF EXISTS shop CASCADE;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""

_ALIVE = """
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database()
    AND application_name = %s
    AND pid <> ALL (%s::integer[])
"""
# The dead runner's session, and both of its follower.
_AT_WORK = """
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database()
    AND application_name = %s
"""
_QUEUED = """
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database()
    AND wait_event_type = 'Lock'
"""
_WAITING = """
SELECT count(*)
FROM pg_locks
WHERE locktype = 'advisory'
    AND classid = 0
    AND objid = 1
    AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def run(url: str, folder: Path, direction: Direction) -> None:
    """Apply all, or roll all back."""
    migrations = read_migrations([folder])
    if direction == "up":
        runner.migrate(url, SETTINGS, migrations)
    else:
        runner.rollback(url, SETTINGS, migrations, steps=len(migrations))


class Trips:
    """The runner's round trips, counted, and an end to it at one of them.

    Those of the session that watches for blockers are not counted: that is another
    thread.
    """

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        end: Callable[[Connection[Any], Connection[Any]], None],
        *,
        at: int = 0,
        moment: Moment = "before",
    ) -> None:
        self.count = 0
        self.lasting: list[int] = []  # those that leave no transaction open
        self._end, self._at, self._moment = end, at, moment
        self._first: Connection[Any] | None = None  # holds the lock
        self._wait: Any = Connection.wait
        self._thread = threading.get_ident()
        trips = self

        def wait(
            connection: Connection[Any], trip: Any, *rest: Any, **more: Any
        ) -> Any:
            return trips.wait(connection, trip, *rest, **more)

        patch.setattr(Connection, "wait", wait)

    def wait(
        self, connection: Connection[Any], trip: Any, *rest: Any, **more: Any
    ) -> Any:
        name = connection.info.get_parameters().get("application_name")
        if threading.get_ident() != self._thread or name != SETTINGS.application_name:
            return self._wait(connection, trip, *rest, **more)
        self._first = self._first or connection
        self.count += 1
        due = self.count == self._at
        if due and self._moment == "before":
            self._end(connection, self._first)
        if due and self._moment == "sent":
            trip = self._sent(connection, trip)
        result = self._wait(connection, trip, *rest, **more)
        if connection.info.transaction_status is TransactionStatus.IDLE:
            self.lasting.append(self.count)
        if due and self._moment == "after":
            self._end(connection, self._first)
        return result

    def _sent(self, connection: Connection[Any], trip: Any) -> Generator[Any, Any, Any]:
        """Go on until the answer is waited for, and end it then."""
        sent = False
        try:
            wanted = next(trip)
            sent = True
            self._end(connection, self._first or connection)
            while True:
                wanted = trip.send((yield wanted))
        except StopIteration as stop:
            if not sent:  # there was nothing to send
                self._end(connection, self._first or connection)
            return stop.value


def die(_: object, __: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def client(
    url: str, folder: Path, direction: Direction, at: int, moment: Moment
) -> None:
    """Run, in a process of its own, and die at a round trip."""
    Trips(pytest.MonkeyPatch(), die, at=at, moment=moment)
    run(url, folder, direction)


@dataclass
class Scene:
    """A database, the folder, and what they hold when nothing was killed."""

    url: str
    folder: Path
    admin: Connection[Any]

    def prepare(self, direction: Direction) -> None:
        """Make the state that a direction begins with."""
        self.admin.execute((_CLEAR + _SETUP).encode())
        if direction == "down":
            run(self.url, self.folder, "up")

    def expected(self, direction: Direction) -> tuple[Any, Trips]:
        """Run without a death: return the end, and the round trips."""
        self.prepare(direction)
        with pytest.MonkeyPatch.context() as patch:
            trips = Trips(patch, die)
            run(self.url, self.folder, direction)
        return self.end(), trips

    def check(self) -> None:
        """Compare catalog and ledger."""
        assert self.admin.execute(_TRUE_LEDGER, [self.ledger()]).fetchone() == (
            True,
            True,
        )

    def ledger(self) -> list[str]:
        if not self.rows("SELECT to_regclass('public._yoyo_migration')")[0][0]:
            return []
        found = self.rows("SELECT migration_id FROM public._yoyo_migration ORDER BY 1")
        return [row[0] for row in found]

    def end(self) -> Any:
        """Return all that a run leaves behind, but for times."""
        has_rows = self.rows("SELECT to_regclass('shop.orders')")[0][0]
        return {
            "ledger": self.ledger(),
            "sources": self.rows("SELECT count(*) FROM public._drystone_source"),
            "history": self.rows(
                "SELECT migration_id, operation, count(*)"
                " FROM public._yoyo_log GROUP BY 1, 2 ORDER BY 1, 2"
            ),
            "progress": self.rows("SELECT migration_id FROM public._drystone_progress"),
            "indexes": self.rows(_INDEXES),
            "columns": self.rows(_COLUMNS),
            "rows": self.rows("SELECT id, number, changes FROM shop.orders ORDER BY id")
            if has_rows
            else None,
            "log": self.rows("SELECT entry FROM public.log ORDER BY entry"),
        }

    def rows(self, query: str) -> list[Any]:
        return self.admin.execute(query.encode()).fetchall()

    def finish(self, direction: Direction, end: Any) -> None:
        """Run again, after a death; it ends as if there had been none."""
        self.wait_for(_ALIVE, [SETTINGS.application_name, []], 0)
        self.check()
        left = self.ledger()
        if direction == "up":
            run(self.url, self.folder, "up")
        elif left:
            migrations = read_migrations([self.folder])
            runner.rollback(self.url, SETTINGS, migrations, steps=len(left))
        assert self.end() == end

    def wait_for(self, query: str, parameters: Any, wanted: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while self.admin.execute(query.encode(), parameters).fetchone() != (wanted,):
            assert time.monotonic() < deadline, "it did not come about"

    def end_session(self, victim: Connection[Any]) -> None:
        pid = victim.info.backend_pid
        ended = self.admin.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
        assert ended.fetchone() == (True,)


@pytest.fixture
def scene(empty_url: str, tmp_path: Path) -> Iterator[Scene]:
    """The folder and an empty database."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, (up, down) in FILES.items():
        (folder / f"{name}.sql").write_text(up)
        (folder / f"{name}.rollback.sql").write_text(down)
    with connect(empty_url, Settings(application_name="admin")) as admin:
        yield Scene(empty_url, tmp_path, admin)


@pytest.mark.parametrize("part", DEALT)
@pytest.mark.parametrize("moment", ["sent", "after"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_client_that_is_killed_leaves_nothing_unrecorded_and_is_continued(
    scene: Scene, direction: Direction, moment: Moment, part: int
) -> None:
    end, trips = scene.expected(direction)
    points = range(1, trips.count + 1, 2) if moment == "after" else trips.lasting
    for at in points[part::PARTS]:
        scene.prepare(direction)
        process = CLIENTS.Process(
            target=client, args=(scene.url, scene.folder, direction, at, moment)
        )
        process.start()
        process.join(DEADLINE)
        assert process.exitcode == -signal.SIGKILL
        scene.finish(direction, end)


@pytest.mark.parametrize("part", DEALT)
@pytest.mark.parametrize("moment", ["before", "sent"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_session_that_is_ended_leaves_nothing_unrecorded_and_is_continued(
    scene: Scene, direction: Direction, moment: Moment, part: int
) -> None:
    end, trips = scene.expected(direction)
    points = range(1, trips.count + 1, 4) if moment == "before" else trips.lasting
    for at in points[part::PARTS]:
        scene.prepare(direction)
        with pytest.MonkeyPatch.context() as patch:
            Trips(patch, lambda c, _: scene.end_session(c), at=at, moment=moment)
            try:
                run(scene.url, scene.folder, direction)
            except DatabaseUnavailable:
                pass
            else:
                assert scene.end() == end  # it was done, or answered, before
        scene.finish(direction, end)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_runner_that_loses_its_lock_does_no_harm(
    scene: Scene, direction: Direction
) -> None:
    end, trips = scene.expected(direction)
    for at in range(2, trips.count, 12):
        scene.prepare(direction)
        with pytest.MonkeyPatch.context() as patch:
            Trips(patch, lambda _, lock: scene.end_session(lock), at=at)
            with suppress(DatabaseUnavailable):
                run(scene.url, scene.folder, direction)
        scene.finish(direction, end)


@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_death_between_the_statements_of_a_transaction_leaves_none_of_them(
    scene: Scene, direction: Direction, by: str
) -> None:
    end, _ = scene.expected(direction)
    for point in range(1, POINTS[direction] + 1):
        scene.prepare(direction)
        scene.admin.execute("INSERT INTO public.death VALUES (%s, %s)", [point, by])
        if by == "server":
            with pytest.raises(DatabaseUnavailable):
                run(scene.url, scene.folder, direction)
        else:
            # A lock of the session: an index build would wait for a transaction.
            scene.admin.execute("SELECT pg_advisory_lock(1)")
            process = CLIENTS.Process(
                target=run, args=(scene.url, scene.folder, direction)
            )
            process.start()
            scene.wait_for(_WAITING, None, 1)
            process.kill()
            process.join(DEADLINE)
            scene.check()
            scene.admin.execute("SELECT pg_advisory_unlock(1)")
        scene.admin.execute("TRUNCATE public.death")
        scene.finish(direction, end)


def test_an_index_build_that_outlives_its_client_is_not_taken_for_somebody_elses(
    scene: Scene,
) -> None:
    """The server notices the client's death when it has something to say to it."""
    end, _ = scene.expected("up")
    scene.prepare("up")
    migrations = read_migrations([scene.folder])
    runner.migrate(scene.url, SETTINGS, migrations, to="shop-0001")
    with connect(scene.url, Settings(), autocommit=False) as holder:
        holder.execute("LOCK TABLE shop.orders IN SHARE UPDATE EXCLUSIVE MODE")
        process = CLIENTS.Process(target=run, args=(scene.url, scene.folder, "up"))
        process.start()
        scene.wait_for(_QUEUED, None, 1)
        process.kill()
        process.join(DEADLINE)
        follower = CLIENTS.Process(target=run, args=(scene.url, scene.folder, "up"))
        follower.start()
        scene.wait_for(_AT_WORK, [SETTINGS.application_name], 3)
    follower.join(DEADLINE)
    assert scene.end() == end


@pytest.mark.parametrize("last", ["shop-0001", "shop-0002"])
def test_a_commit_that_outlives_its_client_counts(scene: Scene, last: str) -> None:
    """What it commits is neither lost nor done again by the next runner."""
    end, _ = scene.expected("up")
    scene.prepare("up")
    migrations = read_migrations([scene.folder])
    runner.migrate(scene.url, SETTINGS, migrations, to=last)
    table = "public.log" if last == "shop-0001" else "shop.orders"
    event = "INSERT" if last == "shop-0001" else "UPDATE OF changes"
    scene.admin.execute(
        "CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql"
        " SET lock_timeout = 0 AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;"
        f"CREATE CONSTRAINT TRIGGER hold AFTER {event} ON {table}"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " EXECUTE FUNCTION public.hold()".encode()
    )
    scene.admin.execute("SELECT pg_advisory_lock(1)")
    process = CLIENTS.Process(target=run, args=(scene.url, scene.folder, "up"))
    process.start()
    scene.wait_for(_WAITING, None, 1)
    process.kill()
    process.join(DEADLINE)
    follower = CLIENTS.Process(target=run, args=(scene.url, scene.folder, "up"))
    follower.start()
    scene.wait_for(_QUEUED, None, 2)
    scene.admin.execute("SELECT pg_advisory_unlock(1)")
    follower.join(DEADLINE)
    assert scene.end() == end
