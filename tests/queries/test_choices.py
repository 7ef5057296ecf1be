from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosql
import pytest
from psycopg import AsyncConnection, Connection

from drystone.errors import BadInput, QueryError
from drystone.queries.generation.project import Generated
from tests.queries.conftest import Build

LISTING = """
-- name: list_items(status, cheaper_than, name)
-- Items, by price; each filter may be NULL.
-- order cheapest: item.price, item.id
-- order name: item.name DESC
SELECT item.id, item.name
FROM shop.items AS item
WHERE
    (:status::shop.status IS NULL OR item.status = :status)
    AND (:cheaper_than::numeric IS NULL OR item.price < :cheaper_than)
    AND (:name::text IS NULL OR item.name LIKE :name::text || '%')
ORDER BY item.price, item.id;
"""


def test_a_condition_is_left_out_where_its_parameter_is_none(
    build: Build, shop: Connection[Any]
) -> None:
    """For every combination the rows are those of the statement as it is written."""
    items = build(LISTING)
    status = items.list_items.__globals__["Status"].ON_SALE
    values = {"status": status, "cheaper_than": 50, "name": "c"}
    whole = LISTING.partition("DESC\n")[2].replace(";", "")
    for name in values:
        whole = whole.replace(f":{name}", f"%({name})s")
    for kept in itertools.product([True, False], repeat=3):
        given = {
            k: v if keep else None
            for (k, v), keep in zip(values.items(), kept, strict=True)
        }
        plain = {k: str(v) if k == "status" and v else v for k, v in given.items()}
        expected = shop.execute(whole.replace("'%'", "'%%'").encode(), plain).fetchall()
        found = items.list_items(shop, **given)
        assert [(row.id, row.name) for row in found] == expected
    assert [row.id for row in items.list_items(shop)] == [2, 3, 1]


async def test_it_is_so_for_asynchronous_connections(
    build: Build, own_shop: Connection[Any]
) -> None:
    items = build(LISTING)
    async with await AsyncConnection.connect(own_shop.info.dsn) as connection:
        found = await items.list_items(connection, cheaper_than=50, order="name")
    assert [row.name for row in found] == ["cog", "bolt"]


def test_each_variant_has_a_plan_of_its_own_that_uses_its_index(
    build: Build, shop: Connection[Any]
) -> None:
    """One plan for all would have to read the whole table."""
    shop.execute(
        "INSERT INTO shop.items (id, name, price)"
        " SELECT n, 'item ' || n, n FROM generate_series(10, 20000) AS n"
    )
    shop.execute("CREATE INDEX items_price ON shop.items (price)")
    shop.execute("CREATE INDEX items_name ON shop.items (name text_pattern_ops)")
    shop.execute("ANALYZE shop.items")
    shop.execute("SET plan_cache_mode = force_generic_plan")
    items = build(LISTING)

    def plan(text: str) -> str:
        shop.execute("DEALLOCATE ALL", prepare=False)
        shop.execute(
            b"PREPARE it (shop.status, numeric, text) AS " + text.encode(),
            prepare=False,
        )
        found = shop.execute("EXPLAIN EXECUTE it (NULL, 12, 'item 7')", prepare=False)
        return "\n".join(line for (line,) in found)

    def variant(*values: Any) -> str:
        text: str = items._LIST_ITEMS.pick(values)._sql.decode()
        return text.replace("LIKE $3::text || '%'", "= $3")

    assert "Index Cond: (price <" in plan(variant(None, 12, None))
    assert "Index Cond: (name =" in plan(variant(None, None, "item 7"))
    whole = LISTING.partition("DESC\n")[2].rstrip(";\n")
    for number, name in enumerate(("status", "cheaper_than", "name"), 1):
        whole = whole.replace(f":{name}", f"${number}")
    assert "Index Cond" not in plan(whole.replace("LIKE $3::text || '%'", "= $3"))


def test_a_caller_chooses_among_the_orders_and_no_others(
    build: Build, shop: Connection[Any]
) -> None:
    items = build(LISTING)
    assert [row.id for row in items.list_items(shop, order="cheapest")] == [2, 3, 1]
    assert [row.id for row in items.list_items(shop, order="name")] == [3, 2, 1]
    with pytest.raises(BadInput, match="no such order") as caught:
        items.list_items(shop, order="item.id; DROP TABLE shop.items")
    assert caught.value.hint == "It has: cheapest, name."


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("item.name DESC", "item.nam DESC"), "in the order name: column item.nam"),
        (("item.price, item.id\n-- order name", "item.id\n-- order name"), "0 times"),
        (("item.name LIKE :name::text", "item.nam LIKE :name::text"), "item.nam does"),
    ],
)
def test_a_variant_that_cannot_be_prepared_is_refused(
    generated: Callable[[str], Generated], change: tuple[str, str], complaint: str
) -> None:
    changed = LISTING.replace(*change)
    assert changed != LISTING
    (failed,) = generated(changed).failed
    assert isinstance(failed.error, QueryError)
    assert complaint in failed.error.message
    assert failed.error.location is not None


def test_a_parameter_that_is_used_elsewhere_makes_no_condition_optional(
    build: Build, shop: Connection[Any]
) -> None:
    items = build("""
-- name: priced(price)
SELECT item.id, coalesce(:price::numeric, 0) AS asked
FROM shop.items AS item
WHERE (:price::numeric IS NULL OR item.price = :price)
ORDER BY item.id;
""")
    assert not hasattr(items._PRICED, "pick")
    assert [row.asked for row in items.priced(shop)] == [0, 0, 0]
    assert [row.id for row in items.priced(shop, price=5)] == [3]


def test_aiosql_loads_the_same_file(tmp_path: Path, shop: Connection[Any]) -> None:
    (tmp_path / "items.sql").write_text(LISTING.replace("'%'", "'%%'"))
    queries: Any = aiosql.from_path(tmp_path / "items.sql", "psycopg")
    found = queries.list_items(shop, status=None, cheaper_than=50, name=None)
    assert [row[0] for row in found] == [2, 3]
