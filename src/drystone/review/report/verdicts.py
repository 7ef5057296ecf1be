"""What a reviewer must look at, worst first, and what is shown to be right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drystone.migrations.files import Migration
from drystone.migrations.proof import Proof
from drystone.review.lint.findings import Finding, Severity
from drystone.review.report import addresses
from drystone.review.report.names import unquoted
from drystone.review.report.queries import QuerySheet
from drystone.review.report.review import Review
from drystone.review.report.words import counted, duration
from drystone.review.trace.traces import HeldLock, MigrationTrace


class Level(StrEnum):
    """How much a verdict matters; errors make ``drystone review`` exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    MISSING = "missing"
    GOOD = "good"


_LEVELS = list(Level)

# More tables than these are not named one by one.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that a verdict is about, and where the report shows it."""

    text: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of what was found, with the places that it is about."""

    level: Level
    text: str
    points: Sequence[Point] = ()


def verdicts(review: Review) -> list[Verdict]:
    """Return what there is to say of a review, sorted by how much it matters."""
    found = [
        *_faults(review),
        *_findings(review),
        *_proofs(review),
        *_refused(review),
        *_locks(review),
        *_plans(review),
        *_drift(review),
        *_changes(review),
        *_missing(review),
    ]
    return sorted(found, key=lambda each: _LEVELS.index(each.level))


def failed(review: Review) -> bool:
    """Tell whether one of the verdicts is an error."""
    return any(each.level is Level.ERROR for each in verdicts(review))


def is_linted(review: Review, migration: Migration) -> bool:
    """Tell whether lint has looked at it: since a revision, at the release alone."""
    of_release = review.since is None or migration.id in review.release.ids
    return review.findings is not None and of_release


def findings_at(review: Review, file: str) -> list[Finding]:
    """Return the findings of a file, in the order of its lines."""
    found = [
        each
        for each in review.findings or ()
        if review.paths.shown(each.location.file) == file
    ]
    return sorted(found, key=lambda each: each.location.line)


def query_findings(review: Review, query: QuerySheet) -> list[Finding]:
    """Return the findings of a query, in the order of its lines."""
    lines = range(query.query.location.line, query.last_line + 1)
    file = review.paths.shown(query.query.location.file)
    return [each for each in findings_at(review, file) if each.location.line in lines]


def finding_address(review: Review, finding: Finding) -> str | None:
    """Return the place in the report where a finding's line is shown."""
    file, line = review.paths.shown(finding.location.file), finding.location.line
    for migration in review.migrations:
        page = addresses.migration_page(migration.id)
        if file == review.paths.shown(migration.up.path):
            return addresses.line_of(page, line)
        if migration.down and file == review.paths.shown(migration.down.path):
            return addresses.line_of(page, line, file="down")
    for query in review.queries:
        if finding in query_findings(review, query):
            return addresses.query_place(query.name)
    return None


def dangerous_locks(trace: MigrationTrace) -> list[HeldLock]:
    """Return the locks that clients wait for, the strongest of each object.

    An index that is not locked more strongly than a table is left out.
    """
    strongest: dict[str, HeldLock] = {}
    for statement in trace.statements:
        for lock in statement.locks:
            before = strongest.get(lock.object)
            if lock.mode.dangerous and (
                before is None or lock.mode.rank > before.mode.rank
            ):
                strongest[lock.object] = lock
    locks = list(strongest.values())
    of_tables = [each.mode.rank for each in locks if each.kind != "index"]
    least = max(of_tables, default=-1)
    return [each for each in locks if each.kind != "index" or each.mode.rank > least]


def _faults(review: Review) -> Iterator[Verdict]:
    """Say each fault once: it may keep several parts from being gathered."""
    kept: dict[tuple[str | None, str], list[str]] = {}
    for each in review.missing:
        if each.fault:
            kept.setdefault((each.place, each.reason), []).append(each.part.value)
    for (place, reason), parts in kept.items():
        text = f"{reason}, at {place}" if place else reason
        yield Verdict(
            Level.ERROR, text, [Point(f"missing because of it: {', '.join(parts)}")]
        )


def _missing(review: Review) -> Iterator[Verdict]:
    """Say it once where several parts lack the same thing."""
    reasons: dict[tuple[str, str | None], list[str]] = {}
    for each in review.missing:
        if not each.fault:
            reasons.setdefault((each.reason, each.hint), []).append(each.part.value)
    for (reason, hint), parts in reasons.items():
        points = [Point(hint)] if hint else []
        yield Verdict(
            Level.MISSING, f"Not gathered: {', '.join(parts)}. {reason}", points
        )


def _findings(review: Review) -> Iterator[Verdict]:
    if review.findings is None:
        return
    of_release = {
        review.paths.shown(file.path)
        for each in review.release.migrations
        for file in (each.up, each.down)
        if file is not None
    }
    earlier = {
        review.paths.shown(file.path)
        for each in review.migrations
        for file in (each.up, each.down)
        if file is not None
    } - of_release
    chosen = [
        each
        for each in review.findings
        if review.paths.shown(each.location.file) not in earlier
    ]
    for severity in Severity:
        those = [each for each in chosen if each.severity is severity]
        if those:
            points = _by_rule if severity is Severity.NOTICE else _one_by_one
            yield Verdict(
                Level(severity.value),
                f"lint found {counted(len(those), severity.value)}",
                points(review, those),
            )
    if not chosen:
        yield Verdict(Level.GOOD, "lint found nothing")
    older = len(review.findings) - len(chosen)
    if older:
        yield Verdict(
            Level.NOTICE,
            f"{counted(older, 'finding')} in migrations of earlier releases",
            [Point("on their pages", addresses.MIGRATIONS)],
        )


