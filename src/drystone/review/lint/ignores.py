"""Comments that silence a finding: Drystone's own, squawk's and eugene's.

``-- drystone: ignore RULE, RULE: why``   the statement below, or the one it stands in
``-- drystone: ignore-file RULE: why``    the whole file
``-- squawk-ignore RULE``, ``-- squawk-ignore-file``, ``-- eugene: ignore E1``

Any name of a rule works in each of them. squawk's and eugene's may name none, which
silences all. The comments are found by PostgreSQL's scanner, so that a string or a
dollar quote is never taken for one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import postgast

from drystone.errors import Location
from drystone.migrations.files import SqlFile
from drystone.review.lint.findings import Finding, Rule, Severity

pb = postgast.pg_query_pb2

_COMMENTS = {pb.SQL_COMMENT, pb.C_COMMENT}
_COMMENT = re.compile(
    r"(?:--|/\*)\s*"
    r"(?:(?P<tool>drystone|eugene)\s*:\s*|squawk-)ignore(?P<file>-file)?\b\s*:?\s*"
    r"(?P<names>{name}(?:\s*,\s*{name})*)?".replace(
        "{name}", r"(?:(?:squawk|eugene):)?[A-Za-z][\w-]*"
    )
)
_HEADER = re.compile(r"--\s*name\s*:")
_LAST_LINE = 1_000_000_000
_NAMELESS = "the comment names no rule to silence"

UNUSED = Rule(
    "unused-ignore",
    Severity.NOTICE,
    "A comment silences a rule that nothing breaks.",
    "Delete the comment, or the rule's name in it.",
    ("squawk:unused-ignore",),
)
UNKNOWN = Rule(
    "unknown-ignore",
    Severity.WARNING,
    "A comment silences a rule that does not exist.",
    "Correct the name: docs/lint.md lists every rule with its aliases.",
)
RULES = (UNUSED, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment, and the lines for which it holds; no names stand for every rule."""

    location: Location
    names: tuple[str, ...]
    first: int
    last: int

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding lies where the comment holds."""
        place = finding.location
        return (
            place.file == self.location.file and self.first <= place.line <= self.last
        )


class Names:
    """The rules by all that they are called, with a tool's prefix and without.

    ``known`` are further names that lint has no rule for, and that are no mistake.
    """

    def __init__(self, rules: Iterable[Rule], *, known: Iterable[str] = ()) -> None:
        self._rules: dict[str, set[str]] = {name.lower(): set() for name in known}
        for rule in rules:
            for name in (rule.name, *rule.aliases):
                for each in {name, name.partition(":")[2] or name}:
                    self._rules.setdefault(each.lower(), set()).add(rule.name)

    def get(self, name: str) -> set[str] | None:
        """Return the rules that a name stands for; None if nobody knows it."""
        given = name.lower()
        found = self._rules.get(given)
        return self._rules.get(given.partition(":")[2]) if found is None else found


def silenced(
    findings: Sequence[Finding], files: Iterable[SqlFile], names: Names
) -> list[Finding]:
    """Return what the comments of the files leave of the findings.

    Those that silence nothing, or name what is no rule, are findings themselves.
    """
    ignores = [ignore for file in files for ignore in read_ignores(file)]
    return _Silence(ignores, names).apply(findings)


class _Silence:
    def __init__(self, ignores: Sequence[Ignore], names: Names) -> None:
        self.names = names
        self.by_file: dict[Any, list[Ignore]] = {}
        for ignore in ignores:
            self.by_file.setdefault(ignore.location.file, []).append(ignore)
        self.used: set[tuple[Ignore, str | None]] = set()

    def apply(self, findings: Sequence[Finding]) -> list[Finding]:
        left = [each for each in findings if not self._is_silenced(each)]
        return left + [each for each in self._own() if not self._is_silenced(each)]

    def _is_silenced(self, finding: Finding) -> bool:
        uses = {
            (ignore, name)
            for ignore in self.by_file.get(finding.location.file, ())
            if ignore.covers(finding)
            for name in ignore.names or (None,)
            if name is None or finding.rule.name in (self.names.get(name) or ())
        }
        self.used |= uses
        return bool(uses)

    def _own(self) -> Iterator[Finding]:
        for ignores in self.by_file.values():
            for ignore in ignores:
                for name in ignore.names or (None,):
                    rules = set() if name is None else self.names.get(name)
                    if rules is None:
                        problem = (
                            f"lint has no rule called {name}" if name else _NAMELESS
                        )
                        yield _finding(UNKNOWN, ignore, problem)
                    elif self._is_idle(ignore, name, rules):
                        problem = f"nothing here breaks {name or 'a rule'}"
                        yield _finding(UNUSED, ignore, problem)

    def _is_idle(self, ignore: Ignore, name: str | None, rules: set[str]) -> bool:
        ours = name is None or bool(rules)
        return ours and (ignore, name) not in self.used and not rules & _OWN


# A comment that silences these is used for what is only known at the end.
_OWN = {rule.name for rule in RULES}


def _finding(rule: Rule, ignore: Ignore, message: str) -> Finding:
    return Finding(rule, ignore.location, rule.severity, message)


def read_ignores(file: SqlFile) -> list[Ignore]:
    """Read the comments that silence; a file that cannot be scanned has none."""
    if "ignore" not in file.text:
        return []
    data = file.text.encode()
    try:
        tokens = postgast.scan(file.text).tokens
    except postgast.PgQueryError:
        return []
    line = _line_counter(data)
    code = [token for token in tokens if token.token not in _COMMENTS]
    comments = [
        (line(token.start), data[token.start : token.end].decode())
        for token in tokens
        if token.token in _COMMENTS
    ]
    headers = [number for number, text in comments if _HEADER.match(text)]
    spans = _queries(code, headers, line) or _statements(file.text, code, line)
    ignores = []
    for number, text in comments:
        match = _COMMENT.match(text)
        if match is not None:
            first, last = (0, _LAST_LINE) if match["file"] else _covered(spans, number)
            names = re.split(r"\s*,\s*", match["names"]) if match["names"] else []
            if not names and match["tool"] == "drystone":
                names = [""]
            place = Location(file.path, number)
            ignores.append(Ignore(place, tuple(names), first, last))
    return ignores


def _covered(spans: Sequence[tuple[int, int]], line: int) -> tuple[int, int]:
    """Return the lines of the statement that a comment stands in, or above."""
    for first, last in spans:
        if line <= last:
            return min(first, line), last
    return line, line


def _queries(
    code: Sequence[Any], headers: Sequence[int], line: Callable[[int], int]
) -> list[tuple[int, int]]:
    """Return the lines of each named query, from its header to its last token."""
    last: dict[int, int] = {}
    for token in code:
        above = bisect_left(headers, line(token.start))
        last[above] = line(token.end - 1)
    return [(headers[n - 1], end) for n, end in last.items() if n]


def _statements(
    text: str, code: Sequence[Any], line: Callable[[int], int]
) -> list[tuple[int, int]]:
    """Return the lines of each statement, from its first token to its last.

    A text that PostgreSQL cannot parse is cut at each semicolon.
    """
    try:
        cuts = [s.stmt_location + s.stmt_len for s in postgast.parse(text).stmts]
    except postgast.PgQueryError:
        cuts = [token.start for token in code if token.token == pb.ASCII_59]
    lines: dict[int, tuple[int, int]] = {}
    for token in code:
        if token.token != pb.ASCII_59:
            number = bisect_left(cuts, token.end)
            first, _ = lines.get(number, (line(token.start), 0))
            lines[number] = first, line(token.end - 1)
    return list(lines.values())


def _line_counter(data: bytes) -> Callable[[int], int]:
    breaks = [index for index, byte in enumerate(data) if byte == ord("\n")]
    return lambda position: bisect_left(breaks, position) + 1
