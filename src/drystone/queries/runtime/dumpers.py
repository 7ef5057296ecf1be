"""How the values of each SQL type are sent, and which ones are.

PostgreSQL's own types and those that a session has registered go with their OID, in
binary form where psycopg has one. What no one knows here, an enum or a domain, goes as
text without a type: the server infers it, as it did when the query was described.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import isfinite
from typing import Any, cast

import psycopg
from msgspec.structs import astuple
from pgvector import HalfVector, Vector
from psycopg.abc import Buffer, Transformer
from psycopg.adapt import AdaptersMap, PyFormat
from psycopg.pq import Format
from psycopg.types import TypeInfo
from psycopg.types.array import ListBinaryDumper, ListDumper
from psycopg.types.json import Json, Jsonb
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range, dump_range_binary

from drystone.database.agtype import Agtype
from drystone.errors import BadInput
from drystone.queries.runtime.values import Row

Dump = Callable[[Any], Buffer | None]

# What a dumper raises for a value that it does not take.
REFUSALS = (
    ArithmeticError,
    AttributeError,
    BadInput,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    psycopg.Error,
    struct.error,
)

_FIRST_OID_OF_USERS = 16384


@dataclass(frozen=True, slots=True)
class TypeDumper:
    """Sends the values of one type; ``takes`` tells a caller which ones."""

    oid: int
    format: Format
    dump: Dump
    takes: str


def type_dumper(transformer: Transformer, name: str) -> TypeDumper:
    """Find how the values of a type are sent, by its name.

    The name is that of a type in pg_catalog, or it has a schema; ``[]`` makes it the
    array's.
    """
    info = _known(transformer.adapters, name)
    if info is None:
        return _by_value(transformer, 0)
    if name.endswith("[]"):
        return _array(info, type_dumper(transformer, name[:-2]))
    if info.oid >= _FIRST_OID_OF_USERS:
        return _registered(transformer, info)
    if info.name in _CHECKS:
        return _checked(transformer.adapters, info)
    if info.name in _JSON_PREFIXES:
        return _json(transformer.adapters, info)
    if info.name.endswith("range"):
        return _range(transformer, info)
    text = _raw(transformer.adapters, transformer.adapters.types["text"], Format.TEXT)
    takes = "text without NUL characters and lone surrogates"
    return TypeDumper(info.oid, Format.TEXT, text.dump, takes)


def _known(adapters: AdaptersMap, name: str) -> TypeInfo | None:
    schema, _, bare = name.rpartition(".")
    if schema in ("", "pg_catalog"):
        return adapters.types.get(bare)
    info = adapters.types.get(name) or adapters.types.get(bare)
    # A type of one's own may be called as one of PostgreSQL's.
    return info if info and info.oid >= _FIRST_OID_OF_USERS else None


def _raw(adapters: AdaptersMap, info: TypeInfo, format_: Format) -> psycopg.abc.Dumper:
    return adapters.get_dumper_by_oid(info.oid, format_)(type(None), adapters)


def _by_value(transformer: Transformer, oid: int) -> TypeDumper:
    """Send the text form that psycopg has for the value's own type."""

    def dump(value: Any) -> Buffer | None:
        if isinstance(value, Row):  # a composite value
            value = astuple(value)
        return transformer.get_dumper(value, PyFormat.TEXT).dump(value)

    return TypeDumper(oid, Format.TEXT, dump, "a value of that type")


def _array(info: TypeInfo, element: TypeDumper) -> TypeDumper:
    dumper: ListBinaryDumper | ListDumper
    if element.format == Format.BINARY:
        dumper = ListBinaryDumper(list)
    else:
        dumper = ListDumper(list)
        dumper.delimiter = info.delimiter.encode()
    dumper.sub_dumper = cast("Any", element)  # which has the oid and dump() it uses

    def dump(value: Any) -> Buffer | None:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise TypeError
        return dumper.dump(value if isinstance(value, list) else list(value))

    takes = f"a list of which each element is {element.takes}"
    return TypeDumper(info.array_oid, element.format, dump, takes)


def _range(transformer: Transformer, info: TypeInfo) -> TypeDumper:
    adapters = transformer.adapters
    subtype: int = cast("Any", _raw(adapters, info, Format.BINARY)).subtype_oid
    bound = type_dumper(transformer, adapters.types[subtype].name)

    def dump(value: Any) -> bytes:
        if not isinstance(value, Range):
            raise TypeError
        return bytes(dump_range_binary(value, bound.dump))

    def dump_many(value: Any) -> bytes:
        if not isinstance(value, Multirange):
            raise TypeError
        ranges = [dump(each) for each in value]
        sized = [struct.pack("!i", len(each)) + each for each in ranges]
        return struct.pack("!i", len(ranges)) + b"".join(sized)

    if info.name.endswith("multirange"):
        takes = f"a Multirange of which each bound is {bound.takes}"
        return TypeDumper(info.oid, Format.BINARY, dump_many, takes)
    takes = f"a Range of which each bound is {bound.takes}"
    return TypeDumper(info.oid, Format.BINARY, dump, takes)


