"""Every function, operator and cast of PostgreSQL's own, called with awkward values.

The catalog does not tell whether one of them may return NULL for values; this tries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg import Connection

# Values of a type that are most likely to have no answer, as they are cast to it.
_VALUES: dict[str, list[str]] = {
    "smallint": ["0", "1", "-1", "2"],
    "integer": ["0", "1", "-1", "2", "1114111"],
    "bigint": ["0", "1", "-1", "9223372036854775807"],
    "real": ["0", "1.5", "-1", "NaN", "Infinity"],
    "double precision": ["0", "1.5", "-1", "NaN", "Infinity", "-Infinity"],
    "numeric": ["0", "1.5", "-1", "NaN", "Infinity"],
    "text": ["", "a", "abc", "1", "%", "(", "day", "UTC", "UTF8", "hex", "a,b", "{}"],
    "character varying": ["", "a", "abc"],
    "character": ["", "a"],
    "name": ["", "a", "pg_class", "UTF8"],
    '"char"': ["", "a", "A"],
    "boolean": ["true", "false"],
    "date": ["2024-02-29", "infinity", "-infinity", "0044-03-15 BC"],
    "time without time zone": ["00:00", "24:00"],
    "time with time zone": ["00:00+00", "24:00+02"],
    "timestamp without time zone": ["2024-02-29 12:00", "infinity", "-infinity"],
    "timestamp with time zone": ["2024-02-29 12:00+00", "infinity", "-infinity"],
    "interval": ["0", "1 day", "-1 month", "infinity", "-infinity"],
    "bytea": ["", "\\x00", "\\x6162"],
    "uuid": ["00000000-0000-0000-0000-000000000000"],
    "json": ["null", "{}", "[]", '{"a": null}', "[null]", "1", '"a"', '[{"a": 1}]'],
    "jsonb": ["null", "{}", "[]", '{"a": null}', "[null]", "1", '"a"', '[{"a": 1}]'],
    "jsonpath": ["$", "$.a", "$[0]", "$.a == 1", "strict $.x"],
    "inet": ["127.0.0.1", "10.0.0.0/8", "::1", "0.0.0.0/0"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "macaddr": ["00:00:00:00:00:00"],
    "point": ["(0,0)", "(1,2)", "(NaN,0)"],
    "lseg": ["[(0,0),(1,1)]", "[(0,0),(0,0)]", "[(5,5),(6,7)]"],
    "line": ["{1,0,0}", "{0,1,0}", "{1,0,5}"],
    "box": ["(0,0),(1,1)", "(5,5),(6,6)", "(0,0),(0,0)"],
    "path": ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))", "[(9,9)]"],
    "polygon": ["((0,0),(1,1),(2,0))", "((0,0))"],
    "circle": ["<(0,0),1>", "<(0,0),0>", "<(9,9),1>"],
    "integer[]": ["{}", "{1}", "{NULL}", "{1,2,NULL}", "{{1,2},{3,4}}"],
    "text[]": ["{}", "{a}", "{NULL}", "{a,b}", "{{a,b}}"],
    "int4range": ["empty", "[1,3)", "(,)", "(,5]", "[7,)"],
    "int4multirange": ["{}", "{[1,3)}", "{(,)}", "{[1,2),[5,)}"],
    "tsvector": ["", "'a':1 'b':2A"],
    "tsquery": ["", "a", "a & !b", "a <-> b"],
    "regconfig": ["english", "simple"],
    "regclass": ["pg_class", "0"],
    "regtype": ["integer", "0"],
    "oid": ["0", "1259", "4294967295"],
    "bit": ["0", "1"],
    "bit varying": ["", "101"],
    "money": ["0", "1.50", "-1"],
    "fuzz.mood": ["sad", "glad"],
    "xid8": ["0", "1"],
    "pg_lsn": ["0/0", "1/1"],
}
_AS = {
    "anyelement": "integer",
    "anynonarray": "integer",
    "anyarray": "integer[]",
    "anycompatible": "integer",
    "anycompatiblenonarray": "integer",
    "anycompatiblearray": "integer[]",
    "anyrange": "int4range",
    "anycompatiblerange": "int4range",
    "anymultirange": "int4multirange",
    "anycompatiblemultirange": "int4multirange",
    "anyenum": "fuzz.mood",
    '"any"': "integer",
}
_MOST_CALLS = 30

# Volatile ones do things, and pg_* are about the server.
_FUNCTIONS = """
SELECT
    p.proname,
    array(
        SELECT format_type(a.type, NULL)
        FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, number)
        ORDER BY a.number
    ),
    p.prokind::text
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
  AND p.prokind IN ('f', 'a')
  AND p.provolatile <> 'v'
  AND NOT p.proretset
  AND p.proname !~ '^(pg_|binary_upgrade)'
