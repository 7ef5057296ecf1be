"""``drystone demo``: from nothing to real answers in one command."""

from __future__ import annotations

import time
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import click
from psycopg import Connection

from drystone.cli import output
from drystone.cli.context import Context, pass_context
from drystone.database.session import connect
from drystone.migrations import runner
from drystone.migrations.files import Migration, read_migrations
from drystone.systems import seeding, shipped
from drystone.systems.events import graph, tour

_VERSIONS = """
SELECT pg_catalog.concat_ws(
    ', ',
    'PostgreSQL ' || pg_catalog.split_part(
        pg_catalog.current_setting('server_version'), ' ', 1
    ),
    (
        SELECT pg_catalog.string_agg(
            CASE e.extname WHEN 'vector' THEN 'pgvector ' ELSE 'AGE ' END
                || e.extversion,
            ', ' ORDER BY e.extname DESC
        )
        FROM pg_catalog.pg_extension AS e
        WHERE e.extname IN ('age', 'vector')
    )
)
"""


@click.command()
@pass_context
def demo(context: Context) -> None:
    """Start the server, migrate, seed, and show what the events system answers."""
    conninfo, settings = context.target.conninfo, context.settings
    unhurried = settings.model_copy(update={"statement_timeout": 0.0})
    migrations = read_migrations([shipped("migrations")])
    begin = time.monotonic()
    done = runner.migrate(conninfo, settings, migrations)
    migrated = time.monotonic() - begin
    with connect(conninfo, unhurried) as connection:
        _print_setting(connection)
        output.line(
            f"1. Migrate: applied {len(done)} of {len(migrations)} plain SQL "
            f"migrations ({output.duration(migrated)})",
            style="bold",
        )
        _seed(connection)
        for number, stop in enumerate(tour.stops(connection), start=3):
            _print_stop(number, stop)
        output.line("\n7. Bad input: an event that is not on lu.ma", style="bold")
        refusal = tour.refused(connection)
        output.line(f"   refused: {refusal.message}", style="red")
        output.line(f"   by {refusal.query}, SQLSTATE {refusal.sqlstate}", style="dim")
        _roll_back_and_forward(context, migrations)
        _print_drift(connection)


def _print_setting(connection: Connection[Any]) -> None:
    row = connection.execute(_VERSIONS).fetchone()
    versions = row[0] if row else ""
    output.line(f"Drystone {version('drystone')} on {versions}\n", style="dim")


def _seed(connection: Connection[Any]) -> None:
    begin = time.monotonic()
    for seed in seeding.find_seeds([shipped("sql")], stage="demo", systems=["events"]):
        seeding.load(connection, seed)
    seconds = time.monotonic() - begin
    held = asdict(tour.census(connection))
    told = ", ".join(f"{count:,} {name}" for name, count in held.items())
    output.line(f"2. Seed: {told} ({output.duration(seconds)})", style="bold")


def _print_stop(number: int, stop: tour.Stop) -> None:
    output.line(f"\n{number}. {stop.title}", style="bold")
    output.line(f"   {stop.call}  {output.duration(stop.seconds)}", style="dim")
    numbers = [
        header
        for position, header in enumerate(stop.headers)
        if all(row[position].replace(".", "").isdigit() for row in stop.rows)
    ]
    output.table(stop.headers, stop.rows, right=numbers, indent=3)


def _roll_back_and_forward(context: Context, migrations: list[Migration]) -> None:
    conninfo, settings = context.target.conninfo, context.settings
    down = runner.rollback(conninfo, settings, migrations, systems=["events"])
    up = runner.migrate(conninfo, settings, migrations)
    title = "8. Roll the last migration of events back, and forward"
    output.line(f"\n{title}", style="bold")
    for verb, each in (("rolled back", down), ("applied", up)):
        for one in each:
            output.line(f"   {verb} {one.id} ({output.duration(one.seconds)})")


def _print_drift(connection: Connection[Any]) -> None:
    labels = graph.graph_drift(connection)
    entries = sum(label.graph or 0 for label in labels)
    faults = ((label.missing, label.extra, label.stale) for label in labels)
    wrong = sum(number or 0 for each in faults for number in each)
    output.line(f"   graph and tables: {entries:,} entries, {wrong} differences")
    output.line(
        "\nNext: make status, make psql, make down. README.md goes on from here.",
        style="dim",
    )
