"""``drystone seed``: data to develop with, or to show."""

from __future__ import annotations

import time

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.database.session import connect
from drystone.systems import seeding


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option(
    "--stage",
    type=click.Choice(["dev", "demo"]),
    default="dev",
    show_default=True,
    help="dev is small and written by hand, demo is large and generated.",
)
@json_option
@pass_context
def seed(
    context: Context, *, systems: tuple[str, ...], stage: str, as_json: bool
) -> None:
    """Load the seed data of all systems, or of some; loading twice is harmless."""
    done = []
    unhurried = context.settings.model_copy(update={"statement_timeout": 0.0})
    with connect(context.target.conninfo, unhurried) as connection:
        seeds = seeding.find_seeds(context.query_folders, stage=stage, systems=systems)
        for each in seeds:
            begin = time.monotonic()
            seeding.load(connection, each)
            seconds = time.monotonic() - begin
            done.append({"system": each.system, "seconds": round(seconds, 3)})
            if not as_json:
                output.line(
                    f"loaded {each.system} {stage} ({output.duration(seconds)})"
                )
    if as_json:
        output.document({"stage": stage, "seeds": done})
    elif not done:
        output.line(f"no system has seed data of the stage {stage}")
