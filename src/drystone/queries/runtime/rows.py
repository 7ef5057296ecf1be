"""How a row is made of what the server sends: its columns' values, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import EnumType
from operator import itemgetter
from typing import Any, cast

from drystone.errors import QueryError

Values = Sequence[Any]


def row_maker(
    name: str,
    row: Callable[..., Any] | None,
    converters: Mapping[int, Callable[[Any], Any]],
) -> Callable[[Values], Any]:
    """Return what makes a row of the columns' values."""
    if row is None and not converters:
        return itemgetter(0)
    build = row or (lambda first, *_: first)
    columns = [(index, _lookup(convert)) for index, convert in converters.items()]

    def make(values: Values) -> Any:
        try:
            return build(*values)
        except TypeError as error:
            raise _outdated(name) from error

    def make_converted(values: Values) -> Any:
        converted = list(values)
        for index, convert in columns:
            try:
                if (value := converted[index]) is not None:
                    converted[index] = convert(value)
            except (IndexError, KeyError, TypeError, ValueError) as error:
                raise _outdated(name, column=index + 1) from error
        return make(converted)

    return make_converted if columns else make


def flat(*values: Any) -> Any:
    """Return the columns as they are, to be folded later."""
    return values


def _lookup(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Replace the call of an enum by the look-up that it comes down to.

    In binary form psycopg returns a label as bytes.
    """
    if isinstance(convert, EnumType):
        members = cast("Iterable[Any]", convert)
        labels = {member.value: member for member in members}
        return {**labels, **{str(k).encode(): v for k, v in labels.items()}}.__getitem__
    return convert


def _outdated(name: str, *, column: int | None = None) -> QueryError:
    what = "a row" if column is None else f"a value in column {column}"
    return QueryError(
        f"query {name} returned {what} that its function was not generated for",
        query=name,
        hint="Generate the functions again, from the database's present schema; or let"
        " the model of a JSON column take what the column holds.",
    )
