"""A migration run as ever, while each of its statements is looked at."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from psycopg import Connection

from drystone.migrations.attempts import Bench
from drystone.migrations.execution import Manner
from drystone.migrations.files import SqlFile
from drystone.migrations.statements import Statement
from drystone.review.locks import LockMode
from drystone.review.trace.gates import gates
from drystone.review.trace.looking import (
    Locks,
    Relations,
    concerned,
    indexes_built,
    locks_of,
    relations,
    rewritten,
    scanned,
)
from drystone.review.trace.traces import HeldLock, StatementTrace

Send = Callable[[], None]

# TRUNCATE gives a table a new file too, but no rows are written to it.
_EMPTIES = "truncate_stmt"


@dataclass(frozen=True, slots=True)
class _Step:
    """What was seen of a statement; relations are known by their oids."""

    statement: Statement
    seconds: float
    taken: dict[int, tuple[LockMode, float]]  # with the time it had run by then
    under: Sequence[int] = ()
    rewritten: Sequence[str] = ()
    indexes_built: Sequence[str] = ()
    scanned: dict[str, int] = field(default_factory=dict)


class Recorder(Manner):
    """Send statements one by one and keep what each did to what was there before.

    What is there when it is made counts as there before. ``statements`` grows with
    each transaction.
    """

    def __init__(self, bench: Bench) -> None:
        self.statements: list[StatementTrace] = []
        self._bench = bench
        self._known: Relations = relations(bench.connection)

    def whole(self, connection: Connection[Any], file: SqlFile) -> None:
        """Run the file in its transaction, looking around after each statement."""
        self.statements.clear()  # of an attempt that was rolled back
        transaction = _Transaction(connection, self._known)
        try:
            for index, statement in enumerate(file.statements):
                transaction.run(
                    statement, partial(super().one, connection, file, index)
                )
        finally:
            self.statements += transaction.traces()

    def one(self, connection: Connection[Any], file: SqlFile, index: int) -> None:
        """Run a statement in a transaction of its own, or outside transactions."""
        statement = file.statements[index]
        send = partial(super().one, connection, file, index)
        if statement.transactional:
            self._run_in_transaction(connection, statement, send)
        else:
            self._run_alone(connection, statement, send)

    def batch(
        self, connection: Connection[Any], file: SqlFile, keys: tuple[str, str]
    ) -> None:
        """Run a batch; the first one stands for all."""
        send = partial(super().batch, connection, file, keys)
        if self.statements:
            send()
        else:
            self._run_in_transaction(connection, file.statements[0], send)

    def _run_in_transaction(
        self, connection: Connection[Any], statement: Statement, send: Send
    ) -> None:
        transaction = _Transaction(connection, self._known)
        transaction.run(statement, send)
        self.statements += transaction.traces()

    def _run_alone(
        self, connection: Connection[Any], statement: Statement, send: Send
    ) -> None:
        known = self._known
        before = relations(connection)
        read = scanned(connection, known, in_transaction=False)
        pid = connection.info.backend_pid
        near = concerned(connection, statement, known)
        with gates(self._bench.connect, pid, near) as seen:
            seconds = _timed(send) - seen.waited
        now = relations(connection)
        step = _Step(
            statement,
            seconds=max(seconds, 0.0),
            taken={o: lock for o, lock in seen.locks.items() if o in known},
            rewritten=rewritten(before, now, known),
            indexes_built=indexes_built(before, now, known),
            scanned=_by_name(
                scanned(connection, known, in_transaction=False) - read, known
            ),
        )
        self.statements += _traces([step], known)


class _Transaction:
    """One transaction from its beginning: what its statements took, and still hold."""

    def __init__(self, connection: Connection[Any], known: Relations) -> None:
        self._connection = connection
        self._known = known
        self._pid = connection.info.backend_pid
        self._steps: list[_Step] = []
        self._held: Locks = {}
        self._state = dict(known)
        self._read = scanned(connection, known, in_transaction=True)

    def run(self, statement: Statement, send: Send) -> None:
        """Run one statement and look what it did."""
        connection, known, before = self._connection, self._known, self._held
        seconds = _timed(send)
        locks = locks_of(connection, self._pid)
        now = relations(connection, only=locks)
        read = scanned(connection, known, in_transaction=True)
        self._held = {oid: mode for oid, mode in locks.items() if oid in known}
        empties = statement.kind == _EMPTIES
        self._steps.append(
            _Step(
                statement,
                seconds,
                taken={
                    oid: (mode, 0.0)
                    for oid, mode in self._held.items()
                    if oid not in before or mode.rank > before[oid].rank
                },
                under=[oid for oid, mode in before.items() if mode.dangerous],
                rewritten=() if empties else rewritten(self._state, now, known),
                indexes_built=() if empties else indexes_built(self._state, now, known),
                scanned=_by_name(read - self._read, known),
            )
        )
        self._state |= now
        self._read = read

    def traces(self) -> list[StatementTrace]:
        """Return what is known, at the end of the transaction."""
        return _traces(self._steps, self._known)


def _traces(steps: Sequence[_Step], known: Relations) -> list[StatementTrace]:
    """Tell each lock's time, now that it is known when the transaction ended."""
    left = sum(step.seconds for step in steps)
    held: dict[int, HeldLock] = {}
    traces = []
    for step in steps:
        under = [held[oid] for oid in step.under]
        taken = {
            oid: HeldLock(known[oid].name, known[oid].kind, mode, max(left - ran, 0.0))
            for oid, (mode, ran) in step.taken.items()
        }
        held |= taken
        left -= step.seconds
        traces.append(
            StatementTrace(
                text=step.statement.text,
                line=step.statement.line,
                seconds=step.seconds,
                locks=_in_order(taken.values()),
                under=_in_order(under),
                rewritten=step.rewritten,
                indexes_built=step.indexes_built,
                scanned=step.scanned,
            )
        )
    return traces


def _in_order(locks: Iterable[HeldLock]) -> list[HeldLock]:
    """Sort locks: the strongest first, then by name."""
    return sorted(locks, key=lambda lock: (-lock.mode.rank, lock.object))


def _by_name(rows: Counter[int], known: Relations) -> dict[str, int]:
    return {known[oid].name: number for oid, number in sorted(rows.items())}


def _timed(send: Send) -> float:
    begin = time.perf_counter()
    send()
    return time.perf_counter() - begin
