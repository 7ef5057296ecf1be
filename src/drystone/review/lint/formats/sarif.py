"""Findings as SARIF 2.1.0, which code scanning services and editors read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.formats.places import fingerprints, relative

# Ours, so that no service takes it for a mark that it makes by itself.
_MARK = "drystoneLine/v1"
_LEVELS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTICE: "note",
}


def write(findings: Sequence[Finding], *, files: Sequence[Path], root: Path) -> str:
    """Return a log of one run; its rules are those that were broken, by name."""
    rules = sorted({finding.rule.name: finding.rule for finding in findings}.items())
    places = {name: index for index, (name, _) in enumerate(rules)}
    marks = fingerprints(findings, root)
    run = {
        "tool": {
            "driver": {
                "name": "Drystone",
                "semanticVersion": version("drystone"),
                "rules": [_rule(rule) for _, rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": uri}} for uri in _uris(files, root)],
        "results": [
            {
                "ruleId": finding.rule.name,
                "ruleIndex": places[finding.rule.name],
                "level": _LEVELS[finding.severity],
                "message": {"text": finding.message},
                "locations": [_location(finding, root)],
                "partialFingerprints": {_MARK: mark},
            }
            for finding, mark in zip(findings, marks, strict=True)
        ],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.help},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": list(rule.aliases)},
    }


def _location(finding: Finding, root: Path) -> dict[str, Any]:
    region = {"startLine": finding.location.line}
    if finding.location.column is not None:
        region["startColumn"] = finding.location.column
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(finding.location.file, root)},
            "region": region,
        }
    }


def _uris(files: Iterable[Path], root: Path) -> list[str]:
    return list(dict.fromkeys(_uri(file, root) for file in files))


def _uri(path: Path, root: Path) -> str:
    shown = relative(path, root)
    return ("file://" if shown.startswith("/") else "") + quote(shown)
