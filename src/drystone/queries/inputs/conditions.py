"""What a condition of one column says of its values, read from PostgreSQL's tree."""

from __future__ import annotations

import struct
from datetime import date
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import postgast

from drystone.queries.inputs.patterns import translate, translate_like
from drystone.queries.inputs.rules import (
    Bound,
    Comparison,
    Family,
    JsonKinds,
    Match,
    Measure,
    NoneOf,
    OneOf,
    Rule,
    Scalar,
    Size,
)

pb = postgast.pg_query_pb2

_NEGATED = {
    ">": "<=",
    ">=": "<",
    "<": ">=",
    "<=": ">",
    "=": "<>",
    "<>": "=",
    "~": "!~",
    "!~": "~",
    "~*": "!~*",
    "!~*": "~*",
    "~~": "!~~",
    "!~~": "~~",
    "~~*": "!~~*",
    "!~~*": "~~*",
}
_SWAPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "=", "<>": "<>"}

# Casts that change no value, nor how it compares; where none are named, all are such.
_INTEGERS = {"int2", "int4", "int8"}
_COLUMN_CASTS = {
    Family.BYTES: {"bytea"},
    Family.DATE: {"date"},
    Family.FLOAT4: {"float4", "float8"},
    Family.FLOAT8: {"float8"},
    Family.INTEGER: {*_INTEGERS, "numeric"},
    Family.JSON: {"json", "jsonb"},
    Family.NUMERIC: {"numeric"},
    Family.TEXT: {"text", "varchar"},
}
_CONSTANT_CASTS = {
    **_COLUMN_CASTS,
    Family.FLOAT4: {*_INTEGERS, "float4", "float8", "numeric"},
    Family.FLOAT8: {*_INTEGERS, "float8", "numeric"},
    Family.NUMERIC: {*_INTEGERS, "numeric"},
}


class _Subject(StrEnum):
    """What of a column a condition speaks of, beside its lengths."""

    VALUE = "value"
    TRIMMED_TEXT = "trimmed_text"
    ARRAY_LENGTH = "array_length"
    JSON_KIND = "json_kind"


