"""SELECT *: a result that changes with the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.inspected import Inspected
from drystone.review.lint.queries.scopes import Scope, is_star, unwrapped
from drystone.review.lint.schema.names import parts, pb

SELECT_STAR = Rule(
    "select-star",
    Severity.WARNING,
    "A star returns whatever columns the table has on that day",
    "List the columns: then a new one changes no caller, and one that is dropped is "
    "found before the release.",
)

RULES = (SELECT_STAR,)


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find the stars that stand for a table's columns; EXISTS asks for none."""
    for scope in inspected.scopes:
        if scope.link and scope.link.sub_link_type == pb.EXISTS_SUBLINK:
            continue
        for value in _targets(scope):
            if not is_star(value):
                continue
            if tables := _covered(scope, value):
                listed = " and ".join(tables)
                yield inspected.finding(
                    SELECT_STAR, value, f"the star stands for all columns of {listed}"
                )


def _targets(scope: Scope) -> Iterator[Any]:
    node = scope.node
    targets = (
        node.target_list
        if isinstance(node, pb.SelectStmt)
        else node.returning_clause.exprs
    )
    return (unwrapped(target.res_target.val) for target in targets)


def _covered(scope: Scope, star: Any) -> list[str]:
    """Return the tables whose columns a star stands for."""
    of = ".".join(parts(list(star.fields)[:-1]))
    return [
        each.table
        for each in scope.relations
        if each.table is not None
        and (of in (each.name, each.table) if of else each.name != "excluded")
    ]
