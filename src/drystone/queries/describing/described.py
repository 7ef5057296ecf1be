"""Named queries proven against a database: what each takes and gives, or its fault."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from drystone.errors import Location, QueryError, QueryRefused
from drystone.queries.describing.description import (
    Describer,
    Parameter,
    StatementDescription,
)
from drystone.queries.reading.annotations import Annotations, read_annotations
from drystone.queries.reading.files import Area
from drystone.queries.reading.lexer import Query
from drystone.queries.reading.templates import make_template
from drystone.queries.runtime.choices import Piece, assemble, conditional, order_names

SCRIPT = "#"
_NUMBERED = re.compile(r"\$(\d+)")
_NOTHING = StatementDescription((), ())

# So many conditions are tried in every combination; if there are more, only some are.
_ALL_COMBINATIONS = 4


@dataclass(frozen=True, slots=True)
class DescribedQuery:
    """A query with its description; nothing is described where there is an error."""

    area: Area
    query: Query
    annotations: Annotations
    pieces: tuple[Piece, ...]
    described: StatementDescription
    error: QueryError | None = None

    @property
    def name(self) -> str:
        """The query's full name."""
        return f"{self.area.name}.{self.query.name}"


def describe_areas(
    describer: Describer, areas: Iterable[Area]
) -> Iterator[DescribedQuery]:
    """Describe every query; what is wrong with one does not keep the others back."""
    for area in areas:
        for query in area.queries:
            yield _describe(describer, area, query)


def _describe(describer: Describer, area: Area, query: Query) -> DescribedQuery:
    annotations = Annotations(query.documentation, {}, frozenset(), {})
    pieces: tuple[Piece, ...] = (query.sql,)
    try:
        annotations = read_annotations(query)
        if query.operator == SCRIPT:
            return DescribedQuery(area, query, annotations, pieces, _NOTHING)
        described = _with_annotations(describer.describe(query.sql), query, annotations)
        pieces = make_template(query, annotations.orders)
        _check_variants(describer, query, pieces, described)
    except QueryRefused as refused:
        error: QueryError = _located(refused, query)
    except QueryError as found:
        error = found
    else:
        return DescribedQuery(area, query, annotations, pieces, described)
    return DescribedQuery(area, query, annotations, pieces, _NOTHING, error)


def _with_annotations(
    described: StatementDescription, query: Query, annotations: Annotations
) -> StatementDescription:
    parameters = [
        Parameter(
            each.type, each.oid, nullable=each.nullable or name in annotations.nullable
        )
        for name, each in zip(query.parameters, described.parameters, strict=True)
    ]
    return replace(described, parameters=tuple(parameters))


def _check_variants(
    describer: Describer,
    query: Query,
    pieces: tuple[Piece, ...],
    described: StatementDescription,
) -> None:
    """Prepare the texts that callers choose from; each must give the same types."""
    optional = conditional(pieces)
    types = [column.oid for column in described.columns]
    orders: list[str | None] = [*order_names(pieces)]
    for order in orders or [None]:
        for absent in _combinations(optional):
            text = assemble(pieces, frozenset(optional) - set(absent), order)
            named = ", ".join(f":{query.parameters[n - 1]}" for n in absent)
            without = f" without {named}" if named else ""
            by = f" in the order {order}" if order else ""
            try:
                found = describer.result_types(text, absent)
            except QueryRefused as error:
                raise QueryError(
                    f"query {query.name}{without}{by}: {error.message}",
                    location=query.location,
                    hint=error.hint,
                    sqlstate=error.sqlstate,
                ) from error
            if found != types:
                raise QueryError(
                    f"query {query.name}{without}{by} gives other types",
                    location=query.location,
                    hint="Cast the columns, so that they do not depend on it.",
                )


def _combinations(optional: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield the sets of parameters to leave out."""
    few = len(optional) <= _ALL_COMBINATIONS
    sizes = range(len(optional) + 1) if few else (0, 1, 2, len(optional))
    for size in sizes:
        yield from combinations(optional, size)


def _located(error: QueryRefused, query: Query) -> QueryError:
    """Return the error with its place in the file, and parameters by their names."""

    def named(text: str) -> str:
        return _NUMBERED.sub(lambda n: f":{query.parameters[int(n[1]) - 1]}", text)

    location: Location = query.location
    excerpt = None
    if error.position is not None:
        location, excerpt = query.place(error.position - 1)
    return QueryError(
        f"query {query.name}: {named(error.message)}",
        location=location,
        excerpt=excerpt,
        hint=named(error.hint) if error.hint else _hint(error.sqlstate),
        sqlstate=error.sqlstate,
    )


def _hint(sqlstate: str | None) -> str | None:
    untyped = sqlstate in {"42P18", "42P08"}
    return "Cast the parameter, as in :id::bigint." if untyped else None
