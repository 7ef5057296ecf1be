"""What generated functions take and give: rows, and the values in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec
from pgvector import Vector
from psycopg import postgres
from psycopg.adapt import Transformer
from psycopg.pq import Format
from psycopg.types.array import ArrayLoader
from psycopg.types.composite import RecordLoader
from psycopg.types.json import Json, Jsonb
from pydantic import TypeAdapter

Value = TypeVar("Value")


class Row(msgspec.Struct, gc=False):
    """A row of a query, made by position.

    A struct costs a tenth of a dataclass to make, and ``msgspec.json.encode`` writes it
    as JSON. The garbage collector does not look at rows: do not store one in itself.
    """


JsonInput: TypeAlias = (
    Mapping[str, "JsonInput"]
    | Sequence["JsonInput"]
    | str
    | int
    | float
    | bool
    | Json
    | Jsonb
    | None
)


class NumberArray(Protocol):
    """An array of numbers of numpy's kind."""

    def tolist(self) -> Any:
        """Return the numbers as a list."""


VectorInput: TypeAlias = Sequence[float] | NumberArray | Vector


def each(convert: Callable[[Any], Value]) -> Callable[[Any], Any]:
    """Return a converter of arrays, nested or not, for one of their elements.

    An array of a type that psycopg does not know arrives as its literal.
    """

    def convert_all(value: Any) -> Any:
        if isinstance(value, list):
            return [convert_all(element) for element in value]
        return None if value is None else convert(value)

    def convert_literal(value: Any) -> Any:
        if isinstance(value, str):
            value = _TextArrayLoader(0).load(value.encode())
        return convert_all(value)

    return convert_literal


def composite(
    build: Callable[..., Value], *fields: str | Callable[[Any], Any]
) -> Callable[[str], Value]:
    """Return a converter of composite values, which arrive as their literals.

    ``fields`` are built-in types by name, or converters.
    """
    loads = [_text_loader(each) if isinstance(each, str) else each for each in fields]

    def convert(literal: str) -> Value:
        values = RecordLoader(0).load(literal.encode())
        pairs = zip(loads, values, strict=True)
        return build(*(None if v is None else load(v) for load, v in pairs))

    return convert


def _text_loader(name: str) -> Callable[[str], Any]:
    load = Transformer().get_loader(postgres.types.get_oid(name), Format.TEXT).load
    return lambda text: load(text.encode())


class _TextArrayLoader(ArrayLoader):
    base_oid = 25  # text


def model(kind: type[Value]) -> Callable[[Any], Value]:
    """Return a converter of JSON to a pydantic model, or to any type that it knows."""
    return TypeAdapter(kind).validate_python
