"""``drystone db``: the embedded servers of this project."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.database.session import SEARCH_PATH
from drystone.embedded import EmbeddedRedis, EmbeddedServer, ServerStatus
from drystone.errors import SettingsError
from drystone.settings import without_password


@click.group()
def db() -> None:
    """Start, stop and look into the embedded servers: PostgreSQL, and Redis."""


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
    """Stop the servers; their data stays."""
    redis_stopped = EmbeddedRedis(context.settings.project).stop()
    if redis_stopped:
        output.line("Redis has stopped")
    if redis_stopped and context.settings.conninfo() is not None:
        return
    stopped = _server(context).stop()
    output.line("PostgreSQL has stopped" if stopped else "PostgreSQL was not running")


@db.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Show whether the servers run, and where."""
    facts = {**_facts(_server(context).status()), "redis": _redis_facts(context)}
    if as_json:
        output.document(facts)
        return
    redis = facts.pop("redis") or {}
    facts.update({f"redis {name}": value for name, value in redis.items()})
    shown = {True: "yes", False: "no"}
    output.table(
        ("", ""),
        [
            (name, shown.get(value, str(value)))
            for name, value in facts.items()
            if value is not None
        ],
    )


def _facts(found: ServerStatus) -> dict[str, Any]:
    return {
        "running": found.running,
        "pid": found.pid,
        "version": found.version,
        "url": found.url,
        "started_at": found.started_at.isoformat() if found.started_at else None,
        "data": str(found.data),
        "log": str(found.log),
    }


def _redis_facts(context: Context) -> dict[str, Any] | None:
    """Return what is known of the embedded Redis; None if another is configured."""
    if context.settings.redis() is not None:
        return None
    found = EmbeddedRedis(context.settings.project).status()
    return {
        "running": found.running,
        "pid": found.pid,
        "version": found.version,
        "url": found.url,
        "data": str(found.data),
        "log": str(found.log),
    }


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


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@pass_context
def redis(context: Context, *, arguments: tuple[str, ...]) -> None:
    """Open redis-cli on the embedded Redis, started if need be; takes its arguments."""
    if context.settings.redis() is not None:
        raise SettingsError(
            "a Redis is configured, so there is no embedded one to open",
            hint="Unset REDIS_URL to use the embedded Redis.",
        )
    server = EmbeddedRedis(context.settings.project)
    socket = server.start_socket()
    done = subprocess.run([server.client(), "-s", socket, *arguments], check=False)
    sys.exit(done.returncode)


@db.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def reset(context: Context, *, yes: bool) -> None:
    """Delete this project's data in the embedded servers, Redis's too."""
    server = _server(context)
    if not yes:
        click.confirm(
            f"Delete the database of {context.settings.project} for good?", abort=True
        )
    # Before: what Redis holds is of rows that are gone after.
    EmbeddedRedis(context.settings.project).reset()
    server.reset()
    output.line("The embedded database is gone; the next start makes a new one")
