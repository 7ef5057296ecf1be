from __future__ import annotations

import gc
import ipaddress
import math
import uuid
import weakref
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

import psycopg
import pytest
from pgvector import HalfVector, SparseVector, Vector
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus
from psycopg.types.json import Json, Jsonb
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from drystone.database.agtype import Agtype
from drystone.database.session import connect, connect_async
from drystone.errors import (
    BadInput,
    DatabaseError,
    DatabaseUnavailable,
    InvalidValue,
    QueryError,
    UniqueViolation,
    WrongRowCount,
)
from drystone.queries.runtime.statement import Statement
from drystone.settings import Settings

NUL, SURROGATE = "a\0b", "a\ud800b"
CREATE_TYPES = """
CREATE SCHEMA shop;
CREATE TYPE shop.status AS ENUM ('draft', 'in stock');
CREATE DOMAIN shop.positive_price AS numeric CHECK (VALUE > 0);
CREATE DOMAIN shop.settings AS jsonb;
CREATE TYPE shop.money AS (amount numeric, currency text);
CREATE TYPE shop.date AS ENUM ('soon', 'later');
CREATE TABLE shop.items (
    id integer PRIMARY KEY,
    name text NOT NULL,
    status shop.status
);
"""


def _name(value: object) -> str:
    """Name a case: alike in every process."""
    return type(value).__name__ if " at 0x" in repr(value) else repr(value)


class _Object:
    """A value of no type that anything takes."""

    def __repr__(self) -> str:
        return "OBJECT"


OBJECT = _Object()


class Status(StrEnum):
    DRAFT = "draft"
    IN_STOCK = "in stock"


class Level(IntEnum):
    LOW = 1


@dataclass(slots=True)
class Item:
    id: int
    name: str
    status: Status | None


EAST = timezone(timedelta(hours=5, minutes=45))
ID = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
INSTANT = datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)
WALL = datetime(2026, 2, 28, 23, 59, 59, 999999)  # noqa: DTZ001
EARLY, LATE = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

# SQL type, value that goes in and comes out. In binary as in text.
ROUND_TRIPS: list[tuple[str, Any]] = [
    ("bool", True),
    ("bool", False),
    ("int2", -32768),
    ("int2", 32767),
    ("int4", -(2**31)),
    ("int4", 2**31 - 1),
    ("integer", 5),
    ("int8", -(2**63)),
    ("int8", 2**63 - 1),
    ("int8", 5),
    ("oid", 2**32 - 1),
    ("float4", 1.5),
    ("float4", math.inf),
    ("float8", 5e-324),
    ("float8", -math.inf),
    ("numeric", Decimal("-12345678901234567890.00100")),
    ("numeric", Decimal("1e-30")),
    ("text", ""),
    ("text", 'ä€😀 "{\\}" NULL'),
    ("varchar", "short"),
    ("name", "events"),
    ("bpchar", "abc"),
    ("bytea", b"\0\xff\\x"),
    ("uuid", ID),
    ("date", date.min),
    ("date", date.max),
    ("time", time(23, 59, 59, 999999)),
    ("timetz", time(12, 30, tzinfo=EAST)),
    ("timestamp", WALL),
    ("timestamp", datetime.min),  # noqa: DTZ901
    ("timestamp", datetime.max),  # noqa: DTZ901
    ("timestamptz", INSTANT),
    ("timestamptz", EARLY),
    ("timestamptz", LATE),
    ("interval", timedelta(days=-3, microseconds=1)),
    ("inet", ipaddress.ip_address("10.0.0.1")),
    ("inet", ipaddress.ip_interface("fe80::1/64")),
    ("cidr", ipaddress.ip_network("10.0.0.0/8")),
    ("json", {"a": [1, None, "ä"]}),
    ("jsonb", {"a": {"b": [1.5, True, "\\u0000"]}}),
    ("jsonb", "a string"),
    ("jsonb", [1, 2]),
    ("jsonb", 5),
    ("int4range", Range(1, 5)),
    ("int8range", Range(1, 2**40)),
    ("numrange", Range(Decimal("0.5"), None, "[)")),
    ("daterange", Range(date(2026, 1, 1), date(2026, 2, 1))),
    ("tsrange", Range(WALL, None)),
    ("tstzrange", Range(None, INSTANT, "()")),
    ("int4range", Range(empty=True)),
    ("int4multirange", Multirange([Range(1, 3), Range(7, None)])),
    ("tstzmultirange", Multirange([Range(EARLY, INSTANT)])),
    ("bool[]", [True, None]),
    ("int4[]", [[1, 2], [3, 4]]),
    ("int8[]", [1, 2**40]),
    ("float8[]", [0.5, None]),
    ("numeric[]", [Decimal("1.10")]),
    ("text[]", ["a,b", 'say "so"', None, "NULL", ""]),
    ("text[]", []),
    ("uuid[]", [ID]),
    ("timestamptz[]", [INSTANT]),
    ("date[]", []),
    ("jsonb[]", [{"a": 1}, [2]]),
    ("int4range[]", [Range(1, 2)]),
    ("public.vector", Vector([0.5, -1.0])),
    ("public.vector[]", [Vector([1.0])]),
    ("public.halfvec", HalfVector([0.5, 2.0])),
    ("public.sparsevec", SparseVector({0: 1.0, 2: 0.5}, 4)),
    ("ag_catalog.agtype", {"a": [1, "ä", None]}),
    ("shop.positive_price", Decimal("9.90")),
]

