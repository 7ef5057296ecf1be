"""Typical values for a query's parameters, taken from the rows that are there.

For equality it is what occurs most; parameters that are compared with columns of the
same table get theirs from the same row. A range keeps about a tenth of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from drystone.queries.describing.described import DescribedQuery
from drystone.queries.describing.nodes import Node
from drystone.review.plans.sources import (
    ANY_ROW,
    AT,
    ELEMENT,
    ELEMENTS,
    MEMBER,
    NEXT,
    ROW,
    SEVERAL,
    WORD,
    WORDS,
    WORDS_OF_TEXT,
    Column,
    Source,
    Type,
)
from drystone.review.plans.targets import Target, Use, tables_of

LIMIT, OFFSET = "20", "0"

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"

# A last character that is another one of the same class, as a pattern may want it.
_TURNED = dict(zip(_ALPHABET, _ALPHABET[1:] + "a", strict=True)) | {
    str(n): str((n + 1) % 10) for n in range(10)
}

_BY_KIND = {
    "bool": "true",
    "bytea": r"\x00",
    "cidr": "10.0.0.0/8",
    "date": "today",
    "inet": "10.0.0.1",
    "interval": "1 hour",
    "json": "{}",
    "jsonb": "{}",
    "numeric": "2",
    "float4": "0.5",
    "float8": "0.5",
    "point": "(0,0)",
    "time": "12:00",
    "timestamp": "now",
    "timestamptz": "now",
    "timetz": "12:00+00",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "vector": "[1,1,1]",
    "xml": "<sample/>",
    "agtype": "{}",
}
_BY_CATEGORY = {"A": "{}", "N": "2", "R": "empty", "B": "true", "V": "1"}
_BY_NAME_ALONE = {
    **dict.fromkeys(("limit", "limit_rows", "max_rows", "page_size"), LIMIT),
    **dict.fromkeys(("offset", "offset_rows", "skip"), OFFSET),
}
_BIG = {"vector", "halfvec", "sparsevec", "json", "jsonb", "xml", "bytea"}
_TOGETHER = {Use.EQUAL, Use.NEAR, Use.ASSIGNED}
_NUMERIC_OR_TEXT = {"N", "S", "D", "T", "B"}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Values from rows: by parameter, and those for equality by table and column."""

    values: dict[int, str]
    by_table: dict[int, dict[int, str]]


