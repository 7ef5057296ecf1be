"""``drystone doctor``: what is wrong with a set-up, and what to do next."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

import click
from rich.text import Text

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.errors import DatabaseUnavailable, DrystoneError
from drystone.ops.checks import Check, Verdict, failed
from drystone.ops.doctor import diagnose
from drystone.queries.generation.project import Package, is_fresh
from drystone.queries.reading.files import read_areas
from drystone.settings import without_password

_FINDINGS = 1
_WIDEST = 88

_STYLES = {
    Verdict.OK: "green",
    Verdict.WARNING: "yellow",
    Verdict.FAILED: "red",
    Verdict.NOT_CONFIGURED: "dim",
}


@click.command()
@json_option
@pass_context
def doctor(context: Context, *, as_json: bool) -> None:
    """Look at settings, database, migrations and Redis; tell what to do next.

    Changes nothing. Exits with 1 if something has failed, and with 4 if there is no
    database to look at.
    """
    checks, code = _examine(context)
    if as_json:
        output.document(
            {"ok": code == 0, "checks": [check.as_document() for check in checks]}
        )
    else:
        _print(checks)
    raise SystemExit(code)


def _examine(context: Context) -> tuple[list[Check], int]:
    """Return what was found, and the exit code."""
    try:
        settings = context.settings
        migrations, repeatables = context.read_migrations(), context.read_repeatables()
    except DrystoneError as error:
        return [failed("settings", error)], _FINDINGS
    checks = [Check("settings", Verdict.OK, f"of the project {settings.project}")]
    checks += _generated(context)
    try:
        target = context.target
        kind = "the embedded server" if target.embedded else "the server"
        place = without_password(target.conninfo)
        checks.append(Check("target", Verdict.OK, f"{kind}, {place}"))
        checks += diagnose(
            target.conninfo, settings, migrations=migrations, repeatables=repeatables
        )
    except DatabaseUnavailable as error:
        return [*checks, failed("database", error)], error.exit_code
    bad = any(check.verdict is Verdict.FAILED for check in checks)
    return checks, _FINDINGS if bad else 0


def _generated(context: Context) -> list[Check]:
    """Tell whether generated modules are stale, if the project generates any."""
    name, folder = context.settings.package, context.settings.package_folder
    if name is None or folder is None:
        return []
    try:
        areas = read_areas(context.query_folders)
        fresh = is_fresh(areas, context.read_migrations(), Package(name, folder))
    except DrystoneError as error:
        return [failed("generated code", error)]
    if fresh:
        return [Check("generated code", Verdict.OK, "as the SQL files say")]
    return [
        Check(
            "generated code",
            Verdict.FAILED,
            "SQL files, migrations or modules have changed since it was generated",
            "drystone generate",
        )
    ]


def _print(checks: Sequence[Check]) -> None:
    """Print a line for each check, folded under itself where the terminal is narrow."""
    width = max(len(check.name) for check in checks)
    columns = shutil.get_terminal_size((_WIDEST, 0)).columns
    room = min(columns, _WIDEST) if sys.stdout.isatty() else None
    for check in checks:
        mark = Text(f"{check.verdict:14}", style=_STYLES[check.verdict])
        head = Text.assemble(mark, f"  {check.name:{width}}  ")
        indent = " " * len(head)
        if room is not None and room - len(indent) < 30:
            # Too narrow for columns: what there is to say goes below.
            output.text(Text.assemble(mark, f"  {check.name}"))
            head, indent = Text("  "), "  "
        said = [check.reason]
        if check.next and check.verdict is not Verdict.OK:
            said.append(f"next: {check.next}")
        for number, words in enumerate(said):
            for line in _folded(words, room and room - len(indent)):
                output.text(Text.assemble(head if number == 0 else indent, line))
                head = Text(indent)
    counts = [
        f"{sum(check.verdict is verdict for check in checks)} {verdict}"
        for verdict in Verdict
        if any(check.verdict is verdict for check in checks)
    ]
    output.line(", ".join(counts))


def _folded(words: str, width: int | None) -> list[str]:
    return [words] if width is None else textwrap.wrap(words, max(20, width)) or [""]
