"""What a change of the schema does to queries: those that break, and changed types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drystone.errors import Location, QueryError
from drystone.queries.describing.described import DescribedQuery
from drystone.queries.generation.project import signature


@dataclass(frozen=True, slots=True)
class Change:
    """A parameter or a column before and after; None where it is not there."""

    kind: str
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Impact:
    """A query that no longer is what was generated: refused, or of other types."""

    name: str
    location: Location
    error: QueryError | None
    changes: tuple[Change, ...]

    def lines(self) -> list[str]:
        """Say it for a reader."""
        if self.error is not None:
            return [f"breaks: {self.error.message}"]
        return [
            f"{each.kind} {each.name}: {each.before or 'absent'}"
            f" becomes {each.after or 'absent'}"
            for each in self.changes
        ]

    def as_document(self) -> dict[str, Any]:
        """Return it as the command line prints it."""
        return {
            "name": self.name,
            "file": str(self.location.file),
            "line": self.location.line,
            "error": None if self.error is None else self.error.message,
            "changes": [
                {
                    "kind": each.kind,
                    "name": each.name,
                    "before": each.before,
                    "after": each.after,
                }
                for each in self.changes
            ],
        }


def impacts(
    before: Mapping[str, dict[str, Any]], after: Iterable[DescribedQuery]
) -> list[Impact]:
    """Compare what was generated with what the queries are on the schema now.

    A query that was never generated is told only if it is refused.
    """
    found = []
    for query in after:
        changes: tuple[Change, ...] = ()
        if query.error is None and query.name in before:
            changes = tuple(_changes(before[query.name], signature(query)))
        if query.error is not None or changes:
            place = (query.error and query.error.location) or query.query.location
            found.append(Impact(query.name, place, query.error, changes))
    return found


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Iterable[Change]:
    for kind, label in (("parameter", "parameters"), ("column", "columns")):
        old = {each["name"]: _type(each) for each in before.get(label, [])}
        new = {each["name"]: _type(each) for each in after[label]}
        for name in [*old, *(name for name in new if name not in old)]:
            if old.get(name) != new.get(name):
                yield Change(kind, name, old.get(name), new.get(name))


def _type(each: dict[str, Any]) -> str:
    return f"{each['type']}{' or NULL' if each['nullable'] else ''}"
