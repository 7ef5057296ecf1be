from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from psycopg import AsyncConnection, Connection
from pydantic import BaseModel

from drystone.errors import QueryError
from drystone.queries.generation.project import Generated
from drystone.queries.runtime import stream
from tests.queries.conftest import Build


class Facts(BaseModel):
    """What an item's JSON holds."""

    kg: int


WITH_BRAND = """
-- name: with_brand()
SELECT
    item.id,
    brand.id AS "brand.id",
    brand.name AS "brand.name",
    brand.site AS "brand.site"
FROM shop.items AS item
LEFT JOIN shop.brands AS brand ON brand.id = item.brand_id
ORDER BY item.id;
"""

WITH_ALL = """
-- name: with_all()
SELECT
    item.id,
    item.facts,
    review.id AS "reviews[].id",
    review.words AS "reviews[].words",
    photo.id AS "photos[].id"
FROM shop.items AS item
LEFT JOIN shop.reviews AS review ON review.item_id = item.id
LEFT JOIN shop.photos AS photo ON photo.item_id = item.id
ORDER BY item.id, review.id, photo.id;
"""


def test_an_outer_join_gives_an_object_or_none(
    build: Build, shop: Connection[Any]
) -> None:
    items = build(WITH_BRAND)
    first, second, third = items.with_brand(shop)
    assert (first.brand.id, first.brand.name, first.brand.site) == (1, "Acme", None)
    assert second.brand.site == "https://bolt.example"
    assert third.brand is None


def test_what_is_not_null_in_its_table_is_not_null_in_an_object_that_is_there(
    build: Build,
) -> None:
    hints = get_type_hints(build(WITH_BRAND).WithBrandRowBrand)
    assert hints == {"id": int, "name": str, "site": str | None}
    row = get_type_hints(build(WITH_BRAND).WithBrandRow)
    assert row["brand"] == build(WITH_BRAND).WithBrandRowBrand | None


def test_lists_are_folded_once_however_they_multiply_each_other(
    build: Build, shop: Connection[Any]
) -> None:
    items = build(WITH_ALL)
    found = items.with_all(shop)
    assert [row.id for row in found] == [1, 2, 3]
    anvil, bolt, cog = found
    assert [(r.id, r.words) for r in anvil.reviews] == [(1, "solid"), (2, None)]
    assert [photo.id for photo in anvil.photos] == [1, 2]
    assert [len(bolt.reviews), len(bolt.photos)] == [1, 0]
    assert [cog.reviews, cog.photos] == [[], []]
    assert cog.facts == {"kg": 50}


async def test_asynchronous_connections_fold_alike(
    build: Build, shop: Connection[Any], own_shop: Connection[Any]
) -> None:
    items = build(WITH_ALL)
    async with await AsyncConnection.connect(own_shop.info.dsn) as connection:
        assert await items.with_all(connection) == items.with_all(shop)


def test_objects_lie_below_objects(build: Build, shop: Connection[Any]) -> None:
    items = build("""
-- name: brands()
SELECT
    brand.name,
    item.id AS "items[].id",
    review.id AS "items[].best.id",
    review.stars AS "items[].best.stars"
FROM shop.brands AS brand
LEFT JOIN shop.items AS item ON item.brand_id = brand.id
LEFT JOIN shop.reviews AS review ON review.item_id = item.id AND review.stars = 5
ORDER BY brand.id;
""")
    acme, bolt = items.brands(shop)
    assert acme.items[0].best.stars == 5
    assert bolt.items[0].best is None


def test_a_column_from_behind_another_outer_join_stays_nullable(build: Build) -> None:
    """The item may be there without its brand."""
    items = build("""
-- name: reviews()
SELECT
    review.id,
    item.name AS "item.name",
    brand.name AS "item.brand"
FROM shop.reviews AS review
LEFT JOIN shop.items AS item ON item.id = review.item_id
LEFT JOIN shop.brands AS brand ON brand.id = item.brand_id;
""")
    hints = get_type_hints(items.ReviewsRowItem)
    assert hints == {"name": str, "brand": str | None}


