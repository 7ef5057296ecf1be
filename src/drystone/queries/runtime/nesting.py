"""Folding flat rows into objects with objects and lists of objects below them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Nest(Generic[Row]):
    """How a row is made: of columns, by their index, and of what is nested in it.

    ``many`` makes a list, ``presence`` is the column that is NULL where there is none.
    """

    build: Callable[..., Row]
    fields: Sequence[int | Nest[Any]]
    many: bool = False
    presence: int | None = None

    def fold(self, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """Return the objects of flat rows, in the order in which they come first.

        Rows that are the same in an object's own columns are one object, if there is a
        list below it to tell them apart; what comes twice in a list is there once.
        """
        if self.presence is not None:
            rows = [row for row in rows if row[self.presence] is not None]
        if not self.many and not self._has_lists():
            return [self._make([row]) for row in rows]
        groups: dict[Hashable, list[Sequence[Any]]] = {}
        for row in rows:
            groups.setdefault(self._key(row), []).append(row)
        return [self._make(group) for group in groups.values()]

    def _has_lists(self) -> bool:
        below = (each for each in self.fields if isinstance(each, Nest))
        return any(each.many or each._has_lists() for each in below)

    def _make(self, rows: Sequence[Sequence[Any]]) -> Row:
        return self.build(*(_value(each, rows) for each in self.fields))

    def _key(self, row: Sequence[Any]) -> Hashable:
        """Return what tells an object from others: its own columns."""
        own: list[Hashable] = []
        for each in self.fields:
            if isinstance(each, int):
                own.append(_hashable(row[each]))
            elif not each.many:
                own.append(each._key(row))
        return tuple(own)


def _value(field: int | Nest[Any], rows: Sequence[Sequence[Any]]) -> Any:
    if isinstance(field, int):
        return rows[0][field]
    if field.many:
        return field.fold(rows)
    return next(iter(field.fold(rows)), None)


def _hashable(value: Any) -> Hashable:
    try:
        hash(value)
    except TypeError:  # a list, a dict of JSON, a vector
        return repr(value)
    return value  # type: ignore[no-any-return]
