"""Tables that a query finds by its search_path alone."""

from __future__ import annotations

from collections.abc import Iterator

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.inspected import Inspected
from drystone.review.lint.schema.names import local

UNQUALIFIED_TABLE = Rule(
    "unqualified-table",
    Severity.WARNING,
    "A table without its schema is found by search_path, or another one is",
    "Write the schema before the name.",
)

RULES = (UNQUALIFIED_TABLE,)


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find names without a schema whose table the migrations make in one."""
    tables = inspected.schema.tables
    for scope in inspected.scopes:
        for relation in scope.relations:
            table = relation.table
            written = getattr(relation.node, "schemaname", table)
            if table is None or written or table in tables:
                continue
            homes = [name for name in tables if local(name) == local(table)]
            if homes:
                yield inspected.finding(
                    UNQUALIFIED_TABLE,
                    relation.node,
                    f"{local(table)} is {' or '.join(homes)} only if search_path says "
                    "so",
                )
