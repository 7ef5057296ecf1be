"""Where findings are: paths for others to open, lines to read, marks that stay."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from drystone.review.lint.findings import Finding


def relative(path: Path, root: Path) -> str:
    """Return a path relative to the root, with slashes; absolute if it is elsewhere."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100, links are not followed
    base = Path(os.path.abspath(root))  # noqa: PTH100
    shown = absolute.relative_to(base) if absolute.is_relative_to(base) else absolute
    return os.fsencode(shown.as_posix()).decode(errors="replace")


def source_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Return the line that each finding points at; empty for what cannot be read."""

    @cache
    def lines(path: Path) -> list[str]:
        try:
            return path.read_text(encoding="utf-8-sig", errors="replace").split("\n")
        except OSError:
            return []

    for finding in findings:
        found = lines(finding.location.file)
        number = finding.location.line
        yield found[number - 1].strip() if 0 < number <= len(found) else ""


def fingerprints(findings: Sequence[Finding], root: Path) -> list[str]:
    """Return what tells each finding from all others, also in the next release.

    It is made of the rule, the file and the text of the line, so that it stays when the
    line moves; alike ones are counted. The message serves where there is no line.
    """
    seen: Counter[str] = Counter()
    marks = []
    for finding, line in zip(findings, source_lines(findings), strict=True):
        place = relative(finding.location.file, root)
        parts = (finding.rule.name, place, line or finding.message)
        key = "\0".join(parts)
        seen[key] += 1
        mark = f"{key}\0{seen[key]}".encode(errors="replace")
        marks.append(sha256(mark).hexdigest())
    return marks
