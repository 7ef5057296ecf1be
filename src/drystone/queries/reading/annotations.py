"""What the comments below a query's name say beyond its documentation.

``order newest: event.date DESC, event.id``   an order that callers may choose; the
                                              first is the one in the statement
``nullable: payload, error``                  parameters that may be NULL
``json extracted_data: shop.models.Extracted``  the pydantic model of a JSON column
``drystone: ignore a-rule: why``              what lint shall not say; other linters'
                                              comments of the kind are understood too

aiosql takes such lines for documentation, so that a file with them stays its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drystone.errors import QueryError
from drystone.queries.reading.lexer import Query

_ORDER = re.compile(r"order\s+(?P<name>[a-z]\w*)\s*:\s*(?P<text>.+)")
_NULLABLE = re.compile(r"nullable\s*:\s*(?P<names>[\w, ]+)")
_JSON = re.compile(r"json\s+(?P<column>\w+)\s*:\s*(?P<model>[\w.]+\.\w+)")
_SILENCE = re.compile(r"(drystone\s*:|eugene\s*:|squawk-)\s*ignore\b.*")


@dataclass(frozen=True, slots=True)
class Annotations:
    """A query's documentation, and what its comments add to the statement."""

    documentation: str
    orders: dict[str, str]
    nullable: frozenset[str]
    models: dict[str, str]


def read_annotations(query: Query) -> Annotations:
    """Read the comments; raises QueryError for a parameter that does not exist."""
    lines: list[str] = []
    orders: dict[str, str] = {}
    nullable: set[str] = set()
    models: dict[str, str] = {}
    for line in query.documentation.splitlines():
        if match := _ORDER.fullmatch(line):
            orders[match["name"]] = match["text"].rstrip("; ")
        elif match := _NULLABLE.fullmatch(line):
            nullable |= {name.strip() for name in match["names"].split(",")}
        elif match := _JSON.fullmatch(line):
            models[match["column"]] = match["model"]
        elif not _SILENCE.fullmatch(line):
            lines.append(line)
    if unknown := nullable - set(query.parameters):
        raise QueryError(
            f"query {query.name} has no parameter {min(unknown)} to be nullable",
            location=query.location,
        )
    return Annotations("\n".join(lines).strip(), orders, frozenset(nullable), models)
