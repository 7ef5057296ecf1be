"""Which parameters of a statement may be NULL, from its analysed parse tree.

A parameter that becomes the value of a column takes NULL if the column does. Elsewhere
NULL is almost never meant, but where the statement asks whether the parameter is NULL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.queries.describing.lookups import Lookups
from drystone.queries.describing.nodes import Node, walk

_RELATION, _SUBQUERY, _VALUES = 0, 1, 5
_WRITES = {"2", "3", "5"}  # UPDATE, INSERT, MERGE, of CmdType
_CONVERSIONS = {
    "ARRAYCOERCEEXPR",
    "COERCETODOMAIN",
    "COERCEVIAIO",
    "COLLATEEXPR",
    "RELABELTYPE",
}
_CASTS = {"1", "2"}  # explicit and implicit ones, of CoercionForm


def may_be_null(tree: Node, count: int, lookups: Lookups) -> list[bool]:
    """Tell of each of a statement's parameters, of which there are so many."""
    refused: dict[int, bool] = {}
    for relation, column, value in _assignments(tree):
        if number := _parameter(value):
            refuses = refused.get(number) or _refuses_null(relation, column, lookups)
            refused[number] = refuses
    expected = {number for node in walk(tree) for number in _expecting_null(node)}
    return [
        not refused[number] if number in refused else number in expected
        for number in range(1, count + 1)
    ]


def _refuses_null(relation: int, column: int, lookups: Lookups) -> bool:
    """Tell whether a column of a table, or of a view on one, takes no NULL."""
    view = lookups.view(relation)
    if view is None:
        return lookups.is_not_null(relation, column)
    value = view["targetList"][column - 1]["expr"]
    if value.tag != "VAR" or value.integer("varattno") <= 0:
        return False
    entry = view["rtable"][value.integer("varno") - 1]
    return entry.integer("rtekind") == _RELATION and _refuses_null(
        entry.integer("relid"), value.integer("varattno"), lookups
    )


def _assignments(tree: Node) -> Iterator[tuple[int, int, Any]]:
    """Yield each column that is written, with a value that it gets."""
    for query in walk(tree):
        if query.tag != "QUERY" or query["commandType"] not in _WRITES:
            continue
        target = query["rtable"][query.integer("resultRelation") - 1]
        entries = list(query.nodes("targetList"))
        for action in query.nodes("mergeActionList"):
            entries += action.nodes("targetList")
        if isinstance(query.get("onConflict"), Node):
            entries += query["onConflict"].nodes("onConflictSet")
        for entry in entries:
            for value in _origins(entry["expr"], query):
                yield target.integer("relid"), entry.integer("resno"), value


def _origins(value: Any, query: Node) -> Iterator[Any]:
    """Yield what a value is, behind conversions, VALUES and subqueries."""
    value = _converted(value)
    if not isinstance(value, Node) or value.tag != "VAR":
        yield value
        return
    if value.integer("varlevelsup") or value.integer("varattno") <= 0:
        return
    entry = query["rtable"][value.integer("varno") - 1]
    number = value.integer("varattno") - 1
    if entry.integer("rtekind") == _VALUES:
        for row in entry["values_lists"]:
            yield from _origins(row[number], query)
    elif entry.integer("rtekind") == _SUBQUERY:
        below = entry["subquery"]
        if not below.get("setOperations") and number < len(below.nodes("targetList")):
            yield from _origins(below["targetList"][number]["expr"], below)


def _expecting_null(node: Node) -> Iterator[int]:
    """Yield the parameters that an expression is there for when they are NULL."""
    if node.tag in {"COALESCEEXPR", "DISTINCTEXPR"}:
        yield from map(_parameter, node.nodes("args"))
    elif node.tag == "NULLTEST":
        yield _parameter(node["arg"])


def _converted(value: Any) -> Any:
    """Return what a value is behind conversions, which keep a NULL a NULL."""
    while isinstance(value, Node):
        if value.tag in _CONVERSIONS:
            value = value["arg"]
        elif value.tag == "FUNCEXPR" and value["funcformat"] in _CASTS:
            value = value["args"][0]  # the others are a length or a precision
        else:
            break
    return value


def _parameter(value: Any) -> int:
    """Return the number of the parameter that a value is; 0 if it is none."""
    value = _converted(value)
    if isinstance(value, Node) and value.tag == "PARAM":
        return value.integer("paramid")
    return 0
