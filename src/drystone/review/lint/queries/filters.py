"""The conditions on one relation of a query, as an index would have to serve them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import postgast

from drystone.review.lint.queries.inspected import conditions, operator, references
from drystone.review.lint.queries.scopes import (
    Relation,
    Scope,
    owner,
    unwrapped,
)
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import expression, parts, pb, type_name

_BUILT_IN = "pg_catalog"
_ROW = "VALUES ({})"
_ORDERED = {"=", "<", ">", "<=", ">="}
_LIKE = {"~~", "~~*"}
_TEXTS = {"text", "character varying"}
_UNDERSTOOD = {
    pb.AEXPR_OP,
    pb.AEXPR_OP_ANY,
    pb.AEXPR_IN,
    pb.AEXPR_BETWEEN,
    pb.AEXPR_LIKE,
    pb.AEXPR_ILIKE,
}
_PER_ROW = {pb.EXPR_SUBLINK, pb.ARRAY_SUBLINK}


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a column or on an expression of one relation.

    ``text`` is what is filtered and ``condition`` the whole, without qualifiers.
    ``ordered`` operators are a B-tree's; ``selective`` ones compare with a value that
    is fixed for the whole level. ``wildcard`` begins its pattern with one, ``strict``
    lets no NULL pass, and ``literal`` compares with what the file says. A
    ``join`` compares with what other relations of the level have.
    """

    node: Any
    text: str
    condition: str
    ordered: bool
    selective: bool
    wildcard: bool
    strict: bool
    literal: bool
    join: bool = False


def read_filters(
    scope: Scope, relation: Relation, schema: Schema
) -> list[Filter] | None:
    """Return the filters of a relation; None where one of them is not understood."""
    found = []
    for condition in conditions(scope):
        if not _mentions(scope, condition, relation, schema):
            if _is_doubtful(scope, condition, schema):
                return None
            continue
        read = _filter(scope, condition, relation, schema)
        if read is None:
            return None
        found.append(read)
    return found


def ordered_by(scope: Scope, relation: Relation, schema: Schema) -> str | None:
    """Return what a list that LIMIT cuts is ordered by first, if it is this relation's.

    Of ``embedding <=> $1`` that is the column: the index knows the distances.
    """
    node = scope.node
    if not (isinstance(node, pb.SelectStmt) and node.HasField("limit_count")):
        return None
    for each in list(node.sort_clause)[:1]:
        value = _output(node, unwrapped(each.sort_by.node))
        if isinstance(value, pb.A_Expr) and operator(value) not in _ORDERED:
            value = _side(scope, value, relation, schema) or value
        if _mentions(scope, value, relation, schema):
            return normal(value)
    return None


def _output(select: Any, value: Any) -> Any:
    """Return the expression that a column of the result is the name of."""
    if isinstance(value, pb.ColumnRef) and len(value.fields) == 1:
        for target in select.target_list:
            if target.res_target.name == value.fields[0].string.sval:
                return unwrapped(target.res_target.val)
    return value


def parse_condition(text: str) -> Any:
    """Parse an index's predicate, which comes without its WHERE."""
    tree = postgast.parse(_ROW.format(text or "true"))
    select = tree.stmts[0].stmt.select_stmt
    return select.values_lists[0].list.items[0]


def normal(node: Any) -> str:
    """Return an expression as text to compare: unqualified columns and functions.

    A column alone is its name without quotes, as indexes have it.
    """
    if isinstance(node, pb.ColumnRef) and node.fields[-1].HasField("string"):
        return str(node.fields[-1].string.sval)
    copied = type(node)()
    copied.CopyFrom(node)
    for _, each in postgast.walk(copied):
        if isinstance(each, pb.ColumnRef):
            del each.fields[:-1]
        elif isinstance(each, pb.FuncCall) and parts(each.funcname)[0] == _BUILT_IN:
            del each.funcname[:-1]
    wrapper = pb.Node()
    getattr(wrapper, _FIELDS[type(node).__name__]).CopyFrom(copied)
    return expression(wrapper)


# The field of the parser's wrapper that holds each kind of node.
_FIELDS = {
    each.message_type.name: each.name
    for each in pb.Node.DESCRIPTOR.fields
    if each.message_type is not None
}


