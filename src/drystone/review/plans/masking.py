"""Conditions as they are shown: with the names of parameters, never with values.

A plan made for given values holds them as constants. Where the plan that PostgreSQL
makes without values has the same nodes, its conditions are taken, in which ``$1``
stands. Elsewhere every constant that is not in those, nor in the query itself, is taken
to come from a value, and so the condition from the one that is the same around it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import postgast

from drystone.queries.reading.lexer import character_positions
from drystone.review.plans.nodes import conditions, documents

pb = postgast.pg_query_pb2

_NUMBERED = re.compile(r"\$(\d+)")
_CONSTANTS = {pb.SCONST, pb.ICONST, pb.FCONST, pb.BCONST, pb.XCONST, pb.USCONST}
_CAST = re.compile(r"(?:::[\w.\" ]+(?:\[\])?(?=[^\w.\" \[]|$))?")
_UNKNOWN = "…"
_IDENTITY = ("Node Type", "Relation Name", "Alias", "Index Name", "CTE Name")

Texts = Sequence[Mapping[str, str]]


def masked(
    plan: Mapping[str, Any],
    generic: Mapping[str, Any] | None,
    *,
    sql: str,
    names: Sequence[str],
) -> Texts:
    """Return each node's conditions with names in place of the parameters' values.

    ``generic`` is the plan of the same statement, whose parameters have the ``names``,
    without values.
    """
    nodes = list(documents(plan))
    others = [] if generic is None else list(documents(generic))
    if [_identity(each) for each in nodes] == [_identity(each) for each in others]:
        return [
            {name: _named(text, names) for name, text in conditions(each).items()}
            for each in others
        ]
    generics = [text for each in others for text in conditions(each).values()]
    mask = _Mask(
        frozenset().union(_constants(sql), *map(_constants, generics)),
        [part for text in generics for part in _conjuncts(text)],
    )
    return [
        {name: _named(mask(text), names) for name, text in conditions(each).items()}
        for each in nodes
    ]


class _Mask:
    """Puts parameters in the place of constants that come from values."""

    def __init__(self, known: frozenset[str], generics: Sequence[str]) -> None:
        self._known = known
        self._generics = dict.fromkeys(generics)

    def __call__(self, text: str) -> str:
        parts = [self._conjunct(part) for part in _conjuncts(text)]
        return parts[0] if len(parts) == 1 else f"({' AND '.join(parts)})"

    def _conjunct(self, text: str) -> str:
        """Return the one that the plan without values has in its place, if it has."""
        pieces = self._between_values(text)
        if len(pieces) == 1:
            return text
        pattern = re.compile(".+".join(map(re.escape, pieces)), re.DOTALL)
        meant = [each for each in self._generics if pattern.fullmatch(each)]
        return meant[0] if len(meant) == 1 else _UNKNOWN.join(pieces)

    def _between_values(self, text: str) -> list[str]:
        pieces: list[str] = []
        at = 0
        for start, end in _places(text):
            if text[start:end] not in self._known:
                pieces.append(text[at:start])
                at = end + len(_CAST.match(text, end)[0])  # type: ignore[index]
        return [*pieces, text[at:]]


def _conjuncts(text: str) -> list[str]:
    """Return the conditions that are all to hold, as EXPLAIN brackets them."""
    if not text.startswith("(("):
        return [text]
    parts, depth, begin, quoted = [], 0, 1, False
    for place, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if depth == 0 and place < len(text) - 1:
                return [text]
            if depth == 1 and text.startswith(" AND ", place):
                parts.append(text[begin:place])
                begin = place + len(" AND ")
    return [*parts, text[begin:-1]] if parts else [text]


def _identity(plan: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes a node the same in two plans, and what conditions it has."""
    return (*(plan.get(key) for key in _IDENTITY), *conditions(plan))


def _named(text: str, names: Sequence[str]) -> str:
    return _NUMBERED.sub(
        lambda found: (
            f":{names[int(found[1]) - 1]}"
            if int(found[1]) <= len(names)
            else found.group()
        ),
        text,
    )


def _constants(text: str) -> frozenset[str]:
    return frozenset(text[start:end] for start, end in _places(text))


def _places(text: str) -> list[tuple[int, int]]:
    """Return where constants are; what cannot be scanned is one as a whole."""
    try:
        tokens = postgast.scan(text).tokens
    except postgast.PgQueryError:
        return [(0, len(text))]
    to_characters = character_positions(text)
    return [
        (to_characters(each.start), to_characters(each.end))
        for each in tokens
        if each.token in _CONSTANTS
    ]
