"""Finding the parts of a statement that callers choose.

A condition is optional where it is written the way that plain SQL says so, in brackets
of its own: ``(:location::text IS NULL OR event.location = :location)``. The planner
would have to keep a plan that fits both; so what is sent has one or the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import postgast

from drystone.errors import QueryError
from drystone.queries.reading.lexer import Query, character_positions
from drystone.queries.runtime.choices import OrderBy, Piece, When

pb = postgast.pg_query_pb2

_OPEN, _CLOSE = pb.ASCII_40, pb.ASCII_41


@dataclass(frozen=True, slots=True)
class _Group:
    """An optional condition: its brackets, where it begins inside, its parameter."""

    start: int
    end: int
    condition: int
    parameter: int


def make_template(query: Query, orders: Mapping[str, str]) -> tuple[Piece, ...]:
    """Return a query's statement with the parts that callers choose cut out.

    Raises QueryError if the first of the orders is not in the statement exactly once.
    """
    text = query.sql
    tokens = _scan(text)
    cuts: list[tuple[int, int, Piece]] = [
        (
            group.start,
            group.end,
            When(group.parameter, text[group.condition : group.end - 1].strip()),
        )
        for group in _groups(text, tokens)
    ]
    if orders:
        start, end = _find_order(query, tokens, next(iter(orders.values())))
        cuts.append((start, end, OrderBy(dict(orders))))
    pieces: list[Piece] = []
    position = 0
    for start, end, piece in sorted(cuts, key=lambda cut: cut[:2]):
        if start < position:
            raise QueryError(
                f"an order of query {query.name} lies inside a condition",
                location=query.location,
            )
        pieces += [text[position:start], piece]
        position = end
    return (*pieces, text[position:])


def _groups(text: str, tokens: Sequence[Any]) -> list[_Group]:
    """Find the optional conditions, outermost ones only.

    A parameter that is used outside of its own conditions makes none optional.
    """
    closing = _closing(tokens)
    groups: list[_Group] = []
    for index, token in enumerate(tokens):
        if token.kind == _OPEN and not (groups and token.start < groups[-1].end):
            group = _group(text, tokens, index, closing[index])
            if group is not None:
                groups.append(group)
    used = [(_number(text, t), t.start) for t in tokens if t.kind == pb.PARAM]

    def is_alone(group: _Group) -> bool:
        return all(
            any(g.parameter == number and g.start < at < g.end for g in groups)
            for number, at in used
            if number == group.parameter
        )

    return [group for group in groups if is_alone(group)]


def _group(
    text: str, tokens: Sequence[Any], opening: int, closing: int
) -> _Group | None:
    """Read ``( $1 [:: type] IS NULL OR …  )``."""
    at = opening + 1
    if tokens[at].kind != pb.PARAM:
        return None
    number = _number(text, tokens[at])
    at += 1
    if tokens[at].kind == pb.TYPECAST:
        at += 1
        while at < closing and tokens[at].kind != pb.IS:
            at += 1
    kinds = [token.kind for token in tokens[at : at + 3]]
    if kinds != [pb.IS, pb.NULL_P, pb.OR]:
        return None
    return _Group(
        tokens[opening].start, tokens[closing].end, tokens[at + 2].end, number
    )


def _find_order(query: Query, tokens: Sequence[Any], order: str) -> tuple[int, int]:
    wanted = [order[t.start : t.end].lower() for t in _scan(order)]
    words = [query.sql[t.start : t.end].lower() for t in tokens]
    found = [
        index + 2
        for index in range(len(words) - 1)
        if words[index : index + 2] == ["order", "by"]
        and words[index + 2 : index + 2 + len(wanted)] == wanted
    ]
    if len(found) != 1:
        raise QueryError(
            f"query {query.name} has ORDER BY {order} {len(found)} times, not once",
            location=query.location,
            hint="The first order is the one that the statement has.",
        )
    return tokens[found[0]].start, tokens[found[0] + len(wanted) - 1].end


def _closing(tokens: Sequence[Any]) -> dict[int, int]:
    """Return, for each opening bracket, the one that closes it."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind == _OPEN:
            stack.append(index)
        elif token.kind == _CLOSE and stack:
            pairs[stack.pop()] = index
    return pairs


def _number(text: str, token: Any) -> int:
    return int(text[token.start + 1 : token.end])


@dataclass(frozen=True, slots=True)
class _Token:
    kind: int
    start: int
    end: int


def _scan(text: str) -> list[_Token]:
    to_characters = character_positions(text)
    return [
        _Token(token.token, to_characters(token.start), to_characters(token.end))
        for token in postgast.scan(text).tokens
        if token.token not in {pb.SQL_COMMENT, pb.C_COMMENT}
    ]
