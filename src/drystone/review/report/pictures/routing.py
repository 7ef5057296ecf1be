"""Lines between tables: through channels between columns, on lanes past tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from drystone.review.report.pictures.ordering import LANE, Pin, Wire

Net = tuple[int, int]

# Distance of a channel's outermost lines from the tables, and from one another.
_MARGIN, _TRACK = 24.0, 10.0
_EMPTY = 48.0

# Lines that meet one side of one row are this far apart.
_SPREAD = 6.0

# Two lines nearer than this look like one.
_NEAR = 4.0


@dataclass(frozen=True, slots=True)
class Link:
    """A reference between two tables, by number; where it starts and ends on them."""

    child: int
    parent: int
    start: float
    end: float


@dataclass(slots=True)
class Wiring:
    """All lines in parts: each link's wires, and the lanes in each column."""

    chains: list[list[Wire]] = field(default_factory=list)
    lanes: dict[tuple[Net, int], int] = field(default_factory=dict)

    @property
    def wires(self) -> Sequence[Wire]:
        """Each wire once, though links of one net share it."""
        return list(dict.fromkeys(wire for chain in self.chains for wire in chain))


def wire(links: Sequence[Link], column: Sequence[int], margin: float) -> Wiring:
    """Take each link apart, from the referenced table through each channel.

    A lane is an item numbered after the tables. ``margin`` is what an item keeps free
    above its table.
    """
    wiring = Wiring()
    spread = _spread(links, column)
    for index, link in enumerate(links):
        start, end = column[link.parent], column[link.child]
        step = 1 if end >= start else -1
        net = (link.parent, step)
        root = Pin(link.parent, margin + link.end + spread["net", *net], -step)
        chain = []
        for passed in range(start + step, end, step) if start != end else ():
            lane = wiring.lanes.setdefault(
                (net, passed), len(column) + len(wiring.lanes)
            )
            chain.append(Wire(net, _between(passed, step), root, Pin(lane, LANE, step)))
            root = Pin(lane, LANE, -step)
        channel = _between(end, step) if start != end else end
        side = step if start != end else -1
        offset = margin + link.start + spread["link", index, 0]
        chain.append(Wire(net, channel, root, Pin(link.child, offset, side)))
        wiring.chains.append(chain)
    return wiring


def _between(reached: int, step: int) -> int:
    """Return the channel before the column reached."""
    return reached - 1 if step > 0 else reached


