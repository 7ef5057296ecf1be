"""Where each thing stands in the report: the file of its page, and the anchor."""

from __future__ import annotations

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_STRANGE = re.compile(r"[^a-z0-9._-]+")

RELEASE = "index.html"
MIGRATIONS = "migrations/index.html"
DRIFT = "drift.html"
CHANGES = "changes.html"


def migration_page(name: str) -> str:
    """Return the page of a migration."""
    return f"migrations/{slug(name)}.html"


def table_page(name: str) -> str:
    """Return the page of a table, by its name without quotes."""
    return f"tables/{slug(name)}.html"


def area_page(name: str) -> str:
    """Return the page of an area's queries."""
    return f"queries/{slug(name)}.html"


def query_place(name: str) -> str:
    """Return the section of a query, by its full name."""
    area, _, own = name.rpartition(".")
    return f"{area_page(area)}#{query_anchor(own)}"


def query_anchor(name: str) -> str:
    """Return the anchor of a query on its area's page, by its own name."""
    return f"query-{slug(name)}"


def column_anchor(name: str) -> str:
    """Return the anchor of a column on its table's page."""
    return f"column-{slug(name)}"


def system_page(name: str) -> str:
    """Return the page of a system."""
    return f"systems/{slug(name)}.html"


def line_of(page: str, line: int, *, file: str = "up") -> str:
    """Return a line of a migration's SQL on its page."""
    return f"{page}#{file}-{line}"


def slug(name: str) -> str:
    """Return a name as files and anchors can have it, another one for every name.

    What is more than small letters, digits, points and dashes is replaced, and a digest
    keeps such names apart, also where a file system does not know case.
    """
    if _PLAIN.fullmatch(name) and name != "index":
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    readable = _STRANGE.sub("-", name.lower()).strip("-._")[:60]
    return f"{readable}-{digest}" if readable else digest
