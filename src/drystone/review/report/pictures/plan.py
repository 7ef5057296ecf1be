"""A query's plan as a picture, and as text that says the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import log10

from drystone.review.plans.plan import PlanNode
from drystone.review.report.pictures import colours
from drystone.review.report.pictures.figures import Figures, figures, number, rows
from drystone.review.report.pictures.markup import (
    Font,
    bold,
    element,
    escaped,
    mono,
    path,
    sans,
)
from drystone.review.report.pictures.tree import Branch, tidy

__all__ = ["draw_plan", "plan_as_text"]

_WIDTH, _ACROSS, _DOWN, _EDGE = 256.0, 28.0, 34.0, 8.0
_PADDING, _BESIDE, _STRIPE = 14.0, 8.0, 5.0
_BAR, _TURN = 5.0, 9.0
_TITLE, _NAME, _TEXT = bold(13), mono(11), sans(11)
_MARK = bold(10.5)
_ROOM = _WIDTH - 2 * _PADDING

_LEGEND = 30.0
_EXECUTED = "Rows: estimated → actual. Bar: what the node took itself, of all time."
_PLANNED = "Rows: estimated. Bar: what the node costs itself, of the whole cost."


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    font: Font
    fill: str
    marked: bool = False
    end: str = ""

    @property
    def height(self) -> float:
        return 18.0 if self.marked else 16.0


def draw_plan(root: PlanNode) -> str:
    """Draw a plan as a tree, the result on top and what is read from tables below.

    A card's bar is the share of all time (of all cost, where the plan was not
    executed) that the node took by itself; a line is the thicker, the more rows go up.
    Misestimates and sequential scans are marked in words.
    """
    known = figures(root)
    cards = [_lines(each) for each in known]
    places = tidy(_branch(root, count()))
    heights = [
        _PADDING + 8 + sum(line.height for line in card) + 14 + _BAR for card in cards
    ]
    levels = [
        max(
            height
            for height, (_, at) in zip(heights, places, strict=True)
            if at == depth
        )
        for depth in range(max(depth for _, depth in places) + 1)
    ]
    tops = [sum(levels[:depth]) + _DOWN * depth for depth in range(len(levels) + 1)]
    corners = [(across * (_WIDTH + _ACROSS), tops[depth]) for across, depth in places]
    legend = _EXECUTED if known[0].executed else _PLANNED
    width = 2 * _EDGE + max(_TEXT.width(legend), max(x for x, _ in corners) + _WIDTH)
    height = tops[-1] - _DOWN + 2 * _EDGE + _LEGEND
    return element(
        "svg",
        element("title", escaped(_summary(known))),
        element("desc", escaped(plan_as_text(root))),
        element(
            "g",
            element("g", *_flows(known, corners, heights), class_="flows", opacity=0.5),
            *(
                _card(each, card, corner, size)
                for each, card, corner, size in zip(
                    known, cards, corners, heights, strict=True
                )
            ),
            _TEXT.draw(0, height - 2 * _EDGE - 4, legend, fill=colours.MUTED),
            transform=f"translate({_EDGE:g} {_EDGE:g})",
        ),
        xmlns="http://www.w3.org/2000/svg",
        class_="picture plan",
        role="img",
        width=width,
        height=height,
        viewBox=f"0 0 {width:g} {height:g}",
        fill=colours.INK,
    )


def plan_as_text(root: PlanNode) -> str:
    """Return a plan as indented text, a node a line, with every figure and mark."""
    return "\n".join("  " * each.depth + _sentence(each) for each in figures(root))


def _sentence(each: Figures) -> str:
    node = each.node
    subject = f" {'on ' if node.relation else ''}{each.subject}" if each.subject else ""
    expected = rows(node.estimated_rows)
    parts = [
        f"{expected} estimated, {number(node.actual_rows)} actual"
        if node.actual_rows is not None
        else f"{expected} estimated",
        f"{number(node.loops)} loops" if node.loops > 1 else None,
        "never run" if each.never else None,
        f"own {'time' if each.executed else 'cost'} {each.spent.removeprefix('cost ')}",
        _buffers(node),
        node.condition,
        "reads the whole table" if each.sequential else None,
        each.misestimated,
    ]
    said = f"{node.type}{subject}: " + "; ".join(part for part in parts if part)
    return " ".join(said.split())


def _buffers(node: PlanNode) -> str | None:
    if node.buffers_hit is None and node.buffers_read is None:
        return None
    return (
        f"{number(node.buffers_hit or 0)} blocks from memory, "
        f"{number(node.buffers_read or 0)} read"
    )


def _summary(known: Sequence[Figures]) -> str:
    top = known[0]
    what = (
        f"{number(top.node.milliseconds)} ms"
        if top.node.milliseconds is not None
        else f"cost {number(top.node.cost)}, not executed"
    )
    return f"Plan with {len(known)} nodes, {what}"


def _branch(node: PlanNode, numbers: count[int]) -> Branch:
    return Branch(
        next(numbers), tuple(_branch(child, numbers) for child in node.children)
    )


def _lines(each: Figures) -> list[_Line]:
    """Return what a card says between its heading and its bar."""
    node = each.node
    moved, spent = each.rows, each.spent
    together = _TEXT.width(moved) + _TEXT.width(spent) + _BESIDE <= _ROOM
    whole = _NAME.width(each.subject) <= _ROOM
    said = [
        _Line(each.subject if whole else each.table, _NAME, colours.INK),
        _Line("" if whole else each.index, _NAME, colours.INK),
        _Line(" ".join((node.condition or "").split()), _NAME, colours.MUTED),
        _Line("whole table" if each.sequential else "", _MARK, colours.WARN, True),
        _Line(each.misestimated or "", _MARK, colours.WARN, True),
        _Line(moved, _TEXT, colours.INK, end=spent if together else ""),
        _Line("", _TEXT, colours.INK, end="" if together else spent),
    ]
    return [line for line in said if line.text or line.end]


def _card(
    each: Figures, lines: Sequence[_Line], corner: tuple[float, float], height: float
) -> str:
    x, y = corner
    base = _PADDING + 7
    drawn = [
        element("title", escaped(_sentence(each))),
        element(
            "rect",
            class_="box",
            width=_WIDTH,
            height=height,
            rx=5,
            fill=colours.PAPER,
            stroke=colours.LINE,
        ),
        *_headed(each.node, base),
    ]
    for line in lines:
        base += line.height
        drawn.append(_said(line, base))
    drawn += [_bar(each, height), _stripe(height) if each.sequential else ""]
    return element("g", *drawn, class_="node", transform=f"translate({x:g} {y:g})")


def _headed(node: PlanNode, base: float) -> Iterator[str]:
    loops = f"{number(node.loops)} loops" if node.loops > 1 else ""
    taken = _TEXT.width(loops) + _PADDING if loops else 0.0
    yield _TITLE.draw(_PADDING, base, _TITLE.fit(node.type, _ROOM - taken))
    if loops:
        end = _WIDTH - _PADDING
        yield _TEXT.draw(end, base, loops, text_anchor="end", fill=colours.MUTED)


def _said(line: _Line, base: float) -> str:
    if not line.marked:
        start, end = (line.font.fit(text, _ROOM) for text in (line.text, line.end))
        return (
            line.font.draw(_PADDING, base, start, fill=line.fill) if start else ""
        ) + (
            line.font.draw(_WIDTH - _PADDING, base, end, text_anchor="end")
            if end
            else ""
        )
    sign = ("M", _PADDING, base, "h", 10, "l", -5, -9, "Z")
    text = line.font.fit(line.text, _ROOM - 15)
    return element("path", d=path(sign), fill=line.fill) + line.font.draw(
        _PADDING + 15, base, text, fill=line.fill
    )


def _bar(each: Figures, height: float) -> str:
    """Draw the node's share along the foot of its card."""
    bar = element(
        "rect",
        x=_PADDING,
        y=height - _BAR - 8,
        width=_ROOM,
        height=_BAR,
        rx=2.5,
        fill=colours.HEAD,
    )
    length = _ROOM * min(each.share, 1.0)
    if length < 1:
        return bar
    return bar + element(
        "rect",
        class_="share",
        x=_PADDING,
        y=height - _BAR - 8,
        width=length,
        height=_BAR,
        rx=min(2.5, length / 2),
        fill=colours.HOT if each.share >= _LARGE else colours.ACCENT,
    )


