"""The review as one file of Markdown, for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from drystone.catalog import Difference
from drystone.errors import DrystoneError
from drystone.migrations.files import Migration, SqlFile
from drystone.review.lint.findings import Finding
from drystone.review.report.names import unquoted
from drystone.review.report.queries import QuerySheet, Typed
from drystone.review.report.review import Missing, Part, Review
from drystone.review.report.tables import TableSheet
from drystone.review.report.verdicts import (
    Verdict,
    dangerous_locks,
    findings_at,
    is_linted,
    query_findings,
    told_locks,
    verdicts,
)
from drystone.review.report.words import (
    counted,
    duration,
    essential,
    paragraphs,
    rows,
    size,
    waiting,
)
from drystone.review.trace.traces import MigrationTrace

# GitHub refuses a comment of more than 65,536 characters.
LIMIT = 60_000

_SIGNS = {"error": "❌", "warning": "⚠️", "notice": "🔹", "missing": "❔", "good": "✅"}
_MARKED = re.compile(r"([\\`*_{}\[\]<>#|~@!])")

Rows = Iterable[Sequence[str]]


def markdown(review: Review) -> str:
    """Return the review as Markdown, of at most :data:`LIMIT` characters.

    The verdicts, the migrations' findings, locks and proofs, drift and changes are
    always there; SQL, and after it the tables and queries, only as far as they fit.
    """
    main = "\n".join(_main(review))
    left_out = []
    for what, lines in (
        ("tables and queries", _systems(review)),
        ("the migrations' SQL", _sql(review)),
    ):
        more = "\n".join(lines)
        if len(main) + len(more) < LIMIT:
            main += "\n" + more
        else:
            left_out.append(what)
    if left_out:
        main += (
            f"\n_Left out for its length: {' and '.join(left_out)}; see the pages._\n"
        )
    return _cut(main)


def _main(review: Review) -> Iterator[str]:
    number = counted(len(review.release.migrations), "migration")
    yield "# The release\n"
    yield f"{number}, {_text(review.release.why)}.\n"
    for verdict in verdicts(review):
        yield from _verdict(verdict)
    yield ""
    if review.release.migrations:
        yield "## Migrations\n"
        yield from _table(
            ("Migration", "Findings", "Locks that wait", "Rollback"),
            (_row(review, each) for each in review.release.migrations),
        )
    for each in review.release.migrations:
        yield from _migration(review, each)
    yield from _drift(review)
    yield from _changes(review)


def _verdict(each: Verdict) -> Iterator[str]:
    text = each.text[:1].upper() + each.text[1:]
    yield f"- {_SIGNS[each.level]} **{each.level}** {_text(text)}"
    for point in each.points:
        yield f"  - {_text(point.text)}"


def _row(review: Review, migration: Migration) -> Sequence[str]:
    trace = (review.traces or {}).get(migration.id)
    locks = [] if trace is None else dangerous_locks(trace)
    return (
        _code(migration.id),
        "not linted"
        if not is_linted(review, migration)
        else _counts(_findings(review, migration)),
        "not traced"
        if trace is None
        else _text(told_locks(locks) if locks else "none"),
        _restored(review, migration),
    )


def _counts(findings: Sequence[Finding]) -> str:
    counts = [
        counted(number, severity)
        for severity in ("error", "warning", "notice")
        if (number := sum(each.severity == severity for each in findings))
    ]
    return ", ".join(counts) or "none"


def _restored(review: Review, migration: Migration) -> str:
    proof = (review.proofs or {}).get(migration.id)
    if proof is None:
        return "not proven"
    if proof.reversible is None:
        return "irreversible, as declared"
    return "**not restored**" if proof.failed else "restored"


def _migration(review: Review, migration: Migration) -> Iterator[str]:
    lines = [_finding(review, each) for each in _findings(review, migration)]
    trace = (review.traces or {}).get(migration.id)
    if trace is not None:
        lines += ["", *_locks(trace)]
        lines += _error(review, "It stops half-way when traced", trace.error)
    proof = (review.proofs or {}).get(migration.id)
    if proof is not None:
        lines += _error(review, "The proof stops", proof.error)
        if proof.differences:
            lines += [
                "",
                *_differences(proof.differences, "Before", "After up and down"),
            ]
    yield ""
    yield f"### {_code(migration.id)}\n"
    yield from (
        f"{_text(' '.join(each.split()))}\n" for each in paragraphs(migration.up.text)
    )
    if any(lines):
        yield from _folded("Findings, locks, way back", lines)


def _finding(review: Review, finding: Finding) -> str:
    place = f"{review.paths.shown(finding.location.file)}:{finding.location.line}"
    rule, message = _code(finding.rule.name), _text(finding.message)
    return f"- **{finding.severity}** {rule} at {_code(place)}: {message}"


def _locks(trace: MigrationTrace) -> Iterator[str]:
    taken = [
        (
            _code(_short(statement.text)),
            lock.mode.value,
            _code(unquoted(lock.object)),
            duration(lock.seconds),
            waiting(lock.mode),
        )
        for statement in trace.statements
        for lock in statement.locks
    ]
    if taken:
        yield from _table(("Statement", "Lock", "On", "Held for", "Who waits"), taken)


def _drift(review: Review) -> Iterator[str]:
    yield "\n## Drift\n"
    if review.drift is None:
        yield from _absent(review.missing_of(Part.DRIFT, Part.HISTORY, Part.DATABASE))
    elif review.drift:
        yield from _differences(review.drift, "The migrations make", "The database has")
    else:
        yield "The database is what its migrations make."


def _changes(review: Review) -> Iterator[str]:
    if review.since is None:
        return
    yield f"\n## Since {_text(review.since)}\n"
    if review.changes is None:
        yield from _absent(review.missing_of(Part.CHANGES, Part.SCHEMA, Part.DATABASE))
        return
    yield from _differences(review.changes.schema, "Then", "Now")
    yield ""
    for each in review.changes.queries:
        types = "; ".join(
            f"{change.kind} {change.name}: {change.before or 'absent'} becomes "
            f"{change.after or 'absent'}"
            for change in each.types
        )
        yield f"- {_code(each.name)} {each.fate}{': ' + _text(types) if types else ''}"


def _systems(review: Review) -> Iterator[str]:
    for system in review.systems:
        yield f"\n## {_text(system)}\n"
        tables = review.tables_of(system)
        if tables:
            yield from _folded(counted(len(tables), "table"), _tables(tables))
        queries = [each for area in review.areas_of(system) for each in area.queries]
        if queries:
            yield from _folded(
                counted(len(queries), "query"), _queries(review, queries)
            )


def _tables(tables: Iterable[TableSheet]) -> Iterator[str]:
    yield from _table(
        ("Table", "Columns", "Indexes", "Rows", "Size"),
        (
            (
                _code(each.shown_name),
                ", ".join(_code(column.name) for column in each.columns),
                ", ".join(_code(index.name) for index in each.indexes),
                rows(each.size.rows if each.size else None),
                size(each.size.total if each.size else None),
            )
            for each in tables
        ),
    )


def _queries(review: Review, queries: Iterable[QuerySheet]) -> Iterator[str]:
    plans = review.plans or {}
    for each in queries:
        described, plan = each.described, plans.get(each.name)
        taken = _typed(described.parameters if described else ())
        given = _typed(described.columns if described else ())
        returned = f" → {_code(given)}" if given else ""
        yield f"- {_code(f'{each.name}({taken})')}{returned}"
        if described and described.error:
            message = review.paths.cleaned(described.error.message)
            yield f"  - **refused** {_text(message)}"
        for finding in query_findings(review, each):
            yield f"  {_finding(review, finding)}"
        for flag in plan.flags if plan else ():
            yield f"  - {_text(flag.concern)}: {_text(flag.message)}"


def _typed(several: Iterable[Typed]) -> str:
    return ", ".join(
        f"{each.name} {each.type}{'?' if each.nullable else ''}" for each in several
    )


def _sql(review: Review) -> Iterator[str]:
    if review.release.migrations:
        yield "\n## SQL\n"
    for each in review.release.migrations:
        files = [("Up", each.up), *([("Down", each.down)] if each.down else [])]
        yield from _folded(each.id, [line for file in files for line in _file(*file)])


def _file(title: str, file: SqlFile) -> Iterator[str]:
    longest = max((len(each) for each in re.findall(r"`+", file.text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{title}\n\n{fence}sql\n{file.text.rstrip()}\n{fence}\n"


def _findings(review: Review, migration: Migration) -> list[Finding]:
    files = [each for each in (migration.up, migration.down) if each is not None]
    return [
        finding
        for file in files
        for finding in findings_at(review, review.paths.shown(file.path))
    ]


def _differences(found: Iterable[Difference], before: str, after: str) -> Iterator[str]:
    yield from _table(
        ("Kind", "Object", before, after),
        (
            (
                _text(each.kind),
                _code(unquoted(each.object)),
                "absent" if each.before is None else _code(essential(each.before)),
                "absent" if each.after is None else _code(essential(each.after)),
            )
            for each in found
        ),
    )


def _absent(missing: Sequence[Missing]) -> Iterator[str]:
    for each in missing:
        yield f"Not gathered: {_text(each.reason)} {_text(each.hint or '')}"


def _error(review: Review, what: str, error: DrystoneError | None) -> list[str]:
    return (
        []
        if error is None
        else [f"- {what}: {_text(review.paths.cleaned(error.message))}"]
    )


def _table(headers: Sequence[str], several: Rows) -> Iterator[str]:
    written = list(several)
    if written:
        yield f"| {' | '.join(headers)} |"
        yield f"|{'---|' * len(headers)}"
        yield from (f"| {' | '.join(row)} |" for row in written)


def _folded(summary: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{_text(summary)}</summary>\n"
    yield from lines
    yield "\n</details>\n"


def _text(text: str) -> str:
    """Return text that means nothing to Markdown, on one line."""
    return (
        _MARKED.sub(r"\\\1", " ".join(text.split()))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )


def _code(text: str) -> str:
    """Return text as code on one line, also inside a table."""
    line = " ".join(text.split()).replace("|", "\\|")
    longest = max((len(each) for each in re.findall(r"`+", line)), default=0)
    if not longest:
        return f"`{line}`"
    ticks = "`" * (longest + 1)
    return f"{ticks} {line} {ticks}"


def _short(text: str) -> str:
    said = " ".join(
        line for line in text.split("\n") if not line.lstrip().startswith("--")
    )
    line = " ".join(said.split())
    return line if len(line) <= 60 else f"{line[:60].rstrip()} …"


def _cut(text: str) -> str:
    """Cut what is too long at the end of a line, and close what is open."""
    if len(text) <= LIMIT:
        return text + "\n"
    kept = text[:LIMIT].rpartition("\n")[0]
    open_still = kept.count("<details>") - kept.count("</details>")
    closing = "\n</details>\n" * open_still
    return f"{kept}\n{closing}\n_Cut here for its length; the pages have the rest._\n"
