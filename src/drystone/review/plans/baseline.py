"""The shapes of plans as they were when somebody last looked, beside the queries.

``<queries>/plans/<system>.json`` holds them, with PostgreSQL's major version and the
data that they are of: with others the planner may well decide otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drystone.errors import BadInput, Location, SettingsError
from drystone.queries.reading.files import Area
from drystone.review.plans.plan import QueryPlan

FOLDER = "plans"


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A query whose plan has another shape; None where there is no such query."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs from the baselines, and which of them could not be compared."""

    changes: Sequence[PlanChange]
    notes: Sequence[str]


def compare_baseline(
    plans: Sequence[QueryPlan], areas: Sequence[Area]
) -> list[PlanChange]:
    """Return the changes of shape against the baselines that are there and compare."""
    return list(compare(plans, areas).changes)


def compare(plans: Sequence[QueryPlan], areas: Sequence[Area]) -> Comparison:
    """Compare plans with the baselines of their systems.

    ``areas`` are all of each system. Raises BadInput for a baseline that is malformed.
    """
    changes: list[PlanChange] = []
    notes: list[str] = []
    for path, names in _systems(areas).items():
        own = [plan for plan in plans if plan.name in names]
        before = _read(path)
        if before is None:
            notes.append(
                f"{path.stem} has no baseline; drystone plans --write makes one"
            )
        elif own and (why := _other(before, own[0])):
            notes.append(f"the plans of {path.stem} are not compared: {why}")
        else:
            changes += _changes(before["queries"], own, names)
    return Comparison(changes, notes)


def baselines(plans: Sequence[QueryPlan], areas: Sequence[Area]) -> dict[Path, str]:
    """Return what the files of the baselines should hold, by path."""
    files = {}
    for path, names in _systems(areas).items():
        own = [plan for plan in plans if plan.name in names]
        if own:
            document = {
                "postgresql": own[0].server,
                "data": own[0].data,
                "queries": {
                    plan.name: {
                        "shape": plan.shape.splitlines(),
                        "flags": sorted({flag.concern.name for flag in plan.flags}),
                    }
                    for plan in sorted(own, key=lambda plan: plan.name)
                },
            }
            files[path] = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return files


def write_baselines(plans: Sequence[QueryPlan], areas: Sequence[Area]) -> list[Path]:
    """Write the baselines that differ; return their paths.

    Raises SettingsError where a file cannot be written.
    """
    written = []
    for path, text in baselines(plans, areas).items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"the baseline cannot be written: {error.strerror}",
                location=Location(path, 1),
            ) from error
        written.append(path)
    return written


def _systems(areas: Sequence[Area]) -> dict[Path, set[str]]:
    """Return the file of each system's baseline, and the names of its queries."""
    found: dict[Path, set[str]] = {}
    for area in areas:
        path = area.folder / FOLDER / f"{area.names[0]}.json"
        names = {f"{area.name}.{query.name}" for query in area.queries}
        found.setdefault(path, set()).update(names)
    return found


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _ = [entry["shape"][:0] for entry in document["queries"].values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(
            "the baseline of plans is malformed",
            location=Location(path, 1),
            hint="drystone plans --write makes it anew.",
        ) from None
    return dict(document)


def _other(before: dict[str, Any], plan: QueryPlan) -> str | None:
    """Say why a baseline is of something else than a plan."""
    if before.get("postgresql") != plan.server:
        return (
            f"the baseline is of PostgreSQL {before.get('postgresql')},"
            f" this server is {plan.server}"
        )
    if before.get("data") != plan.data:
        return f"the baseline is of {before.get('data')} data, these are {plan.data}"
    return None


def _changes(
    before: dict[str, Any], plans: Sequence[QueryPlan], names: set[str]
) -> Iterator[PlanChange]:
    for plan in plans:
        known = before.get(plan.name)
        old = None if known is None else "\n".join(known["shape"])
        if old != plan.shape:
            yield PlanChange(plan.name, old, plan.shape)
    for gone in sorted(before.keys() - names):
        yield PlanChange(gone, "\n".join(before[gone]["shape"]), None)
