"""PostgreSQL's own text form of its parse trees, read into Python.

It is what ``pg_proc.prosqlbody`` and ``pg_rewrite.ev_action`` hold, written by
``nodeToString()`` (src/backend/nodes/outfuncs.c). Labels are not interpreted here, so
that a version with other fields is read just as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Node(dict[str, Any]):
    """A node: its tag, and its fields by label.

    Values are nodes, lists, text, or None for what is absent.
    """

    __slots__ = ("tag",)

    def __init__(self, tag: str) -> None:
        super().__init__()
        self.tag = tag

    def integer(self, label: str) -> int:
        """Return a field that holds a number; 0 where it is absent."""
        return int(self.get(label) or 0)

    def flag(self, label: str) -> bool:
        """Return a field that holds true or false; false where it is absent."""
        return self.get(label) == "true"

    def nodes(self, label: str) -> list[Any]:
        """Return a field that holds a list; an empty one where it is absent."""
        return self.get(label) or []

    def members(self, label: str) -> set[int]:
        """Return a field that holds a set of numbers."""
        return {int(each) for each in self.nodes(label) if each != "b"}


def read_nodes(text: str) -> Any:
    """Read a tree; raises ValueError for text that is none."""
    tokens = _TOKEN.findall(text)
    try:
        value, end = _read(tokens, 0)
    except IndexError:
        raise ValueError("the text of a parse tree ends too early") from None
    if end != len(tokens):
        raise ValueError("the text of a parse tree goes on behind its end")
    return value


def walk(value: Any, *, into_queries: bool = True) -> Iterator[Node]:
    """Yield every node in a value, outer ones first; those of subqueries if asked."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting += reversed(each)
        elif isinstance(each, Node):
            yield each
            if each.tag != "QUERY" or into_queries:
                waiting += reversed(each.values())


def _read(tokens: list[str], at: int) -> tuple[Any, int]:
    token = tokens[at]
    if token == "{":  # noqa: S105
        return _read_node(tokens, at + 1)
    if token == "(":  # noqa: S105
        values = []
        at += 1
        while tokens[at] != ")":
            value, at = _read(tokens, at)
            values.append(value)
        return values, at + 1
    if token == "<>":  # noqa: S105
        return None, at + 1
    return _ESCAPE.sub(r"\1", token) if "\\" in token else token, at + 1


def _read_node(tokens: list[str], at: int) -> tuple[Node, int]:
    node = Node(tokens[at])
    at += 1
    while tokens[at] != "}":
        label = tokens[at][1:]
        value, at = _read(tokens, at + 1)
        if tokens[at] == "[":  # the bytes of a constant, behind their number
            end = tokens.index("]", at)
            value, at = tokens[at + 1 : end], end + 1
        node[label] = value
    return node, at + 1
