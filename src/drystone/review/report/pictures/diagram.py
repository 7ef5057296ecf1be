"""An entity-relationship picture of a system, as SVG to stand within a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import hypot

from drystone.review.report.pictures import colours
from drystone.review.report.pictures.boxes import (
    BETWEEN,
    FOOT,
    HEAD,
    MARK,
    NAME,
    PADDING,
    ROW,
    SMALL,
    STRONG,
    TITLE,
    TYPE,
    Box,
    absent,
    box,
    type_of,
)
from drystone.review.report.pictures.entities import (
    Entity,
    EntityColumn,
    Reference,
)
from drystone.review.report.pictures.layout import Place, Point, lay_out
from drystone.review.report.pictures.markup import element, escaped, path, sans
from drystone.review.report.pictures.routing import Link

__all__ = ["Entity", "EntityColumn", "Reference", "describe_diagram", "draw_diagram"]

# Around the picture, so that focus rings and lines are not cut.
_EDGE = 8.0
_LEGEND = 44.0

_CORNER = 6.0
_MARKS = {"primary": "PK", "foreign": "FK", "unique": "UQ"}
_TINY = sans(9)


def draw_diagram(tables: Sequence[Entity], *, link: Callable[[str], str]) -> str:
    """Draw tables and their references; each table leads to ``link(its name)``.

    The picture takes its colours from the page's custom properties. It says the same
    in words, as its description. A reference to a table that is not given leads to a
    dashed box without columns.

    The whole has the role of a group, not of an image: an image's links would be hidden
    from screen readers.
    """
    boxes, links, references = _measure(tables)
    layout = lay_out(boxes, links)
    key, least = _legend(layout.height + _EDGE) if references else ("", 0.0)
    width = max(layout.width, least) + 2 * _EDGE
    height = layout.height + 2 * _EDGE + (_LEGEND if key else 0)
    lines = [
        _line(child, reference, points)
        for (child, reference), points in zip(references, layout.lines, strict=True)
    ]
    return element(
        "svg",
        element("title", f"Tables and references: {len(tables)} tables"),
        element("desc", escaped(describe_diagram(tables))),
        element(
            "g",
            element(
                "g",
                *lines,
                class_="references",
                role="img",
                aria_label="Lines for the references",
            )
            if lines
            else "",
            *(
                _table(each, place, link)
                for each, place in zip(boxes, layout.places, strict=True)
            ),
            key,
            transform=f"translate({_EDGE:g} {_EDGE:g})",
        ),
        xmlns="http://www.w3.org/2000/svg",
        class_="picture diagram",
        role="group",
        width=width,
        height=height,
        viewBox=f"0 0 {width:g} {height:g}",
        fill=colours.INK,
    )


def describe_diagram(tables: Sequence[Entity]) -> str:
    """Return the picture in words: a line for each table and for each reference."""
    lines = []
    for table in tables:
        columns = ", ".join(each.name for each in table.columns)
        comment = f" ({table.comment})" if table.comment else ""
        lines.append(f"Table {table.name}{comment}: {columns or 'no columns'}.")
    lines += [
        sentence(table.name, reference)
        for table in tables
        for reference in table.references
    ]
    return "\n".join(" ".join(line.split()) for line in lines)


def sentence(table: str, reference: Reference) -> str:
    """Return what a reference says."""
    many = "at most one row" if reference.unique else "any number of rows"
    null = " or is null" if reference.optional else ""
    columns = ", ".join(reference.columns)
    return (
        f"{table} ({columns}) references {reference.target}{null}; "
        f"{many} of {table} for each."
    )


def _measure(
    tables: Sequence[Entity],
) -> tuple[list[Box], list[Link], list[tuple[str, Reference]]]:
    references = [(table, each) for table in tables for each in table.references]
    boxes = [box(table, len(tables)) for table in tables]
    number = {table.name: index for index, table in enumerate(tables)}
    for _, each in references:
        if each.target not in number:
            number[each.target] = len(boxes)
            boxes.append(absent(each.target))
    links = []
    for index, table in enumerate(tables):
        for each in table.references:
            target = number[each.target]
            start = boxes[index].offset(each.columns[0] if each.columns else None)
            links.append(
                Link(index, target, start, boxes[target].offset(boxes[target].key))
            )
    return boxes, links, [(table.name, each) for table, each in references]


def _table(each: Box, place: Place, link: Callable[[str], str]) -> str:
    where = f"translate({place.x:g} {place.y:g})"
    if each.entity is None:
        return element("g", _absent(each, place), class_="table", transform=where)
    comment = f" — {each.entity.comment}" if each.entity.comment else ""
    count = len(each.entity.columns)
    return element(
        "a",
        element("title", escaped(each.name + comment)),
        element(
            "rect",
            class_="box",
            width=place.width,
            height=place.height,
            rx=5,
            fill=colours.PAPER,
            stroke=colours.LINE,
        ),
        _heading(each, place),
        *(
            _row(row, HEAD + ROW * index, place.width)
            for index, row in enumerate(each.rows)
        ),
        _rest(each, place) if each.hidden else "",
        href=link(each.name),
        class_="table",
        transform=where,
        aria_label=f"Table {each.name}{comment}, {count} column{'s' * (count != 1)}",
    )


def _heading(each: Box, place: Place) -> str:
    bottom = HEAD - 2
    around = (
        *("M", 0.5, bottom, "V", 5, "Q", 0.5, 0.5, 5, 0.5),
        *("H", place.width - 5, "Q", place.width - 0.5, 0.5, place.width - 0.5, 5),
        *("V", bottom, "Z"),
    )
    return (
        element("path", class_="head", d=path(around), fill=colours.HEAD)
        + element(
            "path", d=path(("M", 0, bottom, "H", place.width)), stroke=colours.LINE
        )
        + TITLE.draw(PADDING, 19, TITLE.fit(each.name, place.width - 2 * PADDING))
    )


def _row(row: EntityColumn, top: float, width: float) -> str:
    font = STRONG if row.key == "primary" else NAME
    room = width - 2 * PADDING - MARK - BETWEEN
    kind = type_of(row)
    # A name takes what it needs of two thirds at least; a short type leaves it more.
    given = max(room * 0.62, room - TYPE.width(kind))
    name = font.fit(row.name, given)
    shown = TYPE.fit(kind, room - font.width(name))
    cut = name != row.name or shown != row.type
    return element(
        "g",
        element("title", escaped(_whole(row))) if cut else "",
        _mark(row, top + ROW / 2),
        font.draw(PADDING + MARK, top + 14, name),
        TYPE.draw(
            width - PADDING, top + 14, shown, text_anchor="end", fill=colours.MUTED
        ),
        class_="column",
    )


def _whole(row: EntityColumn) -> str:
    key = f", {row.key} key" if row.key else ""
    return f"{row.name} {row.type}{', may be null' if row.nullable else ''}{key}"


def _mark(row: EntityColumn, middle: float) -> str:
    if row.key is None:
        return ""
    filled = row.key == "primary"
    return element(
        "rect",
        x=PADDING - 1,
        y=middle - 6.5,
        width=20,
        height=13,
        rx=3,
        fill=colours.ACCENT if filled else "none",
        stroke=colours.ACCENT if row.key != "unique" else colours.MUTED,
    ) + _TINY.draw(
        PADDING + 9,
        middle + 3.3,
        _MARKS[row.key],
        text_anchor="middle",
        fill=colours.PAPER if filled else colours.INK,
    )


def _rest(each: Box, place: Place) -> str:
    top = HEAD + ROW * len(each.rows)
    return SMALL.draw(
        PADDING + MARK,
        top + 14,
        SMALL.fit(f"… {each.hidden} more", place.width - 2 * PADDING - MARK),
        fill=colours.MUTED,
    )


def _absent(each: Box, place: Place) -> str:
    room = place.width - 2 * PADDING
    return (
        element("title", escaped(f"{each.name}, not in this picture"))
        + element(
            "rect",
            class_="box",
            width=place.width,
            height=place.height,
            rx=5,
            fill=colours.PAPER,
            stroke=colours.LINE,
            stroke_dasharray="4 3",
        )
        + TITLE.draw(PADDING, 20, TITLE.fit(each.name, room))
        + SMALL.draw(
            PADDING,
            HEAD + FOOT,
            SMALL.fit("not in this picture", room),
            fill=colours.MUTED,
        )
    )


def _line(child: str, reference: Reference, points: Sequence[Point]) -> str:
    (start_x, start_y), (x, y) = points[0], points[-1]
    out = 1 if points[1][0] > start_x else -1
    back = 1 if points[-2][0] > x else -1
    return element(
        "g",
        element("title", escaped(sentence(child, reference))),
        element(
            "path",
            d=path(_rounded(points)),
            stroke_dasharray="5 4" if reference.optional else None,
        ),
        element(
            "path",
            d=path(
                (
                    *("M", start_x + 6 * out, start_y - 5, "v", 10),
                    *_foot(x, y, back, unique=reference.unique),
                )
            ),
        ),
        class_="reference",
        fill="none",
        stroke=colours.EDGE,
        stroke_width="1.4",
    )


def _foot(x: float, y: float, back: int, *, unique: bool) -> Iterable[str | float]:
    """Draw a bar for one row at most, a crow's foot for many."""
    if unique:
        return ("M", x + 6 * back, y - 5, "v", 10)
    toes = 10 * back
    return ("M", x, y - 5, "L", x + toes, y, "L", x, y + 5)


