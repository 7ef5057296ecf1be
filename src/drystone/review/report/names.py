"""The tables that a text of SQL names, and which of them it writes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import postgast

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_WRITING = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}
_DEFINITIONS = {"CommonTableExpr"}


@dataclass(frozen=True, slots=True)
class Named:
    """Tables by name, qualified where the text says their schema, without quotes."""

    read: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        """Tables that are read or written."""
        return self.read | self.written


def named(text: str) -> Named:
    """Return the tables that statements name; none where they do not parse.

    A name without a schema that a WITH clause defines is no table. Dropped tables
    count as written.
    """
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError:
        return Named()
    everything, written, defined = set(), set(), set()
    for _, node in postgast.walk(tree):
        kind = type(node).__name__
        if kind == "RangeVar":
            everything.add(_name(node))
        elif kind in _WRITING:
            written.add(_name(node.relation))
        elif kind == "DropStmt":
            written |= set(_dropped(node))
        elif kind in _DEFINITIONS:
            defined.add(f"public.{node.ctename}")
    return Named(frozenset(everything - written - defined), frozenset(written))


def unquoted(name: str) -> str:
    """Return a name without the quotes that SQL needs."""
    return _QUOTED.sub(lambda each: each[1].replace('""', '"'), name)


def column_list(definition: str) -> list[str]:
    """Return the columns in the first parentheses of a constraint's definition."""
    _, _, inside = definition.partition("(")
    return [unquoted(each.strip()) for each in inside.partition(")")[0].split(",")]


def _name(relation: Any) -> str:
    return f"{relation.schemaname or 'public'}.{relation.relname}"


def _dropped(node: Any) -> Iterable[str]:
    for each in node.objects:
        if each.HasField("list"):
            parts = [item.string.sval for item in each.list.items]
            yield ".".join(parts if len(parts) > 1 else ["public", *parts])
