"""The review as pages of HTML: a folder that opens from disk, without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from drystone.errors import DrystoneError, Location, SettingsError
from drystone.migrations.files import Migration
from drystone.migrations.proof import Proof
from drystone.review.lint.findings import Finding, Severity
from drystone.review.plans.plan import QueryPlan
from drystone.review.report import addresses, words
from drystone.review.report.drawings import drawn_plan, drawn_tables
from drystone.review.report.highlighting import highlighted, highlighted_lines
from drystone.review.report.markdown import markdown
from drystone.review.report.names import unquoted
from drystone.review.report.pictures import plan_as_text
from drystone.review.report.queries import AreaSheet, QuerySheet
from drystone.review.report.review import Part, Review
from drystone.review.report.search import search_index
from drystone.review.report.stones import WALL, WIDTH
from drystone.review.report.verdicts import (
    by_mode,
    dangerous_locks,
    findings_at,
    is_linted,
    query_findings,
    verdicts,
)

ASSETS = ("report.css", "report.js")

_BEGINNING = 90
_SEVERITIES = list(Severity)
_DATA = {
    "demo": "the demo data",
    "dev": "the development seed",
    "generated": "generated rows",
}
_FOLDERS = ("migrations", "queries", "systems", "tables")
_MARK = '<meta name="generator" content="drystone review">'


def write_report(review: Review, folder: Path) -> None:
    """Write the report into a folder, and delete an earlier report's other pages.

    Raises SettingsError where it cannot be written.
    """
    files = dict(report_files(review))
    start = folder / addresses.RELEASE
    if start.is_file() and not _is_ours(start):
        raise SettingsError(
            "there is another page already, which is not a report's",
            location=Location(start, 1),
            hint="Name another folder with --out DIR.",
        )
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        former = [each for name in _FOLDERS for each in (folder / name).glob("*.html")]
        for path in [*former, folder / addresses.CHANGES]:
            if path.relative_to(folder).as_posix() not in files and _is_ours(path):
                path.unlink()
    except OSError as error:
        raise SettingsError(
            f"the report cannot be written: {error.strerror}",
            location=Location(Path(error.filename or folder), 1),
            hint="Name another folder with --out DIR.",
        ) from error


def report_files(review: Review) -> Iterator[tuple[str, str]]:
    """Yield every file of the report: its path in the folder, and its text."""
    writer = _Writer(review)
    yield from writer.pages()
    yield "search-index.js", search_index(review)
    yield "review.md", markdown(review)
    assets = resources.files(__package__).joinpath("assets")
    for name in ASSETS:
        yield name, assets.joinpath(name).read_text(encoding="utf-8")


def _is_ours(path: Path) -> bool:
    """Tell whether a page is of this report or of an earlier one."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as opened:
        return _MARK in opened.read(1000)


