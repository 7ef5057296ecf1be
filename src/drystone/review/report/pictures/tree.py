"""A tidy tree: subtrees as near to each other as their outlines allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Branch:
    """A node by number, with what hangs below it, first to last."""

    node: int
    children: Sequence[Branch] = ()


def tidy(root: Branch) -> list[tuple[float, int]]:
    """Return each node's place: across, in node widths from the left, and its depth.

    No two nodes of a depth are less than one width apart, and siblings keep their
    order. A node stands straight above its largest child, so that a long chain of
    joins is a straight line with its scans beside it. Nodes are numbered top first.
    """
    sizes: dict[int, int] = {}
    offsets: dict[int, float] = {}
    _outline(root, sizes, offsets)
    places: dict[int, tuple[float, int]] = {}
    waiting = [(root, 0.0, 0)]
    while waiting:
        branch, across, depth = waiting.pop()
        places[branch.node] = (across, depth)
        waiting += [
            (child, across + offsets[child.node], depth + 1)
            for child in branch.children
        ]
    left = min(across for across, _ in places.values())
    return [(places[node][0] - left, places[node][1]) for node in sorted(places)]


def _outline(
    branch: Branch, sizes: dict[int, int], offsets: dict[int, float]
) -> list[tuple[float, float]]:
    """Return the leftmost and rightmost place at each depth, seen from the branch."""
    together: list[tuple[float, float]] = []
    starts = []
    for child in branch.children:
        outline = _outline(child, sizes, offsets)
        shift = max(
            (
                right + 1 - left
                for (_, right), (left, _) in zip(together, outline, strict=False)
            ),
            default=0.0,
        )
        starts.append(shift)
        moved = [(left + shift, right + shift) for left, right in outline]
        together = [
            (min(one[0], other[0]), max(one[1], other[1]))
            for one, other in zip(together, moved, strict=False)
        ] + (together[len(moved) :] or moved[len(together) :])
    sizes[branch.node] = 1 + sum(sizes[child.node] for child in branch.children)
    heavy = max(
        range(len(starts)),
        key=lambda at: (sizes[branch.children[at].node], -at),
        default=None,
    )
    middle = starts[heavy] if heavy is not None else 0.0
    for child, start in zip(branch.children, starts, strict=True):
        offsets[child.node] = start - middle
    return [(0.0, 0.0), *((left - middle, right - middle) for left, right in together)]