# --- Types that a session has registered ------------------------------------------

_VECTORS: dict[str, type[Vector | HalfVector]] = {
    "vector": Vector,
    "halfvec": HalfVector,
}


def _registered(transformer: Transformer, info: TypeInfo) -> TypeDumper:
    if info.name in _VECTORS:
        return _vector(info, _VECTORS[info.name])
    for format_ in (Format.BINARY, Format.TEXT):
        try:
            raw = _raw(transformer.adapters, info, format_)
        except psycopg.ProgrammingError:
            continue
        if info.name == "agtype":
            return _agtype(info, raw)
        return TypeDumper(info.oid, format_, raw.dump, "a value of that type")
    return _by_value(transformer, info.oid)


def _vector(info: TypeInfo, kind: type[Vector | HalfVector]) -> TypeDumper:
    def dump(value: Any) -> bytes:
        if not isinstance(value, kind):
            value = kind(list(value) if isinstance(value, Sequence) else value)
        # Numbers that are finite as float4 cannot sum up to infinity as float8.
        if not isfinite(sum(value.to_list())):
            raise ValueError
        data: bytes = value.to_binary()
        return data

    return TypeDumper(info.oid, Format.BINARY, dump, "a sequence of finite numbers")


def _agtype(info: TypeInfo, raw: psycopg.abc.Dumper) -> TypeDumper:
    def dump(value: Any) -> bytes:
        if not isinstance(value, Agtype | Mapping):
            raise TypeError
        agtype = value if isinstance(value, Agtype) else Agtype(dict(value))
        data = bytes(raw.dump(agtype) or b"")
        if b"\\u" in data:
            _JSON.encode(json.loads(data)).encode()  # refuses lone surrogates
        return _without_nul(data)

    takes = "a map of what JSON can express, with integers of 64 bits"
    return TypeDumper(info.oid, raw.format, dump, takes)


# --- Types of PostgreSQL ----------------------------------------------------------

# psycopg's compiled dumpers cut integers off, and some read memory that is not theirs
# if the value is of another type. These look first; the other dumpers do so themselves.
_CHECKS: dict[str, tuple[str, Callable[[Any], bool] | None]] = {
    "bool": ("a bool", lambda value: isinstance(value, bool)),
    "bytea": ("bytes", lambda value: isinstance(value, bytes | bytearray | memoryview)),
    "cidr": ("an IPv4Network or IPv6Network", None),
    "date": ("a date, not a datetime", lambda value: not isinstance(value, datetime)),
    "float4": (
        "a number that 32 bits can hold",
        lambda value: bool(struct.pack("!f", value)),  # raises an OverflowError
    ),
    "float8": ("a number that 64 bits can hold", None),
    "inet": ("an IPv4 or IPv6 address or interface", None),
    "int2": ("an integer of 16 bits", lambda value: -(2**15) <= value < 2**15),
    "int4": ("an integer of 32 bits", lambda value: -(2**31) <= value < 2**31),
    "int8": ("an integer of 64 bits", None),
    "interval": ("a timedelta", lambda value: isinstance(value, timedelta)),
    "numeric": ("a Decimal or an int", None),
    "oid": ("an integer of 32 bits without sign", None),
    "time": (
        "a time without time zone",
        lambda value: isinstance(value, time) and value.tzinfo is None,
    ),
    "timestamp": ("a datetime without time zone", None),
    "timestamptz": ("a datetime with a time zone", None),
    "timetz": ("a time with a time zone", None),
    "uuid": ("a UUID", None),
}


def _checked(adapters: AdaptersMap, info: TypeInfo) -> TypeDumper:
    raw = _raw(adapters, info, Format.BINARY).dump
    takes, check = _CHECKS[info.name]
    if check is None:
        return TypeDumper(info.oid, Format.BINARY, raw, takes)

    def dump(value: Any) -> Buffer | None:
        if not check(value):
            raise TypeError
        return raw(value)

    return TypeDumper(info.oid, Format.BINARY, dump, takes)


_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False)
_JSON_PREFIXES = {"json": b"", "jsonb": b"\x01"}
_NUL_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def _json(adapters: AdaptersMap, info: TypeInfo) -> TypeDumper:
    prefix = _JSON_PREFIXES[info.name]
    encode = cast("Any", _raw(adapters, info, Format.BINARY)).dumps
    if encode is json.dumps:  # unless set_json_dumps() chose another; it writes NaN
        encode = _JSON.encode

    def dump(value: Any) -> bytes:
        if isinstance(value, Json | Jsonb):
            data = (value.dumps or encode)(value.obj)
        else:
            data = encode(value)
        return prefix + _without_nul(data.encode() if isinstance(data, str) else data)

    takes = "what JSON can express, in text without NUL and lone surrogates"
    return TypeDumper(info.oid, Format.BINARY, dump, takes)


def _without_nul(data: bytes) -> bytes:
    """Refuse JSON with a NUL character, which PostgreSQL's text cannot hold."""
    if b"\\u0000" in data and _NUL_IN_JSON.search(data):
        raise ValueError
    return data
