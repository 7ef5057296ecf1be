"""NOT IN beside a NULL: the answer is never true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.inspected import (
    Inspected,
    conditions,
    operator,
)
from drystone.review.lint.queries.scopes import (
    Attribute,
    Scope,
    attribute,
    level,
    owner,
    unwrapped,
)
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import parts, pb

NOT_IN_NULLABLE = Rule(
    "not-in-nullable",
    Severity.ERROR,
    "NOT IN is never true as soon as there is a NULL in its list",
    "Use NOT EXISTS (SELECT FROM … WHERE …), which is also planned better, or leave "
    "the NULLs out: WHERE … IS NOT NULL.",
)

RULES = (NOT_IN_NULLABLE,)

_STRICT = {"=", "<>", "<", ">", "<=", ">=", "~~", "~~*", "!~~", "!~~*"}
_COMPARING = {pb.AEXPR_OP, pb.AEXPR_IN, pb.AEXPR_LIKE, pb.AEXPR_ILIKE}
# Their rows are computed; what they can be is not known from the files.
_COMPUTED = {"view", "materialized view"}


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find NOT IN and <> ALL over a column that can be NULL, or a NULL itself."""
    for scope in inspected.scopes:
        for link in filter(None, map(_negated, level(scope.node))):
            inner = next(each for each in scope.children if each.link == link)
            yield from _subquery(inspected, link, inner)
        for node in level(scope.node):
            if isinstance(node, pb.A_Expr) and _lists_null(node):
                yield inspected.finding(
                    NOT_IN_NULLABLE, node, "the list holds NULL, so NOT IN never holds"
                )


def _negated(node: Any) -> Any:
    """Return the SubLink of ``NOT IN (SELECT …)`` or ``<> ALL (SELECT …)``."""
    kind, operators = pb.ALL_SUBLINK, [["<>"]]
    if isinstance(node, pb.BoolExpr) and node.boolop == pb.NOT_EXPR:
        node, kind, operators = unwrapped(node.args[0]), pb.ANY_SUBLINK, [[], ["="]]
    if not isinstance(node, pb.SubLink) or node.sub_link_type != kind:
        return None
    return node if parts(node.oper_name) in operators else None


def _subquery(inspected: Inspected, node: Any, scope: Scope) -> Iterator[Finding]:
    schema = inspected.schema
    if not isinstance(scope.node, pb.SelectStmt):
        return
    for target in scope.node.target_list:
        value = unwrapped(target.res_target.val)
        if not isinstance(value, pb.ColumnRef):
            continue
        found = attribute(scope, value, schema)
        if found is None or not _can_be_null(found):
            continue
        if not _is_filtered(scope, value, schema):
            name = f"{found.table.name}.{found.column.name}"
            why = "by the outer join" if found.column.not_null else "in this table"
            yield inspected.finding(
                NOT_IN_NULLABLE,
                node,
                f"{name} can be NULL {why}; one NULL, and no row passes this condition",
            )


def _can_be_null(found: Attribute) -> bool:
    if found.table.kind in _COMPUTED:
        return False
    return found.optional or not found.column.not_null


def _is_filtered(scope: Scope, value: Any, schema: Schema) -> bool:
    """Tell whether the subquery lets no NULL through, at any of its levels."""
    while True:
        found = attribute(scope, value, schema)
        for ref in _proven(scope):
            proven = attribute(scope, ref, schema)
            if found is None or proven is None or proven.relation is not found.relation:
                continue
            # A value in any column shows that the outer join found a row.
            if proven.column is found.column or found.column.not_null:
                return True
        inner = _origin(scope, value, schema)
        if inner is None:
            return False
        scope, value = inner


def _origin(scope: Scope, value: Any, schema: Schema) -> tuple[Scope, Any] | None:
    relation = owner(scope, value, schema)
    if relation is None or relation.columns is None:
        return None
    return relation.columns.get(value.fields[-1].string.sval)


def _proven(scope: Scope) -> Iterator[Any]:
    """Yield the columns that are not NULL in any row that passes."""
    for condition in conditions(scope):
        if isinstance(condition, pb.NullTest):
            if condition.nulltesttype == pb.IS_NOT_NULL:
                yield from _column(condition.arg)
        elif isinstance(condition, pb.A_Expr) and _is_strict(condition):
            yield from _column(condition.lexpr)
            yield from _column(condition.rexpr)


def _is_strict(node: Any) -> bool:
    if node.kind == pb.AEXPR_BETWEEN:
        return True
    return node.kind in _COMPARING and operator(node) in _STRICT


def _column(node: Any) -> Iterator[Any]:
    value = unwrapped(node)
    while isinstance(value, pb.TypeCast):
        value = unwrapped(value.arg)
    if isinstance(value, pb.ColumnRef):
        yield value


def _lists_null(node: Any) -> bool:
    """Tell whether it is ``NOT IN (…, NULL, …)``."""
    if node.kind != pb.AEXPR_IN or operator(node) != "<>":
        return False
    return any(
        isinstance(unwrapped(each), pb.A_Const) and each.a_const.isnull
        for each in node.rexpr.list.items
    )
