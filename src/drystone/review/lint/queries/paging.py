"""LIMIT and OFFSET: which rows come, and what it costs to skip the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.indexes import BIG_ROWS
from drystone.review.lint.queries.inspected import Inspected
from drystone.review.lint.queries.scopes import Scope, unwrapped
from drystone.review.lint.schema.names import pb

LIMIT_WITHOUT_ORDER = Rule(
    "limit-without-order-by",
    Severity.WARNING,
    "LIMIT without ORDER BY returns any rows, others from day to day",
    "Add ORDER BY, ending in a unique column.",
)
OFFSET_PAGING = Rule(
    "offset-paging",
    Severity.NOTICE,
    "OFFSET reads all the rows that it skips",
    "Page by the last row that was shown: WHERE (date, id) > (:date, :id) ORDER BY "
    "date, id LIMIT …",
)

RULES = (LIMIT_WITHOUT_ORDER, OFFSET_PAGING)


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find lists cut at no defined place, and offsets into big tables."""
    for scope in inspected.top:
        node = scope.node
        if isinstance(node, pb.SelectStmt) and _is_cut_anywhere(scope):
            yield inspected.finding(
                LIMIT_WITHOUT_ORDER,
                node.limit_count,
                "which rows this LIMIT returns is not defined",
            )
    for scope in inspected.scopes:
        node = scope.node
        if not isinstance(node, pb.SelectStmt) or not node.HasField("limit_offset"):
            continue
        for relation in scope.relations:
            if inspected.rows(relation.table) >= BIG_ROWS:
                yield inspected.finding(
                    OFFSET_PAGING,
                    node.limit_offset,
                    f"each page reads all of {relation.table} that comes before it",
                    table=relation.table,
                )
                break


def _is_cut_anywhere(scope: Scope) -> bool:
    """Tell whether LIMIT cuts the rows of tables, of which there may be more."""
    node = scope.node
    if not node.HasField("limit_count") or node.sort_clause:
        return False
    if unwrapped(node.limit_count) == pb.A_Const(isnull=True):
        return False  # LIMIT ALL
    if not any(relation.table for relation in scope.relations):
        return False
    return bool(node.group_clause) or not any(
        _is_call(unwrapped(target.res_target.val)) for target in node.target_list
    )


def _is_call(value: Any) -> bool:
    """Tell whether a result may be an aggregate's, which is one row."""
    while isinstance(value, pb.TypeCast):
        value = unwrapped(value.arg)
    return isinstance(value, pb.FuncCall | pb.CoalesceExpr)
