"""The shape of a query's rows: flat, or a tree of objects by dots in column names.

A column ``"venue.name"`` belongs to an object ``venue``, which is None where an outer
join found none; ``"speakers[].name"`` to a list of objects, one for each row that the
rest of the columns are the same in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from keyword import iskeyword

from drystone.errors import QueryError
from drystone.queries.describing.description import Column
from drystone.queries.generation.types import PythonType, TypeMap, class_name, modelled

_MANY = "[]"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column: its place in the result, and its type."""

    index: int
    type: PythonType
    nullable: bool

    @property
    def annotation(self) -> str:
        """The type as it is written, with None where that can be."""
        optional = self.nullable and self.type.annotation != "None"
        return f"{self.type.annotation} | None" if optional else self.type.annotation


@dataclass(slots=True)
class Branch:
    """An object of columns and objects.

    It is there where the column ``presence`` is not NULL, or always if that is None.
    """

    many: bool = False
    presence: int | None = None
    fields: dict[str, Leaf | Branch] = field(default_factory=dict)

    @property
    def leaves(self) -> list[Leaf]:
        """The columns that belong to this object itself."""
        return [each for each in self.fields.values() if isinstance(each, Leaf)]

    @property
    def branches(self) -> dict[str, Branch]:
        """The objects below this one."""
        return {
            name: each for name, each in self.fields.items() if isinstance(each, Branch)
        }


def make_shape(
    query: str,
    columns: Sequence[Column],
    types: TypeMap,
    models: Mapping[str, str] | None = None,
) -> Branch:
    """Return the shape of a query's rows; ``models`` are those of JSON columns.

    Raises QueryError for names that Python cannot use, that clash, or for an object
    that might be absent without a column to tell it by.
    """
    root = Branch()
    for index, column in enumerate(columns):
        branch = root
        *path, name = column.name.split(".")
        for step in path:
            key = step.removesuffix(_MANY)
            _check_name(query, column.name, key)
            below = branch.fields.setdefault(key, Branch(many=step.endswith(_MANY)))
            if not isinstance(below, Branch):
                raise _clash(query, key)
            branch = below
        _check_name(query, column.name, name)
        if name in branch.fields:
            raise _clash(query, name)
        model = (models or {}).get(column.name)
        kind = types.given(column.oid) if model is None else modelled(model)
        branch.fields[name] = Leaf(index, kind, column.nullable)
    for name, branch in root.branches.items():
        _find_presence(query, name, branch, columns)
    return root


def _find_presence(
    query: str, name: str, branch: Branch, columns: Sequence[Column]
) -> None:
    """Find the column that tells whether an object is there.

    Those that the same outer joins alone can make NULL are not NULL where it is there.
    """
    joins = {leaf.index: columns[leaf.index].joins for leaf in branch.leaves}
    known = [each for each in joins.values() if each is not None]
    least = next((j for j in known if not any(other < j for other in known)), None)
    if least is None:
        raise QueryError(
            f"query {query} cannot tell whether {name} is there: "
            "each of its columns may be NULL",
            query=query,
            hint="Select a column that is NOT NULL in its table, such as the key.",
        )
    for key, leaf in branch.fields.items():
        if isinstance(leaf, Leaf) and joins[leaf.index] == least:
            branch.fields[key] = replace(leaf, nullable=False)
            if least and branch.presence is None:
                branch.presence = leaf.index
    for key, below in branch.branches.items():
        _find_presence(query, key, below, columns)


def _check_name(query: str, column: str, name: str) -> None:
    if not name.isidentifier() or iskeyword(name):
        raise QueryError(
            f"a column of query {query} is called {column!r}",
            query=query,
            hint="Give it a name that Python can use: AS total",
        )


def _clash(query: str, name: str) -> QueryError:
    return QueryError(
        f"query {query} returns two columns of the name {name}",
        query=query,
        hint="Rename one of them: AS …",
    )


def branch_class(row: str, name: str) -> str:
    """Return the class of an object below a row's class."""
    return f"{row}{class_name(name)}"
