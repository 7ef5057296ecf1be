"""Filters on big tables that no index serves."""

from __future__ import annotations

from collections.abc import Iterator

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.filters import (
    Filter,
    normal,
    ordered_by,
    parse_condition,
    read_filters,
)
from drystone.review.lint.queries.inspected import Inspected, conjuncts
from drystone.review.lint.queries.scopes import Relation, Scope
from drystone.review.lint.schema.model import Index, Table
from drystone.review.lint.schema.names import column_references, pb

FILTER_WITHOUT_INDEX = Rule(
    "filter-without-index",
    Severity.WARNING,
    "A filter on a big table that no index serves reads the whole table",
    "Create an index that starts with the filter's column or expression, CONCURRENTLY; "
    "or write the filter as an index has it: without a cast or a function around the "
    "column.",
)
LEADING_WILDCARD = Rule(
    "leading-wildcard-like",
    Severity.WARNING,
    "LIKE '%…' reads the whole table: a B-tree knows how values begin",
    "Create a GIN index of trigrams on the column, with the extension pg_trgm: USING "
    "gin (… gin_trgm_ops).",
)

RULES = (FILTER_WITHOUT_INDEX, LEADING_WILDCARD)

# Below, a table is read in some ten milliseconds, and an index is not missed.
BIG_ROWS = 100_000
# Of a partitioned one, the files do not tell which filters leave partitions out.
_STORED = {"table", "partition", "materialized view"}


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find the filters without an index, on tables that are known to be big."""
    for scope in inspected.scopes:
        for relation in scope.relations:
            table = inspected.schema.tables.get(relation.table or "")
            if table is None or table.kind not in _STORED or not table.known:
                continue
            if inspected.rows(table.name) >= BIG_ROWS:
                yield from _unserved(inspected, scope, relation, table)


def _unserved(
    inspected: Inspected, scope: Scope, relation: Relation, table: Table
) -> Iterator[Finding]:
    filters = read_filters(scope, relation, inspected.schema)
    selective = [each for each in filters or () if each.selective]
    if not filters or not selective:
        return
    if not _is_led(inspected, scope, relation):
        filters = [each for each in filters if not each.join]
    order = ordered_by(scope, relation, inspected.schema)
    if any(_serves(index, filters, order) for index in table.indexes.values()):
        return
    listed = " or ".join(dict.fromkeys(each.text for each in selective))
    if all(each.wildcard for each in selective):
        rule = LEADING_WILDCARD
        message = f"no index of {table.name} finds what {listed} contains"
    else:
        rule = FILTER_WITHOUT_INDEX
        message = f"no index of {table.name} starts with {listed}"
    yield inspected.finding(rule, selective[0].node, message, table=table.name)


def _is_led(inspected: Inspected, scope: Scope, relation: Relation) -> bool:
    """Tell whether a join may begin at another relation, at few of its rows."""
    if scope.link is not None and scope.parent and _ends_early(scope.parent):
        return True
    for other in scope.relations:
        if other is relation:
            continue
        if inspected.rows(other.table) < BIG_ROWS:
            return True
        filters = read_filters(scope, other, inspected.schema)
        if filters is None or any(each.selective for each in filters):
            return True
    return False


def _ends_early(scope: Scope) -> bool:
    """Tell whether a subquery is asked for a few rows of this one only."""
    return isinstance(scope.node, pb.SelectStmt) and scope.node.HasField("limit_count")


def _serves(index: Index, filters: list[Filter], order: str | None) -> bool:
    """Tell whether an index may spare reading the table; in doubt, it does."""
    if index.predicate is not None:
        return _may_imply(filters, index)
    elements = _elements(index)
    if not elements:
        return True
    if index.method not in ("btree", "hash"):
        return order in elements or any(each.text in elements for each in filters)
    return order == elements[0] or any(
        each.text == elements[0] and each.ordered and not each.wildcard
        for each in filters
    )


def _elements(index: Index) -> list[str]:
    expressions = iter(index.expressions)
    return [
        column if column is not None else next(expressions, "")
        for column in index.columns
    ]


def _may_imply(filters: list[Filter], index: Index) -> bool:
    """Tell whether a query may be inside a partial index.

    A predicate is implied by the same condition; a parameter may turn out to imply it.
    """
    texts = {each.condition for each in filters}
    present = {each.text for each in filters if each.strict}
    open_ended = {each.text for each in filters if not each.literal}
    return all(
        part in texts
        or part.removesuffix(" IS NOT NULL") in present
        or bool(used & open_ended)
        for part, used in _predicate(index)
    )


def _predicate(index: Index) -> Iterator[tuple[str, set[str]]]:
    for each in conjuncts(parse_condition(index.predicate or "")):
        yield normal(each), set(column_references(each))
