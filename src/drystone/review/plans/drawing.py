"""A plan drawn as a tree of lines, for a terminal of any width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from drystone.review.plans.plan import PlanNode

_HEADERS = ("rows", "expected", "ms")
_COLUMN = 10
_NARROWEST = 24


def draw(root: PlanNode, *, width: int) -> list[str]:
    """Return the lines: the tree at the left, figures at the right.

    No line is wider than ``width``, if that is at least 60.
    """
    room = max(width - _COLUMN * len(_HEADERS), _NARROWEST)
    heading = _row("", _HEADERS, room)
    return [heading, *_node(root, "", "", room)]


def title(node: PlanNode) -> str:
    """Return what a node is and what it works on."""
    return "".join(
        (
            f"{node.label}: " if node.label else "",
            node.type,
            f" using {node.index}" if node.index else "",
            f" on {node.relation}" if node.relation else "",
        )
    )


def main_scan(root: PlanNode) -> str:
    """Return the scan of a table that costs most."""
    scans = [each for each in root.walk() if "Scan" in each.type and each.relation]
    if not scans:
        return ""
    top = max(scans, key=lambda each: (each.milliseconds or 0, each.cost))
    bitmaps = [each for each in top.walk() if each.type == "Bitmap Index Scan"]
    indexes = [each.index for each in (top, *bitmaps) if each.index]
    return f"{top.type} {', '.join(indexes[:2]) or top.relation}"


def _node(node: PlanNode, first: str, rest: str, room: int) -> Iterator[str]:
    below = rest + ("│  " if node.children else "   ")
    names = _wrapped(title(node), first, below, room)
    yield _row(names[0], _figures(node), room)
    yield from names[1:]
    for text in filter(None, (node.condition, _more(node))):
        yield from _wrapped(text, below, below, room)
    for place, child in enumerate(node.children, 1):
        last = place == len(node.children)
        yield from _node(
            child,
            rest + ("└─ " if last else "├─ "),
            rest + ("   " if last else "│  "),
            room,
        )


def _wrapped(text: str, first: str, rest: str, room: int) -> list[str]:
    width = max(room - 1, len(rest) + _NARROWEST)
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, tabsize=1
    ) or [first]


def _more(node: PlanNode) -> str:
    parts = (
        f"{node.loops:,} loops" if node.loops > 1 else "",
        f"{node.removed_rows:,.0f} rows filtered out" if node.removed_rows else "",
        f"{node.spilled:,} blocks to disk" if node.spilled else "",
    )
    return ", ".join(part for part in parts if part)


def _figures(node: PlanNode) -> Sequence[str]:
    return (
        "" if node.actual_rows is None else f"{node.actual_rows:,.0f}",
        f"{node.estimated_rows:,.0f}",
        "" if node.milliseconds is None else f"{node.milliseconds:,.2f}",
    )


def _row(text: str, figures: Sequence[str], room: int) -> str:
    cells = "".join(f"{figure:>{_COLUMN}}" for figure in figures)
    return f"{text:<{room}}{cells}".rstrip()
