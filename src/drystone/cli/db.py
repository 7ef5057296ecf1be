"""``drystone db``: the embedded server of this project."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.database.session import SEARCH_PATH
from drystone.embedded import EmbeddedServer
from drystone.errors import SettingsError
from drystone.settings import without_password


@click.group()
def db() -> None:
    """Start, stop and look into the embedded server."""


def _server(context: Context) -> EmbeddedServer:
    if context.settings.conninfo() is not None:
        raise SettingsError(
            "a database is configured, so there is no embedded server to act on",
            hint="Unset DATABASE_URL and PGHOST to use the embedded server.",
        )
    return EmbeddedServer(context.settings.project)


@db.command()
@pass_context
def start(context: Context) -> None:
    """Start the server; the first time, create its data folder."""
    server = _server(context)
    output.line(f"PostgreSQL is running at {server.start()}")


@db.command()
@pass_context
def stop(context: Context) -> None:
    """Stop the server; its data stays."""
    stopped = _server(context).stop()
    output.line("PostgreSQL has stopped" if stopped else "PostgreSQL was not running")


@db.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Show whether the server runs, and where."""
    found = _server(context).status()
    facts = {
        "running": found.running,
        "pid": found.pid,
        "version": found.version,
        "url": found.url,
        "started_at": found.started_at.isoformat() if found.started_at else None,
        "data": str(found.data),
        "log": str(found.log),
    }
    if as_json:
        output.document(facts)
    else:
        shown = {**facts, "running": "yes" if found.running else "no"}
        output.table(
            ("", ""), [(name, str(value)) for name, value in shown.items() if value]
        )


@db.command()
@pass_context
def url(context: Context) -> None:
    """Print the database's URL, without a password; starts nothing."""
    conninfo = context.settings.conninfo()
    if conninfo is None:
        output.line(EmbeddedServer(context.settings.project).url())
    else:
        output.line(without_password(conninfo))


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_context
def psql(context: Context, *, arguments: tuple[str, ...]) -> None:
    """Open psql on the database, with graph queries ready; takes psql's arguments."""
    target = context.target
    program = "psql"
    flags = ["-c search_path=" + SEARCH_PATH.replace(" ", "\\ ")]
    if target.embedded:
        program = str(EmbeddedServer(context.settings.project).binary("psql"))
        flags.append("-c session_preload_libraries=age")
    environment = {**os.environ, "PGOPTIONS": " ".join(flags)}
    try:
        done = subprocess.run(
            [program, "--dbname", target.conninfo, *arguments],
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise SettingsError(
            "psql is not installed on this machine",
            hint="Install PostgreSQL's client, or use the embedded server.",
        ) from None
    sys.exit(done.returncode)


@db.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def reset(context: Context, *, yes: bool) -> None:
    """Delete the embedded server's data of this project."""
    server = _server(context)
    if not yes:
        click.confirm(
            f"Delete the database of {context.settings.project} for good?", abort=True
        )
    server.reset()
    output.line("The embedded database is gone; the next start makes a new one")
