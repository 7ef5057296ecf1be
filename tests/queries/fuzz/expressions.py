"""Random expressions of a type, from the templates of grammar.py."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple, TypeVar

from tests.queries.fuzz import grammar
from tests.queries.fuzz.schema import TYPES, VALUES, Relation

T = TypeVar("T")

_HOLE = re.compile(
    r"<(?:(constant|type|select|one):)?"
    rf"((?:{'|'.join(TYPES)}|T|row)(?:,(?:{'|'.join(TYPES)}))*)>"
)


class Leaf(NamedTuple):
    """Something in scope that has a type, ``row`` for whole rows."""

    sql: str
    type: str
    name: str = ""


class Scope(NamedTuple):
    """What an expression may name itself, and what the queries within it may."""

    leaves: Sequence[Leaf] = ()
    inner: Sequence[Leaf] = ()


EMPTY = Scope()


def scope_of(leaves: Sequence[Leaf]) -> Scope:
    """Return the scope of leaves that may be used at any depth."""
    return Scope(leaves, leaves)


class Expressions:
    """Draws expressions; ``values`` collects those of the parameters $1, $2, …"""

    def __init__(self, chance: random.Random, relations: Sequence[Relation]) -> None:
        self.chance = chance
        self.relations = relations
        self.values: list[str | None] = []
        # What is left to spend on anything deeper than a leaf.
        self.fuel = chance.choice([2, 4, 8, 16, 30])
        self._numbers = count(1)

    def select(
        self, types: Sequence[str], outer: Scope = EMPTY, *, one: bool = False
    ) -> str:
        """Return a query with columns c1, c2, … of these types; selects.py has it."""
        raise NotImplementedError

    def often(self, probability: float) -> bool:
        return self.chance.random() < probability

    def pick(self, choices: Sequence[T]) -> T:
        return self.chance.choice(choices)

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"

    def types(self, most: int = 4) -> list[str]:
        return [self.pick(list(TYPES)) for _ in range(self.chance.randint(1, most))]

    def spend(self) -> bool:
        """Say whether there is fuel for something deep, and use some."""
        self.fuel -= 1
        return self.fuel >= 0

    def expression(self, type_: str, scope: Scope) -> str:
        """Return an expression of the type, in parentheses where it needs them."""
        if not self.spend() or self.often(0.35):
            return self.leaf(type_, scope)
        if type_ == "bool" and self.often(0.5):
            return self.condition(scope)
        templates = grammar.ANY if self.often(0.35) else grammar.EXPRESSIONS[type_]
        return self.filled(self.pick(templates), scope, type_)

    def condition(self, scope: Scope) -> str:
        """Return a comparison or test, most likely of a column in scope."""
        typed = [leaf.type for leaf in scope.leaves if leaf.type in TYPES]
        type_ = self.pick(typed or list(TYPES))
        return self.filled(self.pick(grammar.CONDITIONS), scope, type_)

    def predicate(self, scope: Scope) -> str:
        """Return what a WHERE or ON may hold: conditions, and connectives of them."""
        if self.often(0.6):
            return self.condition(scope)
        if self.often(0.3):
            return self.expression("bool", scope)
        one, other = self.condition(scope), self.condition(scope)
        return self.pick(
            [f"({one} AND {other})", f"({one} OR {other})", f"(NOT {one})"]
        )

    def filled(self, template: str, scope: Scope, type_: str = "int") -> str:
        """Return the template with every hole filled; <T> is the given type."""

        def fill(match: re.Match[str]) -> str:
            what, wanted = match.groups()
            wanted = wanted.replace("T", type_)
            if what == "constant":
                return self.constant(wanted)
            if what == "type":
                return TYPES[wanted]
            if what:
                inner = Scope(scope.inner, scope.inner)
                return self.select(wanted.split(","), inner, one=what == "one")
            if wanted == "row":
                return self.row(scope)
            return self.expression(wanted, scope)

        return _HOLE.sub(fill, template)

    def leaf(self, type_: str, scope: Scope) -> str:
        """Return a column in scope, a constant, NULL or a parameter."""
        fitting = [leaf.sql for leaf in scope.leaves if leaf.type == type_]
        if fitting and self.often(0.8):
            return self.pick(fitting)
        if self.often(0.15):
            return f"NULL::{TYPES[type_]}"
        if self.often(0.15):
            return self.parameter(type_)
        return self.constant(type_)

    def constant(self, type_: str) -> str:
        value = self.pick(VALUES[type_])
        plain = type_ in ("int", "num", "bool") and not value.startswith("-")
        return value if plain else f"'{value}'::{TYPES[type_]}"

    def parameter(self, type_: str) -> str:
        self.values.append(None if self.often(0.3) else self.pick(VALUES[type_]))
        return f"${len(self.values)}::{TYPES[type_]}"

    def row(self, scope: Scope) -> str:
        """Return a table's whole row, or one made of an expression."""
        rows = [leaf.sql for leaf in scope.leaves if leaf.type == "row"]
        if rows:
            return self.pick(rows)
        return f"ROW({self.leaf('int', scope)}, {self.leaf('text', scope)})"
