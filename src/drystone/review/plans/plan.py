"""A query's plan: its nodes, what it cost, and what about it deserves a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drystone.errors import Location


class Concern(StrEnum):
    """What a plan can be flagged for."""

    SEQUENTIAL_SCAN = "sequential scan of a big table"
    NO_INDEX = "no index serves the filter"
    MISESTIMATE = "rows misestimated"
    SPILL = "written to disk"


@dataclass(frozen=True, slots=True)
class Flag:
    """One concern, in a sentence that names table, condition and figures."""

    concern: Concern
    message: str


@dataclass(frozen=True, slots=True)
class PlanNode:
    """A node as EXPLAIN shows it; times in milliseconds, rows in all loops together.

    ``actual_rows``, ``milliseconds`` and the buffers (in blocks, with the children's)
    are None where the query was only planned.
    """

    type: str
    relation: str | None
    alias: str | None
    index: str | None
    condition: str | None
    estimated_rows: float
    actual_rows: float | None
    loops: int
    milliseconds: float | None
    cost: float
    buffers_hit: int | None
    buffers_read: int | None
    children: Sequence[PlanNode] = ()
    # What the node is to the one above it, as "CTE nearest" or "SubPlan 1".
    label: str | None = None
    # Rows that were read and then kept back by the filter, in all loops together.
    removed_rows: float | None = None
    # Blocks that a sort, a hash or a CTE wrote because memory did not hold it.
    spilled: int | None = None

    def walk(self) -> Iterator[PlanNode]:
        """Yield this node and all below it, top first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A named query's plan.

    ``shape`` is what a baseline keeps: node types, tables and indexes, a line each,
    indented, without figures. Where there is no plan, ``missing`` says why; where the
    query was planned but not executed, ``not_executed`` does. ``server`` is the
    major version of PostgreSQL; ``data`` says where the rows came from,
    and ``empty`` names tables of the plan that no rows could be made for.
    """

    name: str
    location: Location
    root: PlanNode | None = None
    shape: str = ""
    flags: Sequence[Flag] = ()
    milliseconds: float | None = None
    missing: str | None = None
    not_executed: str | None = None
    server: int | None = None
    data: str | None = None
    empty: Sequence[str] = ()