# Types for which psycopg has no binary loader: they come back as text.
ROUND_TRIPS_AS_TEXT: list[tuple[str, Any]] = [
    ("macaddr", "08:00:2b:01:02:03"),
    ("macaddr8", "08:00:2b:01:02:03:04:05"),
    ("macaddr[]", ["08:00:2b:01:02:03"]),
    ("bit(3)", "101"),
    ("varbit", "10"),
    ("money", "$1.50"),
    ("point", "(1,2)"),
    ("box[]", ["(3,4),(1,2)", "(1,1),(0,0)"]),
    ("tsvector", "'a':1"),
    ("tsquery", "'a' & 'b'"),
    ("pg_lsn", "16/B374D848"),
    ("jsonpath", '$."a"'),
    ("regclass", "pg_class"),
    ('"char"', "c"),
    ("shop.status", "in stock"),
    ("shop.status", Status.IN_STOCK),
    ("shop.date", "soon"),
]


def echo(sql_type: str, *, binary: bool) -> Statement[Any]:
    """A statement that returns its parameter, and the type that PostgreSQL sees."""
    return Statement(
        "shop.test.echo",
        f"SELECT $1::{sql_type}",
        parameters=(("given", sql_type.partition("(")[0]),),
        binary=binary,
    )


@pytest.fixture
def shop(connection: Connection[Any]) -> Connection[Any]:
    """A session that knows types of its own."""
    return _with_types(connection)


@pytest.fixture
def types(undone: Connection[Any]) -> Connection[Any]:
    """The same in a transaction that is rolled back."""
    return _with_types(undone)


def _with_types(connection: Connection[Any]) -> Connection[Any]:
    connection.execute(CREATE_TYPES)
    connection.execute("SET TIME ZONE 'UTC'")
    return connection


