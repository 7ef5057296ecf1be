"""A column of an input model: its name, its type and its rules, as Python."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from keyword import iskeyword

from drystone.queries.generation.python import quoted
from drystone.queries.generation.types import Kind, SqlType, TypeMap
from drystone.queries.inputs.layout import Group
from drystone.queries.inputs.model import InputModel
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
from drystone.queries.inputs.tables import InputColumn

_FAMILIES = {
    **dict.fromkeys(("int2", "int4", "int8"), Family.INTEGER),
    **dict.fromkeys(("text", "varchar"), Family.TEXT),
    **dict.fromkeys(("json", "jsonb"), Family.JSON),
    "bytea": Family.BYTES,
    "date": Family.DATE,
    "float4": Family.FLOAT4,
    "float8": Family.FLOAT8,
    "numeric": Family.NUMERIC,
}
_BITS = {"int2": 15, "int4": 31, "int8": 63}
_JSON_KINDS = {
    "object": "dict[str, JsonValue]",
    "array": "list[JsonValue]",
    "string": "str",
    "number": "int | float",
    "boolean": "bool",
}
_KEYWORDS: dict[Comparison, str] = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}
# Names in generated modules that a column's would hide, and columns do have.
_RESERVED = {"builtins", "dt", "model"}
_BUILTIN = re.compile(r"\b(bool|bytes|dict|float|int|list|str)\b")


def family(column: InputColumn, types: TypeMap) -> Family | None:
    """Return what the rules of a column can be about; None if there can be none."""
    type_ = types[column.type]
    match type_.kind:
        case Kind.ARRAY:
            return Family.ARRAY
        case Kind.ENUM:
            return Family.ENUM
        case Kind.BASE if type_.schema == "pg_catalog" and column.plain_collation:
            return _FAMILIES.get(type_.name)
    return None


def identifier(name: str) -> str:
    """Return a name of the database with underscores for what Python does not take."""
    text = re.sub(r"\W", "_", name)
    return f"column_{text}" if not text.isidentifier() else text


def attribute(column: str) -> str:
    """Return the name of a column's field: its own, unless that is taken."""
    text = identifier(column).lstrip("_")
    taken = iskeyword(text) or text in _RESERVED or hasattr(InputModel, text)
    return f"{text}_" if taken else text