class ConditionReader:
    """Reads conditions of a column whose value is not NULL.

    A value that breaks one of the rules breaks the condition; ``exact`` tells whether
    the reverse is true as well. None is what it does not know.
    """

    def __init__(self, family: Family | None) -> None:
        self._family = family
        self.exact = True

    def read(self, node: Any, holds: bool) -> list[Rule] | None:
        """Return the rules of a condition that must hold, or must not."""
        match node.WhichOneof("node"):
            case "null_test":
                return [] if result_for_null(node) is (not holds) else None
            case "bool_expr":
                expression = node.bool_expr
                if expression.boolop == pb.NOT_EXPR:
                    return self.read(expression.args[0], not holds)
                if expression.boolop == (pb.AND_EXPR if holds else pb.OR_EXPR):
                    return self._all(expression.args, holds)
                return self._any(expression.args, holds)
            case "a_expr":
                return self._comparison(node.a_expr, holds)
        return None

    def _all(self, parts: Any, holds: bool) -> list[Rule]:
        rules: list[Rule] = []
        for part in parts:
            read = self.read(part, holds)
            self.exact = self.exact and read is not None
            rules += read or []
        return rules

    def _any(self, parts: Any, holds: bool) -> list[Rule] | None:
        tests = [part for part in parts if _is_null_test(part)]
        if any(result_for_null(test) is (not holds) for test in tests):
            return []
        others = [part for part in parts if not _is_null_test(part)]
        read = [self.read(part, holds) for part in others]
        if len(read) == 1:
            return read[0]
        values: list[Scalar] = []
        for rules in read:
            if not rules or len(rules) != 1 or not isinstance(rules[0], OneOf):
                return None
            values += rules[0].values
        return [OneOf(tuple(values))]

    def _comparison(self, node: Any, holds: bool) -> list[Rule] | None:
        operator = node.name[-1].string.sval
        if len(node.name) > 1 or operator not in _NEGATED:
            return None
        if node.kind in {pb.AEXPR_OP_ANY, pb.AEXPR_OP_ALL}:
            return self._choice(node, operator, holds)
        if node.kind != pb.AEXPR_OP:
            return None
        subject, constant = self._subject(node.lexpr), node.rexpr
        if subject is None and operator in _SWAPPED:
            subject, constant = self._subject(node.rexpr), node.lexpr
            operator = _SWAPPED[operator]
        if not holds:
            operator = _NEGATED[operator]
        match subject:
            case _Subject.VALUE:
                return self._value(operator, constant)
            case _Subject.TRIMMED_TEXT:
                if operator == "<>" and _constant(constant, Family.TEXT) == "":
                    return [Size(Measure.TRIMMED, least=1)]
            case _Subject.JSON_KIND:
                kind = _constant(constant, Family.TEXT)
                if operator == "=" and isinstance(kind, str):
                    return [JsonKinds((kind,))]
            case Measure() | _Subject.ARRAY_LENGTH:
                number = _constant(constant, Family.INTEGER)
                if isinstance(number, Decimal) and number == int(number):
                    return _size(subject, operator, int(number))
        return None

    def _choice(self, node: Any, operator: str, holds: bool) -> list[Rule] | None:
        """Read ``= ANY (ARRAY[…])`` and ``<> ALL (ARRAY[…])``."""
        subject = self._subject(node.lexpr)
        expected = "=" if node.kind == pb.AEXPR_OP_ANY else "<>"
        array = node.rexpr
        while array.HasField("type_cast"):
            array = array.type_cast.arg
        if operator != expected or not array.HasField("a_array_expr"):
            return None
        is_kind = subject == _Subject.JSON_KIND
        family = Family.TEXT if is_kind else self._family
        if family is None or (subject != _Subject.VALUE and not is_kind):
            return None
        values = [_constant(each, family) for each in array.a_array_expr.elements]
        known = tuple(value for value in values if value is not None)
        if len(known) != len(values):
            return None
        among = (operator == "=") is holds
        if is_kind:
            return [JsonKinds(tuple(map(str, known)))] if among else None
        return self._among(known) if among else self._not_among(known)

    def _subject(self, node: Any) -> _Subject | Measure | None:
        match node.WhichOneof("node"):
            case "column_ref":
                return _Subject.VALUE
            case "type_cast":
                if self._family and _is_harmless(
                    node.type_cast, _COLUMN_CASTS.get(self._family)
                ):
                    return self._subject(node.type_cast.arg)
            case "coalesce_expr":
                first, *others = node.coalesce_expr.args
                if self._subject(first) == _Subject.ARRAY_LENGTH and [
                    _constant(each, Family.INTEGER) for each in others
                ] == [0]:
                    self.exact = False  # for NULL it is 0
                    return Measure.LENGTH
            case "func_call":
                return self._call(node.func_call)
        return None

    def _call(self, call: Any) -> _Subject | Measure | None:
        *schema, function = [part.string.sval for part in call.funcname]
        if schema not in ([], ["pg_catalog"]) or not call.args:
            return None
        argument = self._subject(call.args[0])
        others = [_constant(each, Family.INTEGER) for each in call.args[1:]]
        match self._family, function, argument, others:
            case Family.TEXT, "btrim", _Subject.VALUE, []:
                return _Subject.TRIMMED_TEXT
            case (
                Family.TEXT,
                "length" | "char_length" | "character_length",
                _Subject.VALUE | _Subject.TRIMMED_TEXT,
                [],
            ):
                trimmed = argument == _Subject.TRIMMED_TEXT
                return Measure.TRIMMED if trimmed else Measure.LENGTH
            case Family.TEXT, "octet_length", _Subject.VALUE, []:
                return Measure.OCTETS
            case Family.BYTES, "length" | "octet_length", _Subject.VALUE, []:
                return Measure.LENGTH
            case Family.ARRAY, "cardinality", _Subject.VALUE, []:
                return Measure.LENGTH
            case Family.ARRAY, "array_length", _Subject.VALUE, [1]:
                return _Subject.ARRAY_LENGTH
            case Family.JSON, "jsonb_typeof" | "json_typeof", _Subject.VALUE, []:
                return _Subject.JSON_KIND
        return None

    def _value(self, operator: str, node: Any) -> list[Rule] | None:
        value = None if self._family is None else _constant(node, self._family)
        if value is None:
            return None
        match operator:
            case "=":
                return self._among((value,))
            case "<>":
                return self._not_among((value,))
            case ">" | ">=" | "<" | "<=":
                return self._bound(operator, value)
        return self._match(operator, value) if isinstance(value, str) else None

    def _among(self, values: tuple[Scalar, ...]) -> list[Rule] | None:
        match self._family:
            case Family.TEXT | Family.ENUM:
                return [OneOf(values)]
            case Family.INTEGER:
                return [OneOf(_whole(values))]
        if len(values) == 1:
            return [Bound(">=", values[0]), Bound("<=", values[0])]
        return None

    def _not_among(self, values: tuple[Scalar, ...]) -> list[Rule] | None:
        if self._family == Family.TEXT and values == ("",):
            return [Size(Measure.LENGTH, least=1)]
        if self._family in {Family.TEXT, Family.ENUM}:
            return [NoneOf(values)]
        if self._family == Family.INTEGER:
            return [NoneOf(_whole(values))]
        return None

    def _bound(self, comparison: Comparison, value: Scalar) -> list[Rule] | None:
        if self._family in {Family.TEXT, Family.ENUM}:  # which have orders of their own
            return None
        if self._family == Family.INTEGER and isinstance(value, Decimal):
            whole = int(value.to_integral_value(ROUND_FLOOR))
            match comparison:
                case ">":
                    return [Bound(">=", whole + 1)]
                case ">=":
                    return [Bound(">=", whole + (whole != value))]
                case "<":
                    return [Bound("<=", whole - (whole == value))]
                case "<=":
                    return [Bound("<=", whole)]
        return [Bound(comparison, value)]

    def _match(self, operator: str, pattern: str) -> list[Rule] | None:
        read = translate_like if "~~" in operator else translate
        found = read(pattern, ignore_case=operator.endswith("*"))
        matches = not operator.startswith("!")
        if found is None or not (found.exact or matches):
            return None
        self.exact = self.exact and found.exact
        return [Match(found.text, matches)]