ADD = Statement(
    "shop.items.add",
    "INSERT INTO shop.items (id, name, status) VALUES ($1, $2, $3)"
    " RETURNING id, name, status",
    parameters=(("id", "int4"), ("name", "text"), ("status", "shop.status")),
    row=Item,
    converters={2: Status},
    binary=True,
)
ADD_PLAIN = Statement[Any](
    "shop.items.add_plain",
    "INSERT INTO shop.items (id, name) VALUES ($1, $2)",
    parameters=(("id", "int4"), ("name", "text")),
)
ITEMS = Statement(
    "shop.items.items",
    "SELECT id, name, status FROM shop.items WHERE id >= $1 ORDER BY id",
    parameters=(("min_id", "int4"),),
    row=Item,
    converters={2: Status},
)
NAME = Statement[str](
    "shop.items.name",
    "SELECT name FROM shop.items WHERE id >= $1 ORDER BY id",
    parameters=(("min_id", "int4"),),
    binary=True,
)
STATUSES = Statement[Status](
    "shop.items.statuses", "SELECT status FROM shop.items", converters={0: Status}
)
RENAME = Statement[Any](
    "shop.items.rename",
    "UPDATE shop.items SET name = $1",
    parameters=(("name", "text"),),
)


# --- Types ------------------------------------------------------------------------


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
@pytest.mark.parametrize(("sql_type", "value"), ROUND_TRIPS, ids=_name)
def test_a_value_comes_back_as_it_went_in(
    types: Connection[Any], sql_type: str, value: Any, binary: bool
) -> None:
    assert same(echo(sql_type, binary=binary).row(types, [value]), value)


@pytest.mark.parametrize(("sql_type", "value"), ROUND_TRIPS_AS_TEXT, ids=_name)
def test_a_value_without_a_python_type_comes_back_as_text(
    types: Connection[Any], sql_type: str, value: Any
) -> None:
    found = echo(sql_type, binary=False).row(types, [value])
    assert same(found, value) or found == "{" + ";".join(value) + "}"


async def test_values_come_back_on_an_asynchronous_connection_too(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    async with await connect_async(database_url, settings) as connection:
        await connection.execute("SET TIME ZONE 'UTC'")
        for sql_type, value in ROUND_TRIPS:
            for binary in (True, False):
                statement = echo(sql_type, binary=binary)
                assert same(await statement.row(connection, [value]), value)


def test_the_table_of_types_is_long_enough() -> None:
    assert len({name for name, _ in ROUND_TRIPS + ROUND_TRIPS_AS_TEXT}) >= 40


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [("int8", 5), ("float8", 2), ("numeric", 7), ("int4", True), ("text", "5")],
)
def test_the_type_is_the_described_one_whatever_the_value(
    types: Connection[Any], sql_type: str, value: Any
) -> None:
    seen = Statement[str](
        "shop.test.seen",
        "SELECT pg_catalog.pg_typeof($1)::text = $2::regtype::text",
        parameters=(("given", sql_type), ("type", "text")),
    )
    assert seen.row(types, [value, sql_type]) is True


def test_a_results_type_does_not_follow_the_value(types: Connection[Any]) -> None:
    product = Statement[str](
        "shop.test.product",
        "SELECT pg_catalog.pg_typeof(2::int4 * $1)::text",
        parameters=(("factor", "int4"),),
    )
    assert product.row(types, [1]) == "integer"
    with pytest.raises(BadInput):
        product.row(types, [3_000_000_000])


def test_lists_of_enums_are_sent_as_their_labels(types: Connection[Any]) -> None:
    statement = echo("shop.status[]", binary=False)
    given = [Status.IN_STOCK, None, Status.DRAFT]
    assert statement.row(types, [given]) == '{"in stock",NULL,draft}'
    assert statement.row(types, [[Status.DRAFT, "in stock"]]) == '{draft,"in stock"}'
    assert statement.row(types, [[]]) == "{}"