ORDER BY p.oid
"""
_OPERATORS = """
SELECT
    o.oprname,
    format_type(nullif(o.oprleft, 0), NULL),
    format_type(o.oprright, NULL)
FROM pg_catalog.pg_operator AS o
WHERE o.oprnamespace = 'pg_catalog'::regnamespace
ORDER BY o.oid
"""
_CASTS = """
SELECT
    format_type(c.castsource, NULL),
    format_type(c.casttarget, NULL)
FROM pg_catalog.pg_cast AS c
WHERE c.oid < 16384
ORDER BY c.oid
"""


class Call(NamedTuple):
    """A call with $1, $2 … in the place of its arguments, and their types."""

    template: str
    types: tuple[str, ...]
    aggregate: bool = False

    def query(self, arguments: Sequence[str]) -> str:
        call = self.template
        for number, argument in enumerate(arguments, start=1):
            call = call.replace(f"${number}", argument)
        if not self.aggregate:
            return f"SELECT {call} AS answer"
        return f"SELECT {call} AS answer FROM (VALUES (1)) AS v (k) GROUP BY k"

    def arguments(self, chance: random.Random) -> Iterator[list[str]]:
        """Yield lists of arguments: constants, all of them values."""
        seen = set()
        for _ in range(_MOST_CALLS):
            drawn = tuple(chance.choice(literals(type_)) for type_ in self.types)
            if drawn not in seen:
                seen.add(drawn)
                yield list(drawn)

    def with_nulls(self) -> Iterator[list[str]]:
        """Yield lists of arguments of which one is NULL."""
        for position, type_ in enumerate(self.types):
            drawn = [literals(each)[-1] for each in self.types]
            drawn[position] = f"CAST(NULL AS {_AS.get(type_, type_)})"
            yield drawn


def literals(type_: str) -> list[str]:
    """Return values of a type as SQL."""
    concrete = _AS.get(type_, type_)
    return [f"CAST('{value}' AS {concrete})" for value in _VALUES[concrete]]


def known(type_: str | None) -> bool:
    return type_ in _VALUES or type_ in _AS


def calls(connection: Connection[Any]) -> list[Call]:
    """Return a call of everything whose arguments have values above."""
    found = []
    for name, types, kind in connection.execute(_FUNCTIONS):
        if all(known(each) for each in types):
            holes = ", ".join(f"${number}" for number in range(1, len(types) + 1))
            call = f'pg_catalog."{name}"({holes})'
            found.append(Call(call, tuple(types), aggregate=kind == "a"))
    for name, left, right in connection.execute(_OPERATORS):
        if known(right) and left is None:
            found.append(Call(f"OPERATOR(pg_catalog.{name}) $1", (right,)))
        elif known(right) and known(left):
            call = f"$1 OPERATOR(pg_catalog.{name}) $2"
            found.append(Call(call, (left, right)))
    for source, target in connection.execute(_CASTS):
        if known(source):
            found.append(Call(f"CAST($1 AS {target})", (source,)))
    return found