def _size(subject: Measure | _Subject, operator: str, number: int) -> list[Rule] | None:
    least, most = 0, None
    match operator:
        case ">":
            least = number + 1
        case ">=":
            least = number
        case "<":
            most = number - 1
        case "<=":
            most = number
        case "=":
            least = most = number
        case "<>" if number == 0:
            least = 1
        case _:
            return None
    if most is not None and most < 0:
        return None
    if isinstance(subject, Measure):
        return [Size(subject, max(least, 0), most)]
    # The array_length of an empty array is NULL, which passes.
    if least > 1 or operator == "=":
        return None
    return [] if most is None else [Size(Measure.LENGTH, most=most)]


def _whole(values: tuple[Scalar, ...]) -> tuple[int, ...]:
    numbers = [value for value in values if isinstance(value, Decimal)]
    return tuple(int(number) for number in numbers if number == int(number))


def _is_null_test(node: Any) -> bool:
    return node.HasField("null_test") and _is_column(node.null_test.arg)


def _is_column(node: Any) -> bool:
    while node.HasField("type_cast"):
        node = node.type_cast.arg
    return bool(node.HasField("column_ref"))


def _is_harmless(cast: Any, allowed: set[str] | None) -> bool:
    return not cast.type_name.typmods and (
        allowed is None or cast.type_name.names[-1].string.sval in allowed
    )


def _constant(node: Any, family: Family) -> Scalar | None:
    """Return a constant as a value of a family; None for what is none, or infinite."""
    casts = []
    while node.HasField("type_cast"):
        if not _is_harmless(node.type_cast, _CONSTANT_CASTS.get(family)):
            return None
        casts.append(node.type_cast.type_name.names[-1].string.sval)
        node = node.type_cast.arg
    constant = node.a_const  # empty, for another node
    match constant.WhichOneof("val"):
        case "sval":
            text = constant.sval.sval
            if family in {Family.TEXT, Family.ENUM}:
                return str(text)
        case "ival":
            text = str(constant.ival.ival)
        case "fval":
            text = constant.fval.fval
        case _:
            return None
    try:
        return _read_constant(text, casts, family)
    except (InvalidOperation, OverflowError, ValueError):
        return None


def _read_constant(text: str, casts: list[str], family: Family) -> Scalar | None:
    if family == Family.DATE:
        return date.fromisoformat(text)
    if family not in {
        Family.FLOAT4,
        Family.FLOAT8,
        Family.INTEGER,
        Family.NUMERIC,
    }:
        return None
    number = Decimal(text)
    rounded = _INTEGERS.intersection(casts) and number != int(number)
    if rounded or not number.is_finite():
        return None
    if family in {Family.INTEGER, Family.NUMERIC}:
        return number
    if "float4" in casts:
        return float(struct.unpack("!f", struct.pack("!f", number))[0])
    return float(number)


def result_for_null(node: Any) -> bool | None:
    """Return what a condition is for NULL; None is NULL, or not known."""
    match node.WhichOneof("node"):
        case "null_test":
            if _is_column(node.null_test.arg):
                return bool(node.null_test.nulltesttype == pb.IS_NULL)
        case "bool_expr":
            parts = [result_for_null(part) for part in node.bool_expr.args]
            if node.bool_expr.boolop == pb.NOT_EXPR:
                return None if parts[0] is None else not parts[0]
            decisive = bool(node.bool_expr.boolop == pb.OR_EXPR)
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
    return None
