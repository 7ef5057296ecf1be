"""Results of queries as bytes, and back as exactly what they were.

The result's type, which the generated function states, says how: nothing in the bytes
names a class or a function, so nobody who can write to Redis can make a reader run
anything. Values come back with their types: a Decimal with its digits, a timestamp with
its time zone, an enum as its member, a row as its class.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from pgvector import Vector
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range
from pydantic import BaseModel, JsonValue, TypeAdapter

from drystone.errors import BadInput

_PLAIN = (bool, int, float, str, bytes, UUID, Decimal, dt.date)
_DECIMAL = 1  # the code of an extension of msgpack
_ADDRESSES = {
    kind.__name__: kind
    for kind in (
        ipaddress.IPv4Address,
        ipaddress.IPv6Address,
        ipaddress.IPv4Interface,
        ipaddress.IPv6Interface,
        ipaddress.IPv4Network,
        ipaddress.IPv6Network,
    )
}

Change = Callable[[Any], Any]


class CannotHold(Exception):
    """A value that would not come back as it is; it is not stored."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How values of one type are written: as a simpler type, by two functions.

    Without the functions they are written as they are. ``signature`` changes whenever
    bytes of before would be read as something else.
    """

    wire: Any
    lower: Change | None
    lift: Change | None
    signature: str


class Codec:
    """Writes and reads the results of one type.

    Raises BadInput for a type whose values it cannot hold.
    """

    def __init__(self, kind: Any) -> None:
        shape = _shape(kind)
        self.signature = shape.signature
        self._lower = shape.lower
        self._lift = shape.lift
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(shape.wire, ext_hook=_extension)

    def encode(self, value: Any) -> bytes:
        """Return a value as bytes; raises CannotHold for one that has no such form."""
        try:
            plain = value if self._lower is None else self._lower(value)
            return self._encoder.encode(plain)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise CannotHold(type(error).__name__) from error

    def decode(self, data: bytes) -> Any:
        """Return the value; raises ValueError for bytes that are none of its type."""
        try:
            plain = self._decoder.decode(data)
            return plain if self._lift is None else self._lift(plain)
        except (TypeError, LookupError, ArithmeticError, RecursionError) as error:
            raise ValueError("not a value of this type") from error


def _shape(kind: Any) -> Shape:
    if kind is Any or kind is JsonValue:
        return _JSON
    if kind is None or kind is types.NoneType:
        return Shape(None, None, None, "none")
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union(get_args(kind))
    if origin is not None:
        return _generic(kind, origin, get_args(kind))
    return _simple(kind)


def _simple(kind: type) -> Shape:
    name = kind.__name__
    if kind in _PLAIN:
        return Shape(kind, None, None, name)
    if kind in _CHANGED:
        return Shape(*_CHANGED[kind], name)
    if issubclass(kind, Enum):
        labels = ",".join(repr(member.value) for member in kind)
        return Shape(kind, None, None, f"{_full(kind)}({labels})")
    if issubclass(kind, msgspec.Struct):
        return _struct(kind)
    if issubclass(kind, BaseModel):
        return _model(kind)
    if name in _ADDRESSES:
        return _union((kind,))
    raise BadInput(
        f"a cache cannot hold values of the type {_full(kind)}",
        hint="It holds what generated functions return: rows of PostgreSQL's types,"
        " enums, vectors, JSON, and pydantic models. Call the function itself.",
    )


def _generic(kind: Any, origin: Any, arguments: Sequence[Any]) -> Shape:
    if origin is list:
        element = _shape(arguments[0])
        lower, lift = _each(element.lower), _each(element.lift)
        return Shape(_list(element.wire), lower, lift, f"[{element.signature}]")
    if origin in (Range, Multirange):
        bound = _shape(arguments[0])
        wire, lower, lift = _range(bound)
        name = f"{origin.__name__}[{bound.signature}]"
        if origin is Range:
            return Shape(wire, lower, lift, name)
        return Shape(
            _list(wire),
            lambda value: [lower(part) for part in value],
            lambda plain: Multirange([lift(part) for part in plain]),
            name,
        )
    raise BadInput(
        f"a cache cannot hold values of the type {kind}",
        hint="Call the function itself.",
    )


def _union(kinds: Sequence[Any]) -> Shape:
    others = [kind for kind in kinds if kind not in (None, types.NoneType)]
    if all(isinstance(k, type) and k.__name__ in _ADDRESSES for k in others):
        shape = Shape(str, _lower_address, _lift_address, "address")
    elif len(others) == 1:
        shape = _shape(others[0])
    elif _is_json(others):
        return _JSON
    else:
        raise BadInput(
            f"a cache cannot hold a value that is one of {len(others)} types",
            hint="Call the function itself.",
        )
    if len(others) == len(kinds):
        return shape
    return Shape(
        shape.wire | None,
        _unless_none(shape.lower),
        _unless_none(shape.lift),
        f"{shape.signature}?",
    )


def _is_json(kinds: Sequence[Any]) -> bool:
    """Tell whether the kinds are AgtypeValue's: a union has no name of its own."""
    return any(get_origin(kind) is dict for kind in kinds) and all(
        kind in (str, int, float, bool, Decimal) or get_origin(kind) in (dict, list)
        for kind in kinds
    )


# --- Rows -----------------------------------------------------------------------------