@pytest.mark.parametrize(
    ("sql_type", "given", "found"),
    [
        ("public.vector", [1, 2.5], Vector([1.0, 2.5])),
        ("public.vector", (1.0, 2.0), Vector([1.0, 2.0])),
        ("public.vector", array("d", [0.25]), Vector([0.25])),
        ("public.halfvec", [1, 2], HalfVector([1.0, 2.0])),
        ("jsonb", Jsonb({"a": 1}), {"a": 1}),
        ("jsonb", Json([1]), [1]),
        ("jsonb", Jsonb(1, dumps=lambda _: "[2]"), [2]),
        ("jsonb", (1, 2), [1, 2]),
        ("shop.settings", Jsonb({"a": 1}), {"a": 1}),
        ("ag_catalog.agtype", Agtype([1, 2]), [1, 2]),
        ("numeric", 3, Decimal(3)),
        ("float8", 3, 3.0),
        ("int4[]", (1, 2), [1, 2]),
        ("timestamptz", INSTANT.astimezone(EAST), INSTANT),
        ("text", Status.IN_STOCK, "in stock"),
        ("text[]", [Status.DRAFT], ["draft"]),
        ("int4", Level.LOW, 1),
        ("bytea", bytearray(b"ab"), b"ab"),
        ("bytea", memoryview(b"ab"), b"ab"),
    ],
    ids=_name,
)
def test_a_type_takes_what_stands_for_its_values(
    types: Connection[Any], sql_type: str, given: Any, found: Any
) -> None:
    assert same(echo(sql_type, binary=True).row(types, [given]), found)


def test_a_vector_may_be_an_array_of_numpy(types: Connection[Any]) -> None:
    numpy = pytest.importorskip("numpy")
    statement = echo("public.vector", binary=True)
    found = statement.row(types, [numpy.array([0.5, 1.5])])
    assert found.to_list() == [0.5, 1.5]
    assert found.to_numpy().dtype == numpy.float32
    with pytest.raises(BadInput):
        statement.row(types, [numpy.array([0.5, numpy.nan])])


def test_a_composite_is_sent_as_a_tuple(types: Connection[Any]) -> None:
    found = echo("shop.money", binary=False).row(types, [(Decimal("1.5"), "EUR")])
    assert found == "(1.5,EUR)"


def test_none_is_null_in_every_type(types: Connection[Any]) -> None:
    for sql_type, _ in ROUND_TRIPS + ROUND_TRIPS_AS_TEXT:
        assert echo(sql_type, binary=False).row(types, [None]) is None


def test_a_session_that_knows_no_vector_sends_text(database_url: str) -> None:
    with psycopg.connect(database_url) as plain:
        assert echo("public.vector", binary=False).row(plain, ["[1,2]"]) == "[1,2]"


# --- Bad input --------------------------------------------------------------------