def _filter(
    scope: Scope, node: Any, relation: Relation, schema: Schema
) -> Filter | None:
    if isinstance(node, pb.NullTest | pb.ColumnRef | pb.BooleanTest):
        return _neutral(node)
    if isinstance(node, pb.BoolExpr) and node.boolop == pb.NOT_EXPR:
        return _neutral(node)
    if not isinstance(node, pb.A_Expr) or node.kind not in _UNDERSTOOD:
        return None
    side = _side(scope, node, relation, schema)
    # Of $1 = ANY (…) and $1 IN (…), any of several columns may be the one.
    is_any = node.kind in (pb.AEXPR_OP_ANY, pb.AEXPR_IN)
    if side is None or (is_any and side != unwrapped(node.lexpr)):
        return None
    name = "BETWEEN" if node.kind == pb.AEXPR_BETWEEN else operator(node)
    other = node.rexpr if side == unwrapped(node.lexpr) else node.lexpr
    ordered = name in _ORDERED or name == "BETWEEN"
    wildcard = name in _LIKE and _begins_with_wildcard(unwrapped(other))
    fixed = _is_fixed(scope, other, schema)
    return Filter(
        node=node,
        text=normal(_bare(side, relation, schema)),
        condition=normal(node),
        ordered=ordered or (name in _LIKE and not wildcard),
        selective=(ordered or wildcard) and fixed,
        wildcard=wildcard,
        strict=ordered or name in _LIKE,
        literal=name == "=" and _is_literal(unwrapped(other)),
        join=not fixed,
    )


def _neutral(node: Any) -> Filter:
    """Return a condition that asks for no index by itself."""
    text = normal(node)
    return Filter(
        node, text, text, False, False, False, isinstance(node, pb.ColumnRef), True
    )


def _side(scope: Scope, node: Any, relation: Relation, schema: Schema) -> Any:
    """Return the only side of an operator that names columns of the relation."""
    sides = [
        unwrapped(each)
        for each in (node.lexpr, node.rexpr)
        if _mentions(scope, each, relation, schema)
    ]
    return sides[0] if len(sides) == 1 else None


def _bare(node: Any, relation: Relation, schema: Schema) -> Any:
    """Return what an index would hold: no cast that changes nothing, no row of it."""
    if isinstance(node, pb.RowExpr):
        return unwrapped(node.args[0])
    if not isinstance(node, pb.TypeCast):
        return node
    inner = unwrapped(node.arg)
    if not isinstance(inner, pb.ColumnRef) or node.type_name.array_bounds:
        return node
    columns = schema.tables[relation.table or ""].columns
    column = columns.get(inner.fields[-1].string.sval)
    cast = type_name(node.type_name)
    if column is not None and (cast == column.type or {cast, column.type} <= _TEXTS):
        return inner
    return node


def _mentions(scope: Scope, node: Any, relation: Relation, schema: Schema) -> bool:
    message = unwrapped(node) if isinstance(node, pb.Node) else node
    if message is None:
        return False
    return any(owner(scope, each, schema) is relation for each in references(message))


def _is_doubtful(scope: Scope, node: Any, schema: Schema) -> bool:
    """Tell whether a condition has a column that may be anybody's."""
    return any(owner(scope, each, schema) is None for each in references(node))


def _is_fixed(scope: Scope, node: Any, schema: Schema) -> bool:
    """Tell whether a value is the same for all rows that a level reads.

    The outer query's columns are, where a subquery is run for each of its rows.
    """
    found = [owner(scope, each, schema) for each in references(unwrapped(node))]
    per_row = scope.link is not None and scope.link.sub_link_type in _PER_ROW
    return not found or (
        per_row and all(each and each not in scope.relations for each in found)
    )


def _begins_with_wildcard(node: Any) -> bool:
    while isinstance(node, pb.A_Expr) and operator(node) == "||":
        node = unwrapped(node.lexpr)
    while isinstance(node, pb.TypeCast):
        node = unwrapped(node.arg)
    return isinstance(node, pb.A_Const) and node.sval.sval.startswith(("%", "_"))


def _is_literal(node: Any) -> bool:
    while isinstance(node, pb.TypeCast):
        node = unwrapped(node.arg)
    return isinstance(node, pb.A_Const)
