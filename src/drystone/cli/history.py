"""``drystone adopt``, ``baseline``, ``repair`` and ``show``: the ledger's history."""

from __future__ import annotations

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.cli.migrations import Lines
from drystone.migrations import repair as ledger_repair

_progress = Lines("", quiet=True)


@click.command()
@json_option
@pass_context
def adopt(context: Context, *, as_json: bool) -> None:
    """Take over a database that yoyo has migrated: keep the text of its migrations."""
    ids = ledger_repair.adopt(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        progress=_progress,
    )
    _report("adopted", ids, as_json=as_json)


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option("--to", metavar="ID", help="Stop after this migration.")
@json_option
@pass_context
def baseline(
    context: Context, *, systems: tuple[str, ...], to: str | None, as_json: bool
) -> None:
    """Record migrations as applied without running them: the database has it all."""
    ids = ledger_repair.baseline(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        progress=_progress,
        systems=systems,
        to=to,
    )
    _report("recorded", ids, as_json=as_json)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, help="Why; it is logged in the ledger.")
@json_option
@pass_context
def repair(
    context: Context, *, ids: tuple[str, ...], reason: str, as_json: bool
) -> None:
    """Make the ledger agree with files that were edited, renamed or deleted."""
    repaired = ledger_repair.repair(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        progress=_progress,
        ids=ids,
        reason=reason,
    )
    _report("repaired", [entry.id for entry in repaired], as_json=as_json)


@click.command()
@click.argument("migration_id", metavar="ID")
@json_option
@pass_context
def show(context: Context, *, migration_id: str, as_json: bool) -> None:
    """Print a migration as it was applied, also when its file is gone."""
    up, down = ledger_repair.show(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        migration_id,
    )
    if as_json:
        output.document({"id": migration_id, "up": up, "down": down})
        return
    output.line(f"-- {migration_id}", style="bold")
    output.line(up.rstrip())
    output.line(f"\n-- {migration_id}, rollback", style="bold")
    output.line((down or "-- there is none").rstrip())


def _report(verb: str, ids: list[str], *, as_json: bool) -> None:
    if as_json:
        output.document({"migrations": ids})
        return
    for name in ids:
        output.line(f"{verb} {name}")
    if not ids:
        output.line("there is nothing to do")
