"""``drystone describe``, ``generate`` and ``impact``: queries, proven and typed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from psycopg import Connection
from rich.text import Text

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.database.session import connect
from drystone.errors import DrystoneError, SettingsError
from drystone.migrations.proof import migrated_scratch
from drystone.queries.describing.described import DescribedQuery, describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.generation.impact import Impact, impacts
from drystone.queries.generation.project import (
    Generated,
    Package,
    as_document,
    is_fresh,
    read_manifests,
)
from drystone.queries.generation.project import generate as generate_modules
from drystone.queries.reading.files import Area, read_areas

_FINDINGS = 1
_WATCH_INTERVAL = 0.2

_systems = click.argument("systems", nargs=-1, metavar="[SYSTEM]...")


@click.command()
@_systems
@json_option
@pass_context
def describe(context: Context, *, systems: tuple[str, ...], as_json: bool) -> None:
    """Prove every query on the migrated schema; show what it takes and gives."""
    areas = read_areas(context.query_folders, systems=systems)
    described = _describe(context, areas)
    if as_json:
        output.document({"queries": [as_document(each) for each in described]})
    else:
        for each in described:
            _print_query(each)
    failed = [each for each in described if each.error is not None]
    if not as_json:
        _print_errors(failed)
        output.line(f"{_queries(described)}, {len(failed)} refused")
    if failed:
        raise SystemExit(_FINDINGS)


@click.command()
@_systems
@click.option(
    "--check", is_flag=True, help="Write nothing; fail if something is stale."
)
@click.option("--watch", is_flag=True, help="Go on, whenever a file of SQL changes.")
@pass_context
def generate(
    context: Context, *, systems: tuple[str, ...], check: bool, watch: bool
) -> None:
    """Write a module of typed functions for each file of queries."""
    if check and watch:
        raise click.UsageError("--check and --watch exclude each other")
    if watch:
        _watch(context, systems)
        return
    package = _package(context)
    areas = read_areas(context.query_folders, systems=systems)
    if check and is_fresh(areas, context.read_migrations(), package, systems=systems):
        output.line("the generated modules are fresh")
        return
    generated = _generate(context, areas, package, systems)
    if generated.failed:
        _print_errors(generated.failed)
        output.line(f"{_queries(generated.failed)} refused; nothing was written")
        raise SystemExit(_FINDINGS)
    if check:
        stale = generated.stale()
        for path in stale:
            output.line(f"stale: {_shown(path)}")
        if stale:
            output.line("run drystone generate")
            raise SystemExit(_FINDINGS)
        output.line("the generated modules are fresh")
        return
    _write(generated)


@click.command()
@_systems
@json_option
@pass_context
def impact(context: Context, *, systems: tuple[str, ...], as_json: bool) -> None:
    """Tell which queries the migrations break or change since they were generated."""
    areas = read_areas(context.query_folders, systems=systems)
    found = impacts(read_manifests(areas), _describe(context, areas))
    if as_json:
        output.document({"queries": [each.as_document() for each in found]})
    else:
        for each in found:
            _print_impact(each)
        output.line(f"{_queries(found)} affected")
    if found:
        raise SystemExit(_FINDINGS)


def _describe(context: Context, areas: Sequence[Area]) -> list[DescribedQuery]:
    with _schema(context) as connection:
        return list(describe_areas(Describer(connection), areas))


def _generate(
    context: Context, areas: Sequence[Area], package: Package, systems: Sequence[str]
) -> Generated:
    with _schema(context) as connection:
        return generate_modules(
            connection,
            areas,
            context.read_migrations(),
            package,
            repeatables=context.read_repeatables(),
            systems=systems,
        )


@contextmanager
def _schema(context: Context) -> Iterator[Connection[Any]]:
    """Lend a session on a scratch database with the schema that the queries are for.

    Where somebody's own queries come without migrations, it is the database itself, in
    which nothing is left behind.
    """
    conninfo, settings = context.target.conninfo, context.settings
    if settings.migrations or not settings.queries:
        with migrated_scratch(
            conninfo, settings, context.read_migrations(), context.read_repeatables()
        ) as connection:
            yield connection
    else:
        with connect(conninfo, settings) as connection:
            yield connection


def _package(context: Context) -> Package:
    name, folder = context.settings.package, context.settings.package_folder
    if name is None or folder is None:
        raise SettingsError(
            "it is not said where the generated modules go",
            hint="Set package and package_folder under [tool.drystone], as in"
            ' package = "shop.queries" and package_folder = "src/shop/queries".',
        )
    return Package(name, folder)


def _watch(context: Context, systems: tuple[str, ...]) -> None:
    """Generate again after each change, until somebody interrupts."""
    package = _package(context)
    before: dict[Path, int] = {}
    while True:
        folders = (*context.query_folders, *context.migration_folders)
        now = {
            path: path.stat().st_mtime_ns
            for folder in folders
            for path in folder.rglob("*.sql")
        }
        if now != before:
            before = now
            begin = time.monotonic()
            _generate_once(context, systems, package)
            output.line(f"watching ({output.duration(time.monotonic() - begin)})")
        time.sleep(_WATCH_INTERVAL)


def _generate_once(
    context: Context, systems: tuple[str, ...], package: Package
) -> None:
    """Generate, and tell what is wrong instead of giving up."""
    try:
        areas = read_areas(context.query_folders, systems=systems)
        generated = _generate(context, areas, package, systems)
    except DrystoneError as error:
        output.error(error)
        return
    _print_errors(generated.failed)
    if not generated.failed:
        _write(generated)


def _write(generated: Generated) -> None:
    changed = generated.write()
    for path in changed:
        verb = "wrote" if path in generated.files else "deleted"
        output.line(f"{verb} {_shown(path)}")
    if not changed:
        output.line("nothing has changed")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _print_query(each: DescribedQuery) -> None:
    if each.error is not None:
        output.text(Text.assemble((each.name, "bold"), ("  refused", "bold red")))
        return
    taken = [
        f"{name} {parameter.type}{'?' if parameter.nullable else ''}"
        for name, parameter in zip(
            each.query.parameters, each.described.parameters, strict=True
        )
    ]
    given = [
        f"{column.name} {column.type}{'?' if column.nullable else ''}"
        for column in each.described.columns
    ]
    output.text(
        Text.assemble(
            (each.name, "bold"),
            f"({', '.join(taken)}){each.query.operator}",
            (_cardinality(each), "dim"),
            ("\n    " + ", ".join(given) if given else "", "dim"),
        )
    )


def _queries(some: Sequence[object]) -> str:
    return "1 query" if len(some) == 1 else f"{len(some)} queries"


def _cardinality(each: DescribedQuery) -> str:
    """Say of a query of single rows what keeps it to one."""
    if each.query.operator not in {"^", "$", "<!"}:
        return ""
    proven = each.described.at_most_one
    return (
        "  one row by its form or a key" if proven else "  one row if it is so when run"
    )


def _print_errors(failed: Sequence[DescribedQuery]) -> None:
    for each in failed:
        if each.error is not None:
            output.error(each.error)


def _print_impact(each: Impact) -> None:
    output.text(
        Text.assemble(
            (each.name, "bold"),
            f"  {each.location}\n",
            *(f"    {line}\n" for line in each.lines()),
        )
    )
