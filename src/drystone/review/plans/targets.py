"""What each parameter of a statement is compared with, or becomes the value of.

Read from PostgreSQL's analysed parse tree: columns are followed through subqueries,
CTEs, VALUES, joins and functions such as unnest(), on both sides of a comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from drystone.queries.describing.lookups import Lookups
from drystone.queries.describing.nodes import Node

_COMMANDS = {"2": "assigned", "3": "inserted", "5": "inserted"}
_DEEPEST = 40


class Use(StrEnum):
    """How a parameter meets a column, most telling first."""

    EQUAL = "equal"
    LEAST = "least"
    MOST = "most"
    SEARCH = "search"
    LIKE = "like"
    CONTAINS = "contains"
    ASSIGNED = "assigned"
    INSERTED = "inserted"
    NEAR = "near"
    LIMIT = "limit"
    OFFSET = "offset"
    ELEMENTS = "elements"
    UNIT = "unit"


# By operator, for a column on the left; on the right, least and most change places.
_USES = {
    **dict.fromkeys(("=", "<>", "IS DISTINCT FROM"), Use.EQUAL),
    **dict.fromkeys((">", ">="), Use.LEAST),
    **dict.fromkeys(("<", "<="), Use.MOST),
    **dict.fromkeys(("@@", "@@@"), Use.SEARCH),
    **dict.fromkeys(("~~", "~~*", "!~~", "!~~*", "~", "~*"), Use.LIKE),
    **dict.fromkeys(("@>", "<@", "&&", "?", "?|", "?&"), Use.CONTAINS),
}
_TURNED = {Use.LEAST: Use.MOST, Use.MOST: Use.LEAST}


@dataclass(frozen=True, slots=True)
class Target:
    """A column, by its table's number and its own; none for LIMIT and its like."""

    use: Use
    relation: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class _Column:
    relation: int
    number: int


@dataclass(frozen=True, slots=True)
class _Parameter:
    number: int


_Leaves = frozenset[_Column | _Parameter]


@dataclass(frozen=True, slots=True)
class _Scope:
    """A query, and the one around it."""

    query: Node
    outer: Self | None = None

    def up(self, levels: int) -> Self | None:
        scope: Self | None = self
        for _ in range(levels):
            scope = scope and scope.outer
        return scope


def find_targets(tree: Node, lookups: Lookups) -> dict[int, list[Target]]:
    """Return what each parameter, by number, meets; most telling first."""
    finder = _Finder(lookups)
    found: dict[int, dict[Target, None]] = {}
    for number, target in finder.query(_Scope(tree)):
        found.setdefault(number, {})[target] = None
    order = list(Use)
    return {
        number: sorted(targets, key=lambda target: order.index(target.use))
        for number, targets in found.items()
    }


def tables_of(tree: Node) -> list[int]:
    """Return the tables and views that a statement names, by number."""
    entries = [each for each in _inside(tree) if "relid" in each and "rtekind" in each]
    return list(dict.fromkeys(e.integer("relid") for e in entries if e["relid"] != "0"))


