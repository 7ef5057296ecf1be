"""``drystone plans`` and ``bench``: how queries are answered, and how fast."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from difflib import unified_diff
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.errors import BadInput
from drystone.queries.reading.files import Area, read_areas
from drystone.review.lint.sizes import Sizes
from drystone.review.plans.baseline import (
    Comparison,
    PlanChange,
    compare,
    write_baselines,
)
from drystone.review.plans.bench import Timing
from drystone.review.plans.bench import bench as time_queries
from drystone.review.plans.drawing import draw, main_scan
from drystone.review.plans.plan import PlanNode, QueryPlan
from drystone.review.plans.representative import (
    Representative,
    explain,
    represented,
)

_FINDINGS = 1
_HEADING = 3  # lines of a diff that name files
_WITHOUT_TERMINAL = (120, 24)

_TIMING = "{:<{}}  {:>8}  {:>9}  {:>9}  {:>9}"
_TIMED = ("calls/s", "p50 ms", "p95 ms", "p99 ms")


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option("--query", "name", metavar="NAME", help="Show the plan of one query.")
@click.option("--write", is_flag=True, help="Keep the shapes of the plans.")
@click.option("--check", is_flag=True, help="Fail if a plan has another shape.")
@click.option(
    "--statistics",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The sizes of production's tables, which make scans as bad as there.",
)
@json_option
@pass_context
def plans(
    context: Context,
    *,
    systems: tuple[str, ...],
    name: str | None,
    write: bool,
    check: bool,
    statistics: Path | None,
    as_json: bool,
) -> None:
    """Explain every query on representative data, on a scratch database."""
    if write and (check or name):
        raise click.UsageError("--write goes with neither --check nor --query")
    areas = read_areas(context.query_folders, systems=systems)
    sizes = Sizes.read(statistics) if statistics else None
    with _represented(context, areas, name, sizes) as database:
        found = explain(database)
    if as_json:
        output.document({"queries": [_as_json(each) for each in found]})
    elif name:
        for each in found:
            _print_plan(each)
    elif not write and not check:
        _print_all(found)
    if write:
        _write(found, areas, quiet=as_json)
    if check:
        _check(compare(found, areas), quiet=as_json)


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option("--query", "name", metavar="NAME", help="Time one query.")
@click.option(
    "--clients",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="How many ask at once.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=0.5,
    show_default=True,
    help="How long each query is asked.",
)
@json_option
@pass_context
def bench(
    context: Context,
    *,
    systems: tuple[str, ...],
    name: str | None,
    clients: int,
    seconds: float,
    as_json: bool,
) -> None:
    """Time every query that reads, under load, on representative data."""
    areas = read_areas(context.query_folders, systems=systems)
    with _represented(context, areas, name) as database:
        width = max((len(each.name) for each in database.queries), default=0)
        if not as_json:
            output.line(_TIMING.format("query", width, *_TIMED), style="dim")
        timings = time_queries(
            database,
            context.target.conninfo,
            context.settings,
            clients=clients,
            seconds=seconds,
            told=(lambda _: None) if as_json else partial(_print_timing, width),
        )
    if as_json:
        queries = [_timing_as_json(each) for each in timings]
        output.document({"clients": clients, "seconds": seconds, "queries": queries})
    else:
        timed = sum(1 for each in timings if each.calls)
        output.line(
            f"{timed} queries timed for {output.duration(seconds)} each,"
            f" {clients} clients; {len(timings) - timed} left out"
        )


def _print_timing(width: int, each: Timing) -> None:
    if each.missing:
        output.text(Text.assemble(each.name.ljust(width), "  ", (each.missing, "dim")))
        return
    figures = (f"{each.per_second:,.0f}", *(f"{ms:.2f}" for ms in _milliseconds(each)))
    output.line(_TIMING.format(each.name, width, *figures))


def _timing_as_json(each: Timing) -> dict[str, Any]:
    p50, p95, p99 = _milliseconds(each)
    return {
        "name": each.name,
        "file": str(each.location.file),
        "line": each.location.line,
        "calls": each.calls,
        "calls_per_second": each.per_second,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "missing": each.missing,
    }


def _milliseconds(each: Timing) -> tuple[float, float, float]:
    return each.p50, each.p95, each.p99


def _represented(
    context: Context,
    areas: Sequence[Area],
    name: str | None,
    sizes: Sizes | None = None,
) -> AbstractContextManager[Representative]:
    return represented(
        context.target.conninfo,
        context.settings,
        areas,
        context.read_migrations(),
        repeatables=context.read_repeatables(),
        seeds=context.query_folders,
        sizes=sizes,
        names=_full_names(areas, name),
    )


def _full_names(areas: Sequence[Area], name: str | None) -> list[str]:
    """Return the queries that a name means, which may leave out system and area."""
    if name is None:
        return []
    known = [f"{area.name}.{query.name}" for area in areas for query in area.queries]
    meant = [each for each in known if f".{each}".endswith(f".{name}")]
    if not meant:
        raise BadInput(
            f"there is no query called {name}",
            hint="drystone plans lists them all.",
        )
    return meant


def _print_all(found: Sequence[QueryPlan]) -> None:
    output.table(
        ("query", "time", "rows", "scan that takes most", ""),
        [_row(each) for each in found],
        right=("time", "rows"),
    )
    for each in found:
        for flag in each.flags:
            output.text(
                Text.assemble(
                    (each.name, "bold"),
                    (f"  {flag.concern.value}", "yellow"),
                    f"\n    {flag.message}",
                )
            )
    flagged = sum(1 for each in found if each.flags)
    missing = sum(1 for each in found if each.missing)
    output.line(f"{len(found)} queries, {flagged} flagged, {missing} without a plan")


def _row(each: QueryPlan) -> tuple[str, str, str, str, str | Text]:
    if each.root is None:
        return each.name, "", "", "", Text(each.missing or "", style="dim")
    rows = each.root.actual_rows
    notes = [flag.concern.value for flag in each.flags]
    if each.not_executed:
        notes.append(f"not executed: {each.not_executed}")
    notes += [f"{table} is empty" for table in each.empty]
    return (
        each.name,
        "" if each.milliseconds is None else f"{each.milliseconds:.1f} ms",
        "" if rows is None else f"{rows:,.0f}",
        main_scan(each.root),
        Text(", ".join(dict.fromkeys(notes)), style="yellow" if each.flags else "dim"),
    )


def _print_plan(each: QueryPlan) -> None:
    output.text(Text.assemble((each.name, "bold"), f"  {each.location}"))
    if each.root is not None:
        width = shutil.get_terminal_size(_WITHOUT_TERMINAL).columns
        for line in draw(each.root, width=width):
            output.line(line)
    if each.missing:
        output.line(each.missing, style="dim")
    if each.not_executed:
        output.line(f"not executed: {each.not_executed}", style="dim")
    for table in each.empty:
        output.line(f"no rows could be made for {table}", style="dim")
    for flag in each.flags:
        output.text(Text.assemble((flag.concern.value, "yellow"), f": {flag.message}"))


def _write(found: Sequence[QueryPlan], areas: Sequence[Area], *, quiet: bool) -> None:
    written = write_baselines(found, areas)
    if quiet:
        return
    for path in written:
        output.line(f"wrote {_shown(path)}")
    if not written:
        output.line("no plan has changed")


def _check(comparison: Comparison, *, quiet: bool) -> None:
    if not quiet:
        for note in comparison.notes:
            output.line(note)
        for change in comparison.changes:
            _print_change(change)
        count = len(comparison.changes)
        output.line(
            f"{count} plan{'' if count == 1 else 's'} changed;"
            " drystone plans --write keeps them as they are now"
            if count
            else "no plan has changed"
        )
    if comparison.changes:
        raise SystemExit(_FINDINGS)


def _print_change(change: PlanChange) -> None:
    if change.before is None:
        output.text(Text.assemble((change.name, "bold"), "  is new"))
        return
    if change.after is None:
        output.text(Text.assemble((change.name, "bold"), "  is gone"))
        return
    output.text(Text.assemble((change.name, "bold"), "  has another plan"))
    styles = {"-": "red", "+": "green"}
    before, after = change.before.splitlines(), change.after.splitlines()
    length = len(before) + len(after)
    for line in list(unified_diff(before, after, n=length, lineterm=""))[_HEADING:]:
        output.line(f"  {line[0]} {line[1:]}", style=styles.get(line[0]))


def _as_json(each: QueryPlan) -> dict[str, Any]:
    return {
        "name": each.name,
        "file": str(each.location.file),
        "line": each.location.line,
        "milliseconds": each.milliseconds,
        "shape": each.shape.splitlines(),
        "flags": [
            {"concern": flag.concern.name, "message": flag.message}
            for flag in each.flags
        ],
        "missing": each.missing,
        "not_executed": each.not_executed,
        "empty": list(each.empty),
        "plan": None if each.root is None else _node(each.root),
    }


def _node(node: PlanNode) -> dict[str, Any]:
    return {
        "type": node.type,
        "label": node.label,
        "relation": node.relation,
        "alias": node.alias,
        "index": node.index,
        "condition": node.condition,
        "estimated_rows": node.estimated_rows,
        "actual_rows": node.actual_rows,
        "removed_rows": node.removed_rows,
        "loops": node.loops,
        "milliseconds": node.milliseconds,
        "cost": node.cost,
        "buffers_hit": node.buffers_hit,
        "buffers_read": node.buffers_read,
        "spilled": node.spilled,
        "children": [_node(child) for child in node.children],
    }


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
