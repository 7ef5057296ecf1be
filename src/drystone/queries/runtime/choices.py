"""Statements with parts to choose: conditions that may be left out, and orders.

Every text that can be sent is one of those that were prepared when the code was
generated; nothing that a caller passes becomes a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from drystone.errors import BadInput
from drystone.queries.runtime.nesting import Nest
from drystone.queries.runtime.statement import Statement

Row = TypeVar("Row")

# What stands in the place of a condition that was left out, and its parameter's type.
_TRUE = "TRUE"
_ABSENT = "text"


@dataclass(frozen=True, slots=True)
class When:
    """A condition that is left out where a parameter, counted from 1, is None."""

    parameter: int
    condition: str


@dataclass(frozen=True, slots=True)
class OrderBy:
    """Orders by name; the first is the default."""

    orders: Mapping[str, str]


Piece = str | When | OrderBy


def assemble(
    pieces: Sequence[Piece], present: frozenset[int], order: str | None
) -> str:
    """Return the statement for the parameters that are not None, and an order."""
    return "".join(_text(piece, present, order) for piece in pieces)


def conditional(pieces: Sequence[Piece]) -> list[int]:
    """Return the parameters that conditions depend on, in order."""
    return sorted({piece.parameter for piece in pieces if isinstance(piece, When)})


def order_names(pieces: Sequence[Piece]) -> list[str]:
    """Return the names of the orders, the default first."""
    return [
        name for piece in pieces if isinstance(piece, OrderBy) for name in piece.orders
    ]


class Choice(Generic[Row]):
    """The statements of a query, made when they are first asked for."""

    def __init__(
        self,
        name: str,
        pieces: Sequence[Piece],
        *,
        parameters: Sequence[tuple[str, str]] = (),
        row: Callable[..., Row] | None = None,
        nest: Nest[Row] | None = None,
        converters: Mapping[int, Callable[[Any], Any]] | None = None,
        binary: bool = False,
        replica: bool = False,
    ) -> None:
        self._name = name
        self.replica = replica
        self._pieces = pieces
        self._parameters = parameters
        self._row = row
        self._nest = nest
        self._converters = converters
        self._binary = binary
        self._optional = [number - 1 for number in conditional(pieces)]
        self._orders = order_names(pieces)
        self._made: dict[tuple[tuple[bool, ...], str | None], Statement[Row]] = {}

    def pick(self, values: Sequence[Any], order: str | None = None) -> Statement[Row]:
        """Return the statement for values and an order.

        Raises BadInput for an order that the query does not have.
        """
        present = tuple(values[index] is not None for index in self._optional)
        made = self._made.get((present, order))
        if made is None:
            if order is not None and order not in self._orders:
                raise BadInput(
                    f"query {self._name} has no such order",
                    query=self._name,
                    hint=f"It has: {', '.join(self._orders)}.",
                )
            made = self._made[present, order] = self._make(present, order)
        return made

    def _make(self, present: tuple[bool, ...], order: str | None) -> Statement[Row]:
        there = frozenset(
            index + 1
            for index, here in zip(self._optional, present, strict=True)
            if here
        )
        absent = {index + 1 for index in self._optional} - there
        return Statement(
            self._name,
            assemble(self._pieces, there, order),
            parameters=[
                (name, _ABSENT if number in absent else type_)
                for number, (name, type_) in enumerate(self._parameters, 1)
            ],
            row=self._row,
            nest=self._nest,
            converters=self._converters,
            binary=self._binary,
            replica=self.replica,
        )


def _text(piece: Piece, present: frozenset[int], order: str | None) -> str:
    match piece:
        case str():
            return piece
        case When():
            there = piece.parameter in present
            return f"({piece.condition})" if there else _TRUE
    return piece.orders[order or next(iter(piece.orders))]
