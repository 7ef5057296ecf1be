"""Pictures for the report: what they show, and that nothing runs over anything."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drystone.review.plans.plan import PlanNode
from drystone.review.report.pictures import (
    STYLE,
    Entity,
    EntityColumn,
    Reference,
    draw_diagram,
    draw_plan,
    plan_as_text,
)
from drystone.review.report.pictures.boxes import HEAD, ROW, absent, box
from drystone.review.report.pictures.columns import ranks
from drystone.review.report.pictures.layout import WIDTH, Layout, Place, lay_out
from drystone.review.report.pictures.markup import Font, bold, mono, sans
from drystone.review.report.pictures.routing import Link

SVG = "{http://www.w3.org/2000/svg}"
LONG = "a_name_that_somebody_chose_after_reading_a_book_on_long_names"

ID = EntityColumn("id", "bigint", key="primary")


def _column(name: str, **given: object) -> EntityColumn:
    return EntityColumn(name, "text", **given)  # type: ignore[arg-type]


def _referencing(target: str, **given: bool) -> Entity:
    name = f"{target}_id"
    columns = (
        ID,
        EntityColumn(name, "bigint", given.get("optional", False), "foreign"),
    )
    return Entity("child", columns, [Reference([name], target, **given)])


def _schema(count: int, seed: int = 1) -> list[Entity]:
    """Invent tables: hubs, chains, composite keys, cycles, loops, loners, ghosts."""
    choose = random.Random(seed)
    tables = []
    for number in range(count):
        columns, references = [ID], []
        for _ in range(choose.choice([0, 1, 1, 2, 3])):
            target = choose.randrange(count)
            if choose.random() < 0.8:
                target = min(target, choose.randrange(number + 1))
            names = [f"t{target}_{part}" for part in range(choose.choice([1, 1, 1, 2]))]
            optional, unique = choose.random() < 0.3, choose.random() < 0.2
            columns += [
                EntityColumn(name, "bigint", optional, "foreign")
                for name in names
                if name not in {each.name for each in columns}
            ]
            whom = f"t{target}" if choose.random() < 0.97 else "elsewhere.table"
            references.append(Reference(names, whom, optional, unique))
        for other in range(choose.randrange(14)):
            name = choose.choice(["body", "created_at", LONG]) + str(other)
            kind = choose.choice(["text", "timestamp with time zone", LONG])
            columns.append(EntityColumn(name, kind, choose.random() < 0.5))
        tables.append(Entity(f"t{number}", columns, references))
    return tables


def _laid_out(tables: Sequence[Entity]) -> tuple[Layout, list[Link]]:
    boxes = [box(table) for table in tables]
    number = {table.name: index for index, table in enumerate(tables)}
    number["elsewhere.table"] = len(boxes)
    boxes.append(absent("elsewhere.table"))
    links = [
        Link(
            index,
            number[each.target],
            boxes[index].offset(each.columns[0]),
            boxes[number[each.target]].offset(boxes[number[each.target]].key),
        )
        for index, table in enumerate(tables)
        for each in table.references
    ]
    return lay_out(boxes, links), links


def _parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 - our own text


def _draw(*tables: Entity) -> ElementTree.Element:
    return _parsed(draw_diagram(tables, link=lambda name: f"#{name}"))


def _classed(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in root.iter() if each.get("class") == name]


def _texts(root: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def _font(text: ElementTree.Element) -> Font:
    size, family = float(text.get("font-size", "")), text.get("font-family", "")
    strong = text.get("font-weight") == "700"
    if "mono" in family:
        return mono(size, strong=strong)
    return bold(size) if strong else sans(size)


def _extent(text: ElementTree.Element) -> tuple[float, float]:
    """Return where a text starts and ends, from left to right."""
    x, width = float(text.get("x", "")), _font(text).width(text.text or "")
    start = {None: x, "end": x - width, "middle": x - width / 2}
    left = start[text.get("text-anchor")]
    return left, left + width


def _box_widths(
    root: ElementTree.Element, name: str
) -> Iterator[tuple[float, list[ElementTree.Element]]]:
    for group in _classed(root, name):
        width = float(_classed(group, "box")[0].get("width", ""))
        yield width, list(group.iter(f"{SVG}text"))


@pytest.mark.parametrize("count", [1, 3, 15, 60])
def test_every_table_and_every_reference_is_drawn(count: int) -> None:
    tables = _schema(count)
    picture = _draw(*tables)
    links = [each.get("href") for each in picture.iter(f"{SVG}a")]
    assert links == [f"#{table.name}" for table in tables]
    assert len(_classed(picture, "reference")) == sum(
        len(table.references) for table in tables
    )
    description = picture.findtext(f"{SVG}desc") or ""
    for table in tables:
        assert f"Table {table.name}: id" in description
        for each in table.references:
            columns = ", ".join(each.columns)
            assert f"{table.name} ({columns}) references {each.target}" in description


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [2, 12, 60])
def test_no_two_boxes_overlap(count: int, seed: int) -> None:
    layout, _ = _laid_out(_schema(count, seed))
    for one, other in combinations(layout.places, 2):
        assert (
            one.x + one.width <= other.x
            or other.x + other.width <= one.x
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        )
    for each in layout.places:
        assert 0 <= each.x <= each.x + each.width <= layout.width
        assert 0 <= each.y <= each.y + each.height <= layout.height


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [2, 12, 60])
def test_lines_run_straight_and_never_through_a_box(count: int, seed: int) -> None:
    layout, _ = _laid_out(_schema(count, seed))
    for line in layout.lines:
        for (x, y), (next_x, next_y) in pairwise(line):
            assert x == next_x or y == next_y
            left, right = sorted((x, next_x))
            top, bottom = sorted((y, next_y))
            assert not [
                each
                for each in layout.places
                if left < each.x + each.width
                and each.x < right
                and top < each.y + each.height
                and each.y < bottom
            ]


@pytest.mark.parametrize("seed", range(4))
def test_lines_to_different_tables_do_not_run_upon_each_other(seed: int) -> None:
    layout, links = _laid_out(_schema(30, seed))
    upright = [
        (link.parent, x, *sorted((y, next_y)))
        for link, line in zip(links, layout.lines, strict=True)
        for (x, y), (next_x, next_y) in pairwise(line)
        if x == next_x
    ]
    for (table, x, top, bottom), (other, at, start, end) in combinations(upright, 2):
        assert table == other or x != at or bottom <= start or end <= top


def test_a_line_goes_from_the_key_to_the_row_of_the_referencing_column() -> None:
    tables = [Entity("parent", [_column("name"), ID]), _referencing("parent")]
    layout, links = _laid_out(tables)
    parent, child, _ = layout.places
    (line,) = layout.lines
    assert line[0] == (parent.x + parent.width, parent.y + links[0].end)
    assert line[-1] == (child.x, child.y + links[0].start)
    assert links[0].end == HEAD + 1.5 * ROW == links[0].start


def test_references_go_to_the_left_and_the_longest_way_counts() -> None:
    assert ranks(4, [(1, 0), (2, 1), (3, 2), (3, 0)]) == [0, 1, 2, 3]


def test_a_cycle_and_a_table_that_references_itself_get_ranks() -> None:
    assert sorted(ranks(3, [(0, 1), (1, 2), (2, 0), (1, 1)])) == [0, 1, 2]


def test_a_reference_to_itself_leaves_and_enters_on_the_same_side() -> None:
    columns = [ID, EntityColumn("parent", "bigint", True, "foreign")]
    tables = [Entity("tree", columns, [Reference(["parent"], "tree", True)])]
    layout, _ = _laid_out(tables)
    (line,) = layout.lines
    tree = layout.places[0]
    assert line[0][0] == line[-1][0] == tree.x + tree.width
    assert len(line) == 4


def test_tables_that_stand_alone_come_last_in_a_grid() -> None:
    alone = [Entity(f"alone_{number}", [ID]) for number in range(9)]
    tables = [*alone, Entity("parent", [ID]), _referencing("parent")]
    layout, _ = _laid_out(tables)
    parent, child = layout.places[9:11]
    first = layout.places[0]
    after = first.x >= child.x + child.width or first.y >= parent.y + parent.height
    assert after
    assert len({place.x for place in layout.places[:9]}) > 1


@pytest.mark.parametrize("seed", range(6))
def test_sixty_tables_are_about_as_wide_as_a_page(seed: int) -> None:
    layout, _ = _laid_out(_schema(60, seed))
    assert layout.width <= 1.2 * WIDTH


def test_a_chain_and_a_star_of_a_thousand_tables_are_laid_out() -> None:
    count = 1000
    for pairs in (
        [(number, number - 1) for number in range(1, count)],
        [(number, 0) for number in range(1, count)],
    ):
        layout = lay_out(
            [box(Entity(f"t{number}", [ID])) for number in range(count)],
            [Link(child, parent, 40, 40) for child, parent in pairs],
        )
        assert len(set(layout.places)) == count


def test_equal_input_gives_equal_pictures() -> None:
    assert draw_diagram(_schema(20), link=str) == draw_diagram(_schema(20), link=str)
    assert draw_plan(_plan()) == draw_plan(_plan())


def test_a_big_table_shows_its_keys_and_counts_the_rest() -> None:
    columns = [*(_column(f"c{number}") for number in range(30)), ID]
    columns.append(EntityColumn("owner", "bigint", False, "foreign"))
    table = Entity("big", columns, [Reference(["owner"], "big")])
    texts = _texts(_draw(table))
    assert {"id", "owner", "c0", "c7", "… 22 more"} <= set(texts)
    assert "c8" not in texts


def test_a_table_elsewhere_is_named_but_leads_nowhere() -> None:
    picture = _draw(_referencing("core.users"))
    assert "core.users" in _texts(picture)
    assert len(list(picture.iter(f"{SVG}a"))) == 1


def test_the_links_are_not_within_an_image() -> None:
    picture = _draw(*_schema(5))
    assert picture.get("role") == "group"
    (lines,) = _classed(picture, "references")
    assert lines.get("role") == "img"
    assert not list(lines.iter(f"{SVG}a"))
    assert all(each.get("aria-label") for each in picture.iter(f"{SVG}a"))


def test_an_optional_reference_is_dashed_and_a_unique_one_has_no_crows_foot() -> None:
    plain, optional, unique = (
        _classed(_draw(Entity("parent", [ID]), table), "reference")[0]
        for table in (
            _referencing("parent"),
            _referencing("parent", optional=True),
            _referencing("parent", unique=True),
        )
    )

    def line(reference: ElementTree.Element) -> tuple[bool, int]:
        drawn, marks = reference.findall(f"{SVG}path")
        return drawn.get("stroke-dasharray") is not None, marks.get("d", "").count("L")

    assert [line(each) for each in (plain, optional, unique)] == [
        (False, 2),
        (True, 2),
        (False, 0),
    ]


@pytest.mark.parametrize("count", [3, 40])
def test_texts_stay_in_their_boxes_and_apart(count: int) -> None:
    tables = [*_schema(count), Entity(LONG, [_column(LONG), EntityColumn("x", LONG)])]
    for width, texts in _box_widths(_draw(*tables), "table"):
        assert all(0 <= left <= right <= width for left, right in map(_extent, texts))
        for one, other in combinations(texts, 2):
            if one.get("y") == other.get("y"):
                (left, right), (start, end) = _extent(one), _extent(other)
                assert right < start or end < left


def test_a_short_name_and_type_are_never_cut() -> None:
    table = Entity("t", [_column("extraction_confidence"), _column("id")])
    assert not [text for text in _texts(_draw(table)) if "…" in text]


def test_a_name_that_is_cut_is_whole_in_the_title() -> None:
    picture = _draw(Entity(LONG, [_column(LONG, nullable=True)]))
    assert LONG not in _texts(picture)
    titles = [each.text for each in picture.iter(f"{SVG}title")]
    assert LONG in titles
    assert f"{LONG} text, may be null" in titles


def test_pictures_hold_no_script_style_or_colour_of_their_own() -> None:
    for picture in (draw_diagram(_schema(5), link=str), draw_plan(_plan())):
        root = _parsed(picture)
        names = {each.tag.removeprefix(SVG) for each in root.iter()}
        assert names <= {"svg", "title", "desc", "g", "a", "rect", "path", "text"}
        attributes = {key for each in root.iter() for key in each.attrib}
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
        assert "id" not in attributes
        colours = {
            each.get(key)
            for each in root.iter()
            for key in ("fill", "stroke")
            if each.get(key)
        }
        assert all(
            colour == "none" or (colour or "").startswith("var(--")
            for colour in colours
        )


def test_a_comment_over_several_lines_is_one_line_of_the_description() -> None:
    picture = _draw(Entity("t", [ID], comment="What\n  happens"))
    assert picture.findtext(f"{SVG}desc") == "Table t (What happens): id."


def test_the_style_shows_where_the_keyboard_is() -> None:
    assert ":focus-visible .box" in STYLE


HOSTILE = st.text(
    st.one_of(st.sampled_from("<>&\"'\x00\x1b\u202e\ufffe\n]]>"), st.characters()),
    min_size=1,
    max_size=90,
)


@settings(max_examples=60, deadline=None)
@given(name=HOSTILE, column=HOSTILE, kind=HOSTILE)
def test_hostile_names_are_shown_not_obeyed(name: str, column: str, kind: str) -> None:
    table = Entity(
        name,
        [ID, EntityColumn(column, kind, True, "foreign")],
        [Reference([column], name), Reference([column], f"{name}?")],
        comment=kind,
    )
    picture = _draw(table)
    assert len(_classed(picture, "reference")) == 2
    assert len(list(picture.iter(f"{SVG}a"))) == 1
    for width, texts in _box_widths(picture, "table"):
        assert all(right <= width for _, right in map(_extent, texts))
    node = _node(kind, relation=name, index=column, condition=column)
    assert len(plan_as_text(node).splitlines()) == 1
    drawn = _parsed(draw_plan(node))
    assert len(_classed(drawn, "node")) == 1
    for width, texts in _box_widths(drawn, "node"):
        assert all(right <= width for _, right in map(_extent, texts))


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert not list(_draw().iter(f"{SVG}a"))
    assert "no columns" in (_draw(Entity("bare", [])).findtext(f"{SVG}desc") or "")


# Plans


def _node(
    kind: str,
    *children: PlanNode,
    relation: str | None = None,
    index: str | None = None,
    condition: str | None = None,
    estimated: float = 10,
    actual: float | None = 10,
    spent: float | None = 1.0,
    cost: float = 1.0,
    loops: int = 1,
) -> PlanNode:
    return PlanNode(
        type=kind,
        relation=relation,
        alias=None,
        index=index,
        condition=condition,
        estimated_rows=estimated,
        actual_rows=actual,
        loops=loops,
        milliseconds=spent,
        cost=cost,
        buffers_hit=None,
        buffers_read=None,
        children=children,
    )


def _plan(depth: int = 12) -> PlanNode:
    """Invent joins upon joins, left-deep and then right-deep."""
    node = _node("Seq Scan", relation="events.events", actual=5000, spent=40)
    for number in range(depth):
        scan = _node(
            "Index Scan",
            relation=f"events.t{number}",
            index=LONG,
            condition="(id = 1)",
            loops=1200,
            spent=0.5,
        )
        both = (node, scan) if number % 5 else (scan, _node("Hash", node, spent=60))
        node = _node("Hash Join", *both, spent=60.0 + 2 * number)
    return node


def _planned(node: PlanNode) -> PlanNode:
    return _node(
        node.type,
        *map(_planned, node.children),
        relation=node.relation,
        actual=None,
        spent=None,
        cost=7,
    )


def _cards(root: ElementTree.Element) -> list[Place]:
    places = []
    for node in _classed(root, "node"):
        x, y = node.get("transform", "").removeprefix("translate(")[:-1].split()
        rect = _classed(node, "box")[0]
        width, height = float(rect.get("width", "")), float(rect.get("height", ""))
        places.append(Place(float(x), float(y), width, height))
    return places


@pytest.mark.parametrize("depth", [0, 3, 25])
def test_a_plan_shows_each_node_and_what_flows_between(depth: int) -> None:
    plan = _plan(depth)
    picture = _parsed(draw_plan(plan))
    nodes = list(plan.walk())
    assert len(_classed(picture, "node")) == len(nodes)
    assert len(_classed(picture, "flow")) == len(nodes) - 1
    shown = [node.findtext(f"{SVG}text") for node in _classed(picture, "node")]
    assert shown == [node.type for node in nodes]
    assert picture.findtext(f"{SVG}desc") == plan_as_text(plan)
    assert picture.get("role") == "img"


@pytest.mark.parametrize("depth", [3, 25])
def test_a_plans_cards_do_not_overlap_and_hold_their_texts(depth: int) -> None:
    picture = _parsed(draw_plan(_plan(depth)))
    for one, other in combinations(_cards(picture), 2):
        assert (
            one.x + one.width <= other.x
            or other.x + other.width <= one.x
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        )
    for width, texts in _box_widths(picture, "node"):
        assert all(0 <= left <= right <= width for left, right in map(_extent, texts))


def test_a_deep_chain_of_joins_stays_narrow() -> None:
    picture = _parsed(draw_plan(_plan(25)))
    assert float(picture.get("width", "")) <= 1400


def test_more_rows_make_a_thicker_line() -> None:
    plan = _node("Append", _node("A", actual=1), _node("B", actual=1_000_000))
    few, many = _classed(_parsed(draw_plan(plan)), "flow")
    assert float(few.get("stroke-width", "")) < float(many.get("stroke-width", ""))


def test_a_misestimate_and_a_sequential_scan_are_marked_in_words() -> None:
    scan = _node("Seq Scan", relation="t", estimated=10, actual=1250)
    none = _node("Index Scan", relation="t", estimated=1000, actual=0)
    good = _node("Index Scan", relation="t", estimated=10, actual=99)
    texts = [_texts(_parsed(draw_plan(each))) for each in (scan, none, good)]
    assert {"whole table", "rows 125 times the estimate"} <= set(texts[0])
    assert "rows 1/1,000 of the estimate" in texts[1]
    assert not [text for text in texts[2] if "the estimate" in text or "whole" in text]


def test_a_node_that_never_ran_is_no_misestimate() -> None:
    never = _node("Index Scan", relation="t", estimated=1000, actual=0, loops=0)
    texts = _texts(_parsed(draw_plan(never)))
    assert "1,000 rows, never run" in texts
    assert not [text for text in texts if "the estimate" in text]
    assert "never run" in plan_as_text(never)


def test_time_is_what_a_node_took_by_itself() -> None:
    plan = _node("Sort", _node("Seq Scan", relation="t", spent=30), spent=40)
    texts = _texts(_parsed(draw_plan(plan)))
    assert "10 ms, 25%" in texts
    assert "30 ms, 75%" in texts


def test_a_parent_whose_children_ran_at_the_same_time_took_nothing_itself() -> None:
    plan = _node("Gather", _node("A", spent=30), _node("B", spent=30), spent=40)
    assert "own time 0 ms, 0%" in plan_as_text(plan).splitlines()[0]


def test_a_plan_that_was_not_executed_shows_costs() -> None:
    plan = _planned(_plan(2))
    picture = _parsed(draw_plan(plan))
    assert "not executed" in (picture.findtext(f"{SVG}title") or "")
    assert not [text for text in _texts(picture) if " ms" in text]
    assert "actual" not in plan_as_text(plan)


def test_an_index_has_a_line_of_its_own_where_both_names_are_long() -> None:
    short = _node("Index Scan", relation="events.t", index="t_pkey")
    long = _node("Index Scan", relation="events.speakers", index="speakers_name_key")
    assert "events.t using t_pkey" in _texts(_parsed(draw_plan(short)))
    assert {"events.speakers", "using speakers_name_key"} <= set(
        _texts(_parsed(draw_plan(long)))
    )


def test_the_text_of_a_plan_is_indented_and_holds_every_figure() -> None:
    scan = _node(
        "Index Scan",
        relation="events.events",
        index="events_pkey",
        condition="(id\n  = $1)",
        estimated=1,
        actual=3_400_000,
        loops=1200,
        spent=12.34,
    )
    first, second = plan_as_text(_node("Limit", scan, spent=24.68)).splitlines()
    assert first == "Limit: 10 rows estimated, 10 actual; own time 12.3 ms, 50%"
    assert second == (
        "  Index Scan on events.events using events_pkey: "
        "1 row estimated, 3.4 M actual; 1,200 loops; own time 12.3 ms, 50%; "
        "(id = $1); rows 3.4 M times the estimate"
    )
