"""What generated input models are made of: their base class, types and rules.

A model refuses what the database would refuse, before anything is sent, and never what
it would accept. Values are brought into the form in which their column will store them,
where the column rounds or cuts, and its rules are tried on that.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Annotated, Any, Self, TypeAlias

from pgvector import Vector
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

from drystone.errors import BadInput

# The default of a column that may be left out. Any, so that a column's type is that of
# its values alone: what was not given is not there to be read.
UNSET: Any = Field(default_factory=lambda: None)

Int2: TypeAlias = Annotated[int, Field(ge=-(2**15), lt=2**15)]
Int4: TypeAlias = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int8: TypeAlias = Annotated[int, Field(ge=-(2**63), lt=2**63)]
# JSON that is not null, which would be NULL.
JsonNotNull: TypeAlias = (
    dict[str, JsonValue] | list[JsonValue] | str | int | float | bool
)
VectorLike: TypeAlias = Sequence[float] | Vector
Numeric: TypeAlias = Annotated[Decimal, Field(allow_inf_nan=True)] | int


class InputModel(BaseModel):
    """Columns of a row to be written, by name.

    Python values must have the column's type; in JSON, dates, UUIDs, numerics and
    enums are strings. A column that was not given has no attribute, which tells it
    from one that was given as None; ``given()`` has those that were.

    What a BEFORE trigger would repair is refused all the same.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
        strict=True,
        use_attribute_docstrings=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    @classmethod
    def parse(cls, data: Mapping[str, Any] | str | bytes) -> Self:
        """Check values by column, or a JSON object.

        Raises BadInput, which names each column that is refused, and why.
        """
        try:
            if isinstance(data, str | bytes):
                return cls.model_validate_json(data)
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise BadInput(f"{cls.__name__}: {_refusals(error)}") from error

    def given(self) -> dict[str, Any]:
        """Return the columns that were given, with their values."""
        return {
            field.alias or name: getattr(self, name)
            for name, field in type(self).model_fields.items()
            if name in self.model_fields_set
        }

    def model_post_init(self, context: Any, /) -> None:
        """Remove the defaults that only stand for what was not given."""
        for name, field in type(self).model_fields.items():
            if name not in self.model_fields_set and field.default_factory:
                del self.__dict__[name]

    @field_validator("*")
    @classmethod
    def _can_be_stored(cls, value: Any) -> Any:
        if _is_text(value):
            return value
        text = "Text should have no NUL characters and lone surrogates"
        raise PydanticCustomError("no_text", text)


def _refusals(error: ValidationError) -> str:
    """Return what is wrong with each column, the first reason for each."""
    reasons: dict[str, str] = {}
    for each in error.errors(include_url=False, include_input=False):
        reason = each["msg"]
        if isinstance(each.get("ctx", {}).get("error"), str):  # may quote the value
            reason = reason.partition(", ")[0]
        reasons.setdefault(str(each["loc"][0]) if each["loc"] else "", reason)
    return "; ".join(
        f"{name}: {reason}" if name else reason for name, reason in reasons.items()
    )


def _is_text(value: Any) -> bool:
    """Tell whether all strings in a value are what PostgreSQL takes for text."""
    match value:
        case str():
            with suppress(UnicodeEncodeError):
                return b"\0" not in value.encode()
            return False
        case dict():
            return all(_is_text(each) for pair in value.items() for each in pair)
        case list() | tuple():
            return all(map(_is_text, value))
    return True


# --- Forms in which columns store values --------------------------------------------


def varchar(length: int) -> BeforeValidator:
    """Cut off blanks beyond a length, as PostgreSQL does in varchar and char."""

    def cut(value: Any) -> Any:
        if isinstance(value, str) and not value[length:].strip(" "):
            return value[:length]
        return value

    return BeforeValidator(cut)


def digits(precision: int, scale: int) -> AfterValidator:
    """Round to the scale of numeric(p, s), half away from zero; refuse what overflows.

    NaN fits into every numeric, infinity into none that has a precision.
    """
    unit = Decimal((0, (1,), -scale))
    limit = Decimal((0, (1,), precision - scale))
    context = Context(prec=precision + 1, rounding=ROUND_HALF_UP)

    def round_(value: Decimal | int) -> Decimal | int:
        number = Decimal(value)
        if number.is_nan() or not number:
            return value
        if number.copy_abs() < limit:
            number = number.quantize(unit, context=context)
            if number.copy_abs() < limit:
                return number
        raise PydanticCustomError(
            "numeric_overflow",
            "Number should fit numeric({precision}, {scale})",
            {"precision": precision, "scale": scale},
        )

    return _rule(round_)


