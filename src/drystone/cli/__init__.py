"""The command line: one module for a group of commands."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

import click

from drystone.cli import output
from drystone.cli.context import Context
from drystone.errors import DrystoneError, SettingsError

_INTERRUPTED = 130

# Commands by the module that holds them; what nobody calls is not imported.
_MODULES = {
    "adopt": "history",
    "backup": "backup",
    "baseline": "history",
    "bench": "plans",
    "db": "db",
    "demo": "demo",
    "describe": "queries",
    "doctor": "doctor",
    "drift": "proof",
    "generate": "queries",
    "impact": "queries",
    "lint": "lint",
    "migrate": "migrations",
    "new": "migrations",
    "plans": "plans",
    "queues": "jobs",
    "relay": "jobs",
    "repair": "history",
    "restore": "backup",
    "review": "review",
    "rollback": "migrations",
    "seed": "seed",
    "serve": "serve",
    "show": "history",
    "statistics": "lint",
    "status": "migrations",
    "trace": "trace",
    "verify": "proof",
    "worker": "jobs",
}

_folders = click.Path(file_okay=False, path_type=Path)


class _Commands(click.Group):
    """Import a command when it is called, or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        try:
            module = import_module(f"drystone.cli.{_MODULES[cmd_name]}")
        except ModuleNotFoundError as error:
            return _without(cmd_name, error)
        command: click.Command = getattr(module, cmd_name)
        return command


def _without(name: str, missing: ModuleNotFoundError) -> click.Command:
    """Stand in for a command whose library is not installed."""

    def refuse() -> None:
        raise SettingsError(
            f"drystone {name} needs {missing.name}, which is not installed",
            hint="pip install 'drystone[demo,embedded,redis,review,serve]'",
        ) from missing

    return click.Command(
        name,
        callback=refuse,
        help=f"Needs {missing.name}, which is not installed.",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="drystone", message="drystone %(version)s")
@click.option("--database-url", metavar="URL", help="The database; else DATABASE_URL.")
@click.option(
    "--migrations",
    multiple=True,
    type=_folders,
    metavar="DIR",
    help="A folder of migrations; may be given again.",
)
@click.option(
    "--queries",
    multiple=True,
    type=_folders,
    metavar="DIR",
    help="A folder of named queries; may be given again.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait so long for the database to answer.",
)
@click.option("--verbose", is_flag=True, help="Log what is done, on stderr.")
@click.pass_context
def cli(
    context: click.Context,
    *,
    database_url: str | None,
    migrations: tuple[Path, ...],
    queries: tuple[Path, ...],
    wait: float,
    verbose: bool,
) -> None:
    """Plain SQL migrations and named queries for PostgreSQL, without an ORM.

    Without a configured database, a private PostgreSQL with pgvector and Apache AGE
    is started for the project.

    Exit codes: 0 done, 1 findings or failure, 2 usage, 3 refused, 4 database
    unavailable, 5 a lock was not obtained in time.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    context.obj = Context(database_url, migrations, queries, wait)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = cli.main(standalone_mode=False)
    except DrystoneError as problem:
        output.error(problem)
        sys.exit(problem.exit_code)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        output.line("interrupted; what was finished stays", stderr=True)
        sys.exit(_INTERRUPTED)
    sys.exit(code or 0)
