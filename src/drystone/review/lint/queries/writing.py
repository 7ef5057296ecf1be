"""Statements that change every row of a table, meant or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.inspected import Inspected, operator
from drystone.review.lint.queries.scopes import unwrapped
from drystone.review.lint.schema.names import pb, qualified

UPDATE_WITHOUT_WHERE = Rule(
    "update-without-where",
    Severity.ERROR,
    "UPDATE without a condition changes every row",
    "Add a WHERE. A table that is to be changed as a whole is changed in batches, by a "
    "migration.",
)
DELETE_WITHOUT_WHERE = Rule(
    "delete-without-where",
    Severity.ERROR,
    "DELETE without a condition, or TRUNCATE, removes every row",
    "Add a WHERE. A table that is to be emptied is emptied by a migration.",
)

RULES = (UPDATE_WITHOUT_WHERE, DELETE_WITHOUT_WHERE)


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find the statements without a condition, also inside WITH."""
    for scope in inspected.scopes:
        node = scope.node
        if not isinstance(node, pb.UpdateStmt | pb.DeleteStmt):
            continue
        if _restricts(unwrapped(node.where_clause)):
            continue
        table = qualified(node.relation)
        if isinstance(node, pb.UpdateStmt):
            message = f"this changes every row of {table}"
            rule = UPDATE_WITHOUT_WHERE
        else:
            message = f"this removes every row of {table}"
            rule = DELETE_WITHOUT_WHERE
        yield inspected.finding(rule, node.relation, message, table=table)
    for relation in inspected.truncated:
        table = qualified(relation)
        yield inspected.finding(
            DELETE_WITHOUT_WHERE,
            relation,
            f"TRUNCATE removes every row of {table}, and locks out its readers",
            table=table,
        )


def _restricts(condition: Any) -> bool:
    """Tell whether a condition can be anything but true."""
    match condition:
        case None:
            return False
        case pb.A_Const():
            return not condition.boolval.boolval
        case pb.A_Expr() if operator(condition) == "=":
            left, right = unwrapped(condition.lexpr), unwrapped(condition.rexpr)
            return not (
                isinstance(left, pb.A_Const)
                and isinstance(right, pb.A_Const)
                and left.WhichOneof("val") == right.WhichOneof("val")
                and _value(left) == _value(right)
            )
    return True


def _value(constant: Any) -> Any:
    return getattr(constant, constant.WhichOneof("val"))