def real() -> AfterValidator:
    """Round to the 32 bits of a real."""

    def round_(value: float) -> float:
        with suppress(OverflowError):
            rounded = float(struct.unpack("!f", struct.pack("!f", value))[0])
            if rounded or not value:  # PostgreSQL refuses underflow as well
                return rounded
        raise PydanticCustomError("real_overflow", "Number should fit 32 bits")

    return _rule(round_)


# --- Rules --------------------------------------------------------------------------


def _rule(check: Callable[[Any], Any]) -> AfterValidator:
    """Return a rule for all values but None, which breaks no CHECK."""
    return AfterValidator(lambda value: None if value is None else check(value))


def within(
    *,
    gt: Decimal | float | None = None,
    ge: Decimal | float | None = None,
    lt: Decimal | float | None = None,
    le: Decimal | float | None = None,
) -> AfterValidator:
    """Bound a number; as in PostgreSQL, NaN is greater than all others."""
    above = lt is not None or le is not None

    def check(value: Any) -> Any:
        if value != value:  # NaN
            if not above:
                return value
        elif (
            (gt is None or value > gt)
            and (ge is None or value >= ge)
            and (lt is None or value < lt)
            and (le is None or value <= le)
        ):
            return value
        raise PydanticCustomError("out_of_bounds", text)

    bounds = ((">", gt), (">=", ge), ("<", lt), ("<=", le))
    text = "Number should be " + " and ".join(
        f"{sign} {bound}" for sign, bound in bounds if bound is not None
    )
    return _rule(check)


def trimmed(*, min_length: int = 0, max_length: int | None = None) -> AfterValidator:
    """Bound the length of text without the blanks around it."""
    return _sized(
        lambda value: len(value.strip(" ")),
        "Characters without the blanks around them",
        min_length,
        max_length,
    )


def octets(*, min_length: int = 0, max_length: int | None = None) -> AfterValidator:
    """Bound the length of text in bytes of UTF-8."""
    return _sized(lambda value: len(value.encode()), "Bytes", min_length, max_length)


def dimensions(number: int) -> AfterValidator:
    """Fix the number of dimensions of a vector."""

    def count(value: VectorLike) -> int:
        return value.dimensions() if isinstance(value, Vector) else len(value)

    return _sized(count, "Dimensions", number, number)


def _sized(
    measure: Callable[[Any], int], what: str, least: int, most: int | None
) -> AfterValidator:
    words = [f"at least {least}"] if least else []
    if most is not None:
        words = [str(most)] if most == least else [*words, f"at most {most}"]
    text = f"{what} should be {' and '.join(words)}"

    def check(value: Any) -> Any:
        size = measure(value)
        if least <= size and (most is None or size <= most):
            return value
        raise PydanticCustomError("size", text)

    return _rule(check)


def one_of(*values: str | int) -> AfterValidator:
    """Allow these values of a type that has more."""
    return _choice(lambda value: value in values, "one of", values)


def none_of(*values: str | int) -> AfterValidator:
    """Allow all but these values."""
    return _choice(lambda value: value not in values, "none of", values)


def _choice(
    allows: Callable[[Any], bool], words: str, values: tuple[str | int, ...]
) -> AfterValidator:
    text = f"Input should be {words} {', '.join(repr(str(v)) for v in values)}"

    def check(value: Any) -> Any:
        if allows(value):
            return value
        raise PydanticCustomError("choice", text)

    return _rule(check)


def like(pattern: str) -> AfterValidator:
    """Require one pattern more than ``Field(pattern=…)`` can."""
    return _pattern(pattern, True)


def unlike(pattern: str) -> AfterValidator:
    """Refuse text that a pattern matches."""
    return _pattern(pattern, False)


def _pattern(pattern: str, matches: bool) -> AfterValidator:
    matcher = SchemaValidator(core_schema.str_schema(pattern=pattern))
    text = f"String should {'' if matches else 'not '}match pattern '{{pattern}}'"

    def check(value: str) -> str:
        if matcher.isinstance_python(value) is matches:
            return value
        raise PydanticCustomError("pattern", text, {"pattern": pattern})

    return _rule(check)
