"""What about a plan deserves a look, with the figures that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drystone.review.lint.sizes import Sizes
from drystone.review.plans.plan import Concern, Flag, PlanNode

MANY_ROWS = 10_000  # reading them one by one is felt
FEW_ROWS = 1_000  # a table that small needs no index
KEPT_SHARE = 0.1
WRONG_FACTOR = 10
WRONG_ROWS = 100

_SEQUENTIAL = "Seq Scan"
_FILTER = "filter "
_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan")
_JOINS = ("Nested Loop", "Hash Join", "Merge Join")
_FOUND = re.compile(r"\b(?:Init|Sub)Plan \d")
_QUALIFIER = re.compile(r"\b(\w+)\.")
# What may leave rows below it unread.
_STOPS_EARLY = ("Limit", "Merge Join", "Nested Loop (Semi)", "Nested Loop (Anti)")


@dataclass(frozen=True, slots=True)
class Tables:
    """How many rows the tables have: those at hand, and those of production."""

    here: Mapping[str, float] = field(default_factory=dict)
    there: Sizes = field(default_factory=Sizes)

    def rows(self, relation: str | None) -> float:
        """Return the rows of production's table, or else of the one at hand."""
        # A table without rows, as of a new database, says nothing.
        return self.there.rows(relation) or self.here.get(relation or "", 0)


def find_flags(
    root: PlanNode, without_scans: PlanNode | None, tables: Tables
) -> list[Flag]:
    """Return a plan's flags, each message once.

    ``without_scans`` is the plan that PostgreSQL makes when it must not read a table
    sequentially unless there is no other way.
    """
    aliases = frozenset(each.alias for each in root.walk() if each.alias)
    found = [
        *_sequential_scans(root, tables),
        *_missing_indexes(root, without_scans, tables),
        *_misestimates(root, aliases),
        *_spills(root),
    ]
    return list(dict.fromkeys(found))


def _sequential_scans(root: PlanNode, tables: Tables) -> Iterator[Flag]:
    for node in root.walk():
        share = _kept(node)
        if node.type != _SEQUENTIAL or share is None or share >= KEPT_SHARE:
            continue
        read, kept = _read(node), _rows(node)
        size = tables.there.get(node.relation)
        if size is not None and size.rows >= MANY_ROWS:
            yield Flag(
                Concern.SEQUENTIAL_SCAN,
                f"{node.relation} has {size}, and all are read to keep"
                f" {share:.1%} of them: {_filter(node)}",
            )
        elif read >= MANY_ROWS and tables.rows(node.relation) >= FEW_ROWS:
            yield Flag(
                Concern.SEQUENTIAL_SCAN,
                f"{read:,.0f} rows of {node.relation} are read to keep"
                f" {kept:,.0f}: {_filter(node)}",
            )


def _missing_indexes(
    root: PlanNode, without_scans: PlanNode | None, tables: Tables
) -> Iterator[Flag]:
    """Find the filters that are tested row by row even where that is discouraged."""
    if without_scans is None:
        return
    served = {
        (node.relation, node.alias) for node in without_scans.walk() if _serves(node)
    }
    for node in root.walk():
        share = _kept(node)
        if (
            node.type == _SEQUENTIAL
            and share is not None
            and share < KEPT_SHARE
            and tables.rows(node.relation) >= FEW_ROWS
            and (node.relation, node.alias) not in served
        ):
            yield Flag(
                Concern.NO_INDEX,
                f"no index of {node.relation} serves {_filter(node)}",
            )


def _serves(node: PlanNode) -> bool:
    """Tell whether an index finds rows here, rather than only yield all of them."""
    if node.type.startswith("Index"):
        return node.condition is not None and not node.condition.startswith(_FILTER)
    return node.type == "Bitmap Heap Scan"


def _misestimates(
    node: PlanNode, aliases: frozenset[str], *, cut_short: bool = False
) -> Iterator[Flag]:
    """Find where estimates first go wrong: not above a node that is wrong already."""
    nothing_to_join = any(
        child.type == "Hash" and not child.actual_rows for child in node.children
    )
    stops = cut_short or nothing_to_join or node.type.startswith(_STOPS_EARLY)
    below = [
        flag
        for child in node.children
        for flag in _misestimates(child, aliases, cut_short=stops)
    ]
    yield from below
    if not below and _is_wrong(node, aliases, cut_short=cut_short):
        actual = node.actual_rows or 0
        yield Flag(
            Concern.MISESTIMATE,
            f"{node.estimated_rows:,.0f} rows were expected of {_subject(node)},"
            f" and {actual:,.0f} came"
            + (f": {node.condition}" if node.condition else ""),
        )


def _is_wrong(node: PlanNode, aliases: frozenset[str], *, cut_short: bool) -> bool:
    if node.actual_rows is None or not node.loops:
        return False
    if not node.type.startswith((*_SCANS, *_JOINS)) or not _is_estimable(node, aliases):
        return False
    few, many = sorted((node.estimated_rows, node.actual_rows))
    if many - few < WRONG_ROWS or many < WRONG_FACTOR * max(few, 1):
        return False
    over = node.estimated_rows > node.actual_rows
    # A row a time is the least that is ever estimated.
    return not over or (not cut_short and node.estimated_rows > node.loops)


def _is_estimable(node: PlanNode, aliases: frozenset[str]) -> bool:
    """Tell whether statistics could have told: of tables, and of values given before.

    What another node has found, row by row or as an array, is only known on the way.
    """
    condition = node.condition or ""
    if node.relation and (
        not condition
        or node.loops > 1
        or _FOUND.search(condition)
        or {*_QUALIFIER.findall(condition)} & (aliases - {node.alias})
    ):
        return False
    leaves = [each for each in node.walk() if not each.children]
    return all(
        each.type == "Bitmap Index Scan"
        or (each.relation and not each.relation.startswith("pg_catalog."))
        for each in leaves
    )


def _spills(root: PlanNode) -> Iterator[Flag]:
    for node in root.walk():
        if node.spilled and not node.type.startswith(("Limit", "Subquery Scan")):
            size = node.spilled * 8 / 1024
            yield Flag(
                Concern.SPILL,
                f"{_subject(node)} wrote {size:.1f} MB to disk, as work_mem does not"
                " hold it",
            )


def _kept(node: PlanNode) -> float | None:
    """Return the share of the rows that a filter keeps; None if that is not known."""
    if node.condition is None or _FILTER not in node.condition:
        return None
    read = _read(node)
    return _rows(node) / read if read else None


def _read(node: PlanNode) -> float:
    return _rows(node) + (node.removed_rows or 0)


def _rows(node: PlanNode) -> float:
    return node.actual_rows if node.actual_rows is not None else 0


def _filter(node: PlanNode) -> str:
    return (node.condition or "").removeprefix(_FILTER)


def _subject(node: PlanNode) -> str:
    on = node.relation or ""
    tables: Sequence[str] = list(
        dict.fromkeys(each.relation for each in node.walk() if each.relation)
    )
    if not on and node.type.startswith(_JOINS):
        on = ", ".join(tables)
    return f"{node.type} of {on}" if on else node.type
