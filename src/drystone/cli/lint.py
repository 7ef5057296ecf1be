"""``drystone lint`` and ``statistics``: hazards in SQL, and how big the tables are."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import click

from drystone.cli import output
from drystone.cli.context import Context, pass_context
from drystone.database.session import connect
from drystone.errors import DatabaseError
from drystone.review.lint.findings import Severity
from drystone.review.lint.formats import FORMATS, report
from drystone.review.lint.linting import lint as lint_files
from drystone.review.lint.sizes import Sizes

_FINDINGS = 1


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    metavar="[PATH]...",
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="How findings are written.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--since", metavar="REV", help="Lint what came since a revision, as one release."
)
@click.option(
    "--statistics",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The sizes of production's tables, from drystone statistics.",
)
@click.option(
    "--service-role",
    metavar="ROLE",
    help="The role that services log in as; its privileges are checked.",
)
@pass_context
def lint(
    context: Context,
    *,
    paths: tuple[Path, ...],
    form: str,
    as_json: bool,
    since: str | None,
    statistics: Path | None,
    service_role: str | None,
) -> None:
    """Find hazards in migrations and queries, without running any.

    PATHs are files or folders; without one, the configured folders are linted. Sizes
    come from a configured database unless a file gives them. Fails for errors and
    warnings, not for notices.
    """
    linted = lint_files(
        context.migration_folders,
        context.query_folders,
        paths=paths,
        since=since,
        sizes=Sizes.read(statistics) if statistics else _sizes(context),
        service_role=service_role or context.settings.service_role,
    )
    findings, files, root = linted.findings, linted.files, Path.cwd()
    if form == "text" and not as_json and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        output.text(report(findings, files=files, root=root, width=width))
    else:
        write = FORMATS["json" if as_json else form]
        sys.stdout.write(write(findings, files=files, root=root))
    if any(each.severity is not Severity.NOTICE for each in findings):
        raise SystemExit(_FINDINGS)


def _sizes(context: Context) -> Sizes:
    """Ask the configured database, if there is one that answers; start none."""
    conninfo = context.settings.conninfo()
    if conninfo is None:
        return Sizes()
    try:
        with connect(conninfo, context.settings) as connection:
            return Sizes.of(connection)
    except DatabaseError as problem:
        output.line(
            f"the sizes of tables are not known: {problem.message}", stderr=True
        )
        return Sizes()


@click.command()
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Else: stdout."
)
@pass_context
def statistics(context: Context, *, out: Path | None) -> None:
    """Write how big the database's tables are, for lint --statistics."""
    with connect(context.target.conninfo, context.settings) as connection:
        sizes = Sizes.of(connection)
    if out is None:
        output.document(sizes.export())
    else:
        out.write_text(json.dumps(sizes.export(), indent=2) + "\n", encoding="utf-8")
        output.line(f"{len(sizes.tables)} tables written to {out}")
