"""yoyo's own commands, with Drystone's safety.

``yoyo apply --database postgresql+drystone://…`` uses this backend: yoyo chooses the
migrations, while locking, ledger and execution are Drystone's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.exceptions import LockTimeout

from drystone.errors import MigrationError, MigrationLocked
from drystone.migrations import execution, ledger
from drystone.migrations.attempts import Bench
from drystone.migrations.files import Migration, read_migration
from drystone.migrations.lock import acquire
from drystone.migrations.runner import Silent
from drystone.settings import Settings


class DrystoneBackend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """Run each migration and its ledger row in one transaction, under one lock."""

    _is_held: bool = False

    def init_database(self) -> None:
        """Create the ledger; nothing else is written to find out what works."""
        ledger.create(self.connection)

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Hold the runner's lock, which dies with its holder."""
        if self._is_held:
            yield
            return
        with self.copy() as holder:
            try:
                acquire(holder.connection, wait=timeout, on_wait=lambda _: None)
            except MigrationLocked as error:
                raise LockTimeout(error.message) from error
            self._is_held = True
            try:
                yield
            finally:
                self._is_held = False

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        """Apply one file, unless another runner has done so in the meantime."""
        ours = _ours(migration)
        with self.lock():
            if ours.id not in self._applied():
                execution.apply(self._bench(), ours)

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        """Roll one file back, unless another runner has done so in the meantime."""
        ours = _ours(migration)
        with self.lock():
            if ours.id in self._applied():
                execution.roll_back(self._bench(), ours)

    def _applied(self) -> set[str]:
        return {row.id for row in ledger.applied(self.connection)}

    def _bench(self) -> Bench:
        def connect() -> Connection[Any]:
            opened: Connection[Any] = self.copy().connection
            return opened

        return Bench(self.connection, connect, Settings(), Silent())


def _ours(migration: Any) -> Migration:
    path = Path(migration.path)
    if path.suffix != ".sql":
        raise MigrationError(
            f"{path.name} is not SQL: Drystone runs plain SQL files only",
            hint="Use yoyo's own postgresql+psycopg backend for it.",
        )
    return read_migration(path)
