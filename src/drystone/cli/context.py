"""What every command needs: the settings, the folders, and the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import click

from drystone.database.target import Target, locate
from drystone.database.waiting import wait_for_database
from drystone.migrations.files import Migration, read_migrations
from drystone.migrations.repeatables import read_repeatables
from drystone.settings import Settings
from drystone.systems import migration_folders, query_folders


@dataclass
class Context:
    """The global options, and what follows from them when it is asked for."""

    database_url: str | None = None
    migrations: tuple[Path, ...] = ()
    queries: tuple[Path, ...] = ()
    wait: float = 0.0
    json: bool = field(default=False, init=False)

    @cached_property
    def settings(self) -> Settings:
        """The project's settings, with the options of this run."""
        return Settings.load(
            database_url=self.database_url,
            migrations=self.migrations,
            queries=self.queries,
        )

    @cached_property
    def target(self) -> Target:
        """The database; the embedded server is started if it is the one meant."""
        found = locate(self.settings)
        if self.wait:
            wait_for_database(found.conninfo, self.settings, seconds=self.wait)
        return found

    @property
    def migration_folders(self) -> tuple[Path, ...]:
        """Where migrations lie: the configured folders, or the shipped one."""
        return migration_folders(self.settings)

    @property
    def query_folders(self) -> tuple[Path, ...]:
        """Where named queries lie: the configured folders, or the shipped one."""
        return query_folders(self.settings)

    def read_migrations(self) -> list[Migration]:
        """Read every migration that the folders hold."""
        return read_migrations(self.migration_folders)

    def read_repeatables(self) -> list[Migration]:
        """Read the views and functions that run again when they change."""
        return read_repeatables(self.migration_folders)


pass_context = click.make_pass_decorator(Context, ensure=True)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)
