"""From what EXPLAIN says in JSON to nodes, and to the shape that a baseline keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from drystone.review.plans.plan import PlanNode

# What a node tests or orders by, and how it is introduced; Filter comes last.
CONDITIONS = {
    "Index Cond": "",
    "Recheck Cond": "",
    "TID Cond": "",
    "Order By": "order by ",
    "Hash Cond": "",
    "Merge Cond": "",
    "Join Filter": "join filter ",
    "One-Time Filter": "once ",
    "Sort Key": "by ",
    "Group Key": "by ",
    "Filter": "filter ",
}

_STRATEGIES = {
    "Sorted": "GroupAggregate",
    "Hashed": "HashAggregate",
    "Mixed": "MixedAggregate",
}
_OWN_WORD = {"SetOp": "Command", "ModifyTable": "Operation"}
_APPENDS = {"Append", "Merge Append"}

# How the catalog is read is PostgreSQL's affair, and changes with each new schema.
_CATALOG = "pg_catalog."

# A partition and its indexes go by the names of what they are parts of.
_PARTS = """
SELECT
    n.nspname,
    c.relname,
    rn.nspname || '.' || r.relname,
    r.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS r ON r.oid = pg_catalog.pg_partition_root(c.oid)
JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
WHERE c.relispartition
"""


@dataclass(frozen=True, slots=True)
class Partitions:
    """The tables and the indexes that partitions belong to, by the partitions'."""

    tables: Mapping[str, str] = field(default_factory=dict)
    indexes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: Connection[Any]) -> Partitions:
        """Read them from the catalog of a database."""
        rows = connection.execute(_PARTS).fetchall()
        return cls(
            {f"{schema}.{name}": root for schema, name, root, _ in rows},
            {(schema, name): alone for schema, name, _, alone in rows},
        )


def read_node(plan: Mapping[str, Any], texts: Sequence[Mapping[str, str]]) -> PlanNode:
    """Read a node and all below it.

    ``texts`` are the conditions to show, for each node in the order of the document, by
    their names in EXPLAIN.
    """
    return _read(plan, iter(texts))


def documents(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the document of a node, and of all below it, top first."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from documents(below)


def conditions(plan: Mapping[str, Any]) -> dict[str, str]:
    """Return a node's conditions as they are in the document."""
    return {
        name: ", ".join(text) if isinstance(text, list) else str(text)
        for name in CONDITIONS
        if (text := plan.get(name)) is not None
    }


def shape(root: PlanNode, partitions: Partitions) -> str:
    """Return the plan's shape: a line a node, without figures or conditions."""
    return "\n".join(_lines(root, partitions, 0))


def _read(plan: Mapping[str, Any], texts: Iterator[Mapping[str, str]]) -> PlanNode:
    shown = next(texts)
    loops = int(plan.get("Actual Loops", 1))
    executed = "Actual Rows" in plan
    removed = [
        plan[key] for key in plan if key.startswith("Rows Removed by") and executed
    ]
    table = plan.get("Relation Name")
    schema = plan.get("Schema")
    condition = "; ".join(
        f"{word}{shown[name]}" for name, word in CONDITIONS.items() if name in shown
    )
    return PlanNode(
        type=_type(plan),
        relation=f"{schema}.{table}" if schema and table else table,
        alias=plan.get("Alias"),
        index=plan.get("Index Name"),
        condition=condition or None,
        # A node that never ran is estimated for one time.
        estimated_rows=float(plan["Plan Rows"]) * max(loops, 1),
        actual_rows=plan["Actual Rows"] * loops if executed else None,
        loops=loops,
        milliseconds=(
            plan["Actual Total Time"] * loops if "Actual Total Time" in plan else None
        ),
        cost=float(plan["Total Cost"]),
        buffers_hit=plan.get("Shared Hit Blocks"),
        buffers_read=plan.get("Shared Read Blocks"),
        children=tuple(_read(below, texts) for below in plan.get("Plans", ())),
        label=_label(plan),
        removed_rows=float(sum(removed) * loops) if removed else None,
        spilled=_spilled(plan),
    )


def _type(plan: Mapping[str, Any]) -> str:
    name: str = plan["Node Type"]
    if name == "Aggregate":
        name = _STRATEGIES.get(plan.get("Strategy", ""), name)
        partial = plan.get("Partial Mode", "Simple")
        return name if partial == "Simple" else f"{name} ({partial})"
    if name in _OWN_WORD:
        return str(plan.get(_OWN_WORD[name], name))
    join = plan.get("Join Type", "Inner")
    if join != "Inner":
        return f"{name} ({join})"
    if plan.get("Scan Direction") == "Backward":
        return f"{name} (Backward)"
    source = plan.get("CTE Name") or plan.get("Function Name")
    return f"{name} {source}" if source else name


def _label(plan: Mapping[str, Any]) -> str | None:
    name = plan.get("Subplan Name")
    if name is None:
        return None
    # InitPlan 1 (returns $0), in versions before 17.
    return str(name).partition(" (")[0]


def _spilled(plan: Mapping[str, Any]) -> int | None:
    """Return the blocks that this node, without those below it, wrote to disk."""
    if plan.get("Temp Written Blocks") is None:
        return None
    below = sum(
        int(each.get("Temp Written Blocks", 0)) for each in plan.get("Plans", ())
    )
    return max(int(plan["Temp Written Blocks"]) - below, 0)


def _lines(node: PlanNode, partitions: Partitions, depth: int) -> Iterator[str]:
    parts = [child for child in node.children if child.relation in partitions.tables]
    if node.type in _APPENDS and len(parts) == len(node.children) > 0:
        yield from dict.fromkeys(_line(each, partitions, depth) for each in parts)
        return
    read = {each.relation for each in node.walk() if each.relation}
    if read and all(name.startswith(_CATALOG) for name in read):
        name = f"{node.label}: " if node.label else ""
        yield f"{'  ' * depth}{name}Reads {', '.join(sorted(read))}"
        return
    yield _line(node, partitions, depth)
    for child in node.children:
        yield from _lines(child, partitions, depth + 1)


def _line(node: PlanNode, partitions: Partitions, depth: int) -> str:
    relation, index = node.relation, node.index
    if relation is not None and relation in partitions.tables:
        schema = relation.partition(".")[0]
        index = partitions.indexes.get((schema, index), index) if index else None
        relation = partitions.tables[relation]
    return "".join(
        (
            "  " * depth,
            f"{node.label}: " if node.label else "",
            node.type,
            f" using {index}" if index else "",
            f" on {relation}" if relation else "",
        )
    )
