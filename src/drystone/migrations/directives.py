"""What the comments at the head of a migration tell the runner.

A directive is a line ``-- name: value`` before the first statement. A name that does
not exist is refused rather than ignored: a mistyped ``-- transactional: false`` would
otherwise change what happens without a word.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from drystone.errors import Location, MigrationError

NAMES = ("batch", "depends", "irreversible", "transactional")

# What people write about a file in the same form; it tells the runner nothing.
_REMARKS = {
    "author",
    "copyright",
    "date",
    "description",
    "example",
    "file",
    "issue",
    "license",
    "note",
    "purpose",
    "reason",
    "reviewer",
    "see",
    "source",
    "ticket",
    "title",
    "warning",
}
_LINE = re.compile(r"--\s*(?P<name>[a-z][a-z_-]*)\s*:(?!:)\s*(?P<value>.*)")
_LINTERS = re.compile(
    r"(drystone|squawk|eugene|sqlfluff|pgfence)\b.*|.*-ignore(-file)?"
)


def read_directives(text: str, *, path: Path) -> dict[str, str]:
    """Return the directives of a file; one that occurs twice has both values.

    Raises MigrationError for a name that does not exist.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("--"):
            break
        match = _LINE.fullmatch(stripped)
        if match is None:
            continue
        name = match["name"]
        if name in NAMES:
            found[name] = f"{found.get(name, '')} {match['value']}".strip()
        elif name not in _REMARKS and not _LINTERS.fullmatch(name):
            close = get_close_matches(name, NAMES, n=1)
            raise MigrationError(
                f"there is no directive called {name}",
                location=Location(path, number),
                hint=f"Did you mean {close[0]}?"
                if close
                else f"There are: {', '.join(NAMES)}. A remark begins with a capital.",
            )
    return found