class FieldWriter:
    """Writes the annotation of a column; ``imports`` are what it needs.

    ``hidden`` are the names of the columns of its table, which hide Python's own.
    """

    def __init__(
        self,
        column: InputColumn,
        rules: Sequence[Rule],
        types: TypeMap,
        *,
        hidden: set[str],
    ) -> None:
        self.imports: set[tuple[str, str]] = set()
        self._column = column
        self._rules = list(dict.fromkeys(rules))
        self._types = types
        self._hidden = hidden

    def annotation(self) -> str | Group:
        """Return the annotation, and collect what must be imported for it."""
        metadata: list[Group] = []
        text: str | Group = self._literal() or ""
        if not text:
            text, metadata = self._typed(self._types[self._column.type])
            if self._column.nullable and text != "JsonValue":
                text = f"{text} | None"
            text = self._visible(text)
        if attribute(self._column.name) != self._column.name:
            metadata.append(self._call("Field", alias=quoted(self._column.name)))
        if not metadata:
            return text
        # A bound of Field's behind another rule would be applied to None as well.
        metadata.sort(key=lambda rule: not rule.opening.endswith("Field("))
        return Group(f"{self._use('typing', 'Annotated')}[", (text, *metadata), "]")

    # --- Types -----------------------------------------------------------------------

    def _typed(self, type_: SqlType) -> tuple[str, list[Group]]:
        """Return a type and what holds for its values, in the order of the checks."""
        typmod = self._column.typmod
        match family(self._column, self._types):
            case Family.INTEGER:
                return self._integer(type_)
            case Family.TEXT:
                choices = [*self._patterns(), *self._choices()]
                return "str", [*choices, *self._lengths()]
            case Family.NUMERIC:
                return self._taken(type_), [*self._digits(), *self._bounds("within")]
            case Family.FLOAT4:
                return "float", [self._call("real"), *self._bounds("within")]
            case Family.FLOAT8:
                return "float", self._bounds("within")
            case Family.DATE:
                return self._taken(type_), self._bounds("Field")
            case Family.JSON:
                return self._json(), []
            case Family.ENUM:
                return self._taken(type_), self._choices()
            case Family.ARRAY | Family.BYTES:
                return self._taken(type_), self._lengths()
        if type_.name == "bpchar":
            return "str", self._lengths()
        if type_.name == "vector" and typmod > 0:
            return self._taken(type_), [self._call("dimensions", str(typmod))]
        return self._taken(type_), []

    def _taken(self, type_: SqlType) -> str:
        """Return what a caller may pass for a type, in a form that pydantic knows."""
        if type_.kind == Kind.DOMAIN:
            return self._taken(self._types[type_.part])
        if type_.kind == Kind.ARRAY:
            element = self._taken(self._types[type_.part])
            element = element if element == "JsonValue" else f"{element} | None"
            return f"{self._use('collections.abc', 'Sequence')}[{element}]"
        if type_.name in _BITS:
            return self._model(type_.name.title())
        match type_.name:
            case "numeric":
                return self._model("Numeric")
            case "json" | "jsonb":
                return self._use("pydantic", "JsonValue")
            case "vector":
                return self._model("VectorLike")
            case "agtype":
                return f"dict[str, {self._use('pydantic', 'JsonValue')}]"
        taken = self._types.taken(type_.oid)
        self.imports |= taken.imports
        return taken.annotation

    def _literal(self) -> Group | None:
        """Return the type of a column of which nothing but its values is said."""
        kind = family(self._column, self._types)
        if kind not in {Family.TEXT, Family.INTEGER} or len(self._rules) != 1:
            return None
        values = self._rules[0].values if isinstance(self._rules[0], OneOf) else ()
        # A value that fills a varchar(n) may come with blanks, which are cut off.
        length = self._column.typmod - 4
        if not values or 0 < length <= max(len(str(value)) for value in values):
            return None
        items = [self._scalar(value) for value in values]
        if self._column.nullable:
            items.append("None")
        return Group(f"{self._use('typing', 'Literal')}[", tuple(items), "]")

    def _integer(self, type_: SqlType) -> tuple[str, list[Group]]:
        limit = 2 ** _BITS[type_.name]
        tightest = _tightest(
            [*self._rules, Bound(">=", -limit), Bound("<=", limit - 1)]
        )
        bounds = {
            _KEYWORDS[comparison]: str(value)
            for comparison, value in tightest.items()
            if value not in {-limit, limit - 1}
        }
        rules = [self._call("Field", **bounds)] if bounds else []
        base = "int" if len(bounds) == 2 else self._taken(type_)
        return base, [*rules, *self._choices()]

    def _json(self) -> str:
        kinds = dict(_JSON_KINDS)
        for rule in self._rules:
            if isinstance(rule, JsonKinds):
                kinds = {k: kinds[k] for k in kinds if k in rule.kinds}
        if not kinds or kinds == _JSON_KINDS:
            if not self._column.nullable:
                return self._model("JsonNotNull")
            return self._use("pydantic", "JsonValue")
        if kinds.keys() & {"array", "object"}:
            self._use("pydantic", "JsonValue")
        return " | ".join(kinds.values())

    # --- Rules -----------------------------------------------------------------------

    def _patterns(self) -> list[Group]:
        matches = [rule for rule in self._rules if isinstance(rule, Match)]
        required = [_raw(rule.pattern) for rule in matches if rule.matches]
        refused = [_raw(rule.pattern) for rule in matches if not rule.matches]
        return [
            *(self._call("Field", pattern=pattern) for pattern in required[:1]),
            *(self._call("like", pattern) for pattern in required[1:]),
            *(self._call("unlike", pattern) for pattern in refused),
        ]

    def _choices(self) -> list[Group]:
        return [
            self._call(
                "one_of" if isinstance(rule, OneOf) else "none_of",
                *(self._scalar(value) for value in rule.values),
            )
            for rule in self._rules
            if isinstance(rule, OneOf | NoneOf)
        ]

    def _lengths(self) -> list[Group]:
        rules = []
        type_ = self._types[self._column.type].name
        cut = type_ in {"varchar", "bpchar"} and self._column.typmod > 0
        for measure, name in (
            (Measure.LENGTH, "Field"),
            (Measure.TRIMMED, "trimmed"),
            (Measure.OCTETS, "octets"),
        ):
            sizes = [
                rule
                for rule in self._rules
                if isinstance(rule, Size) and rule.measure == measure
            ]
            if cut and measure == Measure.LENGTH:
                sizes.append(Size(measure, most=self._column.typmod - 4))
            bounds = {}
            if least := max((size.least for size in sizes), default=0):
                bounds["min_length"] = str(least)
            if mosts := [size.most for size in sizes if size.most is not None]:
                bounds["max_length"] = str(min(mosts))
            if bounds:
                rules.append(self._call(name, **bounds))
        if cut:
            rules.append(self._call("varchar", str(self._column.typmod - 4)))
        return rules

    def _digits(self) -> list[Group]:
        typmod = self._column.typmod - 4
        if typmod < 0:
            return []
        scale = ((typmod & 0x7FF) ^ 0x400) - 0x400  # eleven bits with a sign
        return [self._call("digits", str(typmod >> 16 & 0xFFFF), str(scale))]

    def _bounds(self, call: str) -> list[Group]:
        bounds = {
            _KEYWORDS[comparison]: self._scalar(value)
            for comparison, value in _tightest(self._rules).items()
        }
        return [self._call(call, **bounds)] if bounds else []

    # --- Text ------------------------------------------------------------------------

    def _scalar(self, value: Scalar) -> str:
        match value:
            case str():
                return quoted(value)
            case dt.date():
                return f"dt.date({value.year}, {value.month}, {value.day})"
            case Decimal() | float() if value == int(value):
                return str(int(value))
            case Decimal():
                return f'{self._use("decimal", "Decimal")}("{value}")'
        return repr(value)

    def _visible(self, annotation: str) -> str:
        """Write a type so that a column of the same name does not hide it."""

        def named(match: re.Match[str]) -> str:
            if match[1] not in self._hidden:
                return match[1]
            return f"{self._use('builtins', 'builtins')}.{match[1]}"

        return _BUILTIN.sub(named, annotation)

    def _call(self, name: str, *positional: str, **named: str) -> Group:
        called = self._use("pydantic", name) if name == "Field" else self._model(name)
        items = [*positional, *(f"{key}={value}" for key, value in named.items())]
        return Group(f"{called}(", tuple(items), ")")

    def _model(self, name: str) -> str:
        if name in self._hidden:
            return f"{self._use('drystone.queries.inputs', 'model')}.{name}"
        return self._use("drystone.queries.inputs.model", name)

    def _use(self, module: str, name: str) -> str:
        self.imports.add((module, name))
        return name


def _raw(pattern: str) -> str:
    plain = "\\" not in pattern or '"' in pattern or not pattern.isprintable()
    return quoted(pattern) if plain else f'r"{pattern}"'


def _tightest(rules: Sequence[Rule]) -> dict[Comparison, Scalar]:
    """Return the one bound below and the one above that say all that the rules say."""
    tightest: dict[Comparison, Scalar] = {}
    below = [
        rule for rule in rules if isinstance(rule, Bound) and ">" in rule.comparison
    ]
    above = [
        rule for rule in rules if isinstance(rule, Bound) and "<" in rule.comparison
    ]
    if below:
        bound = max(below, key=lambda rule: (rule.value, rule.comparison == ">"))
        tightest[bound.comparison] = bound.value
    if above:
        bound = min(above, key=lambda rule: (rule.value, rule.comparison == "<="))
        tightest[bound.comparison] = bound.value
    return tightest