def _inside(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _inside(each)


_Found = Iterator[tuple[int, Target]]


class _Finder:
    """Walks a tree, each expression in the scope of its query."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    def query(self, scope: _Scope) -> _Found:
        query = scope.query
        for label, use in (("limitCount", Use.LIMIT), ("limitOffset", Use.OFFSET)):
            for leaf in self._leaves(query.get(label), scope):
                if isinstance(leaf, _Parameter):
                    yield leaf.number, Target(use)
        if query.get("commandType") in _COMMANDS:
            yield from self._written(scope)
        for value in query.values():
            yield from self._expressions(value, scope)

    def _written(self, scope: _Scope) -> _Found:
        """Find what becomes the value of a column."""
        query = scope.query
        target = query["rtable"][query.integer("resultRelation") - 1]
        entries = list(query.nodes("targetList"))
        for action in query.nodes("mergeActionList"):
            entries += action.nodes("targetList")
        conflict = query.get("onConflict")
        if isinstance(conflict, Node):
            entries += conflict.nodes("onConflictSet")
        # With ON CONFLICT, a row that is there already is what is meant.
        use = Use.ASSIGNED if conflict else Use(_COMMANDS[query["commandType"]])
        for entry in entries:
            column = Target(use, target.integer("relid"), entry.integer("resno"))
            for leaf in self._leaves(entry["expr"], scope):
                if isinstance(leaf, _Parameter):
                    yield leaf.number, column

    def _expressions(self, value: Any, scope: _Scope) -> _Found:
        if isinstance(value, list):
            for each in value:
                yield from self._expressions(each, scope)
        elif isinstance(value, Node):
            if value.tag == "QUERY":
                yield from self.query(_Scope(value, scope))
                return
            yield from self._node(value, scope)
            for each in value.values():
                yield from self._expressions(each, scope)

    def _node(self, node: Node, scope: _Scope) -> _Found:
        if node.tag in {"OPEXPR", "SCALARARRAYOPEXPR", "DISTINCTEXPR"}:
            operator = self._lookups.operator(node.integer("opno"))
            use = _USES.get(operator.name, Use.NEAR) if operator else Use.NEAR
            args = node.nodes("args")
            if len(args) == 2:
                yield from self._compared(args[0], args[1], use, scope)
        elif node.tag == "ROWCOMPAREEXPR":
            for left, right in zip(
                node.nodes("largs"), node.nodes("rargs"), strict=True
            ):
                yield from self._compared(left, right, Use.EQUAL, scope)
        elif node.tag == "FUNCEXPR":
            yield from self._called(node, scope)

    def _called(self, node: Node, scope: _Scope) -> _Found:
        """Find parameters beside columns among a function's arguments."""
        leaves = self._leaves(node.nodes("args"), scope)
        columns = [leaf for leaf in leaves if isinstance(leaf, _Column)]
        function = self._lookups.function(node.integer("funcid"))
        name = function.signature.partition("(")[0] if function else ""
        if name == "date_trunc":
            for leaf in self._leaves(node.nodes("args")[:1], scope):
                if isinstance(leaf, _Parameter):
                    yield leaf.number, Target(Use.UNIT)
        for leaf in leaves:
            if isinstance(leaf, _Parameter):
                if name.endswith(("array_elements", "elements_text", "recordset")):
                    yield leaf.number, Target(Use.ELEMENTS)
                for column in columns:
                    yield leaf.number, Target(Use.NEAR, column.relation, column.number)

    def _compared(self, left: Any, right: Any, use: Use, scope: _Scope) -> _Found:
        sides = self._leaves(left, scope), self._leaves(right, scope)
        for columns, parameters, meaning in (
            (*sides, use),
            (*sides[::-1], _TURNED.get(use, use)),
        ):
            for column in columns:
                for parameter in parameters:
                    if isinstance(column, _Column) and isinstance(
                        parameter, _Parameter
                    ):
                        yield (
                            parameter.number,
                            Target(meaning, column.relation, column.number),
                        )

    def _leaves(self, value: Any, scope: _Scope | None, depth: int = 0) -> _Leaves:
        """Return the columns and the parameters that an expression is made of."""
        if scope is None or depth > _DEEPEST:
            return frozenset()
        if isinstance(value, list):
            return frozenset().union(
                *(self._leaves(each, scope, depth + 1) for each in value)
            )
        if not isinstance(value, Node):
            return frozenset()
        if value.tag == "PARAM":
            return frozenset({_Parameter(value.integer("paramid"))})
        if value.tag == "VAR":
            return self._variable(value, scope.up(value.integer("varlevelsup")), depth)
        if value.tag == "QUERY":
            return self._leaves(value.get("targetList"), _Scope(value, scope), depth)
        return self._leaves(list(value.values()), scope, depth)

    def _variable(self, node: Node, scope: _Scope | None, depth: int) -> _Leaves:
        number = node.integer("varattno")
        entries = scope.query.nodes("rtable") if scope else []
        place = node.integer("varno") - 1
        if scope is None or number <= 0 or not 0 <= place < len(entries):
            return frozenset()
        entry = entries[place]
        below: Any = None
        # RTEKind: relation, subquery, join, function, VALUES, CTE, and group (18).
        match entry.integer("rtekind"):
            case 0:
                return self._column(entry.integer("relid"), number)
            case 1:
                return self._target(entry["subquery"], number, scope, depth)
            case 2:
                below = entry.nodes("joinaliasvars")[number - 1]
            case 3:
                functions = entry.nodes("functions")
                below = functions[number - 1 if number <= len(functions) else 0]
            case 5:
                below = [row[number - 1] for row in entry.nodes("values_lists")]
            case 6:
                return self._cte(entry, number, scope, depth)
            case 9:
                below = entry.nodes("groupexprs")[number - 1]
        return self._leaves(below, scope, depth + 1)

    def _column(self, relation: int, number: int) -> _Leaves:
        """Return a table's column, or what a view's column is."""
        view = self._lookups.view(relation)
        if view is None:
            return frozenset({_Column(relation, number)})
        return self._target(view, number, None, 0)

    def _cte(self, entry: Node, number: int, scope: _Scope, depth: int) -> _Leaves:
        home = scope.up(entry.integer("ctelevelsup"))
        for each in home.query.nodes("cteList") if home else []:
            if each["ctename"] == entry["ctename"]:
                return self._target(each["ctequery"], number, home, depth)
        return frozenset()

    def _target(
        self, query: Node, number: int, outer: _Scope | None, depth: int
    ) -> _Leaves:
        """Return what a column of a query's result is made of."""
        scope = _Scope(query, outer)
        returned = query.nodes("returningList")
        entries = returned or query.nodes("targetList")
        if number > len(entries):
            return frozenset()
        return self._leaves(entries[number - 1]["expr"], scope, depth + 1)
