"""What Cypher's parameters are compared with, and values for them from the graph."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg
from psycopg import Connection, sql

_CALL = re.compile(
    r"cypher\s*\(\s*'(?P<graph>\w+)'\s*,\s*\$\$(?P<text>.*?)\$\$", re.DOTALL
)
_NAMED = re.compile(r"\(\s*(?P<variable>\w+)\s*:\s*(?P<label>\w+)")
_COMPARED = re.compile(r"(?P<variable>\w+)\.(?P<property>\w+)\s*=\s*\$(?P<name>\w+)")
_PARAMETER = re.compile(r"\$(\w+)")

# Such a number is a depth, a count or a limit.
_NUMBER = 2

_VALUE = """
SELECT ag_catalog.agtype_access_operator(
    vertex.properties,
    ag_catalog.agtype_in({property})
)::text
FROM {table} AS vertex
WHERE
    vertex.id IN (SELECT edge.start_id FROM {edges} AS edge)
    OR vertex.id IN (SELECT edge.end_id FROM {edges} AS edge)
ORDER BY vertex.id
OFFSET {part}
LIMIT 1
"""


def cypher_values(connection: Connection[Any], statement: str) -> str | None:
    """Return the map of values for the Cypher in a statement, if there is any."""
    values: dict[str, Any] = {}
    for call in _CALL.finditer(statement):
        text = call["text"]
        labels = {found["variable"]: found["label"] for found in _NAMED.finditer(text)}
        values |= dict.fromkeys(_PARAMETER.findall(text), _NUMBER)
        found_names = dict.fromkeys(
            (found["name"], found["property"], labels.get(found["variable"]))
            for found in _COMPARED.finditer(text)
        )
        for place, (name, attribute, label) in enumerate(found_names, 2):
            value = _value(connection, call["graph"], label, attribute, place)
            if value is not None:
                values[name] = value
    return json.dumps(values) if values else None


def _value(
    connection: Connection[Any],
    graph: str,
    label: str | None,
    attribute: str,
    part: int,
) -> Any:
    if label is None:
        return None
    query = sql.SQL(_VALUE).format(
        property=sql.Literal(json.dumps(attribute)),
        table=sql.Identifier(graph, label),
        edges=sql.Identifier(graph, "_ag_label_edge"),
        part=sql.Literal(part),
    )
    try:
        row = connection.execute(query).fetchone()
    except psycopg.Error:
        return None
    return None if row is None else _plain(row[0])


def _plain(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
