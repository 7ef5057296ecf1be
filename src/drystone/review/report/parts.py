"""The parts of a review, and how each is gathered; one never keeps another back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from psycopg import Connection

from drystone.catalog import Difference, Snapshot, read_snapshot
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import DrystoneError, Location, MigrationError, QueryError
from drystone.migrations import runner
from drystone.migrations.files import Migration, read_migrations, with_dependencies
from drystone.migrations.history import IS_APPLIED, Entry
from drystone.migrations.proof import Proof, migrated_scratch, verify
from drystone.migrations.proof import drift as find_drift
from drystone.migrations.repeatables import read_repeatables
from drystone.queries.describing.described import describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.reading.files import Area, query_files
from drystone.queries.reading.lexer import Query, read_queries
from drystone.review.lint.findings import Finding
from drystone.review.lint.linting import lint
from drystone.review.lint.sizes import Sizes
from drystone.review.plans.baseline import PlanChange, compare_baseline
from drystone.review.plans.plan import QueryPlan
from drystone.review.plans.representative import explain, represented
from drystone.review.report.changes import State as Made
from drystone.review.report.changes import state_at
from drystone.review.report.paths import Paths
from drystone.review.report.queries import (
    Described,
    describe_with_signatures,
)
from drystone.review.report.review import Missing, Part
from drystone.review.report.tables import (
    Size,
    read_sizes,
)
from drystone.review.trace.traces import MigrationTrace
from drystone.review.trace.tracing import trace
from drystone.settings import Settings

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Project:
    """What is reviewed: folders, and how to find the database when it is needed."""

    settings: Settings
    migrations: Sequence[Path]
    queries: Sequence[Path]
    locate: Callable[[], str]
    statistics: Path | None = None


@dataclass(slots=True)
class Schema:
    """What the migrations make, and how the queries fare on it."""

    snapshot: Snapshot | None = None
    described: dict[str, Described] | None = None


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of the queries, and which are not as in the baseline."""

    plans: Mapping[str, QueryPlan]
    changes: Sequence[PlanChange] | None


