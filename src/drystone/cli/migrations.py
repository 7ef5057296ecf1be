"""``drystone migrate``, ``rollback``, ``status`` and ``new``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from rich.text import Text

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.errors import HistoryError
from drystone.migrations import plans, runner, scaffold
from drystone.migrations.blockers import Blocker
from drystone.migrations.files import Migration
from drystone.migrations.history import State, as_document
from drystone.migrations.losses import Loss
from drystone.migrations.structure_file import keep_structure

_STYLES = {
    State.APPLIED: "green",
    State.COMMENTED: "green",
    State.PENDING: "yellow",
    State.LATE: "yellow",
    State.RENAMED: "red",
    State.EDITED: "red",
    State.MISSING: "red",
}

_systems = click.argument("systems", nargs=-1, metavar="[SYSTEM]...")


class Lines:
    """A line for each migration that has run."""

    def __init__(self, verb: str, *, quiet: bool) -> None:
        self._verb = verb
        self._quiet = quiet

    def waiting(self, holder: str) -> None:
        """Say who else is at work."""
        output.line(f"waiting for another runner: {holder}", stderr=True)

    def started(self, migration: Migration) -> None:
        """Say nothing yet."""

    def blocked(self, migration: Migration, blockers: Sequence[Blocker]) -> None:
        """Say who was in the way."""
        names = "; ".join(map(str, blockers)) or "somebody who has gone"
        output.line(f"{migration.id} gave way to {names}; it tries again", stderr=True)

    def finished(self, migration: Migration, seconds: float) -> None:
        """Say what was done, and how long it took."""
        if not self._quiet:
            output.line(f"{self._verb} {migration.id} ({output.duration(seconds)})")


@click.command()
@_systems
@click.option("--to", metavar="ID", help="Stop after this migration.")
@click.option(
    "--out-of-order", is_flag=True, help="Apply also what comes late to its system."
)
@click.option("--dry-run", is_flag=True, help="Run it, undo it, and tell what it was.")
@click.option(
    "--plan",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --dry-run, write the plan; without, run nothing but what it holds.",
)
@json_option
@pass_context
def migrate(
    context: Context,
    *,
    systems: tuple[str, ...],
    to: str | None,
    out_of_order: bool,
    dry_run: bool,
    plan: Path | None,
    as_json: bool,
) -> None:
    """Apply what is pending: everything, or some systems and what they build on."""
    if dry_run:
        planned = plans.dry_run(
            context.target.conninfo,
            context.settings,
            context.read_migrations(),
            systems=systems,
            to=to,
            out_of_order=out_of_order,
        )
        _tell_plan(planned, plan, as_json=as_json)
        return
    done = runner.migrate(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        repeatables=context.read_repeatables(),
        progress=Lines("applied", quiet=as_json),
        systems=systems,
        to=to,
        out_of_order=out_of_order,
        approve=_approve if plan is None else partial(plans.require_plan, plan),
    )
    _keep_structure(context)
    _report(done, as_json=as_json, nothing="nothing is pending")


@click.command()
@_systems
@click.option("--steps", type=click.IntRange(min=1), help="How many; 1 by default.")
@click.option("--to", metavar="ID", help="Roll back all that came after this one.")
@click.option("--yes", is_flag=True, help="Lose rows without being asked.")
@json_option
@pass_context
def rollback(
    context: Context,
    *,
    systems: tuple[str, ...],
    steps: int | None,
    to: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Roll back the last migration, or several; asks before rows are lost."""
    if steps is not None and to is not None:
        raise click.UsageError("--steps and --to exclude each other")
    done = runner.rollback(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        progress=Lines("rolled back", quiet=as_json),
        systems=systems,
        steps=steps or 1,
        to=to,
        approve=_approve if yes else _ask_about,
    )
    if done:
        _keep_structure(context)
    _report(done, as_json=as_json, nothing="nothing is applied")


@click.command()
@json_option
@pass_context
def status(context: Context, *, as_json: bool) -> None:
    """Show what is applied, pending, edited or missing; changes nothing."""
    entries = runner.status(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        context.read_repeatables(),
    )
    if as_json:
        output.document(as_document(entries))
        return
    output.table(
        ("migration", "state", "applied at"),
        [
            (
                entry.id,
                Text(entry.state.value, style=_STYLES[entry.state]),
                f"{entry.applied_at:%Y-%m-%d %H:%M:%S %Z}" if entry.applied_at else "",
            )
            for entry in entries
        ],
    )
    counts = {state: sum(e.state is state for e in entries) for state in State}
    told = [f"{number} {state}" for state, number in counts.items() if number]
    output.line(", ".join(told) or "there are no migrations")


@click.command()
@click.argument("system")
@click.argument("slug")
@pass_context
def new(context: Context, *, system: str, slug: str) -> None:
    """Create a migration of SYSTEM, with its rollback; SLUG says what it does."""
    folders = context.migration_folders
    for path in scaffold.create(folders[0], context.read_migrations(), system, slug):
        output.line(f"created {path}")


def _keep_structure(context: Context) -> None:
    """Renew the project's file, unless other folders than the project's were named."""
    if not context.migrations:
        keep_structure(context.target.conninfo, context.settings)


def _approve(_: object) -> None:
    """Let it run, whatever it is."""


def _ask_about(losses: Sequence[Loss]) -> None:
    """Have a person agree to what would be lost; without a person, refuse."""
    if not losses:
        return
    told = "; ".join(map(str, losses))
    if not sys.stdin.isatty():
        raise HistoryError(
            f"the rollback would lose rows. {told}",
            hint="If that is meant: --yes",
        )
    click.confirm(f"This loses rows. {told}. Go on?", abort=True, err=True)


def _tell_plan(
    planned: list[plans.Planned], path: Path | None, *, as_json: bool
) -> None:
    signed = plans.write_plan(path, planned) if path is not None else None
    if as_json:
        shown = [asdict(each) for each in planned]
        output.document({"migrations": shown, "fingerprint": signed})
        return
    if not planned:
        output.line("nothing is pending")
        return
    output.table(
        ("would apply", "statements", "runs", "back", "touches"),
        [
            (
                each.id,
                str(each.statements),
                "in one transaction" if each.transactional else "step by step",
                "yes" if each.reversible else "no",
                ", ".join(f"{t.table} (~{t.rows:,} rows)" for t in each.touches),
            )
            for each in planned
        ],
        right=("statements",),
    )
    untried = [each.id for each in planned if not each.tried]
    output.line(
        f"read only, from {untried[0]} on: it runs outside a transaction"
        if untried
        else "everything ran, and was undone"
    )
    if signed is not None:
        output.line(f"plan {signed[:12]} is in {path}")


def _report(done: list[runner.Done], *, as_json: bool, nothing: str) -> None:
    if as_json:
        output.document(
            {"migrations": [{"id": d.id, "seconds": round(d.seconds, 3)} for d in done]}
        )
    elif not done:
        output.line(nothing)
