"""Which column of the picture each table stands in, referenced tables first."""

from __future__ import annotations

from collections.abc import Sequence

# What one reference costs that stays in its column, or that points to the right.
_SIDEWAYS = 1.5

# How many pixels above a column's fair share cost as much as a column of detour.
_OVERLOAD = 40.0

_SWEEPS = 20


def ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return each table's distance from those that reference nothing.

    Pairs are of a referencing and a referenced table. In a cycle the table that waits
    for the fewest others, and is waited for by the most, goes first.
    """
    parents: list[set[int]] = [set() for _ in range(count)]
    children: list[set[int]] = [set() for _ in range(count)]
    for child, parent in pairs:
        if child != parent:
            parents[child].add(parent)
            children[parent].add(child)
    waiting = [len(each) for each in parents]
    rank, left = [0] * count, set(range(count))
    while left:
        table = min(left, key=lambda each: (waiting[each], -len(children[each]), each))
        left.remove(table)
        for child in children[table] & left:
            waiting[child] -= 1
            rank[child] = max(rank[child], rank[table] + 1)
    return rank


def choose_columns(
    heights: Sequence[float],
    pairs: Sequence[tuple[int, int]],
    *,
    limit: int,
    tall: float,
) -> list[int]:
    """Return each table's column: short references to the left, columns of like height.

    Starts from the ranks and moves one table at a time while that makes the picture
    better; ``limit`` is the most columns, ``tall`` a height that is always fair.
    Columns are numbered without holes.
    """
    rank = ranks(len(heights), pairs)
    column = [min(each, limit - 1) for each in rank]
    fair = max(tall, sum(heights) / limit * 1.1)
    filled = [0.0] * limit
    for table, height in enumerate(heights):
        filled[column[table]] += height
    linked: list[list[tuple[int, bool]]] = [[] for _ in heights]
    for child, parent in pairs:
        if child != parent:
            linked[child].append((parent, True))
            linked[parent].append((child, False))

    def cost(table: int, place: int) -> float:
        spans = sum(
            _detour(place - column[other] if is_child else column[other] - place)
            for other, is_child in linked[table]
        )
        return spans + max(0.0, filled[place] + heights[table] - fair) / _OVERLOAD

    for _ in range(_SWEEPS):
        moved = False
        for table, height in enumerate(heights):
            here = column[table]
            filled[here] -= height
            costs = [cost(table, place) for place in range(limit)]
            best = min(range(limit), key=lambda place: (round(costs[place], 6), place))
            if costs[best] < costs[here] - 1e-6:
                column[table], moved = best, True
            filled[column[table]] += height
        if not moved:
            break
    used = sorted(set(column))
    return [used.index(each) for each in column]


def _detour(span: int) -> float:
    return span - 1 if span >= 1 else _SIDEWAYS - span