@cache
def _struct(kind: type[msgspec.Struct]) -> Shape:
    fields = msgspec.structs.fields(kind)
    shapes = [_shape(field.type) for field in fields]
    lowers = [(i, s.lower) for i, s in enumerate(shapes) if s.lower is not None]
    lifts = [(i, s.lift) for i, s in enumerate(shapes) if s.lift is not None]

    def lower(value: Any) -> list[Any]:
        if type(value) is not kind:
            raise TypeError(type(value).__name__)
        values = list(msgspec.structs.astuple(value))
        for index, change in lowers:
            values[index] = change(values[index])
        return values

    def lift(plain: Sequence[Any]) -> Any:
        values = list(plain)
        for index, change in lifts:
            values[index] = change(values[index])
        return kind(*values)

    parts = ",".join(
        f"{field.name}:{shape.signature}"
        for field, shape in zip(fields, shapes, strict=True)
    )
    wire = _tuple(*(shape.wire for shape in shapes))
    return Shape(wire, lower, lift, f"{_full(kind)}({parts})")


def _model(kind: type[BaseModel]) -> Shape:
    adapter = TypeAdapter(kind)

    def lower(value: Any) -> Any:
        plain = adapter.dump_python(value, mode="json", by_alias=True)
        if adapter.validate_python(plain) != value:
            raise TypeError(kind.__name__)
        return _lower_json(plain)

    schema = repr(sorted(adapter.json_schema().items(), key=lambda item: item[0]))
    return Shape(Any, lower, adapter.validate_python, f"{_full(kind)}({schema})")


# --- Values ---------------------------------------------------------------------------


def _range(bound: Shape) -> tuple[Any, Change, Change]:
    down, up = _unless_none(bound.lower), _unless_none(bound.lift)

    def lower(value: Range[Any]) -> tuple[str, Any, Any]:
        ends = (value.lower, value.upper)
        low, high = ends if down is None else map(down, ends)
        return ("" if value.isempty else value.bounds, low, high)

    def lift(plain: tuple[str, Any, Any]) -> Range[Any]:
        bounds, *ends = plain
        if not bounds:
            return Range(empty=True)
        low, high = ends if up is None else map(up, ends)
        return Range(low, high, bounds)

    end = bound.wire | None
    return _tuple(str, end, end), lower, lift


def _lower_timestamp(value: dt.datetime) -> str:
    """Write a timestamp, with the name of its time zone behind its offset."""
    zone = value.tzinfo
    if zone is None or isinstance(zone, dt.timezone):
        return value.isoformat()
    if isinstance(zone, ZoneInfo) and zone.key:
        return f"{value.isoformat()} {zone.key}"
    raise TypeError("tzinfo")


def _lift_timestamp(plain: str) -> dt.datetime:
    text, _, zone = plain.partition(" ")
    value = dt.datetime.fromisoformat(text)
    # By way of the offset: an hour that comes twice has two of them.
    return value.astimezone(ZoneInfo(zone)) if zone else value


def _lower_address(value: Any) -> str:
    name = type(value).__name__
    if name not in _ADDRESSES:
        raise TypeError(name)
    return f"{name} {value}"


def _lift_address(plain: str) -> Any:
    name, _, text = plain.partition(" ")
    return _ADDRESSES[name](text)


def _lower_json(value: Any) -> Any:
    """Return JSON as it is, with Decimals wrapped; refuse what is not JSON."""
    kind = type(value)
    if value is None or kind in (str, bool, int, float):
        return value
    if kind is list:
        return [_lower_json(element) for element in value]
    if kind is dict and all(type(key) is str for key in value):
        return {key: _lower_json(element) for key, element in value.items()}
    if kind is Decimal:
        return msgspec.msgpack.Ext(_DECIMAL, str(value).encode())
    raise TypeError(kind.__name__)


def _extension(code: int, data: memoryview) -> Decimal:
    if code != _DECIMAL:
        raise ValueError("an unknown extension")
    return Decimal(bytes(data).decode())


def _lower_time(value: dt.time) -> str:
    return value.isoformat()


def _lower_interval(value: dt.timedelta) -> tuple[int, int, int]:
    return (value.days, value.seconds, value.microseconds)


def _lift_interval(plain: tuple[int, int, int]) -> dt.timedelta:
    return dt.timedelta(*plain)


def _lower_vector(value: Vector) -> bytes:
    return value.to_binary()


_CHANGED: dict[type, tuple[Any, Change, Change]] = {
    dt.datetime: (str, _lower_timestamp, _lift_timestamp),
    dt.time: (str, _lower_time, dt.time.fromisoformat),
    dt.timedelta: (tuple[int, int, int], _lower_interval, _lift_interval),
    Vector: (bytes, _lower_vector, Vector.from_binary),
}

_JSON = Shape(Any, _lower_json, None, "json")


def _tuple(*kinds: Any) -> Any:
    return types.GenericAlias(tuple, kinds)


def _list(kind: Any) -> Any:
    return types.GenericAlias(list, (kind,))


def _each(change: Change | None) -> Change | None:
    if change is None:
        return None
    return lambda values: [change(value) for value in values]


def _unless_none(change: Change | None) -> Change | None:
    if change is None:
        return None
    return lambda value: None if value is None else change(value)


def _full(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
