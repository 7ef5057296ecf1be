"""What stands above what: tables and passing lines, in each column of a picture."""

from __future__ import annotations

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

# Room above and below a table, and around a line that passes a column.
MARGIN, LANE = 13.0, 8.0

_SWEEPS = 12

# How many pixels of line a crossing is worth.
_CROSSING = 40

# A line that passes tables is straightened first: a wire counts this much more for
# each of its ends that is a lane.
_STRAIGHT = 3.0


@dataclass(frozen=True, slots=True)
class Pin:
    """Where a line meets an item: its offset below the item's top, and the side.

    An item is a table or a lane, by number. The side is that of the channel: -1 for
    the column on its left, 1 for that on its right.
    """

    item: int
    offset: float
    side: int


@dataclass(frozen=True, slots=True)
class Wire:
    """A line's part within a channel, from the referenced table's end on.

    Channel k lies right of column k. Wires of one net lead to the same table and share
    their trunk.
    """

    net: tuple[int, int]
    channel: int
    root: Pin
    pin: Pin


@dataclass(frozen=True, slots=True)
class _End:
    """A wire as one of its items sees it."""

    own: Pin
    other: Pin
    weight: float


def arrange(
    columns: Sequence[Sequence[int]],
    heights: Sequence[float],
    wires: Iterable[Wire],
    *,
    tables: int,
) -> list[float]:
    """Return each item's top, margins included, so that few lines cross.

    Sweeps over the columns, sorts each by where its lines would like it, and puts its
    items as near to there as their order and heights allow; the best sweep is kept.
    Items from number ``tables`` on are lanes.
    """
    wires = tuple(wires)
    order = [list(each) for each in columns]
    tops = [0.0] * len(heights)
    for items in order:
        _stack(items, [0.0] * len(items), tops, heights, [1.0] * len(items))
    ends = _ends(wires, tables)
    weights = {
        item: max(1.0, sum(end.weight for end in ends[item]))
        for item in range(len(heights))
    }
    best, best_cost = list(tops), _cost(wires, tops)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        # The last sweeps heed both sides, to straighten what the first have sorted.
        sides = {-1, 1} if sweep >= _SWEEPS // 2 else {1 if forward else -1}
        for items in order if forward else reversed(order):
            wanted = {item: _wanted(item, ends[item], sides, tops) for item in items}
            items.sort(key=lambda item: (wanted[item] + heights[item] / 2, item))
            _stack(
                items,
                [wanted[item] for item in items],
                tops,
                heights,
                [weights[item] for item in items],
            )
        cost = _cost(wires, tops)
        if cost < best_cost:
            best, best_cost = list(tops), cost
    return best


def _ends(wires: Iterable[Wire], tables: int) -> dict[int, list[_End]]:
    ends: defaultdict[int, list[_End]] = defaultdict(list)
    for wire in wires:
        root, pin = wire.root, wire.pin
        if root.item != pin.item:
            weight = _STRAIGHT ** ((root.item >= tables) + (pin.item >= tables))
            ends[root.item].append(_End(root, pin, weight))
            ends[pin.item].append(_End(pin, root, weight))
    return ends


def _wanted(
    item: int, ends: Sequence[_End], sides: set[int], tops: Sequence[float]
) -> float:
    """Return the top at which an item's lines would be straight, on the average."""
    heeded = [each for each in ends if each.own.side in sides]
    if not heeded:
        return tops[item]
    return fmean(
        [
            tops[each.other.item] + each.other.offset - each.own.offset
            for each in heeded
        ],
        [each.weight for each in heeded],
    )


def _stack(
    items: Sequence[int],
    wanted: Sequence[float],
    tops: list[float],
    heights: Sequence[float],
    weights: Sequence[float],
) -> None:
    """Put items in their order, without overlap, with the least squared distance.

    Isotonic regression by pooling adjacent violators, on tops less the heights before.
    """
    pools: list[tuple[float, float, int]] = []
    before = 0.0
    for item, wish, weight in zip(items, wanted, weights, strict=True):
        mean, total, size = wish - before, weight, 1
        while pools and pools[-1][0] > mean:
            other, mass, many = pools.pop()
            mean = (mean * total + other * mass) / (total + mass)
            total, size = total + mass, size + many
        pools.append((mean, total, size))
        before += heights[item]
    means = [mean for mean, _, size in pools for _ in range(size)]
    before = 0.0
    for item, mean in zip(items, means, strict=True):
        tops[item] = mean + before
        before += heights[item]


def _cost(wires: Sequence[Wire], tops: Sequence[float]) -> float:
    length = 0.0
    channels: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for wire in wires:
        root = tops[wire.root.item] + wire.root.offset
        pin = tops[wire.pin.item] + wire.pin.offset
        length += abs(root - pin)
        if wire.root.side != wire.pin.side:
            ends = (root, pin) if wire.root.side < 0 else (pin, root)
            channels[wire.channel].append(ends)
    return length + _CROSSING * sum(map(_crossings, channels.values()))


def _crossings(lines: list[tuple[float, float]]) -> int:
    passed: list[float] = []
    count = 0
    for _, right in sorted(lines):
        count += len(passed) - bisect(passed, right)
        insort(passed, right)
    return count
