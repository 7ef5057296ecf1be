"""Transactions that do not queue for a lock: they give up soon and come again.

While a DDL statement waits for a lock, everybody who comes after it waits too, so the
wait is short (``lock_timeout``) and the whole transaction is tried again, with growing,
randomised pauses ("full jitter", M. Brooker, AWS Architecture Blog, 2015) in which the
others go on. Tried again are lock timeouts, deadlocks and serialization failures.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from psycopg import Connection

from drystone.database.session import milliseconds
from drystone.errors import DrystoneError
from drystone.migrations.blockers import Blocker, Watch
from drystone.migrations.files import Migration
from drystone.settings import Settings

T = TypeVar("T")

_RETRIED = {"40001", "40P01", "55P03"}
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0

_SET_LOCK_TIMEOUT = "SELECT pg_catalog.set_config('lock_timeout', %s, true)"


class Progress(Protocol):
    """What a runner reports while it works."""

    def waiting(self, holder: str) -> None:
        """Hear who holds the runner's lock."""

    def started(self, migration: Migration) -> None:
        """Hear which migration is about to run."""

    def blocked(self, migration: Migration, blockers: Sequence[Blocker]) -> None:
        """Hear that it gave up waiting for a lock, and will try again."""

    def finished(self, migration: Migration, seconds: float) -> None:
        """Hear that it has run and is recorded."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a migration is run with: its connection, and a way to open one beside it."""

    connection: Connection[Any]
    connect: Callable[[], Connection[Any]]
    settings: Settings
    progress: Progress


def in_attempts(bench: Bench, migration: Migration, work: Callable[[], T]) -> T:
    """Run ``work`` in a transaction, again while it loses, within the budget.

    Raises the last attempt's error, whose hint names who was in the way.
    """
    deadline = time.monotonic() + bench.settings.migration_retry_budget
    bound = _FIRST_PAUSE
    while True:
        with Watch(bench.connect, bench.connection.info.backend_pid) as watch:
            try:
                return _attempt(bench, work)
            except DrystoneError as error:
                pause = random.uniform(0, bound)  # noqa: S311 -- spreads load only
                if error.sqlstate not in _RETRIED:
                    raise
                if time.monotonic() + pause > deadline:
                    names = "; ".join(map(str, watch.blockers)) or "nobody was seen"
                    error.hint = (
                        f"In the way: {names}. Nothing of the file was applied; run "
                        "again later, or raise migration_retry_budget."
                    )
                    raise
        bench.progress.blocked(migration, watch.blockers)
        time.sleep(pause)
        bound = min(_LONGEST_PAUSE, bound * 2)


def _attempt(bench: Bench, work: Callable[[], T]) -> T:
    with bench.connection.transaction():
        timeout = milliseconds(bench.settings.migration_lock_timeout)
        bench.connection.execute(_SET_LOCK_TIMEOUT, [timeout])
        return work()
