"""Tables beside each other that no condition joins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.inspected import Inspected, conjuncts, references
from drystone.review.lint.queries.scopes import Relation, Scope, level, owner
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import pb

IMPLICIT_CROSS_JOIN = Rule(
    "implicit-cross-join",
    Severity.ERROR,
    "Tables beside each other that no condition joins give every pair of their rows",
    "Add the condition that joins them, or write CROSS JOIN where every pair is meant.",
)

RULES = (IMPLICIT_CROSS_JOIN,)


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find two tables of a FROM, parted by a comma, that nothing joins."""
    for scope in inspected.scopes:
        groups = _joined(scope, inspected.schema)
        for one, other in list(combinations(groups, 2))[:1]:
            relation = max(one[0], other[0], key=scope.relations.index)
            yield inspected.finding(
                IMPLICIT_CROSS_JOIN,
                relation.node,
                f"nothing joins {one[0].table} and {other[0].table}: each row of the "
                "one comes with every row of the other",
            )


def _joined(scope: Scope, schema: Schema) -> list[list[Relation]]:
    """Return the tables of a level by what joins them; none where that is unsure."""
    groups = [[each] for each in _beside(scope)]
    if len(groups) < 2 or any(each[0].table not in schema.tables for each in groups):
        return []
    for condition in conjuncts(scope.node.where_clause):
        if any(isinstance(each, pb.SubLink) for each in level(condition)):
            return []
        owners = [owner(scope, ref, schema) for ref in references(condition)]
        if None in owners:
            return []
        linked = [group for group in groups if any(each in owners for each in group)]
        groups = [group for group in groups if group not in linked]
        if linked:
            groups.append([each for group in linked for each in group])
    return groups


def _beside(scope: Scope) -> list[Relation]:
    """Return the relations that commas part; none where there are others, too."""
    node = scope.node
    if not isinstance(node, pb.SelectStmt | pb.UpdateStmt | pb.DeleteStmt):
        return []
    sources: list[Any] = list(
        node.using_clause if isinstance(node, pb.DeleteStmt) else node.from_clause
    )
    plain = all(source.HasField("range_var") for source in sources)
    return scope.relations if plain else []
