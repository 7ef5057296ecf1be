"""Which columns of a query can be NULL, from PostgreSQL's own analysed parse tree.

Since version 16 each variable in it carries the outer joins that may have made it NULL
(``varnullingrels``). The rest follows the expressions upwards. What is not known never
to be NULL is nullable: an unknown node, function or version can only make an answer
less precise, never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drystone.queries.describing import builtins
from drystone.queries.describing.lookups import FIRST_NORMAL, Lookups
from drystone.queries.describing.nodes import Node
from drystone.queries.describing.proofs import FULL, Proofs

# PostgreSQL's own numbers: CmdType, RTEKind, SetOperation, SubLinkType, and so on.
_SELECT, _UPDATE, _INSERT, _DELETE, _MERGE = 1, 2, 3, 4, 5
_JOIN = 2
_UNION, _INTERSECT, _EXCEPT = 1, 2, 3
_EXISTS, _ANY, _SCALAR, _ARRAY = 0, 2, 4, 6
_CURRENT_SCHEMA = 14
_NOT_MATCHED_BY_SOURCE = 1
_OLD, _NEW = 1, 2
_CASTS = {1, 2}  # of CoercionForm; what has a syntax of its own is called too

_TYPES = (
    *("vartype", "consttype", "paramtype", "funcresulttype", "opresulttype"),
    *("aggtype", "wintype", "resulttype", "coalescetype", "casetype", "minmaxtype"),
    *("array_typeid", "row_typeid", "type", "seqtypid"),
)
_BOOLEAN = {"BOOLEXPR", "NULLTEST", "BOOLEANTEST", "SCALARARRAYOPEXPR"}

# The frame begins at or before the current row, ends at or behind it, leaves none out.
_STARTS = 0x20 | 0x200
_ENDS = 0x100 | 0x400
_EXCLUDES = 0x8000 | 0x10000 | 0x20000


@dataclass(frozen=True)
class _Scope:
    """A query and those around it, from the inside out."""

    query: Node
    outer: _Scope | None
    proofs: Proofs
    ignored: frozenset[int] = field(default_factory=frozenset)

    def up(self, levels: int) -> _Scope | None:
        scope: _Scope | None = self
        for _ in range(levels):
            scope = scope and scope.outer
        return scope


class Prover:
    """Proves columns of queries on one database never to be NULL."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._proofs: dict[int, Proofs] = {}  # by the query's identity
        self._assumed: set[tuple[int, int]] = set()  # of recursive queries

    def missing_joins(self, query: Node) -> list[frozenset[int] | None]:
        """Return, for each column, the outer joins that alone can make it NULL.

        None for a column that may be NULL for another reason; none for one that never
        is.
        """
        self._proofs.clear()
        columns = range(1, len(visible_targets(query)) + 1)
        return [self._missing_joins(query, number) for number in columns]

    def _missing_joins(self, query: Node, number: int) -> frozenset[int] | None:
        if self._column(query, number, None):
            return frozenset()
        value = visible_targets(query)[number - 1]["expr"]
        if query.get("setOperations") or value.tag != "VAR":
            return None
        proofs = self._proofs[id(query)]
        joins = frozenset(proofs.nulling(value))
        scope = _Scope(query, None, proofs, ignored=joins)
        return joins if self._value(value, scope) else None

    def _column(self, query: Node, number: int, outer: _Scope | None) -> bool:
        """Prove one column, counted from 1, of a query."""
        entries = visible_targets(query)
        if number > len(entries):
            return False
        if id(query) not in self._proofs:
            self._proofs[id(query)] = Proofs(query, self._lookups)
        scope = _Scope(query, outer, self._proofs[id(query)])
        if query.get("setOperations"):
            return self._set_operation(query["setOperations"], number, scope)
        return self._value(entries[number - 1]["expr"], scope)

    def _set_operation(self, node: Node, number: int, scope: _Scope) -> bool:
        operation = node.integer("op")
        sides = [
            self._branch(node[side], node["colTypes"][number], number, scope)
            for side in ("larg", "rarg")
        ]
        if operation == _EXCEPT:
            return sides[0]
        if operation == _INTERSECT:
            return any(sides)
        return operation == _UNION and all(sides)

    def _branch(self, node: Node, wanted: str, number: int, scope: _Scope) -> bool:
        """Prove a column of one side of a set operation, as a type that it may get."""
        if node.tag != "RANGETBLREF":
            given = node["colTypes"][number]
            proven = self._set_operation(node, number, scope)
        else:
            query = scope.query["rtable"][node.integer("rtindex") - 1]["subquery"]
            given = type_of(visible_targets(query)[number - 1]["expr"])
            proven = self._column(query, number, scope)
        # A conversion of somebody's own may return what it likes.
        kept = given == wanted or (is_builtin(given) and is_builtin(wanted))
        return proven and kept

    # --- Variables -------------------------------------------------------------------

    def _variable(self, variable: Node, scope: _Scope) -> bool:
        found = scope.up(variable.integer("varlevelsup"))
        if found is None:
            return False
        scope, query = found, found.query
        if variable.integer("varreturningtype") and not _shows_row(variable, query):
            return False
        number, attribute = variable.integer("varno"), variable.integer("varattno")
        entry = query["rtable"][number - 1]
        if number == query.integer("resultRelation") and self._lookups.has_rules(
            entry.integer("relid")
        ):
            return False  # a rule has a RETURNING of its own
        if scope.proofs.proves(variable) and not variable.integer("varreturningtype"):
            return True
        if scope.proofs.nulling(variable) - scope.ignored - {_own_join(number, query)}:
            return False
        if query.get("groupingSets") and not query.flag("hasGroupRTE"):
            return False  # before version 18 nothing marks what a set leaves out
        if query.integer("commandType") == _MERGE and (
            number != query.integer("resultRelation")
            and any(
                action.integer("matchKind") == _NOT_MATCHED_BY_SOURCE
                for action in query.nodes("mergeActionList")
            )
        ):
            return False
        if attribute <= 0:
            # System columns and whole rows; those of a view may come from a trigger.
            return entry.get("relkind") in {"r", "p"}
        match entry.integer("rtekind"):
            case 0:  # _RELATION
                return self._of_relation(entry, number, attribute, query)
            case 1:  # _SUBQUERY
                return self._column(entry["subquery"], attribute, scope)
            case 2:  # _JOIN
                return self._of_join(entry, number, attribute, scope)
            case 3:  # _FUNCTION
                return self._of_function(entry, attribute)
            case 5:  # _VALUES
                return all(
                    self._value(row[attribute - 1], scope)
                    for row in entry.nodes("values_lists")
                )
            case 6:  # _CTE
                return self._of_cte(entry, attribute, scope)
            case 9:  # _GROUP
                return self._value(entry["groupexprs"][attribute - 1], scope)
        return False

    def _of_relation(
        self, entry: Node, number: int, attribute: int, query: Node
    ) -> bool:
        relation = entry.integer("relid")
        if entry.get("relkind") == "v":
            view = self._lookups.view(relation)
            # What is written through a view, its trigger may return as it likes.
            written = number == query.integer("resultRelation")
            return (
                view is not None and not written and self._column(view, attribute, None)
            )
        return self._lookups.is_not_null(relation, attribute)

    def _of_join(self, entry: Node, number: int, attribute: int, scope: _Scope) -> bool:
        value = entry["joinaliasvars"][attribute - 1]
        if (
            entry.integer("jointype") == FULL
            and attribute <= entry.integer("joinmergedcols")
            and value.tag == "COALESCEEXPR"
        ):
            # USING merges two columns, and one side at least was found.
            inside = _Scope(
                scope.query, scope.outer, scope.proofs, scope.ignored | {number}
            )
            return all(self._value(each, inside) for each in value["args"])
        return self._value(value, scope)

    def _of_function(self, entry: Node, attribute: int) -> bool:
        functions = entry.nodes("functions")
        if entry.flag("funcordinality") and attribute == 1 + sum(
            each.integer("funccolcount") for each in functions
        ):
            return True
        if len(functions) != 1:  # the shorter ones are filled up with NULL
            return False
        call = functions[0]["funcexpr"]
        if not isinstance(call, Node) or call.tag != "FUNCEXPR":
            return False
        function = self._lookups.function(call.integer("funcid"))
        if function is None or not function.builtin:
            return False
        columns = builtins.ROW_SOURCES.get(function.signature, ())
        return attribute <= len(columns) and columns[attribute - 1]

    def _of_cte(self, entry: Node, attribute: int, scope: _Scope) -> bool:
        around = scope.up(entry.integer("ctelevelsup"))
        if around is None:
            return False
        for cte in around.query.nodes("cteList"):
            if cte["ctename"] == entry["ctename"]:
                break
        else:
            return False
        query = cte["ctequery"]
        if attribute > len(visible_targets(query)):
            return False  # what SEARCH and CYCLE add
        if not cte.flag("cterecursive"):
            return self._column(query, attribute, around)
        # The largest set of claims that bear each other out: a recursive query's rows
        # are not NULL if they are not to begin with, and are not as long as they were.
        key = (id(query), attribute)
        if key in self._assumed:
            return True
        self._assumed.add(key)
        try:
            return self._column(query, attribute, around)
        finally:
            self._assumed.discard(key)

    # --- Expressions -----------------------------------------------------------------

    def _values(self, nodes: Sequence[Any], scope: _Scope) -> bool:
        return all(self._value(each, scope) for each in nodes)

    def _value(self, node: Any, scope: _Scope) -> bool:
        """Tell whether an expression is never NULL."""
        if not isinstance(node, Node):
            return False
        query = scope.query
        if (  # before version 18 a whole expression may be what a set leaves out
            query.get("groupingSets")
            and not query.flag("hasGroupRTE")
            and node.tag not in {"AGGREF", "GROUPINGFUNC"}
        ):
            return False
        rule = _RULES.get(node.tag)
        return rule is not None and rule(self, node, scope)

    def _always(self, node: Node, scope: _Scope) -> bool:
        return True

    def _constant(self, node: Node, scope: _Scope) -> bool:
        return not node.flag("constisnull")

    def _argument(self, node: Node, scope: _Scope) -> bool:
        return self._value(node.get("arg"), scope)

    def _to_domain(self, node: Node, scope: _Scope) -> bool:
        return self._lookups.domain_is_not_null(
            node.integer("resulttype")
        ) or self._argument(node, scope)

    def _any_argument(self, node: Node, scope: _Scope) -> bool:
        return any(self._value(each, scope) for each in node.nodes("args"))

    def _all_arguments(self, node: Node, scope: _Scope) -> bool:
        return self._values(node.nodes("args"), scope)

    def _case(self, node: Node, scope: _Scope) -> bool:
        results = [when["result"] for when in node.nodes("args")]
        return self._values([*results, node.get("defresult")], scope)

    def _standard_value(self, node: Node, scope: _Scope) -> bool:
        return node.integer("op") != _CURRENT_SCHEMA

    def _operator(self, node: Node, scope: _Scope) -> bool:
        return self._operator_gives_value(node) and self._all_arguments(node, scope)

    def _operator_gives_value(self, node: Node) -> bool:
        operator = self._lookups.operator(node.integer("opno"))
        if operator is None or node.flag("opretset"):
            return False
        if operator.builtin:
            return builtins.operator_gives_value(
                operator.name, operator.left_type, operator.right_type
            )
        function = self._lookups.function(operator.function)
        known = function and builtins.known_as(function.signature)
        return known in builtins.STRICT

    def _function(self, node: Node, scope: _Scope) -> bool:
        function = self._lookups.function(node.integer("funcid"))
        if function is None or node.flag("funcretset") or node.flag("funcvariadic"):
            return False
        signature = builtins.known_as(function.signature)
        if not function.builtin:
            return (
                ": " in signature
                and signature in builtins.STRICT
                and self._all_arguments(node, scope)
            )
        if signature in builtins.ALWAYS:
            return True
        arguments = node.nodes("args")
        if signature in builtins.FIRST_ONLY:
            return self._value(arguments[0], scope)
        is_cast = node.integer("funcformat") in _CASTS
        gives_value = (
            builtins.cast_gives_value(signature)
            if is_cast
            else signature in builtins.STRICT
        )
        return gives_value and self._values(arguments, scope)

    def _array_operator(self, node: Node, scope: _Scope) -> bool:
        """Prove ``x = ANY (…)`` and IN, where no element can be NULL."""
        value, array = node["args"]
        return (
            self._operator_gives_value(node)
            and self._value(value, scope)
            and isinstance(array, Node)
            and array.tag == "ARRAYEXPR"
            and not array.flag("multidims")
            and self._values(array.nodes("elements"), scope)
        )

    def _aggregate(self, node: Node, scope: _Scope) -> bool:
        function = self._lookups.function(node.integer("aggfnoid"))
        around = scope.up(node.integer("agglevelsup"))
        if function is None or not function.builtin or around is None:
            return False
        if function.signature in builtins.COUNTS:
            return True
        query = around.query
        has_rows = query.get("groupClause") and not query.get("groupingSets")
        if not has_rows or node.get("aggfilter") or node["aggkind"] != "n":
            return False
        if function.signature in builtins.COLLECTING:
            return True
        name = function.signature.partition("(")[0]
        values = [each["expr"] for each in node.nodes("args")]
        return (
            name in builtins.SUMMARIES
            and bool(values)
            and self._value(values[0], scope)
        )

    def _window_function(self, node: Node, scope: _Scope) -> bool:
        function = self._lookups.function(node.integer("winfnoid"))
        if function is None or not function.builtin:
            return False
        if function.signature in builtins.COUNTS:
            return True
        if function.signature in builtins.RANKS:
            return self._all_arguments(node, scope)
        if node.get("aggfilter") or not _frame_has_row(node, scope.query):
            return False
        if function.signature in builtins.COLLECTING:
            return True
        name = function.signature.partition("(")[0]
        hands_on = function.signature in builtins.ENDS or name in builtins.SUMMARIES
        values = node.nodes("args")
        return hands_on and bool(values) and self._value(values[0], scope)

    def _subquery(self, node: Node, scope: _Scope) -> bool:
        kind, query = node.integer("subLinkType"), node["subselect"]
        if kind in {_EXISTS, _ARRAY}:
            return True
        if kind == _SCALAR:
            return gives_one_row(query) and self._column(query, 1, scope)
        test = node.get("testexpr")
        return (
            kind == _ANY
            and isinstance(test, Node)
            and test.tag == "OPEXPR"
            and self._operator_gives_value(test)
            and self._value(test["args"][0], scope)
            and self._column(query, 1, scope)
        )


