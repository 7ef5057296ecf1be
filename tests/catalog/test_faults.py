from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from psycopg import Connection

from drystone.catalog import compare, read_snapshot, structure


class Fault(NamedTuple):
    change: str
    kind: str
    object: str
    shown: str
    severity: str


def _faults() -> dict[str, Fault]:
    text = Path(__file__).with_name("faults.sql").read_text()
    faults = {}
    for part in text.split("-- fault: ")[1:]:
        sentence, names, change = part.split("\n", 2)
        parts = names.removeprefix("-- names: ").split(" | ")
        assert sentence not in faults
        faults[sentence] = Fault(change, *parts[:3], *(parts[3:] or ["loss"]))
    return faults


FAULTS = _faults()


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_single_change_is_found_and_its_object_named(
    shop: Connection[Any], sentence: str
) -> None:
    fault = FAULTS[sentence]
    before = read_snapshot(shop)
    shop.execute(fault.change.encode())
    after = read_snapshot(shop)
    differences = compare(before, after)
    named = [
        each
        for each in differences
        if (each.kind, each.object) == (fault.kind, fault.object)
    ]
    assert any(
        fault.shown in f"{each.before} {each.after}" and each.severity == fault.severity
        for each in named
    ), differences
    back = compare(after, before)
    assert [(each.before, each.after) for each in back] == [
        (each.after, each.before) for each in differences
    ]
    assert structure(before) != structure(after)


def test_every_kind_of_object_has_a_fault() -> None:
    """A query for another kind comes with a change that it must find."""
    queries = resources.files("drystone.catalog").joinpath("sql").iterdir()
    kinds = {Path(path.name).stem.replace("_", " ") for path in queries} - {"scope"}
    elsewhere = {"graph", "graph label", "subscription"}
    assert kinds == {fault.kind for fault in FAULTS.values()} | elsewhere


def test_the_order_of_columns_alone_is_no_loss(shop: Connection[Any]) -> None:
    before = read_snapshot(shop)
    shop.execute("ALTER TABLE stock.uncle ADD COLUMN a text, ADD COLUMN b text")
    between = read_snapshot(shop)
    shop.execute("ALTER TABLE stock.uncle DROP COLUMN a")
    shop.execute("ALTER TABLE stock.uncle ADD COLUMN a text")
    moved = compare(between, read_snapshot(shop))
    assert {each.severity for each in moved} == {"order"}
    assert ("table", "stock.uncle") in {(each.kind, each.object) for each in moved}
    assert {each.severity for each in compare(before, between)} == {"loss"}


def test_an_added_column_does_not_move_the_others(shop: Connection[Any]) -> None:
    before = read_snapshot(shop)
    shop.execute("ALTER TABLE shop.orders ADD COLUMN rank integer")
    (difference,) = compare(before, read_snapshot(shop))
    assert (difference.kind, difference.object) == ("column", "shop.orders.rank")
    assert difference.before is None
    assert "integer" in str(difference.after)


def test_a_difference_names_the_property_on_both_sides(shop: Connection[Any]) -> None:
    before = read_snapshot(shop)
    shop.execute("ALTER TABLE shop.orders ALTER COLUMN note SET STATISTICS 100")
    (difference,) = compare(before, read_snapshot(shop))
    assert difference.before == "statistics: -1"
    assert difference.after == "statistics: 100"


def test_a_function_differs_only_by_what_was_altered(shop: Connection[Any]) -> None:
    before = read_snapshot(shop)
    shop.execute("ALTER FUNCTION shop.touch() COST 7")
    (difference,) = compare(before, read_snapshot(shop))
    assert (difference.before, difference.after) == ("cost: 100", "cost: 7")


def test_of_a_long_text_only_the_differing_lines_are_shown(
    shop: Connection[Any],
) -> None:
    before = read_snapshot(shop)
    body = "BEGIN\n    NEW.id := 1;\n    RETURN NEW;\nEND"
    shop.execute(
        "CREATE OR REPLACE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql "
        "AS $$\n" + body + "\n$$"
    )
    (difference,) = compare(before, read_snapshot(shop))
    assert difference.before == "body: (without these lines)"
    assert difference.after == "body: NEW.id := 1;"


def test_a_difference_in_blanks_alone_can_be_seen(shop: Connection[Any]) -> None:
    before = read_snapshot(shop)
    shop.execute(
        "CREATE OR REPLACE PROCEDURE shop.close_day(day date) LANGUAGE sql "
        "AS $$\n    SELECT day \n$$"
    )
    (difference,) = compare(before, read_snapshot(shop))
    assert difference.before != difference.after


def test_a_graph_s_label_is_found(connection: Connection[Any]) -> None:
    before = read_snapshot(connection)
    connection.execute("SELECT ag_catalog.create_vlabel('event_network', 'Venue')")
    differences = compare(before, read_snapshot(connection))
    named = {(each.kind, each.object) for each in differences}
    assert ("graph label", 'event_network."Venue"') in named
    assert ("table", 'event_network."Venue"') in named


def test_a_graph_is_found(connection: Connection[Any]) -> None:
    before = read_snapshot(connection)
    connection.execute("SELECT ag_catalog.create_graph('second')")
    differences = compare(before, read_snapshot(connection))
    assert ("graph", "second") in {(each.kind, each.object) for each in differences}


def test_a_subscription_is_found_and_what_it_connects_to_is_not_shown(
    shop: Connection[Any],
) -> None:
    before = read_snapshot(shop)
    shop.execute(
        "CREATE SUBSCRIPTION listening CONNECTION 'host=far password=hunter2' "
        "PUBLICATION feed WITH (connect = false, slot_name = NONE)"
    )
    try:
        first = read_snapshot(shop)
        shop.execute("ALTER SUBSCRIPTION listening SET (binary = true)")
        second = read_snapshot(shop)
    finally:
        shop.execute("DROP SUBSCRIPTION listening")
    (added,) = compare(before, first)
    assert (added.kind, added.object) == ("subscription", "listening")
    assert "hunter2" not in repr(first)
    (changed,) = compare(first, second)
    assert changed.after == "options: binary = yes"


def test_a_password_is_never_in_a_snapshot(shop: Connection[Any]) -> None:
    snapshot = read_snapshot(shop)
    assert "hunter2" not in repr(snapshot)
    assert re.search(r"password.*\*\*\*", structure(snapshot))
