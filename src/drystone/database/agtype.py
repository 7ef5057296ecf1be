"""Apache AGE's value type, ``agtype``, as Python values.

Its text form is JSON, with the kind of a value behind it where JSON has none:
``{"id": 1, "label": "Event", "properties": {}}::vertex``, ``0.1::numeric``. Vertices
and edges become dicts, paths become lists, numerics become Decimal.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from psycopg import BaseConnection
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.pq import Format
from psycopg.types import TypeInfo

from drystone.errors import BadInput

AgtypeValue: TypeAlias = (
    dict[str, "AgtypeValue"]
    | list["AgtypeValue"]
    | str
    | int
    | float
    | Decimal
    | bool
    | None
)

_KINDS = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<numeric>-?[0-9][0-9.eE+-]*)::numeric"
    r"|::(?:vertex|edge|path)"
)
_NUMERIC = "::numeric"
_BINARY_VERSION = b"\x01"
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Agtype:
    """A parameter of type agtype: the map that a Cypher query takes its values from.

    Accepts what JSON can express, integers of 64 bits, and no NaN or infinity.
    """

    value: Any


def loads(text: str) -> Any:
    """Parse the text form of an agtype value."""
    return json.loads(_KINDS.sub(_as_json, text), object_hook=_restore_numeric)


def dumps(value: Any) -> str:
    """Write a value as agtype; raises BadInput for what the type cannot hold."""
    _check_integers(value)
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput(
            "a graph parameter holds a value that agtype has no form for",
            hint="Use text, booleans, finite numbers, lists, dicts and None.",
        ) from error


def register_agtype(connection: BaseConnection[Any], info: TypeInfo) -> None:
    """Teach a connection to send :class:`Agtype` and to load agtype columns."""
    info.register(connection)
    adapters = connection.adapters
    adapters.register_dumper(
        Agtype, type("AgtypeDumper", (_AgtypeDumper,), {"oid": info.oid})
    )
    adapters.register_loader(info.oid, _AgtypeLoader)
    adapters.register_loader(info.oid, _AgtypeBinaryLoader)


class _AgtypeDumper(Dumper):
    def dump(self, obj: Agtype) -> Buffer:
        return dumps(obj.value).encode()


class _AgtypeLoader(Loader):
    def load(self, data: Buffer) -> Any:
        return loads(bytes(data).decode())


class _AgtypeBinaryLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return loads(bytes(data).removeprefix(_BINARY_VERSION).decode())


def _as_json(match: re.Match[str]) -> str:
    if match["string"]:
        return match["string"]
    if match["numeric"]:
        return json.dumps({_NUMERIC: match["numeric"]})
    return ""


def _restore_numeric(value: dict[str, Any]) -> Any:
    return Decimal(value[_NUMERIC]) if value.keys() == {_NUMERIC} else value


def _check_integers(value: Any) -> None:
    """Refuse integers that PostgreSQL would answer with an overflow."""
    if isinstance(value, dict):
        for part in value.values():
            _check_integers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _check_integers(part)
    elif isinstance(value, int) and value not in _INT64:
        raise BadInput("a graph parameter holds an integer beyond 64 bits")
