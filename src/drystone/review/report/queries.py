"""A named query as a reviewer reads it: what it takes and gives, in SQL and Python."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from drystone.errors import QueryError
from drystone.queries.describing.described import DescribedQuery
from drystone.queries.generation.modules import write_module
from drystone.queries.generation.types import TypeMap
from drystone.queries.reading.annotations import read_annotations
from drystone.queries.reading.files import Area
from drystone.queries.reading.lexer import Query
from drystone.review.report.names import Named, named

# A signature that is longer has a line for each parameter.
_WIDTH = 64

_RETURNS = {
    "": "rows",
    "^": "one row or none",
    "$": "one value",
    "!": "the number of rows changed",
    "<!": "the row that was written",
    "*!": "the number of rows changed, for many sets of parameters",
    "#": "a script's status",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A parameter or a column."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Described:
    """What PostgreSQL says of a query, or why it refuses it.

    ``python`` are the function's signature and its row classes, where there is a
    function.
    """

    parameters: Sequence[Typed] = ()
    columns: Sequence[Typed] = ()
    at_most_one: bool = False
    error: QueryError | None = None
    python: str = ""


@dataclass(frozen=True, slots=True)
class QuerySheet:
    """A query: everything that its section shows.

    ``text`` is as the file has it, from ``line`` on; ``described`` is None where no
    database could say.
    """

    name: str
    own_name: str
    query: Query
    documentation: str
    text: str
    line: int
    last_line: int
    tables: Named
    described: Described | None = None

    @property
    def returns(self) -> str:
        """What a call returns, in words."""
        return _RETURNS[self.query.operator]


@dataclass(frozen=True, slots=True)
class AreaSheet:
    """A file of queries."""

    name: str
    system: str
    area: Area
    queries: Sequence[QuerySheet]


def area_sheets(
    areas: Iterable[Area], described: dict[str, Described] | None
) -> list[AreaSheet]:
    """Return a sheet for each area, with what is known of its queries."""
    known = described or {}
    return [
        AreaSheet(
            area.name,
            area.names[0],
            area,
            tuple(_sheet(area, number, known) for number in range(len(area.queries))),
        )
        for area in areas
    ]


def describe_with_signatures(
    connection: Connection[Any], queries: Iterable[DescribedQuery], package: str
) -> dict[str, Described]:
    """Return descriptions by full name, each with the Python that generate writes.

    A file that no module can be made of has no Python; what is wrong is its query's
    error.
    """
    found, types = {}, TypeMap(connection, package)
    by_area: dict[str, list[DescribedQuery]] = {}
    for query in queries:
        by_area.setdefault(query.area.name, []).append(query)
    for of_area in by_area.values():
        good = [each for each in of_area if each.error is None]
        module, fault = _module(good, types)
        for each in of_area:
            name = each.query.name
            error = each.error
            if fault is not None and f"query {name} " in f"{fault.message} ":
                error = error or fault
            found[each.name] = _described(each, module.get(name, ""), error)
    return found


def _described(
    query: DescribedQuery, python: str, error: QueryError | None
) -> Described:
    pairs = zip(query.query.parameters, query.described.parameters, strict=False)
    return Described(
        tuple(Typed(name, each.type, each.nullable) for name, each in pairs),
        tuple(
            Typed(each.name, each.type, each.nullable)
            for each in query.described.columns
        ),
        query.described.at_most_one,
        error,
        python,
    )


def _sheet(area: Area, number: int, known: dict[str, Described]) -> QuerySheet:
    query = area.queries[number]
    lines = query.source.text.split("\n")
    following = area.queries[number + 1 : number + 2]
    end = following[0].location.line - 1 if following else len(lines)
    begin = query.location.line
    while begin < end and lines[begin].lstrip().startswith("--"):
        begin += 1
    while end > begin + 1 and not lines[end - 1].strip():
        end -= 1
    name = f"{area.name}.{query.name}"
    return QuerySheet(
        name=name,
        own_name=query.name,
        query=query,
        documentation=_documentation(query),
        text="\n".join(lines[begin:end]),
        line=begin + 1,
        last_line=end,
        tables=named(query.sql),
        described=known.get(name),
    )


def _documentation(query: Query) -> str:
    try:
        return read_annotations(query).documentation
    except QueryError:
        return query.documentation


def _module(
    queries: Sequence[DescribedQuery], types: TypeMap
) -> tuple[dict[str, str], QueryError | None]:
    """Return each function's signature with its classes, by the query's name."""
    if not queries:
        return {}, None
    try:
        tree = ast.parse(write_module(queries[0].area, queries, types))
    except QueryError as error:
        return {}, error
    classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
    found: dict[str, str] = {}
    for each in tree.body:
        if isinstance(each, ast.FunctionDef):
            # The first one of overloads is the one for a plain connection.
            found.setdefault(each.name, _signature(each, classes))
    return found, None


def _signature(function: ast.FunctionDef, classes: dict[str, ast.ClassDef]) -> str:
    arguments = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    shown = [_argument(each, default) for each, default in arguments]
    returns = ast.unparse(function.returns) if function.returns else "None"
    given = ["connection", *(["*", *shown] if shown else [])]
    line = f"def {function.name}({', '.join(given)}) -> {returns}"
    if len(line) > _WIDTH:
        inside = "".join(f"    {each},\n" for each in given)
        line = f"def {function.name}(\n{inside}) -> {returns}"
    parts = [_class(each, classes) for each in _used(returns, classes)]
    return "\n\n".join([line, *parts])


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    annotated = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    given = f" = {ast.unparse(default)}" if default is not None else ""
    return f"{argument.arg}{annotated}{given}"


def _used(text: str, classes: dict[str, ast.ClassDef]) -> list[str]:
    """Return the classes that an annotation names, and those that they name."""
    found: list[str] = []
    waiting = [text]
    while waiting:
        names = {
            each.id
            for each in ast.walk(ast.parse(waiting.pop()))
            if isinstance(each, ast.Name)
        }
        for name in sorted(names & classes.keys() - set(found)):
            found.append(name)
            waiting.append(ast.unparse(classes[name]))
    return found


def _class(name: str, classes: dict[str, ast.ClassDef]) -> str:
    """Return a class with its fields alone."""
    found = classes[name]
    fields = [
        f"    {ast.unparse(each.target)}: {ast.unparse(each.annotation)}"
        for each in found.body
        if isinstance(each, ast.AnnAssign)
    ]
    bases = ", ".join(ast.unparse(each) for each in found.bases)
    return "\n".join([f"class {name}({bases}):", *(fields or ["    ..."])])
