"""Who keeps a migration waiting: looked up from outside, while it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import Connection
from psycopg.rows import class_row

from drystone.errors import DrystoneError

_INTERVAL = 0.1

# Not the query's text: it may hold values.
_BLOCKERS = """
SELECT
    a.pid,
    coalesce(a.usename, a.backend_type) AS role,
    coalesce(a.application_name, '') AS application,
    coalesce(a.state, 'active') AS state,
    coalesce(extract(epoch FROM now_.at - a.query_start), 0)::float8 AS query_age,
    coalesce(extract(epoch FROM now_.at - a.xact_start), 0)::float8 AS transaction_age
FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(%s)) AS blocking (pid)
JOIN pg_catalog.pg_stat_activity AS a USING (pid)
CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS at) AS now_
ORDER BY a.pid
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds what a migration needs. Ages are in seconds."""

    pid: int
    role: str
    application: str
    state: str
    query_age: float
    transaction_age: float

    def __str__(self) -> str:
        name = f" ({self.application})" if self.application else ""
        return (
            f"pid {self.pid} of {self.role}{name}, {self.state}, its query "
            f"{self.query_age:.0f} s old, its transaction {self.transaction_age:.0f} s"
        )


class Watch:
    """Look, while a block runs, who blocks the session that it runs on.

    What is quick is not watched: ``connect`` opens the connection to look from only
    after a while. Afterwards ``blockers`` holds those that were seen last.
    """

    def __init__(self, connect: Callable[[], Connection[Any]], pid: int) -> None:
        self.blockers: list[Blocker] = []
        self._connect = connect
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        if self._done.wait(_INTERVAL):
            return
        # What fails here fails in the migration's own session too, and is told there.
        with (
            suppress(psycopg.Error, DrystoneError),
            self._connect() as connection,
            connection.cursor(row_factory=class_row(Blocker)) as cursor,
        ):
            while True:
                found = cursor.execute(_BLOCKERS, [self._pid]).fetchall()
                self.blockers = found or self.blockers
                if self._done.wait(_INTERVAL):
                    return
