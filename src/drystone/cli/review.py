"""``drystone review``: everything there is to know of a release, to open and read."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.review.report.gathering import gather
from drystone.review.report.pages import write_report
from drystone.review.report.parts import Project
from drystone.review.report.review import Part
from drystone.review.report.verdicts import Level, verdicts

_FINDINGS = 1
_STYLES = {
    Level.ERROR: "bold red",
    Level.WARNING: "yellow",
    Level.NOTICE: "",
    Level.MISSING: "dim",
    Level.GOOD: "green",
}


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the report is written; .drystone/review by default.",
)
@click.option(
    "--since",
    metavar="REV",
    help="Review what came since a revision; else what is pending, or everything.",
)
@click.option(
    "--statistics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The sizes of production's tables, from drystone statistics.",
)
@json_option
@pass_context
def review(
    context: Context,
    *,
    systems: tuple[str, ...],
    out: Path | None,
    since: str | None,
    statistics: Path | None,
    as_json: bool,
) -> None:
    """Write a report of a release: pages for a browser, Markdown for a pull request.

    Exits with 1 if a line of its verdict is an error: a finding, a rollback that does
    not restore, a query that PostgreSQL refuses, a file that cannot be read.
    """
    folder = out or context.settings.project / ".drystone" / "review"
    project = Project(
        settings=context.settings,
        migrations=context.migration_folders,
        queries=context.query_folders,
        locate=lambda: context.target.conninfo,
        statistics=statistics,
    )
    silent = as_json or not sys.stderr.isatty()
    found = gather(
        project,
        systems=systems,
        since=since,
        told=(lambda _, __: None) if silent else _tell,
    )
    write_report(found, folder)
    told = verdicts(found)
    if as_json:
        output.document(
            {
                "out": str(folder),
                "migrations": len(found.release.migrations),
                "queries": len(found.queries),
                "findings": len(found.findings or ()),
                "missing": [
                    {"part": each.part, "reason": each.reason, "hint": each.hint}
                    for each in found.missing
                ],
            }
        )
    else:
        for each in told:
            output.line(f"{each.level:<8} {each.text}", style=_STYLES[each.level])
        output.line(f"open {_shown(folder / 'index.html')}")
    if any(each.level is Level.ERROR for each in told):
        raise SystemExit(_FINDINGS)


def _tell(part: Part, seconds: float) -> None:
    text = f"gathered {part} ({output.duration(seconds)})"
    output.line(text, style="dim", stderr=True)


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
