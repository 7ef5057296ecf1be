"""What may be said of a column's values, apart from their type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

Comparison: TypeAlias = Literal[">", ">=", "<", "<="]
Scalar: TypeAlias = str | int | float | Decimal | date


class Family(StrEnum):
    """Types whose values CHECKs treat alike."""

    ARRAY = "array"
    BYTES = "bytes"
    DATE = "date"
    ENUM = "enum"
    FLOAT4 = "float4"
    FLOAT8 = "float8"
    INTEGER = "integer"
    JSON = "json"
    NUMERIC = "numeric"
    TEXT = "text"


class Measure(StrEnum):
    """What a length is counted in."""

    LENGTH = "length"
    TRIMMED = "trimmed"
    OCTETS = "octets"


@dataclass(frozen=True, slots=True)
class Bound:
    """The value compares so with a constant."""

    comparison: Comparison
    value: Scalar


@dataclass(frozen=True, slots=True)
class Size:
    """The value has so many characters, bytes or elements."""

    measure: Measure
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The value is none of these."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern matches the text, or does not."""

    pattern: str
    matches: bool = True


@dataclass(frozen=True, slots=True)
class JsonKinds:
    """The JSON is one of these: object, array, string, number, boolean, null."""

    kinds: tuple[str, ...]


Rule: TypeAlias = Bound | Size | OneOf | NoneOf | Match | JsonKinds
