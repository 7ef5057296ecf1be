"""A plan's figures: what each node took by itself, how far its estimate was off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drystone.review.plans.plan import PlanNode

# An estimate this many times too high or too low is marked.
MISESTIMATE = 10.0

SEQUENTIAL = frozenset({"Seq Scan", "Parallel Seq Scan"})


@dataclass(frozen=True, slots=True)
class Figures:
    """A node's figures; own is what it took without its children, share of all that.

    Both are of time, or of the planner's cost where the plan was not executed.
    """

    depth: int
    node: PlanNode
    own: float
    share: float

    @property
    def executed(self) -> bool:
        """Whether there are times and actual rows."""
        return self.node.milliseconds is not None

    @property
    def never(self) -> bool:
        """Whether the query ran, but never came to this node."""
        return self.executed and self.node.loops == 0

    @property
    def off(self) -> float | None:
        """How many times more (or, below 1, less) rows there were than estimated.

        None where the query or, as below a join without outer rows, the node did not
        run.
        """
        if self.node.actual_rows is None or self.never:
            return None
        return max(self.node.actual_rows, 1.0) / max(self.node.estimated_rows, 1.0)

    @property
    def misestimated(self) -> str | None:
        """The misestimate in words, where it is large."""
        off = self.off
        if off is None or 1 / MISESTIMATE < off < MISESTIMATE:
            return None
        times = f"{number(off)} times" if off >= 1 else f"1/{number(1 / off)} of"
        return f"rows {times} the estimate"

    @property
    def sequential(self) -> bool:
        """Whether the node reads a whole table."""
        return self.node.type in SEQUENTIAL

    @property
    def table(self) -> str:
        """The table, with its alias where that is another name."""
        table, alias = self.node.relation or "", self.node.alias or ""
        return f"{table} {alias}".strip() if alias != _last(table) else table

    @property
    def index(self) -> str:
        """The index, as EXPLAIN introduces it."""
        return f"using {self.node.index}" if self.node.index else ""

    @property
    def subject(self) -> str:
        """Table and index, as in EXPLAIN."""
        return f"{self.table} {self.index}".strip()

    @property
    def rows(self) -> str:
        """Estimated and actual rows."""
        estimated, actual = self.node.estimated_rows, self.node.actual_rows
        if self.never:
            return f"{rows(estimated)}, never run"
        if actual is None:
            return f"≈ {rows(estimated)}"
        return f"{number(estimated)} → {rows(actual)}"

    @property
    def spent(self) -> str:
        """Own time or cost, with its share."""
        share = f"{self.share:.0%}"
        if self.executed:
            return f"{number(self.own)} ms, {share}"
        return f"cost {number(self.own)}, {share}"


def figures(root: PlanNode) -> Sequence[Figures]:
    """Return every node's figures, top first.

    Children that ran beside their parent may sum to more than it: then it took
    nothing by itself.
    """
    nodes: list[tuple[int, PlanNode]] = []
    waiting = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        nodes.append((depth, node))
        waiting += [(depth + 1, child) for child in reversed(node.children)]
    own = [
        max(0.0, _spent(node) - sum(map(_spent, node.children))) for _, node in nodes
    ]
    total = sum(own)
    return [
        Figures(depth, node, mine, mine / total if total else 0.0)
        for (depth, node), mine in zip(nodes, own, strict=True)
    ]


def number(value: float) -> str:
    """Return a figure to three digits: 0.04, 12.3, 1,200, 3.4 M."""
    for size, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    if value >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.01 else "0"


def rows(count: float) -> str:
    """Return a number of rows."""
    return f"{number(count)} row" + "s" * (count != 1)


def _spent(node: PlanNode) -> float:
    return node.cost if node.milliseconds is None else node.milliseconds


def _last(name: str) -> str:
    return name.rpartition(".")[2]
