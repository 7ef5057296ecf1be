"""Whether a statement returns one row at most, because of a key.

Each table in FROM must be fixed: all columns of one of its unique keys are compared by
``=`` with values that do not depend on tables that are not fixed.
"""

from __future__ import annotations

from typing import Any

from drystone.queries.describing.lookups import Lookups
from drystone.queries.describing.nodes import Node, walk
from drystone.queries.describing.nullability import gives_one_row

_Equality = tuple[Node, Any]  # a column, and a value

_INSERT, _MERGE = 3, 5
_RELATION, _SUBQUERY = 0, 1
_INNER, _LEFT, _RIGHT = 0, 1, 3


def at_most_one_row(query: Node, lookups: Lookups) -> bool:
    """Tell whether a query is proven to return no more than one row."""
    if query.integer("commandType") == _MERGE or query.get("setOperations"):
        return False
    target = query.integer("resultRelation")
    if target and lookups.has_rules(query["rtable"][target - 1].integer("relid")):
        return False
    if gives_one_row(query) or _is_one(query.get("limitCount")):
        return True
    if query.flag("hasTargetSRFs") or query.get("groupingSets"):
        return False
    if query.integer("commandType") == _INSERT:
        return _inserts_one(query, lookups)
    equalities: list[_Equality] = []
    relations = _collect(query["jointree"], equalities, lookups)
    fixed: set[int] = set()
    while True:
        more = {
            relation
            for relation in relations - fixed
            if _is_fixed(query, relation, fixed, equalities, lookups)
        }
        if not more:
            return relations == fixed
        fixed |= more


def _inserts_one(query: Node, lookups: Lookups) -> bool:
    """Tell whether there is one row of values, or a subquery of one row."""
    sources = [
        query["rtable"][each.integer("rtindex") - 1]
        for each in query["jointree"].nodes("fromlist")
    ]
    return all(
        entry.integer("rtekind") == _SUBQUERY
        and at_most_one_row(entry["subquery"], lookups)
        for entry in sources
    )


def _collect(node: Node, equalities: list[_Equality], lookups: Lookups) -> set[int]:
    """Return the relations in FROM; collect what their columns must equal."""
    if node.tag == "RANGETBLREF":
        return {node.integer("rtindex")}
    own = _equalities(node.get("quals"), lookups)
    if node.tag == "FROMEXPR":
        below = [_collect(n, equalities, lookups) for n in node.nodes("fromlist")]
        equalities += own
        return set().union(*below)
    left = _collect(node["larg"], equalities, lookups)
    right = _collect(node["rarg"], equalities, lookups)
    # ON of an outer join says which rows of the nullable side there are, no more.
    limited = {_INNER: left | right, _LEFT: right, _RIGHT: left}
    of = limited.get(node.integer("jointype"), set())
    equalities += [each for each in own if each[0].integer("varno") in of]
    return left | right


def _equalities(condition: Any, lookups: Lookups) -> list[_Equality]:
    """Return columns and what they must equal, from conditions joined by AND."""
    if not isinstance(condition, Node):
        return []
    if condition.tag == "BOOLEXPR" and condition["boolop"] == "and":
        return [e for each in condition["args"] for e in _equalities(each, lookups)]
    if condition.tag != "OPEXPR" or len(condition["args"]) != 2:
        return []
    operator = lookups.operator(condition.integer("opno"))
    if operator is None or operator.name != "=" or not operator.builtin:
        return []
    left, right = (_bare(each) for each in condition["args"])
    return [
        (column, value)
        for column, value in ((left, right), (right, left))
        if column.tag == "VAR"
        and not column.integer("varlevelsup")
        # Under another collation, values that a key tells apart may be equal.
        and condition["inputcollid"] == column["varcollid"]
    ]


def _is_fixed(
    query: Node,
    relation: int,
    fixed: set[int],
    equalities: list[_Equality],
    lookups: Lookups,
) -> bool:
    entry = query["rtable"][relation - 1]
    if entry.integer("rtekind") == _SUBQUERY:
        return at_most_one_row(entry["subquery"], lookups)
    if entry.integer("rtekind") != _RELATION or entry.get("relkind") not in {"r", "p"}:
        return False
    columns = {
        column.integer("varattno")
        for column, value in equalities
        if column.integer("varno") == relation and _depends_on(value) <= fixed
    }
    return any(key <= columns for key in lookups.unique_keys(entry.integer("relid")))


def _depends_on(value: Any) -> set[int]:
    """Return the tables of a query that a value depends on; a subquery on any."""
    found = {
        node.integer("varno")
        for node in walk(value)
        if node.tag == "VAR" and not node.integer("varlevelsup")
    }
    return found | ({0} if any(n.tag == "SUBLINK" for n in walk(value)) else set())


def _bare(node: Any) -> Any:
    while node.tag == "RELABELTYPE":
        node = node["arg"]
    return node


def _is_one(limit: Any) -> bool:
    """Tell whether a LIMIT is the constant 1, in either order of bytes."""
    if isinstance(limit, Node) and limit.tag == "FUNCEXPR":  # its cast to bigint
        limit = limit["args"][0]
    return (
        isinstance(limit, Node)
        and limit.tag == "CONST"
        and not limit.flag("constisnull")
        and sorted(limit["constvalue"]) == ["0"] * 7 + ["1"]
        and "1" in (limit["constvalue"][0], limit["constvalue"][-1])
    )
