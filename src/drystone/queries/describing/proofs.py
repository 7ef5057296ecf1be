"""What the rows of a query have passed: conditions that prove a column is not NULL.

A row that comes out of FROM and WHERE has made every condition there true that no outer
join lies above. A condition that is true, or merely not NULL, says that the arguments
of its strict operators are not NULL either; and a column of the nullable side of an
outer join that is not NULL says that this side was found.
"""

from __future__ import annotations

from typing import Any

from drystone.queries.describing.lookups import Lookups
from drystone.queries.describing.nodes import Node, walk

# PostgreSQL's own numbers: JoinType, BoolTestType, NullTestType, SubLinkType, CmdType.
INNER, LEFT, FULL, RIGHT = 0, 1, 2, 3
_IS_TRUE, _IS_FALSE, _IS_NOT_UNKNOWN = 0, 2, 5
_IS_NULL, _IS_NOT_NULL = 0, 1
_ANY_SUBLINK = 2
_UPDATE, _MERGE = 2, 5
_JOIN_ENTRY = 2

Column = tuple[int, int]  # varno, varattno


class Proofs:
    """The columns of one query's FROM that its conditions prove, and joins found."""

    def __init__(self, query: Node, lookups: Lookups) -> None:
        self._query = query
        self._lookups = lookups
        self._sides: dict[int, tuple[set[int], set[int]]] = {}
        self._conditions: list[Node] = []
        # MERGE decides row by row what is done, so that its conditions prove nothing.
        if query.get("jointree") and query.integer("commandType") != _MERGE:
            self._collect(query["jointree"], holds=True)
        # RETURNING shows an updated row as it has become.
        self._target = (
            query.integer("resultRelation")
            if query.integer("commandType") == _UPDATE
            else 0
        )
        self._proven: dict[Column, bool] = {}
        self._found: set[tuple[int, int | None]] | None = None

    def proves(self, variable: Node) -> bool:
        """Tell whether the conditions say that a variable of this query is not NULL."""
        column = self.column(variable)
        if column[0] == self._target or not self._conditions:
            return False
        if column not in self._proven:
            self._proven[column] = any(
                self._says(each, True, column) for each in self._conditions
            )
        return self._proven[column]

    def nulling(self, variable: Node) -> set[int]:
        """Return the outer joins that may have made a variable NULL all the same."""
        return {join for join, side in self._nulling(variable) - self.found}

    @property
    def found(self) -> set[tuple[int, int | None]]:
        """The sides of outer joins, 0 left and 1 right, that every row has."""
        if self._found is None:
            self._found = set()
            variables = (
                node
                for condition in self._conditions
                for node in walk(condition, into_queries=False)
                if node.tag == "VAR" and not node.integer("varlevelsup")
            )
            for each in variables:
                if each.members("varnullingrels") and self.proves(each):
                    self._found |= {n for n in self._nulling(each) if n[1] is not None}
        return self._found

    def column(self, variable: Node) -> Column:
        """Return a variable's column; that of a table, if a join only hands it on."""
        number, attribute = variable.integer("varno"), variable.integer("varattno")
        entry = self._query["rtable"][number - 1]
        if entry.integer("rtekind") == _JOIN_ENTRY and attribute > 0:
            alias = entry["joinaliasvars"][attribute - 1]
            if isinstance(alias, Node) and alias.tag == "VAR":
                return self.column(alias)
        return number, attribute

    def _nulling(self, variable: Node) -> set[tuple[int, int | None]]:
        """Return the joins that may make a variable NULL, with its side of each."""
        relation = variable.integer("varno")
        return {
            (join, self._side(join, relation))
            for join in variable.members("varnullingrels")
        }

    def _side(self, join: int, relation: int) -> int | None:
        """Return 0 for the left, 1 for the right; None for what is no join at all."""
        sides = self._sides.get(join, ())
        return next((n for n, side in enumerate(sides) if relation in side), None)

    def _collect(self, node: Node, *, holds: bool) -> set[int]:
        """Collect conditions that hold for every row; return the relations below."""
        if node.tag == "RANGETBLREF":
            return {node.integer("rtindex")}
        if node.tag == "FROMEXPR":
            below = [self._collect(n, holds=holds) for n in node.nodes("fromlist")]
            if holds and node.get("quals"):
                self._conditions.append(node["quals"])
            return set().union(*below)
        kind = node.integer("jointype")
        left = self._collect(node["larg"], holds=holds and kind in (INNER, LEFT))
        right = self._collect(node["rarg"], holds=holds and kind in (INNER, RIGHT))
        if holds and kind == INNER and node.get("quals"):
            self._conditions.append(node["quals"])
        self._sides[node.integer("rtindex")] = (left, right)
        return left | right | {node.integer("rtindex")}

    def _says(self, condition: Node, truth: bool | None, column: Column) -> bool:
        """Tell whether a condition that has a truth value says so of a column.

        ``truth`` is None where all that is known is that it is not NULL.
        """
        match condition.tag:
            case "BOOLEXPR":
                return self._connective_says(condition, truth, column)
            case "NULLTEST":
                if truth is None or condition.flag("argisrow"):
                    return False
                wanted = _IS_NOT_NULL if truth else _IS_NULL
                return condition.integer("nulltesttype") == wanted and self._says(
                    condition["arg"], None, column
                )
            case "BOOLEANTEST":
                if truth is not True:
                    return False
                test, argument = condition.integer("booltesttype"), condition["arg"]
                if test == _IS_TRUE:
                    return self._says(argument, True, column)
                if test == _IS_FALSE:
                    return self._says(argument, False, column)
                return test == _IS_NOT_UNKNOWN and self._says(argument, None, column)
            case "SUBLINK":
                compared = condition.get("testexpr")
                return (
                    truth is True
                    and condition.integer("subLinkType") == _ANY_SUBLINK
                    and isinstance(compared, Node)
                    and self._says(compared, True, column)
                )
            case "SCALARARRAYOPEXPR":
                return (
                    truth is True
                    and condition.flag("useOr")
                    and self._is_strict_operator(condition)
                    and self._says(condition["args"][0], None, column)
                )
        return self._value_says(condition, column)

    def _connective_says(
        self, condition: Node, truth: bool | None, column: Column
    ) -> bool:
        arguments = condition.nodes("args")
        kind = condition["boolop"]
        if kind == "not":
            opposite = None if truth is None else not truth
            return self._says(arguments[0], opposite, column)
        if truth is None:  # true AND NULL is NULL, but false AND NULL is false
            return False
        said = (self._says(each, truth, column) for each in arguments)
        return any(said) if (kind == "and") is truth else all(said)

    def _value_says(self, value: Node, column: Column) -> bool:
        """Tell whether a value that is not NULL says that a column is not."""
        match value.tag:
            case "VAR":
                own = not value.integer("varlevelsup")
                return own and self.column(value) == column
            case "RELABELTYPE" | "COLLATEEXPR" | "COERCETODOMAIN":
                return self._value_says(value["arg"], column)
            case "OPEXPR":
                strict = self._is_strict_operator(value)
            case "FUNCEXPR":
                function = self._lookups.function(value.integer("funcid"))
                strict = bool(function and function.strict and not function.returns_set)
            case _:
                return False
        return strict and any(
            self._value_says(each, column)
            for each in value.nodes("args")
            if isinstance(each, Node)
        )

    def _is_strict_operator(self, expression: Any) -> bool:
        operator = self._lookups.operator(expression.integer("opno"))
        function = operator and self._lookups.function(operator.function)
        return bool(function and function.strict and not function.returns_set)
