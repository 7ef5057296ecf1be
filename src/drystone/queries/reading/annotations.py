"""What the comments below a query's name say beyond its documentation.

``order newest: event.date DESC, event.id``   an order that callers may choose; the
                                              first is the one in the statement
``nullable: payload, error``                  parameters that may be NULL
``json extracted_data: shop.models.Extracted``  the pydantic model of a JSON column
``replica: ok``                               may run on a replica, which may lag
``drystone: ignore a-rule: why``              what lint shall not say; other linters'
                                              comments of the kind are understood too

aiosql takes such lines for documentation, so that a file with them stays its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import postgast

from drystone.errors import QueryError
from drystone.queries.reading.lexer import Query

_ORDER = re.compile(r"order\s+(?P<name>[a-z]\w*)\s*:\s*(?P<text>.+)")
_NULLABLE = re.compile(r"nullable\s*:\s*(?P<names>[\w, ]+)")
_JSON = re.compile(r"json\s+(?P<column>\w+)\s*:\s*(?P<model>[\w.]+\.\w+)")
_REPLICA = re.compile(r"replica\s*:\s*(?P<word>\S+)")
_SILENCE = re.compile(r"(drystone\s*:|eugene\s*:|squawk-)\s*ignore\b.*")

# Whatever their operators say, a replica refuses statements with one of these in them.
_WRITING = {
    *("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"),
    *("LockingClause", "IntoClause"),
}


@dataclass(frozen=True, slots=True)
class Annotations:
    """A query's documentation, and what its comments add to the statement."""

    documentation: str
    orders: dict[str, str]
    nullable: frozenset[str]
    models: dict[str, str]
    replica: bool = False


def read_annotations(query: Query) -> Annotations:
    """Read the comments.

    Raises QueryError for a parameter that does not exist, and for a statement that is
    marked for replicas and writes or locks.
    """
    lines: list[str] = []
    orders: dict[str, str] = {}
    nullable: set[str] = set()
    models: dict[str, str] = {}
    replica = False
    for line in query.documentation.splitlines():
        if match := _ORDER.fullmatch(line):
            orders[match["name"]] = match["text"].rstrip("; ")
        elif match := _NULLABLE.fullmatch(line):
            nullable |= {name.strip() for name in match["names"].split(",")}
        elif match := _JSON.fullmatch(line):
            models[match["column"]] = match["model"]
        elif match := _REPLICA.fullmatch(line):
            replica = _read_replica(query, match["word"])
        elif not _SILENCE.fullmatch(line):
            lines.append(line)
    if unknown := nullable - set(query.parameters):
        raise QueryError(
            f"query {query.name} has no parameter {min(unknown)} to be nullable",
            location=query.location,
        )
    documentation = "\n".join(lines).strip()
    return Annotations(documentation, orders, frozenset(nullable), models, replica)


def _read_replica(query: Query, word: str) -> bool:
    """Return that a query is fit for a replica, or raise QueryError."""
    if word != "ok":
        raise QueryError(
            f"query {query.name} says replica: {word}, which means nothing",
            location=query.location,
            hint="Write -- replica: ok, or leave it out.",
        )
    statements = postgast.parse(query.sql)
    if not all(each.stmt.HasField("select_stmt") for each in statements.stmts) or any(
        type(node).__name__ in _WRITING for _, node in postgast.walk(statements)
    ):
        raise QueryError(
            f"query {query.name} writes or locks rows, which no replica does",
            location=query.location,
            hint="Take -- replica: ok out of its comment.",
        )
    return True
