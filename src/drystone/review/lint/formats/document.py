"""Findings as JSON, for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from drystone.review.lint.findings import Finding
from drystone.review.lint.formats.places import relative


def write(
    findings: Sequence[Finding],
    *,
    files: Sequence[Path],  # noqa: ARG001, every format is called alike
    root: Path,
) -> str:
    """Return ``{"findings": […]}``."""
    listed = [
        {
            "rule": finding.rule.name,
            "aliases": list(finding.rule.aliases),
            "file": relative(finding.location.file, root),
            "line": finding.location.line,
            "severity": finding.severity.value,
            "message": finding.message,
            "help": finding.rule.help,
        }
        for finding in findings
    ]
    return json.dumps({"findings": listed}, indent=2) + "\n"
