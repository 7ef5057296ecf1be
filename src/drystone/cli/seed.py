"""``drystone seed``: data to develop with, or to show."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.database.session import connect
from drystone.errors import BadInput
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
@click.option("--reset", is_flag=True, help="Delete all other rows of the systems.")
@click.option("--yes", is_flag=True, help="Delete them without being asked.")
@json_option
@pass_context
def seed(
    context: Context,
    *,
    systems: tuple[str, ...],
    stage: str,
    reset: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Load the seed data of all systems, or of some; loading twice is harmless."""
    done = []
    unhurried = context.settings.model_copy(update={"statement_timeout": 0.0})
    with connect(context.target.conninfo, unhurried) as connection:
        seeds = seeding.find_seeds(context.query_folders, stage=stage, systems=systems)
        if reset and not yes:
            _ask_about(context, seeds)
        for each in seeds:
            begin = time.monotonic()
            seeding.load(connection, each, reset=reset)
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


def _ask_about(context: Context, seeds: Sequence[seeding.Seed]) -> None:
    """Ask before rows of another database than the embedded one are deleted."""
    if context.target.embedded:
        return
    told = ", ".join(each.system for each in seeds)
    if not sys.stdin.isatty():
        raise BadInput(
            f"a reset would delete all rows of {told}", hint="If that is meant: --yes"
        )
    click.confirm(f"This deletes all rows of {told}. Go on?", abort=True, err=True)