class Sampler:
    """Takes values from one database, whose rows must not change meanwhile."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._source = Source(connection)

    def values(
        self,
        query: DescribedQuery,
        tree: Node | None,
        targets: Mapping[int, Sequence[Target]],
    ) -> list[str | None]:
        """Return a value for each parameter, as PostgreSQL writes it."""
        tables = tables_of(tree) if tree is not None else []
        names = query.query.parameters
        types = [self._source.type(each.oid) for each in query.described.parameters]
        met = {
            number: self._fitting(type_, targets.get(number, ()))
            or self._named(names[number - 1], type_, tables, query.area.names[0])
            for number, type_ in enumerate(types, 1)
        }
        rows = self._rows(met)
        return [
            self._value(type_, met[number], rows.values.get(number), met, rows)
            or _BY_NAME_ALONE.get(names[number - 1])
            or _plain(type_)
            for number, type_ in enumerate(types, 1)
        ]

    def _fitting(self, type_: Type, targets: Iterable[Target]) -> list[Target]:
        """Keep the targets that a parameter's type can have a value from."""
        return [each for each in targets if self._fits_target(type_, each)]

    def _fits_target(self, type_: Type, target: Target) -> bool:
        if not target.relation or target.use is Use.SEARCH:
            return True
        column = self._source.column(target.relation, target.column)
        return self._fits(type_, self._source.type(column.type))

    def _fits(self, mine: Type, theirs: Type) -> bool:
        if mine.based_on == theirs.based_on:
            return True
        if theirs.category in {mine.element, mine.category}:
            return theirs.category in _NUMERIC_OR_TEXT or "A" in (
                mine.category,
                theirs.category,
            )
        return theirs.element == mine.category

    def _named(
        self, name: str, type_: Type, tables: Sequence[int], schema: str
    ) -> list[Target]:
        if name in _BY_NAME_ALONE:
            return []
        found = [
            Target(Use.NEAR, relation, number)
            for relation, number in self._source.by_name(name, tables, schema)
        ]
        return self._fitting(type_, found)

    def _rows(self, met: Mapping[int, Sequence[Target]]) -> _Rows:
        """Take the values of columns of one table from one row of it."""
        groups: dict[int, dict[int, int]] = {}
        for number, targets in met.items():
            first = targets[0] if targets else None
            if first is None or first.use not in _TOGETHER or not first.relation:
                continue
            alike = [each for each in targets if each.use is first.use]
            # The table that refers to another one has the values that meet.
            best = min(
                alike,
                key=lambda each: (
                    not self._source.column(each.relation, each.column).refers
                ),
            )
            groups.setdefault(best.relation, {})[number] = best.column
        found = _Rows({}, {})
        for relation, wanted in groups.items():
            numbers = list(dict.fromkeys(wanted.values()))
            row = self._referred(relation, numbers) or self._row(relation, numbers)
            found.values.update(
                {
                    number: row[column]
                    for number, column in wanted.items()
                    if row.get(column) is not None
                }
            )
            found.by_table[relation] = {
                column: row[column]
                for number, column in wanted.items()
                if row.get(column) is not None and met[number][0].use is Use.EQUAL
            }
        return found

    def _refers(self, target: Target) -> bool:
        return self._source.column(target.relation, target.column).refers

    def _referred(self, relation: int, numbers: Sequence[int]) -> dict[int, str]:
        """Return a key that rows of another table refer to most."""
        if len(numbers) != 1:
            return {}
        row = self._source.referring(relation, numbers[0])
        if row is None:
            return {}
        value = self._row(row[0], [row[1]]).get(row[1])
        return {} if value is None else {numbers[0]: value}

    def _row(self, relation: int, numbers: Sequence[int]) -> dict[int, str]:
        columns = [self._source.column(relation, number) for number in numbers]
        types = [self._source.type(column.type) for column in columns]
        big = any(each.kind in _BIG for each in types)
        query = ANY_ROW if big else ROW
        texts = sql.SQL(", ").join(
            sql.SQL("{}::text").format(column.identifier) for column in columns
        )
        for chosen in (columns, ()):  # else whatever there is, with its NULLs
            known = sql.SQL(" AND ").join(
                sql.SQL("{} IS NOT NULL").format(each.identifier) for each in chosen
            )
            row = self._source.one(
                sql.SQL(query.replace("({texts})", "ROW({texts})")).format(
                    texts=texts,
                    table=columns[0].of,
                    known=known if chosen else sql.SQL("true"),
                )
            )
            if row is not None:
                return dict(zip(numbers, row, strict=True))
        return {}

    def _value(
        self,
        type_: Type,
        targets: Sequence[Target],
        from_row: str | None,
        met: Mapping[int, Sequence[Target]],
        rows: _Rows,
    ) -> str | None:
        if not targets:
            return None
        target = targets[0]
        match target.use:
            case Use.LIMIT:
                return LIMIT
            case Use.OFFSET:
                return OFFSET
            case Use.ELEMENTS:
                return "[]"
            case Use.UNIT:
                return "month"
        column = self._source.column(target.relation, target.column)
        theirs = self._source.type(column.type)
        match target.use:
            case Use.LEAST | Use.MOST:
                return self._bound(target, column, met, rows)
            case Use.SEARCH:
                return self._word(column, theirs)
            case Use.LIKE:
                word = self._word(column, theirs)
                return word and f"%{word}%"
            case Use.CONTAINS:
                return self._part(type_, column, theirs)
            case Use.INSERTED:
                return self._fresh(type_, target, column)
        if type_.category == "A" and theirs.category != "A":
            return self._source.ask(SEVERAL, column)
        if theirs.category == "A" and type_.category != "A":
            return self._source.ask(ELEMENT, column)
        return from_row

    def _bound(
        self,
        target: Target,
        column: Column,
        met: Mapping[int, Sequence[Target]],
        rows: _Rows,
    ) -> str | None:
        """Return where a range begins or ends.

        The ranges of a table's columns together hold about a tenth of its rows, or of
        those that the values for equality leave.
        """
        ranges = {
            (each.column, each.use)
            for targets in met.values()
            for each in targets[:1]
            if each.relation == target.relation and each.use in {Use.LEAST, Use.MOST}
        }
        share = 0.1 ** (1 / len({number for number, _ in ranges}))
        both = {(target.column, Use.LEAST), (target.column, Use.MOST)} <= ranges
        kept = (1 + share) / 2 if both else share
        part = 1 - kept if target.use is Use.LEAST else kept
        given = rows.by_table.get(target.relation, {})
        conditions = [
            sql.SQL("{}::text = {}").format(
                self._source.column(target.relation, number).identifier,
                sql.Literal(value),
            )
            for number, value in given.items()
        ]
        for chosen in (conditions, [sql.SQL("true")]):
            found = self._source.ask(
                AT,
                column,
                part=sql.Literal(part),
                given=sql.SQL(" AND ").join(chosen or [sql.SQL("true")]),
            )
            if found is not None:
                return found
        return None

    def _word(self, column: Column, type_: Type) -> str | None:
        form = WORDS if type_.kind == "tsvector" else WORDS_OF_TEXT
        inner = sql.SQL(form).format(column=column.identifier, table=column.of)
        text = sql.Literal(inner.as_string())
        return self._source.ask(WORD, column, query=text)

    def _part(self, mine: Type, column: Column, theirs: Type) -> str | None:
        if theirs.kind == "jsonb":
            return self._source.ask(MEMBER, column) if mine.kind == "jsonb" else None
        if theirs.category == "A":
            return self._source.ask(
                ELEMENTS if mine.category == "A" else ELEMENT, column
            )
        if mine.category == "A":
            return self._source.ask(SEVERAL, column)
        row = self._row_of(column)
        return row if theirs.based_on == mine.based_on else None

    def _row_of(self, column: Column) -> str | None:
        form = ANY_ROW if self._source.type(column.type).kind in _BIG else ROW
        texts = sql.SQL("{}::text").format(column.identifier)
        known = sql.SQL("{} IS NOT NULL").format(column.identifier)
        row = self._source.one(
            sql.SQL(form).format(texts=texts, table=column.of, known=known)
        )
        return row[0] if row else None

    def _fresh(self, type_: Type, target: Target, column: Column) -> str | None:
        """Return a value for a new row: of a key, one that no row has."""
        value = self._row_of(column)
        if value is None or not column.is_key or column.refers:
            return value
        if type_.category == "N":
            return self._source.ask(NEXT, column)
        if type_.category == "S":
            return value[:-1] + _TURNED.get(value[-1:], "a")
        return value if type_.kind != "uuid" else _BY_KIND["uuid"]


def _plain(type_: Type) -> str | None:
    """Return a value that the type alone suggests."""
    if type_.label is not None:
        return type_.label
    return _BY_KIND.get(type_.kind) or _BY_CATEGORY.get(type_.category, "sample")