REFUSED: list[tuple[str, Any]] = [
    ("text", NUL),
    ("text", SURROGATE),
    ("text", 5),
    ("text", ["a"]),
    ("text", b"a"),
    ("varchar", NUL),
    ("bpchar", NUL),
    ("xml", 5),
    ("macaddr", ["08:00:2b:01:02:03"]),
    ("text[]", ["a", NUL]),
    ("text[]", [SURROGATE]),
    ("text[]", ["a", 5]),
    ("text[]", "abc"),
    ("text[]", 5),
    ("shop.status", NUL),
    ("shop.status", SURROGATE),
    ("shop.status", OBJECT),
    ("shop.status[]", ["draft", NUL]),
    ("shop.settings", {"a": 1}),
    ("json", NUL),
    ("jsonb", NUL),
    ("jsonb", {"a": [NUL]}),
    ("jsonb", {NUL: 1}),
    ("jsonb", "\\\0"),
    ("jsonb", {"a": SURROGATE}),
    ("jsonb", math.nan),
    ("jsonb", [math.inf]),
    ("jsonb", Jsonb(math.nan)),
    ("jsonb", {"a": date(2026, 1, 1)}),
    ("jsonb", OBJECT),
    ("bool", "false"),
    ("bool", 0),
    ("int2", 32768),
    ("int2", -32769),
    ("int4", 2**31),
    ("int4", -(2**31) - 1),
    ("int4", "5"),
    ("int4", 5.0),
    ("int4", math.nan),
    ("int4", Decimal(5)),
    ("int4[]", [1, 2**31]),
    ("int4[]", [[1], [2, 3]]),
    ("int8", 2**63),
    ("int8", -(2**63) - 1),
    ("oid", -1),
    ("oid", 2**32),
    ("float4", 1e300),
    ("float4", "1"),
    ("float8", 10**400),
    ("float8", "1"),
    ("numeric", 1.5),
    ("numeric", "1"),
    ("uuid", str(ID)),
    ("uuid[]", [str(ID)]),
    ("bytea", "text"),
    ("bytea", 5),
    ("date", "2026-01-01"),
    ("date", INSTANT),
    ("time", time(1, tzinfo=UTC)),
    ("time", "01:00"),
    ("timetz", time(1)),
    ("timestamp", INSTANT),
    ("timestamp", date(2026, 1, 1)),
    ("timestamptz", WALL),
    ("timestamptz", "now"),
    ("timestamptz[]", [INSTANT, WALL]),
    ("interval", 5),
    ("interval", "1 day"),
    ("inet", "10.0.0.1"),
    ("cidr", ipaddress.ip_address("10.0.0.1")),
    ("int4range", Range(1, 2**31)),
    ("int4range", (1, 2)),
    ("tstzrange", Range(WALL, None)),
    ("tsrange", Range(INSTANT, None)),
    ("int4multirange", [Range(1, 2)]),
    ("public.vector", [1.0, math.nan]),
    ("public.vector", [math.inf, -math.inf]),
    ("public.vector", [1e300]),
    ("public.vector", Vector([math.nan])),
    ("public.vector", "[1,2]"),
    ("public.vector", ["a"]),
    ("public.vector", 5),
    ("public.halfvec", [1e300]),
    ("public.sparsevec", [1.0]),
    ("ag_catalog.agtype", {"a": 2**63}),
    ("ag_catalog.agtype", {"a": math.nan}),
    ("ag_catalog.agtype", {"a": OBJECT}),
    ("ag_catalog.agtype", {"a": NUL}),
    ("ag_catalog.agtype", {"a": SURROGATE}),
    ("ag_catalog.agtype", "a"),
]


@pytest.mark.parametrize(("sql_type", "value"), REFUSED, ids=_name)
def test_a_bad_value_is_refused_before_anything_is_sent(
    types: Connection[Any], sql_type: str, value: Any
) -> None:
    with types.transaction():
        with pytest.raises(BadInput) as caught:
            echo(sql_type, binary=True).row(types, [value])
        assert types.info.transaction_status == TransactionStatus.INTRANS
        assert types.execute("SELECT 1").fetchone() == (1,)
    error = caught.value
    assert not isinstance(error, DatabaseError)
    assert error.query == "shop.test.echo"
    assert str(error) == (
        f"parameter given of query shop.test.echo cannot be sent as {sql_type}"
    )
    assert error.hint is not None
    assert error.hint.startswith("It takes ")
    assert error.__cause__ is not None