def _one_by_one(review: Review, findings: Iterable[Finding]) -> list[Point]:
    return [
        Point(
            f"{each.rule.name}: {each.location.file.name}:{each.location.line}",
            finding_address(review, each),
        )
        for each in findings
    ]


def _by_rule(review: Review, findings: Iterable[Finding]) -> list[Point]:
    """Say how often each rule is broken; the place is that of the first time."""
    groups: dict[str, list[Finding]] = {}
    for each in findings:
        groups.setdefault(each.rule.name, []).append(each)
    return [
        Point(
            f"{name}, {counted(len(those), 'time')}", finding_address(review, those[0])
        )
        for name, those in groups.items()
    ]


def _proofs(review: Review) -> Iterator[Verdict]:
    if review.proofs is None:
        return
    proofs = [p for p in review.proofs.values() if p.id in review.release.ids]
    groups = [
        (Level.ERROR, "not restored by the rollback", [p for p in proofs if p.failed]),
        (
            Level.WARNING,
            "irreversible, as declared",
            [p for p in proofs if p.reversible is None],
        ),
        (
            Level.GOOD,
            "proven: the rollback restores everything",
            [p for p in proofs if p.reversible],
        ),
    ]
    for level, text, those in groups:
        if those:
            yield Verdict(
                level,
                f"{counted(len(those), 'migration')} {text}",
                [] if level is Level.GOOD else _links(those),
            )


def _links(proofs: Iterable[Proof]) -> list[Point]:
    return [
        Point(each.id, f"{addresses.migration_page(each.id)}#proof") for each in proofs
    ]


def _refused(review: Review) -> Iterator[Verdict]:
    described = [each for each in review.queries if each.described is not None]
    refused = [each for each in described if each.described and each.described.error]
    if refused:
        yield Verdict(
            Level.ERROR,
            f"PostgreSQL refuses {counted(len(refused), 'query')}",
            [Point(each.name, addresses.query_place(each.name)) for each in refused],
        )
    elif described:
        number = counted(len(described), "query")
        yield Verdict(Level.GOOD, f"{number} proven against the schema")


def _locks(review: Review) -> Iterator[Verdict]:
    if review.traces is None:
        return
    traces = [t for t in review.traces.values() if t.id in review.release.ids]
    locked = [
        Point(f"{trace.id}: {told_locks(locks)}", _locks_of(trace))
        for trace in traces
        if (locks := dangerous_locks(trace))
    ]
    rewritten = [
        Point(f"{unquoted(table)} in {trace.id}", _locks_of(trace))
        for trace in traces
        for statement in trace.statements
        for table in statement.rewritten
    ]
    stopped = [
        Point(trace.id, _locks_of(trace)) for trace in traces if trace.error is not None
    ]
    if stopped:
        yield Verdict(Level.ERROR, "a migration stops half-way when traced", stopped)
    if rewritten:
        yield Verdict(
            Level.WARNING, f"{counted(len(rewritten), 'table')} rewritten", rewritten
        )
    if locked:
        yield Verdict(
            Level.WARNING,
            f"{counted(len(locked), 'migration')} with locks that clients wait for",
            locked,
        )
    elif traces and not stopped:
        yield Verdict(Level.GOOD, "no lock on a live table that clients wait for")


def told_locks(locks: Sequence[HeldLock]) -> str:
    """Say what is locked, by mode, and for how long at most."""
    longest = max(each.seconds for each in locks)
    return f"{by_mode(locks)}, up to {duration(longest)}"


def by_mode(locks: Sequence[HeldLock]) -> str:
    """Say what is locked, the strongest mode first; of many objects, how many."""
    strongest_first = sorted(locks, key=lambda lock: -lock.mode.rank)
    parts = []
    for mode in dict.fromkeys(each.mode for each in strongest_first):
        objects = [unquoted(each.object) for each in locks if each.mode is mode]
        several = counted(len(objects), "object") if len(objects) > _FEW else None
        parts.append(f"{mode} on {several or ', '.join(objects)}")
    return "; ".join(parts)


def _locks_of(trace: MigrationTrace) -> str:
    return f"{addresses.migration_page(trace.id)}#locks"


def _plans(review: Review) -> Iterator[Verdict]:
    if review.plan_changes:
        yield Verdict(
            Level.WARNING,
            f"{counted(len(review.plan_changes), 'plan')} not as in the baseline",
            [
                Point(each.name, addresses.query_place(each.name))
                for each in review.plan_changes
            ],
        )
    if review.plans is None:
        return
    flagged = [each for each in review.plans.values() if each.flags]
    if flagged:
        yield Verdict(
            Level.NOTICE,
            f"{counted(len(flagged), 'plan')} with something to look at",
            [
                Point(f"{each.name}: {flag.concern}", addresses.query_place(each.name))
                for each in flagged
                for flag in each.flags
            ],
        )
    elif review.plans:
        yield Verdict(Level.GOOD, "no plan that asks for a look")


def _drift(review: Review) -> Iterator[Verdict]:
    if review.drift is None:
        return
    if review.drift:
        number = counted(len(review.drift), "difference")
        yield Verdict(
            Level.WARNING,
            f"{number} between the database and its migrations",
            [Point("what differs", addresses.DRIFT)],
        )
    else:
        yield Verdict(Level.GOOD, "the database is what its migrations make")


def _changes(review: Review) -> Iterator[Verdict]:
    if review.changes is None:
        return
    schema = counted(len(review.changes.schema), "difference")
    queries = counted(len(review.changes.queries), "query")
    yield Verdict(
        Level.NOTICE,
        f"since {review.changes.since}: {schema} in the schema, {queries} changed",
        [Point("what changed", addresses.CHANGES)],
    )
