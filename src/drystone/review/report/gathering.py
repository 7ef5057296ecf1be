"""Gathering a review: each part by itself, side by side, into one value."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from drystone.errors import BadInput
from drystone.migrations.files import Migration
from drystone.migrations.history import Entry, State
from drystone.migrations.proof import Proof
from drystone.review.lint.sizes import Sizes as Production
from drystone.review.report.changes import Changes, changes, signatures
from drystone.review.report.changes import State as Made
from drystone.review.report.parts import Gatherer, Plans, Project, Schema
from drystone.review.report.paths import Paths
from drystone.review.report.queries import AreaSheet, area_sheets
from drystone.review.report.review import Part, Release, Review
from drystone.review.report.tables import (
    Sizes,
    TableSheet,
    table_sheets,
    with_sizes,
    with_uses,
)
from drystone.review.revisions import changed_since
from drystone.review.trace.traces import MigrationTrace

# Each has a database of its own, and one waits for the server while another computes.
_AT_ONCE = 3

_PENDING = {State.PENDING, State.LATE, State.RENAMED}


def gather(
    project: Project,
    *,
    systems: Sequence[str] = (),
    since: str | None = None,
    told: Callable[[Part, float], None] = lambda _, __: None,
) -> Review:
    """Return everything that there is to know; what cannot be had is marked missing.

    ``told`` hears of each part when it is there, and how many seconds it took. Raises
    SettingsError and BadInput for what the caller got wrong.
    """
    folders = [*project.migrations, *project.queries]
    paths = Paths.of(project.settings.project, folders)
    work = Gatherer(project, systems, since, paths)
    changed_files = changed_since(since, folders) if since else None
    work.read_files()
    _check_systems(work)
    server = work.connect()
    work.find_sizes(reachable=server is not None)

    def gathered(part: Part, does: Callable[[], object]) -> object:
        begin = time.monotonic()
        found = work.attempt(part, does)
        told(part, time.monotonic() - begin)
        return found

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        begun = {
            part: pool.submit(gathered, part, does)
            for part, does in _parts(work, reachable=server is not None)
        }
        found: dict[Part, Any] = {part: each.result() for part, each in begun.items()}
    history: Mapping[str, Entry] | None = found.get(Part.HISTORY)
    schema: Schema = found.get(Part.SCHEMA) or Schema()
    plans: Plans | None = found.get(Part.PLANS)
    proofs: list[Proof] | None = found.get(Part.PROOF)
    traces: list[MigrationTrace] | None = found.get(Part.TRACE)
    areas = area_sheets(work.areas, schema.described)
    return Review(
        made=datetime.now(UTC),
        version=version("drystone"),
        paths=paths,
        release=_release(work, history, changed_files),
        since=since,
        server=server,
        migrations=work.shown,
        history=history,
        proofs=None if proofs is None else {each.id: each for each in proofs},
        traces=None if traces is None else {each.id: each for each in traces},
        findings=found.get(Part.LINT),
        tables=_tables(work, schema, areas, found.get(Part.SIZES)),
        areas=areas,
        plans=None if plans is None else plans.plans,
        plan_changes=None if plans is None else plans.changes,
        drift=found.get(Part.DRIFT),
        changes=_changes(work, schema, found.get(Part.CHANGES)),
        missing=sorted(work.missing, key=lambda each: list(Part).index(each.part)),
    )


def _parts(
    work: Gatherer, *, reachable: bool
) -> Iterator[tuple[Part, Callable[[], object]]]:
    """Yield what to gather, what takes longest first."""
    if not reachable:
        yield Part.LINT, work.lint
        return
    yield Part.PLANS, work.explain
    yield Part.TRACE, work.trace
    yield Part.PROOF, work.prove
    yield Part.LINT, work.lint
    yield Part.SCHEMA, work.read_schema
    yield Part.HISTORY, work.read_history
    yield Part.SIZES, work.read_sizes
    if work.since is not None:
        yield Part.CHANGES, work.state_then
    yield Part.DRIFT, lambda: work.find_drift(work.read_history())


def _tables(
    work: Gatherer, schema: Schema, areas: Sequence[AreaSheet], sizes: Sizes | None
) -> dict[str, TableSheet] | None:
    """Put together what is known of the tables of the systems that were asked for."""
    if schema.snapshot is None:
        return None
    used = [
        (query.name, table, table in query.tables.written)
        for area in areas
        for query in area.queries
        for table in query.tables.all
    ]
    production = work.sizes if work.project.statistics and work.sizes else Production()
    sheets = with_sizes(
        table_sheets(schema.snapshot, work.migrations), sizes or {}, production
    )
    return {
        name: each
        for name, each in with_uses(sheets, used).items()
        if not work.systems or each.system in work.systems
    }


def _changes(work: Gatherer, schema: Schema, then: Made | None) -> Changes | None:
    if then is None or schema.snapshot is None or schema.described is None:
        return None
    now = Made(schema.snapshot, signatures(work.areas, schema.described))
    return changes(str(work.since), then, now)


def _check_systems(work: Gatherer) -> None:
    """Raise BadInput for a system that nothing belongs to."""
    known = {each.system for each in work.migrations}
    known |= {each.names[0] for each in work.areas}
    unknown = sorted(set(work.systems) - known)
    if unknown and not work.missing:
        raise BadInput(
            f"there is no migration and no query of a system called {unknown[0]}",
            hint="A system is a folder below one of migrations, or of queries.",
        )


def _release(
    work: Gatherer,
    history: Mapping[str, Entry] | None,
    changed: set[Path] | None,
) -> Release:
    """Choose the migrations under review."""
    chosen = work.shown
    if changed is not None:
        since = [each for each in chosen if _files(each) & changed]
        return Release(since, f"added or edited since {work.since}")
    states = {} if history is None else history
    pending = [m for m in chosen if m.id in states and states[m.id].state in _PENDING]
    if pending:
        return Release(pending, "pending on the database")
    why = "all there are: none is pending" if history else "all there are"
    return Release(chosen, why)


def _files(migration: Migration) -> set[Path]:
    files = (migration.up, migration.down)
    return {each.path.resolve() for each in files if each is not None}
