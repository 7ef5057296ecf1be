"""A named query as the rules see it: its scopes, and what is known around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import postgast

from drystone.queries.reading.lexer import Query, character_positions
from drystone.review.lint.findings import Finding, Rule
from drystone.review.lint.queries.scopes import Scope, level, read_scopes, unwrapped
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import pb


class Counts(Protocol):
    """Something that knows how many rows some tables have."""

    def rows(self, table: str | None) -> int | None:
        """Return about how many rows a table has, if that is known."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A query's statements, beside the schema, the role that runs it and the sizes.

    ``top`` are the scopes of its statements; ``truncated`` the tables that it empties.
    """

    query: Query
    schema: Schema
    top: tuple[Scope, ...]
    truncated: tuple[Any, ...]
    role: str | None = None
    sizes: Counts | None = None

    @property
    def scopes(self) -> Iterator[Scope]:
        """All levels, outer ones first."""
        for scope in self.top:
            yield from scope.walk()

    def rows(self, table: str | None) -> int:
        """Return how many rows a table is known to have; 0 where nobody knows."""
        return (self.sizes.rows(table) if self.sizes else None) or 0

    def finding(
        self, rule: Rule, node: Any, message: str, *, table: str | None = None
    ) -> Finding:
        """Return a finding at the first line of a node, in the query's file."""
        at = character_positions(self.query.sql)(_position(node))
        location, _ = self.query.place(at)
        return Finding(rule, location, rule.severity, message, table)


def inspect(
    query: Query,
    schema: Schema,
    *,
    role: str | None = None,
    sizes: Counts | None = None,
) -> Inspected:
    """Read a query's statements."""
    nodes = [unwrapped(raw.stmt) for raw in postgast.parse(query.sql).stmts]
    read = (read_scopes(node, schema) for node in nodes)
    return Inspected(
        query=query,
        schema=schema,
        top=tuple(scope for scope in read if scope is not None),
        truncated=tuple(
            each.range_var
            for node in nodes
            if isinstance(node, pb.TruncateStmt)
            for each in node.relations
        ),
        role=role,
        sizes=sizes,
    )


def conjuncts(condition: Any) -> Iterator[Any]:
    """Yield what must all be true for a condition to be."""
    node = unwrapped(condition)
    if isinstance(node, pb.BoolExpr) and node.boolop == pb.AND_EXPR:
        for each in node.args:
            yield from conjuncts(each)
    elif node is not None:
        yield node


def conditions(scope: Scope) -> list[Any]:
    """Return what each row of a level fulfils: its WHERE and its inner joins' ON."""
    found = list(conjuncts(getattr(scope.node, "where_clause", pb.Node())))
    sources = [
        unwrapped(each)
        for each in getattr(scope.node, "from_clause", ())
        or getattr(scope.node, "using_clause", ())
    ]
    while sources:
        node = sources.pop()
        if isinstance(node, pb.JoinExpr) and node.jointype == pb.JOIN_INNER:
            found += conjuncts(node.quals)
            sources += [unwrapped(node.larg), unwrapped(node.rarg)]
    return found


def references(node: Any) -> Iterator[Any]:
    """Yield the columns that an expression names, without those of its subqueries."""
    return (each for each in level(node) if isinstance(each, pb.ColumnRef))


def operator(node: Any) -> str:
    """Return the name of an expression's operator."""
    return str(node.name[-1].string.sval)


def _position(node: Any) -> int:
    """Return the first byte of a node that the parser tells."""
    return min(
        (
            each.location
            for _, each in postgast.walk(node)
            if "location" in each.DESCRIPTOR.fields_by_name and each.location > 0
        ),
        default=0,
    )
