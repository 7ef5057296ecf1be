"""The report's pictures: a system's tables, and the plans of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from markupsafe import Markup

from drystone.review.plans.plan import PlanNode
from drystone.review.report import addresses
from drystone.review.report.names import column_list
from drystone.review.report.pictures import (
    Entity,
    EntityColumn,
    Reference,
    draw_diagram,
    draw_plan,
)
from drystone.review.report.pictures.entities import Key
from drystone.review.report.tables import TableSheet

# PostgreSQL's own bookkeeping of a graph refers to nothing; nobody draws it.
_DRAWN = ("table", "foreign table")


def drawn_tables(tables: Sequence[TableSheet], *, root: str) -> Markup | None:
    """Return the picture of the tables that refer to each other; None without any.

    ``root`` leads from the page to the report's folder.
    """
    among = [each for each in tables if each.kind in _DRAWN]
    targets = {c.target for each in among for c in each.constraints if c.target}
    related = [
        each
        for each in among
        if each.shown_name in targets or any(c.target for c in each.constraints)
    ]
    if not related:
        return None
    return Markup(  # noqa: S704 - the picture escapes what it is made of
        draw_diagram(
            [_entity(each) for each in related],
            link=lambda name: root + addresses.table_page(name),
        )
    )


def drawn_plan(root: PlanNode) -> Markup:
    """Return the picture of a plan."""
    return Markup(draw_plan(root))  # noqa: S704 - as above


def _entity(table: TableSheet) -> Entity:
    listed: defaultdict[str, list[set[str]]] = defaultdict(list)
    for each in table.constraints:
        word = each.kind.partition(" ")[0]
        listed[word].append(set(column_list(each.definition)))
    nullable = {each.name for each in table.columns if each.nullable}
    unique = [*listed["primary"], *listed["unique"]]
    words: tuple[Key, ...] = ("primary", "foreign", "unique")
    columns = [
        EntityColumn(
            each.name,
            each.type,
            each.nullable,
            next((w for w in words if each.name in set().union(*listed[w])), None),
        )
        for each in table.columns
    ]
    references = [
        Reference(
            columns_of,
            each.target,
            optional=bool(nullable & set(columns_of)),
            unique=any(one <= set(columns_of) for one in unique),
        )
        for each in table.constraints
        if each.target is not None
        for columns_of in [column_list(each.definition)]
    ]
    return Entity(table.shown_name, columns, references, table.comment or None)