def test_an_inner_join_gives_an_object_in_every_row(build: Build) -> None:
    items = build(WITH_BRAND.replace("LEFT JOIN", "INNER JOIN"))
    assert get_type_hints(items.WithBrandRow)["brand"] is items.WithBrandRowBrand


def test_an_object_needs_a_column_to_tell_whether_it_is_there(
    generated: Callable[[str], Generated],
) -> None:
    lines = WITH_BRAND.splitlines(keepends=True)
    kept = [x for x in lines if "brand.id AS" not in x and "brand.name AS" not in x]
    with pytest.raises(QueryError, match="cannot tell whether brand is there"):
        generated("".join(kept))


def test_a_query_with_lists_still_returns_one_row_where_it_says_so(
    build: Build, shop: Connection[Any]
) -> None:
    one = WITH_ALL.replace("with_all()", "with_all(id)^")
    items = build(one.replace("ORDER BY", "WHERE item.id = :id\nORDER BY"))
    assert len(items.with_all(shop, id=1).reviews) == 2
    assert items.with_all(shop, id=99) is None


def test_enums_and_arrays_of_them_arrive_as_members(
    build: Build, shop: Connection[Any]
) -> None:
    items = build("""
-- name: statuses(only)
SELECT item.status, ARRAY[item.status, NULL] AS pair, item.tags
FROM shop.items AS item
WHERE item.status = ANY (:only::shop.status[])
ORDER BY item.id;
""")
    status = items.Status
    (row,) = items.statuses(shop, only=[status.DRAFT])
    assert row.status is status.DRAFT
    assert row.pair == [status.DRAFT, None]
    both = items.statuses(shop, only=list(status))
    assert [each.tags for each in both] == [["heavy", None], None, []]


def test_rows_are_streamed_through_the_same_function(
    build: Build, shop: Connection[Any]
) -> None:
    items = build("""
-- name: numbers(upto)
SELECT n AS number FROM generate_series(1, :upto::integer) AS n;
""")
    with stream(items.numbers, shop, upto=5000) as numbers:
        assert sum(numbers) == 5000 * 5001 // 2
    with pytest.raises(TypeError, match="not a function of a query"):
        stream(lambda _: [1], shop)


def test_composite_values_arrive_and_are_passed_as_objects(
    build: Build, shop: Connection[Any]
) -> None:
    shop.execute(
        "CREATE TYPE shop.size AS (width integer, note text, state shop.status);"
        "CREATE TYPE shop.box AS (inner_size shop.size, made date, tags text[]);"
        "CREATE TABLE shop.boxes (id integer PRIMARY KEY, box shop.box)"
    )
    items = build("""
-- name: add_box(id, size)!
INSERT INTO shop.boxes (id, box)
VALUES (:id, ROW(:size, DATE '2026-01-02', '{a,NULL}'));

-- name: boxes()
SELECT stored.id, stored.box, ARRAY[(stored.box).inner_size] AS sizes
FROM shop.boxes AS stored
ORDER BY stored.id;
""")
    size = items.Size(3, 'say "so", (maybe)', None)
    items.add_box(shop, id=1, size=size)
    items.add_box(shop, id=2, size=items.Size(None, "", None))
    first, second = items.boxes(shop)
    assert first.box.inner_size == size
    assert first.box.made == dt.date(2026, 1, 2)
    assert first.box.tags == ["a", None]
    assert first.sizes == [size]
    assert second.box.inner_size == items.Size(None, "", None)
    assert get_type_hints(items.Box)["made"] == dt.date | None


def test_json_has_the_model_that_a_comment_names(
    build: Build, shop: Connection[Any]
) -> None:
    items = build(f"""
-- name: facts()
-- json facts: {Facts.__module__}.Facts
SELECT item.id, item.facts FROM shop.items AS item ORDER BY item.id;
""")
    assert [row.facts for row in items.facts(shop)] == [
        Facts(kg=50),
        None,
        Facts(kg=50),
    ]
    shop.execute("""UPDATE shop.items SET facts = '{"kg": "secret"}' WHERE id = 3""")
    with pytest.raises(QueryError, match="a value in column 2") as caught:
        items.facts(shop)
    assert caught.value.query == "shop.items.facts"
    assert "secret" not in str(caught.value)
