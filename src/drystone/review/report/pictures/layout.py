"""Where everything in an entity-relationship picture stands, in pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from drystone.review.report.pictures.boxes import Box
from drystone.review.report.pictures.columns import choose_columns
from drystone.review.report.pictures.ordering import LANE, MARGIN, arrange
from drystone.review.report.pictures.routing import Link, channels, route, wire

WIDTH = 1400.0

# How much wider than that a picture may be before it gets fewer columns.
_TOLERATED = 1.2

# A column may always grow to this height before tables move to the next.
_TALL = 620.0

# Room between two tables side by side, with lines between them.
_BESIDE = 84.0

# Room between groups of tables that no reference connects.
_APART = 36.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's box stands: its top left corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Places by table, lines by link (from the referenced table on), and the size."""

    places: Sequence[Place]
    lines: Sequence[Sequence[Point]]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Group:
    """A laid out part: its tables and links by number, from a corner of its own."""

    places: dict[int, Place]
    lines: dict[int, Sequence[Point]]
    width: float
    height: float


def lay_out(boxes: Sequence[Box], links: Sequence[Link]) -> Layout:
    """Place all tables: connected ones in columns, others in a grid at the end.

    Equal input gives equal output. No two boxes overlap. The picture is about 1400
    pixels wide, more only where the lines need it.
    """
    members = _groups(len(boxes), links)
    groups = [_columns(each, boxes, links) for each in members if len(each) > 1]
    alone = [table for each in members if len(each) == 1 for table in each]
    if alone:
        groups.append(_grid(alone, boxes, links))
    return _pack(groups, len(boxes), len(links))


def _groups(count: int, links: Sequence[Link]) -> list[list[int]]:
    """Return the tables that references connect, largest group first."""
    beside: defaultdict[int, set[int]] = defaultdict(set)
    for link in links:
        beside[link.child].add(link.parent)
        beside[link.parent].add(link.child)
    seen: set[int] = set()
    groups = []
    for table in range(count):
        if table in seen:
            continue
        group, waiting = {table}, [table]
        while waiting:
            new = beside[waiting.pop()] - group
            group |= new
            waiting += new
        seen |= group
        groups.append(sorted(group))
    return sorted(groups, key=lambda group: (-len(group), group))


def _columns(
    tables: Sequence[int], boxes: Sequence[Box], links: Sequence[Link]
) -> _Group:
    """Lay out tables that are connected."""
    number = {table: index for index, table in enumerate(tables)}
    within = [index for index, link in enumerate(links) if link.child in number]
    own = [
        Link(number[each.child], number[each.parent], each.start, each.end)
        for each in (links[index] for index in within)
    ]
    heights = [boxes[table].height + 2 * MARGIN for table in tables]
    usual = sum(boxes[table].width for table in tables) / len(tables) + _BESIDE
    most = max(1, min(len(tables), int((WIDTH + _BESIDE) / usual)))
    pairs = [(each.child, each.parent) for each in own]
    numbered = dict(zip(within, own, strict=True))
    # Many lines between columns take more room than usual: then fewer columns.
    for limit in range(most, 0, -1):
        column = choose_columns(heights, pairs, limit=limit, tall=_TALL)
        group = _placed(tables, boxes, column, numbered)
        if group.width <= WIDTH * _TOLERATED:
            break
    return group


def _placed(
    tables: Sequence[int],
    boxes: Sequence[Box],
    column: Sequence[int],
    links: dict[int, Link],
) -> _Group:
    """Order, place and connect tables whose columns are known."""
    wiring = wire(list(links.values()), column, MARGIN)
    heights = [boxes[table].height + 2 * MARGIN for table in tables]
    heights += [2 * LANE] * len(wiring.lanes)
    stacks: list[list[int]] = [[] for _ in range(max(column) + 1)]
    for table, at in enumerate(column):
        stacks[at].append(table)
    for (_, at), lane in wiring.lanes.items():
        stacks[at].append(lane)
    tops = arrange(stacks, heights, wiring.wires, tables=len(tables))
    shift = min(tops) + MARGIN
    tops = [round(top - shift) for top in tops]
    tracks = channels(wiring.wires, tops, len(stacks))
    widest = [0.0] * len(stacks)
    for table, at in zip(tables, column, strict=True):
        widest[at] = max(widest[at], boxes[table].width)
    edges, x = [], 0.0
    for wide, channel in zip(widest, tracks, strict=True):
        edges.append((x, x + wide))
        x += wide + channel.width
    places = {
        table: Place(
            edges[at][0],
            tops[index] + MARGIN,
            edges[at][1] - edges[at][0],
            boxes[table].height,
        )
        for index, (table, at) in enumerate(zip(tables, column, strict=True))
    }
    lines = {
        link: route(chain, tops, tracks, edges)
        for link, chain in zip(links, wiring.chains, strict=True)
    }
    bottoms = [top + height for top, height in zip(tops, heights, strict=True)]
    return _Group(places, lines, x, max(bottoms) - MARGIN)


def _grid(tables: Sequence[int], boxes: Sequence[Box], links: Sequence[Link]) -> _Group:
    """Place tables that stand alone, each in the column that is shortest so far."""
    loops = {link.child for link in links}
    gap = _BESIDE if loops & set(tables) else _APART
    widest = max(boxes[table].width for table in tables)
    count = max(1, min(len(tables), int((WIDTH + gap) / (widest + gap))))
    bottoms = [0.0] * count
    places: dict[int, Place] = {}
    for table in tables:
        at = bottoms.index(min(bottoms))
        box = boxes[table]
        places[table] = Place(at * (widest + gap), bottoms[at], widest, box.height)
        bottoms[at] += box.height + 2 * MARGIN
    lines: dict[int, Sequence[Point]] = {}
    for table in loops & set(tables):
        own = {index: each for index, each in enumerate(links) if each.child == table}
        alone = {index: Link(0, 0, each.start, each.end) for index, each in own.items()}
        group = _placed([table], boxes, [0], alone)
        dx = places[table].x + widest - boxes[table].width
        lines |= {
            index: [(x + dx, y + places[table].y) for x, y in line]
            for index, line in group.lines.items()
        }
    width = count * (widest + gap) - gap + (_BESIDE / 2 if lines else 0)
    return _Group(places, lines, width, max(bottoms) - 2 * MARGIN)


def _pack(groups: Sequence[_Group], tables: int, links: int) -> Layout:
    """Put groups beside one another while they fit, then below."""
    places = [Place(0, 0, 0, 0)] * tables
    lines: list[Sequence[Point]] = [()] * links
    left = top = tall = wide = 0.0
    for group in groups:
        if left and left + group.width > WIDTH:
            left, top, tall = 0.0, top + tall + _APART, 0.0
        for table, at in group.places.items():
            places[table] = Place(at.x + left, at.y + top, at.width, at.height)
        for link, line in group.lines.items():
            lines[link] = [(x + left, y + top) for x, y in line]
        wide, tall = max(wide, left + group.width), max(tall, group.height)
        left += group.width + 2 * _APART
    return Layout(places, lines, wide, top + tall)