def _spread(
    links: Sequence[Link], column: Sequence[int]
) -> Mapping[tuple[str, int, int], float]:
    """Return by how much each line moves where several meet a row's side."""
    meeting: defaultdict[tuple[int, int, float], dict[tuple[str, int, int], None]]
    meeting = defaultdict(dict)
    for index, link in enumerate(links):
        start, end = column[link.parent], column[link.child]
        step = 1 if end >= start else -1
        meeting[link.parent, step, link.end]["net", link.parent, step] = None
        side = 1 if start == end else -step
        meeting[link.child, side, link.start]["link", index, 0] = None
    return {
        key: (place - (len(keys) - 1) / 2) * min(_SPREAD, 14 / len(keys))
        for keys in meeting.values()
        for place, key in enumerate(keys)
    }


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel's width, and each net's track in it, as a distance from its left."""

    width: float
    tracks: Mapping[Net, float]


def channels(
    wires: Iterable[Wire], tops: Sequence[float], count: int
) -> Sequence[Channel]:
    """Give each net that turns in a channel a track, so that few lines cross.

    The last channel, right of all columns, is as wide as its tracks need.
    """
    met: list[dict[Net, set[tuple[float, int]]]] = [{} for _ in range(count)]
    for each in wires:
        ends = met[each.channel].setdefault(each.net, set())
        ends.update((tops[pin.item] + pin.offset, pin.side) for pin in _pins(each))
    return [_channel(nets, last=index == count - 1) for index, nets in enumerate(met)]


def _pins(each: Wire) -> tuple[Pin, Pin]:
    return each.root, each.pin


def _channel(nets: Mapping[Net, set[tuple[float, int]]], *, last: bool) -> Channel:
    spans = {
        net: (min(y for y, _ in ends), max(y for y, _ in ends))
        for net, ends in nets.items()
    }
    turning = [net for net in sorted(nets) if spans[net][0] != spans[net][1]]
    order = _ordered(turning, nets, spans)
    track: dict[Net, int] = {}
    for net in order:
        low, high = spans[net]
        track[net] = max(
            (
                track[other] + 1
                for other in track
                if spans[other][0] - _NEAR < high and low < spans[other][1] + _NEAR
            ),
            default=0,
        )
    tracks = max(track.values(), default=-1) + 1
    if last:
        width = _MARGIN + tracks * _TRACK if tracks else 0.0
        return Channel(width, {net: _MARGIN + at * _TRACK for net, at in track.items()})
    width = max(_EMPTY, 2 * _MARGIN + (tracks - 1) * _TRACK) if nets else _EMPTY
    first = (width - (tracks - 1) * _TRACK) / 2
    return Channel(width, {net: first + at * _TRACK for net, at in track.items()})


def _ordered(
    nets: Sequence[Net],
    ends: Mapping[Net, set[tuple[float, int]]],
    spans: Mapping[Net, tuple[float, float]],
) -> list[Net]:
    """Sort nets from left to right by insertion, where each crosses least."""
    order: list[Net] = []
    for net in nets:
        left = [_crossed(other, net, ends, spans) for other in order]
        right = [_crossed(net, other, ends, spans) for other in order]
        costs = [sum(left[:at]) + sum(right[at:]) for at in range(len(order) + 1)]
        order.insert(min(range(len(costs)), key=costs.__getitem__), net)
    return order


def _crossed(
    left: Net,
    right: Net,
    ends: Mapping[Net, set[tuple[float, int]]],
    spans: Mapping[Net, tuple[float, float]],
) -> int:
    """Count what crosses, or runs upon each other, if one is left of the other."""
    coming = [y for y, side in ends[right] if side < 0]
    going = [y for y, side in ends[left] if side > 0]
    return (
        sum(spans[left][0] <= y <= spans[left][1] for y in coming)
        + sum(spans[right][0] <= y <= spans[right][1] for y in going)
        + 20 * sum(abs(one - other) < _NEAR for one in coming for other in going)
    )


def route(
    chain: Sequence[Wire],
    tops: Sequence[float],
    tracks: Sequence[Channel],
    edges: Sequence[tuple[float, float]],
) -> Sequence[tuple[float, float]]:
    """Return a link's corners from the referenced table to the referencing row.

    ``edges`` are the left and right of each column.
    """
    points: list[tuple[float, float]] = []
    for each in chain:
        root, pin = (tops[at.item] + at.offset for at in _pins(each))
        left = edges[each.channel][1]
        track = left + tracks[each.channel].tracks.get(each.net, 0.0)
        if not points:
            points.append((_side(each.root, each.channel, edges), root))
        if root != pin or each.root.side == each.pin.side:
            points += [(track, root), (track, pin)]
    points.append((_side(chain[-1].pin, chain[-1].channel, edges), pin))
    return _straight(points)


def _side(pin: Pin, channel: int, edges: Sequence[tuple[float, float]]) -> float:
    return edges[channel][1] if pin.side < 0 else edges[channel + 1][0]


def _straight(
    points: Sequence[tuple[float, float]],
) -> Sequence[tuple[float, float]]:
    """Leave out points in the middle of a line."""
    kept = [points[0]]
    for (x, y), (next_x, next_y) in pairwise(points[1:]):
        before_x, before_y = kept[-1]
        if not (before_x == x == next_x or before_y == y == next_y):
            kept.append((x, y))
    return [*kept, points[-1]]