class _Writer:
    """Renders one page after the other from the same review."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self._proofs = review.proofs or {}
        self._traces = review.traces or {}
        self._plans = review.plans or {}
        self._navigation = [
            ("Release", addresses.RELEASE),
            ("Migrations", addresses.MIGRATIONS),
            *((each, addresses.system_page(each)) for each in review.systems),
            ("Drift", addresses.DRIFT),
            *([("Changes", addresses.CHANGES)] if review.since else []),
        ]
        self._environment = _environment()
        self._environment.globals.update(
            review=review,
            part=Part,
            release_page=addresses.RELEASE,
            migrations_page=addresses.MIGRATIONS,
            navigation=self._navigation,
            page_of=_Pages,
            wall=WALL,
            wall_width=WIDTH,
            counted=words.counted,
            highlighted=highlighted,
            highlighted_lines=highlighted_lines,
            dangerous_locks=dangerous_locks,
            shown=review.paths.shown,
            clean=review.paths.cleaned,
            table_names={unquoted(name) for name in review.tables or {}},
            proof_of=lambda each: self._proofs.get(each.id),
            trace_of=lambda each: self._traces.get(each.id),
            findings_of=self._findings_of,
            state_of=self._state_of,
            migration_names={each.id for each in review.migrations},
            plan_of=lambda query: self._plans.get(query.name),
            plan_changes_of=self._plan_changes_of,
            verdict_of=verdict_of,
            estimate_of=estimate_of,
            query_findings=partial(query_findings, review),
            draw_plan=drawn_plan,
            plan_text=plan_as_text,
        )

    def pages(self) -> Iterator[tuple[str, str]]:
        review = self._review
        yield self._page(
            addresses.RELEASE, "release", "The release", verdicts=verdicts(review)
        )
        yield self._page(addresses.MIGRATIONS, "migrations", "Migrations")
        for migration in review.migrations:
            yield self._migration(migration)
        for system in review.systems:
            yield self._system(system)
        for table in (review.tables or {}).values():
            page = addresses.table_page(table.shown_name)
            trail = _trail(table.system)
            yield self._page(page, "table", table.shown_name, trail, table=table)
        for area in review.areas:
            yield self._area(area)
        yield self._page(addresses.DRIFT, "drift", "Drift")
        if review.since:
            yield self._page(addresses.CHANGES, "changes", f"Since {review.since}")

    def _page(
        self,
        page: str,
        template: str,
        title: str,
        trail: Sequence[tuple[str, str]] = (),
        **values: Any,
    ) -> tuple[str, str]:
        root = "../" * page.count("/")
        text = self._environment.get_template(f"{template}.html").render(
            title=title,
            here=page,
            above={address for _, address in trail},
            trail=trail,
            root=root,
            at=lambda address: root + address,
            **values,
        )
        return page, text + "\n"

    def _migration(self, migration: Migration) -> tuple[str, str]:
        up, down = migration.up, migration.down
        shown = self._review.paths.shown
        return self._page(
            addresses.migration_page(migration.id),
            "migration",
            migration.id,
            [("Migrations", addresses.MIGRATIONS), *_trail(migration.system)],
            migration=migration,
            findings=self._findings_of(migration),
            up_findings=findings_at(self._review, shown(up.path)),
            down_findings=findings_at(self._review, shown(down.path)) if down else [],
            proof=self._proofs.get(migration.id),
            trace=self._traces.get(migration.id),
            runs=_runs(migration),
            depends=migration.depends,
            irreversible=migration.irreversible,
        )

    def _system(self, system: str) -> tuple[str, str]:
        page = addresses.system_page(system)
        tables = self._review.tables_of(system)
        return self._page(
            page,
            "system",
            system,
            system=system,
            tables=tables,
            areas=self._review.areas_of(system),
            picture=drawn_tables(tables, root="../"),
        )

    def _area(self, area: AreaSheet) -> tuple[str, str]:
        page = addresses.area_page(area.name)
        return self._page(page, "area", area.name, _trail(area.system), area=area)

    def _findings_of(self, migration: Migration) -> list[Finding] | None:
        if not is_linted(self._review, migration):
            return None
        files = [each for each in (migration.up, migration.down) if each is not None]
        return [
            finding
            for file in files
            for finding in findings_at(
                self._review, self._review.paths.shown(file.path)
            )
        ]

    def _state_of(self, migration: Migration) -> str:
        history = self._review.history
        entry = history.get(migration.id) if history is not None else None
        if entry is None:
            return "not known"
        when = f", {entry.applied_at:%d %b %Y}" if entry.applied_at else ""
        return f"{entry.state}{when}"

    def _plan_changes_of(self, query: QuerySheet) -> list[Any]:
        changes = self._review.plan_changes or ()
        return [each for each in changes if each.name == query.name]


class _Pages:
    """Where templates find things."""

    migration = staticmethod(addresses.migration_page)
    table = staticmethod(addresses.table_page)
    area = staticmethod(addresses.area_page)
    query = staticmethod(addresses.query_place)
    system = staticmethod(addresses.system_page)


def verdict_of(proof: Proof) -> str:
    """Say in a sentence what was proven."""
    if proof.reversible is None:
        return "The file declares that there is no way back."
    if proof.failed:
        return "Up and down again does not lead back to what was there."
    if proof.differences:
        return "Everything is restored; only columns stand in another order."
    return "Up, down and up again, with rows in the tables, leaves nothing different."


def estimate_of(plan: QueryPlan) -> str:
    """Say what the planner expected, and what came."""
    if plan.root is None:
        return ""
    expected = words.counted(round(plan.root.estimated_rows), "row")
    data = f" With {_DATA.get(plan.data, plan.data)}." if plan.data else ""
    if plan.root.actual_rows is None:
        return f"{expected} expected.{data}"
    came = words.counted(round(plan.root.actual_rows), "row")
    took = plan.milliseconds
    time = f", in {words.duration(took / 1000)}" if took is not None else ""
    return f"{expected} expected, {came} came{time}.{data}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("drystone.review.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(
        column_anchor=addresses.column_anchor,
        query_anchor=addresses.query_anchor,
        at_line=_at_line,
        beginning=_beginning,
        capitalised=lambda text: text[:1].upper() + text[1:],
        by_mode=by_mode,
        duration=words.duration,
        essential=words.essential,
        first_line=first_line,
        first_sentence=words.first_sentence,
        lines_kept=_lines_kept,
        paragraphs=words.paragraphs,
        rows=words.rows,
        size=words.size,
        sum_of_queries=lambda areas: sum(len(each.queries) for each in areas),
        unquoted=unquoted,
        waiting=words.waiting,
    )
    return environment


def _trail(system: str) -> list[tuple[str, str]]:
    return [(system, addresses.system_page(system))]


def _runs(migration: Migration) -> str:
    """Say how a migration runs; of one that cannot be parsed nothing is known."""
    try:
        return "in one transaction" if migration.up.in_one_go else "step by step"
    except DrystoneError:
        return "not at all: it cannot be read"


def first_line(line: int, text: str) -> int:
    """Return the line where a statement's own words begin, behind its comments."""
    lines = text.split("\n")
    while line < len(lines) and (
        not lines[line - 1].strip() or lines[line - 1].lstrip().startswith("--")
    ):
        line += 1
    return line


def _at_line(findings: Sequence[Finding], line: int) -> list[Finding]:
    """Return a line's findings, the worst first."""
    found = [each for each in findings if each.location.line == line]
    return sorted(found, key=lambda each: _SEVERITIES.index(each.severity))


def _beginning(statement: str) -> str:
    """Return a statement's first words, without comments."""
    said = [
        line for line in statement.split("\n") if not line.lstrip().startswith("--")
    ]
    text = " ".join(" ".join(said).split())
    return text if len(text) <= _BEGINNING else f"{text[:_BEGINNING].rstrip()} …"


def _lines_kept(text: str) -> Markup:
    return Markup("<br>").join(escape(line) for line in text.split("\n"))
