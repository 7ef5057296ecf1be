"""Types and refusals; what is said of NULLs has tests of its own."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.errors import QueryRefused
from drystone.queries.describing.description import Describer, describe_statement
from drystone.settings import Settings


@pytest.fixture
def shop(shop: Connection[Any]) -> Connection[Any]:
    """The shop with a domain, and a view on its items."""
    shop.execute(
        "CREATE DOMAIN shop.price AS numeric CHECK (VALUE >= 0);"
        "ALTER TABLE shop.items ALTER price TYPE shop.price;"
        "CREATE VIEW shop.goods AS SELECT id, name, price, status FROM shop.items;"
    )
    return shop


def types(connection: Connection[Any], statement: str) -> list[str]:
    return [each.type for each in describe_statement(connection, statement).columns]


def test_a_length_or_precision_leaves_null_what_it_is(
    shop: Connection[Any],
) -> None:
    shop.execute("CREATE TABLE shop.rooms (size numeric(9, 2), name varchar(9)[])")
    described = describe_statement(
        shop, "INSERT INTO shop.rooms (size, name) VALUES ($1, $2)"
    )
    assert [each.nullable for each in described.parameters] == [True, True]


def test_domains_stay_domains(shop: Connection[Any]) -> None:
    described = describe_statement(
        shop, "UPDATE shop.items SET price = $1 WHERE id = $2 RETURNING price, name"
    )
    assert [each.type for each in described.parameters] == ["shop.price", "integer"]
    assert [each.type for each in described.columns] == ["shop.price", "text"]
    assert types(shop, "SELECT price FROM shop.goods") == ["shop.price"]
    assert types(shop, "SELECT price + 1 AS more FROM shop.goods") == ["numeric"]


def test_types_have_their_schemas_whatever_the_search_path(
    shop: Connection[Any],
) -> None:
    shop.execute("SET search_path = shop, public")
    statement = "SELECT status, ARRAY[status] AS all, tags FROM items"
    assert types(shop, statement) == ["shop.status", "shop.status[]", "text[]"]


@pytest.mark.parametrize(
    ("statement", "parameter", "nullable"),
    [
        ("INSERT INTO shop.brands (id, name, site) VALUES (1, $1, NULL)", 1, False),
        ("INSERT INTO shop.brands (id, name, site) VALUES (1, 'a', $1)", 1, True),
        ("INSERT INTO shop.brands VALUES (1, 'a', 'b'), (2, $1, $2)", 2, True),
        ("INSERT INTO shop.brands VALUES (1, 'a', 'b'), (2, $1, $2)", 1, False),
        ("INSERT INTO shop.brands (id, name) SELECT 1, $1", 1, False),
        ("INSERT INTO shop.goods (id, name) VALUES (1, $1)", 1, False),
        ("UPDATE shop.items SET brand_id = $1", 1, True),
        ("UPDATE shop.items SET name = coalesce($1, name)", 1, True),
        ("SELECT FROM shop.items WHERE name = $1", 1, False),
        ("SELECT FROM shop.items WHERE name IS NOT DISTINCT FROM $1", 1, True),
        ("SELECT FROM shop.items WHERE $1::text IS NULL OR name = $1", 1, True),
        (
            (
                "INSERT INTO shop.brands (id, name) VALUES (1, 'a')"
                " ON CONFLICT (id) DO UPDATE SET name = $1, site = $2"
            ),
            1,
            False,
        ),
        (
            (
                "MERGE INTO shop.brands AS b USING shop.items AS i ON b.id = i.id"
                " WHEN NOT MATCHED THEN INSERT (id, name, site) VALUES (1, $1, $2)"
            ),
            2,
            True,
        ),
    ],
)
def test_a_parameter_takes_null_where_null_means_something(
    shop: Connection[Any], statement: str, parameter: int, nullable: bool
) -> None:
    described = describe_statement(shop, statement)
    assert described.parameters[parameter - 1].nullable is nullable


@pytest.mark.parametrize(
    ("statement", "sqlstate", "at"),
    [
        ("SELECT nmae FROM shop.items", "42703", "nmae"),
        ("SELECT name FROM shop.itms", "42P01", "shop.itms"),
        ("SELECT lowr(name) FROM shop.items", "42883", "lowr"),
        ("SELECT $1 + $2", "42725", "+"),
        ("SELECT name FROM shop.items GROUP BY id, ", "42601", None),
        ("SELECT 1 / 0", "22012", None),
        (
            "INSERT INTO shop.brands (name) VALUES ('a') ON CONFLICT (name) DO NOTHING",
            "42P10",
            None,
        ),
    ],
)
def test_what_postgresql_refuses_is_refused_with_its_place(
    shop: Connection[Any], statement: str, sqlstate: str, at: str | None
) -> None:
    with pytest.raises(QueryRefused) as caught:
        describe_statement(shop, statement)
    assert caught.value.sqlstate == sqlstate
    if at is not None:
        assert caught.value.position == statement.index(at) + 1


def test_describing_leaves_nothing_behind_and_runs_nothing(
    own_shop: Connection[Any], settings: Settings
) -> None:
    """Not even while the session lasts: nobody's DROP is in the way."""
    with connect(own_shop.info.dsn, settings) as other:
        Describer(other).describe("DELETE FROM shop.photos RETURNING id")
        assert own_shop.execute("SELECT count(*) FROM shop.photos").fetchone() == (2,)
        own_shop.execute("DROP TABLE shop.photos")


