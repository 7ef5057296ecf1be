"""Findings as JUnit's XML: a test case for each file, so that CI shows what passed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from drystone.review.lint.findings import Finding, Severity
from drystone.review.lint.formats.plain import counted, grouped

_NAME = "drystone lint"
# What XML 1.0 cannot hold, and the carriage return, which readers turn into another.
_UNFIT = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(findings: Sequence[Finding], *, files: Sequence[Path], root: Path) -> str:
    """Return the document; a file with nothing but notices passes."""
    cases = [
        _case(name, found) for name, found in grouped(findings, files, root).items()
    ]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
    }
    suites = ET.Element("testsuites", {"name": _NAME, **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": _NAME, **counts})
    suite.extend(cases)
    ET.indent(suites)
    text = ET.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(name: str, findings: Sequence[Finding]) -> ET.Element:
    case = ET.Element("testcase", {"classname": _NAME, "name": _fit(name)})
    bad = [each for each in findings if each.severity is not Severity.NOTICE]
    notices = [each for each in findings if each.severity is Severity.NOTICE]
    if bad:
        # Readers show the first failure of a test alone, so it tells all of them.
        title = bad[0].message
        if len(bad) > 1:
            title = counted(Counter(each.severity for each in bad))
        kinds = ", ".join(dict.fromkeys(each.rule.name for each in bad))
        failure = ET.SubElement(
            case, "failure", {"type": _fit(kinds), "message": _fit(title)}
        )
        failure.text = _fit("\n\n".join(_told(each) for each in bad))
    if notices:
        output = ET.SubElement(case, "system-out")
        output.text = _fit("\n\n".join(_told(each) for each in notices))
    return case


def _told(finding: Finding) -> str:
    rule = finding.rule
    return (
        f"line {finding.location.line}: {finding.severity} {rule.name}: "
        f"{finding.message}\n{rule.help}"
    )


def _fit(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)
