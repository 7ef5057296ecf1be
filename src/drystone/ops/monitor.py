"""What a service knows of its database: sessions to ask with, and answers kept.

Every answer comes within a time limit, whatever the database does, and none of the
questions is asked twice at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from drystone.database.pool import Pool
from drystone.database.session import session_options
from drystone.database.sqlstates import translated
from drystone.errors import DrystoneError, PoolTimeout
from drystone.migrations.files import Migration
from drystone.migrations.history import Entry
from drystone.ops.checks import (
    Check,
    Server,
    Verdict,
    check_extensions,
    check_migrations,
    check_redis,
    check_server,
    failed,
    read_entries,
    read_extensions,
    read_server,
)
from drystone.ops.readings import Reading
from drystone.settings import Settings

DEADLINE = 4.0

_FRESH = 1.0
_STATEMENT_TIMEOUT = 5.0
# A size waits for the lock of a migration; such a question is given up instead.
_LOCK_TIMEOUT = "1s"
_SESSIONS = 3
_POOL_TIMEOUT = 1.0


class Health:
    """What was found at one time; without a server, only the reasons."""

    def __init__(self) -> None:
        self.at = time.time()
        self.checks: list[Check] = []
        self.server: Server | None = None
        self.extensions: dict[str, tuple[str, str | None]] = {}
        self.entries: list[Entry] | None = None

    @property
    def ready(self) -> bool:
        """Whether requests can be served."""
        return not any(check.blocks for check in self.checks)

    def of(self, *names: str) -> list[Check]:
        """Return the checks whose names begin with one of these."""
        return [check for check in self.checks if check.name.startswith(names)]


class Monitor:
    """Looks after one database, for a service; also while it is away.

    ``migrations`` and ``repeatables`` are what the service's code was written for.
    """

    def __init__(
        self,
        conninfo: str,
        settings: Settings,
        *,
        migrations: Sequence[Migration] = (),
        repeatables: Sequence[Migration] = (),
    ) -> None:
        self.settings = settings
        self._migrations = migrations
        self._repeatables = repeatables
        self._conninfo = conninfo
        self._careful = settings.model_copy(
            update={
                "application_name": "monitor",
                "statement_timeout": _STATEMENT_TIMEOUT,
                "session": {**settings.session, "lock_timeout": _LOCK_TIMEOUT},
                "pool_min_size": 0,
                "pool_max_size": _SESSIONS,
                "pool_timeout": _POOL_TIMEOUT,
            }
        )
        self.pool = Pool(conninfo, self._careful, prepared=False)
        self.pool.open()
        self._health = Reading(self._look, max_age=_FRESH)

    def close(self) -> None:
        """Close the sessions."""
        self.pool.close(timeout=1)

    @contextmanager
    def session(self) -> Iterator[Connection[Any]]:
        """Lend a session in autocommit; raises DatabaseUnavailable, with the reason.

        Where the pool has none in time, one is opened beside it: it may succeed before
        the pool tries again, and if it fails, it says why.
        """
        try:
            connection = self.pool.getconn()
        except PoolTimeout:
            with (
                translated(),
                Connection.connect(
                    self._conninfo, **session_options(self._conninfo, self._careful)
                ) as opened,
            ):
                opened.autocommit = True
                yield opened
            return
        try:
            connection.autocommit = True
            yield connection
        finally:
            self.pool.putconn(connection)

    def health(self, *, wait: float = DEADLINE) -> Health:
        """Return how everything is, as it was found within the last second."""
        found = self._health.fresh(wait=wait)
        if found is None:
            found = Health()
            found.checks = [
                Check(
                    "database",
                    Verdict.FAILED,
                    f"it did not answer within {wait:.0f} s",
                    "Look at its load, its locks and the network to it.",
                )
            ]
        return found

    def _look(self) -> Health:
        found = Health()
        try:
            with self.session() as connection:
                self._look_at_database(connection, found)
        except DrystoneError as error:
            found.checks.append(failed("database", error))
        url = self.settings.redis()
        found.checks.append(check_redis(url, timeout=self.settings.redis_timeout))
        found.at = time.time()
        return found

    def _look_at_database(self, connection: Connection[Any], found: Health) -> None:
        found.server = read_server(connection)
        found.checks.append(check_server(found.server))
        try:
            found.extensions = read_extensions(connection)
            found.checks += check_extensions(found.extensions)
        except DrystoneError as error:
            found.checks.append(failed("extensions", error))
        try:
            found.entries = read_entries(
                connection, self._migrations, self._repeatables
            )
            found.checks.append(check_migrations(found.entries))
        except DrystoneError as error:
            found.checks.append(failed("migrations", error))