def test_one_session_may_describe_again_and_again(shop: Connection[Any]) -> None:
    first = describe_statement(shop, "SELECT name FROM shop.items")
    assert first == describe_statement(shop, "SELECT name FROM shop.items")
    assert first.columns[0].nullable is False


@pytest.mark.parametrize(
    ("statement", "proven"),
    [
        ("SELECT name FROM shop.items WHERE id = $1", True),
        ("SELECT name FROM shop.items WHERE name = $1", False),
        ("SELECT name FROM shop.items WHERE id > $1", False),
        ("SELECT name FROM shop.items WHERE id = $1 OR name = $2", False),
        ("SELECT name FROM shop.items ORDER BY id LIMIT 1", True),
        ("SELECT name FROM shop.items LIMIT 2", False),
        ("SELECT name FROM shop.items LIMIT $1", False),
        ("SELECT max(id) FROM shop.items", True),
        ("SELECT max(id) FROM shop.items GROUP BY name", False),
        (
            (
                "SELECT i.name, b.name FROM shop.items AS i"
                " LEFT JOIN shop.brands AS b ON b.id = i.brand_id WHERE i.id = $1"
            ),
            True,
        ),
        (
            (
                "SELECT i.name FROM shop.items AS i"
                " LEFT JOIN shop.brands AS b ON b.id = i.brand_id AND i.id = $1"
            ),
            False,
        ),
        (
            (
                "SELECT i.name FROM shop.items AS i"
                " JOIN shop.reviews AS r ON r.item_id = i.id WHERE i.id = $1"
            ),
            False,
        ),
        (
            (
                "SELECT i.name FROM shop.reviews AS r"
                " JOIN shop.items AS i ON i.id = r.item_id WHERE r.id = $1"
            ),
            True,
        ),
        (
            "SELECT name FROM shop.items WHERE id = (SELECT min(id) FROM shop.items)",
            False,
        ),
        ("SELECT unnest(tags) FROM shop.items WHERE id = $1", False),
        ("UPDATE shop.items SET name = $1 WHERE id = $2 RETURNING id", True),
        ("DELETE FROM shop.reviews WHERE item_id = $1 RETURNING id", False),
        ("INSERT INTO shop.brands VALUES ($1, $2) RETURNING id", True),
        ("INSERT INTO shop.brands VALUES (1, 'a'), (2, 'b') RETURNING id", False),
        ("INSERT INTO shop.brands SELECT id, name FROM shop.items RETURNING id", False),
        ('SELECT name FROM shop.items WHERE name COLLATE "C" = $1', False),
        ("SELECT id FROM shop.goods WHERE id = $1", False),
    ],
)
def test_one_row_is_proven_by_a_key_or_the_form(
    shop: Connection[Any], statement: str, proven: bool
) -> None:
    assert describe_statement(shop, statement).at_most_one is proven
