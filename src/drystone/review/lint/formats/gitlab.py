"""Findings as GitLab's Code Quality report, shown in a merge request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from drystone.review.lint.findings import Finding, Severity
from drystone.review.lint.formats.places import fingerprints, relative

_SEVERITIES = {
    Severity.ERROR: "critical",
    Severity.WARNING: "major",
    Severity.NOTICE: "info",
}


def write(
    findings: Sequence[Finding],
    *,
    files: Sequence[Path],  # noqa: ARG001, every format is called alike
    root: Path,
) -> str:
    """Return the array of the report."""
    marks = fingerprints(findings, root)
    listed = [
        {
            "description": finding.message,
            "check_name": finding.rule.name,
            "fingerprint": mark,
            "severity": _SEVERITIES[finding.severity],
            "location": {
                "path": relative(finding.location.file, root),
                "lines": {"begin": finding.location.line},
            },
        }
        for finding, mark in zip(findings, marks, strict=True)
    ]
    return json.dumps(listed, indent=2) + "\n"
