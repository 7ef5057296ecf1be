"""What a column could hold: an expression for the n-th candidate, by type and rules.

Everything follows from the candidate's number, so that the same tables are filled alike
each time. Times lie around now, so that conditions on the present keep their share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import postgast
from psycopg import sql

from drystone.queries.reading.lexer import character_positions
from drystone.review.plans.examples import examples
from drystone.review.plans.tables import Column, Table

pb = postgast.pg_query_pb2

_VECTORS = {"vector", "halfvec", "sparsevec"}
_LONGEST = 4000
_MATCHES = {"~", "~*"}
_EXAMPLES = 200

# {h} is a number from 0 to 2147483647 that looks drawn, {n} the candidate's own.
_BY_KIND = {
    "bool": "{h} % 2 = 0",
    "int2": "1 + {h} % 100",
    "int4": "1 + {h} % 1000",
    "int8": "1 + {h} % 1000",
    "float4": "({h} % 1000) / 1000.0",
    "float8": "({h} % 1000) / 1000.0",
    "money": "({h} % 1000)::integer::money",
    "text": "'sample ' || {h} % 500",
    "varchar": "'sample ' || {h} % 500",
    "bpchar": "'sample ' || {h} % 500",
    "name": "'sample ' || {h} % 500",
    "citext": "'sample ' || {h} % 500",
    "uuid": "pg_catalog.md5({n} || ' ' || {i})::uuid",
    "bytea": "pg_catalog.decode(pg_catalog.md5({n}::text), 'hex')",
    "date": "current_date - 170 + ({h} % 200)::integer",
    "timestamp": "date_trunc('day', localtimestamp) + ({h} % 17280000 - 15552000)"
    " * interval '1 second'",
    "timestamptz": "date_trunc('day', now()) + ({h} % 17280000 - 15552000)"
    " * interval '1 second'",
    "time": "time '00:00' + ({h} % 86400) * interval '1 second'",
    "timetz": "(time '00:00' + ({h} % 86400) * interval '1 second')::timetz",
    "interval": "({h} % 2880) * interval '1 minute'",
    "json": "pg_catalog.json_build_object('sample', {h} % 10)",
    "jsonb": "pg_catalog.jsonb_build_object('sample', {h} % 10)",
    "inet": "inet '10.0.0.0' + {h} % 60000",
    "cidr": "pg_catalog.set_masklen((inet '10.0.0.0' + {h} % 60000)::cidr, 32)",
    "macaddr": "macaddr '00:00:00:00:00:01'",
    "macaddr8": "macaddr8 '00:00:00:00:00:00:00:01'",
    "point": "pg_catalog.point({h} % 100, {h} % 97)",
    "tsvector": "pg_catalog.to_tsvector('simple', 'sample ' || {h} % 500)",
    "tsquery": "pg_catalog.to_tsquery('simple', 'sample')",
    "xml": "'<sample/>'::xml",
    "int4range": "pg_catalog.int4range(({h} % 1000)::integer,"
    " ({h} % 1000)::integer + 9)",
    "int8range": "pg_catalog.int8range({h} % 1000, {h} % 1000 + 9)",
    "numrange": "pg_catalog.numrange({h} % 1000, {h} % 1000 + 9)",
    "daterange": "pg_catalog.daterange(current_date - 170 + ({h} % 200)::integer,"
    " current_date - 168 + ({h} % 200)::integer)",
    "tstzrange": "pg_catalog.tstzrange(date_trunc('day', now()) + ({h} % 4800)"
    " * interval '1 hour', date_trunc('day', now()) + ({h} % 4800 + 1)"
    " * interval '1 hour')",
    "tsrange": "pg_catalog.tsrange(date_trunc('day', localtimestamp) + ({h} % 4800)"
    " * interval '1 hour', date_trunc('day', localtimestamp) + ({h} % 4800 + 1)"
    " * interval '1 hour')",
}
_KEYS = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric"), "{n}"),
    **dict.fromkeys(
        ("text", "varchar", "bpchar", "citext", "name"), "'sample-' || {n}"
    ),
    "inet": "inet '10.0.0.0' + {n}",
    "date": "current_date - {n}::integer",
}
_TEXTS = {"text", "varchar", "bpchar", "citext", "name"}
_NUMBERS = {"int2", "int4", "int8", "numeric", "float4", "float8"}

# Rules want texts of a form, more often than not one of these.
_FORMS = (
    "'sample-' || {n}",
    "'Sample ' || {h} % 500",
    "'sample' || {n} || '@example.org'",
    "'https://example.org/sample-' || {n}",
    "'sample' || {n} || '.example.org'",
    "pg_catalog.md5({n}::text)",
    "pg_catalog.encode(pg_catalog.sha256({n}::text::bytea), 'hex')",
    "(ARRAY['EUR', 'USD', 'GBP', 'en', 'de', 'fr', 'DE', 'US'])[1 + {h} % 8]",
    "pg_catalog.to_char({n}, 'FM000000000000')",
    "'+49' || pg_catalog.to_char({n}, 'FM0000000000')",
    "pg_catalog.repeat('a sample of some length ', 5) || {n}",
)
_JSON_FORMS = ("'{{}}'", "'[]'", "'[\"sample\"]'", "'\"sample\"'", "'1'", "'true'")

_FROM_TO = re.compile(r"FOR VALUES FROM \((?P<low>.*)\) TO \((?P<high>.*)\)")


@dataclass(frozen=True, slots=True)
class Hints:
    """The constants of the rules on a column, which its values often are."""

    texts: Sequence[str] = ()
    numbers: Sequence[str] = ()
    spans: Sequence[tuple[str, str]] = ()


def is_heavy(column: Column) -> bool:
    """Tell whether a value is so big that fewer rows will do."""
    return column.kind in _VECTORS and column.typmod > 100


def candidate(
    column: Column, hints: Hints | None, *, often_null: bool
) -> sql.Composable:
    """Write the expression of a column's n-th candidate, of the column's type.

    ``hints`` are those of its rules, and None where there are none.
    """
    value = _one_of(column, _choices(column, hints))
    if not column.nullable:
        return value
    share = 2 if hints is not None or often_null else 5
    return sql.SQL("CASE WHEN {} % {} <> 0 THEN {} END").format(
        _drawn(column.number + 500), sql.Literal(share), value
    )


def drawn(number: int) -> sql.Composable:
    """Write a number from 0 to 2147483647 that follows from the candidate's."""
    return _drawn(number)