async def test_bad_values_are_refused_on_an_asynchronous_connection_too(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    async with (
        await connect_async(database_url, settings) as connection,
        connection.transaction(),
    ):
        for sql_type, value in REFUSED:
            with pytest.raises(BadInput, match="parameter given"):
                await echo(sql_type, binary=True).row(connection, [value])
        assert await echo("int4", binary=True).row(connection, [1]) == 1


def test_a_list_within_itself_is_refused(types: Connection[Any]) -> None:
    endless: list[Any] = []
    endless.append(endless)
    for sql_type in ("text[]", "int4[]", "jsonb", "shop.status[]"):
        with pytest.raises(BadInput):
            echo(sql_type, binary=True).row(types, [endless])


def test_a_missing_value_is_refused(shop: Connection[Any]) -> None:
    with pytest.raises(BadInput, match="takes 2 values, not 1"):
        ADD_PLAIN.count(shop, [1])


def test_what_only_the_server_can_refuse_is_translated(types: Connection[Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        echo("shop.status", binary=True).row(types, ["sold"])
    assert caught.value.query == "shop.test.echo"
    assert "sold" not in str(caught.value)


# --- Operators --------------------------------------------------------------------


def test_each_method_gives_its_kind_of_result(shop: Connection[Any]) -> None:
    first = Item(1, "one", Status.DRAFT)
    assert ADD.row(shop, (1, "one", Status.DRAFT)) == first
    assert ADD_PLAIN.count(shop, (2, "two")) == 1
    assert ADD_PLAIN.count_many(shop, ((n, "more") for n in (3, 4))) == 2
    assert ADD_PLAIN.count_many(shop, []) == 0
    assert ITEMS.rows(shop, (0,))[:2] == [first, Item(2, "two", None)]
    assert ITEMS.row(shop, (4,)) == Item(4, "more", None)
    assert ITEMS.row(shop, (5,)) is None
    assert NAME.row(shop, (4,)) == "more"
    assert NAME.row(shop, (5,)) is None
    assert NAME.rows(shop, (3,)) == ["more", "more"]
    assert STATUSES.rows(shop) == [Status.DRAFT, None, None, None]
    assert RENAME.count(shop, ("same",)) == 4
    assert ITEMS.rows(shop, (9,)) == []


async def test_each_method_does_so_on_an_asynchronous_connection(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    async with await connect_async(database_url, settings) as connection:
        first = Item(1, "one", Status.DRAFT)
        assert await ADD.row(connection, (1, "one", Status.DRAFT)) == first
        assert await ADD_PLAIN.count(connection, (2, "two")) == 1
        assert await ADD_PLAIN.count_many(connection, [(3, "c"), (4, "d")]) == 2
        assert await ITEMS.row(connection, (5,)) is None
        assert len(await ITEMS.rows(connection, (0,))) == 4
        assert await NAME.row(connection, (4,)) == "d"
        with pytest.raises(WrongRowCount):
            await NAME.row(connection, (0,))
        with pytest.raises(UniqueViolation) as caught:
            await ADD_PLAIN.count(connection, (1, "again"))
        assert caught.value.query == "shop.items.add_plain"
        script = Statement[Any](
            "shop.test.script", "SELECT 1; DROP SCHEMA shop CASCADE"
        )
        assert await script.script(connection) == "DROP SCHEMA"


def test_more_rows_than_promised_are_an_error(shop: Connection[Any]) -> None:
    ADD_PLAIN.count_many(shop, [(1, "a"), (2, "b")])
    for call in (ITEMS.row, NAME.row):
        with pytest.raises(WrongRowCount, match="returned 2 rows") as caught:
            call(shop, (0,))
        assert caught.value.query in ("shop.items.items", "shop.items.name")


def test_a_script_tells_its_last_status(shop: Connection[Any]) -> None:
    script = Statement[Any](
        "shop.test.script", "CREATE TABLE shop.a (); DROP TABLE shop.a"
    )
    assert script.script(shop) == "DROP TABLE"


def test_one_bad_set_of_many_keeps_all_from_being_sent(shop: Connection[Any]) -> None:
    with pytest.raises(BadInput, match="parameter name"):
        ADD_PLAIN.count_many(shop, [(1, "a"), (2, NUL)])
    with pytest.raises(UniqueViolation):
        ADD_PLAIN.count_many(shop, [(1, "a"), (1, "b")])
    assert ITEMS.rows(shop, (0,)) == []


def test_errors_name_the_query_and_not_the_value(shop: Connection[Any]) -> None:
    ADD_PLAIN.count(shop, (1, "a"))
    for method in (ADD.rows, ADD.row, ADD.count):
        with pytest.raises(UniqueViolation) as caught:
            method(shop, (1, "hunter2", None))
        assert caught.value.query == "shop.items.add"
        assert caught.value.constraint == "items_pkey"
        assert "hunter2" not in str(caught.value)


def test_the_server_sees_the_querys_name(types: Connection[Any]) -> None:
    """002-38"""
    activity = Statement[str](
        "shop.test.activity",
        "SELECT query FROM pg_catalog.pg_stat_activity"
        " WHERE pid = pg_catalog.pg_backend_pid()",
    )
    assert str(activity.row(types)).startswith("/* shop.test.activity */ SELECT")


@pytest.mark.parametrize("row", [Item, None])
def test_rows_of_another_shape_are_an_error(shop: Connection[Any], row: Any) -> None:
    ADD.count(shop, (1, "a", Status.IN_STOCK))

    class Older(StrEnum):
        DRAFT = "draft"

    changed: list[Statement[Any]] = [
        Statement("shop.test.old", "SELECT 1", row=Item),
        Statement("shop.test.old", "SELECT 1, 2, 3", row=Item, converters={3: str}),
        Statement(
            "shop.test.old",
            "SELECT status FROM shop.items",
            row=row,
            converters={0: Older},
        ),
    ]
    for statement in changed:
        with pytest.raises(QueryError, match=r"shop\.test\.old") as caught:
            statement.rows(shop)
        assert caught.value.hint is not None


def test_a_statement_is_prepared_after_a_few_uses(shop: Connection[Any]) -> None:
    for _ in range(10):
        NAME.rows(shop, (0,))
    prepared = "SELECT parameter_types::text FROM pg_catalog.pg_prepared_statements"
    assert shop.execute(prepared, prepare=False).fetchall() == [("{integer}",)]


def test_a_closed_connection_is_an_error_of_its_kind(
    database_url: str, settings: Settings
) -> None:
    connection = connect(database_url, settings)
    connection.close()
    for call in (NAME.rows, NAME.row, RENAME.count):
        with pytest.raises(DatabaseUnavailable):
            call(connection, (0,) if call != RENAME.count else ("a",))
    with pytest.raises(DatabaseUnavailable), NAME.stream(connection, (0,)):
        pass


def test_a_statement_does_not_keep_a_connection_alive(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    connection = connect(database_url, settings)
    echo_all = [echo(sql_type, binary=False) for sql_type, _ in ROUND_TRIPS]
    for statement, (_, value) in zip(echo_all, ROUND_TRIPS, strict=True):
        statement.row(connection, [value])
    connection.close()
    gone = weakref.ref(connection)
    del connection
    gc.collect()
    assert gone() is None


# --- Pipelines --------------------------------------------------------------------


def test_statements_work_inside_a_pipeline(shop: Connection[Any]) -> None:
    with shop.pipeline():
        assert ADD_PLAIN.count(shop, (1, "a")) == 1
        assert ADD_PLAIN.count_many(shop, [(2, "b"), (3, "c")]) == 2
        assert ADD.row(shop, (4, "d", None)) == Item(4, "d", None)
        assert len(ITEMS.rows(shop, (0,))) == 4
        assert RENAME.count(shop, ("same",)) == 4
    with pytest.raises(UniqueViolation), shop.pipeline():
        ADD_PLAIN.count(shop, (1, "again"))
    assert NAME.row(shop, (4,)) == "same"


async def test_statements_work_inside_an_asynchronous_pipeline(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    async with (
        await connect_async(database_url, settings) as connection,
        connection.pipeline(),
    ):
        assert await ADD_PLAIN.count(connection, (1, "a")) == 1
        assert await ADD_PLAIN.count_many(connection, [(2, "b"), (3, "c")]) == 2
        assert len(await ITEMS.rows(connection, (0,))) == 3


# --- Streams ----------------------------------------------------------------------

NUMBERS = Statement[int](
    "shop.test.numbers",
    "SELECT n FROM pg_catalog.generate_series(1, $1) AS n",
    parameters=(("last", "int4"),),
    binary=True,
)


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_stream_lends_rows(shop: Connection[Any], autocommit: bool) -> None:
    shop.autocommit = autocommit
    with NUMBERS.stream(shop, (2500,), batch=100) as numbers:
        assert next(numbers) == 1
        with NUMBERS.stream(shop, (3,), batch=2) as others:
            assert list(others) == [1, 2, 3]
        assert sum(numbers) == sum(range(2, 2501))
    assert (shop.info.transaction_status == TransactionStatus.IDLE) is autocommit


def test_a_streams_rows_are_of_its_class(shop: Connection[Any]) -> None:
    ADD.count(shop, (1, "a", Status.DRAFT))
    with ITEMS.stream(shop, (0,)) as items:
        assert list(items) == [Item(1, "a", Status.DRAFT)]


def test_a_stream_may_be_left_early(shop: Connection[Any]) -> None:
    with NUMBERS.stream(shop, (10**6,), batch=1) as numbers:
        assert next(numbers) == 1
    with pytest.raises(DatabaseError):
        next(numbers)
    assert NUMBERS.rows(shop, (1,)) == [1]


def test_a_stream_commits_what_its_block_wrote(shop: Connection[Any]) -> None:
    with NUMBERS.stream(shop, (3,), batch=1) as numbers:
        for number in numbers:
            ADD_PLAIN.count(shop, (number, "a"))
    with pytest.raises(UniqueViolation), NUMBERS.stream(shop, (3,)):
        ADD_PLAIN.count_many(shop, [(4, "a"), (1, "again")])
    assert len(ITEMS.rows(shop, (0,))) == 3


def test_a_stream_leaves_a_callers_transaction_open(shop: Connection[Any]) -> None:
    with shop.transaction():
        with NUMBERS.stream(shop, (3,)) as numbers:
            assert list(numbers) == [1, 2, 3]
        assert shop.info.transaction_status == TransactionStatus.INTRANS


def test_a_streams_errors_name_the_query(shop: Connection[Any]) -> None:
    failing = Statement[int](
        "shop.test.failing",
        "SELECT 1 / (3 - n) FROM pg_catalog.generate_series(1, $1) AS n",
        parameters=(("last", "int4"),),
    )
    with (
        pytest.raises(InvalidValue) as caught,
        failing.stream(shop, (5,), batch=1) as numbers,
    ):
        list(numbers)
    assert caught.value.query == "shop.test.failing"
    with pytest.raises(BadInput), failing.stream(shop, ("five",)):
        pass
    assert NUMBERS.rows(shop, (1,)) == [1]


async def test_an_asynchronous_stream_lends_rows(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    async with await connect_async(database_url, settings) as connection:
        async with NUMBERS.stream(connection, (250,), batch=100) as numbers:
            assert sum([number async for number in numbers]) == sum(range(251))
        assert connection.info.transaction_status == TransactionStatus.IDLE
        failing = Statement[int]("shop.test.failing", "SELECT 1 / 0")
        with pytest.raises(InvalidValue):
            async with failing.stream(connection) as found:
                assert [each async for each in found] == []


async def test_either_kind_of_connection_gives_its_kind_of_result(
    shop: Connection[Any], database_url: str, settings: Settings
) -> None:
    # As a generated function is written; mypy checks its types.
    def names(
        connection: Connection[Any] | AsyncConnection[Any], values: Sequence[int]
    ) -> Any:
        return NAME.rows(connection, values)

    assert names(shop, [0]) == []
    async with await connect_async(database_url, settings) as connection:
        assert await names(connection, [0]) == []


def same(found: Any, given: Any) -> bool:
    """Compare in type too; pgvector's types are equal by their numbers."""
    if isinstance(given, HalfVector | SparseVector):
        return bool(found.to_list() == given.to_list())
    if isinstance(given, StrEnum | Multirange):
        return bool(found == given)
    return bool(found == given and type(found) is type(given))