def visible_targets(query: Node) -> list[Any]:
    """Return the entries that become columns of a query's result."""
    selects = query.integer("commandType") == _SELECT
    entries = query.nodes("targetList" if selects else "returningList")
    return [entry for entry in entries if not entry.flag("resjunk")]


def gives_one_row(query: Node) -> bool:
    """Tell whether a query gives a row in every case."""
    if (
        query.integer("commandType") != _SELECT
        or query.flag("hasTargetSRFs")
        or any(
            query.get(label)
            for label in (
                "setOperations",
                "groupClause",
                "groupingSets",
                "havingQual",
                "limitCount",
                "limitOffset",
            )
        )
    ):
        return False
    source = query["jointree"]
    return query.flag("hasAggs") or not (source.get("fromlist") or source.get("quals"))


def is_builtin(oid: str | None) -> bool:
    """Tell whether an object came with PostgreSQL itself."""
    return oid is not None and int(oid) < FIRST_NORMAL


def type_of(node: Node) -> str | None:
    """Return the number of an expression's type, where its node has one."""
    if node.tag in _BOOLEAN:
        return "16"
    return next((node[label] for label in _TYPES if label in node), None)


def _own_join(number: int, query: Node) -> int:
    """Return the join that a variable belongs to: what it merges tells its NULLs."""
    return number if query["rtable"][number - 1].integer("rtekind") == _JOIN else 0


