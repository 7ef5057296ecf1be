"""Findings as text: by file, each with its line, and what helps once for each rule."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from rich.text import Text

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.formats.places import relative, source_lines

_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "yellow",
    Severity.NOTICE: "cyan",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NARROWEST = 40
_MARGIN = "  "


def write(findings: Sequence[Finding], *, files: Sequence[Path], root: Path) -> str:
    """Return the report without colour, a message to a line."""
    return report(findings, files=files, root=root).plain + "\n"


def report(
    findings: Sequence[Finding],
    *,
    files: Sequence[Path],
    root: Path,
    width: int | None = None,
) -> Text:
    """Return the report in colour, wrapped at a terminal's width if that is given."""
    room = max(width, _NARROWEST) if width else None
    text = Text()
    lines = dict(zip(map(id, findings), source_lines(findings), strict=True))
    for name, found in grouped(findings, files, root).items():
        if not found:
            continue
        text.append(_shown(name), "bold").append("\n")
        digits = len(str(max(each.location.line for each in found)))
        for finding in found:
            text.append_text(_finding(finding, lines[id(finding)], digits, room))
        text.append("\n")
    if findings:
        text.append("What helps\n", "bold")
        for rule in _rules(findings):
            text.append_text(_help(rule, room))
        text.append("\n")
    return text.append_text(_closing(findings, files, root))


def grouped(
    findings: Sequence[Finding], files: Sequence[Path], root: Path
) -> Mapping[str, list[Finding]]:
    """Return the findings of each file that was checked, by its line."""
    groups: dict[str, list[Finding]] = {relative(file, root): [] for file in files}
    for finding in findings:
        groups.setdefault(relative(finding.location.file, root), []).append(finding)
    return {
        name: sorted(found, key=lambda finding: finding.location.line)
        for name, found in groups.items()
    }


def counted(counts: Mapping[Severity, int]) -> str:
    """Return how many there are of each severity: ``3 errors, 1 notice``."""
    return ", ".join(
        _number(counts[severity], severity)
        for severity in Severity
        if counts.get(severity)
    )


def _finding(finding: Finding, line: str, digits: int, room: int | None) -> Text:
    number = f"{_MARGIN}{finding.location.line:>{digits}}: "
    rule, severity = finding.rule.name, str(finding.severity)
    message = f"{severity} {rule}: {_shown(finding.message)}"
    indent = " " * len(number)
    text = Text().append(number, "dim")
    body = Text(_wrapped(message, indent, room))
    body.stylize(_STYLES[finding.severity], 0, len(severity))
    text.append_text(body).append("\n")
    if line:
        text.append(indent + _MARGIN)
        text.append(_cut(_shown(line), room, len(indent + _MARGIN)), "dim")
        text.append("\n")
    return text


def _help(rule: Rule, room: int | None) -> Text:
    text = Text(_MARGIN)
    text.append(rule.name)
    if rule.aliases:
        indent = _MARGIN * 3
        text.append(_wrapped(f" ({', '.join(rule.aliases)})", indent, room), "dim")
    indent = _MARGIN * 2
    text.append("\n" + indent + _wrapped(_shown(rule.help), indent, room) + "\n")
    return text


def _closing(findings: Sequence[Finding], files: Sequence[Path], root: Path) -> Text:
    among = _number(len(grouped(findings, files, root)), "file")
    if findings:
        counts = Counter(finding.severity for finding in findings)
        worst = next(severity for severity in Severity if severity in counts)
        return Text(f"{counted(counts)} in {among}", _STYLES[worst])
    if files:
        return Text(f"Nothing to object to in {among}.", "green")
    return Text("There is nothing to check here.")


def _rules(findings: Sequence[Finding]) -> Iterator[Rule]:
    seen = {finding.rule.name: finding.rule for finding in findings}
    return (seen[name] for name in sorted(seen))


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _shown(text: str) -> str:
    """Return text on one line, without what a terminal would obey."""
    return _CONTROL.sub(
        lambda match: " " if match[0] in "\t\n\r" else ascii(match[0])[1:-1], text
    )


def _wrapped(text: str, indent: str, room: int | None) -> str:
    if room is None:
        return text
    lines = wrap(text, room - len(indent), break_on_hyphens=False)
    return ("\n" + indent).join(lines)


def _cut(text: str, room: int | None, used: int) -> str:
    if room is None or len(text) <= room - used:
        return text
    return text[: room - used - 1] + "…"