def read_hints(table: Table) -> dict[int, Hints]:
    """Return the hints of the columns that rules are about."""
    texts: dict[int, list[str]] = {}
    numbers: dict[int, list[str]] = {}
    spans: dict[int, list[tuple[str, str]]] = {}
    for check in table.checks:
        for number in check.columns or ():
            found, counted = _constants(check.condition)
            texts.setdefault(number, []).extend(found)
            numbers.setdefault(number, []).extend(counted)
    for partition in table.partitions:
        for place, number in enumerate(partition.columns):
            bounds = partition.bounds or ""
            if match := _FROM_TO.match(bounds):
                ends = [_ends(match[side], place) for side in ("low", "high")]
                if all(ends):
                    spans.setdefault(number, []).append((ends[0], ends[1]))
            else:
                texts.setdefault(number, []).extend(_constants(bounds)[0])
                numbers.setdefault(number, []).extend(_constants(bounds)[1])
    return {
        number: Hints(
            tuple(dict.fromkeys(texts.get(number, ()))),
            tuple(dict.fromkeys(numbers.get(number, ()))),
            tuple(spans.get(number, ())),
        )
        for number in texts.keys() | numbers.keys() | spans.keys()
    }


def _ends(values: str, place: int) -> str:
    """Return an end of a span as a literal's text; nothing for one without end."""
    listed = values.split(", ")
    value = listed[place] if place < len(listed) else ""
    return "" if value in {"MINVALUE", "MAXVALUE"} else value.strip("'")


def _constants(condition: str) -> tuple[list[str], list[str]]:
    """Return the texts and the numbers in a condition; of patterns, examples."""
    at = character_positions(condition)
    texts: list[str] = []
    numbers: list[str] = []
    before = ""
    for token in postgast.scan(condition).tokens:
        word = condition[at(token.start) : at(token.end)]
        if token.token == pb.SCONST:
            text = word[word.index("'") + 1 : -1].replace("''", "'")
            texts += examples(text, number=_EXAMPLES) if before in _MATCHES else [text]
        elif token.token in {pb.ICONST, pb.FCONST}:
            numbers.append(f"-{word}" if before == "-" else word)
        if word not in "()":
            before = word
    return texts, numbers


def _choices(column: Column, hints: Hints | None) -> list[sql.Composable]:
    kind = column.kind
    given = hints or Hints()
    if given.spans:
        return [_between(column, low, high) for low, high in given.spans]
    if column.labels:
        return [sql.Literal(label) for label in column.labels]
    if kind in _VECTORS:
        return [_vector(column)]
    if column.category == "A":
        return [_array(column), *([sql.Literal("{}")] if hints else [])]
    if column.is_key and kind in _KEYS and not given.texts:
        return [_written(_KEYS[kind], column)]
    plain = _BY_KIND.get(kind)
    if kind == "numeric":
        return [*_around(given.numbers), _numeric(column)]
    if kind in _NUMBERS and plain:
        return [*_around(given.numbers), _written(plain, column)]
    if hints is not None and kind in _TEXTS:
        return [
            *_listed(given.texts, column) * len(_FORMS),
            *_long(given.numbers, column),
            *(_written(form, column) for form in _FORMS),
        ]
    if hints is not None and kind in {"json", "jsonb"} and plain:
        keys = sql.SQL(", ").join(
            sql.SQL("{}, 'sample'::text").format(sql.Literal(text))
            for text in given.texts[:20]
        )
        build = sql.SQL("pg_catalog.jsonb_build_object({})::text").format(keys)
        return [
            sql.SQL("{}::text").format(_written(plain, column)),
            build,
            *(_written(form, column) for form in _JSON_FORMS),
        ]
    if kind in {"bit", "varbit"}:
        return [sql.Literal("1" * max(column.typmod, 1))]
    if plain:
        return [_written(plain, column)]
    return [sql.SQL("NULL")]