def _shows_row(variable: Node, query: Node) -> bool:
    """Tell whether ``old`` or ``new`` in RETURNING stands for a row in every case."""
    kind, command = variable.integer("varreturningtype"), query.integer("commandType")
    if command == _UPDATE:
        return True
    if kind == _NEW:
        return command == _INSERT
    return kind == _OLD and command == _DELETE


def _frame_has_row(node: Node, query: Node) -> bool:
    """Tell whether a window function's frame holds at least the current row."""
    for window in query.nodes("windowClause"):
        if window["winref"] == node["winref"]:
            options = window.integer("frameOptions")
            return bool(
                options & _STARTS and options & _ENDS and not options & _EXCLUDES
            )
    return False


_RULES = {
    "VAR": Prover._variable,
    "CONST": Prover._constant,
    "RELABELTYPE": Prover._argument,
    "COERCEVIAIO": Prover._argument,
    "ARRAYCOERCEEXPR": Prover._argument,
    "CONVERTROWTYPEEXPR": Prover._argument,
    "COLLATEEXPR": Prover._argument,
    "NAMEDARGEXPR": Prover._argument,
    "COERCETODOMAIN": Prover._to_domain,
    "COALESCEEXPR": Prover._any_argument,
    "MINMAXEXPR": Prover._any_argument,
    "BOOLEXPR": Prover._all_arguments,
    "CASEEXPR": Prover._case,
    "NULLTEST": Prover._always,
    "BOOLEANTEST": Prover._always,
    "DISTINCTEXPR": Prover._always,
    "ARRAYEXPR": Prover._always,
    "ROWEXPR": Prover._always,
    "GROUPINGFUNC": Prover._always,
    "NEXTVALUEEXPR": Prover._always,
    "MERGESUPPORTFUNC": Prover._always,
    "SQLVALUEFUNCTION": Prover._standard_value,
    "OPEXPR": Prover._operator,
    "FUNCEXPR": Prover._function,
    "SCALARARRAYOPEXPR": Prover._array_operator,
    "AGGREF": Prover._aggregate,
    "WINDOWFUNC": Prover._window_function,
    "SUBLINK": Prover._subquery,
}
