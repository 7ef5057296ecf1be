"""Findings as GitHub's workflow commands, which mark the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drystone.review.lint.findings import Finding
from drystone.review.lint.formats.places import relative

_IN_TEXT = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = _IN_TEXT | str.maketrans({":": "%3A", ",": "%2C"})


def write(
    findings: Sequence[Finding],
    *,
    files: Sequence[Path],  # noqa: ARG001, every format is called alike
    root: Path,
) -> str:
    """Return one command a finding: ``::error file=…,line=…,title=…::message``."""
    return "".join(_command(finding, root) for finding in findings)


def _command(finding: Finding, root: Path) -> str:
    properties = {
        "file": relative(finding.location.file, root),
        "line": str(finding.location.line),
        "title": finding.rule.name,
    }
    listed = ",".join(
        f"{name}={value.translate(_IN_PROPERTY)}" for name, value in properties.items()
    )
    text = f"{finding.message}\n{finding.rule.help}".translate(_IN_TEXT)
    return f"::{finding.severity} {listed}::{text}\n"
