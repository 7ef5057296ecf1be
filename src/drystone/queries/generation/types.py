"""PostgreSQL's types as Python's: what a caller passes and what a row holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

# Types that others are made of come along: elements, fields, what domains rest on.
_TYPES = """
WITH RECURSIVE wanted AS (
    SELECT unnest(%s::oid[]) AS oid
    UNION
    SELECT part.oid
    FROM wanted
    JOIN pg_catalog.pg_type AS t ON t.oid = wanted.oid
    CROSS JOIN LATERAL (
        SELECT nullif(t.typbasetype, 0)
        UNION ALL
        SELECT nullif(t.typelem, 0)
        WHERE t.typcategory = 'A'
        UNION ALL
        SELECT a.atttypid
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = t.typrelid
            AND a.attnum > 0
            AND NOT a.attisdropped
    ) AS part (oid)
    WHERE part.oid IS NOT NULL
)
SELECT
    t.oid,
    n.nspname AS schema,
    t.typname AS name,
    CASE
        WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'a'
        WHEN c.relkind <> 'c' THEN 'p'
        ELSE t.typtype
    END AS kind,
    CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE t.typbasetype END AS part,
    ARRAY(
        SELECT e.enumlabel::text
        FROM pg_catalog.pg_enum AS e
        WHERE e.enumtypid = t.oid
        ORDER BY e.enumsortorder
    ) AS labels,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = t.typrelid
            AND a.attnum > 0
            AND NOT a.attisdropped
        ORDER BY a.attnum
    ) AS field_names,
    ARRAY(
        SELECT a.atttypid
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = t.typrelid
            AND a.attnum > 0
            AND NOT a.attisdropped
        ORDER BY a.attnum
    ) AS field_types,
    pg_catalog.obj_description(t.oid, 'pg_type') AS comment
FROM wanted
JOIN pg_catalog.pg_type AS t ON t.oid = wanted.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
ORDER BY n.nspname, t.typname
"""

_OWN = """
SELECT t.oid
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
WHERE n.nspname = ANY (%s::text[])
    AND (t.typtype = 'e' OR c.relkind = 'c')
"""


class Kind(StrEnum):
    """What a type is made of."""

    BASE = "b"
    ARRAY = "a"
    COMPOSITE = "c"
    DOMAIN = "d"
    ENUM = "e"
    PSEUDO = "p"
    RANGE = "r"
    MULTIRANGE = "m"


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type of the database. ``part`` is an array's element or a domain's base."""

    oid: int
    schema: str
    name: str
    kind: Kind
    part: int
    labels: list[str]
    field_names: list[str]
    field_types: list[int]
    comment: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))


@dataclass(frozen=True, slots=True)
class PythonType:
    """How a type is written in Python, and what must be imported for it.

    An import is a module and a name of it, or a module and a shorter name for it.
    ``converter`` makes a column's value of what psycopg loads; None if that is it.
    ``binary`` tells whether psycopg loads the type's binary form.
    """

    annotation: str
    imports: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    converter: str | None = None
    binary: bool = True


def _simple(annotation: str, *imports: tuple[str, str]) -> PythonType:
    return PythonType(annotation, frozenset(imports))


_RANGE = ("psycopg.types.range", "Range")
_MULTIRANGE = ("psycopg.types.multirange", "Multirange")
# Whole: rows have columns called date and time, which would hide the classes.
_DATETIME = ("datetime", "dt")
_DECIMAL = ("decimal", "Decimal")
_INTERFACES = tuple(
    ("ipaddress", f"IPv{version}{kind}")
    for version in (4, 6)
    for kind in ("Address", "Interface")
)
_NETWORKS = (("ipaddress", "IPv4Network"), ("ipaddress", "IPv6Network"))

_BOUNDS = {
    "int4": _simple("int"),
    "int8": _simple("int"),
    "num": _simple("Decimal", _DECIMAL),
    "date": _simple("dt.date", _DATETIME),
    "ts": _simple("dt.datetime", _DATETIME),
    "tstz": _simple("dt.datetime", _DATETIME),
}

_BASE: dict[str, PythonType] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), _simple("int")),
    **dict.fromkeys(("float4", "float8"), _simple("float")),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "char"), _simple("str")),
    **dict.fromkeys(("timestamp", "timestamptz"), _simple("dt.datetime", _DATETIME)),
    **dict.fromkeys(("time", "timetz"), _simple("dt.time", _DATETIME)),
    **dict.fromkeys(("json", "jsonb"), _simple("JsonValue", ("pydantic", "JsonValue"))),
    "bool": _simple("bool"),
    "bytea": _simple("bytes"),
    "cidr": _simple(" | ".join(name for _, name in _NETWORKS), *_NETWORKS),
    "date": _simple("dt.date", _DATETIME),
    "inet": _simple(" | ".join(name for _, name in _INTERFACES), *_INTERFACES),
    "interval": _simple("dt.timedelta", _DATETIME),
    "numeric": _simple("Decimal", _DECIMAL),
    "uuid": _simple("UUID", ("uuid", "UUID")),
    "vector": _simple("Vector", ("pgvector", "Vector")),
    "agtype": _simple("AgtypeValue", ("drystone.database.agtype", "AgtypeValue")),
    **{
        f"{name}range": PythonType(
            f"Range[{bound.annotation}]", bound.imports | {_RANGE}
        )
        for name, bound in _BOUNDS.items()
    },
    **{
        f"{name}multirange": PythonType(
            f"Multirange[{bound.annotation}]", bound.imports | {_MULTIRANGE}
        )
        for name, bound in _BOUNDS.items()
    },
}