def _rounded(points: Sequence[Point]) -> Iterable[str | float]:
    """Draw a line with its corners rounded, by at most half of its parts."""
    yield from ("M", *points[0])
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, away = _length(before, corner), _length(corner, after)
        radius = min(_CORNER, into / 2, away / 2)
        yield from ("L", *_towards(corner, before, radius / into if into else 0))
        yield from ("Q", *corner)
        yield from _towards(corner, after, radius / away if away else 0)
    yield from ("L", *points[-1])


def _length(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _towards(start: Point, end: Point, part: float) -> Point:
    return (
        start[0] + (end[0] - start[0]) * part,
        start[1] + (end[1] - start[1]) * part,
    )


def _legend(top: float) -> tuple[str, float]:
    """Explain the marks in one line below the tables; return it with its width."""
    samples = (
        (Reference((), "", unique=False), "many rows reference one"),
        (Reference((), "", unique=True), "at most one row references one"),
        (Reference((), "", optional=True), "the reference may be null"),
    )
    y, x = top + _LEGEND / 2 + 4, 0.0
    drawn = []
    for reference, words in samples:
        line = ((x, y), (x + 46, y))
        drawn += [
            element(
                "path",
                d=path(_rounded(line)),
                stroke_dasharray="5 4" if reference.optional else None,
                fill="none",
                stroke=colours.EDGE,
            ),
            element(
                "path",
                d=path(
                    (
                        *("M", x + 6, y - 5, "v", 10),
                        *_foot(x + 46, y, -1, unique=reference.unique),
                    )
                ),
                fill="none",
                stroke=colours.EDGE,
            ),
            SMALL.draw(x + 54, y + 4, words),
        ]
        x += 54 + SMALL.width(words) + 24
    nullable = "type? the column may be null"
    drawn.append(SMALL.draw(x, y + 4, nullable))
    legend = element("g", *drawn, class_="legend", fill=colours.MUTED)
    return legend, x + SMALL.width(nullable)
