"""The locks of a statement that runs outside transactions, seen while it holds them.

They are gone when it ends, and it may be too quick to be caught at them. So another
session goes ahead of it and stands in its way, harmlessly: a gate locks each table in
the strongest mode that the statement's own lock allows, and keeps a snapshot. Whatever
the statement does next, a stronger lock or a wait for older transactions, as every
CONCURRENTLY does, it waits at the gate. There its locks are read; then a next gate is
closed behind the first, and the first is opened.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from psycopg import Connection, sql

from drystone.review.locks import LockMode
from drystone.review.trace.looking import Locks, Relations, locks_of

_INTERVAL = 0.001

# A snapshot is what the last phase of CREATE INDEX CONCURRENTLY waits for.
_BEGIN = """
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_catalog.pg_current_snapshot()
"""
_LOCK = "LOCK TABLE {} IN {} MODE"
_OPEN = "ROLLBACK"

# The first gate also stops VACUUM; the next ones must not stop each other.
_FIRST = (LockMode.SHARE_UPDATE_EXCLUSIVE,)
_NEXT = (LockMode.ROW_EXCLUSIVE, LockMode.ACCESS_SHARE)

_STOPPED = """
SELECT
    %(gate)s = ANY (pg_catalog.pg_blocking_pids(%(pid)s)),
    (
        SELECT extract(epoch FROM pg_catalog.clock_timestamp() - min(l.waitstart))
        FROM pg_catalog.pg_locks AS l
        WHERE l.pid = %(pid)s
            AND NOT l.granted
    )::float8
"""


@dataclass(slots=True)
class Sighting:
    """The locks seen, each with the time that the statement had run by then.

    ``waited`` is the time that it stood at gates, in seconds.
    """

    locks: dict[int, tuple[LockMode, float]] = field(default_factory=dict)
    waited: float = 0.0

    def add(self, locks: Locks, ran: float) -> None:
        """Note locks that are new, or stronger than what was seen."""
        for oid, mode in locks.items():
            if oid not in self.locks or mode.rank > self.locks[oid][0].rank:
                self.locks[oid] = (mode, ran)

    def strongest(self, oid: int) -> LockMode:
        """Return the strongest lock seen on a relation, or the weakest of all."""
        return self.locks.get(oid, (LockMode.ACCESS_SHARE, 0.0))[0]


@contextmanager
def gates(
    connect: Callable[[], Connection[Any]], pid: int, known: Relations
) -> Iterator[Sighting]:
    """Watch the session ``pid`` while the block runs one statement on it.

    Gates are on the tables of ``known``.
    """
    with ExitStack() as stack:
        watcher, first, second = (stack.enter_context(connect()) for _ in range(3))
        watch = _Watch(watcher, pid, known)
        watch.close(first, _FIRST)
        thread = threading.Thread(target=watch.go_along, args=(first, second))
        thread.start()
        try:
            yield watch.sighting
        finally:
            watch.done.set()
            thread.join()
    if watch.error is not None:
        raise watch.error


class _Watch:
    """Two gates that take turns before one session."""

    def __init__(self, watcher: Connection[Any], pid: int, known: Relations) -> None:
        self.sighting = Sighting()
        self.done = threading.Event()
        self.error: Exception | None = None
        self._watcher = watcher
        self._pid = pid
        # LOCK TABLE is for tables alone.
        self._tables = {
            oid: each.name
            for oid, each in known.items()
            if each.kind in ("table", "partitioned table")
        }

    def go_along(self, shut: Connection[Any], open_: Connection[Any]) -> None:
        """Take turns until the session is done; an error opens the gates."""
        begin = time.perf_counter()
        try:
            while not self.done.wait(_INTERVAL):
                stopped, waiting = self._look(shut)
                if not stopped:
                    continue
                seen = time.perf_counter()
                ran = seen - begin - waiting - self.sighting.waited
                self.sighting.add(locks_of(self._watcher, self._pid), max(ran, 0.0))
                self.close(open_, _NEXT)
                self.sighting.waited += waiting + time.perf_counter() - seen
                shut.execute(_OPEN)
                shut, open_ = open_, shut
        except Exception as error:  # noqa: BLE001 -- it is raised where the block ends
            self.error = error
        finally:
            shut.close()
            open_.close()

    def close(self, gate: Connection[Any], modes: tuple[LockMode, ...]) -> None:
        """Lock each table in the strongest of the modes that is not in conflict."""
        gate.execute(_BEGIN)
        chosen = sorted(
            (mode, name)
            for oid, name in self._tables.items()
            if (mode := self._harmless(oid, modes)) is not None
        )
        for mode, group in groupby(chosen, key=lambda each: each[0]):
            names = sql.SQL(", ").join(
                sql.SQL("ONLY {}").format(sql.SQL(name)) for _, name in group
            )
            gate.execute(sql.SQL(_LOCK).format(names, sql.SQL(mode)))

    def _harmless(self, oid: int, modes: tuple[LockMode, ...]) -> LockMode | None:
        taken = self.sighting.strongest(oid)
        return next((mode for mode in modes if not mode.conflicts(taken)), None)

    def _look(self, gate: Connection[Any]) -> tuple[bool, float]:
        """Tell whether the session stands at the gate, and for how long."""
        names = {"gate": gate.info.backend_pid, "pid": self._pid}
        row = self._watcher.execute(_STOPPED, names).fetchone()
        if row is None:
            raise AssertionError("a query without FROM returns a row")
        return bool(row[0]), float(row[1] or 0.0)