def _one_of(column: Column, choices: Sequence[sql.Composable]) -> sql.Composable:
    """Write the choice among expressions, cut to the column's length."""
    chosen = choices[0]
    if len(choices) > 1:
        cases = sql.SQL(" ").join(
            sql.SQL("WHEN {} THEN ({})::{}").format(
                sql.Literal(place), each, sql.SQL(_castable(column))
            )
            for place, each in enumerate(choices)
        )
        chosen = sql.SQL("CASE {} % {} {} END").format(
            _drawn(column.number + 900), sql.Literal(len(choices)), cases
        )
    if column.kind in {"varchar", "bpchar"} and column.typmod > 0:
        chosen = sql.SQL("pg_catalog.left(({})::text, {})").format(
            chosen, sql.Literal(column.typmod - 4)
        )
    return sql.SQL("({})::{}").format(chosen, sql.SQL(column.type))


def _listed(texts: Sequence[str], column: Column) -> list[sql.Composable]:
    """Write the choice among texts, if there are any."""
    if not texts:
        return []
    listed = sql.SQL(", ").join(sql.Literal(text) for text in texts)
    place = sql.SQL("1 + {} % {}").format(
        _drawn(column.number), sql.Literal(len(texts))
    )
    return [sql.SQL("(ARRAY[{}]::text[])[{}]").format(listed, place)]


def _castable(column: Column) -> str:
    return "text" if column.kind in _TEXTS else column.type


def _around(numbers: Iterable[str]) -> list[sql.Composable]:
    """Write numbers at, beside and below those that rules name."""
    forms = ("{0}", "{0} - 1", "{0} + 1", "({0}) / 2", "{h} % greatest({0}, 1)::bigint")
    return [
        sql.SQL(form).format(sql.SQL(number), h=_drawn(700))
        for number in dict.fromkeys(numbers)
        for form in forms
    ]


def _long(numbers: Iterable[str], column: Column) -> list[sql.Composable]:
    """Write texts as long as the numbers that rules name, of digits and of letters."""
    lengths = [int(n) for n in numbers if n.isdigit() and 0 < int(n) <= _LONGEST]
    return [
        sql.SQL("pg_catalog.left(pg_catalog.repeat({}, {}), {})").format(
            _written(form, column), sql.Literal(length), sql.Literal(length)
        )
        for length in lengths
        for form in ("pg_catalog.md5({n}::text)", "pg_catalog.abs({h})::text")
    ]


def _between(column: Column, low: str, high: str) -> sql.Composable:
    """Write a value of a span, whose end does not belong to it."""
    ends = sql.SQL("{}::{}").format(sql.Literal(low), sql.SQL(column.type))
    far = sql.SQL("{}::{}").format(sql.Literal(high), sql.SQL(column.type))
    if column.kind in _TEXTS or column.kind == "uuid":
        return ends
    form = "{low} + (({high} - {low}) * ({h} % 10000) / 10000)::integer"
    if column.kind in {"timestamp", "timestamptz"}:
        form = "{low} + ({high} - {low}) * (({h} % 10000) / 10000.0)"
    return sql.SQL(form).format(low=ends, high=far, h=_drawn(column.number))


def _vector(column: Column) -> sql.Composable:
    width = max(column.typmod, 3)
    array = sql.SQL(
        "(SELECT pg_catalog.array_agg(pg_catalog.sin({n} * 0.7 + place * {i})::real)"
        " FROM pg_catalog.generate_series(1, {width}) AS place)"
    ).format(n=_NUMBER, i=sql.Literal(column.number + 1), width=sql.Literal(width))
    if column.kind == "sparsevec":
        return sql.Literal(f"{{1:1}}/{width}")
    return sql.SQL("pg_catalog.translate({}::text, '{{}}', '[]')").format(array)


def _array(column: Column) -> sql.Composable:
    form = _BY_KIND.get(column.element or "")
    if form is None:
        return sql.Literal("{}")
    elements = (
        sql.SQL(form).format(
            h=_drawn(column.number + step), n=_NUMBER, i=sql.Literal(column.number)
        )
        for step in (100, 200)
    )
    return sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(elements))


def _numeric(column: Column) -> sql.Composable:
    if column.is_key:
        return _NUMBER
    digits, scale = 6, 2
    if column.typmod > 0:
        digits, scale = (column.typmod - 4) >> 16, (column.typmod - 4) & 0x7FF
    most = min(10**digits, 100_000)
    return sql.SQL("({} % {})::numeric / {}").format(
        _drawn(column.number), sql.Literal(most), sql.Literal(10**scale)
    )


def _written(form: str, column: Column) -> sql.Composed:
    return sql.SQL(form).format(
        h=_drawn(column.number), n=_NUMBER, i=sql.Literal(column.number)
    )


_NUMBER = sql.SQL("candidate.n")


def _drawn(number: int) -> sql.Composable:
    return sql.SQL(
        "(pg_catalog.hashint8extended(candidate.n, {}) & 2147483647)"
    ).format(sql.Literal(number))
