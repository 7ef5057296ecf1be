from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.migrations import runner
from drystone.migrations.blockers import Blocker
from drystone.migrations.files import Migration, read_migrations
from drystone.migrations.history import State
from drystone.settings import Settings

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of migrations of the system ``shop``."""
    path = tmp_path / "migrations" / "shop"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a migration and, if given, its rollback; return the first one's path."""

    def write_files(name: str, up: str, down: str | None = None) -> Path:
        path = folder / f"{name}.sql"
        path.write_text(up)
        if down is not None:
            (folder / f"{name}.rollback.sql").write_text(down)
        return path

    return write_files


@pytest.fixture
def empty(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session on a database without anything in it."""
    with connect(empty_url, settings) as opened:
        yield opened


class Recorder:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.holders: list[str] = []
        self.blockers: list[Blocker] = []
        self.done: list[str] = []

    def waiting(self, holder: str) -> None:
        self.holders.append(holder)

    def started(self, migration: Migration) -> None:
        pass

    def blocked(self, migration: Migration, blockers: Sequence[Blocker]) -> None:
        self.blockers += blockers

    def finished(self, migration: Migration, seconds: float) -> None:
        self.done.append(migration.id)


class Runner:
    """The runner on one database and one folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.settings = Settings()
        self.progress = Recorder()

    def migrate(self, **options: Any) -> list[str]:
        return self._run(runner.migrate, options)

    def rollback(self, **options: Any) -> list[str]:
        return self._run(runner.rollback, options)

    def _run(self, run: Callable[..., Any], options: dict[str, Any]) -> list[str]:
        migrations = read_migrations([self.folder])
        done = run(
            self.url, self.settings, migrations, progress=self.progress, **options
        )
        return [each.id for each in done]

    def states(self) -> dict[str, State]:
        entries = runner.status(self.url, self.settings, read_migrations([self.folder]))
        return {entry.id: entry.state for entry in entries}


@pytest.fixture
def shop(empty_url: str, folder: Path) -> Runner:
    """The runner on an empty database and the folder of the system ``shop``."""
    return Runner(empty_url, folder.parent)