# A node that takes this much of the whole is where to look first.
_LARGE = 0.25


def _stripe(height: float) -> str:
    """Draw the hatched edge of a node that reads a whole table."""
    return element(
        "path",
        d=path(("M", _STRIPE / 2 + 1, 6, "V", height - 6)),
        stroke=colours.WARN,
        stroke_width=_STRIPE,
        stroke_dasharray="3 2",
    )


def _flows(
    known: Sequence[Figures],
    corners: Sequence[tuple[float, float]],
    heights: Sequence[float],
) -> list[str]:
    """Draw what goes from each node up to the one above it, thicker for more rows."""
    above: list[int] = []
    drawn = []
    for index, each in enumerate(known):
        del above[each.depth :]
        if above:
            top = above[-1]
            start = (corners[index][0] + _WIDTH / 2, corners[index][1])
            end_x = corners[top][0] + _WIDTH / 2
            drawn.append(_flow(each, start, (end_x, corners[top][1] + heights[top])))
        above.append(index)
    return drawn


def _flow(each: Figures, start: tuple[float, float], end: tuple[float, float]) -> str:
    actual = each.node.actual_rows
    moved = each.node.estimated_rows if actual is None else actual
    middle = start[1] - _DOWN / 2
    away = end[0] - start[0]
    turn = min(_TURN, abs(away) / 2) * (1 if away > 0 else -1)
    curve = (
        *("M", *start, "V", middle + abs(turn)),
        *("Q", start[0], middle, start[0] + turn, middle, "H", end[0] - turn),
        *("Q", end[0], middle, end[0], middle - abs(turn), "V", end[1]),
    )
    return element(
        "path",
        element("title", escaped(rows(moved))),
        class_="flow",
        d=path(curve),
        fill="none",
        stroke=colours.EDGE,
        stroke_width=1.2 + min(9.0, 1.3 * log10(1 + max(moved, 0.0))),
    )
