"""What named queries get wrong, seen beside the schema they are for."""

from __future__ import annotations

from collections.abc import Sequence

from drystone.queries.reading.files import Area
from drystone.review.lint.findings import Finding, Rule
from drystone.review.lint.queries import (
    indexes,
    joins,
    nulls,
    paging,
    privileges,
    qualification,
    stars,
    writing,
)
from drystone.review.lint.queries.inspected import Counts, inspect
from drystone.review.lint.schema.model import Schema

__all__ = ["RULES", "lint_queries"]

_MODULES = (writing, joins, nulls, stars, privileges, indexes, paging, qualification)

RULES: tuple[Rule, ...] = tuple(rule for module in _MODULES for rule in module.RULES)


def lint_queries(
    areas: Sequence[Area],
    schema: Schema,
    *,
    service_role: str | None,
    sizes: Counts | None = None,
) -> list[Finding]:
    """Lint the queries of some files against the schema that the migrations make.

    Grants are looked at where a role is named, indexes on tables whose size is known
    to be big. The findings come by file and line.
    """
    inspected = [
        inspect(query, schema, role=service_role, sizes=sizes)
        for area in areas
        for query in area.queries
    ]
    findings = [
        finding
        for query in inspected
        for module in _MODULES
        for finding in module.check(query)
    ]
    # An expression that sets several columns is read once for each of them.
    found = dict.fromkeys(findings)
    return sorted(found, key=lambda each: (each.location.file, each.location.line))