# What a caller may pass, where that is more than what a row holds.
_TAKEN: dict[str, PythonType] = {
    **dict.fromkeys(
        ("json", "jsonb"),
        _simple("JsonInput", ("drystone.queries.runtime", "JsonInput")),
    ),
    "vector": _simple("VectorInput", ("drystone.queries.runtime", "VectorInput")),
    "agtype": _simple(
        "Mapping[str, AgtypeValue]",
        ("collections.abc", "Mapping"),
        ("drystone.database.agtype", "AgtypeValue"),
    ),
    "numeric": _simple("Decimal | int", _DECIMAL),
}

# All else that PostgreSQL has arrives, and is passed, as its text.
_TEXT = PythonType("str", binary=False)


class TypeMap:
    """The types of one database, read from its catalog when they are first met."""

    def __init__(self, connection: Connection[Any], package: str) -> None:
        self._connection = connection
        self._package = package
        self._types: dict[int, SqlType] = {}

    def __getitem__(self, oid: int) -> SqlType:
        """Return a type; raises KeyError for a number that is none."""
        self.read([oid])
        return self._types[oid]

    def read(self, oids: list[int]) -> None:
        """Read types, and those that they are made of, in one round trip."""
        unknown = [oid for oid in set(oids) if oid not in self._types]
        if unknown:
            with self._connection.cursor(row_factory=class_row(SqlType)) as cursor:
                for each in cursor.execute(_TYPES, [unknown]):
                    self._types[each.oid] = each

    def own(self, schemas: list[str]) -> list[SqlType]:
        """Return the enums and composite types that schemas define, by name."""
        oids = [oid for (oid,) in self._connection.execute(_OWN, [schemas])]
        self.read(oids)
        return sorted((self._types[oid] for oid in oids), key=lambda t: t.name)

    def schemas(self) -> set[str]:
        """Return the schemas of the enums and composite types that were met."""
        kinds = (Kind.ENUM, Kind.COMPOSITE)
        return {t.schema for t in self._types.values() if t.kind in kinds}

    def given(self, oid: int) -> PythonType:
        """Return how a row holds a type."""
        return self._python(self[oid], taken=False)

    def taken(self, oid: int) -> PythonType:
        """Return how a caller passes a type."""
        return self._python(self[oid], taken=True)

    def _python(self, each: SqlType, *, taken: bool) -> PythonType:
        match each.kind:
            case Kind.DOMAIN:
                return self._python(self[each.part], taken=taken)
            case Kind.ENUM:
                name = class_name(each.name)
                module = f"{self._package}.{each.schema}.types"
                return PythonType(
                    name, frozenset({(module, name)}), converter=name, binary=False
                )
            case Kind.ARRAY:
                return self._array(self._python(self[each.part], taken=taken), taken)
            case Kind.COMPOSITE:
                return self._composite(each)
        if taken and each.name in _TAKEN:
            return _TAKEN[each.name]
        return _BASE.get(each.name, _TEXT)

    def _composite(self, each: SqlType) -> PythonType:
        name, module = class_name(each.name), f"{self._package}.{each.schema}.types"
        fields = [self.given(oid) for oid in each.field_types]
        loads = [
            kind.converter or f'"{self._text_form(self[oid])}"'
            for kind, oid in zip(fields, each.field_types, strict=True)
        ]
        imports = {(module, name), ("drystone.queries.runtime", "composite")}
        for kind in fields:
            imports |= kind.imports if kind.converter else set()
        converter = f"composite({', '.join([name, *loads])})"
        return PythonType(name, frozenset(imports), converter, binary=False)

    def _text_form(self, each: SqlType) -> str:
        """Return the type whose text a field of a composite value is read as."""
        if each.kind is Kind.DOMAIN:
            return self._text_form(self[each.part])
        if each.kind is Kind.ARRAY:
            return f"{self._text_form(self[each.part])}[]"
        return each.name if each.name in _BASE else "text"

    @staticmethod
    def _array(element: PythonType, taken: bool) -> PythonType:
        if taken:
            return PythonType(
                f"Sequence[{element.annotation}]",
                element.imports | {("collections.abc", "Sequence")},
            )
        converter = element.converter and f"each({element.converter})"
        imports = element.imports
        if converter:
            imports |= {("drystone.queries.runtime", "each")}
        return PythonType(
            f"list[{element.annotation} | None]", imports, converter, element.binary
        )


def modelled(name: str) -> PythonType:
    """Return the type of a JSON column whose pydantic model has this full name."""
    module, _, kind = name.rpartition(".")
    return PythonType(
        kind,
        frozenset({(module, kind), ("drystone.queries.runtime", "model")}),
        converter=f"model({kind})",
    )


def class_name(name: str) -> str:
    """Return the name of a class for a name of the database: job_state, JobState."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