@dataclass(slots=True)
class Gatherer:
    """Takes a project's parts together, and notes what is missing."""

    project: Project
    systems: Sequence[str]
    since: str | None
    paths: Paths
    missing: list[Missing] = field(default_factory=list)
    migrations: list[Migration] = field(default_factory=list)
    repeatables: list[Migration] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    conninfo: str = ""
    sizes: Sizes | None = None

    @property
    def shown(self) -> list[Migration]:
        """The migrations of the systems that were asked for."""
        wanted = self.systems
        return [each for each in self.migrations if not wanted or each.system in wanted]

    def attempt(self, part: Part, work: Callable[[], _Found]) -> _Found | None:
        """Return what is found, or None where it cannot be had; note why."""
        try:
            with translated():
                return work()
        except DrystoneError as error:
            self.note(part, error)
        except ModuleNotFoundError as error:
            message = f"{error.name} is not installed"
            hint = "pip install 'drystone[demo,review]'"
            self.note(part, DrystoneError(message, hint=hint))
        return None

    def note(self, part: Part, error: DrystoneError) -> None:
        """Note why a part, or some of it, is missing."""
        clean, place = self.paths.cleaned, error.location
        self.missing.append(
            Missing(
                part,
                clean(error.message),
                clean(error.hint) if error.hint else None,
                f"{self.paths.shown(place.file)}:{place.line}" if place else None,
                error.excerpt,
                # A fault of then is none of now.
                fault=part is not Part.CHANGES
                and isinstance(error, MigrationError | QueryError),
            )
        )

    def read_files(self) -> None:
        """Read migrations and queries, of all systems or of those asked for."""
        folders = self.project.migrations
        every = self.attempt(Part.MIGRATIONS, lambda: read_migrations(folders)) or []
        known = {each.system for each in every} & set(self.systems)
        # With what they build on; of a system without migrations nothing is needed.
        wanted = not self.systems or bool(known)
        self.migrations = with_dependencies(every, known) if wanted else []
        self.repeatables = (
            self.attempt(Part.MIGRATIONS, lambda: read_repeatables(folders)) or []
        )
        self.areas = list(self._read_areas())

    def _read_areas(self) -> Iterator[Area]:
        """Read each file of queries; a bad one is noted, and the others are read."""
        for folder in self.project.queries:
            if not folder.is_dir():
                reason = f"there is no folder of queries at {self.paths.shown(folder)}"
                hint = "Name another one with --queries DIR."
                self.missing.append(Missing(Part.QUERIES, reason, hint))
                continue
            for path in query_files(folder):
                names = path.relative_to(folder).with_suffix("").parts
                if self.systems and names[0] not in self.systems:
                    continue
                queries = self.attempt(Part.QUERIES, partial(_read, path))
                if queries:
                    yield Area(names, folder, path, tuple(queries))

    @contextmanager
    def schema(self) -> Iterator[Connection[Any]]:
        """Lend the schema that the queries are for: a scratch one, if files make it."""
        settings = self.project.settings
        if self.migrations:
            with migrated_scratch(
                self.conninfo, settings, self.migrations, self.repeatables
            ) as connection:
                yield connection
        else:
            with connect(self.conninfo, settings) as connection:
                yield connection

    def connect(self) -> str | None:
        """Find the database and ask for its version."""

        def ask() -> str:
            self.conninfo = self.project.locate()
            with connect(self.conninfo, self.project.settings) as connection:
                number = connection.info.server_version
            return f"PostgreSQL {number // 10000}.{number % 10000}"

        return self.attempt(Part.DATABASE, ask)

    def read_schema(self) -> Schema:
        """Make the schema, and read it and what the queries are on it."""
        found = Schema()
        package = self.project.settings.package or "queries"
        with self.schema() as connection:
            found.snapshot = read_snapshot(connection)
            found.described = self.attempt(
                Part.DESCRIPTIONS,
                lambda: describe_with_signatures(
                    connection,
                    describe_areas(Describer(connection), self.areas),
                    package,
                ),
            )
        return found

    def prove(self) -> list[Proof]:
        """Prove what can be; where a migration does not apply, those before it."""
        proofs: dict[str, Proof] = {}

        def tell(proof: Proof) -> None:
            proofs[proof.id] = proof

        try:
            verify(self.conninfo, self.project.settings, self.migrations, told=tell)
        except DrystoneError as error:
            if not proofs:
                raise
            self.note(Part.PROOF, error)
        return list(proofs.values())

    def read_history(self) -> dict[str, Entry]:
        """Ask the database which migrations it has."""
        entries = runner.status(
            self.conninfo, self.project.settings, self.migrations, self.repeatables
        )
        return {each.id: each for each in entries}

    def read_sizes(self) -> dict[str, Size]:
        """Ask the database how big its tables and indexes are."""
        with connect(self.conninfo, self.project.settings) as connection:
            return read_sizes(connection)

    def lint(self) -> list[Finding]:
        """Lint everything, or what came since; harsher and milder by the sizes."""
        folders, queries = (
            [each for each in several if each.is_dir()]
            for several in (self.project.migrations, self.project.queries)
        )
        linted = lint(
            folders,
            queries,
            since=self.since,
            sizes=self.sizes,
            service_role=self.project.settings.service_role,
        )
        clean = self.paths.cleaned
        return [replace(each, message=clean(each.message)) for each in linted.findings]

    def state_then(self) -> Made | None:
        """Make the schema of the revision that changes are told since."""
        if self.since is None:
            return None
        return state_at(
            self.since,
            self.conninfo,
            self.project.settings,
            migrations=self.project.migrations,
            queries=self.project.queries,
            systems=self.systems,
        )

    def find_sizes(self, *, reachable: bool) -> None:
        """Take the sizes of production's tables, or of those in the database."""

        def ask() -> Sizes:
            with connect(self.conninfo, self.project.settings) as connection:
                return Sizes.of(connection)

        if self.project.statistics is not None:
            self.sizes = Sizes.read(self.project.statistics)
        elif reachable:
            self.sizes = self.attempt(Part.SIZES, ask)

    def explain(self) -> Plans:
        """Explain the queries on representative data, and look at the baseline."""
        with represented(
            self.conninfo,
            self.project.settings,
            self.areas,
            self.migrations,
            repeatables=self.repeatables,
            seeds=[each for each in self.project.queries if each.is_dir()],
            sizes=self.sizes,
        ) as database:
            plans = explain(database)
        changes = self.attempt(Part.PLANS, lambda: compare_baseline(plans, self.areas))
        return Plans({each.name: each for each in plans}, changes)

    def trace(self) -> list[MigrationTrace]:
        """Trace what each statement of the migrations locks."""
        return trace(self.conninfo, self.project.settings, self.migrations)

    def find_drift(self, history: Mapping[str, Entry]) -> list[Difference]:
        """Compare the database with what its migrations make."""
        return find_drift(
            self.conninfo,
            self.project.settings,
            self.migrations,
            applied=[e.id for e in history.values() if e.state in IS_APPLIED],
            repeatables=self.repeatables,
        )


def _read(path: Path) -> list[Query]:
    try:
        return read_queries(path)
    except UnicodeDecodeError:
        raise QueryError("the file is not UTF-8", location=Location(path, 1)) from None
