"""``drystone verify`` and ``drift``: what was promised against what is."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from drystone.catalog import Difference
from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.migrations import proof, runner
from drystone.migrations.history import IS_APPLIED

_FINDINGS = 1


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@json_option
@pass_context
def verify(context: Context, *, systems: tuple[str, ...], as_json: bool) -> None:
    """Prove on a scratch database that every migration's rollback restores it all."""
    proofs = proof.verify(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        systems=systems,
        told=(lambda _: None) if as_json else _tell,
    )
    failed = [each for each in proofs if each.failed]
    if as_json:
        output.document({"migrations": [_as_json(each) for each in proofs]})
    else:
        seconds = output.duration(sum(each.seconds for each in proofs))
        output.line(f"{len(proofs)} proven in {seconds}, {len(failed)} failed")
    if failed:
        raise SystemExit(_FINDINGS)


@click.command()
@json_option
@pass_context
def drift(context: Context, *, as_json: bool) -> None:
    """Compare the database with what the migrations that it has applied make."""
    conninfo, settings = context.target.conninfo, context.settings
    migrations = context.read_migrations()
    entries = runner.status(conninfo, settings, migrations)
    differences = proof.drift(
        conninfo,
        settings,
        migrations,
        applied=[entry.id for entry in entries if entry.state in IS_APPLIED],
        repeatables=context.read_repeatables(),
    )
    if as_json:
        shown = [_difference(each) for each in differences]
        output.document({"differences": shown})
    else:
        for each in differences:
            _print_difference(each, "migrations", "database")
        output.line(f"{len(differences)} differences")
    if differences:
        raise SystemExit(_FINDINGS)


def _tell(each: proof.Proof) -> None:
    verdict = (
        Text("irreversible, as declared", style="yellow")
        if each.reversible is None
        else Text("NOT restored", style="bold red")
        if each.failed
        else Text("restored", style="green")
    )
    output.text(
        Text.assemble(each.id, "  ", verdict, f"  {output.duration(each.seconds)}")
    )
    if each.error is not None:
        output.error(each.error)
    for difference in each.differences:
        _print_difference(difference, "before", "after")


def _print_difference(each: Difference, before: str, after: str) -> None:
    output.text(
        Text.assemble(
            f"  {each.kind} {each.object}",
            (f"  {each.severity}", "dim"),
            "\n",
            f"    {before}: {each.before or 'absent'}\n",
            f"    {after}: {each.after or 'absent'}",
        )
    )


def _as_json(each: proof.Proof) -> dict[str, Any]:
    return {
        "id": each.id,
        "reversible": (
            "declared-irreversible" if each.reversible is None else each.reversible
        ),
        "differences": [_difference(one) for one in each.differences],
        "error": None if each.error is None else str(each.error),
        "seconds": round(each.seconds, 3),
    }


def _difference(each: Difference) -> dict[str, str | None]:
    return {
        "kind": each.kind,
        "object": each.object,
        "before": each.before,
        "after": each.after,
        "severity": each.severity,
    }
