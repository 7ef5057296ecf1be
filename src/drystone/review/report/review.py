"""A release under review, as one value: everything that the pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drystone.catalog import Difference
from drystone.migrations.files import Migration
from drystone.migrations.history import Entry
from drystone.migrations.proof import Proof
from drystone.review.lint.findings import Finding
from drystone.review.plans.baseline import PlanChange
from drystone.review.plans.plan import QueryPlan
from drystone.review.report.changes import Changes
from drystone.review.report.paths import Paths
from drystone.review.report.queries import AreaSheet, QuerySheet
from drystone.review.report.tables import TableSheet
from drystone.review.trace.traces import MigrationTrace


class Part(StrEnum):
    """What is gathered by itself, and may be missing by itself."""

    MIGRATIONS = "migrations"
    QUERIES = "queries"
    DATABASE = "database"
    HISTORY = "history"
    LINT = "lint"
    PROOF = "proof"
    TRACE = "trace"
    SCHEMA = "schema"
    DESCRIPTIONS = "descriptions"
    PLANS = "plans"
    SIZES = "sizes"
    DRIFT = "drift"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Missing:
    """A part, or some of it, that could not be gathered: why, and what to do next.

    A ``fault`` is the project's own, as in a file that does not parse; all else is what
    surroundings lack, as a database does.
    """

    part: Part
    reason: str
    hint: str | None = None
    place: str | None = None
    excerpt: str | None = None
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """The migrations under review, and in words why these."""

    migrations: Sequence[Migration]
    why: str

    @property
    def ids(self) -> frozenset[str]:
        """Their names."""
        return frozenset(each.id for each in self.migrations)


@dataclass(frozen=True, slots=True)
class Review:
    """What was gathered of a project; a part that is None is among the missing."""

    made: datetime
    version: str
    paths: Paths
    release: Release
    since: str | None = None
    server: str | None = None
    migrations: Sequence[Migration] = ()
    history: Mapping[str, Entry] | None = None
    findings: Sequence[Finding] | None = None
    proofs: Mapping[str, Proof] | None = None
    traces: Mapping[str, MigrationTrace] | None = None
    tables: Mapping[str, TableSheet] | None = None
    areas: Sequence[AreaSheet] = ()
    plans: Mapping[str, QueryPlan] | None = None
    plan_changes: Sequence[PlanChange] | None = None
    drift: Sequence[Difference] | None = None
    changes: Changes | None = None
    missing: Sequence[Missing] = ()

    @property
    def systems(self) -> list[str]:
        """Every system that has a migration or a query."""
        named = {each.system for each in self.migrations}
        return sorted(named | {each.system for each in self.areas})

    @property
    def queries(self) -> list[QuerySheet]:
        """Every query, area by area."""
        return [query for area in self.areas for query in area.queries]

    def missing_of(self, *parts: Part) -> list[Missing]:
        """Return what is missing of some parts."""
        return [each for each in self.missing if each.part in parts]

    def tables_of(self, system: str) -> list[TableSheet]:
        """Return the tables and views that a system made, its own schema's first."""
        found = self.tables.values() if self.tables is not None else ()
        of_it = [each for each in found if each.system == system]
        return sorted(of_it, key=lambda each: each.schema != system)

    def areas_of(self, system: str) -> list[AreaSheet]:
        """Return a system's areas."""
        return [each for each in self.areas if each.system == system]

    def migrations_of(self, system: str) -> list[Migration]:
        """Return a system's migrations."""
        return [each for each in self.migrations if each.system == system]
