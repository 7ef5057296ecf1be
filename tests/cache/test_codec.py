"""What is cached comes back as exactly what it was, or is not cached."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import ipaddress
import math
import pkgutil
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgvector import Vector
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range
from pydantic import BaseModel, JsonValue

from drystone import systems
from drystone.cache import CachedQuery
from drystone.cache.codec import CannotHold, Codec
from drystone.database.agtype import AgtypeValue
from drystone.errors import BadInput
from drystone.queries.generation.python import GENERATED
from drystone.queries.runtime import Row


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Odd(dt.tzinfo):
    """A time zone without a name."""

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(0)

    dst = utcoffset

    def tzname(self, moment: dt.datetime | None) -> str:
        return "odd"


class Inner(Row):
    colour: Colour
    at: dt.datetime | None


class Insight(BaseModel):
    score: float
    words: list[str]


class Everything(Row):
    """A column of every type that a generated row can have."""

    a_bool: bool
    an_int: int
    a_float: float
    a_text: str
    some_bytes: bytes
    an_id: UUID
    a_number: Decimal
    a_date: dt.date
    a_time: dt.time
    a_moment: dt.datetime
    a_while: dt.timedelta
    a_colour: Colour | None
    colours: list[Colour | None]
    json: JsonValue
    graph: AgtypeValue
    numbers: Range[Decimal] | None
    moments: Range[dt.datetime]
    days: Multirange[dt.date]
    vector: Vector | None
    address: ipaddress.IPv4Address | ipaddress.IPv6Interface | None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    inner: Inner | None
    inners: list[Inner]
    insight: Insight | None


def as_loaded(moment: dt.datetime) -> dt.datetime:
    """Return a moment as psycopg has it: fold only in an hour that comes twice."""
    first = moment.replace(fold=0)
    return first if first.utcoffset() == moment.utcoffset() else moment


zones: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        dt.UTC,
        dt.timezone(dt.timedelta(hours=-3, minutes=-30, seconds=-12)),
        ZoneInfo("UTC"),
        ZoneInfo("Europe/Berlin"),
        ZoneInfo("America/St_Johns"),
    ]
)
# The years that a time zone's offset cannot lead out of.
moments = st.datetimes(
    dt.datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=zones,
    allow_imaginary=False,
).map(as_loaded)
plain_moments = st.datetimes().map(as_loaded)
numbers = st.decimals(allow_nan=False) | st.just(Decimal("1.10"))
int64 = st.integers(-(2**63), 2**63 - 1)
json = st.recursive(
    st.none() | st.booleans() | int64 | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
graph = st.recursive(
    st.none() | st.booleans() | int64 | st.text() | numbers,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
colours = st.none() | st.sampled_from(Colour)
inners = st.builds(Inner, st.sampled_from(Colour), st.none() | moments)
bounds = st.sampled_from(["[]", "[)", "(]", "()"])
times = st.times(
    timezones=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5))])
).map(lambda time: time.replace(fold=0))  # as psycopg has it


def ranges(ends: st.SearchStrategy[Any]) -> st.SearchStrategy[Range[Any]]:
    some = st.builds(Range, st.none() | ends, st.none() | ends, bounds)
    return some | st.just(Range(empty=True))


everything = st.builds(
    Everything,
    st.booleans(),
    int64,
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.uuids(),
    numbers,
    st.dates(),
    times,
    moments,
    st.timedeltas(),
    colours,
    st.lists(colours, max_size=3),
    json,
    graph,
    st.none() | ranges(numbers),
    ranges(plain_moments),
    st.lists(ranges(st.dates()), max_size=2).map(Multirange),
    st.none() | st.lists(st.floats(width=32, allow_nan=False), min_size=1).map(Vector),
    st.none()
    | st.ip_addresses(v=4)
    | st.builds(ipaddress.IPv6Interface, st.ip_addresses(v=6)),
    st.ip_addresses().map(ipaddress.ip_network),
    st.none() | inners,
    st.lists(inners, max_size=2),
    st.none()
    | st.builds(
        Insight, score=st.floats(allow_nan=False), words=st.lists(st.text(), max_size=2)
    ),
)
CODEC = Codec(list[Everything])


def exact(value: Any) -> Any:
    """Return what two values share only if they are the same in type and content."""
    if isinstance(value, Row):
        return type(value), [exact(getattr(value, f)) for f in value.__struct_fields__]
    if isinstance(value, list | Multirange):
        return type(value), [exact(each) for each in value]
    if isinstance(value, dict):
        return dict, [(key, exact(each)) for key, each in value.items()]
    if isinstance(value, dt.datetime):
        return repr(value), value.utcoffset(), value.fold if value.tzinfo else 0
    if isinstance(value, float):
        return float, value, math.copysign(1, value)
    return type(value), repr(value)


@settings(max_examples=60, deadline=None)
@given(st.lists(everything, max_size=2))
def test_every_type_comes_back_exactly(rows: list[Everything]) -> None:
    assert exact(CODEC.decode(CODEC.encode(rows))) == exact(rows)


@given(json)
def test_json_comes_back_exactly(value: Any) -> None:
    codec = Codec(JsonValue)
    assert exact(codec.decode(codec.encode(value))) == exact(value)


@given(st.binary())
def test_bytes_of_nobody_are_a_value_error_and_run_nothing(data: bytes) -> None:
    try:
        CODEC.decode(data)
    except ValueError:
        return
    assert data == CODEC.encode(CODEC.decode(data)) or CODEC.decode(data) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(everything, min_size=1, max_size=1), st.data())
def test_bytes_that_were_changed_are_a_value_error_or_another_value(
    rows: list[Everything], data: st.DataObject
) -> None:
    encoded = bytearray(CODEC.encode(rows))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] = data.draw(st.integers(0, 255))
    try:
        found = CODEC.decode(bytes(encoded))
    except ValueError:
        return
    assert isinstance(found, list)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (JsonValue, 2**70),
        (JsonValue, {"x": (1, 2)}),
        (JsonValue, {1: "x"}),
        (JsonValue, dt.date(2026, 1, 1)),
        (JsonValue, "\ud800"),
        (int, 2**70),
        (Inner, Colour.RED),
        (dt.datetime, dt.datetime(2026, 1, 1, tzinfo=Odd())),
        (ipaddress.IPv4Address, "10.0.0.1"),
    ],
)
def test_what_would_not_come_back_is_refused(kind: Any, value: Any) -> None:
    with pytest.raises(CannotHold):
        Codec(kind).encode(value)


@pytest.mark.parametrize("kind", [object, complex, set[int], int | str, dict[int, str]])
def test_a_type_that_cannot_be_held_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(BadInput, match="a cache cannot hold"):
        Codec(kind)


def test_the_signature_tells_shapes_apart() -> None:
    class Other(StrEnum):
        RED = "red"

    kinds = [
        int, str, int | None, list[int], list[int | None], list[str], Decimal,
        Inner, Everything, Colour, Other, Range[Decimal], Range[dt.date],
        Multirange[dt.date], JsonValue, Insight, dt.date, dt.datetime,
    ]  # fmt: skip
    assert len({Codec(kind).signature for kind in kinds}) == len(kinds)


def functions() -> list[Callable[..., Any]]:
    """Return every function that was generated for the shipped systems."""
    found: list[Callable[..., Any]] = []
    for module in pkgutil.walk_packages(systems.__path__, "drystone.systems."):
        loaded = importlib.import_module(module.name)
        if GENERATED in (loaded.__doc__ or "") and not module.name.endswith(
            (".inputs", ".types")
        ):
            members = inspect.getmembers(loaded, inspect.isfunction)
            found += [m for _, m in members if m.__module__ == module.name]
    return found


def test_results_of_every_shipped_query_can_be_held() -> None:
    assert len(functions()) > 150
    for function in functions():
        assert CachedQuery(function, ttl=1, tags=["x"]).codec.signature
