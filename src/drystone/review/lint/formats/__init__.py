"""Findings in the formats that terminals and CI systems read.

``FORMATS[name](findings, files=checked, root=folder)`` returns the whole document as a
string, with a line break at its end where it is not empty; ``files`` are all that were
checked, those without a finding too, and paths are written relative to ``root`` where
they lie below it.

A terminal shows more than a file can: there, print ``report(findings, files=…, root=…,
width=columns)`` by ``cli.output.text``; it is the text of ``FORMATS["text"]`` as a
``rich.text.Text``, in colour and wrapped at that width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drystone.review.lint.formats import (
    document,
    github,
    gitlab,
    junit,
    plain,
    sarif,
)
from drystone.review.lint.formats.plain import report

__all__ = ["FORMATS", "report"]

FORMATS: Mapping[str, Callable[..., str]] = {
    "text": plain.write,
    "json": document.write,
    "sarif": sarif.write,
    "github": github.write,
    "gitlab": gitlab.write,
    "junit": junit.write,
}
